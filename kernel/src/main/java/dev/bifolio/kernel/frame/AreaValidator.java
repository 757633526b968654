package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.Pages;

/// The part of [HybridValidator] that looks at areas: each area word against its unit above, and
/// against its 16 frame words.
///
/// | state | frame words |
/// |---|---|
/// | NONE, not lent | all FREE, if the word says INIT |
/// | ABSENT | never written |
/// | BINNED | no free block larger than the bin says, not all free; the hints lead to it |
/// | RESERVED | for a slot that names the area too |
/// | FULL | nothing free |
///
/// A bin may say too much: a freer that was overtaken by an allocation puts an area into a bin that
/// was right a moment before. Whoever claims it finds out.
final class AreaValidator {
  private static final int NONE = -1;

  private final HybridCore core;
  private final Areas areas;
  private final ProblemList problems;
  private final CacheValidator caches;
  private final long startPfn;
  private final long endPfn;
  private final boolean inside;

  private long managedFrames;
  private long freeFrames;
  private long cachedFrames;
  private long unreadFrames;

  // The area that is being walked.
  private long firstFrame;
  private long word;
  private int free;
  private int absent;
  private int whole;
  private int largest;
  private boolean inRun;
  private int head;
  private boolean headIsCached;

  AreaValidator(
      HybridCore core,
      ProblemList problems,
      CacheValidator caches,
      long startPfn,
      long endPfn,
      boolean inside) {
    this.core = core;
    this.problems = problems;
    this.caches = caches;
    this.startPfn = startPfn;
    this.endPfn = endPfn;
    this.inside = inside;
    areas = core.areas;
  }

  long managedFrames() {
    return managedFrames;
  }

  long freeFrames() {
    return freeFrames;
  }

  /// Frames of cached blocks, without those of claim words.
  long cachedFrames() {
    return cachedFrames;
  }

  /// Frames of areas that were taken at their word.
  long unreadFrames() {
    return unreadFrames;
  }

  /// An area whose unit is not lent.
  void checkNotLent(long area) {
    long found = Memory.getLongVolatile(areas.areaWord(area));
    if ((found & ~AreaWord.INIT) != AreaWord.NONE) {
      report(area, "unit above is not LENT, but its state is " + AreaWord.state(found));
    } else if (inside && found == AreaWord.returned() && areas.wholeWords(area) != 0xFFFF) {
      report(area, "is said to be all FREE below (INIT), but is not");
    }
  }

  /// An area whose unit is lent.
  ///
  /// @param afterRun whether what is before the area is allocated, so that it may go on here
  /// @return whether the first frame is a tail
  boolean check(long area, boolean afterRun) {
    word = Memory.getLongVolatile(areas.areaWord(area));
    firstFrame = area << Pages.HUGE_ORDER;
    if (AreaWord.state(word) == AreaWord.ABSENT) {
      checkAbsent(area);
      return false;
    }
    if (word != canonical()) {
      report(area, "word " + Long.toHexString(word) + " is none that exists");
      return false;
    }
    if (AreaWord.state(word) == AreaWord.FULL && !AreaWord.isPartial(word) && !inside) {
      managedFrames += AreaWord.FRAMES;
      unreadFrames += AreaWord.FRAMES;
      return beginsWithTail(area, afterRun);
    }
    walkFrames(afterRun);
    switch (AreaWord.state(word)) {
      case AreaWord.BINNED -> checkBinned(area);
      case AreaWord.RESERVED -> caches.checkHolder(area, word);
      default -> {
        if (free != 0) {
          report(area, "is FULL, but has " + free + " free frames");
        }
      }
    }
    return isTail(Memory.getLongVolatile(areas.frameWord(firstFrame)));
  }

  /// What the word must be if its state, bin, kind and slot are right.
  private long canonical() {
    boolean kindIsLegal = AreaWord.kind(word) < AllocationFlags.KIND_COUNT;
    return switch (AreaWord.state(word)) {
      case AreaWord.BINNED ->
          kindIsLegal && AreaWord.bin(word) < AreaWord.BINS
              ? AreaWord.binned(word, AreaWord.bin(word))
              : ~word;
      case AreaWord.RESERVED ->
          kindIsLegal
              ? AreaWord.reserved(word, AreaWord.slot(word)) | (word & AreaWord.DIRTY)
              : ~word;
      case AreaWord.FULL -> kindIsLegal ? AreaWord.full(word) : ~word;
      default -> ~word;
    };
  }

  private void checkAbsent(long area) {
    if (word != AreaWord.ABSENT) {
      report(area, "is ABSENT with further bits " + Long.toHexString(word));
    }
    for (int i = 0; i < AreaWord.WORDS; i++) {
      if (frameWord(i) != 0) {
        problems.atFrame(pfnOf(i * UnitWord.UNITS), "is in use, but its area is ABSENT");
      }
    }
  }

