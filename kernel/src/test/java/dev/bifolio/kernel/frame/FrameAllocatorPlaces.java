package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;
import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.testkit.SplitMix64;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/// What every allocator of frames does with requests for a place, below a limit, for just these
/// frames, and for many single ones. Written once; a subclass says which allocator.
abstract class FrameAllocatorPlaces extends FrameAllocatorFixture {
  private static final long NO_LIMIT = Long.MAX_VALUE;

  FrameAllocatorPlaces(AllocatorUnderTest subject) {
    super(subject);
  }

  private static long within(
      FrameAllocator allocator, long frameCount, long alignmentFrames, long maxPfn) {
    return allocator.allocateFramesWithin(
        frameCount, AllocationFlags.NONE, alignmentFrames, maxPfn, 0);
  }

  // ---- Alignment, limit, boundary ----

  @Test
  void aRunBeginsAtAMultipleOfTheWantedAlignment() {
    FrameAllocator allocator = memoryOf(20, 0x10003, 70_000);
    for (int order = 0; order <= 15; order++) {
      for (long count : new long[] {1, 3, 600}) {
        long pfn = within(allocator, count, 1L << order, NO_LIMIT);
        assertNotEquals(NO_FRAME, pfn);
        assertEquals(0, pfn % (1L << order));
        assertEquals(0, pfn % Pages.orderToFrames(Pages.framesToOrderUp(count)));
        assertEquals(count, allocator.statistics().usedFrames());
        allocator.freeFrames(pfn, count);
      }
    }
    assertEquals(70_000, framesInFreeBlocks(allocator));
    allocator.assertValid();
  }

  @Test
  void theLastFrameIsAtMostTheLimit() {
    FrameAllocator allocator = memoryOf(10, 0, 4096);
    assertEquals(0, within(allocator, 16, 1, 15));
    assertEquals(NO_FRAME, within(allocator, 1, 1, 15));
    allocator.freeFrames(0, 16);
    assertEquals(NO_FRAME, within(allocator, 16, 1, 14));
    assertEquals(0, within(allocator, 15, 1, 14));
    assertEquals(15, within(allocator, 1, 1, 15));
    assertEquals(16, allocator.statistics().usedFrames());
    allocator.assertValid();
  }

  @Test
  void aRequestBelowAnyFrameIsExhaustionAndNoMistake() {
    FrameAllocator allocator = memoryOf(20, 0x1000, 512);
    for (long maxPfn : new long[] {0xFFF, 0, -1, Long.MIN_VALUE}) {
      assertChangesNothing(
          allocator,
          () -> {
            assertEquals(NO_FRAME, within(allocator, 1, 1, maxPfn));
            assertEquals(NO_FRAME, allocator.tryAllocateFramesWithin(512, 0, 1, maxPfn, 0));
          });
    }
    assertEquals(8, allocator.statistics().failures());
    assertEquals(4, allocator.failureCount(0));
    assertEquals(4, allocator.failureCount(9));
    assertEquals(0x1000, within(allocator, 1, 1, 0x1000));
  }

  @Test
  void aFrameBelowTheLimitIsFoundWhereverItLies() {
    FrameAllocator allocator = memoryOf(4, 0, 4096);
    long[] pfns = takeAll(allocator, 4096);
    // Freed from above, so that what is low was freed last; and then the other way round.
    for (boolean ascending : new boolean[] {false, true}) {
      for (int i = 0; i < 4096; i += 3) {
        allocator.free(pfns[ascending ? i : 4095 - i], 0);
      }
      int found = 0;
      long pfn;
      while ((pfn = within(allocator, 1, 1, 99)) != NO_FRAME) {
        assertTrue(pfn <= 99);
        found++;
      }
      assertEquals(34, found);
      allocator.assertValid();
      long rest = notInUse(allocator);
      assertEquals(rest, allocator.allocateBulk(new long[4096], 0, (int) rest, 0));
    }
  }

