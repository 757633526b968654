package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.Pages;

/// What is legal in a request with an alignment, a limit and a boundary, the same for every
/// allocator.
public final class PlacedRequests {
  private PlacedRequests() {}

  /// Checks all but the limit, which cannot be wrong.
  ///
  /// A boundary needs no search: it is a power of two and not below the count, hence not below the
  /// next power of two, at whose multiples every run begins. No run crosses it.
  ///
  /// @param frameCount as in [FrameAllocator#allocateFramesWithin]
  /// @param alignmentFrames as there
  /// @param boundaryFrames as there
  /// @param maxOrder the largest order there is
  /// @return 0, or the code of what is wrong
  public static long mistakeIn(
      long frameCount, long alignmentFrames, long boundaryFrames, int maxOrder) {
    long largest = Pages.orderToFrames(maxOrder);
    if (frameCount <= 0) {
      return FrameError.ZERO_ALLOCATION.code();
    }
    if (frameCount > largest) {
      return FrameError.TOO_LARGE.code();
    }
    boolean bounded = boundaryFrames != 0;
    if (!isPowerOfTwo(alignmentFrames) || (bounded && !isPowerOfTwo(boundaryFrames))) {
      return FrameError.UNALIGNED.code();
    }
    boolean tooLarge = alignmentFrames > largest || (bounded && boundaryFrames < frameCount);
    return tooLarge ? FrameError.TOO_LARGE.code() : 0;
  }

  private static boolean isPowerOfTwo(long frameCount) {
    return frameCount > 0 && Long.bitCount(frameCount) == 1;
  }
}
