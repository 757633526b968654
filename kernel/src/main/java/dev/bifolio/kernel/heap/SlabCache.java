package dev.bifolio.kernel.heap;

import dev.bifolio.kernel.frame.ValidationReport;
import dev.bifolio.kernel.platform.Cpu;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.platform.SpinLock;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.Pages;

/// Objects of one size.
///
/// # Overview
///
/// Frames are too large for most things that a kernel keeps. A *slab* is a block of one to eight
/// frames cut into equal objects; a *cache* has the slabs for one kind of object. It has to be
/// cheap for every CPU, to pack objects into few slabs, to give empty slabs back, and to refuse
/// every mistaken free when it is made, not when the damage shows.
///
/// ```
///   CPU 0  claim ─┐                                            owner  claim ─┐
///   CPU 1  claim ─┼─────────────┐                                            │
///                 v             v                                            v
///   slab    [row 0][row 1] [row 0][row 1] … partial, full, empty …    [row 0: 0 | owner's bits]
///             tag | one bit an object: free                             his own word, plain stores
/// ```
///
/// **Protocol.** An object is free if its bit is set in the word of its *row*, the 32 objects
/// beside each other; there is no second place that says so. A CPU's magazine is no copy of
/// pointers: it is a row that the CPU has *claimed*, so what waits there is the row's free bits.
/// Allocating clears a bit of the claimed row, freeing sets a bit, wherever the object is: one
/// compare-and-set each, of the word that proves the request. A bit that is set already is a double
/// free, whoever freed first, and nothing can come between the proof and the change, because they
/// are one step.
///
/// An *owner* ([SlabOwner]) keeps the free bits of a row that he took in a word which he alone
/// changes, by plain stores. Others who free read that word too. They may both free the same object
/// at the same time, each before he can see the other: the only double free that is not refused at
/// once; he finds it when he comes to that object, drops it there, and counts it. It never has two
/// owners.
///
/// A slab that is given back must not be taken for the one that is made in its place. The tag of a
/// row goes up whenever a right to it ends, so whoever is held up fails at his compare-and-set; a
/// free reads the slab's state, place and row and the state again ([SlabRecords] R1).
///
/// - I1 An object's bit is set in its row or in the owner's word of its slab, and then it is free;
///   in neither, and then somebody has it.
/// - I2 Bits are cleared only through a claim: by threads that read the slot of a CPU while the row
///   had the tag in it, or by the owner.
/// - I3 Every slab is in one list ([SlabLists]); one with free objects is found there, or claimed.
/// - I4 Every frame of a slab has kind SLAB and the slab's record in its `FrameInfo`; no other
///   frame has.
/// - I5 A slab is removed only when all its objects are free and nobody claims it.
///
/// **Exhaustion.** Before a request fails, it takes the claims of all CPUs back. What an owner has
/// claimed is his: who will be idle drains.
///
/// **Cost.** A pair is two compare-and-sets and the question for the CPU; through an owner it is
/// none. When a row is used up: the lock, once for up to 32 objects. The first free into a full
/// slab and the last free of a slab's objects: the lock. No Java objects.
///
/// **Rejected.** Magazines of pointers in front of the slabs (Bonwick and Adams 2001): the bit must
/// be changed anyway for a double free to be seen, so a magazine makes two compare-and-sets of one.
/// A claim word that holds the bits, as for frames: a free had to look into two words and prove
/// that neither changed. Free lists through the objects (Linux SLUB): a stray store breaks the
/// heap, and a double free goes unseen until the list is walked. Moving a slab to another list at
/// each free: the lock for each.
///
/// Sources: J. Bonwick, "The Slab Allocator", USENIX Summer 1994; J. Bonwick, J. Adams, "Magazines
/// and Vmem", USENIX 2001; Linux `mm/slub.c`; D. Leijen et al., "Mimalloc", 2019.
///
/// Any thread, but for [#destroy()] and [#validate()], which say so.
public final class SlabCache {
  /// Exhaustion: no object, in place of a pointer.
  public static final long NO_MEMORY = -1;

  // The block of a cache: these words, the lists, the slots.
  private static final long DESTROYED = 8;
  private static final long COLOUR = 16;
  private static final long MADE = 24;
  private static final long RELEASED = 32;
  private static final long FAILURES = 40;
  private static final long MISTAKES = 48;
  private static final long DOUBLE_FREES = 56;
  private static final long LISTS = 128;
  private static final long SLOTS = 384;

