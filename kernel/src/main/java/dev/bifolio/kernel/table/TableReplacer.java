package dev.bifolio.kernel.table;

/// Changes one page that the caller has looked up: puts another in its place, or clears what
/// processors have noted of it. For who has the space's lock.
final class TableReplacer {
  private static final int USED = PageFlags.ACCESSED | PageFlags.DIRTY;
  private static final int BREAKING = PageFlags.MEMORY_TYPE | PageFlags.GLOBAL;

  private final TableTree tree;
  private final SpaceWords words;
  private final PageFormat format;

  // What the last walk found.
  private long table;
  private int level;
  private int index;

  TableReplacer(TableTree tree, SpaceWords words) {
    this.tree = tree;
    this.words = words;
    this.format = tree.format;
  }

  /// Finds the page of an address: its table, level and index.
  ///
  /// @return whether there is one
  private boolean find(long root, long at) {
    table = root;
    for (level = format.levels(); ; level--) {
      index = format.index(level, at);
      long entry = tree.get(table, index);
      if (!format.isPresent(entry)) {
        return false;
      }
      if (format.isLeaf(level, entry)) {
        return true;
      }
      table = format.address(0, entry);
    }
  }

  private long page(long entry) {
    return MappedPage.of(level, format.address(level, entry), format.flags(level, entry));
  }

  /// Puts a page in the place of another of the same size.
  ///
  /// @param expected what [AddressSpace#lookup] said; accessed and dirty may differ
  TableResult replace(
      long root, long at, long expected, long physical, int flags, FlushBatch batch) {
    if (!find(root, at)) {
      return TableResult.CHANGED;
    }
    long entry = tree.get(table, index);
    long found = page(entry);
    if ((found & ~(long) USED) != (expected & ~(long) USED)) {
      return TableResult.CHANGED;
    }
    if (words.isFrozen(level, index)) {
      return TableResult.TOP_IS_SHARED;
    }
    long byteSize = format.pageByteSize(level);
    if ((physical & (byteSize - 1)) != 0) {
      return TableResult.MISALIGNED;
    }
    if (physical < 0 || physical > (1L << format.physicalBits()) - byteSize) {
      return TableResult.TOO_HIGH;
    }
    boolean moves = physical != MappedPage.physicalAddress(found);
    int before = MappedPage.flags(found);
    batch.add(at & -byteSize, ((before | flags) & PageFlags.GLOBAL) != 0);
    if (format.breaksBeforeMake() && (moves || ((before ^ flags) & BREAKING) != 0)) {
      words.step();
      entry = tree.clear(table, index);
      batch.flushNow(at & -byteSize);
      tree.set(table, index, replacement(entry, physical, flags, moves));
      words.step();
    } else {
      while (!tree.compareAndSet(table, index, entry, replacement(entry, physical, flags, moves))) {
        entry = tree.get(table, index); // a processor has set a bit
      }
    }
    if (moves) {
      batch.gone(page(entry));
    }
    return TableResult.DONE;
  }

  private long replacement(long entry, long physical, int flags, boolean moves) {
    int kept = moves ? 0 : format.flags(level, entry) & USED;
    return format.leaf(level, physical, flags | kept);
  }

  /// Clears accessed, dirty or both.
  ///
  /// @return the page before, or [AddressSpace#NOT_MAPPED]
  long clearUsed(long root, long at, int bits, FlushBatch batch) {
    if (!find(root, at)) {
      return AddressSpace.NOT_MAPPED;
    }
    while (true) {
      long entry = tree.get(table, index);
      int flags = format.flags(level, entry);
      if ((flags & bits) == 0 || words.isFrozen(level, index)) {
        return page(entry);
      }
      long cleared = format.leaf(level, format.address(level, entry), flags & ~bits);
      if (tree.compareAndSet(table, index, entry, cleared)) {
        batch.add(at & -format.pageByteSize(level), (flags & PageFlags.GLOBAL) != 0);
        return page(entry);
      }
    }
  }
}
