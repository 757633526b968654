package dev.bifolio.kernel.table;

/// Shows all that is mapped to a [TableVisitor]. For who has the space's lock.
record TableWalker(TableTree tree) {
  /// Walks a range.
  ///
  /// @param start the first address that goes through the table
  void walk(long table, int level, long start, long first, long last, TableVisitor visitor) {
    PageFormat format = tree.format;
    visitor.table(level, start, table);
    int shift = format.shift(level);
    for (long entryAt = first >> shift; entryAt <= last >> shift; entryAt++) {
      long at = entryAt << shift;
      long entry = tree.get(table, format.index(level, at));
      if (!format.isPresent(entry)) {
        continue;
      }
      if (format.isLeaf(level, entry)) {
        visitor.page(level, at, format.address(level, entry), format.flags(level, entry));
      } else {
        long from = Math.max(first, at);
        long to = Math.min(last, at + ((1L << shift) - 1));
        walk(format.address(0, entry), level - 1, at, from, to, visitor);
      }
    }
  }
}
