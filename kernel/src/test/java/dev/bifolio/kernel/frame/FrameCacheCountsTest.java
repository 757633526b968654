package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.testkit.Behaviour;
import org.junit.jupiter.api.Test;

/// What is counted of a [FrameCache], while it is open and when it is closed.
class FrameCacheCountsTest extends OwnedCaches {
  private static final int KINDS = AllocationFlags.KIND_COUNT;

  /// Flags of a kind.
  private static int flagsOf(int kind) {
    for (int flags = 0; flags <= AllocationFlags.FRAME_BITS; flags++) {
      if ((flags & AllocationFlags.ZERO) == 0 && AllocationFlags.kindOf(flags) == kind) {
        return flags;
      }
    }
    throw new AssertionError(kind);
  }

  @Test
  void allocationsCountUnderTheKindOfTheCacheThatIsOpenOrWas() {
    HybridAllocator allocator = areas(8);
    long[] expected = new long[KINDS];
    for (int round = 0; round < 3; round++) {
      for (int kind = 0; kind < KINDS; kind++) {
        // The same slot each time, of another kind each time.
        FrameCache cache = allocator.openCache(flagsOf(kind));
        for (int i = 0; i <= 50 * kind + round; i++) {
          cache.free(take(cache));
          expected[kind]++;
          assertEquals(expected[kind], allocator.allocationCount(0, kind));
        }
        assertCounts(allocator, expected);
        cache.close();
        assertCounts(allocator, expected);
        assertEquals(0, allocator.core.claims.allocations(claim(allocator, 0)));
      }
    }
    assertWhole(allocator);
  }

  private static void assertCounts(HybridAllocator allocator, long[] expected) {
    long sum = 0;
    for (int kind = 0; kind < KINDS; kind++) {
      assertEquals(expected[kind], allocator.allocationCount(0, kind), "kind " + kind);
      sum += expected[kind];
    }
    assertEquals(sum, allocator.statistics().allocations());
    assertEquals(sum, allocator.freeCount(0));
    assertEquals(sum, allocator.statistics().frees());
    assertSound(allocator);
  }

  @Test
  void aResetOfTheCountersWithOpenCachesKeepsThemAgreeing() {
    HybridAllocator allocator = areas(4);
    FrameCache cache = allocator.openCache(NONE);
    long pfn = take(cache);
    allocator.resetCounters();
    assertEquals(0, allocator.allocationCount(0, 0));
    cache.free(pfn);
    take(cache);
    assertEquals(1, allocator.allocationCount(0, 0));
    assertEquals(1, allocator.freeCount(0));
    cache.close();
    assertEquals(1, allocator.allocationCount(0, 0));
    assertEquals(1, allocator.freeCount(0));
  }

  @Test
  void whatACacheDidIsToldWhileItIsOpenAndAfterwards() {
    HybridAllocator allocator = areas(2);
    long full = fullArea(allocator);
    FrameCache cache = allocator.openCache(NONE);
    assertEquals(new CacheStatistics(0, 0, 0, 0), cache.statistics());
    for (int i = 0; i < 33; i++) {
      take(cache);
    }
    assertEquals(new CacheStatistics(31, 2, 2, 0), cache.statistics());
    cache.free(full);
    cache.free(full + 7);
    assertEquals(33, cache.cachedFrameCount());
    cache.close();
    assertEquals(new CacheStatistics(31, 2, 2, 33), cache.statistics());
    FrameCache next = allocator.openCache(NONE);
    assertEquals(new CacheStatistics(0, 0, 0, 0), next.statistics(), "its slot's new owner");
    take(next);
    assertEquals(new CacheStatistics(0, 1, 1, 0), next.statistics());
    int cached = next.cachedFrameCount();
    next.close();
    assertEquals(new CacheStatistics(0, 1, 1, cached), next.statistics());
    assertEquals(new CacheStatistics(31, 2, 2, 33), cache.statistics());
  }

  @Test
  void framesOutOfTheMagazineOfAClosedCacheAreCountedOnce() {
    HybridAllocator allocator = areas(2);
    long full = fullArea(allocator);
    FrameCache cache = allocator.openCache(NONE);
    for (int i = 0; i < 20; i++) {
      cache.free(full + 3);
      assertEquals(full + 3, cache.allocate());
    }
    assertEquals(new CacheStatistics(20, 0, 0, 0), cache.statistics());
    cache.close();
    assertEquals(20, allocator.allocationCount(0, 0));
    assertEquals(new CacheStatistics(20, 0, 0, 0), allocator.cacheStatistics());
    FrameCache next = allocator.openCache(NONE);
    assertEquals(new CacheStatistics(0, 0, 0, 0), next.statistics());
    assertEquals(20, allocator.allocationCount(0, 0));
    next.close();
    assertEquals(20, allocator.allocationCount(0, 0));
  }

  @Test
  void allCachesTogetherAreThoseOfCpusAndOfOwnersOpenOrClosed() {
    HybridAllocator allocator = areas(6);
    long before = take(allocator, 0);
    CacheStatistics cpu = allocator.cacheStatistics();
    assertEquals(new CacheStatistics(0, 1, 1, 0), cpu);
    allocator.free(before, 0);
    take(allocator, 0);
    assertEquals(new CacheStatistics(1, 1, 1, 0), allocator.cacheStatistics());
    FrameCache one = allocator.openCache(NONE);
    FrameCache other = allocator.openCache(AllocationFlags.MOVABLE);
    for (int i = 0; i < 40; i++) {
      take(one);
      other.free(take(other));
    }
    CacheStatistics open = allocator.cacheStatistics();
    assertEquals(new CacheStatistics(1 + 38 + 39, 1 + 2 + 1, 1 + 2 + 1, 0), open);
    other.close();
    one.close();
    assertEquals(
        new CacheStatistics(open.hits(), open.misses(), open.refills(), 24 + 32),
        allocator.cacheStatistics());
  }

