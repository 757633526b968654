package dev.bifolio.kernel.heap;

import dev.bifolio.kernel.platform.Memory;

/// The word of a row: up to 32 objects that lie side by side, and the whole truth about each.
///
/// ```
///  63                              32 31                               0
/// ┌──────────────────────────────────┬──────────────────────────────────┐
/// │ tag: goes up when a right ends   │ free: a bit an object            │
/// └──────────────────────────────────┴──────────────────────────────────┘
/// ```
///
/// Every allocation and every free of an object is one compare-and-set of this word. The *tag* goes
/// up when a CPU lets the row go, when an owner takes its objects, and when its slab is given back
/// or made: whoever looked at the row before that, and was held up, fails. It comes round after
/// 2^32 such steps, so one who was held up for exactly so many would not notice.
final class SlabRow {
  /// Objects of a row.
  static final int OBJECTS = 32;

  private static final int TAG_SHIFT = 32;

  /// The next tag.
  private static final long TAG_ONE = 1L << TAG_SHIFT;

  private static final long FREE = TAG_ONE - 1;

  private SlabRow() {}

  static int free(long word) {
    return (int) word;
  }

  static boolean isFree(long word, int bit) {
    return (word >>> bit & 1) != 0;
  }

  static boolean sameTag(long word, long other) {
    return (word ^ other) >>> TAG_SHIFT == 0;
  }

  /// The tag alone, in its place.
  static long tag(long word) {
    return word & ~FREE;
  }

  /// The word with the next tag and other free objects.
  static long next(long word, int free) {
    return (tag(word) + TAG_ONE) | (free & FREE);
  }

  /// Takes the free objects out, or puts others in, whatever is freed meanwhile; the tag goes up.
  ///
  /// @param address of the row
  /// @param free the objects that are free from now on
  static void set(long address, int free) {
    while (true) {
      long word = Memory.getLongVolatile(address);
      if (Memory.compareAndSetLong(address, word, next(word, free))) {
        return;
      }
    }
  }
}
