package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.Pages;

/// Runs of up to 512 frames inside one area: taking, proving, freeing and splitting them in the
/// area's 16 frame words.
///
/// ```
///   a run of 70 frames      word 0           word 1           word 2
///                           HEAD 31 x TAIL   32 x TAIL        6 x TAIL, then others' frames
/// ```
///
/// Up to 32 frames lie in one word: one compare-and-set from the full state proves and does it.
/// Longer ones begin with a word and own all words but the last one wholly. Whoever frees such a
/// run first turns its head from HEAD to cached, by compare-and-set: of several only one can, and
/// nobody else may touch the words behind until the head is FREE. Whoever takes such a run has
/// claimed the area, and nobody but him changes a word that is all FREE; so the words behind the
/// first need plain stores only.
///
/// Frames are counted as in [Areas]. Any thread; no Java objects; the calls that take frames need a
/// claim of the area.
final class FrameRuns {
  private static final long NONE = -1;
  private static final long HEAD_TAKEN = UnitWord.ONE_BLOCK ^ UnitWord.cached(0);

  private final Areas areas;

  FrameRuns(Areas areas) {
    this.areas = areas;
  }

  // ---- Taking: the area is claimed by the caller ----

  /// Takes a run where it breaks the smallest free block that can hold it.
  ///
  /// @param frameCount 1 … 512
  /// @return the first frame, or -1
  long take(long area, int frameCount) {
    int order = Pages.framesToOrderUp(frameCount);
    return order < 5 ? takeInWord(area, order, frameCount) : takeWords(area, order, frameCount);
  }

  private long takeInWord(long area, int order, int frameCount) {
    long first = area << Pages.HUGE_ORDER;
    while (true) {
      long found = findInWords(areas.frameWord(first), order);
      if (found < 0) {
        return NONE;
      }
      long frame = first + (found >>> 32) * UnitWord.UNITS;
      int index = (int) found & (UnitWord.UNITS - 1);
      if (takeAt(frame + index, frameCount)) {
        return frame + index;
      }
    }
  }

  /// The smallest free run of 2^order frames or more in a word of an area.
  ///
  /// @return the word's number times 2^32, plus what [UnitWord#fit] says; or -1
  private static long findInWords(long firstWord, int order) {
    long best = NONE;
    int smallest = Integer.MAX_VALUE;
    for (int word = 0; word < AreaWord.WORDS; word++) {
      int free = UnitWord.free(Memory.getLongVolatile(firstWord + (long) word * Long.BYTES));
      int fit = free == 0 ? -1 : UnitWord.fit(free, order);
      if (fit >= 0 && fit >>> 5 < smallest) {
        smallest = fit >>> 5;
        best = (long) word << 32 | fit;
        if (smallest == order) {
          return best;
        }
      }
    }
    return best;
  }

  private long takeWords(long area, int order, int frameCount) {
    int place = UnitWord.bestFit(areas.wholeWords(area), order - 5);
    if (place < 0) {
      return NONE;
    }
    long frame = (area << Pages.HUGE_ORDER) + (long) place * UnitWord.UNITS;
    occupy(frame, frameCount);
    return frame;
  }

  /// Writes a run of more than 16 frames over words that are all FREE and in nobody else's reach.
  private void occupy(long frame, int frameCount) {
    if (frameCount < UnitWord.UNITS) {
      long value = UnitWord.ALL_FREE ^ UnitWord.block(0, frameCount);
      Memory.putLongRelease(areas.frameWord(frame), value);
      return;
    }
    tails(frame + UnitWord.UNITS, frameCount - UnitWord.UNITS);
    Memory.putLongRelease(areas.frameWord(frame), UnitWord.ONE_BLOCK);
  }

  /// Makes tails of the first `frameCount` frames of words that are all FREE and in nobody's reach.
  void tails(long frame, int frameCount) {
    int left = frameCount;
    for (long next = frame; left > 0; next += UnitWord.UNITS) {
      int here = Math.min(left, UnitWord.UNITS);
      long value = UnitWord.ALL_FREE ^ (UnitWord.mask(0, here) & 0xFFFF_FFFFL);
      Memory.putLongRelease(areas.frameWord(next), value);
      left -= here;
    }
  }

