package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.platform.Cpu;
import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.Pages;
import org.jspecify.annotations.Nullable;

/// Requests of a hybrid allocator that speak of certain places: these very frames, frames below a
/// limit, or all of them.
///
/// Slow by comparison: they go through memory from low to high, and past the caches, which are
/// called back when nothing was found. Any thread; no Java objects.
final class HybridPlaces {
  private static final long NONE = -1;

  /// How often a frame is looked for that seems not to be there, when others are at work all the
  /// time.
  private static final int MOST_LOOKS = 1000;

  private final HybridCore core;
  private final HandOver handOver;

  HybridPlaces(HybridCore core) {
    this.core = core;
    handOver = new HandOver(core.levels, core.areas);
  }

  long add(long startPfn, long endPfn) {
    return handOver.add(startPfn, endPfn);
  }

  /// Whether every frame of a range was handed over. While a level lends a word or takes it back,
  /// its frames look as though they were not there: an answer of no counts only when nothing was on
  /// its way.
  boolean isManaged(long startPfn, long frameCount) {
    if (frameCount > Long.MAX_VALUE - startPfn || !isInSpan(startPfn, startPfn + frameCount)) {
      return false;
    }
    if (looksManaged(startPfn, startPfn + frameCount)) {
      return true;
    }
    for (int round = 0; round < MOST_LOOKS; round++) {
      long before = core.callBack.activity();
      if (looksManaged(startPfn, startPfn + frameCount)) {
        return true;
      }
      if (Transit.isQuiet(before) && core.callBack.activity() == before) {
        return false;
      }
      Cpu.relax(round);
    }
    return true; // nobody can tell now; whoever takes or frees the frames finds out
  }

  /// What is wrong with freeing `frameCount` frames at `pfn`, which is known to be wrong.
  FrameError errorOf(long pfn, long frameCount) {
    FrameError error = core.states.errorOf(pfn, frameCount);
    boolean moved = error == FrameError.OUT_OF_RANGE && isManaged(pfn, frameCount);
    return moved ? FrameError.NOT_ALLOCATED : error; // it was being lent or taken back
  }

  private boolean isInSpan(long startPfn, long endPfn) {
    long spanEnd = core.basePfn() + (core.areas.areaCount() << Pages.HUGE_ORDER);
    return startPfn >= core.basePfn() && endPfn <= spanEnd;
  }

  private boolean looksManaged(long startPfn, long endPfn) {
    for (long pfn = startPfn; pfn < endPfn; ) {
      long found = core.states.look(pfn);
      if (FrameStates.stateIn(found) == FrameStates.ABSENT) {
        return false;
      }
      pfn = FrameStates.endIn(found);
    }
    return true;
  }

  // ---- Below a limit ----

  /// Takes a run from the lowest place that is free and allowed.
  ///
  /// @param last the last frame that may be used
  /// @return the first frame, or -1
  long allocateBelow(
      int cpu, long frameCount, int flags, long alignment, long startPfn, long last) {
    int order = Pages.framesToOrderUp(frameCount);
    long step = Math.max(alignment, 1L << order);
    int kind = AllocationFlags.kindOf(flags);
    for (int round = 0; ; round++) {
      long before = core.callBack.activity();
      long pfn = findBelow(frameCount, kind, step, startPfn, last);
      if (pfn != NONE) {
        HybridCore.count(core.slots.claim(core.slots.of(cpu, kind)), order);
        return pfn;
      }
      if (core.callBack.mayFail(before, round)) {
        return NONE;
      }
    }
  }

  private long findBelow(long frameCount, int kind, long step, long startPfn, long last) {
    long pfn = Pages.alignUp(startPfn, step);
    while (pfn <= last && frameCount <= last - pfn + 1) {
      long found = core.states.look(pfn);
      if (isFree(pfn, framesNeeded(frameCount))) {
        Transit.begin(core.areas.transit());
        boolean taken = takeRunAt(pfn, frameCount, kind);
        Transit.end(core.areas.transit());
        if (taken) {
          return pfn;
        }
      }
      boolean free = FrameStates.stateIn(found) == FrameStates.FREE;
      pfn = free ? pfn + step : Pages.alignUp(FrameStates.endIn(found), step);
    }
    return NONE;
  }

  /// Frames that [#takeRunAt] must find free: longer runs are cut from the next larger block. A
  /// look at fewer would let a request try in vain, and wait for what it had on its way itself.
  private static long framesNeeded(long frameCount) {
    return frameCount <= 16 ? frameCount : 1L << Pages.framesToOrderUp(frameCount);
  }

  /// Whether a whole range is free, as far as one can see. Who takes what is not free and gives it
  /// back makes others wait for it.
  private boolean isFree(long startPfn, long frameCount) {
    if (startPfn + frameCount - core.basePfn() > core.areas.areaCount() << Pages.HUGE_ORDER) {
      return false;
    }
    for (long pfn = startPfn; pfn < startPfn + frameCount; ) {
      long found = core.states.look(pfn);
      if (FrameStates.stateIn(found) != FrameStates.FREE) {
        return false;
      }
      pfn = FrameStates.endIn(found);
    }
    return true;
  }

