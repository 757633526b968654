package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What a compaction leaves behind between two calls: places of frames, and nothing else.
class CompactionStepsTest {
  private static final long START = 0x8000;

  /// Areas with so many live frames each, spread over them.
  private static MovableItems items(boolean hybrid, int... lives) {
    return MovableItems.spread(hybrid, START, true, lives);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void nothingIsCapturedBetweenTwoSteps(boolean hybrid) {
    try (MovableItems items = items(hybrid, 200, 100, 300, 100, 300)) {
      items.compaction.wake(9);
      int steps = 0;
      while (items.compaction.step(7)) {
        items.assertAllThere();
        steps++;
      }
      assertTrue(steps >= 100 / 7, "steps " + steps);
      assertEquals(1, items.freeAreas());
      assertEquals(100, items.compaction.counters().framesMoved());
      assertEquals(1, items.compaction.counters().unitsGained());
      assertEquals(0, items.compaction.counters().unitsFailed());
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void nothingIsCapturedBetweenTwoCallsOnDemand(boolean hybrid) {
    try (MovableItems items = items(hybrid, 200, 90, 300, 100, 300)) {
      CompactionOutcome outcome = CompactionOutcome.UNDER_WAY;
      while (outcome == CompactionOutcome.UNDER_WAY) {
        outcome = items.compaction.compact(9, 20);
        items.assertAllThere();
      }
      assertEquals(CompactionOutcome.SUCCESS, outcome);
      assertEquals(90, items.compaction.counters().framesMoved());
      assertEquals(1, items.compaction.counters().passes());
    }
  }

  /// However small its budget is, each step in a unit moves something, so that a pass ends.
  @Test
  void aBlockOfManyAreasIsMadeInSmallSteps() {
    int[] lives = new int[24];
    for (int area = 0; area < lives.length; area++) {
      lives[area] = area < 8 ? 5 : 300;
    }
    try (MovableItems items = items(true, lives)) {
      items.compaction.wake(12);
      CompactionCounters did = items.compaction.counters();
      int steps = 0;
      int idle = 0;
      for (long before = 0; items.compaction.step(1); before = did.framesMoved()) {
        idle += did.framesMoved() == before ? 1 : 0;
        steps++;
      }
      assertEquals(40, did.framesMoved());
      assertEquals(1, items.frames.freeBlockCount(12));
      // Three units are counted, one is chosen; the last step finds nothing live any more.
      assertTrue(idle <= 3 + 1 + 1 + 1, steps + " steps, of which " + idle + " moved nothing");
      items.assertAllThere();
    }
  }

  @Test
  void aStepWithRoomInItsBudgetUsesItWithinAUnitThatItBeginsAnew() {
    int[] lives = new int[24];
    for (int area = 0; area < lives.length; area++) {
      lives[area] = area < 8 ? 50 : 300;
    }
    try (MovableItems items = items(true, lives)) {
      items.compaction.wake(12);
      int steps = 0;
      while (items.compaction.step(200)) {
        steps++;
      }
      assertEquals(400, items.compaction.counters().framesMoved());
      assertTrue(steps <= 12, steps + " steps");
    }
  }

  /// Whoever allocates is not kept out of a unit between two steps; the pass ends nevertheless.
  @Test
  void aUnitThatOthersFillAgainIsGivenUpForOthers() {
    try (MovableItems items = items(true, 60, 200, 300, 80, 300)) {
      items.compaction.wake(9);
      CompactionCounters did = items.compaction.counters();
      int refilled = 0;
      while (items.compaction.step(10)) {
        for (int i = 0; i < 512 && did.framesMoved() > 0 && did.unitsFailed() == 0; i++) {
          if (items.frames.tryAllocateRange(START + i, 1, AllocationFlags.MOVABLE) >= 0) {
            items.adopt(START + i, 1);
            refilled++;
            i += 25;
          }
        }
      }
      assertTrue(refilled > 10, "refilled " + refilled);
      assertEquals(1, did.unitsFailed());
      assertEquals(1, did.unitsGained());
      assertEquals(1, items.freeAreas());
      items.assertAllThere();
    }
  }

  @Test
  void aUnitThatOthersEmptiedMeanwhileIsGained() {
    try (MovableItems items = items(true, 60, 200, 300)) {
      items.compaction.wake(9);
      CompactionCounters did = items.compaction.counters();
      while (did.framesMoved() == 0) {
        assertTrue(items.compaction.step(10));
      }
      long moved = did.framesMoved();
      for (int item = 0; item < 60; item++) {
        if (items.places.get(item) < START + 512) {
          items.remove(item);
        }
      }
      assertFalse(items.compaction.step(10));
      assertEquals(moved, did.framesMoved());
      assertEquals(1, did.unitsGained());
      assertEquals(0, did.passesInVain());
      items.assertAllThere();
    }
  }

  @Test
  void aUnitThatIsTakenAsARangeMeanwhileIsLeft() {
    try (MovableItems items = items(true, 60, 200, 100, 300)) {
      items.compaction.wake(9);
      while (items.compaction.counters().framesMoved() == 0) {
        assertTrue(items.compaction.step(10));
      }
      assertEquals(
          EvacuationOutcome.EMPTIED,
          items.compaction.emptyRange(START, 512, items.source, AllocationFlags.MOVABLE));
      while (items.compaction.step(10)) {
        // To the end.
      }
      assertTrue(items.compaction.counters().unitsFailed() >= 1);
      items.frames.freeRange(START, 512);
      items.assertAllThere();
    }
  }
}
