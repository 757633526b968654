package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.Pages;

/// Runs of 512 frames and more, of any exact count, across the levels.
///
/// A run begins with whole units of the largest level that fits, and ends in the levels below:
///
/// ```
///   600 frames      level 1   HEAD            LENT             two areas
///                                             |
///                   frames                    88 x TAIL, FREE …
/// ```
///
/// The unit in which it ends is lent to the level below, where the first units are TAIL and the
/// others free for everybody. So the length is proved as everywhere: by the tails, and by what is
/// behind them not being one.
///
/// Whoever frees or splits a run first takes its head by compare-and-set (HEAD to LENT); of several
/// only one can, and the tails are his alone. A unit that is LENT with nothing in use below it
/// belongs to whoever is lending it or taking it back at that moment; it is no tail.
///
/// Any thread; no Java objects.
final class LongRuns {
  private final UnitLevel[] levels;
  private final Areas areas;
  private final FrameRuns runs;

  /// Runs over these levels.
  ///
  /// @param levels from the lowest
  LongRuns(UnitLevel[] levels, Areas areas, FrameRuns runs) {
    this.levels = levels;
    this.areas = areas;
    this.runs = runs;
  }

  private int levelOf(long frameCount) {
    return levelOfOrder(Pages.framesToOrderDown(frameCount));
  }

  static int levelOfOrder(int order) {
    return order >= 19 ? 2 : order >= 14 ? 1 : 0;
  }

  private long rest(int level, long frameCount) {
    return frameCount & ((1L << levels[level].shift()) - 1);
  }

  private int units(int level, long frameCount) {
    return (int) (frameCount >>> levels[level].shift());
  }

  // ---- Taking ----

  /// Gives back what a block has more than `frameCount` frames, of which it has less than twice as
  /// many. The block is the caller's.
  ///
  /// @param order of the block
  void trim(long pfn, int order, long frameCount) {
    int level = levelOfOrder(order);
    long unit = pfn >>> levels[level].shift();
    int whole = units(level, frameCount);
    long rest = rest(level, frameCount);
    int index = (int) unit & 31;
    int blockUnits = 1 << (order - levels[level].shift());
    long change;
    if (whole == 0) {
      change = UnitWord.cached(index); // HEAD to LENT
      levels[level].countLent(1);
    } else {
      int behind = UnitWord.mask(index + whole, blockUnits - whole);
      change = behind & 0xFFFF_FFFFL;
      if (rest != 0) {
        change |= UnitWord.lend(index + whole);
        levels[level].countLent(1);
      }
    }
    if (rest != 0) {
      prepare(level, unit + whole, rest, whole == 0);
    }
    levels[level].change(unit, change);
    if (rest != 0) {
      publish(level, unit + whole, rest);
    }
  }

  /// Divides a unit that only the caller has: tails first, then what is free.
  private void prepare(int level, long unit, long frameCount, boolean headed) {
    if (level == 0) {
      long area = areas.areaOf(unit);
      areas.fill(area, UnitWord.ALL_FREE);
      runs.tails(area << Pages.HUGE_ORDER, (int) frameCount);
      Memory.putLongRelease(areas.areaWord(area), AreaWord.fresh(0, AreaWord.NO_SLOT));
      return;
    }
    int below = level - 1;
    int whole = units(below, frameCount);
    long rest = rest(below, frameCount);
    long value = UnitWord.ALL_FREE ^ (UnitWord.mask(0, whole) & 0xFFFF_FFFFL);
    if (headed) {
      value |= UnitWord.lend(0);
    }
    if (rest != 0) {
      value |= UnitWord.lend(whole);
      levels[below].countLent(1);
      prepare(below, (unit << 5) + whole, rest, false);
    }
    levels[below].put(unit << 5, value);
  }