  /// Takes a run at a wanted place if its frames are free.
  ///
  /// @param frameCount 1 … 512, with a first frame aligned to the next power of two
  /// @return whether they were
  boolean takeAt(long frame, int frameCount) {
    if (frameCount > 16) {
      int order = Pages.framesToOrderUp(frameCount);
      int place = (int) (frame >>> 5) & 15;
      int whole = areas.wholeWords(frame >>> Pages.HUGE_ORDER);
      if (order < 5 || !UnitWord.isFreeRun(whole, place, order - 5)) {
        return false;
      }
      occupy(frame, frameCount);
      return true;
    }
    int index = (int) frame & 31;
    int wanted = UnitWord.mask(index, frameCount);
    while (true) {
      long value = Memory.getLongVolatile(areas.frameWord(frame));
      if ((UnitWord.free(value) & wanted) != wanted) {
        return false;
      }
      long next = value ^ UnitWord.block(index, frameCount);
      if (Memory.compareAndSetLong(areas.frameWord(frame), value, next)) {
        return true;
      }
    }
  }

  // ---- Proving and freeing ----

  /// Frees a run if it is allocated in just this length. Frames in a claim word must have been
  /// looked for before.
  ///
  /// @param frameCount 1 … 512, not reaching beyond the area
  /// @return whether it was
  boolean free(long frame, int frameCount) {
    int index = (int) frame & 31;
    if (index + frameCount <= UnitWord.UNITS) {
      long address = areas.frameWord(frame);
      while (true) {
        long value = Memory.getLongVolatile(address);
        if (!isRunInWord(value, frame, frameCount)) {
          return false;
        }
        long next = value ^ UnitWord.block(index, frameCount);
        if (Memory.compareAndSetLong(address, value, next)) {
          tellOf(frame, frameCount);
          return true;
        }
      }
    }
    if (!claimWords(frame, frameCount)) {
      return false;
    }
    releaseWords(frame, frameCount);
    return true;
  }

  /// Frees a run of more than a word whose head is cached: it is the caller's alone.
  private void releaseWords(long frame, int frameCount) {
    release(frame + UnitWord.UNITS, frameCount - UnitWord.UNITS);
    // Nobody else changes the word; but a store could be overtaken by the look at the area word.
    Memory.compareAndSetLong(areas.frameWord(frame), HEAD_TAKEN, UnitWord.ALL_FREE);
    tellOf(frame, frameCount);
  }

  /// Frees a cached block that only the caller has.
  void freeCached(long frame, int order) {
    if (order >= 5) {
      releaseWords(frame, 1 << order);
      return;
    }
    int index = (int) frame & 31;
    long address = areas.frameWord(frame);
    long change = UnitWord.block(index, 1 << order) ^ UnitWord.cached(index);
    long value = Memory.getLongVolatile(address);
    while (!Memory.compareAndSetLong(address, value, value ^ change)) {
      value = Memory.getLongVolatile(address);
    }
    tellOf(frame, 1 << order);
  }

  private boolean isRunInWord(long value, long frame, int frameCount) {
    int behind = ((int) frame & 31) + frameCount;
    if (!UnitWord.beginsRun(value, (int) frame & 31, frameCount)) {
      return false;
    }
    return behind < UnitWord.UNITS
        ? (UnitWord.notTails(value) >>> behind & 1) != 0
        : !isTail(frame + frameCount);
  }

  /// Whether a frame is a tail of what lies before it in its area.
  private boolean isTail(long frame) {
    if ((frame & AreaWord.FRAMES - 1) == 0) {
      return false;
    }
    long value = Memory.getLongVolatile(areas.frameWord(frame));
    return (UnitWord.notTails(value) >>> (frame & 31) & 1) == 0;
  }

  /// Whether a run of more than a word is allocated here in just this length; if so, its head is
  /// cached now, and the run is the caller's alone.
  ///
  /// The proof comes when the head is taken and nothing can change any more; the look before it is
  /// there because whoever owns a shorter run in this place could not free it meanwhile.
  private boolean claimWords(long frame, int frameCount) {
    long address = areas.frameWord(frame);
    if (!looksLikeRun(frame, frameCount)
        || !Memory.compareAndSetLong(address, UnitWord.ONE_BLOCK, HEAD_TAKEN)) {
      return false;
    }
    if (endsBehind(frame, frameCount)) {
      return true;
    }
    Memory.compareAndSetLong(address, HEAD_TAKEN, UnitWord.ONE_BLOCK);
    return false;
  }

  private boolean isRunOfWords(long frame, int frameCount) {
    return (frame & 31) == 0
        && Memory.getLongVolatile(areas.frameWord(frame)) == UnitWord.ONE_BLOCK
        && endsBehind(frame, frameCount);
  }

