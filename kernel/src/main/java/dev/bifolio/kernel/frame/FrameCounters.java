package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;
import dev.bifolio.kernel.unit.Pages;

/// The running counters of one source of frames, an allocator or a machine of several, of which
/// [FrameStatistics] is a copy. One thread; a few additions each; no Java objects but the copies.
public final class FrameCounters {
  private static final int ORDER_COUNT = Pages.MAX_ORDER + 1;

  private long totalFrames;
  private long freeFrames;
  private long peakUsedFrames;
  private long requests;
  private long allocations;
  private long failures;
  private long frees;
  private long refusedFrees;
  private long splits;
  private long joins;
  private long largestRequestFrames;
  private long demandFrames;
  private long peakDemandFrames;
  private final long[] allocationsOf = new long[ORDER_COUNT * AllocationFlags.KIND_COUNT];
  private final long[] freesOf = new long[ORDER_COUNT];
  private final long[] failuresOf = new long[ORDER_COUNT];

  /// Counters of a source without frames.
  public FrameCounters() {}

  /// Frames were handed over; they are free.
  ///
  /// @param frameCount how many
  public void added(long frameCount) {
    totalFrames += frameCount;
    freeFrames += frameCount;
  }

  /// A request was served.
  ///
  /// @param frameCount asked for and taken
  /// @param kind its [AllocationFlags#kindOf(int)]
  public void allocated(long frameCount, int kind) {
    requests++;
    allocations++;
    allocationsOf[orderOf(frameCount) * AllocationFlags.KIND_COUNT + kind]++;
    freeFrames -= frameCount;
    demandFrames += roundedUp(frameCount);
    peakUsedFrames = Math.max(peakUsedFrames, usedFrames());
    noteDemand(frameCount, demandFrames);
  }

  /// A legal request found no memory.
  ///
  /// @param frameCount asked for
  public void exhausted(long frameCount) {
    missed(frameCount);
    noteDemand(frameCount, demandFrames + roundedUp(frameCount));
  }

  /// A legal request for certain frames, or for frames below a limit, found them taken: a failure,
  /// but not one that more memory would have prevented, and therefore no demand.
  ///
  /// @param frameCount asked for
  public void missed(long frameCount) {
    requests++;
    failures++;
    failuresOf[orderOf(frameCount)]++;
  }

  /// A request was illegal.
  public void refused() {
    requests++;
    failures++;
  }

  /// A block or run came back.
  ///
  /// @param frameCount how many frames
  /// @throws FrameRequestException with CORRUPTION if more would be free than there is; nothing
  ///   changes then
  public void freed(long frameCount) {
    if (frameCount > totalFrames - freeFrames) {
      throw new FrameRequestException(
          FrameError.CORRUPTION,
          "expected at most "
              + usedFrames()
              + " frames to come back, found a free of "
              + frameCount
              + " frames");
    }
    frees++;
    freesOf[orderOf(frameCount)]++;
    freeFrames += frameCount;
    demandFrames -= roundedUp(frameCount);
  }

  /// A free was refused.
  public void refusedFree() {
    refusedFrees++;
  }

  /// An allocated run became single frames. It had as many blocks as its count has bits.
  ///
  /// @param frameCount the run's frames
  public void splitIntoFrames(long frameCount) {
    splits += frameCount - Long.bitCount(frameCount);
    demandFrames += frameCount - roundedUp(frameCount);
  }

  void split(long count) {
    splits += count;
  }

  void joined() {
    joins++;
  }

  /// Every allocation is forgotten.
  void allFree() {
    freeFrames = totalFrames;
    demandFrames = 0;
    resetRequests();
  }

  /// Zero, but for the memory itself; the peaks are what is in use now.
  public void resetRequests() {
    requests = 0;
    allocations = 0;
    failures = 0;
    frees = 0;
    refusedFrees = 0;
    clear(allocationsOf);
    clear(freesOf);
    clear(failuresOf);
    splits = 0;
    joins = 0;
    largestRequestFrames = 0;
    peakUsedFrames = usedFrames();
    peakDemandFrames = demandFrames;
  }

  /// Frames handed over.
  ///
  /// @return a count
  public long totalFrames() {
    return totalFrames;
  }

  /// Requests served, of one order and kind; a run counts under the order of the next power of two.
  ///
  /// @param order 0 … 20
  /// @param kind 0 … [AllocationFlags#KIND_COUNT] - 1
  /// @return a count since the last reset
  public long allocationCount(int order, int kind) {
    return allocationsOf[order * AllocationFlags.KIND_COUNT + kind];
  }

  /// Blocks and runs given back, of one order.
  ///
  /// @param order 0 … 20
  /// @return a count since the last reset
  public long freeCount(int order) {
    return freesOf[order];
  }

  /// Legal requests that found no memory, of one order; what exceeds the largest order counts
  /// there.
  ///
  /// @param order 0 … 20
  /// @return a count since the last reset
  public long failureCount(int order) {
    return failuresOf[order];
  }

  /// Frames that are free, those that wait in caches with them.
  ///
  /// @return a count
  public long freeFrames() {
    return freeFrames;
  }

  long usedFrames() {
    return totalFrames - freeFrames;
  }

  FrameStatistics snapshot() {
    return snapshot(0, splits, joins);
  }

  /// A copy, with caches and the work on blocks counted elsewhere.
  ///
  /// @param cachedFrames of the free frames, those that wait in caches
  /// @param splitCount blocks cut in half
  /// @param coalesceCount pairs of buddies joined
  /// @return the counters at this moment
  public FrameStatistics snapshot(long cachedFrames, long splitCount, long coalesceCount) {
    return new FrameStatistics(
        totalFrames,
        freeFrames - cachedFrames,
        cachedFrames,
        peakUsedFrames,
        requests,
        allocations,
        failures,
        frees,
        refusedFrees,
        splitCount,
        coalesceCount,
        largestRequestFrames,
        peakDemandFrames);
  }

  private void noteDemand(long frameCount, long demand) {
    largestRequestFrames = Math.max(largestRequestFrames, frameCount);
    peakDemandFrames = Math.max(peakDemandFrames, demand);
  }

  private static void clear(long[] counts) {
    for (int i = 0; i < counts.length; i++) {
      counts[i] = 0;
    }
  }

  private static int orderOf(long frameCount) {
    return Math.min(Pages.MAX_ORDER, Pages.framesToOrderUp(frameCount));
  }

  private static long roundedUp(long frameCount) {
    return Pages.orderToFrames(Pages.framesToOrderUp(frameCount));
  }
}
