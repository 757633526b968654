package dev.bifolio.kernel.table;

import dev.bifolio.kernel.platform.Cpu;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.platform.SpinLock;
import dev.bifolio.kernel.unit.Pages;

/// The page tables of one space of virtual addresses.
///
/// # Overview
///
/// ```
///   map, unmap, protect     one writer at a time, under the space's lock:
///                           first walk: is it legal, how many tables does it take?
///                           all of these are allocated, or nothing has changed
///                           second walk: cannot fail
///   translate               any number of readers, without the lock
///   flushed                 frees the tables that a change has emptied
/// ```
///
/// A reader walks tables that a writer changes meanwhile. Entries are stored with release, and a
/// new table is filled before it is named, so he finds what was or what is. Two things he must not
/// find: a table that was freed and is something else by now, and a page in the moment in which it
/// is taken away only to be replaced (break before make). The *sequence* changes with both; who
/// sees that it changed while he walked, walks again.
///
/// - I1 The bytes of the tables are all that says what is mapped; counters follow them.
/// - I2 A table below a root has a present entry, unless who unmapped wanted it kept.
/// - I3 A table is freed after the processors have flushed, and after the sequence has changed.
///
/// Lock order: the lock of a space, then that of a zone, then what the frame allocator takes.
///
/// Cost: a single page is a lock, a load and a store a level. No Java objects after the
/// constructor.
///
/// Sources: Intel SDM 3A, 5.10.5 (propagation of paging-structure changes); Arm DDI 0487, D8.16;
/// RISC-V privileged architecture, 4.2.1 (SFENCE.VMA).
public final class AddressSpace {
  /// Bytes of memory that it needs.
  public static final int BYTE_SIZE = 128;

  /// Not mapped.
  public static final long NOT_MAPPED = -1;

  private static final int LOCK = 0;
  private static final int SEQUENCE = 8;
  private static final int ROOTS = 16;
  private static final int TABLES = 32;
  private static final int PAGES = 40;

  private static final int TURNS_BEFORE_REST = 256;

  private final PageFormat format;
  private final TableTree tree;
  private final TableMapper mapper;
  private final TableChanger changer;
  private final long address;
  private final SpinLock lock;

  /// A space without tables, until [#open].
  ///
  /// @param format how its tables are written
  /// @param frames where they come from
  /// @param address of [#BYTE_SIZE] zero bytes, a multiple of 8
  public AddressSpace(PageFormat format, TableFrames frames, long address) {
    this.format = format;
    this.address = address;
    lock = new SpinLock(address + LOCK);
    tree = new TableTree(format, frames);
    mapper = new TableMapper(tree);
    changer = new TableChanger(tree);
  }

  /// Allocates the roots. While nobody else uses the space.
  ///
  /// @return false, and nothing has changed, if there is no memory for them
  public boolean open() {
    int count = format.rootCount();
    if (!tree.stockUp(count)) {
      return false;
    }
    for (int root = 0; root < count; root++) {
      Memory.putLong(address + ROOTS + root * 8L, tree.takeFromStock());
    }
    add(TABLES, count);
    return true;
  }

  // ---- Map ----

  /// Maps a range by the largest pages that fit, virtual and physical.
  ///
  /// @param virtualAddress the first, a multiple of 4096
  /// @param physicalAddress to which it is mapped, a multiple of 4096
  /// @param byteSize a multiple of 4096, 4096 or more
  /// @param flags [PageFlags]
  /// @return what came of it
  /// @throws IllegalArgumentException if the flags mean nothing
  public MapOutcome map(long virtualAddress, long physicalAddress, long byteSize, int flags) {
    return map(virtualAddress, physicalAddress, byteSize, flags, format.largestLeafLevel());
  }

