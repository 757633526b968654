package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Which units are emptied and which areas are filled.
class CompactionPlanTest {
  private static final long START = 0x2000;

  private MovableItems items;
  private FrameMap map;
  private UnitLook look;
  private final CompactionPlan plan = new CompactionPlan();
  private int areas;

  @BeforeEach
  void empty() {
    items = new MovableItems(false, START, 64 * 512, false);
    map = new FrameMap(items.frames);
    look = new UnitLook(items.movable);
    plan.begin(9);
  }

  @AfterEach
  void close() {
    items.close();
  }

  /// Makes the next area one with so many live frames, and looks at it.
  private void area(int live, boolean movable) {
    long pfn = START + areas * 512L;
    areas++;
    for (int i = 0; i < live; i++) {
      assertTrue(items.frames.allocateRange(pfn + i, 1, AllocationFlags.MOVABLE));
      if (movable) {
        items.adopt(pfn + i, 1);
      }
    }
    look.look(map, pfn, pfn + 512);
  }

  private void count(int... lives) {
    for (int live : lives) {
      area(live, true);
      plan.addArea(look);
      plan.addUnit(look);
    }
  }

  private boolean isSource(int live) {
    area(live, true);
    return plan.isSource(look);
  }

  private boolean isTarget(int live, boolean movable) {
    area(live, movable);
    return plan.isTarget(look);
  }

  @Test
  void theEmptiestAreSourcesAndTheFullestTargets() {
    count(0, 100, 200, 300, 400, 500, 512);
    assertEquals(412 + 312 + 212 + 112 + 12 + 512, plan.freeFrames());
    assertEquals(512, plan.framesInFreeAreas());
    plan.choose(1);
    assertEquals(1, plan.chosenUnits());
    assertFalse(isSource(0));
    assertTrue(isSource(1));
    assertTrue(isSource(100));
    assertFalse(isSource(101));
    assertTrue(isTarget(500, true));
    assertTrue(isTarget(400, true));
    assertFalse(isTarget(399, true));
    assertFalse(isTarget(512, true));
  }

  @Test
  void asManyAreChosenAsTheFreeFramesAllow() {
    count(0, 100, 200, 300, 400, 500, 512);
    plan.choose(Long.MAX_VALUE);
    assertEquals(2, plan.chosenUnits()); // 1060 free frames in areas in use
    assertTrue(isSource(200));
    assertFalse(isSource(201));
    assertTrue(isTarget(300, true));
    assertTrue(isTarget(400, true));
    assertFalse(isTarget(299, true));
  }

  @Test
  void exactlyEnoughRoomIsEnough() {
    count(256, 256);
    plan.choose(5);
    assertEquals(1, plan.chosenUnits());
    plan.begin(9);
    count(256, 257);
    plan.choose(5);
    assertEquals(0, plan.chosenUnits());
    assertFalse(isSource(1));
  }

  @Test
  void ofTheLastBinOnlySomeAreSources() {
    count(128, 128, 128, 128);
    plan.choose(2);
    assertEquals(2, plan.chosenUnits());
    assertTrue(isSource(128));
    plan.emptied(127);
    plan.emptied(128);
    assertTrue(isSource(128));
    plan.emptied(128);
    assertFalse(isSource(128));
    assertTrue(isSource(127));
    assertTrue(isTarget(128, true));
    assertFalse(isTarget(127, true));
    plan.widen();
    assertTrue(isSource(128));
    assertTrue(isSource(511));
    assertFalse(isSource(512));
  }

  @Test
  void whatCannotBeEmptiedIsATargetAndNoSource() {
    area(10, false);
    plan.addArea(look);
    plan.addUnit(look);
    assertEquals(502, plan.freeFrames());
    count(400, 500);
    plan.choose(9);
    assertEquals(1, plan.chosenUnits());
    area(10, false);
    assertFalse(plan.isSource(look));
    assertTrue(plan.isTarget(look));
    assertFalse(isTarget(10, true));
  }

  @Test
  void theFloorFallsToTheSourcesAndThenThereIsNoMore() {
    count(100, 200, 500, 500, 500, 500, 500, 500, 500, 500, 500);
    plan.choose(1);
    assertTrue(isTarget(500, true));
    assertFalse(isTarget(200, true));
    assertTrue(plan.lowerFloor());
    assertTrue(isTarget(200, true));
    assertFalse(isTarget(99, true));
    assertTrue(isTarget(99, false));
    assertFalse(isTarget(0, true));
    assertFalse(plan.lowerFloor());
  }

