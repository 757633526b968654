package dev.bifolio.kernel.boot;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.AddressRange;

/// The early allocator: which bytes of the machine are memory, which of them are taken.
///
/// # Overview
///
/// Before the frame allocators run, a boot must place their metadata, and for that it must know
/// what is memory and what is in use, down to the byte. Two lists of ranges say so:
///
/// ```
///  memory     ┌──────── node 0 ────────┐┌─ node 0 NOMAP ─┐    ┌────── node 1 ──────┐
///  reserved        ┌kernel┐   ┌─ fdt ─┐                    ┌─ outside memory ─┐
///  free       ┌───┐        ┌─┐         ┐                                       ┌───┐
///
///  free = memory - NOMAP - reserved
/// ```
///
/// *Allocating* is reserving the first range of free memory that fits, from the top down or from
/// the bottom up. *Reserving* needs no memory below: firmware reserves what it likes. Both lists
/// merge what touches and has the same node and flags; a request is never served across a border
/// between nodes or flags, because there are two memory regions.
///
/// A hint may be dropped, a bound never. In this order an allocation tries
///
/// 1. the wanted node, between `min` and `max`;
/// 2. the wanted node, below `max`;
/// 3. any node, between `min` and `max` (not for an exact node);
/// 4. any node, below `max` (not for an exact node);
///
/// first in mirrored memory alone, if there is any, then in all.
///
/// The lists live in static storage for 128 regions each. A full list doubles: the larger one is
/// put into free memory (never into the range that is being reserved at that moment), reserved
/// there, and the storage it leaves is freed if it was such memory. Until all that must not be
/// overwritten is reserved, a caller either adds no more than fits or gives larger static storage.
///
/// - I1 to I4 of [RegionList] hold for both lists.
/// - I5 Storage that a list has grown into is reserved, and is the only thing this class writes to
///   besides the content of zeroed allocations.
/// - I6 A change that returns false, and an allocation that returns [#NO_ADDRESS], left both lists
///   as they were, but for storage that grew.
///
/// Addresses are unsigned bytes from 0 to 2^64 - 2; a range that would go further is cut at 2^64 -
/// 1, so that no end wraps. One thread. A look-up costs O(log n), a change O(log n) and the move of
/// a tail of the list, an allocation O(n) at worst; no Java objects.
///
/// Rejected: lists in Java arrays (they could not show what a kernel must solve, the growth of a
/// list in the memory it describes); a linear search for the place of a change (2^16 regions are
/// legal input: 2^32 steps).
///
/// The vocabulary is that of Linux, `mm/memblock.c`, "DOC: memblock overview".
public final class Memblock {
  /// Memory that may be taken away while the machine runs; recorded, and used like any other.
  public static final int HOTPLUG = 1;

  /// Memory that the hardware keeps twice; preferred by allocations.
  public static final int MIRROR = 2;

  /// Memory that not even the kernel may map; never free.
  public static final int NOMAP = 4;

  /// No node in particular.
  public static final int NO_NODE = -1;

  /// No free range could serve the allocation.
  public static final long NO_ADDRESS = -1L;

  /// The end of the address space, exclusive and unsigned: no upper bound.
  public static final long NO_LIMIT = RegionList.END_OF_SPACE;

  /// Regions that each list holds before it grows for the first time.
  public static final int INITIAL_CAPACITY = 128;

  /// Mode of an allocation: the content is not zeroed.
  public static final int RAW = 1;

  /// Mode of an allocation: no other node than the wanted one.
  public static final int EXACT_NODE = 2;

  private static final int ALL_FLAGS = HOTPLUG | MIRROR | NOMAP;
  private static final int STORAGE_ALIGNMENT = 64;
  private static final long NODE_BITS = 0xFFFF_FFFFL;

  private final RegionList memory;
  private final RegionList reserved;
  private final FreeSpace space;
  private final long physToVirtOffset;
  private long memoryStorage = NO_ADDRESS;
  private long reservedStorage = NO_ADDRESS;
  private long limit = NO_LIMIT;
  private boolean bottomUp;
  private boolean active = true;

