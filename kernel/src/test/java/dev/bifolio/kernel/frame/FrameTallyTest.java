package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.bifolio.testkit.SplitMix64;
import org.junit.jupiter.api.Test;

class FrameTallyTest {
  private static final long START = 0x300;
  private static final long SPAN = 70_000;

  @Test
  void aCountIsWhatTheStatisticsSayInAnyStateOfTheMemory() {
    try (ZeroedWindows windows = new ZeroedWindows()) {
      HybridAllocator hybrid = new HybridAllocator(20, 3);
      hybrid.initialize(
          windows.reserve(HybridAllocator.metadataBytes(START, START + SPAN, 3)),
          START << 12,
          SPAN);
      BuddyAllocator buddy = new BuddyAllocator(20);
      buddy.initialize(
          windows.reserve(BuddyAllocator.metadataBytes(START, START + SPAN)), START << 12, SPAN);
      for (FrameAllocator allocator : new FrameAllocator[] {hybrid, buddy}) {
        allocator.addFrames(START + 7, START + 600);
        allocator.addFrames(START + 1500, START + SPAN - 3);
        agrees(allocator, new SplitMix64(5));
      }
    }
  }

  private static void agrees(FrameAllocator allocator, SplitMix64 random) {
    FrameTally tally = new FrameTally(allocator);
    assertEquals(allocator.managedFrameCount(), tally.availableFrames());
    long[] pfns = new long[4000];
    int[] counts = new int[pfns.length];
    int live = 0;
    for (int step = 0; step < 20_000; step++) {
      boolean growing = step / 4000 % 2 == 0;
      if (live < pfns.length && random.below(10) < (growing ? 7 : 2)) {
        counts[live] = random.below(4) == 0 ? 1 + random.below(700) : 1;
        pfns[live] = allocator.allocateFrames(counts[live], random.below(16) & ~1);
        live += pfns[live] < 0 ? 0 : 1;
      } else if (live > 0) {
        int i = random.below(live--);
        allocator.freeFrames(pfns[i], counts[i]);
        pfns[i] = pfns[live];
        counts[i] = counts[live];
      }
      if (step % 97 == 0) {
        FrameStatistics found = allocator.statistics();
        assertEquals(found.freeFrames() + found.cachedFrames(), tally.availableFrames());
      }
    }
    allocator.drainCaches();
    assertEquals(allocator.freeFrameCount(), tally.availableFrames());
  }
}
