package dev.bifolio.kernel.heap;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.platform.SpinLock;
import dev.bifolio.kernel.table.AddressSpace;
import dev.bifolio.kernel.table.FlushBatch;
import dev.bifolio.kernel.table.Flusher;
import dev.bifolio.kernel.table.KernelLayout;
import dev.bifolio.kernel.table.MapOutcome;
import dev.bifolio.kernel.table.UnmapOutcome;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.FrameSource;
import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.kernel.virtual.AreaFlags;
import dev.bifolio.kernel.virtual.AreaPlacement;
import dev.bifolio.kernel.virtual.FaultOutcome;
import dev.bifolio.kernel.virtual.InsertOutcome;
import dev.bifolio.kernel.virtual.VirtualAreas;
import org.jspecify.annotations.Nullable;

/// Virtually contiguous memory out of scattered frames.
///
/// # Overview
///
/// After some time no long run of frames is left, but single ones always are. So who needs many
/// bytes in a row, and no device that sees physical addresses, gets single frames, and addresses at
/// which the kernel's page tables put them in a row:
///
/// ```
///   KernelLayout  vmallocBase                                                      vmallocEnd
///                  ├── pages ──┬ guard ┼─ pages ─┬ guard ┤  free  ├─ pages ─┬ guard ┤
///   areas          └───────────────────┴─────────────────┘        └─────────────────┘
///   frames            7  3  12            9   4                      -   8   -     lazy: on touch
///
///   allocate ──> place ──> area ──> 512 frames at a time ──> page tables
///   free     ──> page tables ──> the processors flush ──> frames, tables ──> area
/// ```
///
/// Areas are [VirtualAreas], by their distance from where the range begins, since some formats have
/// it at negative addresses. An area has its guard in it, a page that is never mapped: so what runs
/// over its end faults, and a search for a place looks for one size in one tree. [VmallocKind]
/// keeps areas that touch apart.
///
/// *Lazy* memory is addresses alone, until [#fault] is told of a page. Its pages are zeros.
///
/// - I1 An area that is not lazy is mapped but for its guard; where there is no area, nothing is.
/// - I2 A frame that is mapped here is mapped once, and is in no allocator.
/// - I3 A frame goes back after all processors have flushed its page, and addresses are given out
///   again after that.
/// - I4 A request that is refused, or fails at whichever step, has changed nothing but a counter.
///
/// **Threads.** Any, at any time, under one lock; order: this lock, then the space's, then a
/// zone's. Frames are asked for under it, so whoever gives memory back under pressure must not wait
/// for somebody who allocates here. Nothing here may be called from a [Flusher], which runs under
/// the lock of the space.
///
/// Cost: a walk of the areas, O(log n); then for each page a frame, a store to its entry, and the
/// same back; for 64 KiB and more that is nearly all. 64 bytes an area, 4 KiB for each 2 MiB of
/// mapped addresses. No Java objects after the constructor.
///
/// **Rejected.** To leave pages mapped after a free and flush many frees at once, as Linux does:
/// frames that are free would stay out of reach of a request that needs them. Large pages where
/// frames happen to lie in a row: the request for scattered frames would have to look for runs. A
/// lock for each CPU's part of the addresses: allocations of this kind are large and seldom.
///
/// Sources: Linux, `mm/vmalloc.c`; Gorman, Understanding the Linux Virtual Memory Manager, ch. 7.
public final class Vmalloc {
  /// Bytes of memory that it needs beside its frames.
  public static final int BYTE_SIZE = 64 + VirtualAreas.BYTE_SIZE;

  /// There is no memory, or there are no addresses.
  public static final long NO_MEMORY = -1;

  /// The size was 0 or negative.
  public static final long BAD_SIZE = -2;

  /// Request flag, beside those of [AllocationFlags]: pages come when they are touched, of zeros.
  public static final int LAZY = 1 << 12;

  /// Bytes behind each allocation that are never mapped.
  public static final long GUARD_BYTE_SIZE = Pages.PAGE_SIZE;

  /// Bytes of addresses that are used at most, 16 TiB: pages are numbered in 32 bits.
  static final long MOST_BYTES = Pages.PAGE_SIZE << 32;

  private static final int LOCK = 0;
  private static final int ALLOCATIONS = 8;
  private static final int FREES = 16;
  private static final int FAILURES = 24;
  private static final int MISTAKES = 32;
  private static final int FAULTS = 40;
  private static final int MAPPED = 48;
  private static final int AREAS = 64;

  private final long address;
  private final long base;
  private final long byteSize;
  private final AddressSpace space;
  private final VmallocFrames frames;
  private final VmallocPages pages;
  private final SpinLock lock;
  private final VirtualAreas areas;
  private final AreaPlacement placement;
  private final FlushBatch batch;

