package dev.bifolio.kernel;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.frame.FrameCounters;
import dev.bifolio.kernel.frame.FrameStatistics;
import dev.bifolio.kernel.frame.ValidationReport;
import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.Pages;

/// Banks of classic allocators, which are for one thread: a spin lock stands around every call.
///
/// - I1 The counters of the whole and the frames of the banks change together, under the lock.
///
/// A request goes to the highest bank that can serve it. The banks count the attempts, which nobody
/// asks for; the counters here are those of the machine.
final class LockedFrames implements MachineFrames {
  private final BankSet banks;
  private final SpinLock lock;
  private final int maxOrder;
  private final FrameCounters counters = new FrameCounters();

  /// Banks behind a lock.
  ///
  /// @param lockAddress of 8 zero bytes
  LockedFrames(BankSet banks, long lockAddress, int maxOrder) {
    this.banks = banks;
    this.lock = new SpinLock(lockAddress);
    this.maxOrder = maxOrder;
  }

  // ---- Allocation ----

  @Override
  public long tryAllocate(int order, int flags) {
    boolean legal = order >= 0 && order <= maxOrder;
    return legal
        ? take(Pages.orderToFrames(order), flags)
        : refuse(FrameError.INVALID_ORDER.code());
  }

  @Override
  public long tryAllocateFrames(long frameCount, int flags) {
    if (frameCount <= 0) {
      return refuse(FrameError.ZERO_ALLOCATION.code());
    }
    boolean legal = frameCount <= Pages.orderToFrames(maxOrder);
    return legal ? take(frameCount, flags) : refuse(FrameError.TOO_LARGE.code());
  }

  private long refuse(long code) {
    lock.lock();
    counters.refused();
    lock.unlock();
    return code;
  }