  @Test
  void framesInCachesAreFoundBelowALimit() {
    FrameAllocator allocator = memoryOf(9, 0, 2048);
    long[] pfns = takeAll(allocator, 2048);
    allocator.free(pfns[77], 0);
    subject.tryFreeOn(allocator, 1, pfns[1500], 0);
    assertEquals(NO_FRAME, within(allocator, 1, 1, 76));
    assertEquals(77, within(allocator, 1, 1, 77));
    assertEquals(NO_FRAME, within(allocator, 1, 1, 1499));
    assertEquals(1500, within(allocator, 1, 4, NO_LIMIT));
    assertEquals(0, notInUse(allocator));
    allocator.assertValid();
  }

  @Test
  void noRunCrossesItsBoundary() {
    FrameAllocator allocator = memoryOf(12, 5, 20_000);
    SplitMix64 random = new SplitMix64(64);
    for (int i = 0; i < 400; i++) {
      long boundary = 1L << random.below(11);
      long count = 1 + random.below(boundary);
      long pfn = allocator.allocateFramesWithin(count, 0, 1, NO_LIMIT, boundary);
      if (pfn != NO_FRAME) {
        assertEquals(pfn / boundary, (pfn + count - 1) / boundary);
      }
    }
    assertTrue(allocator.statistics().allocations() > 50);
  }

  @Test
  void aRunInAPlaceIsARunLikeAnyOther() {
    FrameAllocator allocator = memoryOf(1024);
    List<Long> initial = freeBlocks(allocator);
    long run = within(allocator, 37, 128, 700);
    assertFreeFramesRefused(allocator, FrameError.SIZE_MISMATCH, run, 36);
    assertFreeRefused(allocator, FrameError.SIZE_MISMATCH, run, 6);
    allocator.splitFrames(run, 37);
    for (int i = 0; i < 37; i++) {
      allocator.free(run + i, 0);
    }
    allocator.free(within(allocator, 64, 256, 700), 6);
    assertEquals(initial, freeBlocks(allocator));
  }

  @Test
  void impossibleWishesAreNamed() {
    FrameAllocator allocator = memoryOf(9, 0, 2048);
    allocate(allocator, 0);
    assertWishRefused(allocator, FrameError.ZERO_ALLOCATION, 0, 1, 0);
    assertWishRefused(allocator, FrameError.ZERO_ALLOCATION, -4, 3, 0);
    assertWishRefused(allocator, FrameError.TOO_LARGE, 513, 1, 0);
    assertWishRefused(allocator, FrameError.TOO_LARGE, Long.MAX_VALUE, 3, 0);
    for (long bad : new long[] {3, 6, -1, -8, Long.MIN_VALUE, 511, Long.MAX_VALUE}) {
      assertWishRefused(allocator, FrameError.UNALIGNED, 4, bad, 0);
      assertWishRefused(allocator, FrameError.UNALIGNED, 4, 1, bad);
    }
    assertWishRefused(allocator, FrameError.UNALIGNED, 4, 0, 0);
    assertWishRefused(allocator, FrameError.TOO_LARGE, 4, 1024, 0);
    assertWishRefused(allocator, FrameError.TOO_LARGE, 4, 1L << 62, 0);
    assertWishRefused(allocator, FrameError.TOO_LARGE, 5, 1, 4);
    assertNotEquals(NO_FRAME, within(allocator, 512, 512, NO_LIMIT));
    assertNotEquals(NO_FRAME, allocator.allocateFramesWithin(4, 0, 1, NO_LIMIT, 4));
    assertNotEquals(NO_FRAME, allocator.allocateFramesWithin(4, 0, 1, NO_LIMIT, 1L << 62));
  }

  private static void assertWishRefused(
      FrameAllocator allocator,
      FrameError error,
      long frameCount,
      long alignmentFrames,
      long boundaryFrames) {
    assertRefused(
        allocator,
        error,
        () ->
            allocator.allocateFramesWithin(
                frameCount, 0, alignmentFrames, NO_LIMIT, boundaryFrames),
        () ->
            allocator.tryAllocateFramesWithin(
                frameCount, 0, alignmentFrames, NO_LIMIT, boundaryFrames));
  }

