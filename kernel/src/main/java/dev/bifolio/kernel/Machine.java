package dev.bifolio.kernel;

import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.mmu.MmuBus;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.reclaim.Balloon;
import dev.bifolio.kernel.reclaim.HotMemory;
import dev.bifolio.kernel.reclaim.MemoryReclaim;
import dev.bifolio.kernel.reclaim.TierMover;
import dev.bifolio.kernel.table.AddressSpace;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;
import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.kernel.virtual.Backings;
import dev.bifolio.kernel.zone.AccountTree;
import dev.bifolio.kernel.zone.Watermarks;
import dev.bifolio.kernel.zone.ZoneSet;
import dev.bifolio.kernel.zone.ZonedFrames;
import org.jspecify.annotations.Nullable;

/// A running machine: the memory of a [MemoryMap], handed out frame by frame.
///
/// ```
/// try (Machine machine = Machine.boot(map, BootOptions.DEFAULTS, BootLog.SILENT)) {
///   long pfn = machine.allocate(0, AllocationFlags.ZERO);
///   if (pfn != FrameAllocator.NO_FRAME) {
///     Memory.putLong(machine.physToVirt(pfn << Pages.PAGE_SHIFT), 42);
///     machine.free(pfn, 0);
///   }
/// }
/// ```
///
/// # Overview
///
/// A machine owns one [Window] that spans its RAM, from the first frame to the last, holes
/// included; a physical address is a virtual one at a constant distance. RAM is cut into banks
/// ([BankPlan][dev.bifolio.kernel.boot.BankPlan]), each with a frame allocator and a plane of
/// [FrameInfo] in memory that [BootSequence] stole from the RAM itself.
///
/// What may be asked of the frames is in [FrameRequests], how many there are in [FrameCounts];
/// which zone serves, by the node of the CPU that asks, by type and by watermarks, is in
/// [ZonedFrames]. What happens when memory runs short is in [MemoryReclaim], whose background work
/// is [#step].
///
/// - I1 Every managed frame belongs to one bank; a block never reaches from one bank into another.
/// - I2 A request is one request in the counters, however many zones were asked; what the counters
///   say and what the banks hold cannot differ.
/// - I3 A refused or failed request changes nothing but the counters.
///
/// Any thread may call anything but [#releaseBootInfo()] and [#close()], which are for one thread
/// when all others are at rest. With the hybrid allocator, the default, requests and frees take no
/// lock; the classic one is for one thread, so a spin lock of each zone stands around it. Frames
/// are zeroed outside of any lock.
///
/// *Closing.* Each call looks at a plain field first. The thread that closed, and any thread that
/// was started, joined or otherwise synchronised with after that, is refused. A thread that is in a
/// call while another closes, or that never learnt of it, is not protected: it may write to memory
/// that is not there any more, which ends the process. A look that could promise more would have to
/// count the calls under way, on every call.
///
/// Cost: the allocator's work and a load and a store of a word of the CPU's; no Java objects.
/// Rejected: one allocator over the whole span (ADR 0003); a fence or a count of callers for
/// closing.
public final class Machine implements FrameRequests, FrameCounts, AutoCloseable {
  private final Window window;
  private final WindowPages pages;
  private final ZonedFrames frames;
  private final MemoryReclaim reclaim;
  private final Watermarks watermarks;
  private final @Nullable AccountTree accounts;
  private final HotMemory hot;
  private final @Nullable KernelTables tables;
  private final BootReport report;
  private final long[] releasableRuns;
  private @Nullable UserSpaces userSpaces;
  private boolean released;
  private boolean open = true;

  Machine(MachineParts parts, long[] releasableRuns, BootReport report) {
    window = parts.window();
    pages = new WindowPages(window, parts.offset());
    frames = parts.frames();
    reclaim = parts.reclaim();
    watermarks = parts.watermarks();
    accounts = parts.accounts();
    hot = parts.hot();
    tables = parts.tables();
    this.releasableRuns = releasableRuns;
    this.report = report;
  }

