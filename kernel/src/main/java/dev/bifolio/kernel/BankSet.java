package dev.bifolio.kernel;

import dev.bifolio.kernel.boot.BankPlan;
import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.frame.ValidationReport;
import org.jspecify.annotations.Nullable;

/// The banks of a machine, from the lowest to the highest, and sums over them.
final class BankSet {
  private final BankPlan plan;
  private final Bank[] banks;

  BankSet(BankPlan plan, Bank[] banks) {
    this.plan = plan;
    this.banks = banks;
  }

  int count() {
    return banks.length;
  }

  Bank bank(int index) {
    return banks[index];
  }

  /// The bank that spans a frame, negative if there is none.
  int indexOf(long pfn) {
    return plan.bankOf(pfn);
  }

  int nodeIndexOf(int node) {
    return plan.nodeIndexOf(node);
  }

  @Nullable FrameInfo infoOf(long pfn) {
    int bank = plan.bankOf(pfn);
    return bank < 0 ? null : banks[bank].info();
  }

  /// The allocator whose bank spans a frame, which knows best what is wrong with a request.
  @Nullable FrameAllocator allocatorOf(long pfn) {
    int bank = plan.bankOf(pfn);
    return bank < 0 ? null : banks[bank].allocator();
  }

  private static boolean isIn(Bank bank, int nodeIndex) {
    return nodeIndex < 0 || bank.nodeIndex() == nodeIndex;
  }

  /// Managed frames of a node, or of all if negative.
  long managedFrames(int nodeIndex) {
    long sum = 0;
    for (Bank bank : banks) {
      sum += isIn(bank, nodeIndex) ? bank.allocator().managedFrameCount() : 0;
    }
    return sum;
  }

  /// Frames of a node, or of all if negative, that are free.
  long freeFrames(int nodeIndex) {
    long sum = 0;
    for (Bank bank : banks) {
      sum += isIn(bank, nodeIndex) ? bank.allocator().freeFrameCount() : 0;
    }
    return sum;
  }

  /// Frames of a node, or of all if negative, that wait in caches.
  long cachedFrames(int nodeIndex) {
    long sum = 0;
    for (Bank bank : banks) {
      sum += isIn(bank, nodeIndex) ? bank.allocator().cachedFrameCount() : 0;
    }
    return sum;
  }

  /// Free blocks of an order in a node, or in all if negative.
  long freeBlocks(int nodeIndex, int order) {
    long sum = 0;
    for (Bank bank : banks) {
      sum += isIn(bank, nodeIndex) ? bank.allocator().freeBlockCount(order) : 0;
    }
    return sum;
  }

  long drainCaches() {
    long frames = 0;
    for (Bank bank : banks) {
      frames += bank.allocator().drainCaches();
    }
    return frames;
  }

  void resetCounters() {
    for (Bank bank : banks) {
      bank.allocator().resetCounters();
    }
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
    return new ValidationReport(checked, problems, text.toString());
  }
}
