package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.zone.Zone;
import java.util.List;
import org.junit.jupiter.api.Test;

/// What reclaim asks of whom, and when it leaves off.
class MemoryReclaimTest {
  private static FakeShrinker shrinker(TieredItems items, long held) {
    FakeShrinker shrinker = new FakeShrinker("cache", held, 1);
    assertEquals(0, items.reclaim.shrinkers().register(shrinker));
    return shrinker;
  }

  @Test
  void aRequestInNeedAsksForThirtyTwoFramesOrForMore() {
    try (TieredItems items = new TieredItems(2048)) {
      FakeShrinker cache = shrinker(items, 10_000);
      assertEquals(32, items.reclaim.reclaim(items.zone(0), 0, 1));
      assertEquals(32, items.reclaim.reclaim(items.zone(0), 0, 32));
      assertEquals(33, items.reclaim.reclaim(items.zone(0), 0, 33));
      assertEquals(List.of(32L, 32L, 33L), cache.asked);
    }
  }

  @Test
  void shrinkersAreAskedForWhatCouldNotBeDemoted() {
    try (TieredItems items = new TieredItems(2048, 2048)) {
      FakeShrinker cache = shrinker(items, 10_000);
      for (int i = 0; i < 40; i++) {
        items.setHeat(items.add(0, 0), 0);
      }
      assertEquals(32, items.reclaim.reclaim(items.zone(0), 0, 1));
      assertEquals(List.of(), cache.asked);
      assertEquals(32, items.reclaim.reclaim(items.zone(0), 0, 1));
      assertEquals(List.of(24L), cache.asked);
      assertEquals(40, items.mover.demotedFrames(items.zone(0)));
    }
  }

  @Test
  void aWakeUpIsOfItsZoneAlone() {
    try (TieredItems items = new TieredItems(2048, 2048, 2048)) {
      items.reclaim.wake(items.zone(1), 0);
      assertFalse(items.reclaim.isWoken(items.zone(0)));
      assertTrue(items.reclaim.isWoken(items.zone(1)));
      assertFalse(items.reclaim.isWoken(items.zone(2)));
      assertFalse(items.reclaim.step(100), "there is plenty: it rests at once");
      assertFalse(items.reclaim.isWoken(items.zone(1)));
    }
  }

  private static int wakeUpsLeftOut(TieredItems items) {
    int count = 0;
    for (; !items.reclaim.isWoken(items.zone(0)); count++) {
      items.reclaim.wake(items.zone(0), 0);
    }
    return count - 1;
  }

  @Test
  void aZoneThatHasNothingToGiveIsWokenEverMoreSeldom() {
    try (TieredItems items = new TieredItems(2048)) {
      items.fill(0, items.zone(0).lowFrames() - 1, 0);
      for (int expected : new int[] {1, 3, 7, 15, 31, 63, 63}) {
        while (items.reclaim.step(100)) {
          // Until it rests.
        }
        assertFalse(items.reclaim.isWoken(items.zone(0)));
        assertEquals(expected, wakeUpsLeftOut(items));
      }
    }
  }

  /// A cache whose frames are of node 0.
  private static FakeShrinker cacheOf(TieredItems items, int first) {
    FakeShrinker cache = shrinker(items, items.itemCount() - first);
    int[] next = {first};
    cache.answer =
        wanted -> {
          long given = cache.give(wanted);
          for (long i = 0; i < given; i++, next[0]++) {
            long pfn = items.places.get(next[0]);
            assertTrue(items.movable.disown(pfn, items.me, next[0]));
            items.frames.free(pfn, 0);
          }
          return given;
        };
    return cache;
  }

  @Test
  void stepsGoUpToHighAndNoFurther() {
    try (TieredItems items = new TieredItems(2048)) {
      Zone zone = items.zone(0);
      int first = items.fill(0, zone.lowFrames() - 1, 0);
      FakeShrinker cache = cacheOf(items, first);
      items.reclaim.wake(zone, 0);
      long missing = zone.highFrames() - zone.availableFrames();
      assertTrue(missing > 10);
      assertTrue(items.reclaim.step(10));
      assertEquals(List.of(10L), cache.asked);
      assertTrue(items.reclaim.isWoken(zone));
      while (items.reclaim.step(10)) {
        assertTrue(items.reclaim.isWoken(zone));
      }
      assertEquals(missing, cache.given);
      assertEquals(zone.highFrames(), zone.availableFrames());
      assertFalse(items.reclaim.isWoken(zone));
      items.reclaim.wake(zone, 0);
      assertTrue(items.reclaim.isWoken(zone), "it was not in vain");
    }
  }

