package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.Pages;

/// Memory that the hybrid allocator is given: the way of a frame from absent to free.
///
/// What was never handed over looks *lent* in its level, with nothing in use below: nobody can take
/// it, free it, or mistake it for the tail of something. Where a range ends inside a unit, the word
/// below is written with every unit absent, and so on down to the frames; an area of which only
/// some frames are there is PARTIAL, and the others look cached. So a terabyte costs a few words,
/// and a range that ends anywhere some thirty a level.
///
/// Handing over is freeing: units that become whole coalesce and go up by the same steps. Any
/// number of ranges, in any order; but nobody may allocate or free meanwhile, since a word that is
/// all TAIL in a lent unit is taken for absent.
final class HandOver {
  private final UnitLevel[] levels;
  private final Areas areas;

  HandOver(UnitLevel[] levels, Areas areas) {
    this.levels = levels;
    this.areas = areas;
  }

  /// Makes frames free that were absent.
  ///
  /// @return how many of the frames were new
  long add(long startPfn, long endPfn) {
    long added = 0;
    for (long pfn = startPfn; pfn < endPfn; ) {
      int order = Pages.largestOrderAt(pfn, endPfn, Pages.MAX_ORDER);
      if (order < Pages.HUGE_ORDER) {
        added += addFrames(pfn, 1 << order);
      } else {
        int level = LongRuns.levelOfOrder(order);
        int shift = levels[level].shift();
        for (long unit = pfn >>> shift; unit < (pfn + (1L << order)) >>> shift; unit++) {
          added += addUnit(level, unit);
        }
      }
      pfn += 1L << order;
    }
    return added;
  }

  private long addUnit(int level, long unit) {
    if (!isAbsentOrDivided(level, unit)) {
      return 0;
    }
    if (level == 0) {
      long area = areas.areaOf(unit);
      long address = areas.areaWord(area);
      if (AreaWord.state(Memory.getLong(address)) != AreaWord.ABSENT) {
        return addFrames(unit << Pages.HUGE_ORDER, AreaWord.FRAMES);
      }
      Memory.putLongRelease(address, AreaWord.NONE);
      levels[0].change(unit, UnitWord.lend((int) unit & 31));
      return AreaWord.FRAMES;
    }
    if (levels[level - 1].valueAt(unit << 5) == UnitWord.ALL_TAIL) {
      levels[level].change(unit, UnitWord.lend((int) unit & 31));
      return 1L << levels[level].shift();
    }
    long added = 0;
    for (int i = 0; i < UnitWord.UNITS; i++) {
      added += addUnit(level - 1, (unit << 5) + i);
    }
    return added;
  }

  /// Writes the words down to the one of this unit, if nobody did.
  ///
  /// @return false if the unit is managed as a whole already
  private boolean isAbsentOrDivided(int level, long unit) {
    long value = levels[level].valueAt(unit);
    if (value == UnitWord.ALL_TAIL) {
      if (level < levels.length - 1 && !isAbsentOrDivided(level + 1, unit >>> 5)) {
        return false;
      }
      levels[level].put(unit, UnitWord.ALL_LENT);
      if (level == 0) {
        setAbsent(unit & -UnitWord.UNITS);
      }
      return true;
    }
    return (UnitWord.lent(value) >>> (unit & 31) & 1) != 0;
  }

  private void setAbsent(long firstUnit) {
    for (long unit = firstUnit; unit < firstUnit + UnitWord.UNITS; unit++) {
      long area = areas.areaOf(unit);
      if (area >= 0 && area < areas.areaCount()) {
        Memory.putLongRelease(areas.areaWord(area), AreaWord.ABSENT);
      }
    }
  }

  /// Frames of one area.
  private long addFrames(long pfn, int frameCount) {
    long unit = pfn >>> Pages.HUGE_ORDER;
    if (!isAbsentOrDivided(0, unit)) {
      return 0;
    }
    long area = areas.areaOf(unit);
    long address = areas.areaWord(area);
    if (AreaWord.state(Memory.getLong(address)) == AreaWord.ABSENT) {
      areas.fill(area, UnitWord.ALL_LENT);
      Memory.putLongRelease(address, AreaWord.full(AreaWord.PARTIAL));
    } else if (!AreaWord.isPartial(Memory.getLong(address))) {
      return 0;
    }
    long added = 0;
    long first = pfn - areas.basePfn();
    for (long frame = first; frame < first + frameCount; frame++) {
      // An area that became whole and free has gone; what is left of the range was there already.
      if (AreaWord.isPartial(Memory.getLong(address)) && addFrame(frame)) {
        added++;
      }
    }
    return added;
  }

  private boolean addFrame(long frame) {
    long address = areas.frameWord(frame);
    int index = (int) frame & 31;
    long value = Memory.getLongVolatile(address);
    if ((UnitWord.lent(value) >>> index & 1) == 0) {
      return false;
    }
    long next = value ^ UnitWord.lend(index);
    if (!Memory.compareAndSetLong(address, value, next)) {
      return addFrame(frame);
    }
    areas.afterFree(frame, 0, next);
    return true;
  }
}