  /// Two empty lists.
  ///
  /// @param storageAddress virtual address of [#storageByteSize] bytes, a multiple of 8
  /// @param capacity regions that each list can hold before it grows, usually [#INITIAL_CAPACITY]
  /// @param physToVirtOffset what is added to a physical address of memory to get its virtual one
  /// @throws IllegalArgumentException if the capacity is below 4 or the address not aligned
  public Memblock(long storageAddress, int capacity, long physToVirtOffset) {
    if (capacity < 4 || (storageAddress & 7) != 0) {
      throw new IllegalArgumentException(
          "storage at " + AddressRange.hex(storageAddress) + " for " + capacity + " regions");
    }
    this.memory = new RegionList(storageAddress, capacity);
    this.reserved = new RegionList(storageAddress + storageByteSize(capacity) / 2, capacity);
    this.space = new FreeSpace(memory, reserved);
    this.physToVirtOffset = physToVirtOffset;
  }

  /// Bytes of static storage for both lists.
  ///
  /// @param capacity regions in each
  /// @return a multiple of 16
  public static long storageByteSize(int capacity) {
    return 2L * capacity * RegionList.ENTRY_BYTES;
  }

  /// What is memory.
  ///
  /// @return the list, live
  public RegionList memory() {
    return memory;
  }

  /// What is taken.
  ///
  /// @return the list, live
  public RegionList reserved() {
    return reserved;
  }

  /// Whether allocations begin at the lowest addresses.
  ///
  /// @return false at first
  public boolean isBottomUp() {
    return bottomUp;
  }

  /// Lets allocations begin at the lowest or the highest addresses.
  ///
  /// @param value true for the lowest
  public void setBottomUp(boolean value) {
    bottomUp = value;
  }

  /// The bound of all allocations.
  ///
  /// @return an exclusive end, unsigned; [#NO_LIMIT] at first
  public long limit() {
    return limit;
  }

  /// Sets the bound of all allocations.
  ///
  /// @param end exclusive, unsigned
  public void setLimit(long end) {
    limit = end;
  }

  /// Adds memory. Bytes that are memory already keep their node and flags.
  ///
  /// @param base first byte, unsigned
  /// @param byteSize bytes, unsigned; cut at the end of the address space
  /// @return false if the list is full and cannot grow; then nothing changed
  /// @throws IllegalStateException after [#retire()]
  public boolean add(long base, long byteSize) {
    return add(base, byteSize, NO_NODE, 0);
  }

  /// Adds memory with a node and flags. Bytes that are memory already keep theirs.
  ///
  /// @param base first byte, unsigned
  /// @param byteSize bytes, unsigned; cut at the end of the address space
  /// @param node its NUMA node or [#NO_NODE]
  /// @param flags [#HOTPLUG], [#MIRROR], [#NOMAP]
  /// @return false if the list is full and cannot grow; then nothing changed
  /// @throws IllegalStateException after [#retire()]
  /// @throws IllegalArgumentException if a flag is unknown
  public boolean add(long base, long byteSize, int node, int flags) {
    requireFlags(flags);
    long attributes = RegionList.attributesOf(node, flags);
    return change(memory, RegionList.ADD, base, byteSize, 0, attributes);
  }

  /// Removes memory; what is not memory is left alone.
  ///
  /// @param base first byte, unsigned
  /// @param byteSize bytes, unsigned; cut at the end of the address space
  /// @return false if the list is full and cannot grow; then nothing changed
  /// @throws IllegalStateException after [#retire()]
  public boolean remove(long base, long byteSize) {
    return change(memory, RegionList.REMOVE, base, byteSize, 0, 0);
  }

  /// Reserves a range, memory or not.
  ///
  /// @param base first byte, unsigned
  /// @param byteSize bytes, unsigned; cut at the end of the address space
  /// @return false if the list is full and cannot grow; then nothing changed
  /// @throws IllegalStateException after [#retire()]
  public boolean reserve(long base, long byteSize) {
    return reserve(base, byteSize, NO_NODE, 0);
  }

