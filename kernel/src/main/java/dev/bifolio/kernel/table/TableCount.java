package dev.bifolio.kernel.table;

/// How many tables a mapping needs, as pure arithmetic: nothing is there yet.
///
/// A range is mapped by the largest pages up to `largestLevel` whose place, virtual and physical,
/// they are aligned to; smaller ones fill its ends. Every entry that is not such a page needs a
/// table below it. What lies between the ends is alike, so no loop runs over it: 256 TiB by pages
/// of 4 KiB are counted as fast as 2 MiB.
public final class TableCount {
  private TableCount() {}

  /// Tables below the roots for a range in an empty space.
  ///
  /// @param format of the tables
  /// @param virtualAddress the first, a multiple of 4096
  /// @param physicalAddress to which it is mapped, a multiple of 4096
  /// @param byteSize a multiple of 4096, 4096 or more; the range has one root
  /// @param largestLevel of the pages, 1 … [PageFormat#largestLeafLevel()]
  /// @return a count; each is a frame
  public static long of(
      PageFormat format,
      long virtualAddress,
      long physicalAddress,
      long byteSize,
      int largestLevel) {
    long last = virtualAddress + byteSize - 1;
    long distance = physicalAddress - virtualAddress;
    return below(format, format.levels(), virtualAddress, last, distance, largestLevel);
  }

  /// Tables below a table that is empty.
  ///
  /// @param level of the table
  /// @param first the first address of the range, all of which goes through the table
  /// @param last the last one
  /// @param distance from virtual to physical addresses
  static long below(
      PageFormat format, int level, long first, long last, long distance, int largestLevel) {
    if (level == 1) {
      return 0;
    }
    int shift = format.shift(level);
    long firstEntry = first >> shift;
    long lastEntry = last >> shift;
    if (firstEntry == lastEntry) {
      return ofEntry(format, level, first, last, distance, largestLevel);
    }
    long endOfFirst = ((firstEntry + 1) << shift) - 1;
    long startOfLast = lastEntry << shift;
    return ofEntry(format, level, first, endOfFirst, distance, largestLevel)
        + (lastEntry - firstEntry - 1) * ofWholeEntry(format, level, distance, largestLevel)
        + ofEntry(format, level, startOfLast, last, distance, largestLevel);
  }

  /// Tables for what of a range goes through one entry that is not there yet.
  static long ofEntry(
      PageFormat format, int level, long first, long last, long distance, int largestLevel) {
    long size = format.pageByteSize(level);
    boolean whole = (first & (size - 1)) == 0 && (last & (size - 1)) == size - 1;
    return whole
        ? ofWholeEntry(format, level, distance, largestLevel)
        : 1 + below(format, level - 1, first, last, distance, largestLevel);
  }

  private static long ofWholeEntry(PageFormat format, int level, long distance, int largestLevel) {
    if (isLeaf(format, level, distance, largestLevel)) {
      return 0;
    }
    return 1 + format.entryCount() * ofWholeEntry(format, level - 1, distance, largestLevel);
  }

  /// Whether an entry that is mapped wholly is one page.
  static boolean isLeaf(PageFormat format, int level, long distance, int largestLevel) {
    return level <= largestLevel && (distance & (format.pageByteSize(level) - 1)) == 0;
  }
}
