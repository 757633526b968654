package dev.bifolio.kernel;

import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.frame.FrameProbe;
import dev.bifolio.kernel.frame.FrameStatistics;
import dev.bifolio.kernel.frame.HybridAllocator;
import dev.bifolio.kernel.frame.ValidationReport;
import dev.bifolio.kernel.platform.Cpu;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.Pages;
import org.jspecify.annotations.Nullable;

/// Banks of hybrid allocators, which any number of threads use at once: no lock around requests and
/// frees, and no counter that all of them write.
///
/// # Overview
///
/// With one bank every call is a call of its allocator. With several, a request goes through them
/// twice. A bank that has nothing free may still have frames in caches, and calling those back is
/// dear; so it happens only when no bank has anything without it:
///
/// ```
///   1.  highest ──> … ──> lowest      what is free; a bank that is known to have nothing: passed over
///   2.  highest ──> … ──> lowest      what is free after its caches are called back
///                            │
///                            └─ is asked for itself, and counts the failure
/// ```
///
/// *The bank's word* is what makes the first way cheap when the high banks are full: the smallest
/// order, plus one, that was sought there in vain; 0 if nothing is known. A free into the bank
/// clears it. It is a hint: a free may come between the failed search and the note of it, and then
/// the bank is passed over until the next free or until the second way, which asks it all the same.
/// So a wrong hint moves a request to a lower bank, and lets none fail.
///
/// A bank that fails has really nothing, cached or on its way; but the banks are asked one after
/// the other. When others free in a bank that was asked and take from one that was not yet, a
/// request may fail though at no moment all banks were empty.
///
/// - I1 What the machine counts is the sum of what the banks count: nothing is counted twice.
/// - I2 A request is counted by one bank: the one that serves it, or the lowest.
///
/// The peak is the machine's own word, since the peaks of banks do not happen at one moment. Words
/// and counts that are asked for are behind a lock, which no request takes.
///
/// Rejected: counters of the machine, one line that all threads write; subtracting what banks
/// counted in vain, a second truth; a bank for each CPU to begin with, which breaks up low memory.
final class ConcurrentFrames implements MachineFrames {
  /// Bytes of the word of one bank, alone in its line: every free reads it.
  static final int BANK_WORD_BYTES = 64;

  private final BankSet banks;
  private final SpinLock lock;
  private final long peakUsedFrames;
  private final int maxOrder;

  /// From the lowest to the highest.
  private final HybridAllocator[] allocators;

  private final FrameProbe[] probes;
  private final long[] bankWords;
  private final @Nullable HybridAllocator only;

  /// Banks of hybrid allocators.
  ///
  /// @param headerAddress of 16 zero bytes
  /// @param allocators of the banks
  /// @param bankWords addresses, of [#BANK_WORD_BYTES] zero bytes for each bank
  ConcurrentFrames(
      BankSet banks,
      long headerAddress,
      int maxOrder,
      HybridAllocator[] allocators,
      long[] bankWords) {
    this.banks = banks;
    this.lock = new SpinLock(headerAddress);
    this.peakUsedFrames = headerAddress + Long.BYTES;
    this.maxOrder = maxOrder;
    this.allocators = allocators;
    this.bankWords = bankWords;
    probes = new FrameProbe[allocators.length];
    for (int b = 0; b < probes.length; b++) {
      probes[b] = new FrameProbe(allocators[b]);
    }
    only = allocators.length == 1 ? allocators[0] : null;
  }

  /// The bank that is asked last, that counts what concerns no bank, and that refuses in words.
  private HybridAllocator lowest() {
    return allocators[0];
  }

  // ---- Allocation ----

  @Override
  public long tryAllocate(int order, int flags) {
    if (only != null) {
      long pfn = only.tryAllocate(order, flags);
      return pfn == FrameAllocator.NO_FRAME ? failed(order) : pfn;
    }
    boolean legal = order >= 0 && order <= maxOrder;
    return legal
        ? search(order, Pages.orderToFrames(order), flags)
        : lowest().tryAllocate(order, flags);
  }

