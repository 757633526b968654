package dev.bifolio.kernel.heap;

import dev.bifolio.kernel.platform.Memory;

/// A way to a [SlabCache] for one thread: allocations and frees that cost no compare-and-set.
///
/// ```
///   try (SlabOwner owner = cache.openOwner()) {
///     long pointer = owner.allocate();
///     ...
///     owner.free(pointer);
///   }
/// ```
///
/// *One thread at a time* may call it, and hands it on only with a happens-before edge; this is not
/// checked. Objects are as good as any: any thread frees them through the cache, and objects from
/// anywhere may be freed here.
///
/// ```
///   row, for all         [ tag | what others freed since ]    compare-and-set
///   owner's word         [ row + 1 | his free objects    ]    plain stores, by him alone; others read
///                                                             there that an object is free
/// ```
///
/// He takes the free bits of a row: first he writes them into his word, then he empties the row by
/// compare-and-set, so at no moment an object looks allocated. To give back he does both the other
/// way round. A bit that is in both was freed twice at the same time, here and elsewhere: he drops
/// his, when he comes to it, and counts it.
///
/// It holds one slab, and nobody else can allocate in that: who will be idle calls [#drain()], and
/// who is done [#close()].
public final class SlabOwner implements AutoCloseable {
  private static final int ROW_SHIFT = 32;

  private final SlabCache cache;
  private final SlabGeometry geometry;
  private final SlabRecords records;

  /// The slab's record; 0 if there is none.
  private long record;

  /// The row and the owner's word; words that are always zero, if there is no slab.
  private long row;

  private long ownerWord;

  private long rowPointer;

  /// Bytes of the row's objects; 0 if there is none.
  private long rowBytes;

  private boolean closed;

  SlabOwner(SlabCache cache) {
    this.cache = cache;
    geometry = cache.geometry;
    records = cache.records();
    forgetSlab();
  }

  /// Whether an owner's word says that an object is free.
  static boolean isFree(long word, int rowIndex, int bit) {
    return word >>> ROW_SHIFT == rowIndex + 1 && (word >>> bit & 1) != 0;
  }

  /// The row that an owner's word is about, -1 if it is about none.
  static int rowOf(long word) {
    return (int) (word >>> ROW_SHIFT) - 1;
  }

  private static long wordOf(int rowIndex, int free) {
    return (long) (rowIndex + 1) << ROW_SHIFT | Integer.toUnsignedLong(free);
  }

  // ---- Allocation ----

  /// Allocates an object.
  ///
  /// @return its pointer, or [SlabCache#NO_MEMORY]
  /// @throws IllegalStateException if the owner is closed or the cache destroyed
  public long allocate() {
    long word = Memory.getLong(ownerWord);
    if ((int) word == 0) {
      return allocateElsewhere();
    }
    int bit = Long.numberOfTrailingZeros(word);
    // A plain store: who frees the object elsewhere got it from this thread, and so sees it.
    Memory.putLong(ownerWord, word & (word - 1));
    if (SlabRow.isFree(Memory.getLongVolatile(row), bit)) {
      cache.countDoubleFree(1); // freed here and elsewhere at the same time: free there
      return allocate();
    }
    return rowPointer + (long) bit * geometry.stride;
  }

  private long allocateElsewhere() {
    requireOpen();
    if (takeRow() || fill()) {
      return allocate();
    }
    return SlabCache.NO_MEMORY;
  }

  /// Takes a row with a free object.
  private boolean takeRow() {
    cache.lock().lock();
    boolean isTaken = takeRowLocked(false);
    cache.lock().unlock();
    return isTaken;
  }

  private boolean takeRowLocked(boolean fromCpus) {
    if (fromCpus) {
      cache.drainSlots();
    }
    while (true) {
      if (record != SlabRecords.NONE) {
        if (takeRowOfSlab()) {
          return true;
        }
        leaveLocked();
      }
      record = cache.lists.claimFullest();
      if (record == SlabRecords.NONE) {
        return false;
      }
    }
  }

