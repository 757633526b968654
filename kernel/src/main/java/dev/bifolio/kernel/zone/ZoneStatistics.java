package dev.bifolio.kernel.zone;

import dev.bifolio.kernel.frame.FrameStatistics;

/// Sums of [FrameStatistics].
final class ZoneStatistics {
  private ZoneStatistics() {}

  /// What two sources count together. The sum of two peaks is an upper bound of the common one.
  static FrameStatistics sum(FrameStatistics one, FrameStatistics other) {
    return new FrameStatistics(
        one.totalFrames() + other.totalFrames(),
        one.freeFrames() + other.freeFrames(),
        one.cachedFrames() + other.cachedFrames(),
        one.peakUsedFrames() + other.peakUsedFrames(),
        one.requests() + other.requests(),
        one.allocations() + other.allocations(),
        one.failures() + other.failures(),
        one.frees() + other.frees(),
        one.refusedFrees() + other.refusedFrees(),
        one.splits() + other.splits(),
        one.coalesces() + other.coalesces(),
        largest(one.largestRequestFrames(), other.largestRequestFrames()),
        demand(one.peakDemandFrames(), other.peakDemandFrames()));
  }

  private static long largest(long one, long other) {
    return isKept(one, other) ? Math.max(one, other) : FrameStatistics.NOT_KEPT;
  }

  private static long demand(long one, long other) {
    return isKept(one, other) ? one + other : FrameStatistics.NOT_KEPT;
  }

  private static boolean isKept(long one, long other) {
    return one != FrameStatistics.NOT_KEPT && other != FrameStatistics.NOT_KEPT;
  }

  /// The same without frames that are in nobody's hands but out of use.
  static FrameStatistics without(FrameStatistics all, long offlineFrames) {
    return offlineFrames == 0
        ? all
        : copy(
            all,
            all.totalFrames() - offlineFrames,
            Math.max(0, all.peakUsedFrames() - offlineFrames));
  }

  /// The same with another peak.
  static FrameStatistics withPeak(FrameStatistics of, long peakUsedFrames) {
    return copy(of, of.totalFrames(), peakUsedFrames);
  }

  private static FrameStatistics copy(FrameStatistics of, long totalFrames, long peakUsedFrames) {
    return new FrameStatistics(
        totalFrames,
        of.freeFrames(),
        of.cachedFrames(),
        peakUsedFrames,
        of.requests(),
        of.allocations(),
        of.failures(),
        of.frees(),
        of.refusedFrees(),
        of.splits(),
        of.coalesces(),
        of.largestRequestFrames(),
        of.peakDemandFrames());
  }
}
