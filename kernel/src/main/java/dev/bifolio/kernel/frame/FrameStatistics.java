package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.unit.Pages;

/// The counters of an allocator at one moment.
///
/// @param totalFrames frames handed over to the allocator
/// @param freeFrames frames free at that moment
/// @param peakUsedFrames the most frames in use since the last reset
/// @param requests requests for memory, with the refused and failed ones
/// @param allocations requests that were served
/// @param failures requests that were refused or failed; exhaustion and mistakes alike
/// @param frees blocks and runs given back
/// @param splits blocks cut in half
/// @param coalesces pairs of buddies joined
/// @param largestRequestFrames the largest count asked for and served since the last reset
public record FrameStatistics(
    long totalFrames,
    long freeFrames,
    long peakUsedFrames,
    long requests,
    long allocations,
    long failures,
    long frees,
    long splits,
    long coalesces,
    long largestRequestFrames) {
  /// Frames in use.
  ///
  /// @return a count
  public long usedFrames() {
    return totalFrames - freeFrames;
  }

  /// Bytes in use.
  ///
  /// @return a multiple of 4096
  public long usedBytes() {
    return usedFrames() * Pages.PAGE_SIZE;
  }
}