  /// Reserves a range with a node and flags. Bytes that are reserved already keep theirs.
  ///
  /// @param base first byte, unsigned
  /// @param byteSize bytes, unsigned; cut at the end of the address space
  /// @param node a NUMA node or [#NO_NODE]
  /// @param flags [#HOTPLUG], [#MIRROR], [#NOMAP]
  /// @return false if the list is full and cannot grow; then nothing changed
  /// @throws IllegalStateException after [#retire()]
  /// @throws IllegalArgumentException if a flag is unknown
  public boolean reserve(long base, long byteSize, int node, int flags) {
    requireFlags(flags);
    long attributes = RegionList.attributesOf(node, flags);
    return change(reserved, RegionList.ADD, base, byteSize, 0, attributes);
  }

  /// Ends the reservation of a range; what is not reserved is left alone.
  ///
  /// @param base first byte, unsigned
  /// @param byteSize bytes, unsigned; cut at the end of the address space
  /// @return false if the list is full and cannot grow; then nothing changed
  /// @throws IllegalStateException after [#retire()]
  public boolean free(long base, long byteSize) {
    return change(reserved, RegionList.REMOVE, base, byteSize, 0, 0);
  }

  /// Sets flags of the memory in a range, to the byte.
  ///
  /// @param base first byte, unsigned
  /// @param byteSize bytes, unsigned; cut at the end of the address space
  /// @param flags [#HOTPLUG], [#MIRROR], [#NOMAP]
  /// @return false if the list is full and cannot grow; then nothing changed
  /// @throws IllegalStateException after [#retire()]
  /// @throws IllegalArgumentException if a flag is unknown
  public boolean mark(long base, long byteSize, int flags) {
    requireFlags(flags);
    return change(memory, RegionList.CHANGE, base, byteSize, -1L, flagBits(flags));
  }

  /// Clears flags of the memory in a range, to the byte.
  ///
  /// @param base first byte, unsigned
  /// @param byteSize bytes, unsigned; cut at the end of the address space
  /// @param flags [#HOTPLUG], [#MIRROR], [#NOMAP]
  /// @return false if the list is full and cannot grow; then nothing changed
  /// @throws IllegalStateException after [#retire()]
  /// @throws IllegalArgumentException if a flag is unknown
  public boolean clear(long base, long byteSize, int flags) {
    requireFlags(flags);
    return change(memory, RegionList.CHANGE, base, byteSize, ~flagBits(flags), 0);
  }

  /// Sets the node of the memory in a range.
  ///
  /// @param base first byte, unsigned
  /// @param byteSize bytes, unsigned; cut at the end of the address space
  /// @param node a NUMA node or [#NO_NODE]
  /// @return false if the list is full and cannot grow; then nothing changed
  /// @throws IllegalStateException after [#retire()]
  public boolean setNode(long base, long byteSize, int node) {
    long bits = RegionList.attributesOf(node, 0);
    return change(memory, RegionList.CHANGE, base, byteSize, ~NODE_BITS, bits);
  }

  /// Rounds every region of memory inward to an alignment; what is smaller vanishes.
  ///
  /// @param byteAlignment a power of two
  /// @throws IllegalStateException after [#retire()]
  /// @throws IllegalArgumentException if the alignment is no power of two
  public void trim(long byteAlignment) {
    requireActive();
    requireAlignment(byteAlignment);
    memory.trim(byteAlignment);
  }

  /// Allocates zeroed memory anywhere.
  ///
  /// @param byteSize bytes, unsigned
  /// @param byteAlignment a power of two
  /// @return its physical address, or [#NO_ADDRESS]; always that for 0 bytes
  /// @throws IllegalStateException after [#retire()]
  /// @throws IllegalArgumentException if the alignment is no power of two
  public long allocate(long byteSize, long byteAlignment) {
    return allocate(byteSize, byteAlignment, 0, NO_LIMIT, NO_NODE, 0);
  }

