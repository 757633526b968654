package dev.bifolio.kernel.frame;

/// The word of an area: who may allocate in its 512 frames, and where it is to be found.
///
/// ```
///   bit 63        32      23     16    10   8    5    4     3   2    0
///      [ slot + 1   ]     [ bin   ]    [kind]  INIT DIRTY PARTIAL [state]
/// ```
///
/// | state | meaning | who leaves it |
/// |---|---|---|
/// | NONE | the area belongs to the level above | who got its unit there: to RESERVED |
/// | BINNED | has free frames and is found through its bin | a claimer: to RESERVED; a freer: to another bin |
/// | RESERVED | one claimer allocates here: a slot, or an operation under way (slot + 1 = 0) | the claimer |
/// | FULL | no free frame, in no bin | a freer: to BINNED |
/// | ABSENT | no frame of it was ever handed over | addFrames |
///
/// DIRTY: a frame was freed here while RESERVED; the claimer may not go before it has looked again.
/// PARTIAL: some frames are not there; they look cached, therefore no block of it goes into a
/// magazine. INIT: the 16 frame words of an area that belongs to the level above are all FREE
/// already.
///
/// A bin is the order of the largest free block, 0 … 8, times four plus how empty the area is. The
/// order is never recorded too low when nothing is going on; emptiness is what it was when the area
/// was put into the bin. Pure functions; any thread.
final class AreaWord {
  static final int NONE = 0;
  static final int BINNED = 1;
  static final int RESERVED = 2;
  static final int FULL = 3;
  static final int ABSENT = 4;

  static final long PARTIAL = 1L << 3;
  static final long DIRTY = 1L << 4;
  static final long INIT = 1L << 5;

  static final int FRAMES = 512;
  static final int WORDS = FRAMES / UnitWord.UNITS;

  static final int BINS = 36;
  static final int NO_SLOT = -1;

  private static final int KIND_SHIFT = 8;
  private static final int BIN_SHIFT = 16;
  private static final int SLOT_SHIFT = 32;
  private static final long STATE = 7;
  private static final long KEPT = PARTIAL | 7L << KIND_SHIFT;

  private AreaWord() {}

  static int state(long word) {
    return (int) (word & STATE);
  }

  static int kind(long word) {
    return (int) (word >>> KIND_SHIFT) & 7;
  }

  static int bin(long word) {
    return (int) (word >>> BIN_SHIFT) & 0xFF;
  }

  /// The slot that holds a RESERVED area, or [#NO_SLOT].
  static int slot(long word) {
    return (int) (word >>> SLOT_SHIFT) - 1;
  }

  static boolean isDirty(long word) {
    return (word & DIRTY) != 0;
  }

  static boolean isPartial(long word) {
    return (word & PARTIAL) != 0;
  }

  /// Whether two words say the same about who holds the area.
  static boolean sameHolder(long word, long other) {
    return ((word ^ other) & (STATE | -1L << SLOT_SHIFT)) == 0;
  }

  static long fresh(int kind, int slot) {
    return RESERVED | (long) kind << KIND_SHIFT | (slot + 1L) << SLOT_SHIFT;
  }

  static long reserved(long word, int slot) {
    return (word & KEPT) | RESERVED | (slot + 1L) << SLOT_SHIFT;
  }

  static long full(long word) {
    return (word & KEPT) | FULL;
  }

  static long binned(long word, int bin) {
    return (word & KEPT) | BINNED | (long) bin << BIN_SHIFT;
  }

  /// What an area is that the level above has and whose frame words are FREE.
  static long returned() {
    return NONE | INIT;
  }

  static int bin(int largestOrder, int freeFrames) {
    return Math.min(largestOrder, 8) << 2 | emptiness(freeFrames);
  }

  static int largestOrder(int bin) {
    return bin >>> 2;
  }

  /// The first bin whose areas may hold a block of `order`.
  static int firstBin(int order) {
    return order << 2;
  }

  /// Nearly full: what a last-in-first-out cache may keep without harm, because the area is the
  /// next one that would be filled up anyway.
  static boolean isNearlyFull(long word) {
    return state(word) == FULL || (state(word) == BINNED && (bin(word) & 3) == 0);
  }

  private static int emptiness(int freeFrames) {
    if (freeFrames < 8) {
      return 0;
    }
    return freeFrames < 32 ? 1 : freeFrames < 128 ? 2 : 3;
  }
}
