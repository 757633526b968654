package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.unit.Pages;

/// A count of everything: one walk over all frames of a hybrid allocator, from which the statistics
/// are derived. Nothing is counted when frames come and go, so that these figures and the words can
/// never disagree.
///
/// One thread; exact when nobody allocates or frees. Takes a step for each unit that is free or
/// allocated as a whole, and for each run of equal frames in areas that are in use.
final class FrameCensus {
  private final int maxOrder;
  private final long[] freeBlocks = new long[Pages.MAX_ORDER + 1];
  private final long[] liveBlocks = new long[Pages.MAX_ORDER + 1];
  private long managedFrames;
  private long freeFrames;
  private long cachedFrames;
  private long usedFrames;
  private long freeRuns;
  private long freeStart = -1;
  private int owner = FrameStates.ABSENT;
  private long ownedFrames;

  FrameCensus(FrameStates states, int maxOrder, long startPfn, long endPfn) {
    this.maxOrder = maxOrder;
    for (long pfn = startPfn; pfn < endPfn; ) {
      long found = states.look(pfn);
      long end = Math.min(FrameStates.endIn(found), endPfn);
      count(pfn, end - pfn, FrameStates.stateIn(found));
      pfn = end;
    }
    endFree(endPfn);
    endOwned();
    managedFrames = freeFrames + cachedFrames + usedFrames;
  }

  private void count(long pfn, long frameCount, int state) {
    if (state != FrameStates.FREE) {
      endFree(pfn);
    }
    if (state != FrameStates.TAIL) {
      endOwned();
    }
    switch (state) {
      case FrameStates.FREE -> {
        freeFrames += frameCount;
        freeStart = freeStart < 0 ? pfn : freeStart;
      }
      case FrameStates.HEAD, FrameStates.CACHED -> {
        owner = state;
        ownedFrames = frameCount;
      }
      case FrameStates.TAIL -> ownedFrames += frameCount;
      default -> {}
    }
  }

  private void endFree(long pfn) {
    if (freeStart < 0) {
      return;
    }
    freeRuns++;
    for (long block = freeStart; block < pfn; ) {
      int order = Pages.largestOrderAt(block, pfn, maxOrder);
      freeBlocks[order]++;
      block += 1L << order;
    }
    freeStart = -1;
  }

  private void endOwned() {
    if (owner == FrameStates.HEAD) {
      usedFrames += ownedFrames;
      liveBlocks[Math.min(Pages.framesToOrderUp(ownedFrames), Pages.MAX_ORDER)]++;
    } else if (owner == FrameStates.CACHED) {
      cachedFrames += ownedFrames;
    } else {
      usedFrames += ownedFrames; // tails without a head: the validator's business
    }
    owner = FrameStates.ABSENT;
    ownedFrames = 0;
  }

  long managedFrames() {
    return managedFrames;
  }

  long freeFrames() {
    return freeFrames;
  }

  long cachedFrames() {
    return cachedFrames;
  }

  long usedFrames() {
    return usedFrames;
  }

  long freeRuns() {
    return freeRuns;
  }

  /// The largest order of which a block is free, or -1.
  int largestFreeOrder() {
    int order = maxOrder;
    while (order >= 0 && freeBlocks[order] == 0) {
      order--;
    }
    return order;
  }

  Fragmentation fragmentation() {
    return new Fragmentation(maxOrder, freeBlocks, freeRuns);
  }

  /// Maximal naturally aligned free blocks of an order.
  long freeBlocks(int order) {
    return freeBlocks[order];
  }

  /// Blocks and runs allocated, under the order of the next power of two of their count.
  long liveBlocks(int order) {
    return liveBlocks[order];
  }
}