  private void publish(int level, long unit, long frameCount) {
    if (level == 0) {
      areas.settle(areas.areaOf(unit));
      return;
    }
    int below = level - 1;
    long rest = rest(below, frameCount);
    if (rest != 0) {
      publish(below, (unit << 5) + units(below, frameCount), rest);
    }
    levels[below].settle(levels[below].wordOf(unit << 5));
  }

  // ---- Proving ----

  /// Whether a run is allocated here in just this length.
  ///
  /// @param frameCount 512 or more
  boolean isRun(long pfn, long frameCount) {
    int level = levelOf(frameCount);
    if (rest(level, pfn) != 0) {
      return false;
    }
    long unit = pfn >>> levels[level].shift();
    int whole = units(level, frameCount);
    return ((int) unit & 31) + whole <= UnitWord.UNITS
        && UnitWord.beginsRun(levels[level].valueAt(unit), (int) unit & 31, whole)
        && endsBehind(level, unit, whole, rest(level, frameCount));
  }

  private boolean endsBehind(int level, long unit, int whole, long rest) {
    int index = (int) unit & 31;
    if (index + whole == UnitWord.UNITS) {
      return rest == 0;
    }
    if (rest != 0) {
      return hasTails(level, unit + whole, rest);
    }
    // A longer run cannot begin in the upper half of a block twice as long.
    return (Integer.bitCount(whole) == 1 && (index & whole) != 0) || !goesOn(level, unit + whole);
  }

  /// Whether a unit, or the first part of one that is lent, is a tail.
  private boolean goesOn(int level, long unit) {
    long value = levels[level].valueAt(unit);
    int bit = 1 << (unit & 31);
    if ((UnitWord.notTails(value) & bit) == 0) {
      return true;
    }
    if ((UnitWord.lent(value) & bit) == 0) {
      return false;
    }
    if (level > 0) {
      UnitLevel below = levels[level - 1];
      return below.has(unit << 5)
          && below.valueAt(unit << 5) != UnitWord.ALL_TAIL
          && goesOn(level - 1, unit << 5);
    }
    long area = areas.areaOf(unit);
    return isInUse(area) && runs.areTails(area << Pages.HUGE_ORDER, 1);
  }

  private boolean isInUse(long area) {
    if (Long.compareUnsigned(area, areas.areaCount()) >= 0) {
      return false;
    }
    int state = AreaWord.state(Memory.getLongVolatile(areas.areaWord(area)));
    return state != AreaWord.NONE && state != AreaWord.ABSENT;
  }

  /// Whether just the first `frameCount` frames of a lent unit are tails.
  private boolean hasTails(int level, long unit, long frameCount) {
    if ((UnitWord.lent(levels[level].valueAt(unit)) >>> (unit & 31) & 1) == 0) {
      return false;
    }
    if (level == 0) {
      long area = areas.areaOf(unit);
      long frame = area << Pages.HUGE_ORDER;
      return isInUse(area)
          && runs.areTails(frame, (int) frameCount)
          && !runs.areTails(frame, (int) frameCount + 1);
    }
    int below = level - 1;
    int whole = units(below, frameCount);
    long rest = rest(below, frameCount);
    long first = unit << 5;
    return levels[below].has(first)
        && UnitWord.areTails(levels[below].valueAt(first), 0, whole)
        && (rest == 0 ? !goesOn(below, first + whole) : hasTails(below, first + whole, rest));
  }

  // ---- Freeing ----

  /// Frees a run if it is allocated in just this length.
  ///
  /// @param frameCount 512 or more
  /// @return whether it was
  boolean free(long pfn, long frameCount) {
    if (!isRun(pfn, frameCount)) {
      return false;
    }
    int level = levelOf(frameCount);
    long unit = pfn >>> levels[level].shift();
    int whole = units(level, frameCount);
    long rest = rest(level, frameCount);
    if (rest == 0 && levels[level].free(unit, whole)) {
      return true;
    }
    Transit.begin(areas.transit());
    boolean mine = takeHead(pfn, frameCount);
    if (mine) {
      int index = (int) unit & 31;
      if (rest != 0) {
        release(level, unit + whole, rest);
      }
      levels[level].change(unit, UnitWord.block(index, whole) ^ UnitWord.cached(index));
    }
    Transit.end(areas.transit());
    return mine;
  }