  /// Nothing is allocated, and nothing can be before [#open].
  ///
  /// @param address of [#BYTE_SIZE] zero bytes, a multiple of 8
  /// @param layout whose range it is
  /// @param space of the kernel
  /// @param frames that are given out
  /// @param nodeFrames where the frames come from in which areas are kept
  /// @param physToVirt what is added to a physical address to get at it
  /// @param flushLimit of single pages, as of [FlushBatch]
  /// @param flusher who makes processors forget pages; null if no processor uses the space
  public Vmalloc(
      long address,
      KernelLayout layout,
      AddressSpace space,
      VmallocFrames frames,
      FrameSource nodeFrames,
      long physToVirt,
      int flushLimit,
      @Nullable Flusher flusher) {
    this.address = address;
    this.space = space;
    this.frames = frames;
    base = layout.vmallocBase();
    byteSize = Math.min(layout.vmallocEnd() - base, MOST_BYTES);
    pages = new VmallocPages(frames, physToVirt);
    lock = new SpinLock(address + LOCK);
    areas =
        new VirtualAreas(
            address + AREAS, 0, byteSize, nodeFrames, AllocationFlags.NOWAIT, physToVirt);
    placement = new AreaPlacement(areas);
    batch = new FlushBatch(flushLimit, flusher, pages);
  }

  /// Makes the tables that user spaces share, so that they see what will be mapped. Once, before
  /// the first user space is opened.
  ///
  /// @return false, and nothing has changed, if there is no memory for them
  /// @throws IllegalStateException if there are user spaces already
  public boolean open() {
    return space.pin(base, byteSize);
  }

  // ---- Allocation ----

  /// Allocates whole pages.
  ///
  /// @param wantedBytes 1 or more, rounded up to a multiple of 4096
  /// @param flags [AllocationFlags] of frames that stay where they are, and [#LAZY]; with ZERO the
  ///   pages are zeros, lazy ones are anyhow
  /// @return the first address, a multiple of 4096; or [#NO_MEMORY] or [#BAD_SIZE], which are none
  /// @throws IllegalArgumentException if flags mean nothing here
  public long allocate(long wantedBytes, int flags) {
    int kind = VmallocKind.of(flags);
    if (wantedBytes <= 0) {
      count(MISTAKES);
      return BAD_SIZE;
    }
    if (wantedBytes > byteSize - GUARD_BYTE_SIZE
        || (!VmallocKind.isLazy(kind)
            && Pages.bytesToFramesUp(wantedBytes) > frames.mostFrames())) {
      count(FAILURES);
      return NO_MEMORY;
    }
    lock.lock();
    try {
      long at = allocatePages(Pages.alignUp(wantedBytes), kind);
      count(at == NO_MEMORY ? FAILURES : ALLOCATIONS);
      return at;
    } finally {
      lock.unlock();
    }
  }

  private long allocatePages(long usable, int kind) {
    long whole = usable + GUARD_BYTE_SIZE;
    long start = placement.bottomUp(whole, Pages.PAGE_SIZE, 0, 0, byteSize);
    if (start == AreaPlacement.NO_PLACE
        || areas.insert(start, start + whole, AreaFlags.READ | AreaFlags.WRITE, kind, 0)
            != InsertOutcome.INSERTED) {
      return NO_MEMORY;
    }
    boolean isDone = false;
    try {
      isDone = VmallocKind.isLazy(kind) || populate(start, usable, VmallocKind.flags(kind));
    } finally {
      if (!isDone) {
        areas.remove(start, start + whole);
      }
    }
    return isDone ? base + start : NO_MEMORY;
  }

  /// Maps frames to pages of an area, to all of them or to none.
  ///
  /// @return false if there is not enough memory
  private boolean populate(long start, long usable, int flags) {
    long most = Pages.framesToBytes(VmallocPages.MOST);
    long done = 0;
    try {
      while (done < usable) {
        long bytes = Math.min(most, usable - done);
        long page = Pages.bytesToFramesDown(start + done);
        int count = (int) Pages.bytesToFramesDown(bytes);
        if (!pages.take(count, flags, page) || !isMapped(pages.map(space, base + start + done))) {
          break;
        }
        add(MAPPED, count);
        done += bytes;
      }
    } finally {
      if (done > 0 && done < usable) {
        take(start, done, true);
      }
    }
    return done == usable;
  }

  private static boolean isMapped(MapOutcome outcome) {
    if (outcome != MapOutcome.MAPPED && outcome != MapOutcome.NO_TABLE) {
      throw new IllegalStateException("pages of vmalloc cannot be mapped: " + outcome);
    }
    return outcome == MapOutcome.MAPPED;
  }

  /// A page was touched that is not mapped, or was not a moment ago.
  ///
  /// @param touched any address
  /// @return MAPPED, ALREADY or NO_MEMORY of a page that is allocated; SEGFAULT of any other,
  ///   guards among them
  public FaultOutcome fault(long touched) {
    if (!isVmalloc(touched)) {
      return FaultOutcome.SEGFAULT;
    }
    long page = Pages.alignDown(touched - base);
    lock.lock();
    try {
      long area = areas.find(page);
      if (area == VirtualAreas.NO_AREA || page == areas.end(area) - GUARD_BYTE_SIZE) {
        return FaultOutcome.SEGFAULT;
      }
      if (space.lookup(base + page) != AddressSpace.NOT_MAPPED) {
        return FaultOutcome.ALREADY;
      }
      int flags = VmallocKind.flags(areas.backing(area)) | AllocationFlags.ZERO;
      if (!populate(page, Pages.PAGE_SIZE, flags)) {
        return FaultOutcome.NO_MEMORY;
      }
      count(FAULTS);
      return FaultOutcome.MAPPED;
    } finally {
      lock.unlock();
    }
  }