  /// Takes a run at a place if it is free.
  ///
  /// @param pfn aligned to the next power of two of the count
  private boolean takeRunAt(long pfn, long frameCount, int kind) {
    int order = Pages.framesToOrderUp(frameCount);
    if (frameCount < AreaWord.FRAMES) {
      return takeInArea(pfn, (int) frameCount, kind);
    }
    if (!takeUnitsAt(pfn, order)) {
      return false;
    }
    if (frameCount != 1L << order) {
      core.longRuns.trim(pfn, order, frameCount);
    }
    return true;
  }

  private boolean takeInArea(long pfn, int frameCount, int kind) {
    long frame = pfn - core.basePfn();
    long area = frame >>> Pages.HUGE_ORDER;
    if (!core.areas.claimThis(area) && !core.areas.lendThis(area, kind)) {
      return false;
    }
    boolean taken = core.runs.takeAt(frame, frameCount);
    core.areas.settle(area);
    return taken;
  }

  private boolean takeUnitsAt(long pfn, int order) {
    UnitLevel level = core.levels[LongRuns.levelOfOrder(order)];
    return level.takeAt(pfn >>> level.shift(), 1 << (order - level.shift()), false);
  }

  // ---- These very frames ----

  /// Takes a range as the blocks that it is carved into.
  ///
  /// @return whether all of it was free; if not, nothing has changed
  boolean allocateRange(int cpu, long startPfn, long frameCount, int flags, int maxOrder) {
    int kind = AllocationFlags.kindOf(flags);
    long end = startPfn + frameCount;
    for (int round = 0; ; round++) {
      long before = core.callBack.activity();
      if (isFree(startPfn, frameCount) && takeRange(startPfn, end, kind, maxOrder)) {
        break;
      }
      if (core.callBack.mayFail(before, round)) {
        return false;
      }
    }
    countRange(cpu, startPfn, end, kind, maxOrder);
    return true;
  }

  /// Takes a range that looks free, without calling anything back.
  ///
  /// @return whether all of it was free and within reach; if not, nothing has changed
  boolean takeRangeNow(int cpu, long startPfn, long frameCount, int flags, int maxOrder) {
    int kind = AllocationFlags.kindOf(flags);
    long end = startPfn + frameCount;
    boolean taken = takeRange(startPfn, end, kind, maxOrder);
    if (taken) {
      countRange(cpu, startPfn, end, kind, maxOrder);
    }
    return taken;
  }

  private void countRange(int cpu, long startPfn, long end, int kind, int maxOrder) {
    long claim = core.slots.claim(core.slots.of(cpu, kind));
    for (long pfn = startPfn; pfn < end; ) {
      int order = Pages.largestOrderAt(pfn, end, maxOrder);
      HybridCore.count(claim, order);
      pfn += 1L << order;
    }
  }

  private boolean takeRange(long startPfn, long end, int kind, int maxOrder) {
    Transit.begin(core.areas.transit());
    boolean taken = takeBlocks(startPfn, end, kind, maxOrder);
    Transit.end(core.areas.transit());
    return taken;
  }

  private boolean takeBlocks(long startPfn, long end, int kind, int maxOrder) {
    for (long pfn = startPfn; pfn < end; ) {
      int order = Pages.largestOrderAt(pfn, end, maxOrder);
      if (!takeRunAt(pfn, 1L << order, kind)) {
        giveBack(startPfn, pfn, end, maxOrder);
        return false;
      }
      pfn += 1L << order;
    }
    return true;
  }

  /// Frees the blocks of a range that lie before `limit`, past the caches.
  private void giveBack(long startPfn, long limit, long end, int maxOrder) {
    for (long pfn = startPfn; pfn < limit; ) {
      int order = Pages.largestOrderAt(pfn, end, maxOrder);
      freePastCaches(pfn, 1L << order);
      pfn += 1L << order;
    }
  }

  /// Frees a run that is the caller's, so that none of it waits in a cache.
  void freePastCaches(long pfn, long frameCount) {
    if (frameCount < AreaWord.FRAMES) {
      core.runs.free(pfn - core.basePfn(), (int) frameCount);
    } else {
      core.longRuns.free(pfn, frameCount);
    }
  }

  /// Frees a range that is allocated as just the blocks it is carved into.
  ///
  /// @return what is wrong with it, or null
  @Nullable FrameError freeRange(int cpu, long startPfn, long frameCount, int maxOrder) {
    if (!isManaged(startPfn, frameCount)) {
      return FrameError.OUT_OF_RANGE;
    }
    long end = startPfn + frameCount;
    for (long pfn = startPfn; pfn < end; ) {
      int order = Pages.largestOrderAt(pfn, end, maxOrder);
      if (!core.isRun(pfn, 1L << order)) {
        return core.states.errorOf(pfn, 1L << order);
      }
      pfn += 1L << order;
    }
    for (long pfn = startPfn; pfn < end; ) {
      int order = Pages.largestOrderAt(pfn, end, maxOrder);
      if (!core.free(cpu, pfn, order)) {
        return FrameError.NOT_ALLOCATED; // somebody else freed it just now
      }
      pfn += 1L << order;
    }
    return null;
  }

  /// Frees whatever is allocated.
  void freeAll(long startPfn, long endPfn) {
    for (long pfn = startPfn; pfn < endPfn; ) {
      long found = core.states.look(pfn);
      if (FrameStates.stateIn(found) == FrameStates.HEAD) {
        long frameCount = core.states.frameCountAt(pfn, endPfn);
        freePastCaches(pfn, frameCount);
        pfn += frameCount;
      } else {
        pfn = FrameStates.endIn(found);
      }
    }
  }
}
