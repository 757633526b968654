package dev.bifolio.kernel.zone;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.frame.FrameCounters;
import dev.bifolio.kernel.frame.FrameStatistics;
import dev.bifolio.kernel.frame.ValidationReport;
import dev.bifolio.kernel.platform.SpinLock;
import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.Pages;
import org.jspecify.annotations.Nullable;

/// Banks of classic allocators, which are for one thread: a spin lock of the zone stands around
/// every call.
///
/// - I1 The counters of the zone and the frames of its banks change together, under the lock.
///
/// A request goes to the highest bank that can serve it. The banks count the attempts, which nobody
/// asks for; the counters here are those of the zone.
final class LockedMemory implements ZoneMemory {
  private final BankSet banks;
  private final SpinLock lock;
  private final int maxOrder;
  private final FrameCounters counters = new FrameCounters();

  /// Banks behind a lock.
  ///
  /// @param lockAddress of 8 zero bytes
  LockedMemory(BankSet banks, long lockAddress) {
    this.banks = banks;
    this.lock = new SpinLock(lockAddress);
    this.maxOrder = banks.allocator(0).maxOrder();
  }

  // ---- Allocation ----

  @Override
  public long take(int cpu, int order, int flags) {
    return takeFrames(cpu, Pages.orderToFrames(order), flags);
  }

  @Override
  public long takeFrames(int cpu, long frameCount, int flags) {
    lock.lock();
    try {
      for (int b = banks.count() - 1; b >= 0; b--) {
        FrameAllocator allocator = banks.allocator(b);
        if (allocator.freeFrameCount() >= frameCount) {
          long pfn = allocator.tryAllocateFrames(frameCount, flags);
          if (pfn >= 0) {
            counters.allocated(frameCount, AllocationFlags.kindOf(flags));
            return pfn;
          }
        }
      }
      return FrameAllocator.NO_FRAME;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public long takeWithin(int cpu, long frameCount, int flags, long alignmentFrames, long maxPfn) {
    lock.lock();
    try {
      long pfn = FrameAllocator.NO_FRAME;
      for (int b = banks.count() - 1; b >= 0 && pfn == FrameAllocator.NO_FRAME; b--) {
        FrameAllocator allocator = banks.allocator(b);
        pfn = allocator.tryAllocateFramesWithin(frameCount, flags, alignmentFrames, maxPfn, 0);
      }
      if (pfn >= 0) {
        counters.allocated(frameCount, AllocationFlags.kindOf(flags));
      }
      return pfn;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public long takeRange(int cpu, long startPfn, long frameCount, int flags) {
    int bank = banks.indexOf(startPfn);
    if (bank < 0) {
      return FrameError.OUT_OF_RANGE.code();
    }
    lock.lock();
    try {
      long result = banks.allocator(bank).tryAllocateRange(startPfn, frameCount, flags);
      long end = startPfn + frameCount;
      for (long pfn = startPfn; result >= 0 && pfn < end; pfn += blockAt(pfn, end)) {
        counters.allocated(blockAt(pfn, end), AllocationFlags.kindOf(flags));
      }
      return result;
    } finally {
      lock.unlock();
    }
  }

  private long blockAt(long pfn, long endPfn) {
    return Pages.orderToFrames(Pages.largestOrderAt(pfn, endPfn, maxOrder));
  }

  @Override
  public int takeBulk(int cpu, long[] pfns, int offset, int count, int flags) {
    int got = 0;
    for (; got < count; got++) {
      long pfn = take(cpu, 0, flags);
      if (pfn < 0) {
        break;
      }
      pfns[offset + got] = pfn;
    }
    return got;
  }

  @Override
  public void countFailure(long frameCount, boolean placed) {
    lock.lock();
    if (placed) {
      counters.missed(frameCount);
    } else {
      counters.exhausted(frameCount);
    }
    lock.unlock();
  }

  @Override
  public void countRefusal() {
    lock.lock();
    counters.refused();
    lock.unlock();
  }

  @Override
  public void countRefusedFree() {
    lock.lock();
    counters.refusedFree();
    lock.unlock();
  }

  // ---- Free ----

  @Override
  public long tryFreeFrames(long pfn, long frameCount) {
    FrameError mistake = mistakeIn(pfn, frameCount);
    if (mistake != null) {
      return mistake.code();
    }
    lock.lock();
    try {
      long result = allocatorOf(pfn).tryFreeFrames(pfn, frameCount);
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

  private FrameAllocator allocatorOf(long pfn) {
    return banks.allocator(Math.max(0, banks.indexOf(pfn)));
  }

  private @Nullable FrameError mistakeIn(long pfn, long frameCount) {
    if (frameCount > 0 && banks.indexOf(pfn) >= 0) {
      return null;
    }
    countRefusedFree();
    return frameCount <= 0 ? FrameError.ZERO_ALLOCATION : FrameError.OUT_OF_RANGE;
  }

  @Override
  public long tryFreeRange(long startPfn, long frameCount) {
    FrameError mistake = mistakeIn(startPfn, frameCount);
    if (mistake != null) {
      return mistake.code();
    }
    lock.lock();
    try {
      long result = allocatorOf(startPfn).tryFreeRange(startPfn, frameCount);
      if (result != 0) {
        counters.refusedFree();
      }
      long end = startPfn + frameCount;
      for (long pfn = startPfn; result == 0 && pfn < end; pfn += blockAt(pfn, end)) {
        counters.freed(blockAt(pfn, end));
      }
      return result;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void freeFrames(long pfn, long frameCount) {
    boolean freed = false;
    lock.lock();
    try {
      allocatorOf(pfn).freeFrames(pfn, frameCount);
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
    if (banks.indexOf(pfn) < 0) {
      throw ZoneMemory.outside(pfn);
    }
    lock.lock();
    try {
      allocatorOf(pfn).splitFrames(pfn, frameCount);
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
      long added = allocatorOf(startPfn).addFrames(startPfn, endPfn);
      counters.added(added);
      return added;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public long availableFrames() {
    lock.lock();
    long frames = banks.availableFrames();
    lock.unlock();
    return frames;
  }

  @Override
  public long drainCaches() {
    return 0;
  }

  @Override
  public FrameStatistics statistics() {
    lock.lock();
    try {
      long splits = 0;
      long coalesces = 0;
      for (int b = 0; b < banks.count(); b++) {
        FrameStatistics one = banks.allocator(b).statistics();
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
      long free = banks.freeFrames();
      if (free == counters.freeFrames()) {
        return found;
      }
      String text = "the banks have " + free + " free frames, the zone counts ";
      return new ValidationReport(
          found.checkedFrames(),
          found.problemCount() + 1,
          found.problems() + text + counters.freeFrames() + '\n');
    } finally {
      lock.unlock();
    }
  }
}
