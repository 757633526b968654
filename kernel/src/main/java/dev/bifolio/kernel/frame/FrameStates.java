package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.Pages;

/// What a frame is, read from the levels downwards: for messages, statistics and the validator.
///
/// Not for hot paths. Exact when nobody allocates or frees; otherwise a moment's impression. No
/// Java objects.
final class FrameStates {
  static final int ABSENT = 0;
  static final int FREE = 1;
  static final int HEAD = 2;
  static final int TAIL = 3;

  /// Waits in a claim word or magazine; the tails of a cached block are TAIL.
  static final int CACHED = 4;

  private static final int END_SHIFT = 3;

  private final UnitLevel[] levels;
  private final Areas areas;
  private final Slots slots;

  FrameStates(UnitLevel[] levels, Areas areas, Slots slots) {
    this.levels = levels;
    this.areas = areas;
    this.slots = slots;
  }

  static int stateIn(long found) {
    return (int) found & 7;
  }

  /// Exclusive end, a pfn, of the part around the frame that was found to be in that state.
  static long endIn(long found) {
    return found >>> END_SHIFT;
  }

  private static long found(int state, long endPfn) {
    return endPfn << END_SHIFT | state;
  }

  /// The state of a frame of the span, and how far the frames behind it are in it too, at least;
  /// those behind a head may be its tails.
  ///
  /// @return a value for [#stateIn] and [#endIn]
  long look(long pfn) {
    for (int level = levels.length - 1; level >= 0; level--) {
      int shift = levels[level].shift();
      long unit = pfn >>> shift;
      long value = levels[level].valueAt(unit);
      int index = (int) unit & 31;
      if (value == UnitWord.ALL_TAIL) {
        return found(ABSENT, ((unit >>> 5) + 1) << (shift + 5));
      }
      if ((UnitWord.lent(value) >>> index & 1) == 0) {
        int state = stateOf(value, index);
        if (state == HEAD) {
          return found(pfn == unit << shift ? HEAD : TAIL, (unit + 1) << shift);
        }
        return found(state, (unit + alike(value, index, state)) << shift);
      }
    }
    return lookInArea(pfn);
  }

  private long lookInArea(long pfn) {
    long frame = pfn - areas.basePfn();
    long area = frame >>> Pages.HUGE_ORDER;
    long areaEnd = ((area + 1) << Pages.HUGE_ORDER) + areas.basePfn();
    long areaWord = Memory.getLongVolatile(areas.areaWord(area));
    if (AreaWord.state(areaWord) == AreaWord.ABSENT) {
      return found(ABSENT, areaEnd);
    }
    if (AreaWord.state(areaWord) == AreaWord.NONE) {
      return found(FREE, areaEnd); // on its way from or to the level above
    }
    long value = Memory.getLongVolatile(areas.frameWord(frame));
    int index = (int) frame & 31;
    int state = stateOf(value, index);
    if (state == HEAD) {
      return found(isInClaimWord(frame, areaWord) ? CACHED : HEAD, pfn + 1);
    }
    if (state == CACHED && AreaWord.isPartial(areaWord)) {
      return found(ABSENT, pfn + alike(value, index, CACHED));
    }
    return found(state, state == CACHED ? pfn + 1 : pfn + alike(value, index, state));
  }

  private boolean isInClaimWord(long frame, long areaWord) {
    if (AreaWord.state(areaWord) != AreaWord.RESERVED || AreaWord.slot(areaWord) < 0) {
      return false;
    }
    long word = Memory.getLongVolatile(slots.claim(AreaWord.slot(areaWord)));
    return ClaimWord.claims(word, (int) (frame >>> 5) & 15)
        && (ClaimWord.mask(word) >>> (frame & 31) & 1) != 0;
  }

  private static int stateOf(long value, int index) {
    boolean available = (value >>> index & 1) != 0;
    boolean head = ((value >>> (32 + index)) & 1) != 0;
    if (available) {
      return head ? CACHED : FREE;
    }
    return head ? HEAD : TAIL;
  }

  /// How many units from `index` on are in the same state, at least one.
  private static int alike(long value, int index, int state) {
    int units =
        switch (state) {
          case FREE -> UnitWord.free(value);
          case CACHED -> UnitWord.lent(value);
          default -> ~UnitWord.notTails(value);
        };
    return Math.min(Integer.numberOfTrailingZeros(~(units >>> index)), UnitWord.UNITS - index);
  }

  boolean isManaged(long pfn) {
    long frame = pfn - areas.basePfn();
    return Long.compareUnsigned(frame, areas.areaCount() << Pages.HUGE_ORDER) < 0
        && stateIn(look(pfn)) != ABSENT;
  }

  /// What is wrong with freeing `frameCount` frames at `pfn`, which is known to be wrong.
  FrameError errorOf(long pfn, long frameCount) {
    if (frameCount <= 0) {
      return FrameError.ZERO_ALLOCATION;
    }
    if (!isManaged(pfn) || frameCount > Long.MAX_VALUE - pfn || !isManaged(pfn + frameCount - 1)) {
      return FrameError.OUT_OF_RANGE;
    }
    return isFreeOrCached(pfn) ? FrameError.NOT_ALLOCATED : FrameError.SIZE_MISMATCH;
  }

  /// Whether nobody owns a frame; a tail is what its head is.
  boolean isFreeOrCached(long pfn) {
    int state = stateIn(look(pfn));
    if (state == TAIL) {
      return stateIn(look(headOf(pfn))) == CACHED;
    }
    return state != HEAD;
  }

  /// The head of what a tail belongs to.
  long headOf(long pfn) {
    long head = pfn;
    for (int order = 0; order <= Pages.MAX_ORDER && stateIn(look(head)) == TAIL; order++) {
      head = pfn & -(1L << order);
    }
    return head;
  }

  /// Frames of the block or run whose first frame is given.
  long frameCountAt(long pfn, long endPfn) {
    long end = endIn(look(pfn));
    while (end < endPfn) {
      long next = look(end);
      if (stateIn(next) != TAIL) {
        break;
      }
      end = endIn(next);
    }
    return Math.min(end, endPfn) - pfn;
  }
}
