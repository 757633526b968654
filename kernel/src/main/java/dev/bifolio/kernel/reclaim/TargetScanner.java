package dev.bifolio.kernel.reclaim;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.frame.FrameMap;
import dev.bifolio.kernel.unit.Pages;

/// The free scanner: goes down from the end of memory through the areas that the plan wants filled,
/// and takes their free frames by name, so that nothing lands in an area that shall become free,
/// whatever the allocator's own order of preference is.
///
/// Longer blocks come from the allocator itself: it is a best fit, and an area has few places for
/// them.
///
/// One thread; no Java objects after the constructor.
final class TargetScanner implements TargetFrames {
  private static final long AREA = Pages.orderToFrames(Pages.HUGE_ORDER);

  private final MovableBanks banks;
  private final CompactionPlan plan;
  private final UnitLook look;
  private int bank;
  private long areaPfn;
  private long cursor;
  private long areaEnd;
  private long avoidStart;
  private long avoidEnd;
  private long looks;
  private boolean exhausted;

  TargetScanner(MovableBanks banks, CompactionPlan plan, MovableFrames movable) {
    this.banks = banks;
    this.plan = plan;
    look = new UnitLook(movable);
  }

  /// Begins a pass, at the end of memory.
  void begin() {
    exhausted = false;
    toTheEnd();
  }

  private void toTheEnd() {
    bank = banks.count();
    areaPfn = 0;
    cursor = 0;
    areaEnd = 0;
  }

  /// No frame of this range is taken: it is being emptied.
  void avoid(long startPfn, long endPfn) {
    avoidStart = startPfn;
    avoidEnd = endPfn;
  }

  /// Whether not even a single frame was found since the pass began.
  boolean isExhausted() {
    return exhausted;
  }

  /// Areas looked at since the last call.
  long takeLooks() {
    long taken = looks;
    looks = 0;
    return taken;
  }

  @Override
  public long take(long frameCount) {
    return frameCount == 1 ? takeSingle() : takeRun(frameCount);
  }

  @Override
  public void giveBack(long pfn, long frameCount) {
    banks.map(banks.bankOf(pfn)).freeNow(pfn, frameCount);
  }

  private long takeSingle() {
    do {
      do {
        long pfn = nextFree();
        if (pfn >= 0) {
          return pfn;
        }
      } while (nextArea());
      toTheEnd();
    } while (plan.lowerFloor());
    exhausted = true;
    return NONE;
  }

  /// The next free frame of this area, taken.
  private long nextFree() {
    while (cursor < areaEnd) {
      FrameMap map = banks.map(bank);
      long pfn = cursor;
      long found = map.stretchAt(pfn);
      if (FrameMap.stateOf(found) != FrameMap.FREE) {
        cursor = FrameMap.endOf(found);
        continue;
      }
      cursor = pfn + 1;
      if (map.takeNow(pfn, 1, AllocationFlags.MOVABLE)) {
        return pfn;
      }
    }
    return NONE;
  }

  /// Goes down to the next area that is to be filled.
  ///
  /// @return false at the beginning of memory
  private boolean nextArea() {
    while (true) {
      if (bank == banks.count() || areaPfn <= banks.map(bank).allocator().startPfn()) {
        if (bank == 0) {
          return false;
        }
        bank--;
        areaPfn = Pages.alignUp(banks.map(bank).allocator().endPfn(), AREA);
        continue;
      }
      areaPfn -= AREA;
      if (enter()) {
        return true;
      }
    }
  }

  private boolean enter() {
    FrameAllocator allocator = banks.map(bank).allocator();
    cursor = Math.max(areaPfn, allocator.startPfn());
    areaEnd = Math.min(areaPfn + AREA, allocator.endPfn());
    if (cursor < avoidEnd && areaEnd > avoidStart) {
      cursor = areaEnd;
      return false;
    }
    looks++;
    look.look(banks.map(bank), areaPfn, areaPfn + AREA);
    if (!plan.isTarget(look)) {
      cursor = areaEnd;
      return false;
    }
    return true;
  }

  private long takeRun(long frameCount) {
    for (int i = banks.count() - 1; i >= 0; i--) {
      FrameAllocator allocator = banks.map(i).allocator();
      if (frameCount <= Pages.orderToFrames(allocator.maxOrder())) {
        long pfn = allocator.tryAllocateFrames(frameCount, AllocationFlags.MOVABLE);
        if (pfn >= 0) {
          return pfn;
        }
      }
    }
    return NONE;
  }
}
