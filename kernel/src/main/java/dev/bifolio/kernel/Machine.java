package dev.bifolio.kernel;

import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.frame.FrameStatistics;
import dev.bifolio.kernel.frame.ValidationReport;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;
import dev.bifolio.kernel.unit.Pages;
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
/// Requests for frames have the meaning that [FrameAllocator] gives them. Banks are tried from the
/// highest to the lowest, so that low memory lasts longest; a frame's bank is a binary search.
///
/// - I1 Every managed frame belongs to one bank; a block never reaches from one bank into another.
/// - I2 The counters of the machine and the frames of the banks change together, under the lock.
/// - I3 A refused or failed request changes nothing but the counters.
///
/// Any thread may call anything but [#close()]. The classic allocator is for one thread, so a spin
/// lock stands around it; frames are zeroed outside of it. Closing is for one thread, when all
/// others are done.
///
/// Cost: a compare-and-set, the allocator's work, a turn of the loop for each bank that cannot
/// serve; no Java objects. Rejected: one allocator over the whole span (ADR 0003).
public final class Machine implements AutoCloseable {
  private final Window window;
  private final long physToVirtOffset;
  private final SpinLock lock;
  private final int maxOrder;
  private final BankSet banks;
  private final BootReport report;
  private final long[] releasableRuns;
  private boolean released;
  private boolean open = true;