  /// Makes a running machine of a memory map: reserves what the map and the options ask for, steals
  /// mem_map, hands all free frames to the frame allocators and takes the kernel heap. Costs what
  /// the number of ranges costs, not the amount of memory: nothing is touched but metadata.
  ///
  /// @param map what the firmware says
  /// @param options what the caller adds
  /// @param log told of each step
  /// @return the machine; the caller closes it
  /// @throws BootException if no machine can be made of the map
  public static Machine boot(MemoryMap map, BootOptions options, BootLog log) throws BootException {
    return BootSequence.run(map, options, log);
  }

  /// What the boot found and built.
  ///
  /// @return the report, after [#close()] too
  public BootReport report() {
    return report;
  }

  // ---- Requests ----

  @Override
  public long tryAllocate(int order, int flags) {
    requireFlags(flags);
    long pfn = frames.tryAllocate(order, flags);
    return (flags & AllocationFlags.ZERO) == 0 ? pfn : zeroed(pfn, 1L << order);
  }

  @Override
  public long tryAllocateFrames(long frameCount, int flags) {
    requireFlags(flags);
    long pfn = frames.tryAllocateFrames(frameCount, flags);
    return (flags & AllocationFlags.ZERO) == 0 ? pfn : zeroed(pfn, frameCount);
  }

  @Override
  public long tryAllocateFramesWithin(
      long frameCount, int flags, long alignmentFrames, long maxPfn, long boundaryFrames) {
    requireFlags(flags);
    long pfn =
        frames.tryAllocateFramesWithin(frameCount, flags, alignmentFrames, maxPfn, boundaryFrames);
    return (flags & AllocationFlags.ZERO) == 0 ? pfn : zeroed(pfn, frameCount);
  }

  @Override
  public long tryAllocateRange(long startPfn, long frameCount, int flags) {
    requireFlags(flags);
    long pfn = frames.tryAllocateRange(startPfn, frameCount, flags);
    return (flags & AllocationFlags.ZERO) == 0 ? pfn : zeroed(pfn, frameCount);
  }

  @Override
  public int allocateBulk(long[] pfns, int offset, int count, int flags) {
    requireFlags(flags);
    int got = frames.allocateBulk(pfns, offset, count, flags);
    for (int i = offset; i < offset + got && (flags & AllocationFlags.ZERO) != 0; i++) {
      zeroed(pfns[i], 1);
    }
    return got;
  }

  @Override
  public void freeBulk(long[] pfns, int offset, int count) {
    requireOpen();
    frames.freeBulk(pfns, offset, count);
  }

  /// Fills the frames of a request that was served.
  private long zeroed(long pfn, long frameCount) {
    if (pfn >= 0) {
      long address = (pfn << Pages.PAGE_SHIFT) + pages.offset();
      Memory.fill(address, frameCount << Pages.PAGE_SHIFT, (byte) 0);
    }
    return pfn;
  }

  @Override
  public void free(long pfn, int order) {
    requireOpen();
    if (order < 0 || order > maxOrder()) {
      long _ = frames.tryFree(pfn, order); // counts the mistake
      requireOrder(order);
    }
    frames.free(pfn, order);
  }

  @Override
  public void freeFrames(long pfn, long frameCount) {
    requireOpen();
    frames.freeFrames(pfn, frameCount);
  }

  @Override
  public long tryFree(long pfn, int order) {
    requireOpen();
    return frames.tryFree(pfn, order);
  }

  @Override
  public long tryFreeFrames(long pfn, long frameCount) {
    requireOpen();
    return frames.tryFreeFrames(pfn, frameCount);
  }

  @Override
  public long tryFreeRange(long startPfn, long frameCount) {
    requireOpen();
    return frames.tryFreeRange(startPfn, frameCount);
  }

  @Override
  public void splitBlock(long pfn, int order) {
    requireOrder(order);
    frames.splitFrames(pfn, Pages.orderToFrames(order));
  }

  @Override
  public void splitFrames(long pfn, long frameCount) {
    requireOpen();
    frames.splitFrames(pfn, frameCount);
  }

  private void requireOrder(int order) {
    requireOpen();
    if (order < 0 || order > maxOrder()) {
      throw new FrameRequestException(
          FrameError.INVALID_ORDER, "expected 0 … " + maxOrder() + ", found " + order);
    }
  }