  /// Allocates memory anywhere and leaves its content as it is.
  ///
  /// @param byteSize bytes, unsigned
  /// @param byteAlignment a power of two
  /// @return its physical address, or [#NO_ADDRESS]; always that for 0 bytes
  /// @throws IllegalStateException after [#retire()]
  /// @throws IllegalArgumentException if the alignment is no power of two
  public long allocateRaw(long byteSize, long byteAlignment) {
    return allocate(byteSize, byteAlignment, 0, NO_LIMIT, NO_NODE, RAW);
  }

  /// Allocates zeroed memory, preferably at or above an address.
  ///
  /// @param byteSize bytes, unsigned
  /// @param byteAlignment a power of two
  /// @param min a hint that is dropped before the allocation would fail
  /// @return its physical address, or [#NO_ADDRESS]; always that for 0 bytes
  /// @throws IllegalStateException after [#retire()]
  /// @throws IllegalArgumentException if the alignment is no power of two
  public long allocateFrom(long byteSize, long byteAlignment, long min) {
    return allocate(byteSize, byteAlignment, min, NO_LIMIT, NO_NODE, 0);
  }

  /// Allocates memory. See the overview for what is tried in which order.
  ///
  /// @param byteSize bytes, unsigned
  /// @param byteAlignment a power of two
  /// @param min a hint, unsigned: preferably not below; 0 for none
  /// @param max a bound, unsigned: never at or above; [#NO_LIMIT] for none
  /// @param node the wanted NUMA node, or [#NO_NODE]
  /// @param mode [#RAW] and [#EXACT_NODE], or 0
  /// @return its physical address, or [#NO_ADDRESS]; always that for 0 bytes
  /// @throws IllegalStateException after [#retire()]
  /// @throws IllegalArgumentException if the alignment is no power of two
  public long allocate(long byteSize, long byteAlignment, long min, long max, int node, int mode) {
    requireActive();
    requireAlignment(byteAlignment);
    if (byteSize == 0) {
      return NO_ADDRESS;
    }
    long bound = RegionList.min(max, limit);
    boolean exact = (mode & EXACT_NODE) != 0;
    long found = space.find(byteSize, byteAlignment, min, bound, node, exact, bottomUp);
    if (found == NO_ADDRESS || !reserve(found, byteSize)) {
      return NO_ADDRESS;
    }
    if ((mode & RAW) == 0) {
      Memory.fill(found + physToVirtOffset, byteSize, (byte) 0);
    }
    return found;
  }

  /// Allocates memory between two bounds that both hold, and leaves its content as it is.
  ///
  /// @param byteSize bytes, unsigned
  /// @param byteAlignment a power of two
  /// @param min never below, unsigned
  /// @param max never at or above, unsigned; [#NO_LIMIT] for none
  /// @return its physical address, or [#NO_ADDRESS]; always that for 0 bytes
  /// @throws IllegalStateException after [#retire()]
  /// @throws IllegalArgumentException if the alignment is no power of two
  public long allocateWithin(long byteSize, long byteAlignment, long min, long max) {
    requireActive();
    requireAlignment(byteAlignment);
    long bound = RegionList.min(max, limit);
    long found =
        byteSize == 0 ? NO_ADDRESS : space.find(byteSize, byteAlignment, min, bound, bottomUp);
    return found == NO_ADDRESS || !reserve(found, byteSize) ? NO_ADDRESS : found;
  }

  /// Finds the lowest free range that ends above an address; [#freeBase()], [#freeEnd()] and
  /// [#freeNode()] tell which. A walk goes on from the end of the range it got, and may change the
  /// lists in between.
  ///
  /// @param from where to begin, unsigned; the range is cut there
  /// @param node only ranges of this NUMA node, or [#NO_NODE] for all
  /// @return false if there is none
  public boolean nextFree(long from, int node) {
    return space.next(from, node);
  }

  /// First byte of the range that [#nextFree] found.
  ///
  /// @return an address, unsigned
  public long freeBase() {
    return space.foundBase();
  }

