package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.testkit.Behaviour;
import dev.bifolio.testkit.HeapAllocation;
import java.util.BitSet;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// What an owner gets from his cache, what others do meanwhile, and how he is asked to give back.
class FrameCacheTest extends OwnedCaches {
  // ---- Pairs ----

  @Test
  void whatTheOwnerFreesHeGetsNext() {
    HybridAllocator allocator = areas(4);
    try (FrameCache cache = allocator.openCache(NONE)) {
      long first = take(cache);
      for (int i = 0; i < 1000; i++) {
        cache.free(first);
        assertEquals(first, cache.allocate());
      }
      assertEquals(1, inUse(allocator));
      assertEquals(1, cache.statistics().refills());
      assertEquals(1000, cache.statistics().hits());
      cache.free(first);
    }
    assertWhole(allocator);
  }

  @Test
  void allFramesOfAnAreaComeOneByOneAndThenTheNextArea() {
    HybridAllocator allocator = areas(3);
    try (FrameCache cache = allocator.openCache(NONE)) {
      BitSet seen = new BitSet();
      for (int i = 0; i < 3 * 512; i++) {
        long pfn = take(cache);
        int frame = (int) (pfn - allocator.startPfn());
        assertFalse(seen.get(frame));
        seen.set(frame);
        assertEquals((i / 512 + 1) * 512, (seen.length() + 511) / 512 * 512, "area after area");
        assertEquals(31 - i % 32, cache.cachedFrameCount());
        assertEquals(i / 32 + 1, cache.statistics().refills());
        if (i % 37 == 0) {
          assertSound(allocator);
        }
      }
      assertEquals(3 * 512, inUse(allocator));
      seen.stream().forEach(frame -> cache.free(allocator.startPfn() + frame));
      assertEquals(0, inUse(allocator));
    }
    assertWhole(allocator);
  }

  @Test
  void nothingLeftIsNoFrameUntilSomethingIsFreed() {
    HybridAllocator allocator = areas(1);
    long[] pfns = takeMany(allocator, 512);
    try (FrameCache cache = allocator.openCache(NONE)) {
      assertEquals(NO_FRAME, cache.allocate());
      assertEquals(NO_FRAME, cache.allocate());
      assertEquals(3, 1 + allocator.failureCount(0));
      assertEquals(0, cache.cachedFrameCount());
      allocator.free(pfns[99], 0);
      assertEquals(pfns[99], cache.allocate());
      assertEquals(NO_FRAME, cache.allocate());
      cache.free(pfns[7]);
      assertEquals(pfns[7], cache.allocate());
      assertEquals(512, inUse(allocator));
    }
    allocator.freeBulk(pfns, 0, 512);
    assertWhole(allocator);
  }

  @Test
  void framesThatWaitInCachesOfCpusAreCalledBackForAnOwner() {
    HybridAllocator allocator = areas(1);
    long[] pfns = takeMany(allocator, 512);
    allocator.drainCaches();
    allocator.free(pfns[5], 0);
    long other = allocator.tryAllocateOn(0, 0, AllocationFlags.MOVABLE);
    assertEquals(0, allocator.tryFreeOn(0, other, 0));
    try (FrameCache cache = allocator.openCache(AllocationFlags.LONG)) {
      assertEquals(pfns[5], cache.allocate());
      assertEquals(NO_FRAME, cache.allocate());
    }
  }

  // ---- Frames from elsewhere ----

