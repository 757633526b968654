package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.testkit.Behaviour;
import org.junit.jupiter.api.Test;

/// A request fails only when nothing was to be called back and nothing on its way.
class CallBackTest extends HybridParts {
  private static final long END = 16 << 9;

  /// Where `SlotClaims`, `Magazines` and the control words say what is on its way.
  private static long[] transits(HybridCore core) {
    return new long[] {
      core.areas.transit(),
      Slots.transit(core.slots.claim(0)),
      Slots.transit(core.slots.claim(core.slots.firstOwned() - 1)),
      Slots.transit(core.slots.claim(core.slots.count() - 1)),
    };
  }

  @Test
  void aTransitWordCountsWhatIsOnItsWayAndWhatEverWas() {
    long address = zeros(64);
    assertTrue(Transit.isQuiet(0));
    for (int i = 0; i < 3; i++) {
      Transit.begin(address);
      Transit.begin(address);
      assertFalse(Transit.isQuiet(Memory.getLong(address)));
      Transit.end(address);
      assertFalse(Transit.isQuiet(Memory.getLong(address)));
      Transit.end(address);
      assertTrue(Transit.isQuiet(Memory.getLong(address)));
      assertEquals((2L + 2L * i) << 32, Memory.getLong(address), "it is another word than before");
    }
  }

  @Test
  void theActivityIsTheSumOfAllTransitWords() {
    HybridCore core = memory(2, 0, END);
    long before = core.callBack.activity();
    assertTrue(Transit.isQuiet(before));
    for (long transit : transits(core)) {
      Transit.begin(transit);
      assertFalse(Transit.isQuiet(core.callBack.activity()));
      Transit.end(transit);
      assertTrue(Transit.isQuiet(core.callBack.activity()));
      assertNotEquals(before, core.callBack.activity());
      before = core.callBack.activity();
    }
    assertTrue(core.levels[0].takeAt(0, 1, false));
    assertNotEquals(before, core.callBack.activity(), "levels have words too");
    assertTrue(Transit.isQuiet(core.callBack.activity()));
  }

  @Test
  void whoFoundNothingWhileNothingMovedMayFail() {
    HybridCore core = memory(1, 0, END);
    assertTrue(core.callBack.mayFail(core.callBack.activity(), 0));
  }

  @Test
  void whatIsOnItsWayIsWaitedForButNotForEver() {
    HybridCore core = memory(1, 0, END);
    for (long transit : transits(core)) {
      Transit.begin(transit);
      assertFalse(core.callBack.mayFail(core.callBack.activity(), 0));
      assertFalse(core.callBack.mayFail(core.callBack.activity(), 4999));
      assertTrue(core.callBack.mayFail(core.callBack.activity(), 5000));
      Transit.end(transit);
      assertTrue(core.callBack.mayFail(core.callBack.activity(), 0));
    }
  }

  @Test
  void whatCameAndWentWhileTheRequestLookedMakesItLookAgain() {
    HybridCore core = memory(1, 0, END);
    long before = core.callBack.activity();
    Transit.begin(core.areas.transit());
    Transit.end(core.areas.transit());
    assertFalse(core.callBack.mayFail(before, 0));
  }

  @Test
  void whatGoesThroughAMagazineMeanwhileMakesItLookAgain() {
    HybridCore core = memory(2, 0, 1 << 18);
    for (int cpu = 0; cpu < 2; cpu++) {
      for (int order = 0; order < 4; order++) {
        long frame = core.allocate(cpu, order, AllocationFlags.LONG);
        long claim = core.slots.claim(core.slots.of(cpu, AllocationFlags.kindOf(0)));
        long nearlyFull = AreaWord.binned(AreaWord.fresh(0, AreaWord.NO_SLOT), 0);
        long before = core.callBack.activity();
        assertTrue(core.magazines.push(claim, order, frame, nearlyFull));
        long pushed = core.callBack.activity();
        assertNotEquals(before, pushed);
        assertEquals(frame, core.magazines.pop(claim, order));
        assertNotEquals(pushed, core.callBack.activity());
        assertNotEquals(before, core.callBack.activity(), "one came and one went");
        assertTrue(Transit.isQuiet(core.callBack.activity()));
      }
    }
  }