  // ---- Just these frames ----

  @Test
  void aRangeIsTakenAsItsAlignedBlocksEachFreedByItself() {
    FrameAllocator allocator = memoryOf(16);
    assertTrue(allocator.allocateRange(3, 10, AllocationFlags.NONE));
    assertEquals(10, allocator.statistics().usedFrames());
    assertEquals(6, framesInFreeBlocks(allocator));
    allocator.assertValid();
    assertFreeRefused(allocator, FrameError.SIZE_MISMATCH, 4, 1);
    assertFreeRefused(allocator, FrameError.SIZE_MISMATCH, 6, 1);
    assertFreeFramesRefused(allocator, FrameError.SIZE_MISMATCH, 8, 5);
    allocator.free(8, 2);
    allocator.free(3, 0);
    allocator.free(12, 0);
    allocator.free(4, 2);
    assertEquals(1, freeBlocks(allocator, 4));
    allocator.assertValid();
  }

  @Test
  void aRangeComesBackWhole() {
    SplitMix64 random = new SplitMix64(7);
    FrameAllocator allocator = memoryOf(12, 0x333, 20_000);
    List<Long> initial = freeBlocks(allocator);
    for (int i = 0; i < 300; i++) {
      long start = 0x333L + random.below(20_000);
      long count =
          1 + random.below(Math.min(random.oneIn(2) ? 40 : 20_000, 0x333 + 20_000 - start));
      assertTrue(allocator.allocateRange(start, count, random.below(16) & ~AllocationFlags.ZERO));
      assertEquals(count, allocator.statistics().usedFrames());
      assertFalse(allocator.allocateRange(start + count - 1, 1, AllocationFlags.NONE));
      allocator.freeRange(start, count);
      assertRefused(
          allocator,
          FrameError.NOT_ALLOCATED,
          () -> allocator.freeRange(start, count),
          () -> allocator.tryFreeRange(start, count));
    }
    assertEquals(initial, freeBlocks(allocator));
    assertEquals(1, allocator.freeRunCount());
  }

  @Test
  void aRangeCanBeAllThereIs() {
    FrameAllocator allocator = memoryOf(4, 1, 5000);
    assertTrue(allocator.allocateRange(1, 5000, AllocationFlags.NONE));
    assertEquals(0, notInUse(allocator));
    assertEquals(NO_FRAME, allocate(allocator, 0));
    allocator.assertValid();
    allocator.freeRange(1, 5000);
    assertEquals(5000, framesInFreeBlocks(allocator));
    assertEquals(311, allocator.freeBlockCount(4));
  }

  @Test
  void aRangeThatIsNotWhollyFreeIsLeftAlone() {
    FrameAllocator allocator = memoryOf(20, 0, 4096);
    assertTrue(allocator.allocateRange(1000, 1, AllocationFlags.NONE));
    for (long[] range : new long[][] {{1000, 1}, {990, 11}, {1000, 3000}, {0, 4096}, {512, 512}}) {
      assertChangesNothing(
          allocator,
          () -> {
            assertFalse(allocator.allocateRange(range[0], range[1], AllocationFlags.NONE));
            assertEquals(NO_FRAME, allocator.tryAllocateRange(range[0], range[1], 0));
          });
    }
    assertEquals(10, allocator.statistics().failures());
    assertTrue(allocator.allocateRange(0, 1000, AllocationFlags.NONE));
    assertTrue(allocator.allocateRange(1001, 3095, AllocationFlags.NONE));
    assertEquals(0, notInUse(allocator));
  }

  @Test
  void framesInCachesAreCalledBackForARange() {
    FrameAllocator allocator = memoryOf(9, 0, 2048);
    long[] pfns = takeAll(allocator, 2048);
    for (int i = 100; i < 140; i++) {
      subject.tryFreeOn(allocator, i & 1, pfns[i], 0);
    }
    assertTrue(allocator.allocateRange(100, 40, AllocationFlags.NONE));
    assertEquals(0, notInUse(allocator));
    allocator.assertValid();
    allocator.freeRange(100, 40);
    assertFalse(allocator.allocateRange(99, 2, AllocationFlags.NONE));
    assertTrue(allocator.allocateRange(139, 1, AllocationFlags.NONE));
  }

