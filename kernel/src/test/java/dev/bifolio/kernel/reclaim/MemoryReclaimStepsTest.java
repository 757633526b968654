package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.kernel.zone.PressureLevel;
import dev.bifolio.kernel.zone.Zone;
import dev.bifolio.kernel.zone.ZoneType;
import java.util.List;
import org.junit.jupiter.api.Test;

/// How far a budget of the background goes, which words are whose, and where a range's frames go.
class MemoryReclaimStepsTest {
  private static final int TAKEN = AllocationFlags.NOWAIT | AllocationFlags.EXACT_NODE;

  private static Compaction compaction(TieredItems items, int node) {
    Compaction compaction = items.reclaim.compaction(items.zone(node));
    assertNotNull(compaction);
    return compaction;
  }

  /// Takes all of a node that a request gets, one by one, for good; returns how many.
  private static int exhaust(TieredItems items, int node) {
    int count = 0;
    while (items.frames.tryAllocateNear(node, 1, TAKEN) >= 0) {
      count++;
    }
    return count;
  }

  /// Every other frame of a node is an item's: no area is free.
  private static void fragment(TieredItems items, int node) {
    int first = items.fill(node, items.zone(node).highFrames() + 8, 0);
    int last = items.itemCount();
    for (int item = first; item < last; item += 2) {
      long pfn = items.places.get(item);
      assertTrue(items.movable.disown(pfn, items.me, item));
      items.frames.free(pfn, 0);
    }
    compaction(items, node).wake(9);
  }

  @Test
  void movesAreOfTheBudgetThatZonesShare() {
    try (TieredItems items = new TieredItems(2048, 2048)) {
      fragment(items, 0);
      Zone other = items.zone(1);
      CompactionCounters counters = compaction(items, 0).counters();
      boolean leftOut = false;
      while (!leftOut) {
        items.reclaim.wake(other, 0);
        long moved = counters.framesMoved();
        assertTrue(items.reclaim.step(1), "compaction goes on");
        leftOut = counters.framesMoved() > moved && items.reclaim.isWoken(other);
      }
    }
  }

  @Test
  void movesOfEarlierStepsCostNothing() {
    try (TieredItems items = new TieredItems(2048, 2048)) {
      fragment(items, 0);
      fragment(items, 1);
      while (items.reclaim.step(1000)) {
        // Until nothing is left to do.
      }
      for (int node = 0; node < 2; node++) {
        assertTrue(compaction(items, node).counters().framesMoved() > 0);
        items.reclaim.wake(items.zone(node), 0);
      }
      assertFalse(items.reclaim.step(1));
      assertFalse(items.reclaim.isWoken(items.zone(0)));
      assertFalse(items.reclaim.isWoken(items.zone(1)));
    }
  }

  @Test
  void compactionAloneIsAReasonToGoOn() {
    try (TieredItems items = new TieredItems(2048)) {
      fragment(items, 0);
      assertTrue(items.reclaim.step(1));
      assertFalse(items.reclaim.isWoken(items.zone(0)));
      while (items.reclaim.step(1)) {
        // Until the area is free.
      }
      assertEquals(1, compaction(items, 0).counters().passes());
      assertTrue(items.frames.tryAllocateNear(0, 512, TAKEN) >= 0);
    }
  }

  @Test
  void aStepWithMuchBudgetVisitsEachZoneOnce() {
    try (TieredItems items = new TieredItems(2048, 2048)) {
      assertFalse(items.reclaim.step(1000));
      for (int node = 0; node < 2; node++) {
        items.fill(node, items.zone(node).lowFrames() - 1, 0);
        items.reclaim.wake(items.zone(node), 0);
      }
      items.answer = _ -> false;
      items.reclaim.step(1);
      assertFalse(items.reclaim.isWoken(items.zone(0)), "it is the first one's turn again");
      assertTrue(items.reclaim.isWoken(items.zone(1)));
    }
  }

  @Test
  void nothingIsCompactedOnceTheBudgetIsUsedUp() {
    try (TieredItems items = new TieredItems(2048)) {
      items.fill(0, items.zone(0).lowFrames() - 11, 0);
      Compaction compaction = compaction(items, 0);
      compaction.wake(9);
      items.reclaim.wake(items.zone(0), 0);
      items.reclaim.step(10);
      assertEquals(10, compaction.counters().read(CompactionCounters.WANTED), "order 9 still");
    }
  }

