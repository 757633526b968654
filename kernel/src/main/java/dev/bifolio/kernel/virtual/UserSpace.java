package dev.bifolio.kernel.virtual;

import dev.bifolio.kernel.platform.SharedLock;
import dev.bifolio.kernel.platform.SpinLock;
import dev.bifolio.kernel.table.AddressSpace;
import dev.bifolio.kernel.table.FlushBatch;
import dev.bifolio.kernel.table.Flusher;
import dev.bifolio.kernel.table.MappedPage;
import dev.bifolio.kernel.table.PageFlags;
import dev.bifolio.kernel.unit.Pages;
import org.jspecify.annotations.Nullable;

/// The memory of one process: areas that say what its addresses mean, and page tables that are
/// filled when they are touched.
///
/// # Overview
///
/// ```
///   map ──> VirtualAreas        nothing else happens yet
///             │
///   fault ────┴─> PageFaults ──> a frame of zeros, of a backing, or a copy ──> AddressSpace
///
///   fork    the child has the same areas and the same frames; stores are taken away from both, and
///           who stores first gets a copy
///   unmap   the stores to shared pages are told to their backing; the pages go; when all processors
///           have flushed, each frame has one sharer less
/// ```
///
/// *Private* pages are their space's own, but after a fork, and those of a backing that were only
/// read. *Shared* ones are the backing's frames in every space. Nothing is mapped for stores that
/// is not to be stored to in place: a store to any other page faults, and the fault decides by the
/// area and by the count of sharers, not by what the page says.
///
/// - I1 What is mapped below the kernel's half lies in an area, and allows no more than that.
/// - I2 A page that allows stores is private with one sharer, or of a shared area and dirty.
/// - I3 A frame that is mapped has as many sharers as it has mappings, and one more for its
///   backing.
/// - I4 A request that is refused or fails has changed nothing that anybody can see.
///
/// **Threads.** Any. Faults share the lock of the space, so they run side by side; all else has it
/// alone. Lock order: this lock (that of a parent before its child's), the lock for replaced pages,
/// then either the tables' lock and those of zones and areas of frames, or that of a backing.
/// Frames are allocated under this lock; who reclaims memory then must not wait for it, so
/// [#shrink] and [#step] give up instead.
///
/// Cost: a fault is two atomic additions, a walk of the areas and of the tables, a frame, its bytes
/// and the tables' lock. No Java objects after the constructor.
///
/// Sources: M. Rozier and others, The Chorus distributed operating system, 1988; Linux
/// `mm/memory.c` (`handle_mm_fault`), `kernel/fork.c` (`dup_mmap`).
public final class UserSpace {
  /// Bytes of memory that it needs.
  public static final int BYTE_SIZE = 128;

  /// No place, or no memory, for an area.
  public static final long NOT_MAPPED = -1;

  private static final int LOCK = 0;
  private static final int REPLACING = 8;
  private static final int BREAK = 16;
  private static final int HUGE = 24;
  private static final int AREAS = 64;

  private final UserLayout layout;
  private final UserMemory memory;
  private final Backings backings;
  private final AddressSpace space;
  private final SharedLock lock;
  private final VirtualAreas areas;
  private final AreaPlacement placement;
  private final ProgramBreak heap;
  private final FlushBatch batch;
  private final PageRuns runs;
  private final HugePages huge;
  private final SharedStores stores;
  private final PageFaults faults;
  private final SpaceCopy copy;

