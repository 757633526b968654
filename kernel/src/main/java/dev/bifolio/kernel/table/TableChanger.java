package dev.bifolio.kernel.table;

/// Unmaps a range, changes what it allows, or splits its pages, in two walks as [TableMapper] does:
/// the first counts the tables by which large pages will be split, the second cannot fail.
///
/// ```
///   a page of 2 MiB, of which the middle goes:
///   ├──────────────────────────────┤
///   ├┼┼┼┼┼┼┼┼┼┼┼─ ─ ─ ─┼┼┼┼┼┼┼┼┼┼┼┤     512 of 4 KiB with all that it allowed; then some of them go
/// ```
///
/// Where the architecture wants it (AArch64), a page that is replaced by a table, or changes its
/// memory type, is taken away and flushed first: *break before make*. Readers without the lock are
/// kept out meanwhile by the space's sequence. Entries change by compare-and-set, since processors
/// set bits in them. For who has the space's lock.
final class TableChanger {
  private static final int USED = PageFlags.ACCESSED | PageFlags.DIRTY;

  /// What cannot change under a processor's eyes where it wants break before make: Arm DDI 0487,
  /// D8.16.1.
  private static final int BREAKING = PageFlags.MEMORY_TYPE | PageFlags.GLOBAL;

  private enum Wish {
    UNMAP,
    PROTECT,
    SPLIT
  }

  private final TableTree tree;
  private final SpaceWords words;
  private final PageFormat format;
  private final long[] pages = new long[PageFormat.MAX_LEVELS + 1];
  private long tables;

  // What is wanted.
  private Wish wish = Wish.UNMAP;
  private boolean wantsAll;
  private boolean keepsTables;
  private int flags;
  private int largestLevel;

  TableChanger(TableTree tree, SpaceWords words) {
    this.tree = tree;
    this.words = words;
    this.format = tree.format;
  }

  /// Pages go.
  ///
  /// @param wantsAll whether each page must be there
  /// @param keepsTables whether tables stay that become empty
  void beginUnmap(boolean wantsAll, boolean keepsTables) {
    begin(Wish.UNMAP, wantsAll, keepsTables, 0, 0);
  }

  /// Pages stay where they are and allow something else.
  void beginProtect(int flags) {
    begin(Wish.PROTECT, true, true, flags, 0);
  }

  /// Pages stay as they are, in pieces of some size at most.
  void beginSplit(boolean wantsAll, int largestLevel) {
    begin(Wish.SPLIT, wantsAll, true, 0, largestLevel);
  }

  private void begin(
      Wish wish, boolean wantsAll, boolean keepsTables, int flags, int largestLevel) {
    this.wish = wish;
    this.wantsAll = wantsAll;
    this.keepsTables = keepsTables;
    this.flags = flags;
    this.largestLevel = largestLevel;
    tables = 0;
    for (int level = 0; level < pages.length; level++) {
      pages[level] = 0;
    }
  }

  /// Unmaps.
  ///
  /// @param wantsAll whether each page must be there
  /// @param keepsTables whether tables stay that become empty
  TableResult unmap(
      long root, long first, long last, boolean wantsAll, boolean keepsTables, FlushBatch batch) {
    if (last - first < format.pageByteSize(1)) {
      long table = lowest(root, first);
      int index = format.index(1, first);
      if (table != TableTree.NOTHING && format.isPresent(tree.get(table, index))) {
        take(table, 1, index, first, batch);
        words.addPages(1, -1);
        if (keepsTables || !tree.isEmpty(table, index)) {
          return TableResult.DONE;
        }
        begin(Wish.UNMAP, false, false, 0, 0); // the tables alone
        return change(root, first, last, batch);
      }
    }
    beginUnmap(wantsAll, keepsTables);
    return change(root, first, last, batch);
  }

  /// The table of the lowest level that an address goes through, if there is one.
  private long lowest(long root, long at) {
    long table = root;
    for (int level = format.levels(); level > 1; level--) {
      long entry = tree.get(table, format.index(level, at));
      if (!format.isPresent(entry) || format.isLeaf(level, entry)) {
        return TableTree.NOTHING;
      }
      table = format.address(0, entry);
    }
    return table;
  }

  /// Does what was begun.
  TableResult change(long root, long first, long last, FlushBatch batch) {
    TableResult result = prepare(root, first, last);
    if (result == TableResult.DONE) {
      finish(root, first, last, batch);
    }
    return result;
  }

  /// The first walk: whether it can be done, and the tables for it. Nothing has changed.
  TableResult prepare(long root, long first, long last) {
    long needed = plan(root, format.levels(), first, last);
    if (needed < 0) {
      return TableResult.of(needed);
    }
    return tree.stockUp(needed) ? TableResult.DONE : TableResult.NO_TABLE;
  }

  /// The second walk, after [#prepare].
  void finish(long root, long first, long last, FlushBatch batch) {
    write(root, format.levels(), first, last, batch);
    words.add(tables, pages);
  }

  // ---- The first walk ----

