package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Robson's bound, both ways: with that much memory no sequence runs out, and a sequence made to
/// fragment comes close to needing it.
class RobsonBoundTest extends FrameAllocatorFixture {
  private static final int LARGEST = 5;
  private static final long DEMAND = 256;

  RobsonBoundTest() {
    super(new AllocatorUnderTest.Buddy());
  }

  /// The bound for [#DEMAND] and [#LARGEST], rounded up to whole blocks of the largest order.
  private static long boundFrames() {
    long bound = DEMAND + DEMAND * LARGEST / 2 - (1L << LARGEST) + 1;
    return (bound + (1L << LARGEST) - 1) >>> LARGEST << LARGEST;
  }

  @Test
  @Tag("slow")
  void randomRequestsNeverFailInAMemoryOfTheBound() {
    for (int seed = 0; seed < 100; seed++) {
      FrameAllocator allocator = memoryOf(LARGEST, 0, boundFrames());
      churn(allocator, new SplitMix64(seed));
      FrameStatistics statistics = allocator.statistics();
      assertEquals(0, statistics.failures());
      assertTrue(statistics.peakDemandFrames() <= DEMAND);
      assertTrue(statistics.isWithinRobsonBound(), statistics.toString());
    }
  }

  private static void churn(FrameAllocator allocator, SplitMix64 random) {
    List<long[]> live = new ArrayList<>();
    long outstanding = 0;
    int phaseOrder = 0;
    for (int step = 0; step < 3000; step++) {
      if (step % 300 == 0) {
        phaseOrder = random.below(LARGEST + 1);
      }
      int order = random.oneIn(3) ? random.below(LARGEST + 1) : phaseOrder;
      if (outstanding + (1L << order) <= DEMAND && !random.oneIn(4)) {
        live.add(new long[] {allocate(allocator, order), order});
        outstanding += 1L << order;
      } else if (!live.isEmpty()) {
        long[] block = live.remove(random.below(live.size()));
        allocator.free(block[0], (int) block[1]);
        outstanding -= 1L << block[1];
      }
    }
  }

  @Test
  void theWorstSequenceFitsTheBoundAndFailsWithMuchLess() {
    assertEquals(0, failuresOfWorstSequence(boundFrames()));
    assertNotEquals(0, failuresOfWorstSequence(boundFrames() * 3 / 4));
  }

  /// Fills the memory with blocks of one order, keeps one block in each block of the next order,
  /// and goes on with that order: each round strands half of the demand.
  private long failuresOfWorstSequence(long frameCount) {
    FrameAllocator allocator = memoryOf(LARGEST, 0, frameCount);
    List<long[]> live = new ArrayList<>();
    long outstanding = 0;
    for (int order = 0; order <= LARGEST; order++) {
      long unit = 1L << order;
      boolean[] kept = new boolean[(int) (frameCount >>> order) + 1];
      List<long[]> keep = new ArrayList<>();
      for (long[] block : live) {
        int index = (int) (block[0] >>> order);
        if (kept[index]) {
          allocator.free(block[0], (int) block[1]);
          outstanding -= 1L << block[1];
        } else {
          kept[index] = true;
          keep.add(block);
        }
      }
      live = keep;
      while (outstanding + unit <= DEMAND) {
        long pfn = allocate(allocator, order);
        if (pfn == NO_FRAME) {
          break;
        }
        live.add(new long[] {pfn, order});
        outstanding += unit;
      }
    }
    FrameStatistics statistics = allocator.statistics();
    assertEquals(statistics.failures() == 0, statistics.isWithinRobsonBound());
    return statistics.failures();
  }

  @Test
  void aFailureInsideTheBoundWouldBeSeen() {
    FrameAllocator allocator = memoryOf(3, 0, 8);
    long[] pfns = new long[8];
    Arrays.setAll(pfns, _ -> allocate(allocator, 0));
    allocator.free(pfns[1], 0);
    allocator.free(pfns[5], 0);
    assertEquals(NO_FRAME, allocate(allocator, 1));
    // Demand 8 with requests up to 2 may need 8 * 1.5 - 2 + 1 = 11 frames.
    assertEquals(11, allocator.statistics().robsonBoundFrames());
    assertFalse(allocator.statistics().isWithinRobsonBound());
  }
}