  final SlabCaches caches;
  final SlabGeometry geometry;
  final SlabLists lists;
  final SlabClaims claims;
  final SlabSupply supply;
  final int id;
  private final SlabSpec spec;
  private final SpinLock lock;
  private final SlabRecords records;
  private final long directBase;
  private final long block;
  private final int cpuCount;

  SlabCache(SlabCaches caches, SlabSpec spec, SlabGeometry geometry, int id, long block) {
    this.caches = caches;
    this.spec = spec;
    this.geometry = geometry;
    this.id = id;
    this.block = block;
    cpuCount = caches.cpuCount;
    records = caches.records;
    directBase = caches.map.pointerOf(0);
    lock = new SpinLock(block);
    lists = new SlabLists(block + LISTS, records, geometry);
    claims = new SlabClaims(records, lists, geometry, directBase);
    supply = new SlabSupply(caches, spec, geometry, id, block + COLOUR);
  }

  static long byteSize(int cpuCount) {
    return SLOTS + (long) cpuCount * SlabClaims.SLOT_BYTES;
  }

  // ---- Allocation ----

  /// Allocates an object. Its bytes are what the constructor or the last user left.
  ///
  /// @return its pointer, or [#NO_MEMORY]
  /// @throws IllegalStateException if the cache is destroyed
  public long allocate() {
    return allocate(Cpu.current());
  }

  /// [#allocate()] on a CPU of the caller's choice.
  ///
  /// @param cpu any number
  long allocate(int cpu) {
    long slot = slot(cpu);
    long pointer = claims.pop(slot);
    return pointer != SlabClaims.NONE ? pointer : allocateSlowly(slot);
  }

  long slot(int cpu) {
    int mine = Integer.compareUnsigned(cpu, cpuCount) < 0 ? cpu : foreignCpu(cpu);
    return block + SLOTS + (long) mine * SlabClaims.SLOT_BYTES;
  }

  private int foreignCpu(int cpu) {
    return Integer.remainderUnsigned(cpu, cpuCount);
  }

  private long allocateSlowly(long slot) {
    while (true) {
      requireOpen();
      if (!claimRow(slot) && !fill(slot)) {
        return NO_MEMORY;
      }
      long pointer = claims.pop(slot);
      if (pointer != SlabClaims.NONE) {
        return pointer;
      }
    }
  }

  private boolean claimRow(long slot) {
    lock.lock();
    boolean isClaimed = claims.claimRow(slot);
    lock.unlock();
    return isClaimed;
  }

  /// Makes a slab for a slot, or takes back what other CPUs have claimed.
  private boolean fill(long slot) {
    long record = supply.make();
    if (record == SlabRecords.NONE) {
      return takeFromOthers(slot);
    }
    lock.lock();
    boolean isOpen = !isDestroyed();
    boolean isWanted = SlabClaims.recordOf(slot) == SlabRecords.NONE;
    if (isOpen) {
      enter(record, isWanted ? SlabLists.CLAIMED : SlabLists.EMPTY);
    }
    if (isOpen && isWanted) {
      claims.give(slot, record);
    }
    lock.unlock();
    if (!isOpen) {
      supply.release(record);
    }
    trim();
    return true;
  }

  /// Puts a slab that was just made into a list. For the holder of the lock.
  void enter(long record, int list) {
    lists.insert(record, supply.firstState(record), list);
    Memory.putLongRelease(block + MADE, count(MADE) + 1);
  }

  private boolean takeFromOthers(long slot) {
    lock.lock();
    drainSlots();
    boolean isClaimed = claims.claimRow(slot);
    lock.unlock();
    if (!isClaimed) {
      countFailure();
    }
    return isClaimed;
  }

  void countFailure() {
    Memory.getAndAddLong(block + FAILURES, 1);
  }

  /// For the holder of the lock.
  void drainSlots() {
    for (int cpu = 0; cpu < cpuCount; cpu++) {
      claims.drain(slot(cpu));
    }
  }

  // ---- Free ----