  /// Maps a range by pages up to a size.
  ///
  /// @param virtualAddress as there
  /// @param physicalAddress as there
  /// @param byteSize as there
  /// @param flags as there
  /// @param largestLevel of pages, 1 … [PageFormat#largestLeafLevel()]
  /// @return what came of it
  /// @throws IllegalArgumentException if the flags mean nothing, or there are no such pages
  public MapOutcome map(
      long virtualAddress, long physicalAddress, long byteSize, int flags, int largestLevel) {
    int legal = PageFlags.require(flags);
    if (largestLevel < 1 || largestLevel > format.largestLeafLevel()) {
      throw new IllegalArgumentException(format + " has no pages of level " + largestLevel);
    }
    if (((virtualAddress | physicalAddress | byteSize) & Pages.PAGE_MASK) != 0 || byteSize == 0) {
      return MapOutcome.MISALIGNED;
    }
    long last = virtualAddress + byteSize - 1;
    if (!isOneRange(virtualAddress, last, byteSize)) {
      return MapOutcome.NOT_CANONICAL;
    }
    long end = 1L << format.physicalBits();
    if (Long.compareUnsigned(physicalAddress, end) >= 0
        || Long.compareUnsigned(byteSize, end - physicalAddress) > 0) {
      return MapOutcome.TOO_HIGH;
    }
    lock.lock();
    try {
      return mapLocked(virtualAddress, last, physicalAddress - virtualAddress, legal, largestLevel);
    } finally {
      lock.unlock();
    }
  }

  private MapOutcome mapLocked(long first, long last, long distance, int flags, int largestLevel) {
    long root = root(first);
    mapper.begin(distance, largestLevel, flags);
    long missing = mapper.plan(root, format.levels(), first, last);
    if (missing == TableMapper.CONFLICT) {
      return MapOutcome.ALREADY_MAPPED;
    }
    if (!tree.stockUp(missing)) {
      return MapOutcome.NO_TABLE;
    }
    mapper.write(root, format.levels(), first, last);
    add(TABLES, mapper.tables());
    for (int level = 1; level <= format.largestLeafLevel(); level++) {
      add(PAGES + 8 * level, mapper.pages(level));
    }
    return MapOutcome.MAPPED;
  }

  /// Whether a range has one root and only addresses that the format has.
  private boolean isOneRange(long first, long last, long byteSize) {
    return byteSize > 0
        && Long.compareUnsigned(first, last) <= 0
        && format.isCanonical(first)
        && format.isCanonical(last)
        && first < 0 == last < 0
        && format.rootOf(first) == format.rootOf(last);
  }

  // ---- Unmap and protect ----

  /// Unmaps a range. A page of which only a part is meant is split first; tables that become empty
  /// are taken out of the tree, and freed by [#flushed].
  ///
  /// @param virtualAddress the first, a multiple of 4096
  /// @param byteSize a multiple of 4096, 4096 or more
  /// @param batch is told what is to be flushed
  /// @return what came of it; NOT_MAPPED if any page of the range was not
  public UnmapOutcome unmap(long virtualAddress, long byteSize, FlushBatch batch) {
    return change(virtualAddress, byteSize, batch, true, true, false, 0);
  }

  /// Unmaps what is mapped of a range.
  ///
  /// @param virtualAddress as there
  /// @param byteSize as there
  /// @param keepsTables whether tables stay that become empty: for who will map there again soon
  /// @param batch as there
  /// @return what came of it, never NOT_MAPPED
  public UnmapOutcome unmapAny(
      long virtualAddress, long byteSize, boolean keepsTables, FlushBatch batch) {
    return change(virtualAddress, byteSize, batch, true, false, keepsTables, 0);
  }

  /// Changes what a range allows. Each page keeps what it says of accesses and stores so far.
  ///
  /// @param virtualAddress the first, a multiple of 4096
  /// @param byteSize a multiple of 4096, 4096 or more
  /// @param flags [PageFlags]
  /// @param batch is told what is to be flushed
  /// @return what came of it; NOT_MAPPED if any page of the range is not
  /// @throws IllegalArgumentException if the flags mean nothing
  public UnmapOutcome protect(long virtualAddress, long byteSize, int flags, FlushBatch batch) {
    return change(virtualAddress, byteSize, batch, false, true, true, PageFlags.require(flags));
  }

  private UnmapOutcome change(
      long virtualAddress,
      long byteSize,
      FlushBatch batch,
      boolean unmaps,
      boolean wantsAll,
      boolean keepsTables,
      int flags) {
    if (((virtualAddress | byteSize) & Pages.PAGE_MASK) != 0 || byteSize == 0) {
      return UnmapOutcome.MISALIGNED;
    }
    long last = virtualAddress + byteSize - 1;
    if (!isOneRange(virtualAddress, last, byteSize)) {
      return UnmapOutcome.NOT_CANONICAL;
    }
    lock.lock();
    try {
      if (unmaps) {
        changer.beginUnmap(wantsAll, keepsTables);
      } else {
        changer.beginProtect(flags);
      }
      return changeLocked(virtualAddress, last, batch);
    } finally {
      lock.unlock();
    }
  }

