package dev.bifolio.kernel.heap;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.platform.SpinLock;

/// Objects of a cache behind handles instead of pointers, for callers who are not trusted with
/// addresses: a handle that is used after the free is refused, always.
///
/// ```
///   handle   0 | generation 62…32 | index 31…0
///   entry    word: generation 62…32 | in use 0      pointer, or the next free entry + 1
/// ```
///
/// An entry's generation goes up when its object is freed, so every older handle is stale. It does
/// not come round: an entry that has used all of its generations is not used again.
///
/// An object reads as zeros when it is allocated. Accesses copy, under a lock, so none sees an
/// object that is freed meanwhile.
///
/// ```
///   byte 0  lock   8  entries never used   16  first free entry + 1   24  handles in use
///       64  entries, 16 bytes each
/// ```
///
/// Any thread. The cache is called without the lock. No Java objects.
public final class ObjectHandles {
  /// There is no memory for the object.
  public static final long NO_MEMORY = -1;

  /// All handles are in use.
  public static final long FULL = -2;

  private static final long NEVER_USED = 8;
  private static final long FIRST_FREE = 16;
  private static final long IN_USE = 24;
  private static final long ENTRIES = 64;
  private static final int ENTRY_BYTES = 16;
  private static final int GENERATION_SHIFT = 32;
  private static final long INDEX_MASK = 0xFFFF_FFFFL;
  private static final long LAST_GENERATION = Integer.MAX_VALUE;
  private static final long USED = 1;

  private final SlabCache cache;
  private final HeapMap map;
  private final long address;
  private final int capacity;
  private final SpinLock lock;

  /// No handles yet.
  ///
  /// @param address of so many zero bytes as [#byteSize] says, a multiple of 8
  /// @param capacity how many handles there can be at a time, 1 or more
  /// @param cache of the objects
  public ObjectHandles(long address, int capacity, SlabCache cache) {
    if (capacity < 1) {
      throw new IllegalArgumentException(capacity + " handles");
    }
    this.address = address;
    this.capacity = capacity;
    this.cache = cache;
    map = cache.caches.map;
    lock = new SpinLock(address);
  }

  /// Bytes of memory for handles.
  ///
  /// @param capacity how many
  /// @return a multiple of 8
  public static long byteSize(int capacity) {
    return ENTRIES + (long) capacity * ENTRY_BYTES;
  }

  // ---- Allocation ----

  /// Allocates an object of zeros.
  ///
  /// @return its handle, 0 or more; or [#FULL], or [#NO_MEMORY]
  public long allocate() {
    long index = takeEntry();
    if (index < 0) {
      return FULL;
    }
    long pointer = cache.allocate();
    if (pointer == SlabCache.NO_MEMORY) {
      lock.lock();
      putEntry(index);
      lock.unlock();
      return NO_MEMORY;
    }
    Memory.fill(map.hostOf(pointer), byteSize(), (byte) 0);
    lock.lock();
    long entry = entry(index);
    long generation = Memory.getLong(entry);
    Memory.putLong(entry, generation | USED);
    Memory.putLong(entry + 8, pointer);
    addInUse(1);
    lock.unlock();
    return generation | index;
  }

  private long takeEntry() {
    lock.lock();
    long index = Memory.getLong(address + FIRST_FREE) - 1;
    long unused = Memory.getLong(address + NEVER_USED);
    if (index >= 0) {
      Memory.putLong(address + FIRST_FREE, Memory.getLong(entry(index) + 8));
    } else if (unused < capacity) {
      index = unused;
      Memory.putLong(address + NEVER_USED, unused + 1);
    }
    lock.unlock();
    return index;
  }

  private void putEntry(long index) {
    Memory.putLong(entry(index) + 8, Memory.getLong(address + FIRST_FREE));
    Memory.putLong(address + FIRST_FREE, index + 1);
  }

  private long entry(long index) {
    return address + ENTRIES + index * ENTRY_BYTES;
  }

  private void addInUse(long count) {
    Memory.putLongRelease(address + IN_USE, inUse() + count);
  }

  /// The entry of a handle, 0 if it is stale. For the holder of the lock.
  private long find(long handle) {
    long index = handle & INDEX_MASK;
    if (handle < 0 || index >= Memory.getLong(address + NEVER_USED)) {
      return 0;
    }
    long entry = entry(index);
    return Memory.getLong(entry) == ((handle & ~INDEX_MASK) | USED) ? entry : 0;
  }

  // ---- Free ----

  /// Frees the object of a handle.
  ///
  /// @param handle of [#allocate()]
  /// @return DONE or STALE
  public HandleOutcome free(long handle) {
    lock.lock();
    long entry = find(handle);
    long pointer = SlabCache.NO_MEMORY;
    if (entry != 0) {
      pointer = Memory.getLong(entry + 8);
      long generation = (handle >>> GENERATION_SHIFT) + 1;
      Memory.putLong(entry, generation << GENERATION_SHIFT);
      if (generation < LAST_GENERATION) {
        putEntry(handle & INDEX_MASK);
      }
      addInUse(-1);
    }
    lock.unlock();
    if (entry == 0) {
      return HandleOutcome.STALE;
    }
    cache.free(pointer);
    return HandleOutcome.DONE;
  }

  // ---- Accesses ----

  /// Copies bytes out of an object.
  ///
  /// @param handle of the object
  /// @param offset of the first byte in it
  /// @param target where this JVM wants them
  /// @param byteSize how many, 0 or more
  /// @return what came of it
  public HandleOutcome read(long handle, long offset, long target, long byteSize) {
    return access(handle, offset, target, byteSize, false);
  }

  /// Copies bytes into an object.
  ///
  /// @param handle of the object
  /// @param offset of the first byte in it
  /// @param source where this JVM has them
  /// @param byteSize how many, 0 or more
  /// @return what came of it
  public HandleOutcome write(long handle, long offset, long source, long byteSize) {
    return access(handle, offset, source, byteSize, true);
  }

  private HandleOutcome access(
      long handle, long offset, long host, long byteSize, boolean isWrite) {
    lock.lock();
    HandleOutcome outcome = check(handle, offset, byteSize);
    if (outcome == HandleOutcome.DONE) {
      long object = map.hostOf(Memory.getLong(find(handle) + 8)) + offset;
      Memory.copy(isWrite ? host : object, isWrite ? object : host, byteSize);
    }
    lock.unlock();
    return outcome;
  }

  private HandleOutcome check(long handle, long offset, long byteSize) {
    if (find(handle) == 0) {
      return HandleOutcome.STALE;
    }
    boolean isInside = offset >= 0 && byteSize >= 0 && offset <= byteSize() - byteSize;
    return isInside ? HandleOutcome.DONE : HandleOutcome.OUT_OF_BOUNDS;
  }

  // ---- What there is ----

  /// Bytes of each object.
  ///
  /// @return as the cache was asked for
  public long byteSize() {
    return cache.spec().objectBytes();
  }

  /// Handles that are not free.
  ///
  /// @return 0 … the capacity
  public long inUse() {
    return Memory.getLongAcquire(address + IN_USE);
  }
}