  /// Makes the head of a run LENT: only one of several can, and nobody else changes the run then.
  /// Therefore its end is proved again: the same head may have been freed and allocated meanwhile,
  /// for a run of another length.
  private boolean takeHead(long pfn, long frameCount) {
    int level = levelOf(frameCount);
    long unit = pfn >>> levels[level].shift();
    int whole = units(level, frameCount);
    int index = (int) unit & 31;
    while (true) {
      long value = levels[level].valueAt(unit);
      if (!UnitWord.beginsRun(value, index, whole)) {
        return false;
      }
      if (levels[level].compareAndSet(unit, value, value ^ UnitWord.cached(index))) {
        break;
      }
    }
    if (endsBehind(level, unit, whole, rest(level, frameCount))) {
      return true;
    }
    levels[level].change(unit, UnitWord.cached(index));
    return false;
  }

  private void release(int level, long unit, long frameCount) {
    if (level == 0) {
      long frame = areas.areaOf(unit) << Pages.HUGE_ORDER;
      runs.release(frame, (int) frameCount);
      runs.tellOf(frame, (int) frameCount);
      return;
    }
    int below = level - 1;
    int whole = units(below, frameCount);
    long rest = rest(below, frameCount);
    if (rest != 0) {
      release(below, (unit << 5) + whole, rest);
    }
    if (whole != 0) {
      levels[below].change(unit << 5, UnitWord.mask(0, whole) & 0xFFFF_FFFFL);
    }
  }

  // ---- Splitting ----

  /// Makes single frames of a run if it is allocated in just this length.
  ///
  /// @param frameCount 512 or more
  /// @return whether it was
  boolean split(long pfn, long frameCount) {
    if (!isRun(pfn, frameCount)) {
      return false;
    }
    Transit.begin(areas.transit());
    boolean mine = takeHead(pfn, frameCount);
    if (mine) {
      int level = levelOf(frameCount);
      long unit = pfn >>> levels[level].shift();
      int whole = units(level, frameCount);
      int tails = UnitWord.mask((int) unit & 31, whole) & ~(1 << (unit & 31));
      levels[level].change(unit, UnitWord.both(tails));
      levels[level].countLent(whole);
      splitUnits(level, unit, whole);
      if (rest(level, frameCount) != 0) {
        splitTails(level, unit + whole, rest(level, frameCount));
      }
    }
    Transit.end(areas.transit());
    return mine;
  }

  private void splitUnits(int level, long firstUnit, int count) {
    for (long unit = firstUnit; unit < firstUnit + count; unit++) {
      if (level == 0) {
        long area = areas.areaOf(unit);
        areas.fill(area, UnitWord.ALL_HEAD);
        Memory.putLongRelease(areas.areaWord(area), AreaWord.full(0));
      } else {
        splitUnits(level - 1, unit << 5, UnitWord.UNITS);
        levels[level - 1].put(unit << 5, UnitWord.ALL_LENT);
        levels[level - 1].countLent(UnitWord.UNITS);
      }
    }
  }

  private void splitTails(int level, long unit, long frameCount) {
    if (level == 0) {
      runs.heads(areas.areaOf(unit) << Pages.HUGE_ORDER, (int) frameCount);
      return;
    }
    int below = level - 1;
    int whole = units(below, frameCount);
    if (whole != 0) {
      splitUnits(below, unit << 5, whole);
      levels[below].change(unit << 5, UnitWord.both(UnitWord.mask(0, whole)));
      levels[below].countLent(whole);
    }
    if (rest(below, frameCount) != 0) {
      splitTails(below, (unit << 5) + whole, rest(below, frameCount));
    }
  }
}
