package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.List;

/// Random honest work on a hybrid allocator of some span, with holes, for 1 to 5 CPUs: blocks of
/// order 0 to 12, exact counts, frames below a limit, ranges, bulk, splits, drained caches, frames
/// that are handed over late, caches with an owner. Every free is a legal one and must be served.
final class HybridWork implements AutoCloseable {
  private static final int MAX_ORDER = 20;

  final HybridAllocator allocator;
  private final SplitMix64 random;
  private final int cpus;
  private final ZeroedWindows metadata = new ZeroedWindows();

  /// First frame and frame count of what is live.
  private final List<long[]> live = new ArrayList<>();

  private final List<FrameCache> caches = new ArrayList<>();

  /// Ranges that are live, as they were asked for.
  private final List<long[]> ranges = new ArrayList<>();

  HybridWork(SplitMix64 random, long startPfn, long frameCount) {
    this.random = random;
    cpus = 1 + random.below(5);
    long end = startPfn + frameCount;
    long words = metadata.reserve(HybridAllocator.metadataBytes(startPfn, end, cpus));
    long address = Pages.pfnToAddress(startPfn);
    allocator = new HybridAllocator(MAX_ORDER, cpus, words, address, frameCount);
  }

  @Override
  public void close() {
    metadata.close();
  }

  /// Hands over pieces, in any order; they may overlap.
  void handOver(int pieces, int atMost) {
    for (int i = 0; i < pieces; i++) {
      long from = random.between(allocator.startPfn(), allocator.endPfn());
      allocator.addFrames(from, Math.min(allocator.endPfn(), from + 1 + random.below(atMost)));
    }
  }

  void steps(int count) {
    for (int step = 0; step < count; step++) {
      if (random.oneIn(200)) {
        allocator.drainCaches();
      } else if (random.oneIn(200)) {
        handOver(1, 700);
      } else if (random.oneIn(150) && caches.size() < 4) {
        caches.add(allocator.openCache(flags()));
      } else if (random.oneIn(300) && !caches.isEmpty()) {
        caches.removeLast().close();
      } else if (live.isEmpty() || random.below(100) < 55) {
        request();
      } else {
        giveBack();
      }
    }
  }

  private int flags() {
    int flags = random.below(AllocationFlags.FRAME_BITS + 1) & ~AllocationFlags.ZERO;
    return (flags & 6) == 6 ? flags ^ AllocationFlags.MOVABLE : flags;
  }

  private void request() {
    if (!caches.isEmpty() && random.oneIn(2)) {
      note(caches.get(random.below(caches.size())).allocate(), 1);
      return;
    }
    int flags = flags();
    switch (random.below(12)) {
      case 0 -> bulk(flags);
      case 1 -> range(flags);
      case 2 -> exact(1L + random.below(40_000), flags);
      case 3, 4 -> exact(1L + random.below(700), flags);
      case 5 -> {
        long count = 1L + random.below(700);
        long limit = random.between(allocator.startPfn(), allocator.endPfn());
        note(allocator.tryAllocateFramesWithin(count, flags, 1, limit, 0), count);
      }
      default -> {
        int order = Math.min(random.below(13), random.below(13));
        note(allocator.tryAllocateOn(random.below(2 * cpus), order, flags), 1L << order);
      }
    }
  }

  private void exact(long frameCount, int flags) {
    note(allocator.tryAllocateFrames(frameCount, flags), frameCount);
  }

  private void note(long pfn, long frameCount) {
    if (pfn >= 0) {
      live.add(new long[] {pfn, frameCount});
    }
  }

  private void bulk(int flags) {
    long[] pfns = new long[random.below(100)];
    int got = allocator.allocateBulk(pfns, 0, pfns.length, flags);
    for (int i = 0; i < got; i++) {
      note(pfns[i], 1);
    }
  }

  private void range(int flags) {
    long start = random.between(allocator.startPfn(), allocator.endPfn());
    long frameCount = 1L + random.below(random.oneIn(3) ? 3000 : 100);
    if (allocator.tryAllocateRange(start, frameCount, flags) >= 0) {
      ranges.add(new long[] {start, frameCount});
    }
  }

  private void giveBack() {
    if (!ranges.isEmpty() && random.oneIn(8)) {
      long[] range = pick(ranges);
      assertEquals(0, allocator.tryFreeRange(range[0], range[1]));
      return;
    }
    long[] block = pick(live);
    if (block[1] > 1 && block[1] < 3000 && random.oneIn(10)) {
      allocator.splitFrames(block[0], block[1]);
      for (long pfn = block[0]; pfn < block[0] + block[1]; pfn++) {
        if (random.oneIn(2)) {
          note(pfn, 1);
        } else {
          assertEquals(0, allocator.tryFreeOn(random.below(2 * cpus), pfn, 0));
        }
      }
    } else if (block[1] == 1 && !caches.isEmpty() && random.oneIn(2)) {
      caches.get(random.below(caches.size())).free(block[0]);
    } else if (Long.bitCount(block[1]) == 1) {
      int order = Long.numberOfTrailingZeros(block[1]);
      assertEquals(0, allocator.tryFreeOn(random.below(2 * cpus), block[0], order));
    } else {
      assertEquals(0, allocator.tryFreeFrames(block[0], block[1]));
    }
  }

  private long[] pick(List<long[]> blocks) {
    int pick = random.below(blocks.size());
    long[] block = blocks.set(pick, blocks.getLast());
    blocks.removeLast();
    return block;
  }
}