  private long take(long frameCount, int flags) {
    lock.lock();
    try {
      for (int b = banks.count() - 1; b >= 0; b--) {
        FrameAllocator allocator = banks.bank(b).allocator();
        if (allocator.freeFrameCount() >= frameCount) {
          long pfn = allocator.tryAllocateFrames(frameCount, flags);
          if (pfn >= 0) {
            counters.allocated(frameCount, AllocationFlags.kindOf(flags));
            return pfn;
          }
        }
      }
      counters.exhausted(frameCount);
      return FrameAllocator.NO_FRAME;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public long tryAllocateFramesWithin(
      long frameCount, int flags, long alignmentFrames, long maxPfn, long boundaryFrames) {
    lock.lock();
    try {
      long result = FrameAllocator.NO_FRAME;
      for (int b = banks.count() - 1; b >= 0 && result == FrameAllocator.NO_FRAME; b--) {
        FrameAllocator allocator = banks.bank(b).allocator();
        result =
            allocator.tryAllocateFramesWithin(
                frameCount, flags, alignmentFrames, maxPfn, boundaryFrames);
      }
      if (result >= 0) {
        counters.allocated(frameCount, AllocationFlags.kindOf(flags));
      } else if (result == FrameAllocator.NO_FRAME) {
        counters.missed(frameCount);
      } else {
        counters.refused();
      }
      return result;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public long tryAllocateRange(long startPfn, long frameCount, int flags) {
    FrameAllocator allocator = banks.allocatorOf(startPfn);
    if (allocator == null || frameCount < 1) {
      return refuse((frameCount < 1 ? FrameError.ZERO_ALLOCATION : FrameError.OUT_OF_RANGE).code());
    }
    lock.lock();
    try {
      long result = allocator.tryAllocateRange(startPfn, frameCount, flags);
      if (result >= 0) {
        long end = startPfn + frameCount;
        for (long pfn = startPfn; pfn < end; pfn += blockAt(pfn, end)) {
          counters.allocated(blockAt(pfn, end), AllocationFlags.kindOf(flags));
        }
      } else if (result == FrameAllocator.NO_FRAME) {
        counters.missed(frameCount);
      } else {
        counters.refused();
      }
      return result;
    } finally {
      lock.unlock();
    }
  }

  private long blockAt(long pfn, long endPfn) {
    return Pages.orderToFrames(Pages.largestOrderAt(pfn, endPfn, maxOrder));
  }

  // ---- Free ----

  @Override
  public long tryFree(long pfn, int order) {
    boolean legal = order >= 0 && order <= maxOrder;
    return legal
        ? tryFreeFrames(pfn, Pages.orderToFrames(order))
        : refuseFree(FrameError.INVALID_ORDER.code());
  }

  @Override
  public long tryFreeFrames(long pfn, long frameCount) {
    FrameAllocator allocator = banks.allocatorOf(pfn);
    if (allocator == null || frameCount <= 0) {
      return refuseFree(
          (frameCount <= 0 ? FrameError.ZERO_ALLOCATION : FrameError.OUT_OF_RANGE).code());
    }
    lock.lock();
    try {
      long result = allocator.tryFreeFrames(pfn, frameCount);
      if (result == 0) {
        counters.freed(frameCount);
      } else {
        counters.refusedFree();
      }
      return result;
    } finally {
      lock.unlock();
    }
  }

  private long refuseFree(long code) {
    lock.lock();
    counters.refusedFree();
    lock.unlock();
    return code;
  }

  @Override
  public long tryFreeRange(long startPfn, long frameCount) {
    FrameAllocator allocator = banks.allocatorOf(startPfn);
    if (allocator == null || frameCount < 1) {
      return refuseFree(
          (frameCount < 1 ? FrameError.ZERO_ALLOCATION : FrameError.OUT_OF_RANGE).code());
    }
    lock.lock();
    try {
      long result = allocator.tryFreeRange(startPfn, frameCount);
      if (result == 0) {
        long end = startPfn + frameCount;
        for (long pfn = startPfn; pfn < end; pfn += blockAt(pfn, end)) {
          counters.freed(blockAt(pfn, end));
        }
      } else {
        counters.refusedFree();
      }
      return result;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void free(long pfn, int order) {
    freeFrames(pfn, Pages.orderToFrames(order));
  }

  @Override
  public void freeFrames(long pfn, long frameCount) {
    FrameAllocator allocator = banks.allocatorOf(pfn);
    if (allocator == null) {
      long _ = refuseFree(FrameError.OUT_OF_RANGE.code());
      throw MachineFrames.outside(pfn);
    }
    boolean freed = false;
    lock.lock();
    try {
      allocator.freeFrames(pfn, frameCount);
      counters.freed(frameCount);
      freed = true;
    } finally {
      if (!freed) {
        counters.refusedFree();
      }
      lock.unlock();
    }
  }

  @Override
  public void splitFrames(long pfn, long frameCount) {
    FrameAllocator allocator = banks.allocatorOf(pfn);
    if (allocator == null) {
      throw MachineFrames.outside(pfn);
    }
    lock.lock();
    try {
      allocator.splitFrames(pfn, frameCount);
      counters.splitIntoFrames(frameCount);
    } finally {
      lock.unlock();
    }
  }

  // ---- Memory handed over, and what there is ----

  @Override
  public long addFrames(long startPfn, long endPfn) {
    lock.lock();
    try {
      int bank = banks.indexOf(startPfn);
      long added = banks.bank(bank).allocator().addFrames(startPfn, endPfn);
      counters.added(added);
      return added;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public long drainCaches() {
    return 0;
  }

  @Override
  public long freeFrameCount(int nodeIndex) {
    lock.lock();
    try {
      return banks.freeFrames(nodeIndex);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public long cachedFrameCount(int nodeIndex) {
    return 0;
  }

  @Override
  public long freeBlockCount(int nodeIndex, int order) {
    lock.lock();
    try {
      return banks.freeBlocks(nodeIndex, order);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public FrameStatistics statistics() {
    lock.lock();
    try {
      long splits = 0;
      long coalesces = 0;
      for (int b = 0; b < banks.count(); b++) {
        FrameStatistics one = banks.bank(b).allocator().statistics();
        splits += one.splits();
        coalesces += one.coalesces();
      }
      return counters.snapshot(0, splits, coalesces);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void resetCounters() {
    lock.lock();
    try {
      banks.resetCounters();
      counters.resetRequests();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public ValidationReport validate(boolean insideBlocks) {
    lock.lock();
    try {
      ValidationReport found = banks.validate(insideBlocks);
      long free = banks.freeFrames(-1);
      if (free == counters.freeFrames()) {
        return found;
      }
      String text = "the banks have " + free + " free frames, the machine counts ";
      return new ValidationReport(
          found.checkedFrames(),
          found.problemCount() + 1,
          found.problems() + text + counters.freeFrames() + '\n');
    } finally {
      lock.unlock();
    }
  }
}
