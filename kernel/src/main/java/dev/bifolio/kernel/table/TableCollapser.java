package dev.bifolio.kernel.table;

/// Makes one page of a table of pages that are one run of memory and allow the same.
///
/// ```
///   table ──> │p│p+1│p+2│ … │p+511│   each with the same flags      becomes      one page at p
/// ```
///
/// Whether a page was accessed or written may differ, and change while we look: the entry that
/// names the table is taken away and flushed before the bits are gathered, so the page was accessed
/// if any of them was. For who has the space's lock.
final class TableCollapser {
  private static final int USED = PageFlags.ACCESSED | PageFlags.DIRTY;

  private final TableTree tree;
  private final SpaceWords words;
  private final PageFormat format;
  private int used;

  TableCollapser(TableTree tree, SpaceWords words) {
    this.tree = tree;
    this.words = words;
    this.format = tree.format;
  }

  /// Makes the pages below an entry one.
  ///
  /// @param wanted the level of the page
  TableResult collapse(long root, long at, int wanted, FlushBatch batch) {
    long table = root;
    for (int level = format.levels(); ; level--) {
      int index = format.index(level, at);
      long entry = tree.get(table, index);
      if (!format.isPresent(entry)) {
        return TableResult.NOT_MAPPED;
      }
      if (format.isLeaf(level, entry)) {
        return TableResult.DONE;
      }
      long child = format.address(0, entry);
      if (level == wanted) {
        return words.isFrozen(level, index)
            ? TableResult.TOP_IS_SHARED
            : collapseTable(table, level, index, child, at, batch);
      }
      table = child;
    }
  }

  private TableResult collapseTable(
      long table, int level, int index, long child, long at, FlushBatch batch) {
    long sample = firstPage(child, level - 1);
    if (sample == AddressSpace.NOT_MAPPED) {
      return TableResult.NOT_MAPPED;
    }
    long physical = MappedPage.physicalAddress(sample);
    int flags = MappedPage.flags(sample) & ~USED;
    if ((physical & (format.pageByteSize(level) - 1)) != 0
        || !isUniform(child, level - 1, physical, flags)) {
      return TableResult.NOT_UNIFORM;
    }
    long start = at & -format.pageByteSize(level);
    boolean isGlobal = (flags & PageFlags.GLOBAL) != 0;
    batch.add(start, isGlobal);
    words.step();
    tree.clear(table, index);
    batch.flushAllNow(isGlobal);
    used = 0;
    retire(child, level - 1, batch);
    tree.set(table, index, format.leaf(level, physical, flags | used));
    words.step();
    words.addPages(level, 1);
    return TableResult.DONE;
  }

  /// The page with which a table begins.
  private long firstPage(long table, int level) {
    long entry = tree.get(table, 0);
    if (!format.isPresent(entry)) {
      return AddressSpace.NOT_MAPPED;
    }
    return format.isLeaf(level, entry)
        ? MappedPage.of(level, format.address(level, entry), format.flags(level, entry))
        : firstPage(format.address(0, entry), level - 1);
  }

  private boolean isUniform(long table, int level, long physical, int flags) {
    long byteSize = format.pageByteSize(level);
    for (int index = 0; index < format.entryCount(); index++) {
      long entry = tree.get(table, index);
      long wanted = physical + index * byteSize;
      if (!format.isPresent(entry)) {
        return false;
      }
      boolean isAlike =
          format.isLeaf(level, entry)
              ? format.address(level, entry) == wanted
                  && (format.flags(level, entry) & ~USED) == flags
              : isUniform(format.address(0, entry), level - 1, wanted, flags);
      if (!isAlike) {
        return false;
      }
    }
    return true;
  }

  /// Gathers what was accessed and written, and takes the tables out.
  private void retire(long table, int level, FlushBatch batch) {
    for (int index = 0; index < format.entryCount(); index++) {
      long entry = tree.get(table, index);
      if (format.isLeaf(level, entry)) {
        used |= format.flags(level, entry) & USED;
        words.addPages(level, -1);
      } else {
        retire(format.address(0, entry), level - 1, batch);
      }
    }
    words.addTables(-1);
    batch.retire(tree, table);
  }
}