  /// An empty space.
  ///
  /// @param address of [#BYTE_SIZE] zero bytes, a multiple of 8
  /// @param layout what its addresses are for
  /// @param memory where frames come from
  /// @param backings those that areas may name
  /// @param space open, with nothing mapped below the kernel's half; nobody else changes it
  /// @param policy which areas get large pages
  /// @param mostHoles how many pages of a large one may be missing when small ones are collapsed
  /// @param flusher who flushes; null for a space that no processor uses
  public UserSpace(
      long address,
      UserLayout layout,
      UserMemory memory,
      Backings backings,
      AddressSpace space,
      HugePolicy policy,
      int mostHoles,
      @Nullable Flusher flusher) {
    this.layout = layout;
    this.memory = memory;
    this.backings = backings;
    this.space = space;
    lock = new SharedLock(address + LOCK);
    areas =
        new VirtualAreas(
            address + AREAS,
            layout.floor(),
            layout.ceiling(),
            memory.frames(),
            memory.requestFlags(),
            memory.physToVirt());
    placement = new AreaPlacement(areas);
    heap = new ProgramBreak(address + BREAK, areas, layout.breakBase(), layout.breakLimit());
    PageRelease release = new PageRelease(memory, HugePages.orderOf(space));
    batch = new FlushBatch(FlushBatch.DEFAULT_LIMIT, flusher, release);
    runs = new PageRuns(space);
    huge = new HugePages(address + HUGE, space, areas, memory, policy, mostHoles, batch);
    stores = new SharedStores(space, areas, backings, batch);
    copy = new SpaceCopy(space, areas, batch);
    faults =
        new PageFaults(
            space,
            areas,
            memory,
            backings,
            huge,
            new SpinLock(address + REPLACING),
            new FlushBatch(1, flusher, release));
  }

  // ---- Map ----

  /// Adds an area at an address. Its pages come when they are touched, or by [#populate].
  ///
  /// @param start its first address, a multiple of 4096
  /// @param end its exclusive end, a multiple of 4096
  /// @param flags [AreaFlags]
  /// @param backing a number of the backings, or [VirtualAreas#ANONYMOUS]
  /// @param offset of the first byte in the backing, a multiple of 4096; 0 without one
  /// @return what came of it
  /// @throws IllegalArgumentException if the flags mean nothing or do not fit the backing, or the
  ///   backing has no such place
  public InsertOutcome map(long start, long end, int flags, int backing, long offset) {
    backings.requireArea(flags, backing, offset, end - start);
    lock.lock();
    try {
      return areas.insert(start, end, flags, backing, offset);
    } finally {
      lock.unlock();
    }
  }

  /// Adds an area at a place that is found for it, as [AreaPlacement#place] does.
  ///
  /// @param byteSize a multiple of 4096, 4096 or more
  /// @param hint the address that is wanted, 0 for none
  /// @param guardByteSize that stays free on both sides, a multiple of 4096
  /// @param flags as in [#map]
  /// @param backing as there
  /// @param offset as there
  /// @return its first address, or [#NOT_MAPPED] if there is no place or no memory
  /// @throws IllegalArgumentException as there, or if the sizes are not such
  public long mapAnywhere(
      long byteSize, long hint, long guardByteSize, int flags, int backing, long offset) {
    backings.requireArea(flags, backing, offset, byteSize);
    lock.lock();
    try {
      long start = placement.place(byteSize, hint, guardByteSize);
      return start != AreaPlacement.NO_PLACE
              && areas.insert(start, start + byteSize, flags, backing, offset)
                  == InsertOutcome.INSERTED
          ? start
          : NOT_MAPPED;
    } finally {
      lock.unlock();
    }
  }

  /// Touches all pages of a range as a store would, or as a load where stores are not allowed.
  ///
  /// @param start the first address, a multiple of 4096
  /// @param end exclusive, a multiple of 4096
  /// @return MAPPED, or what the first page came to that could not be had; those before it are
  ///   there
  public FaultOutcome populate(long start, long end) {
    for (long at = start; at < end; at += Pages.PAGE_SIZE) {
      FaultOutcome outcome = fault(at, AccessKind.STORE);
      if (outcome == FaultOutcome.PROTECTION) {
        outcome = fault(at, AccessKind.LOAD);
      }
      if (!outcome.isResolved()) {
        return outcome;
      }
    }
    return FaultOutcome.MAPPED;
  }

  // ---- Unmap ----

