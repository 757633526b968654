package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;
import dev.bifolio.testkit.Behaviour;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Frees that a [FrameCache] refuses, or that are refused elsewhere because of it, and what is left
/// when two frees of one frame race.
class FrameCacheMistakesTest extends OwnedCaches {
  @Test
  @Behaviour({"58", "100"})
  void aFrameInTheClaimWordCannotBeFreedAgain() {
    HybridAllocator allocator = areas(2);
    try (FrameCache cache = allocator.openCache(NONE)) {
      long pfn = take(cache);
      cache.free(pfn);
      for (long cached = pfn; cached < pfn + 32; cached += 7) {
        assertRefused(allocator, cache, FrameError.NOT_ALLOCATED, cached);
        assertRefusedElsewhere(allocator, cache, FrameError.NOT_ALLOCATED, cached);
      }
      FrameRequestException split =
          assertThrows(FrameRequestException.class, () -> allocator.splitBlock(pfn, 0));
      assertEquals(FrameError.NOT_ALLOCATED, split.error());
      assertEquals(pfn, cache.allocate());
    }
  }

  @Test
  @Behaviour({"58", "100"})
  void aFrameInTheMagazineCannotBeFreedAgain() {
    HybridAllocator allocator = areas(2);
    long full = fullArea(allocator);
    try (FrameCache cache = allocator.openCache(NONE)) {
      cache.free(full + 31);
      assertEquals(1, cache.cachedFrameCount());
      assertRefused(allocator, cache, FrameError.NOT_ALLOCATED, full + 31);
      assertRefusedElsewhere(allocator, cache, FrameError.NOT_ALLOCATED, full + 31);
      assertEquals(full + 31, cache.allocate());
    }
  }

  @Test
  void aFrameThatWaitsInTheCacheOfACpuCannotBeFreedIntoAnOwners() {
    HybridAllocator allocator = areas(3);
    long single = take(allocator, 0);
    allocator.free(single, 0);
    try (FrameCache cache = allocator.openCache(NONE)) {
      take(cache);
      assertRefused(allocator, cache, FrameError.NOT_ALLOCATED, single);
    }
  }

  @Test
  void aFrameInTheCacheOfOneOwnerCannotBeFreedIntoAnothers() {
    HybridAllocator allocator = areas(3);
    try (FrameCache one = allocator.openCache(NONE);
        FrameCache other = allocator.openCache(NONE)) {
      long mine = take(one);
      long yours = take(other);
      assertNotEquals(mine & -512, yours & -512);
      one.free(mine);
      other.free(yours);
      assertRefused(allocator, one, FrameError.NOT_ALLOCATED, yours);
      assertRefused(allocator, other, FrameError.NOT_ALLOCATED, mine);
    }
  }

  /// The cache claims the second pair of a word whose first pair is one block.
  @Test
  @Behaviour("59")
  void blocksAndTheirTailsAndFreeFramesAreRefusedInTheClaimedWord() {
    HybridAllocator allocator = areas(1);
    long pair = take(allocator, 1);
    allocator.drainCaches();
    try (FrameCache cache = allocator.openCache(NONE)) {
      assertEquals(pair + 2, cache.allocate());
      assertEquals(1, cache.cachedFrameCount(), "the larger runs come later");
      assertRefused(allocator, cache, FrameError.SIZE_MISMATCH, pair);
      assertRefused(allocator, cache, FrameError.SIZE_MISMATCH, pair + 1);
      assertRefused(allocator, cache, FrameError.NOT_ALLOCATED, pair + 4);
      assertRefused(allocator, cache, FrameError.NOT_ALLOCATED, pair + 31);
      assertRefused(allocator, cache, FrameError.NOT_ALLOCATED, pair + 32);
      assertRefusedElsewhere(allocator, cache, FrameError.NOT_ALLOCATED, pair + 3);
      allocator.free(pair, 1);
      assertRefused(allocator, cache, FrameError.NOT_ALLOCATED, pair);
    }
  }

  @Test
  @Behaviour("59")
  void blocksElsewhereAreNoSingleFrames() {
    HybridAllocator allocator = areas(4);
    long four = take(allocator, 2);
    long huge = take(allocator, 9);
    long run = allocator.allocateFrames(70, NONE);
    try (FrameCache cache = allocator.openCache(NONE)) {
      for (boolean claimed : new boolean[] {false, true}) {
        for (long block : new long[] {four, huge, run}) {
          assertRefused(allocator, cache, FrameError.SIZE_MISMATCH, block);
          assertRefused(allocator, cache, FrameError.SIZE_MISMATCH, block + 1);
          assertRefused(allocator, cache, FrameError.SIZE_MISMATCH, block + 3);
        }
        if (!claimed) {
          take(cache);
        }
      }
    }
  }