  @Test
  void aRangeBeyondTheMemoryIsAMistake() {
    FrameAllocator allocator = spanOf(20, 0x100, 0x400);
    allocator.addFrames(0x140, 0x180);
    allocator.addFrames(0x182, 0x200);
    assertTrue(allocator.allocateRange(0x150, 1, AllocationFlags.NONE));
    for (long[] range :
        new long[][] {
          {0x13F, 1},
          {0x13F, 8},
          {0x17F, 2},
          {0x150, 0x40},
          {0x1FF, 2},
          {0x140, Long.MAX_VALUE},
          {0x500, 1},
          {0, 1},
          {-1, 1},
          {-1, 0x200},
          {Long.MIN_VALUE, Long.MAX_VALUE},
          {Long.MAX_VALUE, Long.MAX_VALUE}
        }) {
      assertRangeRefused(allocator, FrameError.OUT_OF_RANGE, range[0], range[1]);
    }
    assertRangeRefused(allocator, FrameError.ZERO_ALLOCATION, 0x140, 0);
    assertRangeRefused(allocator, FrameError.ZERO_ALLOCATION, 0x140, -1);
    assertRangeRefused(allocator, FrameError.ZERO_ALLOCATION, -1, Long.MIN_VALUE);
    assertEquals(30, allocator.statistics().failures());
    assertEquals(30, allocator.statistics().refusedFrees());
    FrameRequestException thrown =
        assertThrows(FrameRequestException.class, () -> allocator.allocateRange(0x17F, 2, 0));
    assertTrue(thrown.getMessage().contains(AddressRange.hex(0x17F)), thrown.getMessage());
  }

  private static void assertRangeRefused(
      FrameAllocator allocator, FrameError error, long startPfn, long frameCount) {
    assertRefused(
        allocator,
        error,
        () -> allocator.allocateRange(startPfn, frameCount, AllocationFlags.NONE),
        () -> allocator.tryAllocateRange(startPfn, frameCount, AllocationFlags.NONE));
    assertRefused(
        allocator,
        error,
        () -> allocator.freeRange(startPfn, frameCount),
        () -> allocator.tryFreeRange(startPfn, frameCount));
  }

  @Test
  void aRangeIsFreedOnlyAsTheBlocksThatItIs() {
    FrameAllocator allocator = memoryOf(20, 0, 4096);
    assertTrue(allocator.allocateRange(3, 1500, AllocationFlags.NONE));
    assertFreeRangeRefused(allocator, FrameError.SIZE_MISMATCH, 3, 1498);
    assertFreeRangeRefused(allocator, FrameError.SIZE_MISMATCH, 3, 1501);
    assertFreeRangeRefused(allocator, FrameError.NOT_ALLOCATED, 2, 1501);
    assertFreeRangeRefused(allocator, FrameError.SIZE_MISMATCH, 5, 1498);
    allocator.splitBlock(512, 9);
    assertFreeRangeRefused(allocator, FrameError.SIZE_MISMATCH, 3, 1500);
    allocator.free(700, 0);
    assertFreeRangeRefused(allocator, FrameError.SIZE_MISMATCH, 3, 1500);
    assertFreeRangeRefused(allocator, FrameError.SIZE_MISMATCH, 512, 512);
    for (long pfn = 512; pfn < 1024; pfn++) {
      if (pfn != 700) {
        allocator.free(pfn, 0);
      }
    }
    assertFreeRangeRefused(allocator, FrameError.NOT_ALLOCATED, 3, 1500);
    allocator.freeRange(3, 509);
    allocator.freeRange(1024, 479);
    assertEquals(1, freeBlocks(allocator, 12));
  }