  /// Removes a range with all its pages. Stores to shared pages are told to their backing, and
  /// written by [#sync] before or by the backing later.
  ///
  /// @param start the first address, a multiple of 4096
  /// @param end exclusive, a multiple of 4096
  /// @return what came of it; a range without areas is removed too
  public RemoveOutcome unmap(long start, long end) {
    lock.lock();
    try {
      if (!areas.isRange(start, end)) {
        return RemoveOutcome.NOT_A_RANGE;
      }
      if (!huge.splitAtEnds(start, end)) {
        return RemoveOutcome.NO_MEMORY;
      }
      stores.collect(start, end);
      RemoveOutcome outcome = areas.remove(start, end);
      if (outcome == RemoveOutcome.REMOVED) {
        unmapPages(start, end);
      }
      return outcome;
    } finally {
      lock.unlock();
    }
  }

  private void unmapPages(long start, long end) {
    space.unmapAny(start, end - start, false, batch);
    finish();
  }

  private void finish() {
    batch.flush();
    space.flushed(batch);
  }

  /// Gives everything up: areas, pages, tables. Stores to shared pages are told to their backings.
  /// While nobody else uses the space, nor will before its tables are open again.
  public void close() {
    lock.lock();
    try {
      stores.collect(layout.floor(), layout.ceiling());
      areas.clear();
      heap.forget();
      space.destroy(batch);
      finish();
    } finally {
      lock.unlock();
    }
  }

  // ---- Protect and advise ----

  /// Changes what a range allows, all of which must be areas.
  ///
  /// @param start the first address, a multiple of 4096
  /// @param end exclusive, a multiple of 4096
  /// @param access of [AreaFlags#ACCESS]
  /// @return what came of it
  /// @throws IllegalArgumentException if other flags are given
  public AlterOutcome protect(long start, long end, int access) {
    lock.lock();
    try {
      if (areas.isRange(start, end)
          && areas.isAllAreas(start, end)
          && !huge.splitAtEnds(start, end)) {
        return AlterOutcome.NO_MEMORY;
      }
      AlterOutcome outcome = areas.alter(start, end, AreaFlags.ACCESS, access);
      if (outcome == AlterOutcome.ALTERED) {
        protectPages(start, end, access);
      }
      return outcome;
    } finally {
      lock.unlock();
    }
  }

  /// Stores are only taken away: a page that should allow them again gets them when one faults.
  private void protectPages(long start, long end, int access) {
    int allowed = AreaFlags.toPage(access);
    int kept = PageFlags.COPY_ON_WRITE | ((access & AreaFlags.WRITE) != 0 ? PageFlags.WRITE : 0);
    for (long at = start; runs.next(at, end); at = runs.end()) {
      int flags = allowed | (MappedPage.flags(runs.first()) & kept);
      space.protect(runs.start(), runs.end() - runs.start(), flags, batch);
    }
    finish();
  }

  /// Says whether large pages are wanted in a range, all of which must be areas. Those that are
  /// there stay.
  ///
  /// @param start the first address, a multiple of 4096
  /// @param end exclusive, a multiple of 4096
  /// @param wish [AreaFlags#HUGE], [AreaFlags#NO_HUGE] or 0
  /// @return what came of it
  /// @throws IllegalArgumentException if other flags are given
  public AlterOutcome advise(long start, long end, int wish) {
    lock.lock();
    try {
      return areas.alter(start, end, AreaFlags.HUGE | AreaFlags.NO_HUGE, wish);
    } finally {
      lock.unlock();
    }
  }

  // ---- Fault ----

  /// Resolves a fault: what a processor could not translate, or what a page does not allow.
  ///
  /// @param address that was accessed
  /// @param kind how
  /// @return what came of it
  public FaultOutcome fault(long address, AccessKind kind) {
    lock.lockShared();
    FaultOutcome outcome;
    try {
      outcome = faults.fault(address, kind);
    } finally {
      lock.unlockShared();
    }
    if (outcome != FaultOutcome.SEGFAULT) {
      return outcome;
    }
    lock.lock();
    try {
      return faults.faultBelowStack(address, kind, layout.stackByteSize());
    } finally {
      lock.unlock();
    }
  }

  // ---- Sync ----

