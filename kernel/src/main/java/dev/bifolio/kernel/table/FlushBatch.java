package dev.bifolio.kernel.table;

import org.jspecify.annotations.Nullable;

/// What a change of tables obliges its maker to flush: entries of the translation cache that are
/// old now, and the tables that may be freed once they are gone.
///
/// Single addresses are kept up to a limit; beyond it, everything is to be flushed, which costs
/// less than many single ones. A page counts once, whatever its size. The tables that a change has
/// emptied may still be cached by a processor, so they wait here until [AddressSpace#flushed] says
/// that all processors have flushed.
///
/// ```
///   unmap, protect, split … ──> batch ──> the processors flush ──> flushed(batch): tables are freed
/// ```
///
/// One thread; used again and again. No Java objects after the constructor.
public final class FlushBatch {
  /// Single addresses that are worth it, by default; Linux takes as many on x86.
  public static final int DEFAULT_LIMIT = 33;

  private final long[] addresses;
  private int count;
  private boolean isAll;
  private boolean hasGlobal;
  private long total;
  private long breaks;
  private long retired = TableTree.NOTHING;
  private final @Nullable Flusher flusher;

  /// An empty batch.
  ///
  /// @param limit of single addresses, 0 or more; 0 for a processor that can only flush everything,
  ///   as an i386 can
  /// @param flusher who flushes at once where a format wants that between two stores; null for a
  ///   space that no processor uses
  public FlushBatch(int limit, @Nullable Flusher flusher) {
    addresses = new long[limit];
    this.flusher = flusher;
  }

  void add(long virtualAddress, boolean isGlobal) {
    total++;
    hasGlobal |= isGlobal;
    if (count == addresses.length) {
      isAll = true;
    } else {
      addresses[count++] = virtualAddress;
    }
  }

  /// A page has been taken away, and will be there again in another form as soon as no processor
  /// knows it any more.
  void breakBeforeMake(long virtualAddress) {
    breaks++;
    if (flusher != null) {
      flusher.flushPage(virtualAddress);
    }
  }

  /// Has all of it flushed that is to be flushed.
  ///
  /// @param to who does it
  public void applyTo(Flusher to) {
    if (isAll) {
      to.flushAll(hasGlobal);
      return;
    }
    for (int i = 0; i < count; i++) {
      to.flushPage(addresses[i]);
    }
  }

  void retire(TableTree tree, long table) {
    retired = tree.retire(table, retired);
  }

  /// Frees what waits, and forgets all.
  long clear(TableTree tree) {
    long freed = tree.freeAll(retired);
    retired = TableTree.NOTHING;
    count = 0;
    total = 0;
    isAll = false;
    hasGlobal = false;
    return freed;
  }

  /// Whether there is nothing to do.
  ///
  /// @return true if no translation has changed that could be cached
  public boolean isEmpty() {
    return total == 0;
  }

  /// Whether everything is to be flushed rather than single addresses.
  ///
  /// @return true beyond the limit
  public boolean isAll() {
    return isAll;
  }

  /// Whether any of it is global: a flush that spares what is global does not do then.
  ///
  /// @return true if so
  public boolean hasGlobal() {
    return hasGlobal;
  }

  /// Single addresses, where not everything is to be flushed.
  ///
  /// @return 0 or more
  public int count() {
    return isAll ? 0 : count;
  }

  /// One of them: the first address of a page.
  ///
  /// @param index 0 … [#count()] - 1
  /// @return a virtual address
  public long address(int index) {
    return addresses[index];
  }

  /// Pages that were flushed at once, between the store that took them away and the one that
  /// brought them back.
  ///
  /// @return a count since the beginning
  public long breaks() {
    return breaks;
  }

  /// Pages that have changed, beyond the limit too.
  ///
  /// @return 0 or more
  public long pageCount() {
    return total;
  }
}