  private static void assertFreeRangeRefused(
      FrameAllocator allocator, FrameError error, long startPfn, long frameCount) {
    assertRefused(
        allocator,
        error,
        () -> allocator.freeRange(startPfn, frameCount),
        () -> allocator.tryFreeRange(startPfn, frameCount));
  }

  @Test
  void blocksAllocatedOneByOneAreARangeIfTheyAreTheRightOnes() {
    FrameAllocator allocator = memoryOf(20, 0, 64);
    assertTrue(allocator.allocateRange(4, 4, AllocationFlags.NONE));
    assertTrue(allocator.allocateRange(8, 8, AllocationFlags.NONE));
    assertTrue(allocator.allocateRange(16, 1, AllocationFlags.NONE));
    allocator.freeRange(4, 13);
    assertEquals(0, allocator.statistics().usedFrames());
    long run = allocateFrames(allocator, 6);
    assertFreeRangeRefused(allocator, FrameError.SIZE_MISMATCH, run, 6);
    allocator.freeFrames(run, 6);
    allocator.freeRange(allocate(allocator, 5), 32);
    assertEquals(1, freeBlocks(allocator, 6));
  }

  @Test
  void aRangeOfManyHugeBlocksIsTakenAndFreed() {
    FrameAllocator allocator = memoryOf(20, 0, 1 << 21);
    long start = (1L << 18) - 1000;
    long count = (1L << 20) + 3000;
    assertTrue(allocator.allocateRange(start, count, AllocationFlags.MOVABLE));
    assertEquals(count, allocator.statistics().usedFrames());
    assertFreeRefused(allocator, FrameError.SIZE_MISMATCH, 1 << 19, 18);
    allocator.free(1 << 19, 19);
    assertTrue(allocator.allocateRange(1 << 19, 1 << 19, AllocationFlags.NONE));
    allocator.freeRange(start, count);
    assertEquals(2, freeBlocks(allocator, 20));
  }

  // ---- Many single frames ----

  @Test
  void aBulkRequestTakesWhatThereIs() {
    FrameAllocator allocator = memoryOf(20, 0x77, 1000);
    long[] pfns = new long[1200];
    Arrays.fill(pfns, -5);
    assertEquals(600, allocator.allocateBulk(pfns, 10, 600, AllocationFlags.MOVABLE));
    assertEquals(600, allocator.statistics().usedFrames());
    assertEquals(600, allocator.statistics().requests());
    assertEquals(400, allocator.allocateBulk(pfns, 610, 500, AllocationFlags.NONE));
    assertEquals(0, allocator.allocateBulk(pfns, 1010, 1, AllocationFlags.NONE));
    assertEquals(0, notInUse(allocator));
    assertEquals(
        1000, Arrays.stream(pfns, 10, 1010).filter(allocator::isManaged).distinct().count());
    assertEquals(10, Arrays.stream(pfns, 0, 10).filter(pfn -> pfn == -5).count());
    assertEquals(190, Arrays.stream(pfns, 1010, 1200).filter(pfn -> pfn == -5).count());
    FrameStatistics statistics = allocator.statistics();
    assertEquals(1000, statistics.allocations());
    assertEquals(2, statistics.failures());
    assertEquals(1002, statistics.requests());
    allocator.freeBulk(pfns, 10, 1000);
    assertEquals(1000, framesInFreeBlocks(allocator));
    assertEquals(1000, allocator.statistics().frees());
    allocator.assertValid();
  }

