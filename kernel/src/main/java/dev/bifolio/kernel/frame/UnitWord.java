package dev.bifolio.kernel.frame;

/// The word of 32 units: the one structure that every level of the hybrid allocator is made of.
///
/// A unit is a frame, or an area of 512 frames, or a group of 32 areas, and so on. Two bits say
/// what it is, in the two halves of one 64-bit word, so that a single compare-and-set moves up to
/// 32 units at once and proves what they were:
///
/// ```
///   bit 63                          32 31                           0
///      [ H: one bit a unit, "head"    ][ F: one bit a unit, "available" ]
///
///    F H
///    1 0  FREE
///    0 1  HEAD   first unit of something allocated
///    0 0  TAIL   a further unit of it; also every unit of a word that is not in use
///    1 1  LENT   in the hands of the level below; for frames: cached, or not there at all
/// ```
///
/// Zero is all TAIL, so that fresh metadata offer nothing. How much is allocated at a head is not
/// stored: it is the number of tails behind it. Pure functions; any thread.
final class UnitWord {
  static final int UNITS = 32;

  /// Every unit FREE.
  static final long ALL_FREE = 0xFFFF_FFFFL;

  /// Every unit TAIL: nothing is here.
  static final long ALL_TAIL = 0;

  /// Every unit LENT.
  static final long ALL_LENT = -1L;

  /// Every unit HEAD.
  static final long ALL_HEAD = 0xFFFF_FFFFL << 32;

  /// A head and 31 tails.
  static final long ONE_BLOCK = 1L << 32;

  private UnitWord() {}

  /// Units that are FREE, one bit each.
  static int free(long word) {
    return (int) word & ~(int) (word >>> 32);
  }

  /// Units that are HEAD.
  static int heads(long word) {
    return ~(int) word & (int) (word >>> 32);
  }

  /// Units that are LENT or cached.
  static int lent(long word) {
    return (int) word & (int) (word >>> 32);
  }

  /// Units that are not TAIL.
  static int notTails(long word) {
    return (int) word | (int) (word >>> 32);
  }

  /// The bits of `count` units from `index` on.
  static int mask(int index, int count) {
    return (int) ((1L << count) - 1) << index;
  }

  /// A mask of units in both halves.
  static long both(int mask) {
    long bits = mask & 0xFFFF_FFFFL;
    return bits << 32 | bits;
  }

  /// What to XOR to make free units a block, or a block free units.
  static long block(int index, int count) {
    return (mask(index, count) & 0xFFFF_FFFFL) ^ 1L << (32 + index);
  }

  /// What to XOR to make a head a cached one, or the reverse.
  static long cached(int index) {
    return 1L << index;
  }

  /// What to XOR to lend a free unit, or to take it back.
  static long lend(int index) {
    return 1L << (32 + index);
  }

  /// Whether an aligned block of 2^order units, order 0 … 4, is allocated at `index`, in just that
  /// length.
  ///
  /// Without a branch: the unit behind the block must not be a tail, unless the block is the upper
  /// half of a larger one, where no longer block can begin; `index | count` is then the head
  /// itself.
  static boolean isBlock(long word, int index, int order) {
    int count = 1 << order;
    long found = word & both(mask(index, count));
    int behind = notTails(word) >>> (index | count) & 1;
    return ((found ^ 1L << (32 + index)) | (behind ^ 1) | (index & (count - 1))) == 0;
  }

  /// [#isBlock] for a single unit, in a third of the instructions.
  static boolean isSingle(long word, int index) {
    int behind = notTails(word) >>> (index | 1);
    return ((heads(word) >>> index) & behind & 1) != 0;
  }

  /// [#isSingle] for all units of a mask.
  static boolean areSingles(long word, int units) {
    int behind = (units & 0x5555_5555) << 1;
    return (units & ~heads(word)) == 0 && (behind & ~notTails(word)) == 0;
  }

  /// Whether the units from `index` on are a head and `count` - 1 tails; what follows is not looked
  /// at.
  static boolean beginsRun(long word, int index, int count) {
    return (word & both(mask(index, count))) == 1L << (32 + index);
  }

  /// Whether `count` units from `index` on are tails.
  static boolean areTails(long word, int index, int count) {
    return (word & both(mask(index, count))) == 0;
  }

  /// First units of all aligned free runs of 2^order units, order 0 … 5.
  static int runs(int free, int order) {
    // In each group of 2^order units: the carry of an addition tells whether any lower unit is in
    // use, whatever the order; so large blocks cost what small ones do.
    int last = (1 << order) - 1;
    int highest = firstUnits(order) << last;
    int used = ~free;
    int someUsed = ((used & ~highest) + ~highest) | used;
    return (~someUsed & highest) >>> last;
  }

  /// The units at which a run of 2^order units may begin, order 0 … 5.
  private static int firstUnits(int order) {
    return switch (order) {
      case 0 -> -1;
      case 1 -> 0x5555_5555;
      case 2 -> 0x1111_1111;
      case 3 -> 0x0101_0101;
      case 4 -> 0x0001_0001;
      default -> 1;
    };
  }

  /// First units of the free runs of exactly 2^order units: those that are not half of a larger
  /// one.
  static int exactRuns(int free, int order) {
    int larger = order == 5 ? 0 : runs(free, order + 1);
    return runs(free, order) & ~(larger | larger << (1 << order));
  }

  /// All units of the free runs of exactly 2^order units.
  static int exactUnits(int free, int order) {
    int units = exactRuns(free, order);
    for (int i = 0; i < order; i++) {
      units |= units << (1 << i);
    }
    return units;
  }

  /// The order of the largest aligned free run, 0 … 5, or -1.
  static int largest(int free) {
    if (free == -1) {
      return 5;
    }
    int order = -1;
    for (int runs = free; runs != 0; runs = pairs(runs, order)) {
      order++;
    }
    return order;
  }

  /// The place for 2^order units that breaks the smallest run, or -1.
  static int bestFit(int free, int order) {
    int fit = fit(free, order);
    return fit < 0 ? -1 : fit & (UNITS - 1);
  }

  /// The place for 2^order units that breaks the smallest run: the order of that run times 32, plus
  /// the place; or -1.
  static int fit(int free, int order) {
    if (free == -1) {
      return 5 * UNITS;
    }
    int runs = runs(free, order);
    if (Integer.bitCount(runs) == 1) {
      return order * UNITS + Integer.numberOfTrailingZeros(runs); // no choice
    }
    for (int from = order; runs != 0; from++) {
      int larger = pairs(runs, from);
      int exact = runs & ~(larger | larger << (1 << from));
      if (exact != 0) {
        return from * UNITS + Integer.numberOfTrailingZeros(exact);
      }
      runs = larger;
    }
    return -1;
  }

  /// First units of the runs twice as long as those that are given, of 2^order units, order 0 … 4.
  private static int pairs(int runs, int order) {
    return runs & runs >>> (1 << order) & firstUnits(order + 1);
  }

  /// Whether the aligned run of 2^order units around `index` is free, order 0 … 5.
  static boolean isFreeRun(int free, int index, int order) {
    int run = mask(index & -(1 << order), 1 << order);
    return (free & run) == run;
  }
}