  @Test
  void theBoostEndsWhenTheZoneRests() {
    try (TieredItems items = new TieredItems(2048)) {
      Zone zone = items.zone(0);
      zone.boost(4);
      assertEquals(4, zone.boostFrames());
      items.reclaim.wake(zone, 0);
      items.reclaim.step(100);
      assertEquals(0, zone.boostFrames());
    }
  }

  @Test
  void aBlockOfTheLargestOrderMayBeWantedInVain() {
    try (TieredItems items = new TieredItems(2048)) {
      items.reclaim.wake(items.zone(0), Pages.MAX_ORDER);
      while (items.reclaim.step(1000)) {
        // Until it rests.
      }
      assertEquals(1, compaction(items, 0).counters().passesInVain());
      assertFalse(items.reclaim.compact(items.zone(0), Pages.MAX_ORDER));
    }
  }

  @Test
  void compactionThatGainsNothingSaysSo() {
    try (TieredItems items = new TieredItems(2048)) {
      assertTrue(items.reclaim.compact(items.zone(0), 9), "it is there");
      assertTrue(exhaust(items, 0) > 1000);
      assertFalse(items.reclaim.compact(items.zone(0), 9), "what is in use is nobody's to move");
    }
  }

  @Test
  void wakeUpsOfManyZonesTouchNoCompaction() {
    try (TieredItems items = new TieredItems(1024, 1024, 1024, 1024, 1024, 1024)) {
      for (int node = 0; node < 6; node++) {
        items.reclaim.wake(items.zone(node), 0);
      }
      for (int node = 0; node < 6; node++) {
        assertTrue(items.reclaim.compact(items.zone(node), 0));
        assertTrue(items.reclaim.isWoken(items.zone(node)));
      }
    }
  }

  @Test
  void wakeUpsThatAreLeftOutTouchNoCompaction() {
    try (TieredItems items = new TieredItems(2048)) {
      items.fill(0, items.zone(0).lowFrames() - 1, 0);
      items.reclaim.wake(items.zone(0), 0);
      items.reclaim.step(100);
      long requests = compaction(items, 0).counters().ownRequests();
      items.reclaim.wake(items.zone(0), 0);
      assertFalse(items.reclaim.isWoken(items.zone(0)));
      assertEquals(requests, compaction(items, 0).counters().ownRequests());
    }
  }

  @Test
  void tiersBeginWhenTheyAreStartedWithWordsThatAreZeroWhateverWasThere() {
    try (TieredItems items = new TieredItems(2048)) {
      long address = items.reserve(MemoryReclaim.byteSize(1));
      MemoryReclaim other = new MemoryReclaim(items.frames, items.copier(), true, address);
      assertNull(other.tiers());
      assertNull(other.tierBalance());
      assertEquals(0, other.migration().refusals());
      long start = TieredItems.START;
      for (long pfn = start; pfn < start + 2048; pfn++) {
        Memory.fill(items.addressOf(pfn), Pages.framesToBytes(1), (byte) 0x55);
      }
      long distance = items.addressOf(start) - Pages.pfnToAddress(start);
      TierMover mover = other.startTiers(distance);
      assertNotNull(mover);
      assertEquals(mover, other.tiers());
      assertNotNull(other.tierBalance());
      long frameCount = Pages.bytesToFramesUp(other.tierByteSize());
      assertEquals(frameCount, items.frames.zones().statistics().usedFrames());
      assertEquals(0, mover.heat().heatOf(start + 2047));
      assertEquals(0, mover.demotedFrames(items.zone(0)));
    }
  }

  /// Marks ten frames apart, from min upwards.
  private static void setMarks(Zone zone, long min) {
    zone.setWatermarks(min, min + 10, min + 20);
  }

  @Test
  void aWakeUpThatIsLeftOutTellsThePressureAllTheSame() {
    try (TieredItems items = new TieredItems(2048)) {
      Zone zone = items.zone(0);
      items.fill(0, zone.lowFrames() - 1, 0);
      items.reclaim.wake(zone, 0);
      items.reclaim.step(100);
      assertEquals(PressureLevel.SOME, items.reclaim.pressure().level(0));
      setMarks(zone, zone.availableFrames() + 1);
      items.reclaim.wake(zone, 0);
      assertFalse(items.reclaim.isWoken(zone));
      assertEquals(PressureLevel.FULL, items.reclaim.pressure().level(0));
    }
  }