  @Test
  void smallBudgetsReachAllZonesInTurn() {
    try (TieredItems items = new TieredItems(2048, 2048)) {
      for (int node = 0; node < 2; node++) {
        items.fill(node, items.zone(node).lowFrames() - 1, 0);
      }
      items.answer = _ -> false;
      items.reclaim.wake(items.zone(0), 0);
      items.reclaim.wake(items.zone(1), 0);
      items.reclaim.step(1);
      assertFalse(items.reclaim.isWoken(items.zone(0)));
      assertTrue(items.reclaim.isWoken(items.zone(1)), "the budget was for one zone");
      items.reclaim.step(1);
      assertFalse(items.reclaim.isWoken(items.zone(1)));
    }
  }

  @Test
  void aLargeBlockThatWasWantedIsMadeWhenTheZoneRests() {
    try (TieredItems items = new TieredItems(2048)) {
      Zone zone = items.zone(0);
      items.reclaim.wake(zone, 9);
      while (items.reclaim.step(1000)) {
        // Until it rests.
      }
      Compaction compaction = items.reclaim.compaction(zone);
      assertNotNull(compaction);
      assertEquals(1, compaction.counters().passes());
      items.reclaim.wake(zone, 0);
      while (items.reclaim.step(1000)) {
        // Until it rests.
      }
      assertEquals(1, compaction.counters().passes(), "single frames need none");
    }
  }

  @Test
  void aZoneOfLessThanTwoAreasIsNotCompacted() {
    try (TieredItems items = new TieredItems(1023, 1024)) {
      assertNull(items.reclaim.compaction(items.zone(0)));
      assertNotNull(items.reclaim.compaction(items.zone(1)));
      assertFalse(items.reclaim.compact(items.zone(0), 0));
      assertTrue(items.reclaim.compact(items.zone(1), 0));
    }
  }

  @Test
  void aRangeOfASmallZoneIsTakenIfItIsFree() {
    try (TieredItems items = new TieredItems(768, 2048)) {
      long start = TieredItems.START;
      assertEquals(EvacuationOutcome.OUT_OF_RANGE, items.reclaim.takeRange(start - 1, 1));
      assertEquals(EvacuationOutcome.OUT_OF_RANGE, items.reclaim.takeRange(start, 0));
      assertEquals(EvacuationOutcome.OUT_OF_RANGE, items.reclaim.takeRange(start + 760, 16));
      assertEquals(EvacuationOutcome.EMPTIED, items.reclaim.takeRange(start + 8, 8));
      assertEquals(EvacuationOutcome.BLOCKED, items.reclaim.takeRange(start, 16));
      assertEquals(8, items.frames.zones().statistics().usedFrames());
      assertEquals(0, items.frames.tryFreeRange(start + 8, 8));
    }
  }

  @Test
  void aRangeOfALargeZoneIsEmptiedAndTheCountOfTheZoneIsRight() {
    try (TieredItems items = new TieredItems(2048, 2048)) {
      for (int i = 0; i < 300; i++) {
        assertTrue(items.add(0, 0) >= 0);
      }
      Zone zone = items.zone(0);
      long available = zone.availableFrames();
      long start = items.places.get(0) & -512;
      assertEquals(EvacuationOutcome.EMPTIED, items.reclaim.takeRange(start, 512));
      items.assertAllThere(1, 512);
      assertEquals(zone.recount(), zone.availableFrames());
      assertEquals(0, items.frames.tryFreeRange(start, 512));
      assertEquals(available + 2048, zone.availableFrames() + items.zone(1).availableFrames());
    }
  }

  @Test
  void itStaysWithinItsMemory() {
    try (TieredItems items = new TieredItems(2048, 2048, 2048)) {
      long byteSize = MemoryReclaim.byteSize(3);
      assertEquals(0, byteSize % 64);
      long address = items.reserve(3 * byteSize) + byteSize;
      MemoryReclaim other = new MemoryReclaim(items.frames, items.copier(), true, address);
      FakeShrinker cache = new FakeShrinker("cache", 100, 1);
      assertEquals(0, other.shrinkers().register(cache));
      for (int node = 0; node < 3; node++) {
        for (int i = 0; i < 20; i++) {
          int flags = AllocationFlags.MOVABLE | AllocationFlags.EXACT_NODE;
          assertTrue(items.frames.tryAllocateNear(node, 1, flags) >= 0);
        }
        Compaction compaction = other.compaction(items.zone(node));
        assertNotNull(compaction);
        compaction.setProactiveness(10 + node);
        other.wake(items.zone(node), node);
        assertEquals(32, other.reclaim(items.zone(node), 0, 20));
      }
      for (int node = 0; node < 3; node++) {
        Compaction compaction = other.compaction(items.zone(node));
        assertNotNull(compaction);
        assertEquals(10 + node, compaction.proactiveness());
        assertTrue(other.isWoken(items.zone(node)));
      }
      for (long at = 0; at < byteSize; at += Long.BYTES) {
        assertEquals(0, Memory.getLong(address - byteSize + at));
        assertEquals(0, Memory.getLong(address + byteSize + at));
      }
    }
  }
}
