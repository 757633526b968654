package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.Pages;

/// The areas of 512 frames: who may allocate in each, where those with free frames are found, and
/// their way from and to the level above.
///
/// ```
///   frame words   16 an area, UnitWord     two lines of 64 bytes, written by allocations and frees
///   area words    one an area, AreaWord    read by every free, written seldom: kept apart
///   bins          HintBitmap               6 kinds, 36 bins
/// ```
///
/// To *allocate* in an area one must have claimed it: BINNED to RESERVED, by compare-and-set.
/// Nobody waits for a claimed area; others take another one. *Frees* need no claim. A free changes
/// the frame word and then reads the area word again; a claimer that leaves scans the frame words
/// and then changes the area word, from the value that it read before the scan. So either the
/// claimer sees the free frames, or the free sees the claim and makes it look again (DIRTY).
///
/// - I1 An area is not NONE or ABSENT if and only if its unit in level 1 is LENT, but for the
///   moments of lending and giving back.
/// - I2 An area with free frames that nobody claimed is BINNED, no free block of it is larger than
///   its bin says, and the hints lead to it.
/// - I3 A wholly free area that nobody claimed is not here: it went back. (Unless PARTIAL.)
///
/// Frames are counted from the first frame of the first area. Any thread; no Java objects.
final class Areas {
  private static final long NONE = -1;

  private final UnitLevel groups;
  final HintBitmap bins = new HintBitmap(AllocationFlags.KIND_COUNT, AreaWord.BINS);
  private long firstArea;
  private long areaCount;
  private long areaWords;
  private long frameWords;
  private long transit;

  Areas(UnitLevel groups) {
    this.groups = groups;
  }

  static long metadataBytes(long startPfn, long endPfn) {
    long count = areaCount(startPfn, endPfn);
    return HintBitmap.metadataBytes(AllocationFlags.KIND_COUNT, AreaWord.BINS, count)
        + Pages.alignUp(count * Long.BYTES, 64)
        + count * AreaWord.WORDS * Long.BYTES;
  }

  private static long areaCount(long startPfn, long endPfn) {
    return ((endPfn - 1) >>> Pages.HUGE_ORDER) - (startPfn >>> Pages.HUGE_ORDER) + 1;
  }

  /// Finds its memory.
  ///
  /// @param transit the transit word for what no slot does
  void attach(long address, long startPfn, long endPfn, long transit) {
    this.transit = transit;
    firstArea = startPfn >>> Pages.HUGE_ORDER;
    areaCount = areaCount(startPfn, endPfn);
    frameWords = address;
    areaWords = frameWords + areaCount * AreaWord.WORDS * Long.BYTES;
    bins.attach(areaWords + Pages.alignUp(areaCount * Long.BYTES, 64), areaCount, transit);
  }

  /// The first frame of the first area: what frames are counted from.
  long basePfn() {
    return firstArea << Pages.HUGE_ORDER;
  }

  long areaCount() {
    return areaCount;
  }

  /// The unit in level 1 of an area.
  long unitOf(long area) {
    return firstArea + area;
  }

  /// The area of a unit in level 1.
  long areaOf(long unit) {
    return unit - firstArea;
  }

  long frameWord(long frame) {
    return frameWords + (frame >>> 5) * Long.BYTES;
  }

  long areaWord(long area) {
    return areaWords + area * Long.BYTES;
  }

  // ---- Claiming ----

  /// The transit word for what no slot does.
  long transit() {
    return transit;
  }

  /// Claims the first area of the first bin, from `firstBin` on.
  ///
  /// @param slot who claims, or [AreaWord#NO_SLOT] for the length of one operation
  /// @param transit the transit word of who claims: he ends what is begun here when there is an
  ///   area, and he has settled it or made it the slot's
  /// @return the area, RESERVED now, or -1
  long claim(int kind, int firstBin, int slot, long transit) {
    long found = bins.find(kind, firstBin);
    if (found == NONE) {
      return NONE;
    }
    Transit.begin(transit);
    for (; found != NONE; found = bins.find(kind, firstBin)) {
      long area = HintBitmap.itemOf(found);
      int bin = HintBitmap.binOf(found);
      long word = Memory.getLongVolatile(areaWord(area));
      if (isIn(word, kind, bin)) {
        if (Memory.compareAndSetLong(areaWord(area), word, AreaWord.reserved(word, slot))) {
          return area;
        }
      } else {
        mend(area, kind, bin, word);
      }
    }
    Transit.end(transit);
    return NONE;
  }