  /// Frees an object, from whatever CPU or owner it came.
  ///
  /// @param pointer as it was allocated
  /// @throws HeapException if it is no allocated object of this cache; nothing has changed then
  public void free(long pointer) {
    FreeOutcome outcome = tryFree(pointer);
    if (!outcome.isFreed()) {
      throw outcome.refusal(AddressRange.hex(pointer) + " in cache '" + spec.name() + "'");
    }
  }

  /// [#free] with mistakes as outcomes.
  ///
  /// @param pointer any
  /// @return FREED, or what is wrong with the pointer; nothing has changed then
  public FreeOutcome tryFree(long pointer) {
    long record = caches.recordOf(pointer);
    FreeOutcome outcome =
        record == SlabRecords.NONE ? FreeOutcome.FOREIGN : freeIn(record, pointer);
    if (outcome != FreeOutcome.FREED) {
      Memory.getAndAddLong(block + MISTAKES, 1);
    }
    return outcome;
  }

  /// Frees an object in the slab of a record, if that is of this cache.
  FreeOutcome freeIn(long record, long pointer) {
    long slab = records.at(record);
    while (true) {
      long state = SlabRecords.state(slab);
      if (SlabRecords.cacheOf(state) != id) {
        return SlabRecords.cacheOf(state) == 0 ? FreeOutcome.FOREIGN : FreeOutcome.WRONG_CACHE;
      }
      long offset = pointer - directBase - SlabRecords.offsetOf(SlabRecords.placeOf(slab));
      int index = indexOf(offset);
      if (index < 0) {
        if (SlabRecords.sameLife(state, SlabRecords.state(slab))) {
          return FreeOutcome.INTERIOR;
        }
        continue;
      }
      int rowIndex = index / SlabRow.OBJECTS;
      long row = SlabRecords.row(slab, rowIndex);
      long word = Memory.getLongVolatile(row);
      // The row first: an owner who takes bits writes them into his word before he changes the row.
      long owned = Memory.getLongVolatile(SlabRecords.ownerWord(slab));
      int bit = index % SlabRow.OBJECTS;
      if (SlabRow.isFree(word, bit) || SlabOwner.isFree(owned, rowIndex, bit)) {
        return FreeOutcome.DOUBLE_FREE;
      }
      long next = word | 1L << bit;
      if (SlabRecords.sameLife(state, SlabRecords.state(slab))
          && Memory.compareAndSetLong(row, word, next)) {
        afterFree(record, word, next, rowIndex);
        return FreeOutcome.FREED;
      }
    }
  }

  /// The index of the object at an offset, or -1 if none begins there.
  private int indexOf(long offset) {
    if (offset < 0 || offset >= Pages.orderToBytes(geometry.order)) {
      return -1;
    }
    int index = geometry.indexOf(offset);
    return (long) index * geometry.stride == offset && index < geometry.objects ? index : -1;
  }

  private void afterFree(long record, long before, long after, int rowIndex) {
    boolean wasFull = SlabRow.free(before) == 0;
    boolean isAllFree = SlabRow.free(after) == geometry.allFree(rowIndex);
    if (!wasFull && !isAllFree) {
      return;
    }
    int list = SlabRecords.listOf(SlabRecords.state(records.at(record)));
    if ((wasFull && list == SlabLists.FULL) || (isAllFree && list < SlabLists.EMPTY)) {
      settle(record);
    }
  }

  private void settle(long record) {
    lock.lock();
    long state = SlabRecords.state(records.at(record));
    int list = SlabRecords.listOf(state);
    if (SlabRecords.cacheOf(state) == id && list != SlabLists.CLAIMED) {
      lists.settle(record);
    }
    lock.unlock();
    trim();
  }

  /// Gives back the empty slabs beyond the limit.
  void trim() {
    while (lists.count(SlabLists.EMPTY) > spec.emptyLimit()
        && releaseEmpty(spec.emptyLimit()) > 0) {
      // The next one.
    }
  }

  /// Gives back one empty slab if there are more than some.
  ///
  /// @return the frames it had, 0 if there was none
  private long releaseEmpty(long kept) {
    lock.lock();
    long record = SlabRecords.NONE;
    if (lists.count(SlabLists.EMPTY) > kept) {
      record = lists.first(SlabLists.EMPTY);
      lists.remove(record);
      Memory.putLongRelease(block + RELEASED, count(RELEASED) + 1);
    }
    lock.unlock();
    return record == SlabRecords.NONE ? 0 : supply.release(record);
  }

