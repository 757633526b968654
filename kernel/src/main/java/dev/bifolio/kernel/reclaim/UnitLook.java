package dev.bifolio.kernel.reclaim;

import dev.bifolio.kernel.frame.FrameMap;
import dev.bifolio.kernel.unit.Pages;

/// One look at a range of frames: how much of it is in use, and whether it can be emptied.
///
/// A moment's impression. One thread; no Java objects after the constructor. Some ten loads for
/// each block and for each 32 free frames.
final class UnitLook {
  private final MovableFrames movable;
  private long live;
  private long free;
  private boolean whole;
  private boolean movableOnly;
  private int freeOrder;
  private long runStart;

  UnitLook(MovableFrames movable) {
    this.movable = movable;
  }

  /// Frames that somebody has, in the last range that was looked at.
  long live() {
    return live;
  }

  /// Frames that are free or cached there.
  long free() {
    return free;
  }

  /// Whether every frame of it was handed over.
  boolean isWhole() {
    return whole;
  }

  /// Whether all that is in use can be moved now, and no block reaches beyond the range.
  boolean canBeEmptied() {
    return whole && movableOnly;
  }

  /// The order of the largest aligned block whose frames are all free, not cached; -1 if there is
  /// none.
  int freeOrder() {
    return freeOrder;
  }

  /// Looks at a range.
  void look(FrameMap map, long startPfn, long endPfn) {
    live = 0;
    free = 0;
    whole = true;
    movableOnly = true;
    freeOrder = Pages.NO_ORDER;
    runStart = startPfn;
    for (long pfn = startPfn; pfn < endPfn; ) {
      long found = map.stretchAt(pfn);
      long end = Math.min(FrameMap.endOf(found), endPfn);
      int state = FrameMap.stateOf(found);
      if (state == FrameMap.FREE) {
        free += end - pfn;
      } else {
        endRun(pfn);
        visit(state, pfn, end, FrameMap.endOf(found) > endPfn);
        runStart = end;
      }
      pfn = end;
    }
    endRun(endPfn);
  }

  private void visit(int state, long pfn, long end, boolean cut) {
    if (state == FrameMap.CACHED) {
      free += end - pfn;
    } else if (state == FrameMap.ABSENT) {
      whole = false;
    } else {
      live += end - pfn;
      movableOnly &= state == FrameMap.HEAD && !cut && mayMove(pfn);
    }
  }

  private boolean mayMove(long pfn) {
    long word = movable.wordOf(pfn);
    return MovableFrames.isMovable(word) && MovableFrames.pinsOf(word) == 0;
  }

  /// The largest aligned block in the free run that ends here.
  private void endRun(long endPfn) {
    for (long pfn = runStart; pfn < endPfn; ) {
      int order = Pages.largestOrderAt(pfn, endPfn, Pages.MAX_ORDER);
      freeOrder = Math.max(freeOrder, order);
      pfn += Pages.orderToFrames(order);
    }
  }
}