  @Override
  public long tryAllocateFrames(long frameCount, int flags) {
    if (only != null) {
      long pfn = only.tryAllocateFrames(frameCount, flags);
      return pfn == FrameAllocator.NO_FRAME ? failed(Pages.framesToOrderUp(frameCount)) : pfn;
    }
    boolean legal = frameCount > 0 && frameCount <= Pages.orderToFrames(maxOrder);
    return legal
        ? search(Pages.framesToOrderUp(frameCount), frameCount, flags)
        : lowest().tryAllocateFrames(frameCount, flags);
  }

  /// With one bank whole words of frames at once.
  @Override
  public int allocateBulk(long[] pfns, int offset, int count, int flags) {
    if (only == null) {
      return MachineFrames.super.allocateBulk(pfns, offset, count, flags);
    }
    int got = only.allocateBulk(pfns, offset, count, flags);
    if (got < count) {
      failed(0);
    }
    return got;
  }

  private long search(int order, long frameCount, int flags) {
    int cpu = Cpu.current();
    for (int b = allocators.length - 1; b >= 0; b--) {
      if (mayHave(b, order)) {
        long pfn = probes[b].takeNow(cpu, frameCount, flags);
        if (pfn >= 0) {
          return pfn;
        }
        noteMiss(b, order);
      }
    }
    for (int b = allocators.length - 1; b > 0; b--) {
      if (fits(b, frameCount)) {
        long pfn = probes[b].take(cpu, frameCount, flags);
        if (pfn >= 0) {
          forgetMiss(b);
          return pfn;
        }
      }
    }
    long pfn = lowest().tryAllocateFrames(frameCount, flags);
    return pfn == FrameAllocator.NO_FRAME ? failed(order) : pfn;
  }

  private boolean mayHave(int bank, int order) {
    long missed = Memory.getLongVolatile(bankWords[bank]);
    return missed == 0 || order + 1 < missed;
  }

  /// Whether a bank could serve a request if all of it were free: else its caches are left alone.
  private boolean fits(int bank, long frameCount) {
    return allocators[bank].managedFrameCount() >= frameCount;
  }

  private void noteMiss(int bank, int order) {
    Memory.putLongRelease(bankWords[bank], order + 1L);
  }

  private void forgetMiss(int bank) {
    if (Memory.getLongVolatile(bankWords[bank]) != 0) {
      Memory.putLongRelease(bankWords[bank], 0);
    }
  }

  /// A request for one frame that fails has seen every frame in use.
  private long failed(int order) {
    if (order == 0) {
      sawUsed(banks.managedFrames(-1));
    }
    return FrameAllocator.NO_FRAME;
  }

  @Override
  public long tryAllocateFramesWithin(
      long frameCount, int flags, long alignmentFrames, long maxPfn, long boundaryFrames) {
    int cpu = Cpu.current();
    for (int b = allocators.length - 1; b > 0; b--) {
      if (allocators[b].startPfn() <= maxPfn) {
        long pfn =
            probes[b].takeWithin(cpu, frameCount, flags, alignmentFrames, maxPfn, boundaryFrames);
        if (pfn >= 0) {
          return pfn;
        }
      }
    }
    return lowest()
        .tryAllocateFramesWithin(frameCount, flags, alignmentFrames, maxPfn, boundaryFrames);
  }

  @Override
  public long tryAllocateRange(long startPfn, long frameCount, int flags) {
    return allocatorFor(startPfn).tryAllocateRange(startPfn, frameCount, flags);
  }

  /// The allocator whose bank spans a frame; for other frames one that will refuse.
  private HybridAllocator allocatorFor(long pfn) {
    int bank = only == null ? banks.indexOf(pfn) : 0;
    return bank < 0 ? lowest() : allocators[bank];
  }

  // ---- Free ----

  @Override
  public long tryFree(long pfn, int order) {
    if (only != null) {
      return only.tryFree(pfn, order);
    }
    int bank = banks.indexOf(pfn);
    if (bank < 0) {
      return lowest().tryFree(pfn, order);
    }
    long result = allocators[bank].tryFree(pfn, order);
    forgetMiss(bank);
    return result;
  }

  @Override
  public long tryFreeFrames(long pfn, long frameCount) {
    if (only != null) {
      return only.tryFreeFrames(pfn, frameCount);
    }
    int bank = banks.indexOf(pfn);
    if (bank < 0) {
      return lowest().tryFreeFrames(pfn, frameCount);
    }
    long result = allocators[bank].tryFreeFrames(pfn, frameCount);
    forgetMiss(bank);
    return result;
  }