  // ---- Free ----

  /// Frees what was allocated: when it returns, no processor reaches the pages, and all frames are
  /// back.
  ///
  /// @param start of [#allocate], or 0
  /// @return what came of it
  public VmallocOutcome tryFree(long start) {
    if (start == 0) {
      return VmallocOutcome.NULL;
    }
    VmallocOutcome outcome = VmallocOutcome.FOREIGN;
    if (isVmalloc(start)) {
      lock.lock();
      try {
        outcome = freeArea(start - base);
      } finally {
        lock.unlock();
      }
    }
    count(outcome == VmallocOutcome.FREED ? FREES : MISTAKES);
    return outcome;
  }

  private VmallocOutcome freeArea(long start) {
    long area = areas.find(start);
    if (area == VirtualAreas.NO_AREA) {
      return VmallocOutcome.NOT_ALLOCATED;
    }
    if (areas.start(area) != start) {
      return VmallocOutcome.INTERIOR;
    }
    long end = areas.end(area);
    take(start, end - GUARD_BYTE_SIZE - start, !VmallocKind.isLazy(areas.backing(area)));
    areas.remove(start, end);
    return VmallocOutcome.FREED;
  }

  /// Takes pages out of the tables, and gives their frames back once they are flushed.
  ///
  /// @param wantsAll whether each of them must be mapped
  private void take(long start, long usable, boolean wantsAll) {
    UnmapOutcome outcome =
        wantsAll
            ? space.unmap(base + start, usable, batch)
            : space.unmapAny(base + start, usable, false, batch);
    if (outcome != UnmapOutcome.DONE) {
      throw new IllegalStateException(
          "pages of vmalloc at " + AddressRange.hex(base + start) + " are " + outcome);
    }
    batch.flush();
    space.flushed(batch);
    add(MAPPED, -pages.settle());
  }

  // ---- Looking ----

  /// Whether an address is of the range that this gives out, be it allocated or not.
  ///
  /// @param any address
  /// @return false for what others give out
  public boolean isVmalloc(long any) {
    return Long.compareUnsigned(any - base, byteSize) < 0;
  }

  /// How many bytes there are from the address of an allocation on.
  ///
  /// @param start of [#allocate]
  /// @return a multiple of 4096; 0 of all other addresses
  public long sizeOf(long start) {
    if (!isVmalloc(start)) {
      return 0;
    }
    lock.lock();
    try {
      long area = areas.find(start - base);
      boolean isStart = area != VirtualAreas.NO_AREA && areas.start(area) == start - base;
      return isStart ? areas.end(area) - GUARD_BYTE_SIZE - areas.start(area) : 0;
    } finally {
      lock.unlock();
    }
  }

  /// Shows all that is allocated.
  ///
  /// @param visitor is told of each
  public void visit(VmallocVisitor visitor) {
    lock.lock();
    try {
      for (long area = areas.firstAbove(0); area != VirtualAreas.NO_AREA; area = areas.next(area)) {
        long start = areas.start(area);
        visitor.allocated(
            base + start,
            areas.end(area) - GUARD_BYTE_SIZE - start,
            VmallocKind.isLazy(areas.backing(area)));
      }
    } finally {
      lock.unlock();
    }
  }

  /// Where the addresses begin that this gives out.
  ///
  /// @return a virtual address
  public long base() {
    return base;
  }

  /// How many of them there are.
  ///
  /// @return bytes
  public long byteSize() {
    return byteSize;
  }

  // ---- Counters ----

  /// How much is allocated.
  ///
  /// @return a count of allocations that are not freed
  public long areaCount() {
    return allocations() - frees();
  }

  /// Pages that are mapped now, each of which is a frame.
  ///
  /// @return a count
  public long mappedPages() {
    return Memory.getLongVolatile(address + MAPPED);
  }

  /// Requests that were served.
  ///
  /// @return a count since the beginning
  public long allocations() {
    return Memory.getLongVolatile(address + ALLOCATIONS);
  }

  /// What was freed.
  ///
  /// @return a count since the beginning
  public long frees() {
    return Memory.getLongVolatile(address + FREES);
  }

  /// Requests for which there was no memory, or no addresses.
  ///
  /// @return a count since the beginning
  public long failures() {
    return Memory.getLongVolatile(address + FAILURES);
  }

  /// Requests and frees that were refused as mistakes.
  ///
  /// @return a count since the beginning
  public long mistakes() {
    return Memory.getLongVolatile(address + MISTAKES);
  }

  /// Pages that came when they were touched.
  ///
  /// @return a count since the beginning
  public long faults() {
    return Memory.getLongVolatile(address + FAULTS);
  }

  private void count(int word) {
    add(word, 1);
  }

  private void add(int word, long delta) {
    Memory.getAndAddLong(address + word, delta);
  }
}