  private void requireFlags(int flags) {
    requireOpen();
    if ((flags & ~AllocationFlags.ALL) != 0) {
      throw new IllegalArgumentException(
          "unknown allocation flags " + AddressRange.hex(flags & ~AllocationFlags.ALL));
    }
  }

  /// Ends the boot for good: frees the frames that only the initial RAM disk and the boot loader's
  /// information hold. A frame that any other reservation touches stays reserved. Does nothing the
  /// second time. Handing memory over is for one thread: nobody may allocate or free meanwhile.
  ///
  /// @return how many frames became free
  /// @throws IllegalStateException after [#close()]
  public long releaseBootInfo() {
    requireOpen();
    long added = 0;
    for (int i = 0; i < releasableRuns.length && !released; i += 2) {
      added += frames.addFrames(releasableRuns[i], releasableRuns[i + 1]);
    }
    released = true;
    return added;
  }

  // ---- What there is ----

  @Override
  public int maxOrder() {
    return frames.maxOrder();
  }

  /// The zones that have memory.
  ///
  /// @return all of them
  /// @throws IllegalStateException after [#close()]
  @Override
  public ZoneSet zones() {
    requireOpen();
    return frames.zones();
  }

  /// Requests that name a CPU, a node or a policy. They count like those made here, but frames are
  /// not zeroed, and nothing is refused after [#close()]: whoever has this keeps the machine open.
  ///
  /// @return the frames of all zones
  /// @throws IllegalStateException after [#close()]
  @Override
  public ZonedFrames frames() {
    requireOpen();
    return frames;
  }

  /// Shrinkers, movable frames, compaction and pressure.
  ///
  /// @return what gives memory back and puts it together
  /// @throws IllegalStateException after [#close()]
  public MemoryReclaim reclaim() {
    requireOpen();
    return reclaim;
  }

  /// Begins to move frames between fast and slow memory, see [MemoryReclaim#startTiers].
  ///
  /// @return the mover; null, and nothing has changed, if there is no memory for its words
  public @Nullable TierMover startTiers() {
    requireOpen();
    return reclaim.startTiers(pages.offset());
  }

  /// Makes user spaces possible, over the kernel's half as it is. Their words, and the tables that
  /// the kernel will need in its half, lie in frames that stay taken for as long as the machine
  /// runs. Before other threads use this object.
  ///
  /// @param settings how many, and for which processors
  /// @param backings those that their areas may name; may get more later, by the caller
  /// @return the spaces, none of which is open; null if there is no memory for the words, nor for
  ///   the tables, or there are as many shrinkers as may be
  /// @throws IllegalArgumentException if the format has no such numbers for spaces
  /// @throws IllegalStateException if they are started, or the machine has no tables, or after
  ///   [#close()]
  public @Nullable UserSpaces startUserSpaces(UserSettings settings, Backings backings) {
    KernelTables kernel = requireTables();
    if (userSpaces != null) {
      throw new IllegalStateException("the machine has user spaces already");
    }
    userSpaces = UserSpaces.start(this, kernel, settings, backings);
    return userSpaces;
  }

  /// The user spaces.
  ///
  /// @return null before [#startUserSpaces]
  /// @throws IllegalStateException after [#close()]
  public @Nullable UserSpaces userSpaces() {
    requireOpen();
    return userSpaces;
  }

  /// Does a bounded part of the background's work: reclaim and compaction, and once these have no
  /// more to do, large pages of user spaces. A machine has no thread; whoever owns it calls this
  /// now and then, one at a time.
  ///
  /// @param budget in frames given back or moved, and then in pages looked at, 1 or more
  /// @return whether there is more to do at once
  /// @throws IllegalStateException after [#close()]
  public boolean step(long budget) {
    requireOpen();
    boolean more = reclaim.step(budget);
    UserSpaces spaces = userSpaces;
    return more || (spaces != null && spaces.step(budget));
  }

  /// The settings of the watermarks. Whoever changes one applies them; one thread at a time.
  ///
  /// @return the settings
  /// @throws IllegalStateException after [#close()]
  public Watermarks watermarks() {
    requireOpen();
    return watermarks;
  }

