package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;
import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.testkit.Behaviour;
import java.util.Arrays;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/// What every allocator of frames counts: requests per order and kind, cached frames,
/// fragmentation. Written once; a subclass says which allocator.
abstract class FrameAllocatorCounts extends FrameAllocatorFixture {
  private static final int LONG_MOVABLE = AllocationFlags.MOVABLE | AllocationFlags.LONG;

  FrameAllocatorCounts(AllocatorUnderTest subject) {
    super(subject);
  }

  @Test
  void requestsAreCountedByOrderAndKind() {
    FrameAllocator allocator = memoryOf(12, 0, 8192);
    long plain = allocator.allocate(0, AllocationFlags.NONE);
    allocator.allocate(0, AllocationFlags.MOVABLE);
    allocator.allocate(0, AllocationFlags.MOVABLE | AllocationFlags.ZERO);
    long run = allocator.allocateFrames(600, AllocationFlags.RECLAIMABLE);
    long huge = allocator.tryAllocate(9, LONG_MOVABLE);
    allocator.tryAllocateFrames(512, LONG_MOVABLE);
    allocator.allocateFramesWithin(5, AllocationFlags.LONG, 64, 8191, 0);
    assertEquals(1, allocator.allocationCount(0, 0));
    assertEquals(2, allocator.allocationCount(0, 1));
    assertEquals(1, allocator.allocationCount(10, 2));
    assertEquals(2, allocator.allocationCount(9, 4));
    assertEquals(1, allocator.allocationCount(3, 3));
    assertEquals(7, sumOfAllocations(allocator));
    allocator.free(plain, 0);
    allocator.freeFrames(run, 600);
    allocator.free(huge, 9);
    assertEquals(1, allocator.freeCount(0));
    assertEquals(1, allocator.freeCount(10));
    assertEquals(1, allocator.freeCount(9));
    assertSumsAgree(allocator, 0);
  }

  @Test
  void aRangeCountsAsItsBlocks() {
    FrameAllocator allocator = memoryOf(20, 0, 64);
    assertTrue(allocator.allocateRange(3, 10, AllocationFlags.MOVABLE));
    assertEquals(2, allocator.allocationCount(0, 1));
    assertEquals(2, allocator.allocationCount(2, 1));
    assertEquals(4, allocator.statistics().requests());
    allocator.freeRange(3, 10);
    assertEquals(2, allocator.freeCount(0));
    assertEquals(2, allocator.freeCount(2));
    allocate(allocator, 6);
    assertEquals(NO_FRAME, allocator.tryAllocateRange(3, 10, AllocationFlags.NONE));
    assertEquals(1, allocator.failureCount(4));
    assertSumsAgree(allocator, 0);
  }

  @Test
  void failuresAreCountedByOrderAndIllegalRequestsOnlyInTheSum() {
    FrameAllocator allocator = memoryOf(4, 0, 16);
    allocate(allocator, 4);
    assertEquals(NO_FRAME, allocate(allocator, 0));
    assertEquals(NO_FRAME, allocate(allocator, 2));
    assertEquals(NO_FRAME, allocateFrames(allocator, 3));
    assertEquals(NO_FRAME, allocator.tryAllocateFramesWithin(9, 0, 1, 100, 0));
    assertEquals(0, allocator.allocateBulk(new long[3], 0, 3, AllocationFlags.NONE));
    allocator.tryAllocate(5, AllocationFlags.NONE);
    allocator.tryAllocateFrames(0, AllocationFlags.NONE);
    allocator.tryAllocateRange(0, 17, AllocationFlags.NONE);
    allocator.tryFree(3, 0);
    assertEquals(2, allocator.failureCount(0));
    assertEquals(2, allocator.failureCount(2));
    assertEquals(1, allocator.failureCount(4));
    assertSumsAgree(allocator, 3);
    assertEquals(8, allocator.statistics().failures());
    assertEquals(1, allocator.statistics().refusedFrees());
    assertEquals(0, allocator.freeCount(0));
  }

  @Test
  void aSplitBlockCountsOnceGivenAndOftenTaken() {
    FrameAllocator allocator = memoryOf(64);
    long block = allocate(allocator, 3);
    allocator.splitBlock(block, 3);
    for (int i = 0; i < 8; i++) {
      allocator.free(block + i, 0);
    }
    assertEquals(1, allocator.allocationCount(3, 0));
    assertEquals(0, allocator.freeCount(3));
    assertEquals(8, allocator.freeCount(0));
    assertSumsAgree(allocator, 0);
  }

