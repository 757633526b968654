package dev.bifolio.kernel.heap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Memory;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// What an owner does with his row, and what others may do to it.
class SlabOwnerTest {
  private final HeapWorld world = new HeapWorld(200);

  @AfterEach
  void giveBack() {
    world.close();
  }

  private static List<Long> take(SlabOwner owner, int count) {
    List<Long> pointers = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      long pointer = owner.allocate();
      assertNotEquals(SlabCache.NO_MEMORY, pointer);
      pointers.add(pointer);
    }
    return pointers;
  }

  @Test
  void anOwnerGetsEveryObjectOnceAcrossRowsAndSlabs() {
    SlabCache cache = world.cache(64);
    SlabOwner owner = cache.openOwner();
    List<Long> taken = take(owner, 200);
    assertEquals(200, new HashSet<>(taken).size());
    long first = taken.get(0);
    assertEquals(first + 64, taken.get(1));
    assertEquals(200, cache.statistics().activeObjects());
    world.assertValid(cache);
    taken.forEach(owner::free);
    assertEquals(0, cache.statistics().activeObjects());
    world.assertValid(cache);
    owner.close();
    owner.close();
    world.assertGone(cache);
  }

  @Test
  void whatIsFreedLastIsServedAgain() {
    SlabCache cache = world.cache(24);
    try (SlabOwner owner = cache.openOwner()) {
      List<Long> taken = take(owner, 20);
      owner.free(taken.get(7));
      assertEquals(taken.get(7), owner.allocate());
      owner.free(taken.get(9));
      owner.free(taken.get(8));
      assertEquals(taken.get(8), owner.allocate());
      assertEquals(19, cache.statistics().activeObjects());
    }
  }

  @Test
  void aFreeOfTheOwnersObjectIsSeenByAllAndRefusedTwice() {
    SlabCache cache = world.cache(64);
    SlabOwner owner = cache.openOwner();
    List<Long> taken = take(owner, 3);
    owner.free(taken.get(0));
    assertEquals(FreeOutcome.DOUBLE_FREE, cache.tryFree(taken.get(0)));
    assertEquals(FreeOutcome.DOUBLE_FREE, owner.tryFree(taken.get(0)));
    assertEquals(FreeOutcome.DOUBLE_FREE, cache.tryFree(taken.get(2) + 64));
    assertEquals(FreeOutcome.FREED, cache.tryFree(taken.get(1)));
    assertEquals(FreeOutcome.DOUBLE_FREE, owner.tryFree(taken.get(1)));
    assertEquals(FreeOutcome.DOUBLE_FREE, cache.tryFree(taken.get(1)));
    assertEquals(HeapError.DOUBLE_FREE, refusal(owner, taken.get(1)));
    assertEquals(1, cache.statistics().activeObjects());
    assertEquals(6, cache.statistics().mistakes());
    world.assertValid(cache);
    owner.close();
    cache.free(taken.get(2));
    world.assertGone(cache);
  }

  private static HeapError refusal(SlabOwner owner, long pointer) {
    return assertThrows(HeapException.class, () -> owner.free(pointer)).error();
  }

  @Test
  void aDoubleFreeInAnotherRowThanTheOwnersIsRefused() {
    SlabCache cache = world.cache(64);
    SlabOwner owner = cache.openOwner();
    List<Long> taken = take(owner, 40);
    // Bit 3 of the owner's second row is free; of the first row, it is not.
    owner.free(taken.get(35));
    assertEquals(FreeOutcome.DOUBLE_FREE, cache.tryFree(taken.get(35)));
    assertEquals(FreeOutcome.FREED, cache.tryFree(taken.get(3)));
    world.assertValid(cache);
    owner.close();
  }

  @Test
  void mistakesInTheOwnersRowAreTold() {
    SlabCache cache = world.caches.create(HeapWorld.spec(192, 0, 4));
    SlabCache other = world.cache(64);
    try (SlabOwner owner = cache.openOwner()) {
      long pointer = owner.allocate();
      assertEquals(FreeOutcome.INTERIOR, owner.tryFree(pointer + 8));
      assertEquals(FreeOutcome.INTERIOR, owner.tryFree(pointer + 21 * 192));
      assertEquals(FreeOutcome.WRONG_CACHE, owner.tryFree(other.allocate(0)));
      assertEquals(FreeOutcome.FOREIGN, owner.tryFree(pointer - 1));
      assertEquals(FreeOutcome.FREED, owner.tryFree(pointer));
      assertEquals(pointer, owner.allocate());
    }
  }

  @Test
  void objectsOfOthersMayBeFreedThroughAnOwner() {
    SlabCache cache = world.cache(64);
    long others = cache.allocate(0);
    SlabOwner owner = cache.openOwner();
    take(owner, 1).forEach(cache::free);
    owner.free(others);
    assertEquals(0, cache.statistics().activeObjects());
    owner.close();
    world.assertGone(cache);
  }

  @Test
  void whatOthersFreedInTheRowServesTheOwnerAgain() {
    SlabCache cache = world.caches.create(HeapWorld.spec(512, 0, 4));
    SlabOwner owner = cache.openOwner();
    List<Long> taken = take(owner, 8);
    cache.free(taken.get(2));
    cache.free(taken.get(5));
    assertEquals(List.of(taken.get(2), taken.get(5)), take(owner, 2));
    assertEquals(1, cache.statistics().slabCount());
    world.assertValid(cache);
    owner.close();
  }

  @Test
  void anObjectThatIsFreedHereAndElsewhereAtOnceIsDroppedHere() {
    SlabCache cache = world.caches.create(HeapWorld.spec(512, 0, 4));
    SlabOwner owner = cache.openOwner();
    List<Long> taken = take(owner, 8);
    owner.free(taken.get(3));
    // What a free does that looked before the owner's store was there.
    long row = SlabRecords.row(cache.records().at(1), 0);
    Memory.putLong(row, Memory.getLong(row) | 8);
    assertEquals(taken.get(3), owner.allocate());
    assertEquals(1, cache.statistics().doubleFrees());
    assertEquals(8, cache.statistics().activeObjects());
    // The same, and the owner leaves before he comes to it.
    owner.free(taken.get(4));
    Memory.putLong(row, Memory.getLong(row) | 16);
    owner.drain();
    assertEquals(2, cache.statistics().doubleFrees());
    assertEquals(7, cache.statistics().activeObjects());
    world.assertValid(cache);
    owner.close();
  }

  @Test
  void drainGivesTheSlabBackAndTheNextAllocationTakesOneAgain() {
    SlabCache cache = world.caches.create(HeapWorld.spec(512, 0, 4));
    SlabOwner owner = cache.openOwner();
    long pointer = owner.allocate();
    assertEquals(1, cache.lists.count(SlabLists.CLAIMED));
    owner.drain();
    owner.drain();
    assertEquals(0, cache.lists.count(SlabLists.CLAIMED));
    assertEquals(pointer + 512, cache.allocate(0));
    assertEquals(1, cache.statistics().slabCount());
    long next = owner.allocate();
    assertEquals(2, cache.statistics().slabCount());
    owner.free(pointer);
    owner.free(pointer + 512);
    owner.free(next);
    owner.close();
    world.assertGone(cache);
  }

  @Test
  void emptySlabsBeyondTheLimitGoBackWhenTheOwnerLeaves() {
    SlabCache cache = world.caches.create(HeapWorld.spec(512, 0, 0));
    SlabOwner owner = cache.openOwner();
    owner.free(owner.allocate());
    assertEquals(1, world.usedFrames());
    owner.drain();
    assertEquals(0, world.usedFrames());
    owner.close();
  }

  @Test
  void anOwnerTakesWhatCpusHaveBeforeHeFails() {
    SlabCache cache = world.caches.create(HeapWorld.spec(512, 0, 4));
    long mine = cache.allocate(0);
    SlabOwner owner = cache.openOwner();
    world.frames.failEvery(1);
    while (world.pages.allocate(0) >= 0) {}
    List<Long> taken = take(owner, 7);
    assertEquals(mine + 512, taken.get(0));
    assertEquals(SlabCache.NO_MEMORY, owner.allocate());
    assertEquals(1, cache.statistics().failures());
    world.assertValid(cache);
    cache.free(mine);
    assertEquals(mine, owner.allocate());
    owner.close();
  }

  @Test
  void aCacheWithAnOwnersSlabIsNotDestroyed() {
    SlabCache cache = world.cache(64);
    SlabOwner owner = cache.openOwner();
    long pointer = owner.allocate();
    assertEquals(1, cache.destroy());
    owner.free(pointer);
    assertThrows(IllegalStateException.class, cache::destroy);
    assertEquals(pointer, owner.allocate());
    owner.free(pointer);
    owner.close();
    world.assertGone(cache);
  }

  @Test
  void aClosedOwnerAllocatesNothingAndMayStillFree() {
    SlabCache cache = world.cache(64);
    SlabOwner owner = cache.openOwner();
    long pointer = owner.allocate();
    owner.close();
    assertThrows(IllegalStateException.class, owner::allocate);
    assertThrows(IllegalStateException.class, owner::drain);
    owner.free(pointer);
    SlabOwner late = cache.openOwner();
    world.assertGone(cache);
    assertThrows(IllegalStateException.class, late::allocate);
  }

  @Test
  void theLastRowOfASlabHasNoMoreThanItsObjects() {
    SlabCache cache = world.caches.create(new SlabSpec("x", 96, 8, 0, 0, 4, null));
    try (SlabOwner owner = cache.openOwner()) {
      List<Long> taken = take(owner, 42);
      assertEquals(1, cache.statistics().slabCount());
      assertEquals(FreeOutcome.INTERIOR, owner.tryFree(taken.get(41) + 96));
      assertTrue(owner.tryFree(taken.get(41)).isFreed());
      assertEquals(taken.get(41), owner.allocate());
      take(owner, 1);
      assertEquals(2, cache.statistics().slabCount());
    }
  }
}
