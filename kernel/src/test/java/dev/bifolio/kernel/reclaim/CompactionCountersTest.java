package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameStatistics;
import dev.bifolio.kernel.frame.ZeroedWindows;
import dev.bifolio.kernel.platform.Memory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What a compaction says it did.
class CompactionCountersTest {
  private static final long START = 0x6000;
  private static final int AREAS = 4;

  /// Areas with so many live frames each.
  private static MovableItems items(boolean hybrid, int... lives) {
    return MovableItems.spread(hybrid, START, false, lives);
  }

  @Test
  void eachCountHasAWordOfItsOwn() {
    try (ZeroedWindows memory = new ZeroedWindows()) {
      CompactionCounters did = new CompactionCounters(memory.reserve(4096));
      did.gained(3);
      did.failed();
      did.failed();
      did.moved(500);
      did.moved(11);
      did.requested(700);
      did.scanned(40);
      did.scanned(2);
      did.passed(false);
      did.passed(true);
      did.passed(true);
      did.deferred();
      did.scored(77);
      did.scored(66);
      assertEquals(1, did.unitsGained());
      assertEquals(3, did.areasGained());
      assertEquals(2, did.unitsFailed());
      assertEquals(511, did.framesMoved());
      assertEquals(700, did.ownRequests());
      assertEquals(42, did.areasScanned());
      assertEquals(3, did.passes());
      assertEquals(2, did.passesInVain());
      assertEquals(1, did.deferrals());
      assertEquals(66, did.score());
      assertEquals(0, did.read(CompactionCounters.LOCK));
      assertEquals(0, did.read(CompactionCounters.WANTED));
      assertEquals(0, did.read(CompactionCounters.WAITING));
    }
  }

  @Test
  void theyFitIntoTheirMemory() {
    try (ZeroedWindows memory = new ZeroedWindows()) {
      long address = memory.reserve(4096);
      CompactionCounters did = new CompactionCounters(address);
      for (long at = 0; at < CompactionCounters.byteSize(); at += Long.BYTES) {
        Memory.putLong(address + at, 100 + at);
      }
      for (int word = 0; word < CompactionCounters.byteSize() / Long.BYTES; word++) {
        assertEquals(100 + word * Long.BYTES, did.read(word));
      }
      did.store(CompactionCounters.BLOCKED_PFN, 5);
      assertEquals(5, Memory.getLong(address + CompactionCounters.BLOCKED_PFN * Long.BYTES));
    }
  }

  /// The count of the zone, then the way to the source, then the way down to the target.
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void everyLookAtAnAreaIsCounted(boolean hybrid) {
    try (MovableItems items = items(hybrid, 300, 300, 10, 400)) {
      assertEquals(CompactionOutcome.SUCCESS, items.compaction.compact(9, 1 << 20));
      assertEquals(AREAS + 3 + 1, items.compaction.counters().areasScanned());
      assertEquals(CompactionOutcome.SUCCESS, items.compaction.compact(9, 1 << 20));
      assertEquals(AREAS + 3 + 1 + 3, items.compaction.counters().areasScanned());
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void whatACompactionAllocatesIsToldApartFromTheRequestsOfOthers(boolean hybrid) {
    try (MovableItems items = items(hybrid, 300, 300, 10, 400)) {
      FrameStatistics before = items.frames.statistics();
      CompactionOutcome outcome = CompactionOutcome.UNDER_WAY;
      while (outcome == CompactionOutcome.UNDER_WAY) {
        outcome = items.compaction.compact(9, 4);
      }
      assertEquals(CompactionOutcome.SUCCESS, outcome);
      FrameStatistics after = items.frames.statistics();
      long own = items.compaction.counters().ownRequests();
      assertTrue(own > 10, "targets, and what was captured");
      assertEquals(own, after.allocations() - before.allocations());
      assertEquals(own, after.frees() - before.frees());
      assertEquals(before.failures(), after.failures());
      assertEquals(before.usedFrames(), after.usedFrames());
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aRangeThatIsEmptiedIsOneRequestOfItsCaller(boolean hybrid) {
    try (MovableItems items = items(hybrid, 300, 300, 10, 400)) {
      FrameStatistics before = items.frames.statistics();
      assertEquals(
          EvacuationOutcome.EMPTIED,
          items.compaction.emptyRange(START + 1024, 512, items.source, AllocationFlags.MOVABLE));
      FrameStatistics after = items.frames.statistics();
      long own = items.compaction.counters().ownRequests();
      assertEquals(own + 1, after.allocations() - before.allocations());
      assertEquals(own, after.frees() - before.frees());
      assertEquals(10, items.compaction.counters().framesMoved());
    }
  }
}
