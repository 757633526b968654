package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameMap;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// One range that is emptied: how far a budget goes, which targets are taken, and what is counted.
class RangeEvacuationTest {
  private static final long START = 0x2000;
  private static final long MUCH = Long.MAX_VALUE;

  private MovableItems items = new MovableItems(true, START, 2048, false);
  private FrameMap map = new FrameMap(items.frames);
  private RangeEvacuation evacuation = new RangeEvacuation(items.migration, map);
  private final Targets targets = new Targets();

  @AfterEach
  void close() {
    items.close();
  }

  /// Targets from the second half of the memory upwards, behind those that a test names.
  private final class Targets implements TargetFrames {
    final ArrayDeque<Long> first = new ArrayDeque<>();
    final List<Long> back = new ArrayList<>();
    long next = START + 1024;
    int asked;

    @Override
    public long take(long frameCount) {
      asked++;
      if (!first.isEmpty()) {
        return first.remove();
      }
      long pfn = next;
      next += frameCount;
      assertTrue(items.frames.allocateRange(pfn, frameCount, AllocationFlags.MOVABLE));
      return pfn;
    }

    @Override
    public void giveBack(long pfn, long frameCount) {
      back.add(pfn);
    }
  }

  private int item(long pfn, long frameCount) {
    assertTrue(items.frames.allocateRange(pfn, frameCount, AllocationFlags.MOVABLE));
    return items.adopt(pfn, frameCount);
  }

  private EvacuationOutcome empty(long start, long end) {
    evacuation.begin(map, start, end);
    return evacuation.advance(targets, MUCH);
  }

  @Test
  void itIsOpenFromItsBeginningUntilItIsReleased() {
    assertFalse(evacuation.isOpen());
    evacuation.begin(map, START, START + 64);
    assertTrue(evacuation.isOpen());
    assertEquals(EvacuationOutcome.EMPTIED, evacuation.advance(targets, 1));
    assertTrue(evacuation.isOpen());
    assertEquals(64, items.framesInUse());
    evacuation.release();
    assertFalse(evacuation.isOpen());
    items.assertAllThere();
  }

  @Test
  void aMoveCostsItsFramesAndALookASixteenth() {
    for (long pfn = START; pfn < START + 128; pfn += 2) {
      item(pfn, 1);
    }
    evacuation.begin(map, START, START + 128);
    assertEquals(EvacuationOutcome.UNDER_WAY, evacuation.advance(targets, 20));
    assertEquals(18, evacuation.spent(), "and 35 looks");
    assertEquals(64 + 18, evacuation.takeRequests(), "what was captured, and the targets");
    assertEquals(0, evacuation.takeRequests());
    assertEquals(EvacuationOutcome.UNDER_WAY, evacuation.advance(targets, 1));
    assertEquals(1, evacuation.spent());
    assertEquals(1, evacuation.takeRequests());
    assertEquals(EvacuationOutcome.EMPTIED, evacuation.advance(targets, MUCH));
    assertEquals(64 - 19, evacuation.spent());
    assertEquals(64, targets.asked);
    evacuation.release();
    items.assertAllThere();
  }

  @Test
  void whatWaitsInACacheIsCalledBackAndCaptured() {
    long pfn = items.frames.allocate(0, AllocationFlags.MOVABLE);
    items.frames.free(pfn, 0);
    assertEquals(FrameMap.CACHED, map.stateAt(pfn));
    assertEquals(EvacuationOutcome.EMPTIED, empty(pfn & -64, (pfn & -64) + 64));
    assertEquals(64, items.framesInUse());
    assertTrue(map.stateAt(pfn) == FrameMap.HEAD || map.stateAt(pfn) == FrameMap.TAIL);
    evacuation.release();
    items.assertAllThere();
  }

  @Test
  void whatIsNoMemoryIsLookedForInVain() {
    assertEquals(EvacuationOutcome.RACED, empty(START + 2016, START + 2050));
    assertEquals(-1, evacuation.blockedPfn());
    assertEquals(32, items.framesInUse());
    evacuation.release();
    items.assertAllThere();
  }

  @Test
  void aBlockThatBeginsBeforeTheRangeIsNoticedAtOnce() {
    item(START, 8);
    assertEquals(EvacuationOutcome.BLOCKED, empty(START + 4, START + 512));
    assertEquals(START + 4, evacuation.blockedPfn());
    assertEquals(0, evacuation.takeRequests(), "nothing was captured");
    evacuation.begin(map, START, START + 512);
    assertEquals(-1, evacuation.blockedPfn(), "a new range");
    assertEquals(EvacuationOutcome.EMPTIED, evacuation.advance(targets, MUCH));
    evacuation.release();
    items.assertAllThere();
  }