  /// The accounts that requests may be charged to.
  ///
  /// @return the accounts, null unless [BootOptions#withAccounts] asked for some
  /// @throws IllegalStateException after [#close()]
  public @Nullable AccountTree accounts() {
    requireOpen();
    return accounts;
  }

  /// What is offline: whole areas that can be added and taken away, RAM as well as the headroom of
  /// [BootOptions#withHeadroom].
  ///
  /// @return the same for as long as the machine runs
  /// @throws IllegalStateException after [#close()]
  public HotMemory hotMemory() {
    requireOpen();
    return hot;
  }

  /// A balloon, whose list lies in frames that it keeps for as long as the machine runs.
  ///
  /// @param mostAreas how many areas it can hold, 1 or more
  /// @return null if there is no memory for the list
  /// @throws IllegalArgumentException if it is to hold nothing
  /// @throws IllegalStateException after [#close()]
  public @Nullable Balloon newBalloon(int mostAreas) {
    long listFrames = Pages.bytesToFramesUp(Balloon.byteSize(mostAreas));
    long pfn = tryAllocateFrames(listFrames, AllocationFlags.LONG | AllocationFlags.ZERO);
    return pfn < 0 ? null : pages.balloon(frames, pfn, mostAreas);
  }

  /// The virtual address of a physical one.
  ///
  /// @param physicalAddress from the first frame of RAM to the end of the headroom
  /// @return an address for [Memory]
  /// @throws IllegalArgumentException if it is outside of the window
  /// @throws IllegalStateException after [#close()]
  public long physToVirt(long physicalAddress) {
    requireOpen();
    return pages.physToVirt(physicalAddress);
  }

  /// The page tables of the kernel, with all RAM that may be mapped, and the source of more tables.
  ///
  /// @return null for a machine of an architecture that has no format, or of none
  /// @throws IllegalStateException after [#close()]
  public @Nullable KernelTables kernelTables() {
    requireOpen();
    return tables;
  }

  /// The page tables of the kernel.
  ///
  /// @return its space
  /// @throws IllegalStateException if the machine has no tables, or after [#close()]
  public AddressSpace kernelSpace() {
    return requireTables().space();
  }

  /// Where the kernel has a frame: an address for its page tables, where [#physToVirt] is one of
  /// the JVM. Such addresses differ from physical ones by a constant.
  ///
  /// @param physicalAddress any that the direct map reaches, RAM or not
  /// @return a virtual address of the kernel
  /// @throws IllegalArgumentException if the direct map does not reach it
  /// @throws IllegalStateException if the machine has no tables, or after [#close()]
  public long directMapAddress(long physicalAddress) {
    return requireTables().layout().directMapAddress(physicalAddress);
  }

  /// All memory from the first frame to the end of the headroom, as a processor of the machine sees
  /// it: what an [Mmu][dev.bifolio.kernel.mmu.Mmu] walks tables of this machine through, and loads
  /// and stores. Memory beyond the address lines of the tables' format is not behind it.
  ///
  /// @return the bus; not to be used after [#close()]
  /// @throws IllegalStateException if the machine has no tables, or after [#close()]
  public MmuBus bus() {
    return pages.bus(requireTables().space().format().physicalBits());
  }

  private KernelTables requireTables() {
    KernelTables found = kernelTables();
    if (found == null) {
      throw new IllegalStateException("the machine has no page tables");
    }
    return found;
  }

  /// The plane of words for the layers above that holds a frame.
  ///
  /// @param pfn a frame
  /// @return the plane of its bank, or null if no bank spans the frame
  /// @throws IllegalStateException after [#close()]
  public @Nullable FrameInfo frameInfo(long pfn) {
    requireOpen();
    return frames.zones().infoOf(pfn);
  }

  /// Ends the machine and gives its memory back to the operating system. Every later call but
  /// [#report()], [#maxOrder()] and this one is refused. What it has handed out ([#zones()],
  /// caches, addresses …) is not to be used any more: no memory is behind it, and the process would
  /// end.
  @Override
  public void close() {
    if (open) {
      open = false;
      window.close();
    }
  }

  private void requireOpen() {
    if (!open) {
      throw new IllegalStateException("the machine is closed");
    }
  }
}