  @Test
  void countsAreZeroAfterAReset() {
    FrameAllocator allocator = memoryOf(64);
    for (boolean whole : new boolean[] {false, true}) {
      allocator.free(allocator.allocate(2, AllocationFlags.MOVABLE), 2);
      allocate(allocator, 2);
      assertEquals(NO_FRAME, allocate(allocator, 6));
      assertTrue(sumOfAllocations(allocator) == 2 && allocator.freeCount(2) == 1);
      assertEquals(1, allocator.failureCount(6));
      if (whole) {
        allocator.reset();
      } else {
        allocator.resetCounters();
      }
      assertEquals(0, sumOfAllocations(allocator));
      assertEquals(0, allocator.freeCount(2) + allocator.failureCount(6));
      assertSumsAgree(allocator, 0);
    }
  }

  @Test
  void noOtherOrderOrKindIsCounted() {
    FrameAllocator allocator = memoryOf(9, 0, 64);
    for (int order : new int[] {-1, 10, Integer.MAX_VALUE}) {
      assertNoSuchOrder(() -> allocator.allocationCount(order, 0));
      assertNoSuchOrder(() -> allocator.freeCount(order));
      assertNoSuchOrder(() -> allocator.failureCount(order));
      assertNoSuchOrder(() -> allocator.freeBlockCount(order));
    }
    for (int kind : new int[] {-1, 6, 100}) {
      assertThrows(IllegalArgumentException.class, () -> allocator.allocationCount(0, kind));
    }
  }

  private static void assertNoSuchOrder(Executable read) {
    assertEquals(FrameError.INVALID_ORDER, assertThrows(FrameRequestException.class, read).error());
  }

  private static long sumOfAllocations(FrameAllocator allocator) {
    long sum = 0;
    for (int order = 0; order <= allocator.maxOrder(); order++) {
      for (int kind = 0; kind < AllocationFlags.KIND_COUNT; kind++) {
        sum += allocator.allocationCount(order, kind);
      }
    }
    return sum;
  }

  private static void assertSumsAgree(FrameAllocator allocator, long illegalRequests) {
    long frees = 0;
    long failures = illegalRequests;
    for (int order = 0; order <= allocator.maxOrder(); order++) {
      frees += allocator.freeCount(order);
      failures += allocator.failureCount(order);
    }
    FrameStatistics statistics = allocator.statistics();
    assertEquals(statistics.allocations(), sumOfAllocations(allocator));
    assertEquals(statistics.frees(), frees);
    assertEquals(statistics.failures(), failures);
    assertEquals(statistics.requests(), statistics.allocations() + statistics.failures());
    assertConserved(allocator);
  }

  @Test
  void onlyARequestForOneFrameThatFailsTellsThatAllAreInUse() {
    FrameAllocator allocator = memoryOf(8);
    long single = allocate(allocator, 0);
    assertEquals(NO_FRAME, allocate(allocator, 3));
    allocator.free(single, 0);
    assertTrue(allocator.statistics().peakUsedFrames() <= 1);
    long[] pfns = new long[8];
    for (int i = 0; i < 8; i++) {
      pfns[i] = allocate(allocator, 0);
    }
    assertEquals(NO_FRAME, allocate(allocator, 0));
    for (long pfn : pfns) {
      allocator.free(pfn, 0);
    }
    assertEquals(8, allocator.statistics().peakUsedFrames());
  }

  // ---- Cached frames ----

  @Test
  @Tag("slow")
  @Behaviour("100")
  void cachedFramesAreNeitherInUseNorFree() {
    FrameAllocator allocator = memoryOf(20, 0, 4096);
    long[] pfns = new long[4096];
    assertEquals(4096, allocator.allocateBulk(pfns, 0, 4096, AllocationFlags.NONE));
    long mostCached = 0;
    for (int i = 0; i < 4096; i++) {
      assertEquals(0, subject.tryFreeOn(allocator, i & 1, pfns[i], 0));
      mostCached = Math.max(mostCached, allocator.cachedFrameCount());
      if (i % 16 == 0) {
        assertConserved(allocator);
        assertEquals(4095 - i, allocator.statistics().usedFrames());
      }
    }
    assertEquals(subject.hasCaches(), mostCached > 0);
    long cached = allocator.cachedFrameCount();
    assertEquals(cached > 0, allocator.statistics().toString().endsWith(cached + " cached"));
    // Whoever freed them may have left: emptying reaches the caches of all.
    assertEquals(cached, allocator.drainCaches());
    assertEquals(0, allocator.cachedFrameCount());
    assertEquals(0, allocator.drainCaches());
    assertEquals(1, allocator.freeBlockCount(12));
    allocator.assertValid();
  }

