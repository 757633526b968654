package dev.bifolio.kernel;

import dev.bifolio.kernel.boot.BankPlan;
import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.frame.FrameCounters;
import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.frame.FrameStatistics;
import dev.bifolio.kernel.frame.ValidationReport;
import dev.bifolio.kernel.unit.FrameError;
import org.jspecify.annotations.Nullable;

/// All banks of a machine as one source of frames. The machine's lock is held around every call.
///
/// A request goes to the highest bank that can serve it. The counters are those of the whole: a
/// request that the first bank refuses and the second serves is one request and no failure.
final class BankSet {
  private final BankPlan plan;
  private final Bank[] banks;
  private final FrameCounters counters = new FrameCounters();

  BankSet(BankPlan plan, Bank[] banks) {
    this.plan = plan;
    this.banks = banks;
  }

  FrameCounters counters() {
    return counters;
  }

  long managedFrames() {
    return counters.totalFrames();
  }

  /// Frames that are not in use: free, or waiting in a cache.
  long freeFrames() {
    return counters.freeFrames();
  }

  int nodeIndexOf(int node) {
    return plan.nodeIndexOf(node);
  }

  @Nullable FrameInfo infoOf(long pfn) {
    int bank = plan.bankOf(pfn);
    return bank < 0 ? null : banks[bank].info();
  }

  /// Hands frames over to the bank that spans them.
  long addFrames(long startPfn, long endPfn) {
    long added = banks[plan.bankOf(startPfn)].allocator().addFrames(startPfn, endPfn);
    counters.added(added);
    return added;
  }

  /// A run of a legal count, or NO_FRAME.
  long take(long frameCount, int flags) {
    for (int b = banks.length - 1; b >= 0; b--) {
      FrameAllocator allocator = banks[b].allocator();
      if (notInUse(allocator) >= frameCount) {
        long pfn = allocator.tryAllocateFrames(frameCount, flags);
        if (pfn >= 0) {
          counters.allocated(frameCount, AllocationFlags.kindOf(flags));
          return pfn;
        }
      }
    }
    counters.exhausted(frameCount);
    return FrameAllocator.NO_FRAME;
  }

  /// Frees a run: 0 or the code of a mistake.
  long giveBack(long pfn, long frameCount) {
    int bank = plan.bankOf(pfn);
    long result =
        bank < 0
            ? FrameError.OUT_OF_RANGE.code()
            : banks[bank].allocator().tryFreeFrames(pfn, frameCount);
    if (result == 0) {
      counters.freed(frameCount);
    } else {
      counters.refusedFree();
    }
    return result;
  }

  /// The allocator whose bank spans a frame, which knows best what is wrong with a request.
  @Nullable FrameAllocator allocatorOf(long pfn) {
    int bank = plan.bankOf(pfn);
    return bank < 0 ? null : banks[bank].allocator();
  }

  /// Free frames with those in caches, or free blocks of an order, in a node or in all.
  ///
  /// @param nodeIndex negative for all
  /// @param order negative for frames
  long free(int nodeIndex, int order) {
    long sum = 0;
    for (Bank bank : banks) {
      if (nodeIndex < 0 || bank.nodeIndex() == nodeIndex) {
        FrameAllocator allocator = bank.allocator();
        sum += order < 0 ? notInUse(allocator) : allocator.freeBlockCount(order);
      }
    }
    return sum;
  }

  private static long notInUse(FrameAllocator allocator) {
    return allocator.freeFrameCount() + allocator.cachedFrameCount();
  }

  /// Managed frames of each node.
  long[] managedByNode(int nodeCount) {
    long[] sums = new long[nodeCount];
    for (Bank bank : banks) {
      sums[bank.nodeIndex()] += bank.allocator().managedFrameCount();
    }
    return sums;
  }

  /// Free frames with those in caches, or free blocks of an order, of each node.
  long[] freeByNode(int nodeCount, int order) {
    long[] sums = new long[nodeCount];
    for (Bank bank : banks) {
      FrameAllocator allocator = bank.allocator();
      sums[bank.nodeIndex()] += order < 0 ? notInUse(allocator) : allocator.freeBlockCount(order);
    }
    return sums;
  }

  FrameStatistics statistics() {
    long cached = 0;
    long splits = 0;
    long coalesces = 0;
    for (Bank bank : banks) {
      FrameStatistics one = bank.allocator().statistics();
      cached += one.cachedFrames();
      splits += one.splits();
      coalesces += one.coalesces();
    }
    return counters.snapshot(cached, splits, coalesces);
  }

  void resetCounters() {
    for (Bank bank : banks) {
      bank.allocator().resetCounters();
    }
    counters.resetRequests();
  }

  ValidationReport validate(boolean insideBlocks) {
    long checked = 0;
    long problems = 0;
    StringBuilder text = new StringBuilder();
    for (Bank bank : banks) {
      FrameAllocator allocator = bank.allocator();
      ValidationReport one = insideBlocks ? allocator.validate() : allocator.validateBlocks();
      checked += one.checkedFrames();
      problems += one.problemCount();
      text.append(one.problems());
    }
    long free = free(-1, -1);
    if (free != counters.freeFrames()) {
      problems++;
      text.append("the banks have ").append(free).append(" free frames, the machine counts ");
      text.append(counters.freeFrames()).append('\n');
    }
    return new ValidationReport(checked, problems, text.toString());
  }
}
