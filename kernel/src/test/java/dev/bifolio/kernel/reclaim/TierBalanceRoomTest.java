package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/// How much a step of the balance moves, and where it stops.
class TierBalanceRoomTest {
  private static final long WHOLE_TURNS = 1000;

  private static TierBalance balanceOf(TieredItems items) {
    TierBalance balance = items.reclaim.tierBalance();
    assertNotNull(balance);
    return balance;
  }

  /// To the end of a turn, in small steps.
  private static void turn(TieredItems items) {
    TierBalance balance = balanceOf(items);
    for (long end = balance.turns() + 1; balance.turns() < end; ) {
      balance.step(1);
    }
  }

  /// Items of one frame on node 1.
  private static int addSlow(TieredItems items, int count, int heat) {
    int first = items.itemCount();
    for (int i = 0; i < count; i++) {
      items.setHeat(items.add(1, 0), heat);
    }
    return first;
  }

  private static int fast(TieredItems items, int first, int count) {
    return (int)
        IntStream.range(first, first + count).filter(item -> items.nodeOf(item) == 0).count();
  }

  @Test
  void aStepCostsItsBudget() {
    try (TieredItems items = new TieredItems(512, 512)) {
      long looksOfATurn = 512 + 512 + 2; // each frame, and each bank
      long looks = 256 * looksOfATurn;
      for (long step = 0; step < looks / TierBalance.LOOKS; step++) {
        balanceOf(items).step(1);
      }
      assertEquals(256, balanceOf(items).turns());
    }
  }

  @Test
  void whatJustFitsIntoTheFastestTierFits() {
    try (TieredItems items = new TieredItems(2048, 4096)) {
      addSlow(items, (int) items.mover.room(0, true), 20);
      addSlow(items, 5, 7);
      turn(items);
      assertEquals(7, balanceOf(items).cut());
      addSlow(items, 1, 20);
      turn(items);
      assertEquals(20, balanceOf(items).cut());
    }
  }

  @Test
  void aStepMovesNoMoreThanItsBudget() {
    try (TieredItems items = new TieredItems(2048, 4096)) {
      int hot = addSlow(items, 40, 6);
      turn(items);
      long before = 0;
      for (int step = 0; step < 200; step++) {
        balanceOf(items).step(1);
        long moved = items.reclaim.migration().movedFrames();
        assertTrue(moved - before <= 1, "step " + step);
        before = moved;
      }
      assertEquals(40, fast(items, hot, 40));
    }
  }

  @Test
  void aStepThatDisplacesIsAtItsEndAfterOnePair() {
    try (TieredItems items = new TieredItems(2048, 4096)) {
      items.fill(0, TierMover.promo(items.zone(0)), 1);
      int hot = addSlow(items, 40, 6);
      turn(items);
      long before = 0;
      for (int step = 0; step < 300; step++) {
        balanceOf(items).step(1);
        long moved = items.reclaim.migration().movedFrames();
        assertTrue(moved - before <= 2, "step " + step);
        before = moved;
      }
      assertEquals(40, fast(items, hot, 40));
      assertEquals(40, items.mover.demotedFrames(items.zone(0)));
      assertEquals(40, items.mover.promotedFrames(items.zone(1)));
    }
  }

  /// All in one step, which counts for itself what room is left.
  @Test
  void promotionEndsAtItsMarkWithinAStepToo() {
    try (TieredItems items = new TieredItems(2048, 4096)) {
      items.fill(0, TierMover.promo(items.zone(0)) + 10, 7);
      int hot = addSlow(items, 30, 7);
      addSlow(items, 1, 3);
      turn(items);
      for (int item = hot; item < hot + 30; item++) {
        items.setHeat(item, 8); // above the cut, and too like the others to displace them
      }
      balanceOf(items).step(WHOLE_TURNS);
      assertEquals(10, items.mover.promotedFrames(items.zone(1)));
      assertEquals(TierMover.promo(items.zone(0)), items.zone(0).availableFrames());
      assertEquals(10, fast(items, hot, 30));
    }
  }

  @Test
  void aBlockThatJustFitsIsPromoted() {
    try (TieredItems items = new TieredItems(2048, 4096)) {
      items.fill(0, TierMover.promo(items.zone(0)) + 64, 0);
      int block = items.add(1, 64, 0);
      items.setHeat(block, 30);
      turn(items);
      turn(items);
      assertEquals(items.zone(0), items.zoneOf(block));
    }
  }