  @Test
  void aBulkFreeStopsAtTheFirstMistakeAndNamesIt() {
    FrameAllocator allocator = memoryOf(1024);
    long[] pfns = new long[20];
    assertEquals(20, allocator.allocateBulk(pfns, 0, 20, AllocationFlags.NONE));
    long[] given = pfns.clone();
    given[7] = pfns[3];
    FrameRequestException twice =
        assertThrows(FrameRequestException.class, () -> allocator.freeBulk(given, 2, 10));
    assertEquals(FrameError.NOT_ALLOCATED, twice.error());
    assertTrue(twice.getMessage().contains("entry 7"), twice.getMessage());
    assertTrue(twice.getMessage().contains(AddressRange.hex(pfns[3])), twice.getMessage());
    assertEquals(15, allocator.statistics().usedFrames());
    allocator.assertValid();
    for (int i = 0; i < 20; i++) {
      assertEquals(
          i < 2 || i >= 7 ? 0 : FrameError.NOT_ALLOCATED.code(), allocator.tryFree(pfns[i], 0));
    }
    long block = allocate(allocator, 1);
    FrameRequestException mismatch =
        assertThrows(
            FrameRequestException.class, () -> allocator.freeBulk(new long[] {block}, 0, 1));
    assertEquals(FrameError.SIZE_MISMATCH, mismatch.error());
    FrameRequestException outside =
        assertThrows(FrameRequestException.class, () -> allocator.freeBulk(new long[] {-1}, 0, 1));
    assertEquals(FrameError.OUT_OF_RANGE, outside.error());
  }

  @Test
  void aBulkRequestWithoutEntriesIsNoRequest() {
    FrameAllocator allocator = memoryOf(64);
    long[] pfns = {-5, -5, -5};
    assertEquals(0, allocator.allocateBulk(pfns, 3, 0, AllocationFlags.NONE));
    allocator.freeBulk(pfns, 0, 0);
    for (int[] bad :
        new int[][] {
          {-1, 1}, {0, 4}, {3, 1}, {4, 0}, {0, -1}, {Integer.MAX_VALUE, 1}, {1, Integer.MAX_VALUE}
        }) {
      assertThrows(
          IndexOutOfBoundsException.class,
          () -> allocator.allocateBulk(pfns, bad[0], bad[1], AllocationFlags.NONE));
      assertThrows(IndexOutOfBoundsException.class, () -> allocator.freeBulk(pfns, bad[0], bad[1]));
    }
    assertArrayEquals(new long[] {-5, -5, -5}, pfns);
    assertEquals(0, allocator.statistics().requests());
    assertEquals(64, allocator.freeFrameCount());
  }

  @Test
  void noPlaceIsServedBeforeInitialisation() {
    FrameAllocator allocator = uninitialised(20);
    long code = FrameError.NOT_INITIALIZED.code();
    assertEquals(code, allocator.tryAllocateFramesWithin(1, 0, 1, NO_LIMIT, 0));
    assertEquals(code, allocator.tryAllocateFramesWithin(0, 0, 3, NO_LIMIT, 0));
    assertEquals(code, allocator.tryAllocateRange(0, 1, AllocationFlags.NONE));
    assertEquals(code, allocator.tryAllocateRange(0, 0, AllocationFlags.NONE));
    assertEquals(code, allocator.tryFreeRange(0, 1));
    assertEquals(code, allocator.tryFreeRange(0, 0));
    assertThrows(FrameRequestException.class, () -> within(allocator, 1, 1, NO_LIMIT));
    assertThrows(FrameRequestException.class, () -> allocator.allocateRange(0, 1, 0));
    assertThrows(FrameRequestException.class, () -> allocator.freeRange(0, 1));
    assertThrows(FrameRequestException.class, () -> allocator.allocateBulk(new long[1], 0, 1, 0));
    assertThrows(FrameRequestException.class, () -> allocator.freeBulk(new long[1], 0, 1));
    assertEquals(0, allocator.freeRunCount());
    assertEquals(0, allocator.drainCaches());
    assertEquals(0, allocator.cachedFrameCount());
    assertEquals(0, allocator.fragmentation().freeFrames());
  }

  /// All frames one by one, sorted.
  private static long[] takeAll(FrameAllocator allocator, int frameCount) {
    long[] pfns = new long[frameCount];
    assertEquals(frameCount, allocator.allocateBulk(pfns, 0, frameCount, AllocationFlags.NONE));
    assertEquals(0, notInUse(allocator));
    Arrays.sort(pfns);
    return pfns;
  }
}