  /// A look at the beginning and the end of a run of a word or more, for who proves it afterwards:
  /// false only if none is allocated here in just this length.
  boolean looksLikeRun(long frame, int frameCount) {
    return (frame & 31) == 0
        && Memory.getLongVolatile(areas.frameWord(frame)) == UnitWord.ONE_BLOCK
        && (frameCount == UnitWord.UNITS || isTail(frame + frameCount - 1))
        && !isTail(frame + frameCount);
  }

  /// Whether a run of a word or more, whose first word is proved, has just this length.
  boolean endsBehind(long frame, int frameCount) {
    // Flat, because this lies deep below a free, and the compiler inlines only so deep.
    long address = areas.frameWord(frame);
    int left = frameCount - UnitWord.UNITS;
    for (; left >= UnitWord.UNITS; left -= UnitWord.UNITS) {
      address += Long.BYTES;
      if (Memory.getLongVolatile(address) != UnitWord.ALL_TAIL) {
        return false;
      }
    }
    return (left == 0 || UnitWord.areTails(Memory.getLongVolatile(address + Long.BYTES), 0, left))
        && !isTail(frame + frameCount);
  }

  /// Whether `frameCount` frames from the beginning of a word on are tails.
  boolean areTails(long frame, int frameCount) {
    int left = frameCount;
    for (long next = frame; left > 0; next += UnitWord.UNITS) {
      int here = Math.min(left, UnitWord.UNITS);
      if (!UnitWord.areTails(Memory.getLongVolatile(areas.frameWord(next)), 0, here)) {
        return false;
      }
      left -= here;
    }
    return true;
  }

  /// Whether a run is allocated here in just this length.
  boolean isRun(long frame, int frameCount) {
    return ((int) frame & 31) + frameCount <= UnitWord.UNITS
        ? isRunInWord(Memory.getLongVolatile(areas.frameWord(frame)), frame, frameCount)
        : isRunOfWords(frame, frameCount);
  }

  /// Frees tails, from the beginning of a word on, that only the caller has. The last word goes
  /// first: who takes a word that is free already, and frees it again, looks whether a tail is
  /// behind it.
  void release(long frame, int frameCount) {
    int words = frameCount >>> 5;
    int rest = frameCount & 31;
    if (rest != 0) {
      long last = areas.frameWord(frame + ((long) words << 5));
      Memory.getAndBitwiseOrLong(last, UnitWord.mask(0, rest) & 0xFFFF_FFFFL);
    }
    for (long word = words - 1L; word > 0; word--) {
      Memory.putLongRelease(areas.frameWord(frame + (word << 5)), UnitWord.ALL_FREE);
    }
    if (words > 0) {
      // Not a plain store: the area word is read afterwards, and must not be read before.
      Memory.getAndBitwiseOrLong(areas.frameWord(frame), UnitWord.ALL_FREE);
    }
  }

  /// Frames of one area became free: tells the area of each block that they make.
  void tellOf(long frame, int frameCount) {
    long end = frame + frameCount;
    for (long block = frame; block < end; ) {
      int order = Pages.largestOrderAt(block, end, Pages.HUGE_ORDER);
      areas.afterFree(block, order, Memory.getLongVolatile(areas.frameWord(block)));
      block += 1L << order;
    }
  }

  /// Makes single frames of a run if it is allocated in just this length.
  ///
  /// @return whether it was
  boolean split(long frame, int frameCount) {
    int index = (int) frame & 31;
    if (index + frameCount <= UnitWord.UNITS) {
      long heads = (long) UnitWord.mask(index, frameCount) << 32;
      while (true) {
        long value = Memory.getLongVolatile(areas.frameWord(frame));
        if (!isRunInWord(value, frame, frameCount)) {
          return false;
        }
        if (Memory.compareAndSetLong(areas.frameWord(frame), value, value | heads)) {
          return true;
        }
      }
    }
    if (!claimWords(frame, frameCount)) {
      return false;
    }
    heads(frame + UnitWord.UNITS, frameCount - UnitWord.UNITS);
    Memory.putLongRelease(areas.frameWord(frame), UnitWord.ALL_HEAD);
    return true;
  }

  /// Makes single allocated frames of tails, from the beginning of a word on, that only the caller
  /// has.
  void heads(long frame, int frameCount) {
    int left = frameCount;
    for (long next = frame; left > 0; next += UnitWord.UNITS) {
      int here = Math.min(left, UnitWord.UNITS);
      Memory.getAndBitwiseOrLong(areas.frameWord(next), (long) UnitWord.mask(0, here) << 32);
      left -= here;
    }
  }
}