  @Override
  public long tryFreeRange(long startPfn, long frameCount) {
    long result = allocatorFor(startPfn).tryFreeRange(startPfn, frameCount);
    int bank = banks.indexOf(startPfn);
    if (bank >= 0) {
      forgetMiss(bank);
    }
    return result;
  }

  @Override
  public void free(long pfn, int order) {
    int bank = banks.indexOf(pfn);
    if (bank < 0) {
      long _ = lowest().tryFree(pfn, order); // counts the mistake
      throw MachineFrames.outside(pfn);
    }
    allocators[bank].free(pfn, order);
    forgetMiss(bank);
  }

  @Override
  public void freeFrames(long pfn, long frameCount) {
    int bank = banks.indexOf(pfn);
    if (bank < 0) {
      long _ = lowest().tryFreeFrames(pfn, frameCount); // counts the mistake
      throw MachineFrames.outside(pfn);
    }
    allocators[bank].freeFrames(pfn, frameCount);
    forgetMiss(bank);
  }

  @Override
  public void freeBulk(long[] pfns, int offset, int count) {
    if (only == null) {
      MachineFrames.super.freeBulk(pfns, offset, count);
    } else {
      only.freeBulk(pfns, offset, count);
    }
  }

  @Override
  public void splitFrames(long pfn, long frameCount) {
    FrameAllocator allocator = banks.allocatorOf(pfn);
    if (allocator == null) {
      throw MachineFrames.outside(pfn);
    }
    allocator.splitFrames(pfn, frameCount);
  }

  // ---- Memory handed over, and what there is ----

  /// Nobody may allocate or free meanwhile.
  @Override
  public long addFrames(long startPfn, long endPfn) {
    int bank = banks.indexOf(startPfn);
    long added = allocators[bank].addFrames(startPfn, endPfn);
    forgetMiss(bank);
    return added;
  }

  @Override
  public long drainCaches() {
    long frames = banks.drainCaches();
    for (int b = 0; b < allocators.length; b++) {
      forgetMiss(b);
    }
    return frames;
  }

  @Override
  public long freeFrameCount(int nodeIndex) {
    return banks.freeFrames(nodeIndex);
  }

  @Override
  public long cachedFrameCount(int nodeIndex) {
    return banks.cachedFrames(nodeIndex);
  }

  @Override
  public long freeBlockCount(int nodeIndex, int order) {
    return banks.freeBlocks(nodeIndex, order);
  }

  @Override
  public FrameStatistics statistics() {
    lock.lock();
    try {
      return sum();
    } finally {
      lock.unlock();
    }
  }

  private FrameStatistics sum() {
    long total = 0;
    long free = 0;
    long cached = 0;
    long requests = 0;
    long allocations = 0;
    long failures = 0;
    long frees = 0;
    long refusedFrees = 0;
    long splits = 0;
    long coalesces = 0;
    for (HybridAllocator allocator : allocators) {
      FrameStatistics one = allocator.statistics();
      total += one.totalFrames();
      free += one.freeFrames();
      cached += one.cachedFrames();
      requests += one.requests();
      allocations += one.allocations();
      failures += one.failures();
      frees += one.frees();
      refusedFrees += one.refusedFrees();
      splits += one.splits();
      coalesces += one.coalesces();
    }
    sawUsed(total - free - cached);
    return new FrameStatistics(
        total,
        free,
        cached,
        Memory.getLongVolatile(peakUsedFrames),
        requests,
        allocations,
        failures,
        frees,
        refusedFrees,
        splits,
        coalesces,
        FrameStatistics.NOT_KEPT,
        FrameStatistics.NOT_KEPT);
  }

  private void sawUsed(long frameCount) {
    long peak = Memory.getLongVolatile(peakUsedFrames);
    while (frameCount > peak && !Memory.compareAndSetLong(peakUsedFrames, peak, frameCount)) {
      peak = Memory.getLongVolatile(peakUsedFrames);
    }
  }

  @Override
  public void resetCounters() {
    lock.lock();
    try {
      banks.resetCounters();
      Memory.putLongRelease(peakUsedFrames, 0);
      long _ = sum().usedFrames(); // the peak is what is in use now
    } finally {
      lock.unlock();
    }
  }

  @Override
  public ValidationReport validate(boolean insideBlocks) {
    return banks.validate(insideBlocks);
  }
}
