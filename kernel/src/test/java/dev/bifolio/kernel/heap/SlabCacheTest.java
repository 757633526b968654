package dev.bifolio.kernel.heap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.testkit.Behaviour;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// What a cache gives, takes and refuses, one thread.
class SlabCacheTest {
  private final HeapWorld world = new HeapWorld(200);

  @AfterEach
  void giveBack() {
    world.close();
  }

  private static List<Long> take(SlabCache cache, int cpu, int count) {
    List<Long> pointers = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      long pointer = cache.allocate(cpu);
      assertNotEquals(SlabCache.NO_MEMORY, pointer);
      pointers.add(pointer);
    }
    return pointers;
  }

  @Test
  @Behaviour("133")
  void objectsHaveFixedOffsetsAreCountedReusedAndRunOut() {
    SlabCache cache = world.caches.create(new SlabSpec("x", 64, 8, 0, 64, 1, null));
    long first = cache.allocate(0);
    assertEquals(world.map.pointerOf(HeapWorld.START_PFN), first);
    assertEquals(first + 64, cache.allocate(0));
    assertEquals(first + 128, cache.allocate(0));
    assertEquals(3, cache.statistics().activeObjects());
    cache.free(first + 64);
    assertEquals(2, cache.statistics().activeObjects());
    assertEquals(first + 64, cache.allocate(0));
    take(cache, 0, 60);
    world.frames.failEvery(1);
    while (world.pages.allocate(0) >= 0) {}
    assertEquals(63, cache.statistics().activeObjects());
    assertEquals(SlabCache.NO_MEMORY, cache.allocate(0));
    assertEquals(1, cache.statistics().failures());
    world.assertValid(cache);
    for (int i = 0; i < 63; i++) {
      cache.free(first + i * 64L);
    }
    assertEquals(0, cache.statistics().activeObjects());
    assertEquals(63, cache.statistics().objectCount());
  }

  @Test
  void everyObjectSizeAndAlignmentGivesWholeDisjointObjects() {
    for (int bytes : new int[] {8, 24, 40, 64, 200, 1000, 4096, 8192}) {
      for (int alignment : new int[] {8, 64, 4096}) {
        try (HeapWorld other = new HeapWorld(400)) {
          SlabCache cache = other.caches.create(new SlabSpec("x", bytes, alignment));
          Set<Long> seen = new HashSet<>();
          List<Long> taken = take(cache, 0, 40);
          for (long pointer : taken) {
            assertEquals(0, pointer & (alignment - 1));
            assertTrue(seen.add(pointer));
            assertSame(cache, other.caches.cacheOf(pointer + bytes - 1));
          }
          List<Long> sorted = taken.stream().sorted().toList();
          for (int i = 1; i < sorted.size(); i++) {
            assertTrue(sorted.get(i) - sorted.get(i - 1) >= bytes);
          }
          other.assertValid(cache);
          taken.forEach(cache::free);
          other.assertGone(cache);
        }
      }
    }
  }

  @Test
  @Behaviour("135")
  void slabsMoveBetweenPartialFullAndEmpty() {
    SlabCache cache = world.caches.create(HeapWorld.spec(512, 0, 1));
    List<Long> first = take(cache, 0, 8);
    List<Long> second = take(cache, 0, 8);
    List<Long> third = take(cache, 0, 1);
    assertEquals(3, cache.statistics().slabCount());
    assertEquals(2, cache.lists.count(SlabLists.FULL));
    // The full one becomes partial, and is preferred to an empty one and to a new one.
    cache.free(second.get(3));
    assertEquals(1, cache.lists.count(SlabLists.FULL));
    assertEquals(1, cache.lists.count(SlabLists.PARTIAL));
    third.addAll(take(cache, 0, 7));
    assertEquals(second.get(3), cache.allocate(0));
    // The last free makes it empty: one is kept, the next goes back.
    first.forEach(cache::free);
    assertEquals(1, cache.lists.count(SlabLists.EMPTY));
    assertEquals(3, world.usedFrames());
    third.forEach(cache::free);
    assertEquals(1, cache.lists.count(SlabLists.EMPTY));
    assertEquals(2, world.usedFrames());
    assertEquals(1, cache.statistics().slabsReleased());
    second.forEach(cache::free);
    world.assertValid(cache);
    world.assertGone(cache);
  }

  @Test
  void theFullestPartialSlabServesFirst() {
    SlabCache cache = world.caches.create(HeapWorld.spec(128, 0, 4));
    List<List<Long>> slabs = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      slabs.add(take(cache, 0, 32));
    }
    take(cache, 0, 32);
    int[] freed = {20, 5, 31, 12};
    for (int i = 0; i < freed.length; i++) {
      slabs.get(i).subList(0, freed[i]).forEach(cache::free);
    }
    world.assertValid(cache);
    for (int slab : new int[] {1, 3, 0, 2}) {
      Set<Long> expected = new HashSet<>(slabs.get(slab).subList(0, freed[slab]));
      assertEquals(expected, new HashSet<>(take(cache, 0, freed[slab])), "slab " + slab);
    }
    assertEquals(5, cache.statistics().slabCount());
  }

  @Test
  void partialSlabsAreToldApartByEighths() {
    SlabCache cache = world.caches.create(HeapWorld.spec(128, 0, 4));
    int[] expected = {SlabLists.FULL, 1, 1, 1, 1, 2, 2, 2, 2, 3};
    for (int free = 0; free < expected.length; free++) {
      assertEquals(expected[free], cache.lists.listFor(free));
    }
    assertEquals(8, cache.lists.listFor(31));
    assertEquals(7, cache.lists.listFor(28));
    assertEquals(SlabLists.EMPTY, cache.lists.listFor(32));
  }

  @Test
  @Behaviour("137")
  void mistakenFreesAreRefusedAndChangeNothing() {
    SlabCache cache = world.cache(64);
    SlabCache other = world.cache(128);
    long pointer = cache.allocate(0);
    long foreign = other.allocate(0);
    assertEquals(FreeOutcome.INTERIOR, cache.tryFree(pointer + 8));
    assertEquals(FreeOutcome.INTERIOR, cache.tryFree(pointer + 63));
    assertEquals(FreeOutcome.WRONG_CACHE, cache.tryFree(foreign));
    assertEquals(FreeOutcome.WRONG_CACHE, other.tryFree(pointer));
    assertEquals(FreeOutcome.FOREIGN, cache.tryFree(0));
    assertEquals(FreeOutcome.FOREIGN, cache.tryFree(-1));
    assertEquals(FreeOutcome.FOREIGN, cache.tryFree(world.map.pointerOf(world.endPfn - 1)));
    assertEquals(FreeOutcome.FOREIGN, cache.tryFree(world.map.pointerOf(world.endPfn)));
    assertEquals(FreeOutcome.DOUBLE_FREE, cache.tryFree(pointer + 64));
    assertEquals(1, cache.statistics().activeObjects());
    assertEquals(FreeOutcome.FREED, cache.tryFree(pointer));
    assertEquals(FreeOutcome.DOUBLE_FREE, cache.tryFree(pointer));
    assertEquals(9, cache.statistics().mistakes());
    assertEquals(1, other.statistics().mistakes());
    other.free(foreign);
    world.assertValid(cache);
    world.assertValid(other);
    assertEquals(0, other.destroy());
    world.assertGone(cache);
  }

  @Test
  void aMistakenFreeThrowsWhatIsWrong() {
    SlabCache cache = world.cache(64);
    long pointer = cache.allocate(0);
    HeapException refused = assertThrows(HeapException.class, () -> cache.free(pointer + 1));
    assertEquals(HeapError.INTERIOR, refused.error());
    assertEquals(
        HeapError.INTERIOR.text()
            + ": 0x"
            + Long.toHexString(pointer + 1)
            + " in cache 'objects-64'",
        refused.getMessage());
    cache.free(pointer);
    assertEquals(
        HeapError.DOUBLE_FREE,
        assertThrows(HeapException.class, () -> cache.free(pointer)).error());
    assertThrows(IllegalStateException.class, () -> FreeOutcome.FREED.refusal("x"));
  }

  @Test
  void theEndOfASlabHoldsNoObject() {
    SlabCache cache = world.caches.create(new SlabSpec("x", 1000, 8, 0, 64, 0, null));
    long first = cache.allocate(0);
    for (long offset = 4000; offset < 4096; offset += 8) {
      assertEquals(FreeOutcome.INTERIOR, cache.tryFree(first + offset));
    }
    SlabCache coloured = world.caches.create(new SlabSpec("y", 1000, 8, 0, 0, 0, null));
    take(coloured, 0, 4);
    long second = coloured.allocate(0);
    assertEquals(64, second & 0xFFF);
    assertEquals(FreeOutcome.INTERIOR, coloured.tryFree(second - 64));
    take(coloured, 0, 3);
    assertEquals(0, coloured.allocate(0) & 0xFFF);
    world.assertValid(coloured);
  }

  @Test
  void afterItsSlabHasGoneBackAPointerIsForeign() {
    SlabCache cache = world.caches.create(HeapWorld.spec(4096, 0, 0));
    long pointer = cache.allocate(0);
    long next = cache.allocate(0);
    cache.free(pointer);
    assertEquals(FreeOutcome.FOREIGN, cache.tryFree(pointer));
    assertNull(world.caches.cacheOf(pointer));
    cache.free(next);
    assertEquals(1, cache.shrink(1));
    assertEquals(0, world.usedFrames());
    SlabCache other = world.caches.create(HeapWorld.spec(64, 0, 0));
    assertEquals(pointer, other.allocate(0));
    assertEquals(FreeOutcome.WRONG_CACHE, cache.tryFree(pointer));
    assertSame(other, world.caches.cacheOf(pointer));
  }

  @Test
  @Behaviour("138")
  void oneObjectASlabWorks() {
    SlabCache cache = world.caches.create(new SlabSpec("x", 2048, 8, 0, 64, 2, null));
    assertEquals(1, cache.statistics().objectsPerSlab());
    List<Long> taken = take(cache, 0, 50);
    assertEquals(50, world.usedFrames());
    assertEquals(40, world.pages.regionUsedFrames());
    assertEquals(10, world.frames.usedFrames());
    world.assertValid(cache);
    taken.forEach(cache::free);
    world.assertValid(cache);
    assertEquals(0, cache.lists.count(SlabLists.FULL));
    assertEquals(2, cache.lists.count(SlabLists.EMPTY));
    world.assertGone(cache);
  }

  @Test
  void theConstructorPreparesEachObjectOnceForEachSlab() {
    List<Long> prepared = new ArrayList<>();
    ObjectConstructor constructor =
        pointer -> {
          prepared.add(pointer);
          world.putLong(pointer, 42);
        };
    SlabCache cache = world.caches.create(new SlabSpec("x", 512, 8, 0, 0, 4, constructor));
    assertSame(constructor, cache.spec().constructor());
    List<Long> taken = take(cache, 0, 8);
    assertEquals(taken, prepared);
    taken.forEach(pointer -> assertEquals(42, world.getLong(pointer)));
    world.putLong(taken.get(5), 43);
    cache.free(taken.get(5));
    assertEquals(taken.get(5), cache.allocate(0));
    assertEquals(43, world.getLong(taken.get(5)));
    assertEquals(8, prepared.size());
    cache.allocate(0);
    assertEquals(16, prepared.size());
  }

  @Test
  void aConstructorMayAllocateFromTheSameCache() {
    SlabCache[] cache = new SlabCache[1];
    List<Long> inner = new ArrayList<>();
    ObjectConstructor constructor =
        pointer -> {
          if (inner.isEmpty()) {
            inner.add(0L);
            inner.add(cache[0].allocate(0));
          }
        };
    cache[0] = world.caches.create(new SlabSpec("x", 4096, 8, 0, 0, 4, constructor));
    long outer = cache[0].allocate(0);
    assertNotEquals(outer, inner.get(1));
    assertEquals(2, cache[0].statistics().activeObjects());
    world.assertValid(cache[0]);
    // Both were made for the same CPU; the second one found it served.
    assertEquals(2, cache[0].statistics().slabsMade());
  }

  @Test
  void whatAFailingConstructorLeavesIsGivenBack() {
    ObjectConstructor constructor =
        pointer -> {
          throw new ArithmeticException();
        };
    SlabCache cache = world.caches.create(new SlabSpec("x", 64, 8, 0, 0, 4, constructor));
    assertThrows(ArithmeticException.class, () -> cache.allocate(0));
    world.assertGone(cache);
  }

  @Test
  void eachCpuHasASlabOfItsOwnUntilMemoryIsShort() {
    SlabCache cache = world.caches.create(HeapWorld.spec(512, 0, 0));
    long mine = cache.allocate(0);
    long yours = cache.allocate(1);
    assertNotEquals(mine & -4096L, yours & -4096L);
    assertEquals(2, cache.lists.count(SlabLists.CLAIMED));
    // A CPU that there is not takes the place of one that there is.
    assertEquals(mine + 512, cache.allocate(2));
    assertEquals(yours + 512, cache.allocate(-1));
    world.frames.failEvery(1);
    while (world.pages.allocate(0) >= 0) {}
    List<Long> rest = take(cache, 0, 12);
    assertEquals(12, new HashSet<>(rest).size());
    assertEquals(SlabCache.NO_MEMORY, cache.allocate(0));
    assertEquals(SlabCache.NO_MEMORY, cache.allocate(1));
    assertEquals(2, cache.statistics().failures());
    world.assertValid(cache);
  }

  @Test
  void allocateAsksForTheRunningCpu() {
    SlabCache cache = world.cache(64);
    long pointer = cache.allocate();
    assertSame(cache, world.caches.cacheOf(pointer));
    cache.free(pointer);
    world.assertGone(cache);
  }

  @Test
  void shrinkGivesBackEmptySlabsAndThenWhatOnlyCpusKeep() {
    SlabCache cache = world.caches.create(HeapWorld.spec(2048, 1, 9));
    List<Long> taken = take(cache, 0, 12);
    long yours = cache.allocate(1);
    assertEquals(4 * 2, world.usedFrames());
    taken.forEach(cache::free);
    cache.free(yours);
    assertEquals(2, cache.lists.count(SlabLists.EMPTY));
    assertEquals(4, cache.emptyFrames());
    assertEquals(2, cache.shrink(1));
    assertEquals(2, cache.lists.count(SlabLists.CLAIMED));
    assertEquals(2, cache.emptyFrames());
    assertEquals(4, cache.shrink(3));
    assertEquals(0, cache.lists.count(SlabLists.CLAIMED));
    assertEquals(2, world.usedFrames());
    assertEquals(2, cache.shrink(100));
    assertEquals(0, cache.shrink(100));
    assertEquals(4, cache.statistics().slabsReleased());
    world.assertGone(cache);
  }

  @Test
  void destroyReportsWhatIsInUseAndThenChangesNothing() {
    SlabCache cache = world.cache(64);
    List<Long> taken = take(cache, 0, 100);
    assertEquals(100, cache.destroy());
    assertEquals(100, cache.statistics().activeObjects());
    taken.addAll(take(cache, 0, 1));
    taken.forEach(cache::free);
    assertTrue(world.usedFrames() > 0);
    world.assertGone(cache);
    assertThrows(IllegalStateException.class, () -> cache.allocate(0));
    assertThrows(IllegalStateException.class, cache::openOwner);
    assertEquals(FreeOutcome.FOREIGN, cache.tryFree(taken.get(0)));
  }

  @Test
  void aCacheThatIsDestroyedWhileASlabIsMadeGivesItBack() {
    SlabCache[] cache = new SlabCache[1];
    ObjectConstructor constructor = pointer -> assertEquals(0, cache[0].destroy());
    cache[0] = world.caches.create(new SlabSpec("x", 4096, 8, 0, 0, 4, constructor));
    assertThrows(IllegalStateException.class, () -> cache[0].allocate(0));
    assertEquals(0, world.usedFrames());
  }

  @Test
  void statisticsAreALineOfSlabinfo() {
    SlabCache cache = world.caches.create(new SlabSpec("dentry", 192, 8));
    take(cache, 0, 30);
    assertEquals(
        "dentry                30     42    192   21    1 : tunables    0    0    0"
            + " : slabdata      2      2      0",
        cache.statistics().slabinfoLine());
    SlabCache gone = world.cache(64);
    assertEquals(0, gone.destroy());
    String text = world.caches.slabinfo();
    assertEquals(SlabStatistics.SLABINFO_HEADER + cache.statistics().slabinfoLine() + "\n", text);
    SlabStatistics found = cache.statistics();
    assertEquals(new SlabStatistics("dentry", 30, 42, 192, 21, 1, 2, 2, 2, 0, 0, 0, 0), found);
  }

  @Test
  void thereAreNoMoreCachesThanWereAskedFor() {
    long bytes = SlabCaches.byteSize(1, 2, 8);
    SlabCaches caches =
        new SlabCaches(world.windows.reserve(bytes), world.map, world.pages, 1, 2, 8);
    SlabCache first = caches.create(HeapWorld.spec(64, 0, 0));
    assertThrows(IllegalArgumentException.class, () -> caches.create(HeapWorld.spec(8192, 0, 0)));
    caches.create(HeapWorld.spec(64, 0, 0));
    assertThrows(IllegalStateException.class, () -> caches.create(HeapWorld.spec(64, 0, 0)));
    assertEquals(0, first.destroy());
    assertThrows(IllegalStateException.class, () -> caches.create(HeapWorld.spec(64, 0, 0)));
    for (int[] wrong : new int[][] {{0, 1, 1}, {1, 0, 1}, {1, 1, 0}}) {
      assertThrows(
          IllegalArgumentException.class,
          () -> new SlabCaches(0, world.map, world.pages, wrong[0], wrong[1], wrong[2]));
    }
  }

  @Test
  void withoutARecordThereIsNoSlab() {
    long bytes = SlabCaches.byteSize(1, 2, 4);
    SlabCaches caches =
        new SlabCaches(world.windows.reserve(bytes), world.map, world.pages, 1, 2, 4);
    SlabCache tiny = caches.create(HeapWorld.spec(8, 0, 0));
    SlabCache large = caches.create(HeapWorld.spec(4096, 0, 0));
    long pointer = tiny.allocate(0);
    long other = large.allocate(0);
    assertEquals(SlabCache.NO_MEMORY, large.allocate(0));
    assertEquals(2, world.usedFrames());
    tiny.free(pointer);
    assertEquals(1, tiny.shrink(1));
    // Its record had three units, and serves such slabs only.
    assertEquals(SlabCache.NO_MEMORY, large.allocate(0));
    assertEquals(pointer, tiny.allocate(0));
    large.free(other);
    assertNotEquals(SlabCache.NO_MEMORY, large.allocate(0));
  }

  @Test
  void everyFailingRequestForFramesLeavesAllAsItWas() {
    for (int k = 1; k <= 6; k++) {
      try (HeapWorld other = new HeapWorld(64, 0, 4096)) {
        SlabCache cache = other.caches.create(HeapWorld.spec(1024, 0, 1));
        other.frames.failEvery(k);
        List<Long> taken = new ArrayList<>();
        int failures = 0;
        for (int i = 0; i < 60; i++) {
          long pointer = cache.allocate(i & 1);
          if (pointer == SlabCache.NO_MEMORY) {
            failures++;
          } else {
            taken.add(pointer);
          }
          other.assertValid(cache);
          assertEquals(taken.size(), cache.statistics().activeObjects());
        }
        assertEquals(failures, cache.statistics().failures());
        assertEquals(k == 1, taken.isEmpty());
        taken.forEach(cache::free);
        other.assertGone(cache);
      }
    }
  }
}