  @Test
  @Tag("slow")
  @Behaviour("60")
  void framesThatAreNoneAreRefusedWithAndWithoutAClaimedWord() {
    long start = 0x7000;
    HybridAllocator allocator = allocatorOf(start, 0x1000, 1);
    allocator.addFrames(start + 100, start + 0x200);
    allocator.addFrames(start + 0x400, start + 0x600);
    List<Long> none = new ArrayList<>(List.of(-1L, 0L, start - 1, start + 0x1000, start - 32));
    none.addAll(List.of(start, start + 99, start + 0x200, start + 0x600, start + 0xFFF));
    for (long far : new long[] {Long.MIN_VALUE, Long.MAX_VALUE, 1L << 52, -1L << 52, 1L << 32}) {
      for (long near : new long[] {0, 1, 5, 31, 32, -1, -31, start, -start}) {
        none.add(far + near);
        none.add(far + start + near);
      }
    }
    try (FrameCache cache = allocator.openCache(NONE)) {
      none.forEach(pfn -> assertRefused(allocator, cache, FrameError.OUT_OF_RANGE, pfn));
      take(cache);
      none.forEach(pfn -> assertRefused(allocator, cache, FrameError.OUT_OF_RANGE, pfn));
      // The word is given back: there is none again.
      allocator.drainCaches();
      while (cache.allocate() >= 0) {}
      assertEquals(0, cache.cachedFrameCount());
      none.forEach(pfn -> assertRefused(allocator, cache, FrameError.OUT_OF_RANGE, pfn));
    }
  }

  @Test
  void aMessageNamesTheFrameAndWhatWasFound() {
    HybridAllocator allocator = areas(2);
    try (FrameCache cache = allocator.openCache(NONE)) {
      long pfn = take(cache);
      cache.free(pfn);
      String text = assertThrows(FrameRequestException.class, () -> cache.free(pfn)).getMessage();
      assertTrue(text.contains(Long.toHexString(pfn)), text);
      assertTrue(text.contains("waiting in a cache"), text);
    }
  }

  // ---- Two frees at once ----

  /// What two frees of one frame leave that both saw it allocated: a bit, and a free frame.
  private static void raced(HybridAllocator allocator, int number, long pfn) {
    long claim = claim(allocator, number);
    assertEquals(ClaimWord.DRAINING, ClaimWord.state(Memory.getLong(claim)));
    Memory.putLong(claim, Memory.getLong(claim) | 1L << (pfn & 31));
    long frame = pfn - allocator.core.basePfn();
    long value = frameWord(allocator.core, frame) ^ UnitWord.block((int) pfn & 31, 1);
    setFrameWord(allocator.core, frame, value);
    allocator.core.areas.afterFree(frame, 0, value);
  }

  @Test
  @Behaviour("52")
  void aFrameFreedTwiceAtOnceIsDroppedAndHandedOutOnce() {
    HybridAllocator allocator = areas(1);
    try (FrameCache cache = allocator.openCache(NONE)) {
      long first = take(cache);
      long second = take(cache);
      long third = take(cache);
      raced(allocator, 0, first);
      raced(allocator, 0, third);
      long allocations = allocator.allocationCount(0, 0);
      assertEquals(3, allocations);
      boolean[] seen = new boolean[512];
      seen[(int) second & 511] = true;
      for (int i = 1; i < 512; i++) {
        int frame = (int) take(cache) & 511;
        assertEquals(false, seen[frame], "frame " + frame + " has two owners");
        seen[frame] = true;
        assertEquals(allocations + i, allocator.allocationCount(0, 0), "a drop is no allocation");
      }
      assertEquals(NO_FRAME, cache.allocate());
      assertEquals(512, inUse(allocator));
      assertSound(allocator);
    }
  }

  @Test
  void aFrameFreedTwiceAtOnceGoesHomeOnceWhenTheCacheIsClosed() {
    HybridAllocator allocator = areas(1);
    FrameCache cache = allocator.openCache(NONE);
    long first = take(cache);
    raced(allocator, 0, first);
    assertRefused(cache, FrameError.NOT_ALLOCATED, first);
    cache.close();
    assertWhole(allocator);
    assertEquals(1, allocator.allocationCount(0, 0));
  }