  @Test
  void aRequestInNeedTellsThePressure() {
    try (TieredItems items = new TieredItems(2048)) {
      Zone zone = items.zone(0);
      items.fill(0, zone.lowFrames() - 1, 0);
      assertEquals(PressureLevel.NONE, items.reclaim.pressure().level(0));
      setMarks(zone, zone.availableFrames() + 1);
      items.reclaim.reclaim(zone, 0, 1);
      assertEquals(PressureLevel.FULL, items.reclaim.pressure().level(0));
    }
  }

  @Test
  void aStepThatReachesHighTellsThePressure() {
    try (TieredItems items = new TieredItems(2048)) {
      Zone zone = items.zone(0);
      items.fill(0, zone.lowFrames() - 1, 0);
      setMarks(zone, zone.availableFrames() + 1);
      items.reclaim.wake(zone, 0);
      assertTrue(items.reclaim.isWoken(zone));
      assertEquals(PressureLevel.FULL, items.reclaim.pressure().level(0));
      setMarks(zone, 0);
      assertTrue(zone.availableFrames() >= zone.highFrames());
      items.reclaim.step(100);
      assertEquals(PressureLevel.NONE, items.reclaim.pressure().level(0));
    }
  }

  // ---- A certain range ----

  @Test
  void aTargetForARangeLeavesItsZoneAsRichAsBefore() {
    try (TieredItems items = new TieredItems(2048)) {
      Zone zone = items.zone(0);
      items.fill(0, zone.highFrames() + 8, 0);
      long available = zone.availableFrames();
      long[] atFirstMove = {-1};
      items.answer =
          _ -> {
            atFirstMove[0] = atFirstMove[0] < 0 ? zone.availableFrames() : atFirstMove[0];
            return true;
          };
      long pfn = items.places.get(0);
      assertEquals(EvacuationOutcome.EMPTIED, items.reclaim.takeRange(pfn, 1));
      assertEquals(available, atFirstMove[0], "what the target took, the source will give");
      assertEquals(available - 1, zone.availableFrames());
    }
  }

  @Test
  void aSingleFrameIsARange() {
    try (TieredItems items = new TieredItems(2048)) {
      long start = TieredItems.START;
      assertEquals(EvacuationOutcome.EMPTIED, items.reclaim.takeRange(start + 7, 1));
      assertEquals(1, items.frames.zones().statistics().usedFrames());
      assertEquals(0, items.frames.tryFreeRange(start + 7, 1));
    }
  }

  @Test
  void framesOfAMovableZoneMayStayInIt() {
    try (TieredItems items = new TieredItems(ZoneType.MOVABLE, 1024, 2048)) {
      int others = exhaust(items, 0);
      long start = TieredItems.START + 1024;
      assertNotNull(items.frames.zones().ofFrame(start));
      for (int i = 0; i < 600; i++) {
        assertTrue(items.add(1, 0) >= 0);
      }
      long area = items.places.get(0) & -512;
      assertEquals(EvacuationOutcome.EMPTIED, items.reclaim.takeRange(area, 512));
      items.assertAllThere(1, 512 + others);
      for (int item = 0; item < 600; item++) {
        assertEquals(ZoneType.MOVABLE, items.zoneOf(item).type());
      }
    }
  }

  @Test
  void nobodyIsShrunkForTheTargetsOfARange() {
    try (TieredItems items = new TieredItems(2048)) {
      FakeShrinker cache = new FakeShrinker("cache", 1000, 1);
      assertEquals(0, items.reclaim.shrinkers().register(cache));
      assertTrue(items.add(0, 0) >= 0);
      int others = exhaust(items, 0);
      cache.asked.clear();
      assertEquals(EvacuationOutcome.NO_TARGET, items.reclaim.takeRange(items.places.get(0), 1));
      assertEquals(List.of(), cache.asked);
      items.assertAllThere(1, others);
    }
  }

  @Test
  void aTargetThatWasNotUsedIsFreedAndCountedAgain() {
    try (TieredItems items = new TieredItems(2048)) {
      Zone zone = items.zone(0);
      for (int i = 0; i < 3; i++) {
        assertTrue(items.add(0, 0) >= 0);
      }
      long available = zone.availableFrames();
      items.answer = _ -> false;
      assertEquals(EvacuationOutcome.BLOCKED, items.reclaim.takeRange(items.places.get(1), 1));
      assertEquals(available, zone.availableFrames());
      items.assertAllThere(1, 0);
    }
  }
}
