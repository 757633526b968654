package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.Pages;

/// How many frames of an allocator nobody owns: free ones, and those that wait in caches.
///
/// The classic allocator keeps the figure. Of the hybrid one it is counted, in the order of the
/// levels: whole units by the bits of their words, areas in use by their frame words, caches by
/// their own words. An area that says that nothing in it is free is taken at its word, and a level
/// that lent nothing is not looked into, so a count takes some nanoseconds for each area that is
/// partly used: 3 µs for 8 GiB that are full, 40 µs for 8 GiB of which every area has holes.
///
/// Exact when nobody allocates or frees; otherwise off by what others do meanwhile. Any thread; no
/// Java objects. [FrameAllocator#statistics()] tells more, at several times the price.
///
/// @param allocator whose frames are counted, initialised
public record FrameTally(FrameAllocator allocator) {
  /// Counts.
  ///
  /// @return frames that are free or cached
  public long availableFrames() {
    return switch (allocator) {
      case BuddyAllocator buddy -> buddy.freeFrameCount();
      case HybridAllocator hybrid -> inLevels(hybrid.core) + inSlots(hybrid.core);
    };
  }

  private static long inLevels(HybridCore core) {
    UnitLevel top = core.levels[2];
    long frames = 0;
    for (long word = 0; word < top.wordCount(); word++) {
      frames += inWord(core, 2, top.firstUnit() + (word << 5));
    }
    return frames;
  }

  /// What is free in the word of a unit, and below it.
  private static long inWord(HybridCore core, int level, long unit) {
    long value = core.levels[level].valueAt(unit);
    if (value == UnitWord.ALL_TAIL) {
      return 0;
    }
    long frames = (long) Integer.bitCount(UnitWord.free(value)) << core.levels[level].shift();
    for (int lent = UnitWord.lent(value); lent != 0; lent &= lent - 1) {
      long below = (unit & -UnitWord.UNITS) + Integer.numberOfTrailingZeros(lent);
      frames += level == 0 ? inArea(core.areas, below) : inLentUnit(core, level - 1, below << 5);
    }
    return frames;
  }

  /// Units beyond the ends of the span look lent, and have no word.
  private static long inLentUnit(HybridCore core, int level, long unit) {
    return core.levels[level].has(unit) ? inWord(core, level, unit) : 0;
  }

  private static long inArea(Areas areas, long unit) {
    long area = areas.areaOf(unit);
    if (Long.compareUnsigned(area, areas.areaCount()) >= 0) {
      return 0;
    }
    int state = AreaWord.state(Memory.getLongVolatile(areas.areaWord(area)));
    if (state != AreaWord.BINNED && state != AreaWord.RESERVED) {
      return 0;
    }
    long frames = 0;
    long address = areas.frameWord(area << Pages.HUGE_ORDER);
    for (int word = 0; word < AreaWord.WORDS; word++) {
      frames +=
          Integer.bitCount(
              UnitWord.free(Memory.getLongVolatile(address + (long) word * Long.BYTES)));
    }
    return frames;
  }

  private static long inSlots(HybridCore core) {
    long frames = 0;
    for (int slot = 0; slot < core.slots.count(); slot++) {
      long claim = core.slots.claim(slot);
      long word = Memory.getLongVolatile(claim);
      frames +=
          ClaimWord.state(word) == ClaimWord.NONE ? 0 : Integer.bitCount(ClaimWord.mask(word));
      int orders = slot < core.slots.firstOwned() ? Slots.CACHED_ORDERS : 1;
      for (int order = 0; order < orders; order++) {
        long header = Memory.getLongVolatile(Slots.header(claim, order));
        frames += (long) Magazines.count(header) << order;
      }
    }
    return frames;
  }
}
