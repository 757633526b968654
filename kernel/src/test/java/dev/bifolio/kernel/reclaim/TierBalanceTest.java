package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/// Hot blocks of slow memory change places with cold ones of fast memory, and only those.
class TierBalanceTest {
  private static TierBalance balanceOf(TieredItems items) {
    TierBalance balance = items.reclaim.tierBalance();
    assertNotNull(balance);
    return balance;
  }

  /// As many turns as it takes, in small steps.
  private static void turn(TieredItems items, int turns) {
    TierBalance balance = balanceOf(items);
    long end = balance.turns() + turns;
    while (balance.turns() < end) {
      balance.step(1);
    }
  }

  @Test
  void hotBlocksGoUpWhereThereIsRoom() {
    try (TieredItems items = new TieredItems(2048, 2048)) {
      for (int item = 0; item < 40; item++) {
        items.add(1, 0);
        items.setHeat(item, item % 4 == 0 ? TierBalance.LEAST_CUT + 1 : TierBalance.LEAST_CUT);
      }
      assertEquals(FrameHeat.MAX_HEAT, balanceOf(items).cut());
      turn(items, 1);
      assertEquals(0, items.reclaim.migration().movedFrames(), "nothing is known yet");
      assertEquals(TierBalance.LEAST_CUT, balanceOf(items).cut());
      turn(items, 1);
      for (int item = 0; item < 40; item++) {
        assertEquals(item % 4 == 0 ? 0 : 1, items.nodeOf(item));
      }
      assertEquals(10, items.mover.promotedFrames(items.zone(1)));
      assertEquals(0, items.mover.demotedFrames(items.zone(0)));
      items.assertAllThere(1, 0);
    }
  }

  @Test
  void hotBlocksChangePlacesWithColdOnes() {
    try (TieredItems items = new TieredItems(2048, 4096)) {
      int cold = items.fill(0, items.zone(0).lowFrames() + 5, 5);
      for (int item = cold; item < items.itemCount(); item += 10) {
        items.setHeat(item, 1);
      }
      int hot = items.itemCount();
      for (int i = 0; i < 100; i++) {
        items.setHeat(items.add(1, 0), 6);
      }
      turn(items, 3);
      for (int item = hot; item < items.itemCount(); item++) {
        assertEquals(0, items.nodeOf(item));
      }
      int left = 0;
      for (int item = cold; item < hot; item++) {
        boolean isFar = items.nodeOf(item) == 1;
        assertTrue(!isFar || item % 10 == 0, "item " + item + " was warm");
        left += isFar ? 1 : 0;
      }
      assertEquals(100, left);
      assertEquals(items.zone(0).lowFrames() + 5, items.zone(0).availableFrames());
      items.assertAllThere(1, 0);
    }
  }

  @Test
  void blocksOfLikeHeatStayWhereTheyAre() {
    try (TieredItems items = new TieredItems(2048, 4096)) {
      items.fill(0, items.zone(0).lowFrames() + 5, 5);
      for (int i = 0; i < 100; i++) {
        items.setHeat(items.add(1, 0), 5 + TierBalance.MARGIN - 1);
      }
      turn(items, 4);
      assertEquals(0, items.reclaim.migration().movedFrames());
    }
  }

  @Test
  void pinnedBlocksStayAndDisplaceNobody() {
    try (TieredItems items = new TieredItems(2048, 4096)) {
      items.fill(0, items.zone(0).lowFrames() + 5, 1);
      int item = items.add(1, 0);
      items.setHeat(item, 60);
      assertTrue(items.movable.pin(items.places.get(item), items.me, item));
      turn(items, 3);
      assertEquals(0, items.reclaim.migration().movedFrames());
      items.movable.unpin(items.places.get(item), items.me, item);
    }
  }

  @Test
  void allCountsAreHalvedInOneTurnOnceTheCutIsHigh() {
    try (TieredItems items = new TieredItems(2048, 4096)) {
      items.fill(0, items.zone(0).lowFrames() + 5, 40);
      items.fill(1, 2000, 20);
      turn(items, 1);
      int near = 1000; // the next turn has not come so far yet
      int far = items.itemCount() - 1;
      assertEquals(20, balanceOf(items).cut());
      assertEquals(40, items.heat.heatOf(items.places.get(near)));
      turn(items, 1);
      assertEquals(20, items.heat.heatOf(items.places.get(near)));
      assertEquals(10, items.heat.heatOf(items.places.get(far)));
      assertEquals(10, balanceOf(items).cut());
      turn(items, 1);
      assertEquals(20, items.heat.heatOf(items.places.get(near)), "not twice in a row");
      turn(items, 1);
      assertEquals(10, items.heat.heatOf(items.places.get(near)));
      assertEquals(5, balanceOf(items).cut());
      turn(items, 2);
      assertEquals(10, items.heat.heatOf(items.places.get(near)), "low enough");
      assertEquals(0, items.reclaim.migration().movedFrames());
    }
  }

  @Test
  void aTurnThatHalvesPromotesNothing() {
    try (TieredItems items = new TieredItems(2048, 4096)) {
      items.fill(0, items.zone(0).lowFrames() + 5, 20);
      items.fill(1, 2000, 18);
      turn(items, 1);
      assertEquals(18, balanceOf(items).cut());
      int item = items.itemCount() - 1;
      items.setHeat(item, 30);
      turn(items, 1);
      assertEquals(0, items.reclaim.migration().movedFrames());
      turn(items, 1);
      assertEquals(0, items.nodeOf(item));
      assertEquals(2, items.reclaim.migration().movedFrames());
    }
  }

  @Test
  void promotionGoesFromTheSlowestToTheFastest() {
    try (TieredItems items = new TieredItems(2048, 2048, 2048)) {
      int item = items.add(2, 0);
      items.setHeat(item, 30);
      turn(items, 2);
      assertEquals(0, items.nodeOf(item));
      assertEquals(0, items.frames.zones().zone(1).statistics().usedFrames());
    }
  }

  @Test
  void longBlocksGoUpOnlyIntoRoom() {
    try (TieredItems items = new TieredItems(2048, 4096)) {
      long room = items.mover.room(0, true);
      int fits = items.add(1, 64, 0);
      items.setHeat(fits, 30);
      turn(items, 2);
      assertEquals(0, items.nodeOf(fits));
      assertEquals(room - 64, items.mover.room(0, true));
      items.fill(0, TierMover.promo(items.zone(0)) + 10, 0);
      int tooLong = items.add(1, 11, 0);
      items.setHeat(tooLong, 30);
      turn(items, 2);
      assertEquals(1, items.nodeOf(tooLong));
      assertEquals(0, items.mover.demotedFrames(items.zone(0)));
    }
  }

  @Test
  void aMachineOfOneTierHasNothingToBalance() {
    try (TieredItems items = new TieredItems(2048)) {
      items.add(0, 0);
      balanceOf(items).step(10_000);
      assertEquals(0, balanceOf(items).turns());
      assertEquals(0, items.mover.demote(items.zone(0), 10));
    }
  }

  @Test
  void aStepOfReclaimGoesOnWithTheBalance() {
    try (TieredItems items = new TieredItems(2048, 2048)) {
      int item = items.add(1, 0);
      items.setHeat(item, 30);
      for (int step = 0; step < 2; step++) {
        items.reclaim.step(4096 / TierBalance.LOOKS + 10);
      }
      assertEquals(0, items.nodeOf(item));
      assertEquals(items.mover, items.reclaim.tiers());
    }
  }
}
