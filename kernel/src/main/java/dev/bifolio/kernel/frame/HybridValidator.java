package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.Pages;

/// Checks the invariants of a [HybridAllocator], from the largest units down, and then its caches
/// and counters. Nobody may allocate or free meanwhile.
///
/// ```
///   level 3   [HEAD][TAIL][LENT][FREE] …      not lent: the word below is all TAIL
///                           |                 lent: the word below is in use, or absent
///   level 2                [LENT][FREE] …     all FREE: gone back, but for the open word
///                           |                 units free: open, or found through the hints
///   level 1                [LENT][HEAD] …
///                           |
///   area word, 16 frame words                 AreaValidator
///   claim words and magazines                 CacheValidator
/// ```
///
/// What a tail belongs to is carried along: a word may begin with tails only if the units before it
/// are a run that reaches its end. Nothing below a unit that is not lent is walked, so that a
/// terabyte of free memory is a few hundred words; what is not lent must be empty one level below,
/// and that is looked at.
///
/// Nothing is written, and nothing read is trusted: a wild slot or frame is reported, not followed.
final class HybridValidator {
  private static final int TAIL = 0;
  private static final int FREE = 1;
  private static final int LENT = 3;
  private static final int NONE = -1;

  private final HybridCore core;
  private final HybridCounts counts;
  private final UnitLevel[] levels;
  private final long startPfn;
  private final long endPfn;

  /// Whether the frames of areas without free ones are looked at too, and everything is counted a
  /// second time.
  private final boolean inside;

  private final ProblemList problems;
  private final CacheValidator caches;
  private final AreaValidator areas;
  private long managedFrames;
  private long freeFrames;

  HybridValidator(
      HybridCore core, HybridCounts counts, long startPfn, long endPfn, boolean inside) {
    this.core = core;
    this.counts = counts;
    this.startPfn = startPfn;
    this.endPfn = endPfn;
    this.inside = inside;
    levels = core.levels;
    problems = new ProblemList();
    caches = new CacheValidator(core, problems);
    areas = new AreaValidator(core, problems, caches, startPfn, endPfn, inside);
  }

  ValidationReport validate() {
    UnitLevel top = levels[levels.length - 1];
    long unit = top.firstUnit();
    for (long word = 0; word < top.wordCount(); word++) {
      long value = top.valueAt(unit);
      if (value == UnitWord.ALL_TAIL) {
        checkEmptyBelow(levels.length - 1, unit);
      } else {
        walkWord(levels.length - 1, unit, value, false);
      }
      unit += UnitWord.UNITS;
    }
    for (int level = 0; level < levels.length; level++) {
      checkLevel(level);
    }
    if (core.areas.hasStrayHints()) {
      problems.add("hints of the areas", "a bit stands for an area that does not exist");
    }
    checkQuiet("control words", Memory.getLongVolatile(core.areas.transit()));
    for (int slot = 0; slot < core.slots.count(); slot++) {
      checkQuiet("slot " + slot, Memory.getLongVolatile(Slots.transit(core.slots.claim(slot))));
    }
    caches.validate();
    managedFrames += areas.managedFrames();
    freeFrames += areas.freeFrames();
    compareControl();
    if (inside && problems.count() == 0) {
      compareCensus();
    }
    return new ValidationReport(
        managedFrames - areas.unreadFrames(), problems.count(), problems.text());
  }

  // ---- The levels ----

  /// Looks at each unit of a word that is in use.
  ///
  /// @param afterRun whether what is before the word is allocated, so that it may go on here
  /// @return whether the first frame of the word is a tail
  private boolean walkWord(int level, long first, long value, boolean afterRun) {
    checkWord(level, first, value);
    boolean inRun = afterRun;
    boolean beginsWithTail = false;
    int head = NONE;
    for (int i = 0; i < UnitWord.UNITS; i++) {
      int state = (int) ((value >>> i & 1) | (value >>> (31 + i) & 2));
      boolean tail = state == TAIL;
      if (tail && !inRun) {
        report(level, first + i, "is a tail without a head");
      }
      if (state == LENT) {
        tail = walkBelow(level, first + i, inRun);
      } else {
        checkNotLent(level, first + i, state == FREE);
      }
      if (state != TAIL) {
        checkAligned(level, first, head, i - head + (tail ? 1 : 0));
        head = state == FREE || state == LENT ? NONE : i;
      }
      inRun = state != FREE && state != LENT;
      beginsWithTail |= tail && i == 0;
    }
    checkAligned(level, first, head, UnitWord.UNITS - head);
    return beginsWithTail;
  }

  private void checkAligned(int level, long first, int head, int units) {
    if (head != NONE && (head & (1 << Pages.framesToOrderUp(units)) - 1) != 0) {
      report(level, first + head, "run of " + units + " units is not aligned");
    }
  }

  private void checkWord(int level, long first, long value) {
    UnitLevel here = levels[level];
    boolean open = here.openWord() == here.wordOf(first);
    if (value == UnitWord.ALL_FREE && !open && level < levels.length - 1) {
      report(level, first, "word is all FREE, not open, and has not gone back");
    } else if (!open && !here.isFound(here.wordOf(first))) {
      report(level, first, "word has free units, but is not open, and no hint leads to it");
    }
  }

