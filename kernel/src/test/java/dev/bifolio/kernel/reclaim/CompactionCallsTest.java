package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.FrameSource;
import dev.bifolio.testkit.Threads;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Who may call a compaction when, and what it makes of calls that are in vain.
class CompactionCallsTest {
  private static final long START = 0x4000;
  private static final long BUDGET = 1 << 20;

  private static MovableItems items(int... lives) {
    return MovableItems.spread(true, START, false, lives);
  }

  private static int leftOut(MovableItems items, int order) {
    long before = items.compaction.counters().deferrals();
    while (items.compaction.compact(order, BUDGET) == CompactionOutcome.DEFERRED) {
      // Until it is tried.
    }
    return (int) (items.compaction.counters().deferrals() - before);
  }

  @Test
  void ordersThatThereAreNotAreRefused() {
    try (MovableItems items = items(9, 9)) {
      for (int order : new int[] {-1, 21}) {
        assertThrows(IllegalArgumentException.class, () -> items.compaction.wake(order));
        assertThrows(IllegalArgumentException.class, () -> items.compaction.compact(order, BUDGET));
      }
      assertFalse(items.compaction.step(BUDGET), "nothing was wanted");
      assertEquals(0, items.compaction.counters().passes());
      items.compaction.wake(20);
      assertFalse(items.compaction.step(BUDGET));
      assertEquals(1, items.compaction.counters().passesInVain());
      assertEquals(CompactionOutcome.SUCCESS, items.compaction.compact(0, BUDGET));
    }
  }

  @Test
  void wakingAgainForTheSameOrderChangesNothing() {
    try (MovableItems items = items(9, 300, 300)) {
      items.compaction.wake(9);
      items.compaction.wake(9);
      items.compaction.wake(8);
      while (items.compaction.step(BUDGET)) {
        // To the end.
      }
      assertFalse(items.compaction.step(BUDGET));
      assertEquals(1, items.compaction.counters().passes());
      assertEquals(1, items.compaction.counters().unitsGained());
    }
  }

  @Test
  void whatIsInVainForALongBlockIsTriedForAShorterOne() {
    try (MovableItems items = items(9, 9, 300, 300)) {
      items.answer = _ -> false;
      assertEquals(CompactionOutcome.NO_GAIN, items.compaction.compact(12, BUDGET));
      assertEquals(CompactionOutcome.DEFERRED, items.compaction.compact(12, BUDGET));
      assertEquals(CompactionOutcome.NO_GAIN, items.compaction.compact(10, BUDGET));
      assertEquals(CompactionOutcome.DEFERRED, items.compaction.compact(11, BUDGET));
      items.answer = _ -> true;
      assertEquals(CompactionOutcome.SUCCESS, items.compaction.compact(9, BUDGET));
    }
  }

  @Test
  void aSuccessMakesTheNextFailuresCountAnew() {
    try (MovableItems items = items(200, 300, 300)) {
      items.answer = _ -> false;
      assertEquals(CompactionOutcome.NO_GAIN, items.compaction.compact(9, BUDGET));
      assertEquals(1, leftOut(items, 9));
      items.answer = _ -> true;
      assertEquals(3, leftOut(items, 9));
      assertEquals(1, items.freeAreas());
      items.frames.allocateRange(START, 512, AllocationFlags.MOVABLE);
      assertEquals(CompactionOutcome.NO_GAIN, items.compaction.compact(9, BUDGET));
      assertEquals(1, leftOut(items, 9));
    }
  }

  @Test
  void whereNotAFrameIsFreeEvenSinglesAreDeferred() {
    try (MovableItems items = items(512)) {
      assertEquals(CompactionOutcome.NO_GAIN, items.compaction.compact(0, BUDGET));
      assertEquals(CompactionOutcome.DEFERRED, items.compaction.compact(0, BUDGET));
      assertEquals(CompactionOutcome.NO_GAIN, items.compaction.compact(0, BUDGET));
      assertEquals(0, items.compaction.counters().score());
    }
  }

  @Test
  void withoutRoomTheZoneIsCountedAndNoMore() {
    try (MovableItems items = items(400, 400, 400)) {
      assertEquals(CompactionOutcome.NO_GAIN, items.compaction.compact(9, BUDGET));
      assertEquals(3, items.compaction.counters().areasScanned());
      assertEquals(1, items.compaction.counters().passes());
      assertEquals(1, items.compaction.counters().passesInVain());
    }
  }

  @Test
  void aPassIsGivenUpForAnotherOrderEvenIfThatIsDeferred() {
    try (MovableItems items = items(100, 300, 300)) {
      assertEquals(CompactionOutcome.NO_GAIN, items.compaction.compact(12, BUDGET));
      assertEquals(CompactionOutcome.UNDER_WAY, items.compaction.compact(9, 20));
      assertEquals(CompactionOutcome.DEFERRED, items.compaction.compact(12, BUDGET));
      long looks = items.compaction.counters().areasScanned();
      assertEquals(CompactionOutcome.SUCCESS, items.compaction.compact(9, BUDGET));
      assertTrue(items.compaction.counters().areasScanned() >= looks + 3, "it was counted anew");
      items.assertAllThere();
    }
  }