  private static boolean isIn(long word, int kind, int bin) {
    return AreaWord.state(word) == AreaWord.BINNED
        && AreaWord.bin(word) == bin
        && AreaWord.kind(word) == kind;
  }

  /// A hint led to an area that is not there: away with it, then look again.
  private void mend(long area, int kind, int bin, long word) {
    if (AreaWord.kind(word) != kind) {
      bins.clearKind(kind, area);
    } else {
      bins.clear(bin, area);
    }
    long now = Memory.getLongVolatile(areaWord(area));
    if (AreaWord.state(now) == AreaWord.BINNED) {
      bins.set(AreaWord.kind(now), AreaWord.bin(now), area);
    }
  }

  /// Claims this very area if nobody has it.
  ///
  /// @return whether it is RESERVED for the caller now
  boolean claimThis(long area) {
    long word = Memory.getLongVolatile(areaWord(area));
    return AreaWord.state(word) == AreaWord.BINNED
        && Memory.compareAndSetLong(
            areaWord(area), word, AreaWord.reserved(word, AreaWord.NO_SLOT));
  }

  /// Borrows a wholly free area from the level above.
  ///
  /// @param transit as for [#claim]
  /// @return the area, RESERVED now, or -1
  long lend(int kind, int slot, long transit) {
    if (!groups.mayHaveUnits()) {
      return NONE;
    }
    Transit.begin(transit);
    long unit = groups.lend();
    if (unit != NONE) {
      return open(unit, kind, slot);
    }
    Transit.end(transit);
    return NONE;
  }

  /// Borrows this very area if it is free.
  ///
  /// @return whether it is RESERVED for the caller now
  boolean lendThis(long area, int kind) {
    long unit = unitOf(area);
    if (!groups.takeAt(unit, 1, true)) {
      return false;
    }
    open(unit, kind, AreaWord.NO_SLOT);
    return true;
  }

  private long open(long unit, int kind, int slot) {
    long area = areaOf(unit);
    if ((Memory.getLongVolatile(areaWord(area)) & AreaWord.INIT) == 0) {
      fill(area, UnitWord.ALL_FREE);
    }
    Memory.putLongRelease(areaWord(area), AreaWord.fresh(kind, slot));
    return area;
  }

  /// Writes all frame words of an area that only the caller has.
  void fill(long area, long value) {
    long first = frameWord(area << Pages.HUGE_ORDER);
    for (long word = 0; word < AreaWord.WORDS; word++) {
      Memory.putLong(first + word * Long.BYTES, value);
    }
  }

  // ---- Leaving ----

  /// Ends a claim: puts the area into its bin, sets it FULL, or gives it back if it is wholly free.
  void settle(long area) {
    long address = areaWord(area);
    while (true) {
      long word = Memory.getLongVolatile(address);
      if (AreaWord.isDirty(word)) {
        Memory.compareAndSetLong(address, word, word & ~AreaWord.DIRTY);
        continue;
      }
      long found = survey(area);
      int largest = (int) (found >> 32);
      int free = (int) found;
      if (free == AreaWord.FRAMES) {
        if (Memory.compareAndSetLong(address, word, AreaWord.returned())) {
          groups.takeBack(unitOf(area));
          return;
        }
      } else if (free == 0) {
        if (Memory.compareAndSetLong(address, word, AreaWord.full(word))) {
          return;
        }
      } else {
        int bin = AreaWord.bin(largest, free);
        if (Memory.compareAndSetLong(address, word, AreaWord.binned(word, bin))) {
          bins.set(AreaWord.kind(word), bin, area);
          return;
        }
      }
    }
  }

  /// The order of the largest free block in the upper half of the answer, the number of free frames
  /// in the lower one.
  private long survey(long area) {
    long first = frameWord(area << Pages.HUGE_ORDER);
    int largest = -1;
    int free = 0;
    int whole = 0;
    for (int i = 0; i < AreaWord.WORDS; i++) {
      int units = UnitWord.free(Memory.getLongVolatile(first + (long) i * Long.BYTES));
      if (units == -1) {
        whole |= 1 << i;
        free += UnitWord.UNITS;
      } else if (units != 0) {
        free += Integer.bitCount(units);
        while (largest < 4 && UnitWord.runs(units, largest + 1) != 0) {
          largest++;
        }
      }
    }
    if (whole != 0) {
      largest = 5 + UnitWord.largest(whole);
    }
    return (long) largest << 32 | free;
  }

