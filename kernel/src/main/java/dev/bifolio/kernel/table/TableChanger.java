package dev.bifolio.kernel.table;

/// Unmaps a range, or changes what it allows, in two walks as [TableMapper] does: the first counts
/// the tables by which large pages will be split, the second cannot fail.
///
/// ```
///   a page of 2 MiB, of which the middle goes:
///   ├──────────────────────────────┤
///   ├┼┼┼┼┼┼┼┼┼┼┼─ ─ ─ ─┼┼┼┼┼┼┼┼┼┼┼┤     512 of 4 KiB with all that it allowed; then some of them go
/// ```
///
/// Where the architecture wants it (AArch64), a page that is replaced by a table is taken away and
/// flushed first: *break before make*. Readers without the lock are kept out meanwhile by the
/// space's sequence. For who has the space's lock.
final class TableChanger {
  /// Some of the range is not mapped.
  static final long NOT_MAPPED = -1;

  private final TableTree tree;
  private final PageFormat format;
  private final long[] pages = new long[PageFormat.MAX_LEVELS + 1];
  private long tables;

  // What is wanted.
  private boolean unmaps;
  private boolean wantsAll;
  private boolean keepsTables;
  private int flags;

  TableChanger(TableTree tree) {
    this.tree = tree;
    this.format = tree.format;
  }

  /// Pages go.
  ///
  /// @param wantsAll whether each page must be there
  /// @param keepsTables whether tables stay that become empty
  void beginUnmap(boolean wantsAll, boolean keepsTables) {
    begin();
    unmaps = true;
    this.wantsAll = wantsAll;
    this.keepsTables = keepsTables;
  }

  /// Pages stay where they are and allow something else.
  void beginProtect(int flags) {
    begin();
    unmaps = false;
    wantsAll = true;
    keepsTables = true;
    this.flags = flags;
  }

  private void begin() {
    tables = 0;
    for (int level = 0; level < pages.length; level++) {
      pages[level] = 0;
    }
  }

  // ---- The first walk ----

  /// How many tables are needed to split pages of which only a part is meant.
  ///
  /// @return a count, or [#NOT_MAPPED]
  long plan(long table, int level, long first, long last) {
    int shift = format.shift(level);
    long needed = 0;
    for (long entryAt = first >> shift; entryAt <= last >> shift; entryAt++) {
      long from = Math.max(first, entryAt << shift);
      long to = Math.min(last, (entryAt << shift) + ((1L << shift) - 1));
      long entry = tree.get(table, format.index(level, from));
      long more = 0;
      if (!format.isPresent(entry)) {
        more = wantsAll ? NOT_MAPPED : 0;
      } else if (format.isLeaf(level, entry)) {
        more = splits(level, from, to);
      } else {
        more = plan(format.address(0, entry), level - 1, from, to);
      }
      if (more == NOT_MAPPED) {
        return NOT_MAPPED;
      }
      needed += more;
    }
    return needed;
  }

  /// Tables that it takes to cut a part out of one page.
  private long splits(int level, long from, long to) {
    if (to - from == format.pageByteSize(level) - 1) {
      return 0;
    }
    int shift = format.shift(level - 1);
    long firstEntry = from >> shift;
    long lastEntry = to >> shift;
    if (firstEntry == lastEntry) {
      return 1 + splits(level - 1, from, to);
    }
    return 1
        + splits(level - 1, from, ((firstEntry + 1) << shift) - 1)
        + splits(level - 1, lastEntry << shift, to);
  }

  // ---- The second walk ----

  /// Changes the range in a table.
  void write(long table, int level, long first, long last, FlushBatch batch) {
    int shift = format.shift(level);
    for (long entryAt = first >> shift; entryAt <= last >> shift; entryAt++) {
      long start = entryAt << shift;
      long from = Math.max(first, start);
      long to = Math.min(last, start + ((1L << shift) - 1));
      int index = format.index(level, from);
      long entry = tree.get(table, index);
      if (!format.isPresent(entry)) {
        continue;
      }
      if (!format.isLeaf(level, entry)) {
        below(table, level, index, format.address(0, entry), from, to, batch);
      } else if (to - from == (1L << shift) - 1) {
        change(table, level, index, entry, start, batch);
      } else {
        long child = split(table, level, index, entry, start, batch);
        below(table, level, index, child, from, to, batch);
      }
    }
  }

  private void below(
      long table, int level, int index, long child, long from, long to, FlushBatch batch) {
    write(child, level - 1, from, to, batch);
    if (unmaps && !keepsTables && tree.isEmpty(child, format.index(level - 1, from))) {
      tree.set(table, index, 0);
      tables--;
      batch.retire(tree, child);
    }
  }

  private void change(long table, int level, int index, long entry, long start, FlushBatch batch) {
    int before = format.flags(level, entry);
    batch.add(start, (before & PageFlags.GLOBAL) != 0);
    if (unmaps) {
      tree.set(table, index, 0);
      pages[level]--;
    } else {
      int kept = before & (PageFlags.ACCESSED | PageFlags.DIRTY);
      tree.set(table, index, format.leaf(level, format.address(level, entry), flags | kept));
    }
  }

  /// Replaces a page by a table of smaller ones that say the same.
  ///
  /// @return the table
  private long split(long table, int level, int index, long entry, long start, FlushBatch batch) {
    long child = tree.takeFromStock();
    int same = format.flags(level, entry);
    long address = format.address(level, entry);
    long size = format.pageByteSize(level - 1);
    for (int i = 0; i < format.entryCount(); i++) {
      tree.set(child, i, format.leaf(level - 1, address + i * size, same));
    }
    batch.add(start, (same & PageFlags.GLOBAL) != 0);
    if (format.breaksBeforeMake()) {
      tree.set(table, index, 0);
      batch.breakBeforeMake(start);
    }
    tree.set(table, index, format.table(child));
    tables++;
    pages[level]--;
    pages[level - 1] += format.entryCount();
    return child;
  }

  /// Tables that were added, less those that went.
  long tables() {
    return tables;
  }

  /// Pages of a level that were added, less those that went.
  long pages(int level) {
    return pages[level];
  }
}