  @Test
  void framesOfOtherWordsGoHomeOrIntoTheMagazine() {
    HybridAllocator allocator = areas(4);
    long full = fullArea(allocator);
    try (FrameCache cache = allocator.openCache(NONE)) {
      long own = take(cache);
      assertEquals(31, cache.cachedFrameCount());
      for (int i = 0; i < 48; i++) {
        cache.free(full + i * 5L);
        assertEquals(32 + i, cache.cachedFrameCount(), "a nearly full area's frames are kept");
      }
      cache.free(full + 500);
      assertEquals(79, cache.cachedFrameCount(), "but not more than there is room for");
      assertEquals(80, allocator.cachedFrameCount() + allocator.freeBlockCount(0));
      assertSound(allocator);
      for (int i = 0; i < 31; i++) {
        assertEquals((own & -32) + 1 + i, cache.allocate());
      }
      for (int i = 47; i >= 0; i--) {
        assertEquals(full + i * 5L, cache.allocate(), "last in, first out");
      }
      assertEquals(1, cache.statistics().refills());
      assertEquals(79, cache.statistics().hits());
      assertSound(allocator);
    }
  }

  @Test
  void framesOfAnotherKindAreNotKept() {
    HybridAllocator allocator = areas(4);
    long full = fullArea(allocator);
    try (FrameCache cache = allocator.openCache(AllocationFlags.MOVABLE)) {
      cache.free(full + 3);
      assertEquals(0, cache.cachedFrameCount());
      allocator.drainCaches();
      assertEquals(1, allocator.freeBlockCount(0));
    }
  }

  @Test
  void framesOfAnEmptyAreaAreNotKept() {
    HybridAllocator allocator = areas(4);
    long block = fullArea(allocator);
    for (int i = 0; i < 100; i++) {
      allocator.free(block + 2L * i, 0);
    }
    allocator.drainCaches();
    take(allocator, 0); // how empty an area is, is looked at when it is left
    allocator.drainCaches();
    try (FrameCache cache = allocator.openCache(NONE)) {
      cache.free(block + 301);
      assertEquals(0, cache.cachedFrameCount());
      assertEquals(100, allocator.freeBlockCount(0));
    }
  }

  @Test
  void aFrameOfTheOwnersAreaFreedElsewhereIsServedAgainBeforeTheAreaIsLeft() {
    HybridAllocator allocator = areas(1);
    try (FrameCache cache = allocator.openCache(NONE)) {
      long[] pfns = new long[512];
      for (int i = 0; i < 512; i++) {
        pfns[i] = take(cache);
        if (i == 100 || i == 400) {
          allocator.free(pfns[i - 1], 0);
          assertSound(allocator);
        }
      }
      BitSet again = new BitSet();
      again.set((int) take(cache) & 511);
      again.set((int) take(cache) & 511);
      assertTrue(again.get((int) pfns[99] & 511) && again.get((int) pfns[399] & 511));
      assertEquals(NO_FRAME, cache.allocate());
    }
  }

  @Test
  void aFrameOfTheClaimedWordMayBeFreedThroughTheAllocator() {
    HybridAllocator allocator = areas(2);
    try (FrameCache cache = allocator.openCache(NONE)) {
      long first = take(cache);
      long second = take(cache);
      allocator.free(first, 0);
      assertEquals(30, cache.cachedFrameCount(), "it is free, not cached");
      assertEquals(1, inUse(allocator));
      assertSound(allocator);
      cache.free(second);
      assertEquals(31, cache.cachedFrameCount());
      for (int i = 0; i < 31; i++) {
        assertNotEquals(first, take(cache));
      }
      assertEquals(31, inUse(allocator));
    }
  }

  @Test
  void aBulkFreeOverTheClaimedWordLeavesTheCacheAlone() {
    HybridAllocator allocator = areas(2);
    try (FrameCache cache = allocator.openCache(NONE)) {
      long[] pfns = new long[40];
      for (int i = 0; i < 40; i++) {
        pfns[i] = take(cache);
      }
      cache.free(pfns[33]);
      int cached = cache.cachedFrameCount();
      allocator.freeBulk(pfns, 0, 33);
      allocator.freeBulk(pfns, 34, 6);
      assertEquals(cached, cache.cachedFrameCount());
      assertEquals(0, inUse(allocator));
    }
    assertWhole(allocator);
  }

