package dev.bifolio.kernel.table;

/// Maps a range in two walks: the first changes nothing and counts, the second cannot fail.
///
/// ```
///   plan:   is any of it mapped already?   how many tables are missing?
///   stock up: all of them, or the request fails and nothing has changed
///   write:  the same walk, with a table from the stock wherever one is missing
/// ```
///
/// A new table is filled before the entry that names it is stored, so a reader sees all of what it
/// maps or nothing. For who has the space's lock.
final class TableMapper {
  /// Some of the range is mapped already.
  static final long CONFLICT = -1;

  private final TableTree tree;
  private final PageFormat format;
  private long distance;
  private int largestLevel;
  private int flags;
  private long tables;
  private final long[] pages = new long[PageFormat.MAX_LEVELS + 1];

  TableMapper(TableTree tree) {
    this.tree = tree;
    this.format = tree.format;
  }

  /// Says what is to be mapped.
  ///
  /// @param distance from virtual to physical addresses
  /// @param largestLevel of pages
  /// @param flags [PageFlags]
  void begin(long distance, int largestLevel, int flags) {
    this.distance = distance;
    this.largestLevel = largestLevel;
    this.flags = flags;
    tables = 0;
    for (int level = 0; level < pages.length; level++) {
      pages[level] = 0;
    }
  }

  /// How many tables are missing below a table that is there.
  ///
  /// @return a count, or [#CONFLICT]
  long plan(long table, int level, long first, long last) {
    int shift = format.shift(level);
    long missing = 0;
    for (long entryAt = first >> shift; entryAt <= last >> shift; entryAt++) {
      long from = Math.max(first, entryAt << shift);
      long to = Math.min(last, (entryAt << shift) + ((1L << shift) - 1));
      long entry = tree.get(table, format.index(level, from));
      long more;
      if (!format.isPresent(entry)) {
        more = level == 1 ? 0 : TableCount.ofEntry(format, level, from, to, distance, largestLevel);
      } else if (format.isLeaf(level, entry)) {
        return CONFLICT;
      } else {
        more = plan(format.address(0, entry), level - 1, from, to);
      }
      if (more == CONFLICT) {
        return CONFLICT;
      }
      missing += more;
    }
    return missing;
  }

  /// Writes the range into a table.
  void write(long table, int level, long first, long last) {
    int shift = format.shift(level);
    for (long entryAt = first >> shift; entryAt <= last >> shift; entryAt++) {
      long start = entryAt << shift;
      long from = Math.max(first, start);
      long to = Math.min(last, start + ((1L << shift) - 1));
      boolean whole = to - from == (1L << shift) - 1;
      int index = format.index(level, from);
      long entry = tree.get(table, index);
      if (format.isPresent(entry)) {
        // A table, and be it empty: a processor may know it, so no page takes its place.
        write(format.address(0, entry), level - 1, from, to);
      } else if (whole && TableCount.isLeaf(format, level, distance, largestLevel)) {
        tree.set(table, index, format.leaf(level, from + distance, flags));
        pages[level]++;
      } else {
        long child = tree.takeFromStock();
        tables++;
        write(child, level - 1, from, to);
        tree.set(table, index, format.table(child));
      }
    }
  }

  /// Tables that were added.
  long tables() {
    return tables;
  }

  /// Pages of a level that were added.
  long pages(int level) {
    return pages[level];
  }
}
