package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;
import dev.bifolio.kernel.unit.Pages;

/// What a source of several hybrid allocators asks of one that is not its last resort: requests
/// that, when they fail here, are not counted, because another allocator may serve them.
///
/// A request that is served counts as usual. Whoever asks several allocators asks the last one
/// itself, so that a request that nobody could serve is one failure. Arguments are *not checked*:
/// wrong ones read and write memory that is not the allocator's.
///
/// Any thread; no Java objects.
public final class FrameProbe {
  private final HybridAllocator allocator;
  private final HybridCore core;

  /// A probe of an allocator.
  ///
  /// @param allocator the allocator that is asked, initialised
  public FrameProbe(HybridAllocator allocator) {
    this.allocator = allocator;
    this.core = allocator.core;
  }

  /// A block or run of what is free now, or in the caches of this CPU. Nothing is called back, so
  /// that to fail is cheap.
  ///
  /// @param cpu whose caches it may come from, 0 or more
  /// @param frameCount legal for the allocator
  /// @param flags [AllocationFlags]
  /// @return the first frame, or [FrameAllocator#NO_FRAME]
  public long takeNow(int cpu, long frameCount, int flags) {
    int order = Pages.framesToOrderUp(frameCount);
    int slot = core.slots.of(cpu, AllocationFlags.kindOf(flags));
    long claim = core.slots.claim(slot);
    boolean block = frameCount == Pages.orderToFrames(order);
    if (frameCount >= AreaWord.FRAMES) {
      return block ? takeUnits(claim, order) : core.takeTrimmed(claim, order, frameCount);
    }
    long frame = order == 0 ? SlotClaims.pop(claim) : HybridCore.NONE;
    if (frame < 0 && block) {
      frame = core.magazines.pop(claim, order);
    }
    if (frame < 0) {
      frame = core.small.take(slot, claim, (int) frameCount);
    }
    return frame >= 0 ? core.basePfn() + frame : FrameAllocator.NO_FRAME;
  }

  private long takeUnits(long claim, int order) {
    UnitLevel level = allocator.core.levelOf(order);
    long unit = level.take(order - level.shift());
    if (unit < 0) {
      return FrameAllocator.NO_FRAME;
    }
    HybridCore.count(claim, order);
    return unit << level.shift();
  }

  /// A block or run, for which whatever is cached, reserved or lent is called back before the
  /// request fails.
  ///
  /// @param cpu whose caches it may come from, 0 or more
  /// @param frameCount legal for the allocator
  /// @param flags [AllocationFlags]
  /// @return the first frame, or [FrameAllocator#NO_FRAME]
  public long take(int cpu, long frameCount, int flags) {
    return Long.bitCount(frameCount) == 1
        ? allocator.core.allocate(cpu, Pages.framesToOrderUp(frameCount), flags)
        : allocator.core.allocateRun(cpu, frameCount, flags);
  }

  /// [#take] of a block.
  ///
  /// @param cpu whose caches it may come from, 0 or more
  /// @param order legal for the allocator
  /// @param flags [AllocationFlags]
  /// @return the head frame, or [FrameAllocator#NO_FRAME]
  public long takeBlock(int cpu, int order, int flags) {
    return core.allocate(cpu, order, flags);
  }

  /// Up to `count` single frames, see [FrameAllocator#allocateBulk].
  ///
  /// @param cpu whose caches they may come from, 0 or more
  /// @param pfns where the frames are put
  /// @param offset index of the first entry, which is there
  /// @param count entries to fill, which are there
  /// @param flags [AllocationFlags]
  /// @return how many entries were filled
  public int takeBulk(int cpu, long[] pfns, int offset, int count, int flags) {
    return allocator.bulk.allocate(cpu, pfns, offset, count, flags);
  }

  /// Why a free was refused that has been counted, in words.
  ///
  /// @param allocator that refused it
  /// @param pfn the head frame
  /// @param order legal for the allocator
  /// @return what [FrameAllocator#free] would have thrown
  public static FrameRequestException mistake(HybridAllocator allocator, long pfn, int order) {
    long frameCount = Pages.orderToFrames(order);
    return allocator.mistake(allocator.places.errorOf(pfn, frameCount), pfn, frameCount);
  }

  /// Counts a request that nobody could serve.
  ///
  /// @param order legal for the allocator
  public void countFailure(int order) {
    allocator.counts.failed(order);
  }

  /// Counts a request that was illegal.
  public void countRefusal() {
    allocator.counts.refused();
  }

  /// Counts a free that was illegal.
  public void countRefusedFree() {
    allocator.counts.refusedFree();
  }

  /// A range of just these frames, see [FrameAllocator#allocateRange].
  ///
  /// @param cpu in whose statistics it counts, 0 or more
  /// @param startPfn first frame
  /// @param frameCount 1 or more
  /// @param flags [AllocationFlags]
  /// @return `startPfn`, [FrameAllocator#NO_FRAME], or the code of a mistake, not counted
  public long takeRange(int cpu, long startPfn, long frameCount, int flags) {
    if (!allocator.places.isManaged(startPfn, frameCount)) {
      return FrameError.OUT_OF_RANGE.code();
    }
    boolean taken =
        allocator.places.allocateRange(cpu, startPfn, frameCount, flags, allocator.maxOrder());
    return taken ? startPfn : FrameAllocator.NO_FRAME;
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
  public long takeWithin(
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
}