  @Test
  void aResetLeavesTheCacheItsFrames() {
    HybridAllocator allocator = areas(2);
    try (FrameCache cache = allocator.openCache(NONE)) {
      for (int i = 0; i < 50; i++) {
        take(cache);
      }
      allocator.reset();
      assertEquals(0, inUse(allocator));
      assertEquals(14, cache.cachedFrameCount());
      assertSound(allocator);
      cache.free(take(cache));
    }
    assertWhole(allocator);
  }

  // ---- Recall ----

  @Test
  @Behaviour("100")
  void aRequestThatFailsTakesTheMagazineAtOnceAndTheRestAfterTheNextAllocation() {
    HybridAllocator allocator = areas(2);
    long full = fullArea(allocator);
    try (FrameCache cache = allocator.openCache(NONE)) {
      long own = take(cache);
      cache.free(own);
      cache.free(full);
      cache.free(full + 1);
      assertEquals(34, cache.cachedFrameCount());
      assertEquals(full, allocator.allocate(1, NONE), "the magazine's pair, though it is the last");
      assertEquals(32, cache.cachedFrameCount());
      assertEquals(NO_FRAME, allocator.allocate(Pages.HUGE_ORDER, NONE));
      assertEquals(32, cache.cachedFrameCount(), "the owner alone may touch these");
      assertSound(allocator);
      long next = take(cache);
      assertEquals(own, next, "after giving back, he begins anew");
      assertEquals(34, cache.statistics().framesGivenBack());
      assertEquals(2, cache.statistics().refills());
      cache.free(next);
    }
    assertEquals(full - 512 == allocator.startPfn() ? full - 512 : full + 512, take(allocator, 9));
  }

  @Test
  void aRecalledWordGoesHomeAlsoIfNothingElseIsLeftForTheOwner() {
    HybridAllocator allocator = areas(1);
    long[] pfns = takeMany(allocator, 512);
    allocator.drainCaches();
    allocator.free(pfns[20], 0);
    allocator.free(pfns[21], 0);
    allocator.drainCaches();
    try (FrameCache cache = allocator.openCache(NONE)) {
      long first = take(cache);
      assertEquals(NO_FRAME, allocator.allocate(0, NONE), "it is the cache's");
      assertEquals(1, Memory.getLong(Slots.recall(claim(allocator, 0))));
      long second = take(cache);
      assertEquals(0, Memory.getLong(Slots.recall(claim(allocator, 0))));
      assertNotEquals(first, second);
      assertEquals(NO_FRAME, cache.allocate());
      assertEquals(512, inUse(allocator));
    }
  }

  @Test
  void drainingTheCachesOfAllAsksTheOwner() {
    HybridAllocator allocator = areas(2);
    long full = fullArea(allocator);
    try (FrameCache cache = allocator.openCache(NONE)) {
      take(cache);
      cache.free(full + 9);
      assertEquals(1, allocator.drainCaches());
      assertEquals(31, allocator.cachedFrameCount());
      assertEquals(0, allocator.drainCaches());
      take(cache);
      assertEquals(32, cache.statistics().framesGivenBack());
      assertEquals(2, inUse(allocator) - 511);
    }
  }

  @Test
  void anOwnerWhoRestsGivesBackEverythingAndGoesOnLater() {
    HybridAllocator allocator = areas(2);
    long full = fullArea(allocator);
    try (FrameCache cache = allocator.openCache(NONE)) {
      long own = take(cache);
      cache.free(own);
      cache.free(full + 1);
      cache.drain();
      assertEquals(0, allocator.cachedFrameCount());
      assertEquals(33, cache.statistics().framesGivenBack());
      long huge = take(allocator, Pages.HUGE_ORDER);
      cache.drain();
      assertEquals(full + 1, cache.allocate());
      assertEquals(NO_FRAME, cache.allocate());
      allocator.free(huge, Pages.HUGE_ORDER);
      assertEquals(huge, take(cache) & -512);
    }
  }

