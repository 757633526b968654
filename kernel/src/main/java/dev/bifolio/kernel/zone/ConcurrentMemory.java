package dev.bifolio.kernel.zone;

import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.frame.FrameProbe;
import dev.bifolio.kernel.frame.FrameStatistics;
import dev.bifolio.kernel.frame.HybridAllocator;
import dev.bifolio.kernel.frame.ValidationReport;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.FrameError;
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
/// - I1 What the zone counts is the sum of what its banks count: nothing is counted twice.
/// - I2 A request that no zone serves is counted by the lowest bank of the zone it preferred.
///
/// Rejected: counters of the zone, one line that all threads write; subtracting what banks counted
/// in vain, a second truth; a bank for each CPU to begin with, which breaks up low memory.
final class ConcurrentMemory implements ZoneMemory {
  private final BankSet banks;
  private final HybridAllocator[] allocators;
  private final FrameProbe[] probes;
  private final long[] hints;
  private final @Nullable HybridAllocator only;
  private final FrameProbe lowest;

  /// A zone's banks, all of them with hybrid allocators.
  ConcurrentMemory(BankSet banks) {
    this.banks = banks;
    int count = banks.count();
    allocators = new HybridAllocator[count];
    probes = new FrameProbe[count];
    hints = new long[count];
    for (int b = 0; b < count; b++) {
      hints[b] = banks.bank(b).hintAddress();
      if (banks.allocator(b) instanceof HybridAllocator hybrid) {
        allocators[b] = hybrid;
        probes[b] = new FrameProbe(hybrid);
      }
    }
    only = count == 1 ? allocators[0] : null;
    lowest = probes[0];
  }

  // ---- Allocation ----

  @Override
  public long take(int cpu, int order, int flags) {
    return only != null
        ? lowest.takeBlock(cpu, order, flags)
        : search(cpu, order, Pages.orderToFrames(order), flags);
  }

  @Override
  public long takeFrames(int cpu, long frameCount, int flags) {
    return only != null
        ? lowest.take(cpu, frameCount, flags)
        : search(cpu, Pages.framesToOrderUp(frameCount), frameCount, flags);
  }

  private long search(int cpu, int order, long frameCount, int flags) {
    for (int b = allocators.length - 1; b >= 0; b--) {
      if (mayHave(b, order)) {
        long pfn = probes[b].takeNow(cpu, frameCount, flags);
        if (pfn >= 0) {
          return pfn;
        }
        noteMiss(b, order);
      }
    }
    for (int b = allocators.length - 1; b >= 0; b--) {
      if (fits(b, frameCount)) {
        long pfn = probes[b].take(cpu, frameCount, flags);
        if (pfn >= 0) {
          forgetMiss(b);
          return pfn;
        }
      }
    }
    return FrameAllocator.NO_FRAME;
  }

  private boolean mayHave(int bank, int order) {
    long missed = Memory.getLongVolatile(hints[bank]);
    return missed == 0 || order + 1 < missed;
  }

  /// Whether a bank could serve a request if all of it were free: else its caches are left alone.
  private boolean fits(int bank, long frameCount) {
    return allocators[bank].managedFrameCount() >= frameCount;
  }

  private void noteMiss(int bank, int order) {
    Memory.putLongRelease(hints[bank], order + 1L);
  }

  private void forgetMiss(int bank) {
    if (Memory.getLongVolatile(hints[bank]) != 0) {
      Memory.putLongRelease(hints[bank], 0);
    }
  }

  @Override
  public long takeWithin(int cpu, long frameCount, int flags, long alignmentFrames, long maxPfn) {
    long pfn = FrameAllocator.NO_FRAME;
    for (int b = allocators.length - 1; b >= 0 && pfn == FrameAllocator.NO_FRAME; b--) {
      if (allocators[b].startPfn() <= maxPfn) {
        pfn = probes[b].takeWithin(cpu, frameCount, flags, alignmentFrames, maxPfn, 0);
      }
    }
    return pfn;
  }

  @Override
  public long takeRange(int cpu, long startPfn, long frameCount, int flags) {
    int bank = banks.indexOf(startPfn);
    return bank < 0
        ? FrameError.OUT_OF_RANGE.code()
        : probes[bank].takeRange(cpu, startPfn, frameCount, flags);
  }

  @Override
  public int takeBulk(int cpu, long[] pfns, int offset, int count, int flags) {
    if (only != null) {
      return lowest.takeBulk(cpu, pfns, offset, count, flags);
    }
    int got = 0;
    for (int b = allocators.length - 1; b >= 0 && got < count; b--) {
      got += probes[b].takeBulk(cpu, pfns, offset + got, count - got, flags);
    }
    return got;
  }

  @Override
  public void countFailure(long frameCount, boolean placed) {
    lowest.countFailure(Math.min(Pages.framesToOrderUp(frameCount), allocators[0].maxOrder()));
  }

  @Override
  public void countRefusal() {
    lowest.countRefusal();
  }

  @Override
  public void countRefusedFree() {
    lowest.countRefusedFree();
  }

  // ---- Free ----

  private HybridAllocator allocatorFor(long pfn) {
    int bank = only == null ? banks.indexOf(pfn) : 0;
    return allocators[Math.max(bank, 0)]; // which says what is wrong with a frame of no bank
  }

  private void freedIn(long pfn) {
    int bank = only == null ? banks.indexOf(pfn) : -1;
    if (bank >= 0) {
      forgetMiss(bank);
    }
  }

  @Override
  public long tryFreeFrames(long pfn, long frameCount) {
    long result = allocatorFor(pfn).tryFreeFrames(pfn, frameCount);
    freedIn(pfn);
    return result;
  }

  @Override
  public long tryFreeRange(long startPfn, long frameCount) {
    long result = allocatorFor(startPfn).tryFreeRange(startPfn, frameCount);
    freedIn(startPfn);
    return result;
  }

  @Override
  public void freeFrames(long pfn, long frameCount) {
    allocatorFor(pfn).freeFrames(pfn, frameCount);
    freedIn(pfn);
  }

  @Override
  public void splitFrames(long pfn, long frameCount) {
    allocatorFor(pfn).splitFrames(pfn, frameCount);
  }

  // ---- Memory handed over, and what there is ----

  @Override
  public long addFrames(long startPfn, long endPfn) {
    long added = allocatorFor(startPfn).addFrames(startPfn, endPfn);
    freedIn(startPfn);
    return added;
  }

  @Override
  public long availableFrames() {
    return banks.availableFrames();
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
  public FrameStatistics statistics() {
    FrameStatistics sum = allocators[0].statistics();
    for (int b = 1; b < allocators.length; b++) {
      sum = ZoneStatistics.sum(sum, allocators[b].statistics());
    }
    return sum;
  }

  @Override
  public void resetCounters() {
    banks.resetCounters();
  }

  @Override
  public ValidationReport validate(boolean insideBlocks) {
    return banks.validate(insideBlocks);
  }
}