  /// How many tables are needed to split pages.
  ///
  /// @return a count, or the code of a [TableResult]
  private long plan(long table, int level, long first, long last) {
    int shift = format.shift(level);
    long needed = 0;
    for (long entryAt = first >> shift; entryAt <= last >> shift; entryAt++) {
      long from = Math.max(first, entryAt << shift);
      long to = Math.min(last, (entryAt << shift) + ((1L << shift) - 1));
      int index = format.index(level, from);
      long entry = tree.get(table, index);
      long more;
      if (!format.isPresent(entry)) {
        more = wantsAll ? TableResult.NOT_MAPPED.code() : 0;
      } else if (!format.isLeaf(level, entry)) {
        more = plan(format.address(0, entry), level - 1, from, to);
      } else if (words.isFrozen(level, index) && (wish != Wish.SPLIT || !isLeft(level))) {
        more = TableResult.TOP_IS_SHARED.code();
      } else {
        more = splits(level, from, to);
      }
      if (more < 0) {
        return more;
      }
      needed += more;
    }
    return needed;
  }

  /// Whether a page is small enough for a split.
  private boolean isLeft(int level) {
    return level <= largestLevel;
  }

  /// Whether a page of which a range is meant stays in one piece.
  private boolean isWhole(int level, long from, long to) {
    return wish == Wish.SPLIT ? isLeft(level) : to - from == format.pageByteSize(level) - 1;
  }

  /// Tables that it takes to split one page as far as is wished.
  private long splits(int level, long from, long to) {
    if (isWhole(level, from, to)) {
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
        + (lastEntry - firstEntry - 1) * splitsBetween(level - 1)
        + splits(level - 1, lastEntry << shift, to);
  }

  /// Tables that it takes to split a piece of a page that is meant wholly.
  private long splitsBetween(int level) {
    return wish != Wish.SPLIT || isLeft(level)
        ? 0
        : 1 + format.entryCount() * splitsBetween(level - 1);
  }

  // ---- The second walk ----

  /// Changes the range in a table.
  private void write(long table, int level, long first, long last, FlushBatch batch) {
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
      } else if (isWhole(level, from, to)) {
        change(table, level, index, start, batch);
      } else {
        long child = split(table, level, index, start, batch);
        below(table, level, index, child, from, to, batch);
      }
    }
  }

  private void below(
      long table, int level, int index, long child, long from, long to, FlushBatch batch) {
    write(child, level - 1, from, to, batch);
    if (wish == Wish.UNMAP
        && !keepsTables
        && tree.isEmpty(child, format.index(level - 1, from))
        && !words.isKept(level, index)) {
      tree.set(table, index, 0);
      tables--;
      long byteSize = format.pageByteSize(level);
      batch.retire(tree, child, from & -byteSize, byteSize);
    }
  }

  private void change(long table, int level, int index, long start, FlushBatch batch) {
    switch (wish) {
      case UNMAP -> {
        take(table, level, index, start, batch);
        pages[level]--;
      }
      case PROTECT -> protect(table, level, index, start, batch);
      case SPLIT -> {}
    }
  }

  private void take(long table, int level, int index, long start, FlushBatch batch) {
    long entry = tree.clear(table, index);
    int last = format.flags(level, entry);
    batch.add(start, (last & PageFlags.GLOBAL) != 0);
    batch.gone(MappedPage.of(level, format.address(level, entry), last));
  }

  private void protect(long table, int level, int index, long start, FlushBatch batch) {
    int before = format.flags(level, tree.get(table, index));
    batch.add(start, ((before | flags) & PageFlags.GLOBAL) != 0);
    boolean breaks = format.breaksBeforeMake() && ((before ^ flags) & BREAKING) != 0;
    if (breaks) {
      words.step();
      long entry = tree.clear(table, index);
      batch.flushNow(start);
      tree.set(table, index, withFlags(level, entry));
      words.step();
      return;
    }
    while (true) {
      long entry = tree.get(table, index);
      if (tree.compareAndSet(table, index, entry, withFlags(level, entry))) {
        return;
      }
    }
  }

  private long withFlags(int level, long entry) {
    int kept = format.flags(level, entry) & USED;
    return format.leaf(level, format.address(level, entry), flags | kept);
  }

  /// Replaces a page by a table of smaller ones that say the same.
  ///
  /// @return the table
  private long split(long table, int level, int index, long start, FlushBatch batch) {
    long child = tree.takeFromStock();
    long entry = tree.get(table, index);
    batch.add(start, (format.flags(level, entry) & PageFlags.GLOBAL) != 0);
    if (format.breaksBeforeMake()) {
      words.step();
      entry = tree.clear(table, index);
      batch.flushNow(start);
      fill(child, level - 1, entry);
      tree.set(table, index, format.table(child));
      words.step();
    } else {
      fill(child, level - 1, entry);
      while (!tree.compareAndSet(table, index, entry, format.table(child))) {
        entry = tree.get(table, index); // a processor has set a bit
        fill(child, level - 1, entry);
      }
    }
    tables++;
    pages[level]--;
    pages[level - 1] += format.entryCount();
    return child;
  }

  /// Fills a table with the pieces of a page of the level above.
  private void fill(long table, int level, long entry) {
    int same = format.flags(level + 1, entry);
    long address = format.address(level + 1, entry);
    long byteSize = format.pageByteSize(level);
    for (int i = 0; i < format.entryCount(); i++) {
      tree.set(table, i, format.leaf(level, address + i * byteSize, same));
    }
  }
}
