package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.unit.Pages;

/// What a source of several hybrid allocators asks of one that is not its last resort: requests
/// that, when they fail here, are not counted, because another allocator may serve them.
///
/// A request that is served counts as usual. Whoever asks several allocators asks the last one
/// itself, so that a request that nobody could serve is one failure. Arguments are not checked.
///
/// Any thread; no Java objects.
///
/// @param allocator the allocator that is asked, initialised
public record FrameProbe(HybridAllocator allocator) {
  /// A block.
  ///
  /// @param cpu whose caches it may come from, 0 or more
  /// @param order legal for the allocator
  /// @param flags [AllocationFlags]
  /// @param callBack whether what is cached, reserved or lent is called back before the request
  ///   fails; without, failing is cheap
  /// @return the head frame, or [FrameAllocator#NO_FRAME]
  public long allocate(int cpu, int order, int flags, boolean callBack) {
    return allocator.core.allocate(cpu, order, flags, rounds(callBack));
  }

  /// A run.
  ///
  /// @param cpu whose caches it may come from, 0 or more
  /// @param frameCount legal for the allocator
  /// @param flags [AllocationFlags]
  /// @param callBack as for [#allocate]
  /// @return the first frame, or [FrameAllocator#NO_FRAME]
  public long allocateFrames(int cpu, long frameCount, int flags, boolean callBack) {
    if (Long.bitCount(frameCount) == 1) {
      return allocate(cpu, Pages.framesToOrderUp(frameCount), flags, callBack);
    }
    return allocator.core.allocateRun(cpu, frameCount, flags, rounds(callBack));
  }

  /// A run in a certain place. Calls back what is cached before it fails.
  ///
  /// @param cpu in whose statistics it counts, 0 or more
  /// @param frameCount as in [FrameAllocator#allocateFramesWithin]
  /// @param flags [AllocationFlags]
  /// @param alignmentFrames as there
  /// @param maxPfn as there
  /// @param boundaryFrames as there
  /// @return the first frame, [FrameAllocator#NO_FRAME], or the code of a mistake, not counted
  public long allocateFramesWithin(
      int cpu, long frameCount, int flags, long alignmentFrames, long maxPfn, long boundaryFrames) {
    long mistake =
        PlacedRequests.mistakeIn(frameCount, alignmentFrames, boundaryFrames, allocator.maxOrder());
    if (mistake != 0) {
      return mistake;
    }
    long last = Math.min(maxPfn, allocator.endPfn() - 1);
    long start = allocator.startPfn();
    return allocator.places.allocateBelow(cpu, frameCount, flags, alignmentFrames, start, last);
  }

  private static int rounds(boolean callBack) {
    return callBack ? HybridCore.ROUNDS : 0;
  }
}