  /// A unit that is free or allocated: one of the span, with nothing below it.
  private void checkNotLent(int level, long unit, boolean free) {
    int shift = levels[level].shift();
    if (unit << shift < startPfn || (unit + 1) << shift > endPfn) {
      report(level, unit, "reaches out of the span, but is not absent");
    } else {
      managedFrames += 1L << shift;
      freeFrames += free ? 1L << shift : 0;
    }
    if (level == 0) {
      long area = core.areas.areaOf(unit);
      if (core.areas.has(area)) {
        areas.checkNotLent(area);
      }
    } else if (levels[level - 1].has(unit << 5)
        && levels[level - 1].valueAt(unit << 5) != UnitWord.ALL_TAIL) {
      report(level - 1, unit << 5, "word is in use, but its unit above is not LENT");
    }
  }

  /// A unit that is lent: in use below, or absent.
  ///
  /// @return whether its first frame is a tail
  private boolean walkBelow(int level, long unit, boolean afterRun) {
    if (level == 0) {
      long area = core.areas.areaOf(unit);
      return core.areas.has(area) && areas.check(area, afterRun);
    }
    UnitLevel below = levels[level - 1];
    if (!below.has(unit << 5)) {
      return false;
    }
    long value = below.valueAt(unit << 5);
    if (value == UnitWord.ALL_TAIL) {
      checkEmptyBelow(level - 1, unit << 5);
      return false;
    }
    return walkWord(level - 1, unit << 5, value, afterRun);
  }

  /// A word that is all TAIL in a lent unit was never handed over: nor was anything below it.
  private void checkEmptyBelow(int level, long first) {
    for (long unit = first; unit < first + UnitWord.UNITS; unit++) {
      boolean empty = true;
      if (level == 0) {
        long area = core.areas.areaOf(unit);
        empty =
            !core.areas.has(area)
                || Memory.getLongVolatile(core.areas.areaWord(area)) == AreaWord.NONE;
      } else if (levels[level - 1].has(unit << 5)) {
        empty = levels[level - 1].valueAt(unit << 5) == UnitWord.ALL_TAIL;
      }
      if (!empty) {
        report(level, unit, "is absent, but below it something is in use");
      }
    }
  }

  private void checkLevel(int level) {
    UnitLevel here = levels[level];
    if (here.openWord() < NONE || here.openWord() >= here.wordCount()) {
      problems.add("level " + (level + 1), "the open word is none that exists");
    }
    if (here.lentCount() < 0 || here.takenBackCount() < 0) {
      problems.add("level " + (level + 1), "a counter is negative");
    }
    checkQuiet("level " + (level + 1), here.transit());
    if (here.hasStrayHints()) {
      problems.add("level " + (level + 1), "a hint stands for a word that does not exist");
    }
  }

  /// Something that is on its way for ever would make every request that finds nothing wait.
  private void checkQuiet(String place, long transit) {
    if (!Transit.isQuiet(transit)) {
      problems.add(place, (int) transit + " are said to be on their way");
    }
  }

  /// Levels are told as in [UnitLevel]: the lowest is 1.
  private void report(int level, long unit, String problem) {
    long pfn = unit << levels[level].shift();
    problems.add("level " + (level + 1) + ", frame " + AddressRange.hex(pfn), problem);
  }

  // ---- The sums ----

  private void compareControl() {
    long handedOver = control(HybridCounts.MANAGED);
    if (handedOver != managedFrames) {
      problems.add(
          "managed frames", handedOver + " were handed over, " + managedFrames + " are there");
    }
    checkNotNegative(0, HybridCounts.WORDS);
    checkNotNegative(HybridCounts.FAILED, HybridCounts.FAILED + Pages.MAX_ORDER + 1);
    if (control(HybridCore.ALWAYS_ZERO) != 0) {
      problems.add("control word " + HybridCore.ALWAYS_ZERO, "is not zero");
    }
    if (control(HybridCounts.PEAK_USED) > managedFrames) {
      problems.add("control word " + HybridCounts.PEAK_USED, "peak is above the managed frames");
    }
    long atLeast = 0;
    long atMost = 0;
    for (int order = 0; order <= Pages.MAX_ORDER; order++) {
      long split = control(HybridCounts.SPLIT + order);
      atMost += split << order;
      atLeast += order == 0 ? split : split * ((1L << (order - 1)) + 1);
    }
    long singles = control(HybridCounts.SINGLES_MADE);
    if (singles < atLeast || singles > atMost) {
      problems.add(
          "control word " + HybridCounts.SINGLES_MADE,
          singles + " frames made by splitting, expected " + atLeast + " to " + atMost);
    }
  }

  private void checkNotNegative(int from, int to) {
    for (int word = from; word < to; word++) {
      if (control(word) < 0) {
        problems.add("control word " + word, "is negative: " + control(word));
      }
    }
  }

  private long control(int word) {
    return Memory.getLongVolatile(core.control(word));
  }

  /// The statistics come from another walk: both must agree, and nothing can have been freed more
  /// often than it was allocated.
  private void compareCensus() {
    FrameCensus census = new FrameCensus(core.states, Pages.MAX_ORDER, startPfn, endPfn);
    compare("managed frames", census.managedFrames(), managedFrames);
    compare("free frames", census.freeFrames(), freeFrames);
    compare("cached frames", census.cachedFrames(), areas.cachedFrames() + caches.claimedFrames());
    for (int order = 0; order <= Pages.MAX_ORDER; order++) {
      long frees = counts.freesEver(order, census);
      if (frees < 0) {
        problems.add("counters of order " + order, -frees + " more are live than were allocated");
      }
    }
  }

  private void compare(String what, long inCensus, long seen) {
    if (inCensus != seen) {
      problems.add(what, "the census says " + inCensus + ", the words " + seen);
    }
  }
}
