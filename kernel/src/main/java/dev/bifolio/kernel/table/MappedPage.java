package dev.bifolio.kernel.table;

/// A page as [AddressSpace#lookup] finds it, in one `long`.
///
/// ```
///   63 62 … 60 59 … 56 55               12 11  10   0
///   0  level   0       physical address    0   flags      what [PageFlags] are, never -1
/// ```
public final class MappedPage {
  private static final int LEVEL_SHIFT = 60;
  private static final long PHYSICAL = (1L << 56) - 4096;

  private MappedPage() {}

  static long of(int level, long physicalAddress, int flags) {
    return (long) level << LEVEL_SHIFT | physicalAddress | flags;
  }

  /// Its size.
  ///
  /// @param word of a page
  /// @return 1 … [PageFormat#largestLeafLevel()]
  public static int level(long word) {
    return (int) (word >>> LEVEL_SHIFT);
  }

  /// Where it lies.
  ///
  /// @param word of a page
  /// @return the physical address of its first byte
  public static long physicalAddress(long word) {
    return word & PHYSICAL;
  }

  /// What it allows.
  ///
  /// @param word of a page
  /// @return [PageFlags]
  public static int flags(long word) {
    return (int) word & PageFlags.ALL;
  }
}
