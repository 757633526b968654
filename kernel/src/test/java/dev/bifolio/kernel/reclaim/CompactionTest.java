package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.BuddyAllocator;
import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.platform.Memory;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Blocks on demand, in the background, and not at all.
class CompactionTest {
  private static final long START = 0x4000;

  private static MovableItems items(boolean hybrid, int areas) {
    return new MovableItems(hybrid, START, areas * 512L, true);
  }

  /// Puts so many single items into an area, spread over it.
  private static void fill(MovableItems items, int area, int live) {
    for (int i = 0; i < live; i++) {
      long pfn = START + area * 512L + (long) i * 512 / live;
      assertTrue(items.frames.allocateRange(pfn, 1, AllocationFlags.MOVABLE));
      items.adopt(pfn, 1);
    }
  }

  /// Puts so many single items to the beginning of an area.
  private static void fillPacked(MovableItems items, int area, int live) {
    for (int i = 0; i < live; i++) {
      long pfn = START + area * 512L + i;
      assertTrue(items.frames.allocateRange(pfn, 1, AllocationFlags.MOVABLE));
      items.adopt(pfn, 1);
    }
  }

  private static void fillAll(MovableItems items, int... lives) {
    for (int area = 0; area < lives.length; area++) {
      fill(items, area, lives[area]);
    }
    items.frames.drainCaches();
  }