  private UnmapOutcome changeLocked(long first, long last, FlushBatch batch) {
    long root = root(first);
    long needed = changer.plan(root, format.levels(), first, last);
    if (needed == TableChanger.NOT_MAPPED) {
      return UnmapOutcome.NOT_MAPPED;
    }
    if (!tree.stockUp(needed)) {
      return UnmapOutcome.NO_TABLE;
    }
    boolean breaks = needed > 0 && format.breaksBeforeMake();
    Memory.getAndAddLong(address + SEQUENCE, breaks ? 1 : 0);
    changer.write(root, format.levels(), first, last, batch);
    Memory.getAndAddLong(address + SEQUENCE, breaks ? 1 : 0);
    add(TABLES, changer.tables());
    for (int level = 1; level <= format.largestLeafLevel(); level++) {
      add(PAGES + 8 * level, changer.pages(level));
    }
    return UnmapOutcome.DONE;
  }

  /// Says that all processors have flushed what a batch names: the tables that waited for it are
  /// freed, and the batch is empty.
  ///
  /// @param batch from changes of this space
  /// @return how many tables were freed
  public long flushed(FlushBatch batch) {
    lock.lock();
    try {
      Memory.getAndAddLong(address + SEQUENCE, 2);
      return batch.clear(tree);
    } finally {
      lock.unlock();
    }
  }

  // ---- Translate ----

  /// The physical address behind a virtual one, whatever it allows.
  ///
  /// @param virtualAddress any
  /// @return the address, or [#NOT_MAPPED]
  public long translate(long virtualAddress) {
    if (!format.isCanonical(virtualAddress)) {
      return NOT_MAPPED;
    }
    for (int turn = 0; ; turn++) {
      long before = Memory.getLongVolatile(address + SEQUENCE);
      if ((before & 1) == 0) {
        long physical = walk(virtualAddress);
        if (Memory.getLongVolatile(address + SEQUENCE) == before) {
          return physical;
        }
      }
      rest(turn);
    }
  }

  private long walk(long virtualAddress) {
    long table = root(virtualAddress);
    for (int level = format.levels(); ; level--) {
      long entry = tree.get(table, format.index(level, virtualAddress));
      if (!format.isPresent(entry)) {
        return NOT_MAPPED;
      }
      if (format.isLeaf(level, entry)) {
        return format.address(level, entry) + (virtualAddress & (format.pageByteSize(level) - 1));
      }
      table = format.address(0, entry);
      if (!tree.isTable(table)) {
        return NOT_MAPPED; // from a table that was freed meanwhile: the sequence tells
      }
    }
  }

  // ---- What there is ----

  private long root(long virtualAddress) {
    return Memory.getLong(address + ROOTS + format.rootOf(virtualAddress) * 8L);
  }

  /// How the tables are written.
  ///
  /// @return as given
  public PageFormat format() {
    return format;
  }

  /// The physical address of a root.
  ///
  /// @param root 0 … [PageFormat#rootCount()] - 1
  /// @return what the processor's register is to be loaded with
  public long rootAddress(int root) {
    if (root < 0 || root >= format.rootCount()) {
      throw new IllegalArgumentException(format + " has no root " + root);
    }
    return Memory.getLong(address + ROOTS + root * 8L);
  }

  /// Tables in the tree, roots included.
  ///
  /// @return a count
  public long tableCount() {
    return Memory.getLongVolatile(address + TABLES);
  }

  /// Pages of a size that are mapped.
  ///
  /// @param level 1 … [PageFormat#largestLeafLevel()]
  /// @return a count
  public long pageCount(int level) {
    return Memory.getLongVolatile(address + PAGES + 8L * level);
  }

  private void add(int word, long delta) {
    Memory.putLongRelease(address + word, Memory.getLong(address + word) + delta);
  }

  private static void rest(int turn) {
    if (turn < TURNS_BEFORE_REST) {
      Cpu.relax(turn);
    } else {
      Cpu.rest();
    }
  }
}
