package dev.bifolio.kernel.unit;

/// Looks in ranges that are sorted and do not touch each other's numbers: banks, sections.
public final class SortedRanges {
  private SortedRanges() {}

  /// The range that has a number; O(log n).
  ///
  /// @param starts first numbers, ascending
  /// @param ends exclusive ends, each above its start and at most the next start
  /// @param count how many ranges there are, from the first
  /// @param number any
  /// @return 0 … `count` - 1, or -1 if none has it
  public static int indexOf(long[] starts, long[] ends, int count, long number) {
    int low = 0;
    int high = count - 1;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      if (number < starts[middle]) {
        high = middle - 1;
      } else if (number >= ends[middle]) {
        low = middle + 1;
      } else {
        return middle;
      }
    }
    return -1;
  }
}
