package dev.bifolio.kernel.table;

import org.jspecify.annotations.Nullable;

/// What a change of tables obliges its maker to flush: entries of the translation cache that are
/// old now, and the tables that may be freed once they are gone.
///
/// Single addresses are kept up to a limit; beyond it, everything is to be flushed, which costs
/// less than many single ones. A page counts once, whatever its size. The tables that a change has
/// emptied may still be cached by a processor, so they wait here until [AddressSpace#flushed] says
/// that all processors have flushed; and so do the pages that are gone, of which a receiver is told
/// then.
///
/// ```
///   unmap, protect, split … ──> batch ──> the processors flush ──> flushed(batch): tables are freed,
///                                                                  the receiver is told of pages
/// ```
///
/// When the list of pages is full, the batch has everything flushed by itself, and tells the
/// receiver of them.
///
/// One thread; used again and again, for one space. No Java objects after the constructor.
public final class FlushBatch {
  /// Single addresses that are worth it, by default; Linux takes as many on x86.
  public static final int DEFAULT_LIMIT = 33;

  private static final int PAGES = 512;

  private final long[] addresses;
  private int count;
  private boolean isAll;
  private boolean hasGlobal;
  private long total;
  private long due;
  private long lastAdded;
  private long breaks;
  private long retired = TableTree.NOTHING;
  private final @Nullable Flusher flusher;
  private final @Nullable PageReceiver receiver;
  private final long[] pages;
  private int pageCount;

  /// An empty batch, for a space whose pages belong to nobody.
  ///
  /// @param limit of single addresses, 0 or more; 0 for a processor that can only flush everything,
  ///   as an i386 can
  /// @param flusher who flushes; null for a space that no processor uses
  public FlushBatch(int limit, @Nullable Flusher flusher) {
    this(limit, flusher, null);
  }

  /// An empty batch.
  ///
  /// @param limit as there
  /// @param flusher as there
  /// @param receiver is told of each page that is gone, once it is flushed; null if nobody wants to
  ///   know
  public FlushBatch(int limit, @Nullable Flusher flusher, @Nullable PageReceiver receiver) {
    addresses = new long[limit];
    this.flusher = flusher;
    this.receiver = receiver;
    pages = new long[receiver == null ? 0 : PAGES];
  }

  // ---- What a change says ----

  /// A page has changed, or is gone.
  void add(long virtualAddress, boolean isGlobal) {
    total++;
    due++;
    hasGlobal |= isGlobal;
    lastAdded = virtualAddress;
    if (count == addresses.length) {
      isAll = true;
    } else {
      addresses[count++] = virtualAddress;
    }
  }

  /// A page is gone that was added.
  ///
  /// @param word of a [MappedPage]
  void gone(long word) {
    if (receiver == null) {
      return;
    }
    pages[pageCount++] = word;
    if (pageCount == pages.length) {
      flush();
      tellReceiver();
    }
  }

  /// A page has been taken away, and will be there again in another form as soon as no processor
  /// knows it any more.
  void flushNow(long virtualAddress) {
    breaks++;
    if (flusher != null) {
      flusher.flushPage(virtualAddress);
    }
  }

  /// As [#flushNow], of a table of pages.
  void flushAllNow(boolean globalToo) {
    breaks++;
    if (flusher != null) {
      flusher.flushAll(globalToo);
    }
  }

  /// A table has been taken out of the tree after the pages below it. A processor may remember the
  /// table itself, until an address of it is flushed: that of a page does, if it still waits.
  ///
  /// @param start the first address that went through it
  /// @param byteSize of all of them
  void retire(TableTree tree, long table, long start, long byteSize) {
    if (due == 0 || Long.compareUnsigned(lastAdded - start, byteSize) >= 0) {
      add(start, false);
    }
    retire(tree, table);
  }

  /// As there, of a table whose addresses have been flushed since, or that nobody uses.
  void retire(TableTree tree, long table) {
    retired = tree.retire(table, retired);
  }

  // ---- What is done about it ----

  /// Has all of it flushed that is to be flushed, by the flusher of the batch.
  public void flush() {
    if (flusher != null) {
      if (isAll) {
        flusher.flushAll(hasGlobal);
      } else {
        for (int i = 0; i < count; i++) {
          flusher.flushPage(addresses[i]);
        }
      }
    }
    count = 0;
    due = 0;
    isAll = false;
    hasGlobal = false;
  }

  /// Tells of the pages, frees the tables that wait, and forgets all.
  long clear(TableTree tree) {
    tellReceiver();
    long freed = tree.freeAll(retired);
    retired = TableTree.NOTHING;
    count = 0;
    total = 0;
    due = 0;
    isAll = false;
    hasGlobal = false;
    return freed;
  }

  private void tellReceiver() {
    if (receiver == null) {
      return;
    }
    for (int i = 0; i < pageCount; i++) {
      long word = pages[i];
      receiver.unmapped(
          MappedPage.physicalAddress(word), MappedPage.level(word), MappedPage.flags(word));
    }
    pageCount = 0;
  }

  // ---- What there is ----

  /// Whether there is nothing to flush.
  ///
  /// @return true if no translation has changed that could be cached
  public boolean isEmpty() {
    return due == 0;
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

  /// Pages and tables that were flushed at once, between the store that took them away and the one
  /// that brought something back.
  ///
  /// @return a count since the beginning
  public long breaks() {
    return breaks;
  }

  /// Pages that have changed since the last [AddressSpace#flushed], beyond the limit too, and
  /// tables that are gone without a page that waits.
  ///
  /// @return 0 or more
  public long pageCount() {
    return total;
  }
}
