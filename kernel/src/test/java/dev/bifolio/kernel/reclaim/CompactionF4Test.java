package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.testkit.SplitMix64;
import java.util.Arrays;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// F4 of the workloads: fill 90 %, one frame in four lives long, free the others; then compact.
class CompactionF4Test {
  private static final long MIB = 256;

  /// Leaves every fourth frame, by chance, in use.
  private static void fillF4(MovableItems items) {
    SplitMix64 random = new SplitMix64(99);
    long frames = items.frames.managedFrameCount() * 9 / 10;
    long[] shortLived = new long[(int) frames];
    int count = 0;
    for (long i = 0; i < frames; i++) {
      long pfn = items.frames.allocate(0, AllocationFlags.MOVABLE);
      if ((random.next() & 3) == 0) {
        items.adopt(pfn, 1);
      } else {
        shortLived[count++] = pfn;
      }
    }
    items.frames.freeBulk(shortLived, 0, count);
    items.frames.drainCaches();
  }

  /// The live frames of each area in use, ascending: the first k of them are the fewest moves that
  /// gain k areas.
  private static int[] liveOfAreas(MovableItems items) {
    long start = items.frames.startPfn();
    int[] live = new int[(int) ((items.frames.endPfn() - start) / 512)];
    for (int item = 0; item < items.itemCount(); item++) {
      live[(int) ((items.places.get(item) - start) / 512)]++;
    }
    return Arrays.stream(live).filter(frames -> frames > 0).sorted().toArray();
  }

  private static void compactF4(boolean hybrid, long frameCount, boolean contents) {
    try (MovableItems items = new MovableItems(hybrid, 0x1000, frameCount, contents)) {
      fillF4(items);
      long before = items.freeAreas();
      long live = items.itemCount();
      long ideal = (frameCount - live) / 512;
      int[] liveOfAreas = liveOfAreas(items);
      items.compaction.setProactiveness(100);
      while (items.compaction.step(10_000)) {
        // The whole of it.
      }
      long after = items.freeAreas();
      long least = Arrays.stream(liveOfAreas).limit(after - before).asLongStream().sum();
      CompactionCounters did = items.compaction.counters();
      String story =
          (hybrid ? "hybrid" : "classic")
              + ": free areas "
              + before
              + " -> "
              + after
              + " of "
              + ideal
              + ", moved "
              + did.framesMoved()
              + ", at least "
              + least;
      assertTrue(after >= ideal * 95 / 100, story);
      assertEquals(after - before, did.areasGained(), story);
      assertTrue(did.framesMoved() * 100 <= least * 101, story);
      assertEquals(did.framesMoved(), items.migration.movedFrames());
      items.assertAllThere();
      while (items.compaction.step(10_000)) {
        // It counts, and finds nothing to do.
      }
      assertEquals(did.framesMoved(), items.migration.movedFrames());
      assertEquals(after, items.freeAreas());
    }
  }

  @Test
  void theHybridAllocatorGetsItsAreasBack() {
    compactF4(true, 32 * MIB, true);
  }

  @Test
  void theClassicAllocatorGetsItsAreasBack() {
    compactF4(false, 32 * MIB, true);
  }

  @Test
  @Tag("slow")
  void theHybridAllocatorGetsBackAnEighthOfAGibibyteWithContents() {
    compactF4(true, 128 * MIB, true);
  }

  @Test
  @Tag("slow")
  void theClassicAllocatorGetsBackAnEighthOfAGibibyteWithContents() {
    compactF4(false, 128 * MIB, true);
  }

  @Test
  @Tag("slow")
  void theHybridAllocatorGetsBackEightGibibytes() {
    compactF4(true, 8192 * MIB, false);
  }

  @Test
  @Tag("slow")
  void theClassicAllocatorGetsBackEightGibibytes() {
    compactF4(false, 8192 * MIB, false);
  }
}