  /// A block of 2^order frames became free in the word whose value is `after` now. Tells who must
  /// know: the bins, the claimer, or the level above.
  void afterFree(long frame, int order, long after) {
    long area = frame >>> Pages.HUGE_ORDER;
    long address = areaWord(area);
    while (true) {
      long word = Memory.getLongVolatile(address);
      int state = AreaWord.state(word);
      if (state == AreaWord.RESERVED) {
        if (AreaWord.isDirty(word)
            || Memory.compareAndSetLong(address, word, word | AreaWord.DIRTY)) {
          return;
        }
        continue;
      }
      if (state != AreaWord.BINNED && state != AreaWord.FULL) {
        return; // it went back already, with these frames
      }
      int known = state == AreaWord.FULL ? -1 : AreaWord.largestOrder(AreaWord.bin(word));
      if (!grew(frame, after, known)) {
        return;
      }
      int largest = coalescedOrder(frame, order);
      int free = 1 << largest;
      if (known >= 0 && largest > known) {
        // How empty the area is was true when it got its bin. Now is the time to count again: one
        // that is taken for nearly full for ever would be filled, and cached from, before fuller
        // ones.
        long found = survey(area);
        largest = (int) (found >> 32);
        free = (int) found;
      }
      if (largest <= known) {
        return; // or was taken again since
      }
      if (largest >= Pages.HUGE_ORDER) {
        Transit.begin(transit);
        boolean mine =
            Memory.compareAndSetLong(address, word, AreaWord.reserved(word, AreaWord.NO_SLOT));
        if (mine) {
          settle(area);
        }
        Transit.end(transit);
        if (mine) {
          return;
        }
        continue;
      }
      long next = AreaWord.binned(word, AreaWord.bin(largest, free));
      // The next free of this area tells nobody: until the hints are set, it is on its way.
      Transit.begin(transit);
      boolean told = Memory.compareAndSetLong(address, word, next);
      if (told) {
        bins.set(AreaWord.kind(next), AreaWord.bin(next), area);
      }
      Transit.end(transit);
      if (told) {
        return;
      }
    }
  }

  /// Whether a free of frames whose word is `after` now concerns nobody else: the area waits in a
  /// bin, and no free block in it has become larger than the bin says.
  static boolean isSettled(long word, long frame, long after) {
    return AreaWord.state(word) == AreaWord.BINNED
        && !grew(frame, after, AreaWord.largestOrder(AreaWord.bin(word)));
  }

  /// Whether a free block larger than 2^known may have come about; false only if not.
  private static boolean grew(long frame, long after, int known) {
    int free = UnitWord.free(after);
    return known >= 5 ? free == -1 : UnitWord.isFreeRun(free, (int) frame & 31, known + 1);
  }

  /// The order of the aligned free block around a frame, in its area.
  private int coalescedOrder(long frame, int atLeast) {
    int index = (int) frame & 31;
    int free = UnitWord.free(Memory.getLongVolatile(frameWord(frame)));
    int order = Math.min(atLeast, 5);
    while (order < 5 && UnitWord.isFreeRun(free, index, order + 1)) {
      order++;
    }
    if (order < 5) {
      return order;
    }
    int place = (int) (frame >>> 5) & 15;
    int whole = wholeWords(frame >>> Pages.HUGE_ORDER);
    int more = 0;
    while (more < 4 && UnitWord.isFreeRun(whole, place, more + 1)) {
      more++;
    }
    return 5 + more;
  }

  /// The words of an area of which every frame is free, one bit each.
  int wholeWords(long area) {
    long first = frameWord(area << Pages.HUGE_ORDER);
    int whole = 0;
    for (int i = 0; i < AreaWord.WORDS; i++) {
      long value = Memory.getLongVolatile(first + (long) i * Long.BYTES);
      whole |= (value == UnitWord.ALL_FREE ? 1 : 0) << i;
    }
    return whole;
  }

  // ---- For the validator ----

  /// Whether the metadata have a word for an area.
  boolean has(long area) {
    return Long.compareUnsigned(area, areaCount) < 0;
  }

  /// Whether the hints lead to a BINNED area.
  boolean isFound(long area) {
    long word = Memory.getLongVolatile(areaWord(area));
    return bins.leadsTo(AreaWord.kind(word), AreaWord.bin(word), area);
  }

  boolean hasStrayHints() {
    return bins.hasStrays();
  }
}
