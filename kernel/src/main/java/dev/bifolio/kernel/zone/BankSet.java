package dev.bifolio.kernel.zone;

import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.frame.FrameMap;
import dev.bifolio.kernel.frame.FrameTally;
import dev.bifolio.kernel.frame.ValidationReport;
import dev.bifolio.kernel.unit.SortedRanges;

/// Banks from the lowest to the highest, and sums over them.
final class BankSet {
  private final ZoneBank[] banks;
  private final FrameTally[] tallies;
  private final FrameMap[] maps;
  private final long[] startPfn;
  private final long[] endPfn;

  BankSet(ZoneBank[] sorted) {
    banks = sorted.clone();
    tallies = new FrameTally[banks.length];
    maps = new FrameMap[banks.length];
    startPfn = new long[banks.length];
    endPfn = new long[banks.length];
    for (int b = 0; b < banks.length; b++) {
      tallies[b] = new FrameTally(banks[b].allocator());
      maps[b] = new FrameMap(banks[b].allocator());
      startPfn[b] = banks[b].allocator().startPfn();
      endPfn[b] = banks[b].allocator().endPfn();
    }
  }

  int count() {
    return banks.length;
  }

  ZoneBank bank(int index) {
    return banks[index];
  }

  FrameAllocator allocator(int index) {
    return banks[index].allocator();
  }

  FrameMap map(int index) {
    return maps[index];
  }

  long startPfn() {
    return startPfn[0];
  }

  long endPfn() {
    return endPfn[endPfn.length - 1];
  }

  /// The bank that spans a frame, or -1.
  int indexOf(long pfn) {
    return SortedRanges.indexOf(startPfn, endPfn, startPfn.length, pfn);
  }

  long presentFrames() {
    long sum = 0;
    for (ZoneBank bank : banks) {
      sum += bank.presentFrames();
    }
    return sum;
  }

  long managedFrames() {
    long sum = 0;
    for (ZoneBank bank : banks) {
      sum += bank.allocator().managedFrameCount();
    }
    return sum;
  }

  long availableFrames() {
    long sum = 0;
    for (FrameTally tally : tallies) {
      sum += tally.availableFrames();
    }
    return sum;
  }

  long freeFrames() {
    long sum = 0;
    for (ZoneBank bank : banks) {
      sum += bank.allocator().freeFrameCount();
    }
    return sum;
  }

  long cachedFrames() {
    long sum = 0;
    for (ZoneBank bank : banks) {
      sum += bank.allocator().cachedFrameCount();
    }
    return sum;
  }

  long freeBlocks(int order) {
    long sum = 0;
    for (ZoneBank bank : banks) {
      sum += bank.allocator().freeBlockCount(order);
    }
    return sum;
  }

  long drainCaches() {
    long frames = 0;
    for (ZoneBank bank : banks) {
      frames += bank.allocator().drainCaches();
    }
    return frames;
  }

  void resetCounters() {
    for (ZoneBank bank : banks) {
      bank.allocator().resetCounters();
    }
  }

  ValidationReport validate(boolean insideBlocks) {
    long checked = 0;
    long problems = 0;
    StringBuilder text = new StringBuilder();
    for (ZoneBank bank : banks) {
      FrameAllocator allocator = bank.allocator();
      ValidationReport one = insideBlocks ? allocator.validate() : allocator.validateBlocks();
      checked += one.checkedFrames();
      problems += one.problemCount();
      text.append(one.problems());
    }
    return new ValidationReport(checked, problems, text.toString());
  }
}