  @Test
  void unitsOfSeveralAreasAreBinnedByTheirMean() {
    plan.begin(11);
    assertEquals(0, plan.binOf(0));
    assertEquals(1, plan.binOf(1));
    assertEquals(1, plan.binOf(4));
    assertEquals(2, plan.binOf(5));
    assertEquals(512, plan.binOf(2048));
    area(4, true);
    area(0, true);
    area(0, true);
    area(0, true);
    look.look(map, START, START + 2048);
    assertEquals(4, look.live());
    plan.addUnit(look);
    for (int i = 0; i < 4; i++) {
      look.look(map, START + 512L * i, START + 512L * (i + 1));
      plan.addArea(look);
    }
    count(400);
    plan.choose(3);
    assertEquals(1, plan.chosenUnits());
    assertTrue(plan.lowerFloor());
    assertTrue(isTarget(1, true));
    assertFalse(isTarget(0, true));
    assertTrue(plan.lowerFloor());
    assertTrue(isTarget(0, true));
    assertFalse(plan.lowerFloor());
  }

  @Test
  void aLookTellsWhatIsInAnArea() {
    look.look(map, START, START + 512);
    assertEquals(9, look.freeOrder());
    assertEquals(512, look.free());
    assertTrue(look.canBeEmptied());
    area(3, true);
    assertEquals(3, look.live());
    assertEquals(509, look.free());
    assertEquals(8, look.freeOrder());
    assertTrue(look.canBeEmptied());
    assertTrue(items.movable.pin(START + 1, items.me, 1));
    look.look(map, START, START + 512);
    assertFalse(look.canBeEmptied());
    assertTrue(look.isWhole());
    look.look(map, START - 1, START + 512);
    assertFalse(look.isWhole());
    assertEquals(509, look.free());
    area(512, true);
    assertEquals(-1, look.freeOrder());
  }

  @Test
  void aBlockAcrossTheBorderCannotBeMovedOut() {
    assertTrue(items.frames.allocateRange(START, 1024, AllocationFlags.MOVABLE));
    items.adopt(START, 1024);
    look.look(map, START, START + 512);
    assertEquals(512, look.live());
    assertFalse(look.canBeEmptied());
    look.look(map, START + 512, START + 1024);
    assertFalse(look.canBeEmptied());
    look.look(map, START, START + 1024);
    assertTrue(look.canBeEmptied());
    assertEquals(1024, look.live());
  }

  @Test
  void aNewCountKnowsNothingOfTheLast() {
    count(0, 100, 200, 300);
    plan.choose(2);
    plan.begin(9);
    assertEquals(0, plan.freeFrames());
    assertEquals(0, plan.framesInFreeAreas());
    assertEquals(0, plan.framesInPieces());
    assertEquals(0, plan.chosenUnits());
    count(300, 300, 300);
    plan.choose(1);
    assertEquals(1, plan.chosenUnits());
    assertTrue(isSource(300));
    assertTrue(isTarget(300, true));
    assertFalse(isTarget(299, false));
  }

  @Test
  void theFloorIsAsHighAsTheMovesAllow() {
    count(100, 300, 412, 450);
    plan.choose(1);
    assertTrue(isTarget(412, true));
    assertFalse(isTarget(411, true));
    plan.begin(9);
    count(100, 300, 413, 500);
    plan.choose(1);
    assertTrue(isTarget(413, true)); // 99 and 12 are room for 100
    assertFalse(isTarget(412, true));
  }

  @Test
  void onlyTheUnitsOfABinThatAreChosenNeedRoom() {
    count(128, 128, 128, 128, 500, 500, 500, 500, 500, 500, 500, 500);
    plan.choose(2);
    assertTrue(isTarget(128, true)); // 256 frames are moved, and 96 have room above
    assertFalse(isTarget(127, false));
  }

  @Test
  void roomInWhatCannotBeEmptiedCountsBelowTheSourcesToo() {
    area(10, false);
    plan.addArea(look);
    plan.addUnit(look);
    count(400, 500);
    plan.choose(1);
    assertTrue(isTarget(10, false));
    assertFalse(isTarget(9, false));
  }

  @Test
  void fullUnitsAreNoSources() {
    for (int i = 0; i < 2; i++) {
      area(10, false);
      plan.addArea(look);
      plan.addUnit(look);
    }
    count(512, 512);
    plan.choose(1);
    assertEquals(0, plan.chosenUnits());
  }

  /// A piece has room from the start, and is filled whatever its live frames.
  @Test
  void aPieceOfAnAreaIsATargetAndNeverFree() {
    look.look(map, START - 100, START + 412);
    assertFalse(look.isWhole());
    plan.addArea(look);
    plan.addUnit(look);
    assertEquals(412, plan.freeFrames());
    assertEquals(412, plan.framesInPieces());
    assertEquals(0, plan.framesInFreeAreas());
    assertTrue(plan.isTarget(look));
    assertFalse(plan.isSource(look));
    areas++;
    count(400, 410);
    plan.choose(1);
    assertEquals(1, plan.chosenUnits());
    assertFalse(isTarget(511, true), "there is room for all in the piece");
  }
}