  private static void assertRefused(FrameCache cache, FrameError error, long pfn) {
    assertEquals(error, assertThrows(FrameRequestException.class, () -> cache.free(pfn)).error());
  }

  @Test
  void aFrameThatAMagazineTookFirstIsDroppedToo() {
    HybridAllocator allocator = areas(1);
    try (FrameCache cache = allocator.openCache(NONE)) {
      long first = take(cache);
      // A late push of another hid the frame in a magazine while the owner freed it.
      long claim = claim(allocator, 0);
      Memory.putLong(claim, Memory.getLong(claim) | 1L << (first & 31));
      long frame = first - allocator.core.basePfn();
      setFrameWord(allocator.core, frame, frameWord(allocator.core, frame) | 1L << (first & 31));
      assertNotEquals(first, take(cache));
      setFrameWord(allocator.core, frame, frameWord(allocator.core, frame) & ~(1L << (first & 31)));
      assertEquals(2, inUse(allocator));
      assertEquals(2, allocator.allocationCount(0, 0));
    }
  }

  @Test
  void allFramesOfAWordDroppedAtOnceLeadToTheNextWord() {
    HybridAllocator allocator = areas(1);
    try (FrameCache cache = allocator.openCache(NONE)) {
      long first = take(cache);
      for (int i = 1; i < 32; i++) {
        take(cache);
      }
      for (int i = 0; i < 32; i++) {
        raced(allocator, 0, first + i);
      }
      long next = take(cache);
      assertEquals(1, inUse(allocator));
      assertEquals(33, allocator.allocationCount(0, 0));
      cache.free(next);
    }
    assertWhole(allocator);
  }

  // ---- Slots and closing ----

  @Test
  void thereAreTwoCachesForEachCpuAndTwoMore() {
    for (int cpus = 1; cpus <= 3; cpus++) {
      HybridAllocator allocator = allocatorOf(0, 8 << 9, cpus);
      allocator.addFrames(0, 8 << 9);
      List<FrameCache> caches = new ArrayList<>();
      int count = 2 * cpus + 2;
      for (int i = 0; i < count; i++) {
        caches.add(allocator.openCache(NONE));
      }
      IllegalStateException full =
          assertThrows(IllegalStateException.class, () -> allocator.openCache(NONE));
      assertTrue(full.getMessage().contains(" " + count + " "), full.getMessage());
      caches.get(2).close();
      FrameCache again = allocator.openCache(AllocationFlags.MOVABLE);
      assertThrows(IllegalStateException.class, () -> allocator.openCache(NONE));
      caches.forEach(FrameCache::close);
      take(again);
      again.close();
      assertEquals(1, inUse(allocator));
    }
  }

  @Test
  void aClosedCacheRefusesEveryCall() {
    HybridAllocator allocator = areas(2);
    long full = fullArea(allocator);
    FrameCache cache = allocator.openCache(NONE);
    long kept = take(cache);
    long other = take(cache);
    cache.close();
    for (int i = 0; i < 2; i++) {
      assertThrows(IllegalStateException.class, cache::allocate);
      assertThrows(IllegalStateException.class, cache::drain);
      for (long pfn : new long[] {kept, other, full, -1, 0, kept + 32, Long.MAX_VALUE}) {
        assertThrows(IllegalStateException.class, () -> cache.free(pfn));
        assertThrows(IllegalStateException.class, () -> cache.tryFree(pfn));
      }
      assertDoesNotThrow(cache::close);
      assertEquals(0, cache.cachedFrameCount());
      // Another owner has the slot now.
      FrameCache next = allocator.openCache(NONE);
      assertNotEquals(kept, take(next));
      assertThrows(IllegalStateException.class, cache::allocate);
      next.close();
    }
    assertEquals(4, inUse(allocator) - 512);
    allocator.free(kept, 0);
    allocator.free(other, 0);
  }

  @Test
  void noCacheIsOpenedBeforeInitialisation() {
    HybridAllocator allocator = new HybridAllocator(20, 1);
    FrameRequestException thrown =
        assertThrows(FrameRequestException.class, () -> allocator.openCache(NONE));
    assertEquals(FrameError.NOT_INITIALIZED, thrown.error());
    assertEquals(new CacheStatistics(0, 0, 0, 0), allocator.cacheStatistics());
  }
}