  @Test
  void aRecallThatIsNotAnsweredEndsWithTheCache() {
    HybridAllocator allocator = areas(1);
    FrameCache cache = allocator.openCache(NONE);
    cache.free(take(cache));
    assertEquals(NO_FRAME, allocator.allocate(Pages.HUGE_ORDER, NONE));
    cache.close();
    assertEquals(0, Memory.getLong(Slots.recall(claim(allocator, 0))));
    assertNotEquals(NO_FRAME, allocator.allocate(Pages.HUGE_ORDER, NONE));
  }

  @Test
  void whatLiesInTheMagazineIsCalledBackAndTold() {
    HybridAllocator allocator = areas(64);
    long full = fullArea(allocator);
    FrameCache cache = allocator.openCache(NONE);
    callBackAll(allocator.core);
    assertFalse(allocator.core.callBack.all(), "there is nothing in the cache");
    cache.free(full + 7);
    assertEquals(1, allocator.cachedFrameCount());
    assertTrue(allocator.core.callBack.all());
    assertEquals(0, allocator.cachedFrameCount());
    cache.close();
  }

  // ---- Threads ----

  @Test
  @Tag("slow")
  @Behaviour("100")
  void anotherThreadMayFreeWhatTheOwnerAllocatesAndTheReverse() throws InterruptedException {
    HybridAllocator allocator = areas(8);
    BlockingQueue<Long> toOther = new ArrayBlockingQueue<>(300);
    BlockingQueue<Long> toOwner = new ArrayBlockingQueue<>(300);
    AtomicReference<Throwable> failure = new AtomicReference<>();
    Thread other =
        new Thread(() -> {
          try {
            for (int i = 0; i < 60_000; i++) {
              if (i % 2 == 0) {
                allocator.free(toOther.take(), 0);
              } else {
                toOwner.put(take(allocator, 0));
              }
              if (i % 1000 == 0) {
                long huge = allocator.allocate(11, NONE);
                assertTrue(huge == NO_FRAME || allocator.tryFree(huge, 11) == 0);
              }
            }
          } catch (Throwable e) {
            failure.set(e);
          }
        });
    try (FrameCache cache = allocator.openCache(NONE)) {
      other.start();
      for (int i = 0; i < 30_000 && failure.get() == null; i++) {
        toOther.put(take(cache));
        long pair = take(cache);
        cache.free(toOwner.take());
        cache.free(pair);
      }
      other.join();
      assertEquals(null, failure.get());
      assertEquals(0, inUse(allocator));
      assertSound(allocator);
    }
    assertWhole(allocator);
  }

  @Test
  void aCacheMayBeHandedToAnotherThread() throws InterruptedException {
    HybridAllocator allocator = areas(1);
    FrameCache cache = allocator.openCache(NONE);
    long pfn = take(cache);
    Thread other =
        new Thread(() -> {
          cache.free(pfn);
          take(cache);
          cache.close();
        });
    other.start();
    other.join();
    assertEquals(1, inUse(allocator));
    assertEquals(0, allocator.cachedFrameCount());
    cache.close();
  }

  // ---- Cost ----

  @Test
  void callsUseNoJavaHeap() {
    HybridAllocator allocator = areas(8);
    long full = fullArea(allocator);
    try (FrameCache cache = allocator.openCache(NONE)) {
      long[] pfns = new long[301];
      for (int i = 1; i < pfns.length; i++) {
        pfns[i] = take(cache);
      }
      pfns[0] = full;
      assertEquals(
          0,
          HeapAllocation.bytesOf(() -> {
            for (int round = 0; round < 200; round++) {
              for (long pfn : pfns) {
                cache.free(pfn);
                cache.tryFree(pfn);
              }
              if (round % 10 == 0) {
                allocator.drainCaches();
              }
              for (int i = 0; i < pfns.length; i++) {
                pfns[i] = cache.allocate();
              }
            }
          }));
      assertTrue(cache.statistics().refills() > 100);
      assertTrue(cache.statistics().framesGivenBack() > 100);
    }
  }
}