  @Test
  void whoFindsNothingHasNothingOnItsWay() {
    HybridCore core = memory(1, 0, 2048);
    while (core.allocate(0, 0, AllocationFlags.NONE) >= 0) {}
    long before = core.callBack.activity();
    for (int frameCount : new int[] {1, 2, 3, 64, 300, 512, 600, 1023, 1024, 2047}) {
      long found =
          Integer.bitCount(frameCount) == 1
              ? core.allocate(0, Pages.framesToOrderUp(frameCount), AllocationFlags.NONE)
              : core.allocateRun(0, frameCount, AllocationFlags.NONE);
      assertEquals(-1, found);
      assertEquals(before, core.callBack.activity(), frameCount + ": others would wait for it");
    }
  }

  @Test
  @Behaviour("100")
  void everythingCachedReservedOrOpenIsCalledBack() {
    HybridCore core = memory(2, 0, END);
    long kept = core.allocate(1, 0, AllocationFlags.MOVABLE);
    long block = core.allocate(0, 3, AllocationFlags.LONG);
    assertTrue(core.free(0, block, 3));
    assertFalse(core.callBack.mayFail(core.callBack.activity(), 0), "there was something");
    assertEquals(0, census(core, 0, END).cachedFrames());
    assertFalse(core.callBack.all());
    assertTrue(core.callBack.mayFail(core.callBack.activity(), 0));
    assertTrue(core.free(0, kept, 0));
    core.callBack.all();
    assertEquals(1, census(core, 0, END).freeBlocks(13));
  }

  @Test
  void nothingIsOnItsWayAfterAnyRequestServedOrNot() {
    HybridCore core = memory(2, 0, END);
    HybridPlaces places = new HybridPlaces(core);
    for (int order = 0; order <= 14; order++) {
      long pfn = core.allocate(order % 2, order, AllocationFlags.NONE);
      assertQuiet(core);
      assertEquals(order > 13, pfn < 0);
      assertTrue(pfn < 0 || core.free(0, pfn, order));
      assertQuiet(core);
      long run = core.allocateRun(0, (3L << order) + 1, AllocationFlags.MOVABLE);
      assertQuiet(core);
      assertTrue(run < 0 || core.freeRun(run, (3L << order) + 1));
      assertQuiet(core);
      assertEquals(order <= 12, places.allocateRange(0, 1, (1L << order) + 3, 0, 20));
      assertQuiet(core);
      assertTrue(order > 12 || places.freeRange(0, 1, (1L << order) + 3, 20) == null);
      long below = places.allocateBelow(0, 1L << order, 0, 1, 0, END / 2 - 1);
      assertEquals(order > 12, below < 0);
      assertTrue(below < 0 || core.free(0, below, order));
      assertQuiet(core);
    }
    while (core.allocate(0, 0, AllocationFlags.NONE) >= 0) {
      assertQuiet(core);
    }
    assertQuiet(core);
    assertEquals(-1, core.allocate(1, 5, AllocationFlags.LONG));
    assertEquals(-1, core.allocateRun(1, 600, AllocationFlags.LONG));
    assertQuiet(core);
  }

  private static void assertQuiet(HybridCore core) {
    assertTrue(Transit.isQuiet(core.callBack.activity()));
  }

  private static void closeLevels(HybridCore core) {
    for (UnitLevel level : core.levels) {
      level.drain();
    }
  }

  /// Each kind of thing alone: a claimed area, a block in a magazine, an open word.
  @Test
  void whatWasCalledBackIsToldWhateverItIs() {
    HybridCore core = memory(2, 0, 1 << 20);
    long single = core.allocate(1, 0, AllocationFlags.NONE);
    closeLevels(core);
    assertTrue(core.callBack.all());
    assertTrue(core.free(1, single, 0));
    callBackAll(core);
    long block = core.allocate(1, 3, AllocationFlags.MOVABLE);
    assertTrue(core.free(1, block, 3));
    assertEquals(8, census(core, 0, 1 << 20).cachedFrames());
    closeLevels(core);
    assertTrue(core.callBack.all());
    assertEquals(0, census(core, 0, 1 << 20).cachedFrames());
    callBackAll(core);
    core.allocate(0, 9, AllocationFlags.NONE);
    assertTrue(core.callBack.all());
    assertFalse(core.callBack.all());
  }
}