  private boolean takeRowOfSlab() {
    long slab = records.at(record);
    for (int index = 0; index < geometry.rows; index++) {
      long address = SlabRecords.row(slab, index);
      if (SlabRow.free(Memory.getLongVolatile(address)) != 0) {
        take(slab, address, index);
        return true;
      }
    }
    return false;
  }

  private void take(long slab, long address, int index) {
    ownerWord = SlabRecords.ownerWord(slab);
    while (true) {
      long word = Memory.getLongVolatile(address);
      Memory.putLongRelease(ownerWord, wordOf(index, SlabRow.free(word)));
      if (Memory.compareAndSetLong(address, word, SlabRow.next(word, 0))) {
        break;
      }
    }
    row = address;
    rowPointer = cache.claims.pointerOfRow(slab, index);
    rowBytes = (long) Integer.bitCount(geometry.allFree(index)) * geometry.stride;
  }

  private boolean fill() {
    long made = cache.supply.make();
    cache.lock().lock();
    boolean isTaken;
    if (made != SlabRecords.NONE) {
      cache.enter(made, SlabLists.EMPTY);
      isTaken = takeRowLocked(false);
    } else {
      isTaken = takeRowLocked(true);
    }
    cache.lock().unlock();
    if (!isTaken) {
      cache.countFailure();
    }
    return isTaken;
  }

  // ---- Free ----

  /// Frees an object of the cache, wherever it came from.
  ///
  /// @param pointer as it was allocated
  /// @throws HeapException if it is no allocated object of the cache; nothing has changed then
  public void free(long pointer) {
    if (!freeHere(pointer)) {
      cache.free(pointer);
    }
  }

  /// [#free] with mistakes as outcomes.
  ///
  /// @param pointer any
  /// @return FREED, or what is wrong with the pointer; nothing has changed then
  public FreeOutcome tryFree(long pointer) {
    return freeHere(pointer) ? FreeOutcome.FREED : cache.tryFree(pointer);
  }

  /// Frees an object of the owner's row.
  ///
  /// @return false if it is not, or not to be freed; nothing has changed then
  private boolean freeHere(long pointer) {
    long offset = pointer - rowPointer;
    if (Long.compareUnsigned(offset, rowBytes) >= 0) {
      return false;
    }
    int index = geometry.indexOf(offset);
    long word = Memory.getLong(ownerWord);
    if ((long) index * geometry.stride != offset
        || SlabRow.isFree(word | Memory.getLongVolatile(row), index)) {
      return false;
    }
    Memory.putLong(ownerWord, word | 1L << index);
    return true;
  }

  // ---- Giving back ----

  /// Gives back the slab with all that is free in it, for an owner who will be idle. The next
  /// allocation takes one again.
  ///
  /// @throws IllegalStateException if the owner is closed
  public void drain() {
    requireOpen();
    giveBack();
  }

  private void giveBack() {
    cache.lock().lock();
    if (record != SlabRecords.NONE) {
      leaveLocked();
    }
    cache.lock().unlock();
    cache.trim();
  }

  /// For the holder of the cache's lock.
  private void leaveLocked() {
    int free = (int) Memory.getLong(ownerWord);
    if (free != 0) {
      long before = putBack(free);
      int twice = Integer.bitCount(SlabRow.free(before) & free);
      if (twice != 0) {
        cache.countDoubleFree(twice);
      }
    }
    Memory.putLongRelease(SlabRecords.ownerWord(records.at(record)), 0);
    cache.lists.settle(record);
    forgetSlab();
  }

  private long putBack(int free) {
    while (true) {
      long word = Memory.getLongVolatile(row);
      long next = SlabRow.next(word, SlabRow.free(word) | free);
      if (Memory.compareAndSetLong(row, word, next)) {
        return word;
      }
    }
  }

  private void forgetSlab() {
    record = SlabRecords.NONE;
    row = records.rowAt(0);
    ownerWord = row;
    rowBytes = 0;
  }

  /// Gives back the slab. Closing again does nothing; allocations are refused from now on.
  @Override
  public void close() {
    if (!closed) {
      giveBack();
      closed = true;
    }
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("this owner is closed");
    }
    cache.requireOpen();
  }
}
