package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;
import dev.bifolio.testkit.SplitMix64;
import java.util.Arrays;
import java.util.BitSet;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Many single frames at once are the same as one after the other.
class HybridBulkRequestsTest extends FrameAllocatorFixture {
  private static final int FRAMES = 1 << 13;

  HybridBulkRequestsTest() {
    super(new AllocatorUnderTest.Hybrid());
  }

  private static void assertNotInUse(FrameAllocator allocator, long frameCount) {
    assertEquals(frameCount, notInUse(allocator));
    assertConserved(allocator);
    allocator.assertValid();
  }

  @Test
  void framesFreedTogetherAreFreeHoweverTheyAreMixed() {
    SplitMix64 random = new SplitMix64(5);
    for (int round = 0; round < 20; round++) {
      FrameAllocator allocator = memoryOf(20, 512L * round + 77L * (round % 3), FRAMES);
      long[] pfns = new long[FRAMES];
      assertEquals(FRAMES, allocator.allocateBulk(pfns, 0, FRAMES, AllocationFlags.NONE));
      assertEquals(FRAMES, Arrays.stream(pfns).distinct().count());
      for (int swaps = round * 100; swaps > 0; swaps--) {
        int i = random.below(FRAMES);
        int j = Math.max(0, Math.min(FRAMES - 1, i + random.below(40) - 20));
        long pfn = pfns[i];
        pfns[i] = pfns[j];
        pfns[j] = pfn;
      }
      for (int from = 0; from < FRAMES; ) {
        int count = Math.min(FRAMES - from, random.below(100));
        allocator.freeBulk(pfns, from, count);
        from += count;
      }
      assertNotInUse(allocator, FRAMES);
      assertEquals(FRAMES, allocator.freeCount(0));
      FrameAllocator fresh = memoryOf(20, 512L * round + 77L * (round % 3), FRAMES);
      assertEquals(freeBlocks(fresh), freeBlocks(allocator));
    }
  }

  @Test
  @Tag("slow")
  void bulkAndSingleRequestsTakeTurns() {
    SplitMix64 random = new SplitMix64(6);
    FrameAllocator allocator = memoryOf(FRAMES);
    BitSet owned = new BitSet();
    long[] pfns = new long[200];
    for (int turn = 0; turn < 4000; turn++) {
      int count = random.below(200);
      if (random.oneIn(2)) {
        int got = allocator.allocateBulk(pfns, 0, count, random.below(2) * AllocationFlags.LONG);
        assertEquals(Math.min(count, FRAMES - owned.cardinality()), got);
        for (int i = 0; i < got; i++) {
          assertFalse(owned.get((int) pfns[i]));
          owned.set((int) pfns[i]);
        }
      } else {
        int found = 0;
        int at = owned.nextSetBit(random.below(FRAMES));
        for (; at >= 0 && found < count; at = owned.nextSetBit(at + 1)) {
          pfns[found++] = at;
        }
        for (int i = 0; i < found; i++) {
          owned.clear((int) pfns[i]);
        }
        if (random.oneIn(3)) {
          for (int i = 0; i < found; i++) {
            allocator.free(pfns[i], 0);
          }
        } else {
          allocator.freeBulk(pfns, 0, found);
        }
      }
      if (turn % 200 == 0) {
        assertNotInUse(allocator, FRAMES - owned.cardinality());
      }
    }
  }

  @Test
  void whatIsNoSingleFrameStopsTheCallWhereverItStands() {
    for (int wrong = 0; wrong < 10; wrong++) {
      for (int kind = 0; kind < 5; kind++) {
        FrameAllocator allocator = memoryOf(FRAMES);
        long block = allocate(allocator, 1);
        long[] pfns = new long[40];
        assertEquals(40, allocator.allocateBulk(pfns, 0, 40, AllocationFlags.NONE));
        long used = allocator.statistics().usedFrames();
        long[] given = Arrays.copyOfRange(pfns, 0, 10);
        given[wrong] =
            switch (kind) {
              case 0 -> block;
              case 1 -> block + 1;
              case 2 -> given[(wrong + 9) % 10];
              case 3 -> FRAMES;
              default -> Long.MIN_VALUE + pfns[wrong];
            };
        // The frame that stands twice is a mistake where it comes the second time.
        int stops = kind == 2 && wrong == 0 ? 9 : wrong;
        FrameRequestException thrown =
            assertThrows(FrameRequestException.class, () -> allocator.freeBulk(given, 0, 10));
        assertEquals(
            kind < 2
                ? FrameError.SIZE_MISMATCH
                : kind == 2 ? FrameError.NOT_ALLOCATED : FrameError.OUT_OF_RANGE,
            thrown.error());
        assertTrue(thrown.getMessage().contains(String.valueOf(stops)), thrown.getMessage());
        assertEquals(used - stops, allocator.statistics().usedFrames());
        allocator.assertValid();
      }
    }
  }

  @Test
  void cachedFramesAreRefusedInBulkToo() {
    FrameAllocator allocator = memoryOf(FRAMES);
    long[] pfns = new long[2];
    assertEquals(2, allocator.allocateBulk(pfns, 0, 2, AllocationFlags.NONE));
    long waiting = Math.max(pfns[0], pfns[1]) + 1;
    long cached = allocator.cachedFrameCount();
    assertTrue(cached > 0);
    assertThrows(
        FrameRequestException.class,
        () -> allocator.freeBulk(new long[] {waiting, waiting + 1}, 0, 2));
    assertEquals(cached, allocator.cachedFrameCount());
    allocator.assertValid();
  }
}