  @Test
  void whereTheSlowNodeIsFullOneFreeFrameIsEnoughForAllPairs() {
    try (TieredItems items = new TieredItems(2048, 2048)) {
      items.fill(0, TierMover.promo(items.zone(0)), 1);
      int hot = addSlow(items, 20, 6);
      items.fill(1, items.zone(1).lowFrames() + 1, 1);
      turn(items);
      balanceOf(items).step(WHOLE_TURNS);
      assertEquals(20, fast(items, hot, 20));
      assertEquals(items.zone(1).lowFrames() + 1, items.zone(1).availableFrames());
    }
  }

  @Test
  void whereTheSlowNodeHasNoRoomNobodyIsDisplaced() {
    try (TieredItems items = new TieredItems(2048, 2048)) {
      items.fill(0, TierMover.promo(items.zone(0)), 1);
      int hot = addSlow(items, 20, 6);
      items.fill(1, items.zone(1).lowFrames(), 1);
      turn(items);
      turn(items);
      assertEquals(0, fast(items, hot, 20));
      assertEquals(0, items.reclaim.migration().movedFrames());
    }
  }

  @Test
  void whoRefusesToBeDisplacedMakesNoRoom() {
    try (TieredItems items = new TieredItems(2048, 4096)) {
      items.fill(0, TierMover.promo(items.zone(0)), 1);
      int hot = addSlow(items, 3, 6);
      items.answer = item -> item >= hot;
      turn(items);
      turn(items);
      assertEquals(0, fast(items, hot, 3));
      assertEquals(0, items.reclaim.migration().movedFrames());
      assertEquals(TierMover.promo(items.zone(0)), items.zone(0).availableFrames());
      assertTrue(items.mover.failedMoves(items.zone(0)) > 0);
    }
  }

  /// The room that was made for one who then refuses is there for the next.
  @Test
  void whoRefusesToBePromotedDoesNotEmptyTheFastNode() {
    try (TieredItems items = new TieredItems(2048, 4096)) {
      items.fill(0, TierMover.promo(items.zone(0)), 1);
      int hot = addSlow(items, 20, 6);
      items.answer = item -> item < hot;
      turn(items);
      while (balanceOf(items).turns() < 2) {
        balanceOf(items).step(WHOLE_TURNS);
      }
      assertTrue(items.mover.failedMoves(items.zone(1)) >= 20);
      assertEquals(1, items.mover.demotedFrames(items.zone(0)));
    }
  }

  /// The search for who is displaced goes around the zone, not only upwards.
  @Test
  void coldOnesAtBothEndsOfAZoneAreFound() {
    try (TieredItems items = new TieredItems(2048, 4096)) {
      int first = items.fill(0, TierMover.promo(items.zone(0)), 7);
      List<Integer> all =
          IntStream.range(first, items.itemCount())
              .boxed()
              .sorted(Comparator.comparingLong(item -> items.places.get(item)))
              .toList();
      for (List<Integer> cold :
          List.of(all.subList(all.size() - 5, all.size()), all.subList(0, 5))) {
        for (int item : cold) {
          items.setHeat(item, 1);
        }
        int hot = addSlow(items, 5, 7);
        for (int i = 0; i < 4; i++) {
          turn(items);
        }
        assertEquals(5, fast(items, hot, 5));
        for (int item : cold) {
          assertEquals(1, items.nodeOf(item));
        }
      }
    }
  }

  /// A block of several frames is not cut up for one frame's sake.
  @Test
  void longBlocksAreNotDisplaced() {
    try (TieredItems items = new TieredItems(2048, 4096)) {
      int block = items.add(0, 2, 0);
      items.setHeat(block, 0);
      int first = items.fill(0, TierMover.promo(items.zone(0)), 7);
      int hot = addSlow(items, 1, 7);
      turn(items);
      turn(items);
      turn(items);
      assertEquals(0, items.nodeOf(block));
      assertEquals(0, items.reclaim.migration().movedFrames());
      items.setHeat(first, 1);
      turn(items);
      turn(items);
      assertEquals(1, items.nodeOf(first));
      assertEquals(0, items.nodeOf(hot));
      assertEquals(1, items.mover.demotedFrames(items.zone(0)));
    }
  }
}