  @Test
  @Behaviour({"58", "100"})
  void aCachedFrameCannotBeFreedAgain() {
    FrameAllocator allocator = memoryOf(20, 0, 1024);
    long[] pfns = new long[1024];
    assertEquals(1024, allocator.allocateBulk(pfns, 0, 1024, AllocationFlags.NONE));
    for (int i = 0; i < 1024; i += 7) {
      assertEquals(0, subject.tryFreeOn(allocator, i & 1, pfns[i], 0));
      for (int cpu = 0; cpu < 2; cpu++) {
        assertEquals(
            FrameError.NOT_ALLOCATED.code(), subject.tryFreeOn(allocator, cpu, pfns[i], 0));
      }
      assertFreeFramesRefused(allocator, FrameError.NOT_ALLOCATED, pfns[i], 1);
    }
    assertEquals(147, notInUse(allocator));
  }

  // ---- Fragmentation ----

  @Test
  void aWholeMemoryIsNotFragmented() {
    FrameAllocator allocator = memoryOf(4096);
    Fragmentation whole = allocator.fragmentation();
    assertEquals(4096, whole.freeFrames());
    assertEquals(12, whole.largestFreeOrder());
    assertEquals(4096, whole.largestFreeFrames());
    assertEquals(0, whole.externalPerMille());
    assertEquals(0, whole.unusablePerMille(12));
    assertEquals(1000, whole.unusablePerMille(13));
    assertEquals(1, whole.freeRunCount());
    assertEquals(4096, whole.meanFreeRunFrames());
    assertEquals(1, whole.freeBlockCount(12));
    allocate(allocator, 12);
    Fragmentation full = allocator.fragmentation();
    assertEquals(0, full.freeFrames() + full.largestFreeFrames() + full.freeRunCount());
    assertEquals(0, full.externalPerMille() + full.unusablePerMille(20));
    assertEquals(0, full.meanFreeRunFrames());
    assertEquals(Pages.NO_ORDER, full.largestFreeOrder());
  }

  @Test
  void fragmentationSaysWhichRequestsCannotBeServed() {
    FrameAllocator allocator = memoryOf(6, 0, 128);
    takeAllAndFree(allocator, 128, 1, 5, 9, 13, 24, 25, 26, 27, 28, 29, 30, 31);
    for (long pfn = 40; pfn < 48; pfn++) {
      allocator.free(pfn, 0);
    }
    for (long pfn = 96; pfn < 128; pfn++) {
      allocator.free(pfn, 0);
    }
    allocator.drainCaches();
    Fragmentation broken = allocator.fragmentation();
    assertEquals(new Fragmentation(allocator).toString(), broken.toString());
    assertEquals(broken.largestFreeOrder(), allocator.largestFreeOrder());
    assertEquals(52, broken.freeFrames());
    assertEquals(4, broken.freeBlockCount(0));
    assertEquals(2, broken.freeBlockCount(3));
    assertEquals(1, broken.freeBlockCount(5));
    assertEquals(384, broken.externalPerMille());
    assertEquals(0, broken.unusablePerMille(0));
    assertEquals(76, broken.unusablePerMille(1));
    assertEquals(76, broken.unusablePerMille(3));
    assertEquals(384, broken.unusablePerMille(4));
    assertEquals(384, broken.unusablePerMille(5));
    assertEquals(1000, broken.unusablePerMille(6));
    assertEquals(7, broken.freeRunCount());
    assertEquals(7, broken.meanFreeRunFrames());
    assertEquals(
        "52 frames free in 7 runs, largest block 32, external 38.4%, blocks 0:4 3:2 5:1",
        broken.toString());
    assertNotEquals(NO_FRAME, allocate(allocator, 5));
    assertEquals(NO_FRAME, allocate(allocator, 4));
  }

  private static void takeAllAndFree(FrameAllocator allocator, int frameCount, long... freed) {
    long[] pfns = new long[frameCount];
    assertEquals(frameCount, allocator.allocateBulk(pfns, 0, frameCount, AllocationFlags.NONE));
    Arrays.stream(freed).forEach(pfn -> allocator.free(pfn, 0));
  }

  @Test
  void runsOfFreeFramesDoNotStopAtBlocks() {
    FrameAllocator allocator = spanOf(20, 0, 3 << 20);
    assertEquals(0, allocator.freeRunCount());
    allocator.addFrames(1, 1024);
    assertEquals(1, allocator.freeRunCount());
    assertEquals(1023, allocator.fragmentation().meanFreeRunFrames());
    allocator.addFrames(1025, 2000);
    allocator.addFrames((1 << 20) - 5, (1 << 20) + 5000);
    assertEquals(3, allocator.freeRunCount());
    allocator.addFrames(1024, 1025);
    assertEquals(2, allocator.freeRunCount());
    assertTrue(allocator.allocateRange(1 << 20, 1, AllocationFlags.NONE));
    assertEquals(3, allocator.freeRunCount());
    allocator.freeRange(1 << 20, 1);
    allocator.drainCaches();
    assertEquals(2, allocator.freeRunCount());
  }
}