  /// Behind the last byte of the range that [#nextFree] found.
  ///
  /// @return an address, unsigned
  public long freeEnd() {
    return space.foundEnd();
  }

  /// The node of the range that [#nextFree] found.
  ///
  /// @return its id, or [#NO_NODE]
  public int freeNode() {
    return space.foundNode();
  }

  /// Ends the early allocator: frees the storage its lists have grown into and refuses changes and
  /// allocations from now on. The lists can be read until somebody writes to free memory.
  public void retire() {
    if (active) {
      freeStorage(memoryStorage, memory.capacity());
      freeStorage(reservedStorage, reserved.capacity());
      active = false;
    }
  }

  /// Where a list has grown to, [#NO_ADDRESS] while it is in its static storage.
  long storageOf(RegionList list) {
    return list == memory ? memoryStorage : reservedStorage;
  }

  private boolean change(
      RegionList list, int change, long base, long byteSize, long keep, long set) {
    requireActive();
    long end = RegionList.clippedEnd(base, byteSize);
    if (base == end) {
      return true;
    }
    while (list.prepare(change, base, end, keep, set) > list.capacity()) {
      if (!grow(list, base, end)) {
        return false;
      }
    }
    list.commit();
    return true;
  }

  /// Doubles a list, outside of the range that is being worked on.
  private boolean grow(RegionList list, long avoidBase, long avoidEnd) {
    // Reserving the new storage takes up to two entries; there must be room for them.
    if (list != reserved
        && reserved.count() + 2 > reserved.capacity()
        && !grow(reserved, avoidBase, avoidEnd)) {
      return false;
    }
    if (list.capacity() > Integer.MAX_VALUE / 2) {
      return false;
    }
    int oldCapacity = list.capacity();
    long byteSize = 2L * oldCapacity * RegionList.ENTRY_BYTES;
    long storage = space.find(byteSize, STORAGE_ALIGNMENT, avoidEnd, limit, bottomUp);
    if (storage == NO_ADDRESS) {
      long max = RegionList.min(avoidBase, limit);
      storage = space.find(byteSize, STORAGE_ALIGNMENT, 0, max, bottomUp);
    }
    if (storage == NO_ADDRESS) {
      return false;
    }
    list.relocate(storage + physToVirtOffset, 2 * oldCapacity);
    long oldStorage = storageOf(list);
    if (list == memory) {
      memoryStorage = storage;
    } else {
      reservedStorage = storage;
    }
    long attributes = RegionList.attributesOf(NO_NODE, 0);
    reserved.prepare(RegionList.ADD, storage, storage + byteSize, 0, attributes);
    reserved.commit();
    freeStorage(oldStorage, oldCapacity);
    if (oldStorage != NO_ADDRESS) {
      // Free memory of a machine that has just started reads as zeros, and users rely on it.
      Memory.fill(
          oldStorage + physToVirtOffset, (long) oldCapacity * RegionList.ENTRY_BYTES, (byte) 0);
    }
    return true;
  }

  private void freeStorage(long storage, int capacity) {
    if (storage != NO_ADDRESS) {
      long end = storage + (long) capacity * RegionList.ENTRY_BYTES;
      // A full list keeps the few bytes reserved rather than grow in order to free them.
      if (reserved.prepare(RegionList.REMOVE, storage, end, 0, 0) <= reserved.capacity()) {
        reserved.commit();
      }
    }
  }

  private void requireActive() {
    if (!active) {
      throw new IllegalStateException("the early allocator has been retired");
    }
  }

  private static long flagBits(int flags) {
    return RegionList.attributesOf(0, flags);
  }

  private static void requireFlags(int flags) {
    if ((flags & ~ALL_FLAGS) != 0) {
      throw new IllegalArgumentException("unknown flags " + AddressRange.hex(flags));
    }
  }

  private static void requireAlignment(long byteAlignment) {
    if (Long.bitCount(byteAlignment) != 1) {
      throw new IllegalArgumentException(
          AddressRange.hex(byteAlignment) + " is not a power of two");
    }
  }
}
