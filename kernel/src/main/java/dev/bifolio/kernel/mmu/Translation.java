package dev.bifolio.kernel.mmu;

/// What hardware makes of a virtual page, in a word: what a walk ends with and a [Tlb] keeps.
///
/// ```
///   63…56  55 … 12              11…10  9…7    6  5 4 3 2 1 0
///   0      address of the page  -      level  G  D U u k s l
/// ```
///
/// `l` loads, `s` stores, `k` fetches by the kernel, `u` fetches by the user, `U` the user's, `D`
/// dirty: stores need not tell anybody. These six are the *rights*; what they allow depends on the
/// mode and the control bits, and is one bit of a mask of 64 for each combination of the six.
/// Rights are those of all levels together. 0 is no translation.
final class Translation {
  static final int LOAD = 1;
  static final int STORE = 1 << 1;
  static final int FETCH_KERNEL = 1 << 2;
  static final int FETCH_USER = 1 << 3;
  static final int USER = 1 << 4;
  static final int DIRTY = 1 << 5;

  /// All of them.
  static final int RIGHTS = (1 << 6) - 1;

  static final int GLOBAL = 1 << 6;

  private static final int LEVEL_SHIFT = 7;
  private static final long ADDRESS = (1L << 56) - 4096;

  private Translation() {}

  static long of(long page, int level, int rights, boolean isGlobal) {
    return page | (long) level << LEVEL_SHIFT | (isGlobal ? GLOBAL : 0) | rights;
  }

  static long page(long word) {
    return word & ADDRESS;
  }

  static int level(long word) {
    return (int) (word >>> LEVEL_SHIFT) & 7;
  }

  static int rights(long word) {
    return (int) word & RIGHTS;
  }

  static boolean isGlobal(long word) {
    return (word & GLOBAL) != 0;
  }

  /// Whether a mask of rights has those of a word.
  static boolean allows(long mask, long word) {
    return (mask >>> (int) word & 1) != 0; // a shift of a long looks at six bits: the rights
  }
}