  private boolean beginsWithTail(long area, boolean afterRun) {
    boolean tail = isTail(frameWord(0));
    if (tail && !afterRun) {
      report(area, "begins with a tail without a head");
    }
    return tail;
  }

  private void checkBinned(long area) {
    int recorded = AreaWord.largestOrder(AreaWord.bin(word));
    if (free == AreaWord.FRAMES) {
      report(area, "is wholly free, but has not gone back");
    } else if (largest > recorded) {
      report(area, "has a free block of order " + largest + ", its bin says " + recorded);
    }
    if (!areas.isFound(area)) {
      report(area, "is in bin " + AreaWord.bin(word) + ", but no hint leads to it");
    }
  }

  // ---- Frames ----

  private void walkFrames(boolean afterRun) {
    free = 0;
    absent = 0;
    whole = 0;
    largest = NONE;
    inRun = afterRun;
    head = NONE;
    for (int i = 0; i < AreaWord.WORDS; i++) {
      walkWord(i, frameWord(i));
    }
    endRun(AreaWord.FRAMES);
    if (whole != 0) {
      largest = 5 + UnitWord.largest(whole);
    }
    if (afterRun && inRun && areTails()) {
      problems.atFrame(pfnOf(0), "all frames of the area are tails, but its unit is LENT");
    }
    managedFrames += AreaWord.FRAMES - absent;
    freeFrames += free;
  }

  private boolean areTails() {
    for (int i = 0; i < AreaWord.WORDS; i++) {
      if (frameWord(i) != UnitWord.ALL_TAIL) {
        return false;
      }
    }
    return true;
  }

  private void walkWord(int index, long value) {
    int freeUnits = UnitWord.free(value);
    free += Integer.bitCount(freeUnits);
    whole |= freeUnits == -1 ? 1 << index : 0;
    largest = Math.max(largest, UnitWord.largest(freeUnits));
    boolean partial = AreaWord.isPartial(word);
    if (partial) {
      absent += Integer.bitCount(UnitWord.lent(value));
    }
    checkSpan(index, value);
    int frame = index * UnitWord.UNITS;
    int marks = UnitWord.notTails(value);
    if ((marks & 1) == 0) {
      checkTail(frame);
    }
    for (int left = marks; left != 0; left &= left - 1) {
      int unit = Integer.numberOfTrailingZeros(left);
      endRun(frame + unit);
      boolean isHead = (value >>> unit & 1) == 0;
      boolean isCached = !partial && (UnitWord.lent(value) >>> unit & 1) != 0;
      inRun = isHead || isCached;
      head = inRun ? frame + unit : NONE;
      headIsCached = isCached;
      if (unit < UnitWord.UNITS - 1 && (marks >>> (unit + 1) & 1) == 0) {
        checkTail(frame + unit + 1);
      }
    }
  }

  private void checkTail(int frame) {
    if (!inRun) {
      problems.atFrame(pfnOf(frame), "is a tail without a head");
      inRun = true; // told once
    }
  }

  /// A run ends before a frame of the area.
  private void endRun(int end) {
    if (head == NONE) {
      return;
    }
    int frameCount = end - head;
    if ((head & (1 << Pages.framesToOrderUp(frameCount)) - 1) != 0) {
      problems.atFrame(pfnOf(head), "run of " + frameCount + " frames is not aligned");
    }
    if (headIsCached) {
      cachedFrames += frameCount;
      if (!caches.holds(firstFrame + head)) {
        problems.atFrame(pfnOf(head), "is cached, but in no magazine");
      }
    }
    head = NONE;
  }

  /// Frames of the area that are outside the span must be absent.
  private void checkSpan(int index, long value) {
    long pfn = pfnOf(index * UnitWord.UNITS);
    if (pfn >= startPfn && pfn + UnitWord.UNITS <= endPfn) {
      return;
    }
    for (int unit = 0; unit < UnitWord.UNITS; unit++) {
      boolean outside = pfn + unit < startPfn || pfn + unit >= endPfn;
      if (outside && (UnitWord.lent(value) >>> unit & 1) == 0) {
        problems.atFrame(pfn + unit, "is outside the span, but not absent");
      }
    }
  }

  private long frameWord(int index) {
    return Memory.getLongVolatile(areas.frameWord(firstFrame + (long) index * UnitWord.UNITS));
  }

  private static boolean isTail(long value) {
    return (UnitWord.notTails(value) & 1) == 0;
  }

  private long pfnOf(int frame) {
    return core.basePfn() + firstFrame + frame;
  }

  private void report(long area, String problem) {
    problems.atArea(core.basePfn() + (area << Pages.HUGE_ORDER), problem);
  }
}