  // ---- Owners ----

  /// Opens a way to this cache for one thread, which costs no compare-and-set.
  ///
  /// @return an owner with nothing yet; to be closed
  /// @throws IllegalStateException if the cache is destroyed
  public SlabOwner openOwner() {
    requireOpen();
    return new SlabOwner(this);
  }

  SpinLock lock() {
    return lock;
  }

  SlabRecords records() {
    return records;
  }

  void countDoubleFree(int count) {
    Memory.getAndAddLong(block + DOUBLE_FREES, count);
  }

  // ---- Giving back ----

  /// The frames that [#shrink] could give back without taking anything from a CPU.
  ///
  /// @return frames of empty slabs
  public long emptyFrames() {
    return lists.count(SlabLists.EMPTY) << geometry.order;
  }

  /// Gives back empty slabs, and if they are not enough, those that only a CPU's claim keeps.
  ///
  /// @param wantedFrames about so many
  /// @return the frames given back
  public long shrink(long wantedFrames) {
    long given = releaseEmptyFrames(wantedFrames);
    if (given < wantedFrames) {
      lock.lock();
      drainSlots();
      lock.unlock();
      given += releaseEmptyFrames(wantedFrames - given);
    }
    return given;
  }

  private long releaseEmptyFrames(long wantedFrames) {
    long given = 0;
    while (given < wantedFrames) {
      long frames = releaseEmpty(0);
      if (frames == 0) {
        break;
      }
      given += frames;
    }
    return given;
  }

  /// Ends the cache, if nobody has an object of it and no owner has a slab. Nobody may allocate
  /// meanwhile.
  ///
  /// @return the objects that are still in use; if there is one, nothing has changed
  /// @throws IllegalStateException if an owner has a slab; nothing has changed then
  public long destroy() {
    lock.lock();
    drainSlots();
    long live = liveObjects();
    boolean isOwned = lists.count(SlabLists.CLAIMED) != 0;
    if (live == 0 && !isOwned) {
      Memory.putLongRelease(block + DESTROYED, 1);
    }
    lock.unlock();
    if (isOwned && live == 0) {
      throw new IllegalStateException("an owner has a slab of cache '" + spec.name() + "'");
    }
    if (live == 0) {
      releaseEmptyFrames(Long.MAX_VALUE);
    }
    return live;
  }

  boolean isDestroyed() {
    return Memory.getLongAcquire(block + DESTROYED) != 0;
  }

  void requireOpen() {
    if (isDestroyed()) {
      throw new IllegalStateException("cache '" + spec.name() + "' is destroyed");
    }
  }

  // ---- What there is ----

  /// What the cache was asked to be.
  ///
  /// @return as it was given
  public SlabSpec spec() {
    return spec;
  }

  /// What the cache holds. Exact if nobody is at work.
  ///
  /// @return a snapshot
  public SlabStatistics statistics() {
    lock.lock();
    long slabs = lists.slabCount();
    long live = liveObjects();
    long empty = lists.count(SlabLists.EMPTY);
    lock.unlock();
    return new SlabStatistics(
        spec.name(),
        live,
        slabs * geometry.objects,
        geometry.stride,
        geometry.objects,
        1 << geometry.order,
        slabs - empty,
        slabs,
        count(MADE),
        count(RELEASED),
        count(FAILURES),
        count(MISTAKES),
        count(DOUBLE_FREES));
  }

  private long count(long counter) {
    return Memory.getLongAcquire(block + counter);
  }

  /// For the holder of the lock. Walks the records of all caches.
  private long liveObjects() {
    long live = 0;
    for (long record = records.after(SlabRecords.NONE);
        record != SlabRecords.NONE;
        record = records.after(record)) {
      long slab = records.at(record);
      if (SlabRecords.cacheOf(SlabRecords.state(slab)) == id) {
        live += geometry.objects - lists.freeObjects(slab);
      }
    }
    return live;
  }

  /// Checks the invariants of the cache by walking all of it. Nobody may be at work.
  ///
  /// @return what contradicts
  public ValidationReport validate() {
    return new SlabValidator(this, cpuCount).validate();
  }
}