  @Test
  void cachedFramesAreNeitherFreeNorInUse() {
    HybridAllocator allocator = areas(2);
    FrameCache cache = allocator.openCache(NONE);
    for (int i = 1; i <= 100; i++) {
      long pfn = take(cache);
      assertEquals(i, inUse(allocator));
      assertEquals(cache.cachedFrameCount(), allocator.cachedFrameCount());
      assertEquals(1024 - i - cache.cachedFrameCount(), allocator.freeFrameCount());
      assertTrue(pfn >= 0);
    }
    int cached = cache.cachedFrameCount();
    long free = allocator.freeFrameCount();
    cache.close();
    assertEquals(0, allocator.cachedFrameCount());
    assertEquals(free + cached, allocator.freeFrameCount());
    assertEquals(100, inUse(allocator));
  }

  @Test
  @Behaviour("72")
  void thePeakIsNotMoreThanWasEverInUseThoughACacheHoldsTheRest() {
    HybridAllocator allocator = areas(1);
    try (FrameCache cache = allocator.openCache(NONE)) {
      take(cache);
      assertEquals(NO_FRAME, allocator.allocate(0, NONE));
      assertEquals(0, allocator.allocateBulk(new long[3], 0, 3, NONE));
      assertEquals(1, allocator.statistics().peakUsedFrames());
      while (cache.allocate() != NO_FRAME) {}
      assertEquals(512, allocator.statistics().peakUsedFrames());
    }
  }

  // ---- The operation counter ----

  /// As though the slot's counter had nearly gone round.
  private static void aheadOf(HybridAllocator allocator, int left) {
    long claim = claim(allocator, 0);
    long word = Memory.getLong(claim);
    long ahead = (1L << ClaimWord.OPERATION_BITS) - left - ClaimWord.operations(word);
    Memory.putLong(claim, word + ahead * ClaimWord.OPERATION);
    Memory.getAndAddLong(Slots.changes(claim), ahead);
  }

  @Test
  void theCounterOfOperationsGoesRoundWhileOwned() {
    HybridAllocator allocator = areas(2);
    long rounds = 0;
    for (int left = 1; left <= 5; left++) {
      FrameCache cache = allocator.openCache(NONE);
      long first = take(cache);
      long pfn = take(cache);
      assertEquals(first + 1, pfn);
      long count = allocator.allocationCount(0, 0);
      aheadOf(allocator, left);
      assertEquals(count, allocator.allocationCount(0, 0));
      for (int i = 1; i < 10; i++) {
        cache.free(pfn);
        assertEquals(pfn, cache.allocate());
        assertEquals(count + i, allocator.allocationCount(0, 0));
        assertEquals(1 + i, cache.statistics().hits());
        assertEquals(
            rounds + (i >= left ? 1 : 0), Memory.getLong(Slots.rounds(claim(allocator, 0))));
      }
      rounds++;
      cache.free(pfn);
      cache.free(first);
      cache.close();
      assertEquals(count + 9, allocator.allocationCount(0, 0));
      assertSound(allocator);
    }
    assertWhole(allocator);
  }

  @Test
  void theCounterGoesRoundInARefillARecallAClosingAndWithADroppedFrame() {
    for (int left = 1; left <= 6; left++) {
      HybridAllocator allocator = areas(1);
      FrameCache cache = allocator.openCache(NONE);
      long claim = claim(allocator, 0);
      long first = take(cache);
      for (int i = 1; i < 32; i++) {
        take(cache);
      }
      aheadOf(allocator, left);
      take(cache); // PENDING, OPEN, a frame, DRAINING
      assertEquals(33, allocator.allocationCount(0, 0));
      aheadOf(allocator, left);
      assertEquals(NO_FRAME, allocator.allocate(9, NONE));
      take(cache);
      assertEquals(34, allocator.allocationCount(0, 0));
      // A bit whose frame is free.
      assertEquals(0, Memory.getLong(Slots.recall(claim)));
      long pfn = take(cache);
      allocator.free(pfn, 0);
      Memory.putLong(claim, Memory.getLong(claim) | 1L << (pfn & 31));
      aheadOf(allocator, left);
      assertNotEquals(pfn, take(cache));
      assertEquals(36, allocator.allocationCount(0, 0));
      aheadOf(allocator, left);
      cache.close();
      assertEquals(36, allocator.allocationCount(0, 0));
      assertEquals(35, inUse(allocator));
      assertTrue(allocator.isManaged(first));
      assertSound(allocator);
    }
  }

  @Test
  void aHundredThousandFramesThroughOneCacheAreCountedEach() {
    HybridAllocator allocator = areas(4);
    FrameCache cache = allocator.openCache(AllocationFlags.LONG);
    int kind = AllocationFlags.kindOf(AllocationFlags.LONG);
    long[] pfns = new long[Pages.MAX_ORDER * 50];
    for (int round = 0; round < 100; round++) {
      for (int i = 0; i < pfns.length; i++) {
        pfns[i] = take(cache);
      }
      for (long pfn : pfns) {
        cache.free(pfn);
      }
    }
    assertEquals(100_000, allocator.allocationCount(0, kind));
    assertEquals(100_000, allocator.freeCount(0));
    assertEquals(100_000, cache.statistics().hits() + cache.statistics().misses());
    cache.close();
    assertEquals(100_000, allocator.allocationCount(0, kind));
    assertWhole(allocator);
  }
}