  /// A count costs the budget too: four an area.
  @Test
  void aBudgetBoundsTheCountOfAZone() {
    try (MovableItems items = items(300, 300, 300, 300, 300, 300, 300, 300, 100, 300)) {
      items.compaction.wake(9);
      for (int step = 1; step <= 5; step++) {
        assertTrue(items.compaction.step(8));
        assertEquals(2L * step, items.compaction.counters().areasScanned());
      }
      assertEquals(0, items.compaction.counters().framesMoved());
      assertTrue(items.compaction.step(1), "the end of the count");
      for (int step = 1; step <= 4; step++) {
        assertTrue(items.compaction.step(8));
        assertEquals(10 + 2L * step, items.compaction.counters().areasScanned());
      }
      assertEquals(0, items.compaction.counters().framesMoved());
    }
  }

  /// What a move needs to find its target is paid for as well.
  @Test
  void aBudgetBoundsTheSearchForTargets() {
    int[] lives = new int[40];
    lives[0] = 100;
    lives[1] = 450;
    for (int area = 2; area < 40; area++) {
      lives[area] = 512;
    }
    lives[2] = 450;
    try (MovableItems items = items(lives)) {
      items.compaction.wake(9);
      CompactionCounters did = items.compaction.counters();
      while (did.framesMoved() == 0) {
        assertTrue(items.compaction.step(4 * 45));
      }
      assertEquals(
          1, did.framesMoved() / 100 + 1, "one step found its targets, and moved a little");
      while (items.compaction.step(30)) {
        // To the end.
      }
      assertEquals(100, did.framesMoved());
    }
  }

  // ---- Locks ----

  @Test
  void anOwnerWhoIsAskedCannotCompact() {
    try (MovableItems items = items(9, 300, 300)) {
      List<Object> answers = new ArrayList<>();
      items.answer =
          _ -> {
            answers.add(items.compaction.compact(9, 10));
            answers.add(items.compaction.step(10));
            answers.add(items.compaction.emptyRange(START + 512, 8, items.source, 0));
            items.answer = _ -> true;
            return true;
          };
      assertEquals(CompactionOutcome.SUCCESS, items.compaction.compact(9, BUDGET));
      assertEquals(List.of(CompactionOutcome.BUSY, false, EvacuationOutcome.RACED), answers);
      items.assertAllThere();
    }
  }

  /// Whoever empties a range waits for his turn, and has it before those who can come later.
  @Test
  void aRangeWaitsForItsTurnAndGoesFirst() throws InterruptedException {
    try (MovableItems items = items(9, 300, 300)) {
      long words = items.reserve(Compaction.byteSize());
      Compaction compaction =
          new Compaction(
              new MovableBanks(new FrameAllocator[] {items.frames}), items.migration, words);
      long lock = compaction.counters().at(CompactionCounters.LOCK);
      long waiting = compaction.counters().at(CompactionCounters.WAITING);
      Memory.putLongRelease(lock, 77);
      EvacuationOutcome[] outcome = {EvacuationOutcome.UNDER_WAY};
      Threads.runAll(
          List.of(
              () -> outcome[0] = compaction.emptyRange(START, 512, items.source, 0),
              () -> {
                while (Memory.getLongVolatile(waiting) == 0) {
                  Thread.onSpinWait();
                }
                assertEquals(CompactionOutcome.BUSY, compaction.compact(9, BUDGET));
                assertFalse(compaction.step(BUDGET));
                assertEquals(0, compaction.counters().framesMoved());
                Memory.putLongRelease(lock, 0);
              }));
      assertEquals(EvacuationOutcome.EMPTIED, outcome[0]);
      assertEquals(9, compaction.counters().framesMoved());
      assertEquals(0, Memory.getLongVolatile(lock));
      assertEquals(0, Memory.getLongVolatile(waiting));
    }
  }

  @Test
  void whatASourceThrowsLeavesNothingCapturedAndNoLock() {
    try (MovableItems items = items(9, 300, 300)) {
      FrameSource broken =
          new FrameSource() {
            @Override
            public long allocate(int order, int flags) {
              throw new IllegalStateException("broken");
            }

            @Override
            public void free(long pfn, int order) {}
          };
      assertThrows(
          IllegalStateException.class,
          () -> items.compaction.emptyRange(START, 512, broken, AllocationFlags.MOVABLE));
      items.assertAllThere();
      assertEquals(CompactionOutcome.SUCCESS, items.compaction.compact(9, BUDGET));
    }
  }
}