  private static CompactionOutcome compactToTheEnd(MovableItems items, int order) {
    CompactionOutcome outcome = CompactionOutcome.UNDER_WAY;
    while (outcome == CompactionOutcome.UNDER_WAY) {
      outcome = items.compaction.compact(order, 1);
    }
    return outcome;
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void oneAreaIsGainedWithTheFewestMoves(boolean hybrid) {
    try (MovableItems items = items(hybrid, 6)) {
      fillAll(items, 100, 60, 200, 40, 300, 50);
      assertEquals(CompactionOutcome.SUCCESS, compactToTheEnd(items, 9));
      CompactionCounters did = items.compaction.counters();
      assertEquals(40, did.framesMoved());
      assertEquals(1, did.areasGained());
      assertEquals(1, did.unitsGained());
      assertEquals(1, did.passes());
      assertEquals(0, did.passesInVain());
      assertEquals(0, did.unitsFailed());
      assertEquals(1, items.freeAreas());
      long freed = START + 3 * 512;
      assertTrue(items.frames.allocateRange(freed, 512, AllocationFlags.NONE));
      items.frames.freeRange(freed, 512);
      items.assertAllThere();
      for (int item = 100 + 60 + 200; item < 100 + 60 + 200 + 40; item++) {
        assertEquals(4, (items.places.get(item) - START) / 512, "the fullest area was filled");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aBlockThatIsThereCostsNothing(boolean hybrid) {
    try (MovableItems items = items(hybrid, 4)) {
      fillAll(items, 100, 0, 200, 40);
      assertEquals(CompactionOutcome.SUCCESS, compactToTheEnd(items, 9));
      assertEquals(CompactionOutcome.SUCCESS, compactToTheEnd(items, 0));
      assertEquals(CompactionOutcome.SUCCESS, compactToTheEnd(items, 3));
      assertEquals(0, items.compaction.counters().framesMoved());
      assertEquals(3, items.compaction.counters().passes());
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void smallOrdersAreMadeByEmptyingAnArea(boolean hybrid) {
    try (MovableItems items = items(hybrid, 3)) {
      fillAll(items, 256, 128, 256);
      assertEquals(FrameAllocator.NO_FRAME, items.frames.allocate(2, AllocationFlags.MOVABLE));
      assertEquals(CompactionOutcome.SUCCESS, compactToTheEnd(items, 2));
      assertEquals(128, items.compaction.counters().framesMoved());
      assertTrue(items.frames.allocate(2, AllocationFlags.MOVABLE) >= 0);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void largeOrdersAreAlignedRangesOfAreas(boolean hybrid) {
    try (MovableItems items = items(hybrid, 32)) {
      int[] lives = new int[32];
      for (int area = 0; area < 32; area++) {
        lives[area] = area / 8 == 2 ? 20 : 100;
      }
      fillAll(items, lives);
      assertEquals(CompactionOutcome.SUCCESS, compactToTheEnd(items, 12));
      CompactionCounters did = items.compaction.counters();
      assertEquals(160, did.framesMoved());
      assertEquals(1, did.unitsGained());
      assertEquals(8, did.areasGained());
      assertEquals(1, items.frames.freeBlockCount(12));
      items.assertAllThere();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void blocksOfSeveralFramesMoveToo(boolean hybrid) {
    try (MovableItems items = items(hybrid, 4)) {
      items.frames.allocateRange(START, 512, AllocationFlags.MOVABLE);
      for (int area = 1; area < 4; area++) {
        fillPacked(items, area, 200);
      }
      items.frames.freeRange(START, 512);
      long[] starts = {0, 8, 128};
      int[] counts = {1, 8, 64};
      for (int i = 0; i < 3; i++) {
        long pfn = START + starts[i];
        assertTrue(items.frames.allocateRange(pfn, counts[i], AllocationFlags.MOVABLE));
        items.adopt(pfn, counts[i]);
      }
      int odd = items.add(5);
      items.frames.drainCaches();
      assertTrue(items.places.get(odd) < START + 2048);
      assertEquals(CompactionOutcome.SUCCESS, compactToTheEnd(items, 9));
      assertEquals(1, items.freeAreas());
      items.assertAllThere();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void pinnedAreasStayAndTheNextBestIsTaken(boolean hybrid) {
    try (MovableItems items = items(hybrid, 4)) {
      fillAll(items, 10, 40, 200, 200);
      long pfn = items.places.get(3);
      assertTrue(items.movable.pin(pfn, items.me, 3));
      assertEquals(CompactionOutcome.SUCCESS, compactToTheEnd(items, 9));
      assertEquals(40, items.compaction.counters().framesMoved());
      assertEquals(pfn, items.places.get(3));
      items.movable.unpin(pfn, items.me, 3);
      items.assertAllThere();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void anAreaWhoseOwnerRefusesIsLeftForAnother(boolean hybrid) {
    try (MovableItems items = items(hybrid, 4)) {
      fillAll(items, 10, 40, 200, 200);
      items.answer = item -> item != 9;
      assertEquals(CompactionOutcome.SUCCESS, compactToTheEnd(items, 9));
      CompactionCounters did = items.compaction.counters();
      assertEquals(2, did.unitsFailed()); // once more before the next best
      assertEquals(1, did.unitsGained());
      assertEquals(9 + 40, did.framesMoved());
      items.assertAllThere();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aHopelessZoneIsLeftAlone(boolean hybrid) {
    try (MovableItems items = items(hybrid, 3)) {
      fillAll(items, 300, 200, 400);
      items.answer = item -> false;
      CompactionCounters did = items.compaction.counters();
      int attempts = 0;
      for (int failures = 1; failures <= 4; failures++) {
        CompactionOutcome outcome = items.compaction.compact(9, 100_000);
        while (outcome == CompactionOutcome.DEFERRED) {
          outcome = items.compaction.compact(9, 100_000);
          attempts++;
        }
        assertEquals(CompactionOutcome.NO_GAIN, outcome);
        assertEquals(failures, did.passesInVain());
      }
      assertEquals(1 + 3 + 7, attempts);
      assertEquals(attempts, did.deferrals());
      items.assertAllThere();
      items.answer = item -> true;
      while (items.compaction.compact(9, 100_000) == CompactionOutcome.DEFERRED) {
        attempts++;
      }
      assertEquals(1 + 3 + 7 + 15, attempts);
      assertEquals(1, items.freeAreas());
      assertEquals(CompactionOutcome.SUCCESS, items.compaction.compact(9, 100_000));
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aLongBlockWithoutAPlaceLeavesTheOtherAreas(boolean hybrid) {
    try (MovableItems items = items(hybrid, 5)) {
      assertTrue(items.frames.allocateRange(START + 256, 256, AllocationFlags.MOVABLE));
      items.adopt(START + 256, 256);
      fillAll(items, 0, 256, 300, 256, 300);
      assertEquals(CompactionOutcome.SUCCESS, compactToTheEnd(items, 9));
      assertEquals(1, items.freeAreas());
      assertEquals(START + 256, items.places.get(0));
      items.assertAllThere();
    }
  }

  @Test
  void withoutRoomThereIsNoGain() {
    try (MovableItems items = items(true, 3)) {
      fillAll(items, 400, 400, 400);
      assertEquals(CompactionOutcome.NO_GAIN, compactToTheEnd(items, 9));
      assertEquals(0, items.compaction.counters().framesMoved());
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aBudgetBoundsAStep(boolean hybrid) {
    try (MovableItems items = items(hybrid, 8)) {
      fillAll(items, 256, 256, 256, 256, 256, 256, 256, 256);
      items.compaction.wake(9);
      CompactionCounters did = items.compaction.counters();
      long before = 0;
      int steps = 0;
      while (items.compaction.step(16)) {
        steps++;
        assertTrue(did.framesMoved() - before <= 16, "one step moved too much");
        before = did.framesMoved();
      }
      assertTrue(steps >= 256 / 16, "steps " + steps);
      assertEquals(1, items.freeAreas());
      assertFalse(items.compaction.step(16));
      items.assertAllThere();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aDemandInterruptsTheBackgroundAndNothingIsKept(boolean hybrid) {
    try (MovableItems items = items(hybrid, 8)) {
      fillAll(items, 256, 256, 256, 256, 256, 256, 256, 256);
      items.compaction.wake(9);
      while (items.compaction.counters().framesMoved() < 50) {
        assertTrue(items.compaction.step(10));
      }
      assertEquals(CompactionOutcome.SUCCESS, items.compaction.compact(1, 1_000_000));
      items.compaction.wake(9);
      while (items.compaction.counters().framesMoved() < 150) {
        assertTrue(items.compaction.step(10));
      }
      assertEquals(
          EvacuationOutcome.EMPTIED,
          items.compaction.emptyRange(START, 512, items.source, AllocationFlags.MOVABLE));
      items.frames.freeRange(START, 512);
      while (items.compaction.step(10)) {
        // To the end.
      }
      items.assertAllThere();
    }
  }

  @Test
  void theLargestOrderThatWasWantedCounts() {
    try (MovableItems items = items(true, 16)) {
      fillAll(items, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 200, 200, 200, 200);
      items.compaction.wake(9);
      items.compaction.wake(10);
      items.compaction.wake(3);
      while (items.compaction.step(1000)) {
        // To the end.
      }
      assertEquals(1, items.frames.freeBlockCount(10));
      assertEquals(2, items.compaction.counters().areasGained());
      assertEquals(18, items.compaction.counters().framesMoved());
      assertFalse(items.compaction.step(1000));
      assertEquals(1, items.compaction.counters().passes());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 10, 20, 60, 100})
  void proactivenessSetsTheMarks(int percent) {
    try (MovableItems items = items(true, 100)) {
      int[] lives = new int[100];
      Arrays.fill(lives, 128);
      fillAll(items, lives);
      assertEquals(0, items.compaction.proactiveness());
      items.compaction.setProactiveness(percent);
      assertEquals(percent, items.compaction.proactiveness());
      while (items.compaction.step(10_000)) {
        // To the end.
      }
      long free = 100 * 384;
      int low = Math.max(100 - percent, 5);
      boolean begins = 100 > Math.min(low + 10, 100);
      long areas = begins ? (free * (100 - low) / 100 + 511) / 512 : 0;
      assertEquals(areas, items.freeAreas());
      assertEquals(areas * 128, items.compaction.counters().framesMoved());
      assertEquals(percent == 0 ? 0 : 100, items.compaction.counters().score());
      while (items.compaction.step(10_000)) {
        // Between the marks nothing happens.
      }
      assertEquals(areas, items.freeAreas());
      assertEquals(0, items.compaction.counters().passesInVain());
    }
  }

  @Test
  void theScoreIsThePartOfFreeMemoryThatIsNotInFreeAreas() {
    assertEquals(0, CompactionPass.scoreOf(0, 0));
    assertEquals(0, CompactionPass.scoreOf(512, 512));
    assertEquals(100, CompactionPass.scoreOf(511, 0));
    assertEquals(25, CompactionPass.scoreOf(2048, 1536));
    assertEquals(33, CompactionPass.scoreOf(3 * 512, 2 * 512));
  }

  @Test
  void aHopelessBackgroundIsDeferredToo() {
    try (MovableItems items = items(true, 16)) {
      int[] lives = new int[16];
      Arrays.fill(lives, 128);
      fillAll(items, lives);
      items.answer = item -> false;
      items.compaction.setProactiveness(100);
      int steps = 0;
      while (items.compaction.counters().passesInVain() < 4) {
        items.compaction.step(1_000_000);
        steps++;
      }
      assertEquals(4 + 1 + 3 + 7, steps);
      assertEquals(11, items.compaction.counters().deferrals());
      assertTrue(items.compaction.counters().unitsFailed() >= 4);
    }
  }

  @Test
  void anotherThreadsTurnIsNotTaken() {
    try (MovableItems items = items(true, 4)) {
      fillAll(items, 9, 9, 9, 9);
      long words = items.reserve(Compaction.byteSize());
      Compaction compaction =
          new Compaction(
              new MovableBanks(new FrameAllocator[] {items.frames}), items.migration, words);
      compaction.wake(9);
      Memory.putLong(words, 1);
      assertFalse(compaction.step(1000));
      assertEquals(CompactionOutcome.BUSY, compaction.compact(9, 1000));
      Memory.putLong(words, 0);
      assertEquals(CompactionOutcome.SUCCESS, compaction.compact(9, 1000));
      assertEquals(9, compaction.counters().framesMoved());
    }
  }

  @Test
  void illegalSettingsAreRefused() {
    try (MovableItems items = items(true, 4)) {
      assertThrows(IllegalArgumentException.class, () -> items.compaction.setProactiveness(-1));
      assertThrows(IllegalArgumentException.class, () -> items.compaction.setProactiveness(101));
      MovableBanks none = new MovableBanks(new FrameAllocator[0]);
      assertThrows(IllegalArgumentException.class, () -> new Compaction(none, items.migration, 8));
    }
  }

  @Test
  void banksMustBeInOrder() {
    try (MovableItems a = items(true, 4);
        MovableItems b = new MovableItems(false, START + 4 * 512, 512, false)) {
      MovableBanks banks = new MovableBanks(new FrameAllocator[] {a.frames, b.frames});
      assertEquals(2, banks.count());
      assertEquals(-1, banks.bankOf(START - 1));
      assertEquals(0, banks.bankOf(START));
      assertEquals(0, banks.bankOf(START + 4 * 512 - 1));
      assertEquals(1, banks.bankOf(START + 4 * 512));
      assertEquals(-1, banks.bankOf(START + 5 * 512));
      assertEquals(BuddyAllocator.class, banks.map(1).allocator().getClass());
      assertThrows(
          IllegalArgumentException.class,
          () -> new MovableBanks(new FrameAllocator[] {b.frames, a.frames}));
      assertThrows(
          IllegalArgumentException.class,
          () -> new MovableBanks(new FrameAllocator[] {a.frames, a.frames}));
    }
  }
}