  /// Writes back what was stored by the addresses of a range to shared pages.
  ///
  /// @param start the first address, a multiple of 4096
  /// @param end exclusive, a multiple of 4096
  /// @return what came of it
  public SyncOutcome sync(long start, long end) {
    if (!areas.isRange(start, end)) {
      return SyncOutcome.NOT_A_RANGE;
    }
    SyncOutcome outcome = SyncOutcome.SYNCED;
    for (long at = start; at < end; ) {
      BackedPages pages;
      long firstPage;
      long pageCount;
      lock.lock();
      try {
        long area = stores.find(at, end);
        if (area == VirtualAreas.NO_AREA) {
          break;
        }
        long from = Math.max(at, areas.start(area));
        at = Math.min(end, areas.end(area));
        stores.collect(area, from, at);
        pages = backings.get(areas.backing(area));
        firstPage = stores.placeOf(area, from) >>> Pages.PAGE_SHIFT;
        pageCount = (at - from) >>> Pages.PAGE_SHIFT;
      } finally {
        lock.unlock();
      }
      if (pages.writeBack(firstPage, firstPage + pageCount) != 0) {
        outcome = SyncOutcome.IO_ERROR;
      }
    }
    return outcome;
  }

  // ---- Break ----

  /// Moves the program break. Pages that are above it then are unmapped.
  ///
  /// @param to the new break
  /// @return what came of it
  public BreakOutcome setBreak(long to) {
    lock.lock();
    try {
      long end = Pages.alignUp(heap.current());
      boolean shrinks = to >= heap.base() && Pages.alignUp(to) < end;
      if (shrinks && !huge.splitAtEnds(Pages.alignUp(to), end)) {
        return BreakOutcome.NO_MEMORY;
      }
      BreakOutcome outcome = heap.moveTo(to);
      if (shrinks && outcome == BreakOutcome.MOVED) {
        unmapPages(Pages.alignUp(to), end);
      }
      return outcome;
    } finally {
      lock.unlock();
    }
  }

  /// Where the program break is.
  ///
  /// @return an address
  public long programBreak() {
    return heap.current();
  }

  // ---- Fork ----

  /// Makes another space what this one is. Private pages are shared until somebody stores to them.
  ///
  /// @param child empty, of the same layout, format, memory and backings, which nobody uses yet
  /// @return what came of it
  /// @throws IllegalStateException if the child is not empty
  public ForkOutcome forkInto(UserSpace child) {
    lock.lock();
    child.lock.lock();
    try {
      if (child.areas.count() != 0) {
        throw new IllegalStateException("the space to fork into is not empty");
      }
      ForkOutcome outcome = ForkOutcome.NO_MEMORY;
      if (huge.splitAll()) {
        outcome = copy.copyTo(child.copy, memory.sharers());
      }
      finish();
      if (outcome == ForkOutcome.FORKED) {
        child.heap.follow(heap);
      }
      return outcome;
    } finally {
      child.lock.unlock();
      lock.unlock();
    }
  }

  // ---- Background ----

  /// Makes large pages of small ones where the policy wants them, from where it stopped. Gives up
  /// at once if somebody uses the space.
  ///
  /// @param budget pages to look at, 1 or more
  /// @return whether there is more to look at in this round
  public boolean step(long budget) {
    if (!lock.tryLock()) {
      return true;
    }
    try {
      return huge.step(budget);
    } finally {
      lock.unlock();
    }
  }

  /// Splits large pages that are mostly zeros, and frees the zeros. Gives up at once if somebody
  /// uses the space.
  ///
  /// @param wantedFrames how many frames should be freed
  /// @return how many were; -1 if somebody used the space
  public long shrink(long wantedFrames) {
    if (!lock.tryLock()) {
      return -1;
    }
    try {
      return huge.shrink(wantedFrames);
    } finally {
      lock.unlock();
    }
  }

  // ---- What there is ----

  /// The page tables, for who translates and looks; changes are this class's.
  ///
  /// @return as given
  public AddressSpace tables() {
    return space;
  }

  /// The areas, for who looks while nothing changes.
  ///
  /// @return as they are now
  public VirtualAreas areas() {
    return areas;
  }
}