  Machine(
      Window window,
      long physToVirtOffset,
      long lockAddress,
      int maxOrder,
      BankSet banks,
      long[] releasableRuns,
      BootReport report) {
    this.window = window;
    this.physToVirtOffset = physToVirtOffset;
    this.lock = new SpinLock(lockAddress);
    this.maxOrder = maxOrder;
    this.banks = banks;
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

  /// Allocates a block, see [FrameAllocator#allocate].
  ///
  /// @param order 0 … [#maxOrder()]
  /// @param flags bits of [AllocationFlags]
  /// @return the head frame, or [FrameAllocator#NO_FRAME]
  /// @throws FrameRequestException if the order is illegal
  /// @throws IllegalArgumentException if a flag is unknown
  /// @throws IllegalStateException after [#close()]
  public long allocate(int order, int flags) {
    long pfn = tryAllocate(order, flags);
    if (pfn < FrameAllocator.NO_FRAME) {
      throw new FrameRequestException(
          FrameError.of(pfn), "expected an order of 0 … " + maxOrder + ", found " + order);
    }
    return pfn;
  }

  /// Frees a block, see [FrameAllocator#free].
  ///
  /// @param pfn its head frame
  /// @param order the order it was allocated with
  /// @throws FrameRequestException if that block is not allocated, in just that size
  /// @throws IllegalStateException after [#close()]
  public void free(long pfn, int order) {
    if (order < 0 || order > maxOrder) {
      tryFree(pfn, order); // counts the mistake
      requireOrder(order);
    }
    freeFrames(pfn, Pages.orderToFrames(order));
  }

  /// Allocates exactly `frameCount` consecutive frames, see [FrameAllocator#allocateFrames].
  ///
  /// @param frameCount 1 … 2^[#maxOrder()]
  /// @param flags bits of [AllocationFlags]
  /// @return the first frame, or [FrameAllocator#NO_FRAME]
  /// @throws FrameRequestException if the count is zero, negative or too large
  /// @throws IllegalArgumentException if a flag is unknown
  /// @throws IllegalStateException after [#close()]
  public long allocateFrames(long frameCount, int flags) {
    long pfn = tryAllocateFrames(frameCount, flags);
    if (pfn < FrameAllocator.NO_FRAME) {
      throw new FrameRequestException(
          FrameError.of(pfn),
          "expected 1 … " + Pages.orderToFrames(maxOrder) + " frames, found " + frameCount);
    }
    return pfn;
  }

  /// Frees a run, see [FrameAllocator#freeFrames].
  ///
  /// @param pfn its first frame
  /// @param frameCount the count it was allocated with
  /// @throws FrameRequestException if that run is not allocated, in just that size
  /// @throws IllegalStateException after [#close()]
  public void freeFrames(long pfn, long frameCount) {
    lock();
    try {
      long result = banks.giveBack(pfn, frameCount);
      FrameAllocator allocator = banks.allocatorOf(pfn);
      if (allocator == null) {
        throw outside(pfn);
      }
      if (result != 0) {
        allocator.freeFrames(pfn, frameCount); // refused again, in words
      }
    } finally {
      lock.unlock();
    }
  }

  /// [#allocate] with mistakes as negative codes.
  ///
  /// @param order 0 … [#maxOrder()]
  /// @param flags bits of [AllocationFlags]
  /// @return the head frame, or the code of a [FrameError]
  /// @throws IllegalArgumentException if a flag is unknown
  /// @throws IllegalStateException after [#close()]
  public long tryAllocate(int order, int flags) {
    requireFlags(flags);
    boolean legal = order >= 0 && order <= maxOrder;
    long mistake = legal ? 0 : FrameError.INVALID_ORDER.code();
    return take(legal ? Pages.orderToFrames(order) : 0, flags, mistake);
  }

  /// [#free] with mistakes as negative codes.
  ///
  /// @param pfn the head frame
  /// @param order the order it was allocated with
  /// @return 0, or the code of a [FrameError]
  /// @throws IllegalStateException after [#close()]
  public long tryFree(long pfn, int order) {
    boolean legal = order >= 0 && order <= maxOrder;
    long frameCount = legal ? Pages.orderToFrames(order) : 0;
    return giveBack(pfn, frameCount, legal ? 0 : FrameError.INVALID_ORDER.code());
  }

  /// [#allocateFrames] with mistakes as negative codes.
  ///
  /// @param frameCount 1 … 2^[#maxOrder()]
  /// @param flags bits of [AllocationFlags]
  /// @return the first frame, or the code of a [FrameError]
  /// @throws IllegalArgumentException if a flag is unknown
  /// @throws IllegalStateException after [#close()]
  public long tryAllocateFrames(long frameCount, int flags) {
    requireFlags(flags);
    if (frameCount <= 0) {
      return take(frameCount, flags, FrameError.ZERO_ALLOCATION.code());
    }
    boolean legal = frameCount <= Pages.orderToFrames(maxOrder);
    return take(frameCount, flags, legal ? 0 : FrameError.TOO_LARGE.code());
  }

  /// [#freeFrames] with mistakes as negative codes.
  ///
  /// @param pfn the first frame
  /// @param frameCount the count it was allocated with
  /// @return 0, or the code of a [FrameError]
  /// @throws IllegalStateException after [#close()]
  public long tryFreeFrames(long pfn, long frameCount) {
    return giveBack(pfn, frameCount, frameCount > 0 ? 0 : FrameError.ZERO_ALLOCATION.code());
  }

  /// Turns an allocated block into single frames, each to be freed with order 0.
  ///
  /// @param pfn the block's head frame
  /// @param order the order it was allocated with
  /// @throws FrameRequestException if that block is not allocated, in just that size
  /// @throws IllegalStateException after [#close()]
  public void splitBlock(long pfn, int order) {
    requireOrder(order);
    splitFrames(pfn, Pages.orderToFrames(order));
  }

  /// Turns an allocated run into single frames, each freed with order 0. A refusal is not counted.
  ///
  /// @param pfn the run's first frame
  /// @param frameCount the count it was allocated with
  /// @throws FrameRequestException if that run is not allocated, in just that size
  /// @throws IllegalStateException after [#close()]
  public void splitFrames(long pfn, long frameCount) {
    lock();
    try {
      FrameAllocator allocator = banks.allocatorOf(pfn);
      if (allocator == null) {
        throw outside(pfn);
      }
      allocator.splitFrames(pfn, frameCount);
      banks.counters().splitIntoFrames(frameCount);
    } finally {
      lock.unlock();
    }
  }

  private long take(long frameCount, int flags, long mistake) {
    long pfn;
    lock();
    try {
      if (mistake != 0) {
        banks.counters().refused();
        return mistake;
      }
      pfn = banks.take(frameCount, flags);
    } finally {
      lock.unlock();
    }
    if (pfn >= 0 && (flags & AllocationFlags.ZERO) != 0) {
      long address = (pfn << Pages.PAGE_SHIFT) + physToVirtOffset;
      Memory.fill(address, frameCount << Pages.PAGE_SHIFT, (byte) 0);
    }
    return pfn;
  }

  private long giveBack(long pfn, long frameCount, long mistake) {
    lock();
    try {
      if (mistake != 0) {
        banks.counters().refusedFree();
        return mistake;
      }
      return banks.giveBack(pfn, frameCount);
    } finally {
      lock.unlock();
    }
  }

  private void requireOrder(int order) {
    requireOpen();
    if (order < 0 || order > maxOrder) {
      throw new FrameRequestException(
          FrameError.INVALID_ORDER, "expected 0 … " + maxOrder + ", found " + order);
    }
  }

  private static FrameRequestException outside(long pfn) {
    return new FrameRequestException(
        FrameError.OUT_OF_RANGE,
        "expected a frame of RAM, found " + AddressRange.hex(pfn) + ", which no bank spans");
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
  /// second time.
  ///
  /// @return how many frames became free
  /// @throws IllegalStateException after [#close()]
  public long releaseBootInfo() {
    lock();
    try {
      long added = 0;
      for (int i = 0; i < releasableRuns.length && !released; i += 2) {
        added += banks.addFrames(releasableRuns[i], releasableRuns[i + 1]);
      }
      released = true;
      return added;
    } finally {
      lock.unlock();
    }
  }

  /// The largest order of a block, inclusive.
  ///
  /// @return 0 … 20
  public int maxOrder() {
    return maxOrder;
  }

  /// Frames handed over to the frame allocators.
  ///
  /// @return a count
  /// @throws IllegalStateException after [#close()]
  public long managedFrameCount() {
    return statistics().totalFrames();
  }

  /// Frames that are free now.
  ///
  /// @return a count
  /// @throws IllegalStateException after [#close()]
  public long freeFrameCount() {
    return free(-1, -1);
  }

  /// Frames of a node that are free now.
  ///
  /// @param node its id
  /// @return a count; 0 if there is no such node with RAM
  /// @throws IllegalStateException after [#close()]
  public long freeFrameCount(int node) {
    requireOpen();
    int index = banks.nodeIndexOf(node);
    return index < 0 ? 0 : free(index, -1);
  }

  /// Free blocks of one order.
  ///
  /// @param order 0 … [#maxOrder()]
  /// @return a count
  /// @throws FrameRequestException if there is no such order
  /// @throws IllegalStateException after [#close()]
  public long freeBlockCount(int order) {
    requireOrder(order);
    return free(-1, order);
  }

  /// Free blocks of one order in a node.
  ///
  /// @param node its id
  /// @param order 0 … [#maxOrder()]
  /// @return a count; 0 if there is no such node with RAM
  /// @throws FrameRequestException if there is no such order
  /// @throws IllegalStateException after [#close()]
  public long freeBlockCount(int node, int order) {
    requireOrder(order);
    int index = banks.nodeIndexOf(node);
    return index < 0 ? 0 : free(index, order);
  }

  private long free(int nodeIndex, int order) {
    lock();
    try {
      return banks.free(nodeIndex, order);
    } finally {
      lock.unlock();
    }
  }

  /// A copy of the counters, of all banks together.
  ///
  /// @return a snapshot
  /// @throws IllegalStateException after [#close()]
  public FrameStatistics statistics() {
    lock();
    try {
      return banks.statistics();
    } finally {
      lock.unlock();
    }
  }

  /// Sets the request counters to zero and the peak to the present use.
  ///
  /// @throws IllegalStateException after [#close()]
  public void resetCounters() {
    lock();
    try {
      banks.resetCounters();
    } finally {
      lock.unlock();
    }
  }

  /// Walks the metadata of all banks and reports what contradicts something else. Takes a second
  /// for about 100 GiB.
  ///
  /// @return the report
  /// @throws IllegalStateException after [#close()]
  public ValidationReport validate() {
    return validate(true);
  }

  /// [#validate()] without a look inside large blocks, see [FrameAllocator#validateBlocks()].
  ///
  /// @return the report
  /// @throws IllegalStateException after [#close()]
  public ValidationReport validateBlocks() {
    return validate(false);
  }

  private ValidationReport validate(boolean insideBlocks) {
    lock();
    try {
      return banks.validate(insideBlocks);
    } finally {
      lock.unlock();
    }
  }

  /// [#validate()], as an assertion.
  ///
  /// @throws AssertionError with the report if anything is wrong
  /// @throws IllegalStateException after [#close()]
  public void assertValid() {
    ValidationReport found = validate();
    if (!found.isValid()) {
      throw new AssertionError(found.problems());
    }
  }

  /// The virtual address of a physical one.
  ///
  /// @param physicalAddress from the first frame of RAM to the end of the headroom
  /// @return an address for [Memory]
  /// @throws IllegalArgumentException if it is outside of the window
  /// @throws IllegalStateException after [#close()]
  public long physToVirt(long physicalAddress) {
    requireOpen();
    long address = physicalAddress + physToVirtOffset;
    if (Long.compareUnsigned(address - window.address(), window.byteSize()) >= 0) {
      throw new IllegalArgumentException(
          AddressRange.hex(physicalAddress) + " is outside of the machine's memory");
    }
    return address;
  }

  /// The plane of words for the layers above that holds a frame.
  ///
  /// @param pfn a frame
  /// @return the plane of its bank, or null if no bank spans the frame
  /// @throws IllegalStateException after [#close()]
  public @Nullable FrameInfo frameInfo(long pfn) {
    requireOpen();
    return banks.infoOf(pfn);
  }

  /// Ends the machine and gives its memory back to the operating system. Every later call but
  /// [#report()], [#maxOrder()] and this one is refused.
  @Override
  public void close() {
    if (open) {
      open = false;
      window.close();
    }
  }

  private void lock() {
    requireOpen();
    lock.lock();
  }

  private void requireOpen() {
    if (!open) {
      throw new IllegalStateException("the machine is closed");
    }
  }
}
