package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.unit.Pages;

/// The counters of an allocator at one moment. Requests that fail are not allocations, whether they
/// came through a plain or a `try` method. Each frame is free, cached or in use.
///
/// @param totalFrames frames handed over to the allocator
/// @param freeFrames frames free at that moment
/// @param cachedFrames frames that wait in caches at that moment: neither free nor in use
/// @param peakUsedFrames the most frames in use since the last reset; an allocator that many
///   threads use keeps no running count, and says the most that it has seen when it looked: at a
///   snapshot, and when not even a single frame was left
/// @param requests requests for memory since the last reset, with the refused and failed ones
/// @param allocations requests that were served
/// @param failures requests that were refused or failed; exhaustion and mistakes alike
/// @param frees blocks and runs given back
/// @param refusedFrees attempts to give something back that were mistakes
/// @param splits blocks cut in half; by an allocator that many threads use: blocks that were cut
///   into 32 blocks, or into 512 frames
/// @param coalesces pairs of buddies joined; by an allocator that many threads use: blocks that
///   became whole again
/// @param largestRequestFrames the largest legal count asked for since the last reset, served or
///   not; [#NOT_KEPT] by an allocator that many threads use
/// @param peakDemandFrames the most frames outstanding at once since the last reset when every
///   request counts as the next power of two, and one that failed as though it had been served;
///   [#NOT_KEPT] likewise, as it takes a count that all of them would share
public record FrameStatistics(
    long totalFrames,
    long freeFrames,
    long cachedFrames,
    long peakUsedFrames,
    long requests,
    long allocations,
    long failures,
    long frees,
    long refusedFrees,
    long splits,
    long coalesces,
    long largestRequestFrames,
    long peakDemandFrames) {
  /// In place of a figure that the allocator does not keep.
  public static final long NOT_KEPT = -1;

  /// Statistics of a memory of which nothing is counted yet.
  ///
  /// @param totalFrames frames there are
  /// @param freeFrames of them free, at most `totalFrames`
  /// @return all counters zero, no caches, the peak at the present use
  public static FrameStatistics of(long totalFrames, long freeFrames) {
    return new FrameStatistics(
        totalFrames, freeFrames, 0, totalFrames - freeFrames, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  }

  /// Frames in use.
  ///
  /// @return a count
  public long usedFrames() {
    return totalFrames - freeFrames - cachedFrames;
  }

  /// Bytes handed over.
  ///
  /// @return a multiple of 4096
  public long totalBytes() {
    return Pages.framesToBytes(totalFrames);
  }

  /// Bytes free.
  ///
  /// @return a multiple of 4096
  public long freeBytes() {
    return Pages.framesToBytes(freeFrames);
  }

  /// Bytes in use.
  ///
  /// @return a multiple of 4096
  public long usedBytes() {
    return Pages.framesToBytes(usedFrames());
  }

  /// The share of the memory that is in use, rounded down.
  ///
  /// @return 0 … 100 percent; 0 if there is no memory
  public int utilisationPercent() {
    return totalFrames == 0 ? 0 : (int) (usedFrames() * 100 / totalFrames);
  }

  /// The share of the requests that were served, rounded down.
  ///
  /// @return 0 … 100 percent; 100 if nothing was requested
  public int successPercent() {
    return requests == 0 ? 100 : (int) (allocations * 100 / requests);
  }

  /// The memory with which the requests since the last reset could not have failed, in whatever
  /// order they had come: with M the peak demand and n = 2^k the largest request, both in frames
  /// and rounded up to powers of two, `M (1 + k/2) - n + 1` frames.
  ///
  /// Robson, *Bounds for some functions concerning dynamic storage allocation*, JACM 21 (1974); the
  /// form is the one in SQLite's `mem5.c`. It speaks of one naturally aligned memory and of
  /// requests that are powers of two and may be served anywhere. A failed request for a certain
  /// place is not in the demand.
  ///
  /// @return frames, rounded up; 0 if nothing was requested; [#NOT_KEPT] if the demand is not kept
  public long robsonBoundFrames() {
    if (largestRequestFrames <= 0) {
      return largestRequestFrames;
    }
    int order = Pages.framesToOrderUp(largestRequestFrames);
    long halves = Math.addExact(Math.multiplyExact(peakDemandFrames, order), 1) >>> 1;
    return peakDemandFrames + halves - Pages.orderToFrames(order) + 1;
  }

  /// Whether Robson's bound says that no request since the last reset may have run out of memory.
  ///
  /// @return true if the bound is known, and the memory at least as large as [#robsonBoundFrames()]
  public boolean isWithinRobsonBound() {
    return largestRequestFrames != NOT_KEPT && totalFrames >= robsonBoundFrames();
  }

  /// For example `512/1024 frames used (50%), 7 allocations, 2 failed, 3 frees, peak 600`; frames
  /// in caches are said behind it, `, 40 cached`, if there are any.
  @Override
  public String toString() {
    return usedFrames()
        + "/"
        + totalFrames
        + " frames used ("
        + utilisationPercent()
        + "%), "
        + allocations
        + " allocations, "
        + failures
        + " failed, "
        + frees
        + " frees, peak "
        + peakUsedFrames
        + (cachedFrames == 0 ? "" : ", " + cachedFrames + " cached");
  }
}