  @Test
  void theFirstFrameOfTheRangeIsNoTargetAndTheFirstOneBehindItIs() {
    int moved = item(START + 100, 1);
    targets.first.add(START + 64);
    targets.first.add(START + 127);
    assertTrue(items.frames.allocateRange(START + 128, 1, AllocationFlags.MOVABLE));
    targets.first.add(START + 128);
    assertEquals(EvacuationOutcome.EMPTIED, empty(START + 64, START + 128));
    assertEquals(List.of(START + 64, START + 127), targets.back);
    assertEquals(START + 128, items.places.get(moved));
    evacuation.release();
    items.assertAllThere();
  }

  @Test
  void aTargetJustBelowTheRangeIsTaken() {
    int moved = item(START + 100, 1);
    assertTrue(items.frames.allocateRange(START + 63, 1, AllocationFlags.MOVABLE));
    targets.first.add(START + 63);
    assertEquals(EvacuationOutcome.EMPTIED, empty(START + 64, START + 128));
    assertEquals(List.of(), targets.back);
    assertEquals(START + 63, items.places.get(moved));
    evacuation.release();
    items.assertAllThere();
  }

  @Test
  void afterSixtyFourTargetsWithinTheRangeThereSeemToBeNoOthers() {
    int stays = item(START + 100, 1);
    for (int i = 0; i < 100; i++) {
      targets.first.add(START + 64);
    }
    assertEquals(EvacuationOutcome.NO_TARGET, empty(START + 64, START + 128));
    assertEquals(64, targets.asked);
    assertEquals(64, targets.back.size());
    evacuation.release();
    assertEquals(START + 100, items.places.get(stays));
    items.assertAllThere();
  }

  @Test
  void aRequestForATargetThatFailsIsNotCounted() {
    item(START + 100, 1);
    targets.first.add(-2L);
    assertEquals(EvacuationOutcome.NO_TARGET, empty(START + 100, START + 101));
    assertEquals(0, evacuation.takeRequests());
    assertEquals(0, evacuation.spent());
    evacuation.release();
    items.assertAllThere();
  }

  @Test
  void frameZeroIsATargetToo() {
    items.close();
    items = new MovableItems(true, 0, 2048, false);
    map = new FrameMap(items.frames);
    evacuation = new RangeEvacuation(items.migration, map);
    int moved = item(1024, 1);
    assertTrue(items.frames.allocateRange(0, 1, AllocationFlags.MOVABLE));
    targets.first.add(0L);
    assertEquals(EvacuationOutcome.EMPTIED, empty(1024, 1025));
    assertEquals(0, items.places.get(moved));
    assertEquals(1, evacuation.takeRequests());
    evacuation.release();
    items.assertAllThere();
  }

  @Test
  void anOwnerWhoRefusesKeepsHisPlaceAndTheTargetGoesBackUnmarked() {
    int stays = item(START + 100, 4);
    items.answer = _ -> false;
    assertEquals(EvacuationOutcome.BLOCKED, empty(START + 64, START + 128));
    assertEquals(START + 100, evacuation.blockedPfn());
    assertEquals(List.of(START + 1024), targets.back);
    assertEquals(0, items.plane.get(START + 1024));
    assertEquals(START + 100, items.places.get(stays));
    items.frames.freeFrames(START + 1024, 4);
    evacuation.release();
    items.assertAllThere();
  }

  @Test
  void aBlockStaysMovableWhenTheSourceOfTargetsThrows() {
    item(START + 100, 1);
    TargetFrames broken =
        new TargetFrames() {
          @Override
          public long take(long frameCount) {
            throw new IllegalStateException("broken");
          }

          @Override
          public void giveBack(long pfn, long frameCount) {}
        };
    evacuation.begin(map, START + 64, START + 128);
    assertThrows(IllegalStateException.class, () -> evacuation.advance(broken, MUCH));
    evacuation.release();
    items.assertAllThere();
  }

  @Test
  void whatIsCapturedBehindTheRangeIsNotReleased() {
    RangeEvacuation other = new RangeEvacuation(items.migration, map);
    other.begin(map, START + 512, START + 1024);
    assertEquals(EvacuationOutcome.EMPTIED, other.advance(targets, MUCH));
    assertEquals(EvacuationOutcome.EMPTIED, empty(START, START + 512));
    assertEquals(1024, items.framesInUse());
    evacuation.release();
    assertEquals(512, items.framesInUse());
    other.release();
    items.assertAllThere();
  }
}
