package dev.bifolio.kernel.table;

import dev.bifolio.kernel.unit.Pages;
import org.jspecify.annotations.Nullable;

/// Maps a range in two walks: the first changes nothing and counts, the second cannot fail.
///
/// ```
///   plan:   is any of it mapped already?   how many tables are missing?
///   stock up: all of them, or the request fails and nothing has changed
///   write:  the same walk, with a table from the stock wherever one is missing
/// ```
///
/// What is mapped is one run of memory, at the same distance everywhere and by pages of several
/// sizes, or a list of frames, by small pages. A new table is filled before the entry that names it
/// is stored, so a reader sees all of what it maps or nothing. For who has the space's lock.
final class TableMapper {
  private final TableTree tree;
  private final SpaceWords words;
  private final PageFormat format;
  private long distance;
  private int largestLevel;
  private boolean isExact;
  private int flags;
  private long @Nullable [] pfns;
  private long firstPage;
  private long tables;
  private final long[] pages = new long[PageFormat.MAX_LEVELS + 1];

  TableMapper(TableTree tree, SpaceWords words) {
    this.tree = tree;
    this.words = words;
    this.format = tree.format;
  }

  /// Maps.
  ///
  /// @param distance from virtual to physical addresses
  /// @param largestLevel of pages
  /// @param isExact whether smaller ones will not do
  /// @param flags [PageFlags]
  TableResult map(
      long root,
      long first,
      long last,
      long distance,
      int largestLevel,
      boolean isExact,
      int flags) {
    if (last - first < format.pageByteSize(1)) {
      TableResult result = mapOne(root, first, distance, flags);
      if (result != TableResult.NO_TABLE) {
        return result;
      }
    }
    this.distance = distance;
    this.largestLevel = largestLevel;
    this.isExact = isExact;
    this.flags = flags;
    return mapAll(root, first, last);
  }

  /// Maps frames to consecutive pages of the smallest size.
  ///
  /// @param pfns where they are named
  /// @param offset index of the first
  TableResult mapFrames(long root, long first, long last, long[] pfns, int offset, int flags) {
    if (last - first < format.pageByteSize(1)) {
      long distance = Pages.pfnToAddress(pfns[offset]) - first;
      return map(root, first, last, distance, 1, false, flags);
    }
    this.distance = 0;
    this.largestLevel = 1;
    this.isExact = false;
    this.flags = flags;
    this.pfns = pfns;
    firstPage = (first >> Pages.PAGE_SHIFT) - offset;
    TableResult result = mapAll(root, first, last);
    this.pfns = null;
    return result;
  }

  private TableResult mapAll(long root, long first, long last) {
    tables = 0;
    for (int level = 0; level < pages.length; level++) {
      pages[level] = 0;
    }
    long missing = plan(root, format.levels(), first, last);
    if (missing < 0) {
      return TableResult.of(missing);
    }
    if (!tree.stockUp(missing)) {
      return TableResult.NO_TABLE;
    }
    write(root, format.levels(), first, last);
    words.add(tables, pages);
    return TableResult.DONE;
  }

  /// Maps one page of the smallest size, if all of its tables are there: the way that faults go.
  ///
  /// @return NO_TABLE if one is missing; nothing has changed then
  private TableResult mapOne(long root, long at, long distance, int flags) {
    long table = root;
    for (int level = format.levels(); level > 1; level--) {
      long entry = tree.get(table, format.index(level, at));
      if (!format.isPresent(entry)) {
        return TableResult.NO_TABLE;
      }
      if (format.isLeaf(level, entry)) {
        return TableResult.ALREADY_MAPPED;
      }
      table = format.address(0, entry);
    }
    int index = format.index(1, at);
    if (format.isPresent(tree.get(table, index))) {
      return TableResult.ALREADY_MAPPED;
    }
    tree.set(table, index, format.leaf(1, at + distance, flags));
    words.addPages(1, 1);
    return TableResult.DONE;
  }

  /// How many tables are missing below a table that is there.
  ///
  /// @return a count, or the code of a [TableResult]
  private long plan(long table, int level, long first, long last) {
    int shift = format.shift(level);
    long missing = 0;
    for (long entryAt = first >> shift; entryAt <= last >> shift; entryAt++) {
      long from = Math.max(first, entryAt << shift);
      long to = Math.min(last, (entryAt << shift) + ((1L << shift) - 1));
      int index = format.index(level, from);
      long entry = tree.get(table, index);
      long more;
      if (!format.isPresent(entry)) {
        if (words.isFrozen(level, index)) {
          return TableResult.TOP_IS_SHARED.code();
        }
        more = level == 1 ? 0 : TableCount.ofEntry(format, level, from, to, distance, largestLevel);
      } else if (format.isLeaf(level, entry)) {
        return TableResult.ALREADY_MAPPED.code();
      } else if (isExact && level <= largestLevel) {
        return isBare(format.address(0, entry), level - 1)
            ? TableResult.TABLE_IN_THE_WAY.code()
            : TableResult.ALREADY_MAPPED.code();
      } else {
        more = plan(format.address(0, entry), level - 1, from, to);
      }
      if (more < 0) {
        return more;
      }
      missing += more;
    }
    return missing;
  }

  /// Whether no page is mapped through a table.
  private boolean isBare(long table, int level) {
    for (int index = 0; index < format.entryCount(); index++) {
      long entry = tree.get(table, index);
      if (format.isPresent(entry)
          && (format.isLeaf(level, entry) || !isBare(format.address(0, entry), level - 1))) {
        return false;
      }
    }
    return true;
  }

  /// Writes the range into a table.
  private void write(long table, int level, long first, long last) {
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
        tree.set(table, index, format.leaf(level, physical(from), flags));
        pages[level]++;
      } else {
        long child = tree.takeFromStock();
        tables++;
        write(child, level - 1, from, to);
        tree.set(table, index, format.table(child));
      }
    }
  }

  private long physical(long at) {
    long[] named = pfns;
    return named == null
        ? at + distance
        : Pages.pfnToAddress(named[(int) ((at >> Pages.PAGE_SHIFT) - firstPage)]);
  }
}
