package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.zone.AccountTree;
import dev.bifolio.kernel.zone.Zone;
import dev.bifolio.kernel.zone.ZoneType;
import org.junit.jupiter.api.Test;

/// Blocks move between fast and slow memory as they are used, and nothing else changes.
class TierMoverTest {
  private static int onNode(TieredItems items, int node) {
    int count = 0;
    for (int item = 0; item < items.itemCount(); item++) {
      count += items.nodeOf(item) == node ? 1 : 0;
    }
    return count;
  }

  @Test
  void theColdestLeaveTheNodeWithTheirContents() {
    try (TieredItems items = new TieredItems(4096, 8192)) {
      int[] temperature = new int[4096];
      while (items.zone(0).availableFrames() > 600) {
        int item = items.add(0, 0);
        temperature[item] = item * 7 % 61;
        items.setHeat(item, temperature[item]);
      }
      assertEquals(100, items.mover.demote(items.zone(0), 100));
      assertEquals(100, onNode(items, 1));
      for (int item = 0; item < items.itemCount(); item++) {
        assertEquals(temperature[item], items.heat.heatOf(items.places.get(item)));
        assertTrue(items.nodeOf(item) == 0 || temperature[item] <= 1, "item " + item);
      }
      assertEquals(100, items.mover.demotedFrames(items.zone(0)));
      assertEquals(0, items.mover.demotedFrames(items.zone(1)));
      assertEquals(100, items.reclaim.migration().movedFrames());
      items.assertAllThere(1, 0);
    }
  }

  @Test
  void theHandGoesOnSoThatColdFramesLeaveBeforeWarmOnes() {
    try (TieredItems items = new TieredItems(4096, 8192)) {
      while (items.zone(0).availableFrames() > 600) {
        int item = items.add(0, 0);
        items.setHeat(item, item % 4 == 3 ? 1 : 20);
      }
      // One in 64 counts as cold in any case, so warm ones may go when so few cold ones are left.
      long sure = (long) items.itemCount() / 4 - items.itemCount() / 64;
      for (long moved = 0; moved < sure; ) {
        long wanted = Math.min(32, sure - moved);
        assertEquals(wanted, items.mover.demote(items.zone(0), wanted));
        moved += wanted;
      }
      for (int item = 0; item < items.itemCount(); item++) {
        assertTrue(item % 4 == 3 || items.nodeOf(item) == 0, "item " + item + " was warm");
      }
      assertEquals(sure, onNode(items, 1));
      items.assertAllThere(1, 0);
    }
  }

  @Test
  void allMovableFramesLeaveIfAsManyAreWanted() {
    try (TieredItems items = new TieredItems(4096, 8192)) {
      items.fill(0, 600, 63);
      items.setHeat(5, 0);
      long count = items.itemCount();
      assertEquals(count, items.mover.demote(items.zone(0), 4096));
      assertEquals(count, onNode(items, 1));
      items.assertAllThere(1, 0);
      assertEquals(0, items.mover.demote(items.zone(0), 1));
      assertEquals(0, items.mover.failedMoves(items.zone(0)));
    }
  }

  @Test
  void whatIsPinnedOrNobodysStays() {
    try (TieredItems items = new TieredItems(4096, 8192)) {
      int first = items.fill(0, 3000, 0);
      long other = items.frames.tryAllocateNear(0, 1, AllocationFlags.NONE);
      for (int item = first; item < items.itemCount(); item += 3) {
        assertTrue(items.movable.pin(items.places.get(item), items.me, item));
      }
      long loose = (long) items.itemCount() - (items.itemCount() + 2) / 3;
      assertEquals(loose, items.mover.demote(items.zone(0), 4096));
      for (int item = first; item < items.itemCount(); item++) {
        assertEquals(item % 3 == 0 ? 0 : 1, items.nodeOf(item));
      }
      assertEquals(0, items.mover.demote(items.zone(0), 1));
      int pinned = first;
      assertEquals(TierMover.ALREADY_FAST, items.mover.promote(items.places.get(pinned)));
      for (int item = first; item < items.itemCount(); item += 3) {
        items.movable.unpin(items.places.get(item), items.me, item);
      }
      items.assertAllThere(1, 1);
      items.frames.free(other, 0);
    }
  }

  @Test
  void anOwnerWhoRefusesKeepsHisFrames() {
    try (TieredItems items = new TieredItems(4096, 8192)) {
      items.fill(0, 3500, 0);
      items.answer = item -> item % 2 == 0;
      long even = (items.itemCount() + 1L) / 2;
      assertEquals(even, items.mover.demote(items.zone(0), 4096));
      assertEquals(even, onNode(items, 1));
      assertTrue(items.mover.failedMoves(items.zone(0)) >= items.itemCount() - even);
      items.answer = item -> false;
      assertEquals(TierMover.REFUSED, items.mover.promote(items.places.get(0)));
      assertEquals(1, items.mover.failedMoves(items.zone(1)));
      assertEquals(0, items.mover.promotedFrames(items.zone(1)));
      items.assertAllThere(1, 0);
    }
  }

  @Test
  void theSlowNodeKeepsItsLowMarkAndTheRestGoesToTheNextTier() {
    try (TieredItems items = new TieredItems(2048, 2048, 4096)) {
      items.fill(0, 500, 1);
      Zone middle = items.zone(1);
      items.fill(1, middle.lowFrames() + 40, 5);
      assertEquals(100, items.mover.demote(items.zone(0), 100));
      assertEquals(middle.lowFrames(), middle.availableFrames());
      assertEquals(60, onNode(items, 2));
      assertTrue(items.reclaim.isWoken(middle));
      assertFalse(items.reclaim.isWoken(items.zone(2)));
      items.assertAllThere(1, 0);
    }
  }

  @Test
  void pressureGoesDownTierByTier() {
    try (TieredItems items = new TieredItems(2048, 2048, 8192)) {
      int cold = items.fill(1, items.zone(1).lowFrames(), 0);
      int warm = items.fill(0, items.zone(0).lowFrames(), 9);
      int hot = items.add(0, 0);
      assertTrue(hot >= 0);
      items.setHeat(hot, 30);
      assertTrue(items.reclaim.isWoken(items.zone(0)));
      while (items.reclaim.step(64)) {
        assertTrue(items.zone(1).availableFrames() >= items.zone(1).lowFrames());
      }
      for (int node = 0; node < 2; node++) {
        Zone zone = items.zone(node);
        assertTrue(zone.availableFrames() >= zone.highFrames(), "node " + node);
        assertTrue(items.mover.demotedFrames(zone) > 0);
      }
      assertEquals(0, items.nodeOf(hot));
      int gone = 0;
      for (int item = cold; item < warm; item++) {
        gone += items.nodeOf(item) == 2 ? 1 : 0;
      }
      assertTrue(gone > 0);
      items.assertAllThere(1, 0);
    }
  }

  @Test
  void whereThereIsNoRoomNothingMoves() {
    try (TieredItems items = new TieredItems(2048, 1024)) {
      items.fill(0, 500, 0);
      items.fill(1, items.zone(1).lowFrames(), 0);
      assertEquals(0, items.mover.demote(items.zone(0), 10));
      assertTrue(items.reclaim.isWoken(items.zone(1)));
      assertEquals(0, items.mover.demote(items.zone(1), 10), "there is nothing slower");
      assertEquals(0, items.reclaim.migration().movedFrames());
      items.assertAllThere(1, 0);
    }
  }

  @Test
  void deviceMemoryIsNeitherSourceNorTarget() {
    try (TieredItems items = new TieredItems(ZoneType.DEVICE, 2048, 4096)) {
      items.fill(0, 500, 0);
      assertEquals(0, items.mover.demote(items.zone(0), 10));
      assertEquals(0, items.mover.room(1, false));
      Zone device = items.frames.zones().at(1, ZoneType.DEVICE);
      int onDevice =
          items.adopt(
              items.frames.tryAllocateNear(
                  1, 1, AllocationFlags.DEVICE | AllocationFlags.EXACT_NODE),
              1);
      assertEquals(device, items.zoneOf(onDevice));
      items.tiers.setTier(0, 5);
      items.tiers.setTier(2, 0);
      assertTrue(device != null && items.mover.demote(device, 10) == 0);
      items.reclaim.step(1000);
      assertEquals(0, items.reclaim.migration().movedFrames());
    }
  }

  @Test
  void aRequestThatFindsNoFrameMovesColdOnesFirst() {
    try (TieredItems items = new TieredItems(2048, 8192)) {
      items.fill(0, items.zone(0).minFrames(), 3);
      long pfn =
          items.frames.tryAllocateNear(0, 1, AllocationFlags.MOVABLE | AllocationFlags.EXACT_NODE);
      assertTrue(pfn >= 0);
      assertEquals(32, items.mover.demotedFrames(items.zone(0)));
      items.frames.free(pfn, 0);
      items.assertAllThere(1, 0);
    }
  }

  @Test
  void whatIsKeptForOthersIsNoRoom() {
    try (TieredItems items = new TieredItems(2048, 2048)) {
      Zone zone = items.zone(1);
      long free = zone.availableFrames();
      assertEquals(free - zone.lowFrames(), items.mover.room(1, false));
      assertEquals(free - TierMover.promo(zone), items.mover.room(1, true));
      zone.setLowmemReserve(ZoneType.MOVABLE, 70);
      zone.setLowmemReserve(ZoneType.NORMAL, 500);
      assertEquals(free - zone.lowFrames() - 70, items.mover.room(1, false));
      assertEquals(free - TierMover.promo(zone) - 70, items.mover.room(1, true));
      zone.setLowmemReserve(ZoneType.MOVABLE, free);
      assertEquals(0, items.mover.room(1, false));
    }
  }

  // ---- Promotion ----

  @Test
  void aPromotedBlockIsInTheFastestTier() {
    try (TieredItems items = new TieredItems(2048, 2048, 2048)) {
      int item = items.add(2, 0);
      items.setHeat(item, 17);
      long old = items.places.get(item);
      long pfn = items.mover.promote(old);
      assertEquals(pfn, items.places.get(item));
      assertEquals(0, items.nodeOf(item));
      assertEquals(17, items.heat.heatOf(pfn));
      assertEquals(1, items.mover.promotedFrames(items.zone(2)));
      assertEquals(TierMover.ALREADY_FAST, items.mover.promote(pfn));
      assertEquals(TierMover.NOT_MOVABLE, items.mover.promote(old));
      assertThrows(IllegalArgumentException.class, () -> items.mover.promote(1));
      items.assertAllThere(1, 0);
    }
  }

  @Test
  void promotionStopsAtItsMarkAndTakesTheNextTier() {
    try (TieredItems items = new TieredItems(2048, 2048, 2048)) {
      Zone fast = items.zone(0);
      long mark = TierMover.promo(fast);
      assertEquals(fast.highFrames() * 2 - fast.lowFrames(), mark);
      items.fill(0, mark + 1, 1);
      int one = items.add(2, 0);
      int two = items.add(2, 0);
      int three = items.add(2, 0);
      assertTrue(items.mover.promote(items.places.get(one)) >= 0);
      assertEquals(mark, fast.availableFrames());
      assertTrue(items.mover.promote(items.places.get(two)) >= 0);
      assertEquals(1, items.nodeOf(two));
      items.fill(1, TierMover.promo(items.zone(1)), 1);
      assertEquals(TierMover.NO_ROOM, items.mover.promote(items.places.get(two)));
      assertEquals(TierMover.NO_ROOM, items.mover.promote(items.places.get(three)));
      assertEquals(2, items.nodeOf(three));
      assertFalse(items.reclaim.isWoken(fast));
      items.assertAllThere(1, 0);
    }
  }

  @Test
  void aPinnedBlockIsNotPromoted() {
    try (TieredItems items = new TieredItems(2048, 2048)) {
      int item = items.add(1, 0);
      long pfn = items.places.get(item);
      assertTrue(items.movable.pin(pfn, items.me, item));
      assertEquals(TierMover.HELD, items.mover.promote(pfn));
      items.movable.unpin(pfn, items.me, item);
      items.assertAllThere(1, 0);
    }
  }

  @Test
  void blocksOfSeveralFramesMoveAsAWholeUpToAnArea() {
    try (TieredItems items = new TieredItems(8192, 8192)) {
      for (long length : new long[] {3, 512, 16}) {
        int item = items.add(0, length, 0);
        items.setHeat(item, 0);
        assertEquals(0, items.mover.demote(items.zone(0), length - 1));
        assertEquals(length, items.mover.demote(items.zone(0), length));
        assertEquals(1, items.nodeOf(item));
        assertTrue(items.mover.promote(items.places.get(item)) >= 0);
        assertEquals(0, items.nodeOf(item));
        assertEquals(TierMover.ALREADY_FAST, items.mover.promote(items.places.get(item)));
        items.setHeat(item, 63);
        assertTrue(items.movable.pin(items.places.get(item), items.me, item));
      }
      assertEquals(3 + 512 + 16, items.mover.promotedFrames(items.zone(1)));
      int tooLong = items.add(1, 1024, 0);
      assertEquals(TierMover.NOT_MOVABLE, items.mover.promote(items.places.get(tooLong)));
      assertEquals(TierMover.NOT_MOVABLE, items.mover.promote(items.places.get(tooLong) + 1));
    }
  }

  // ---- Accounts ----

  @Test
  void theChargeGoesWithTheBlockAndIsRefundedOnce() {
    try (TieredItems items = new TieredItems(2048, 2048)) {
      AccountTree accounts = items.accounts;
      int account = accounts.open(AccountTree.ROOT, 1000, 0);
      int flag = AllocationFlags.charge(account);
      for (int i = 0; i < 50; i++) {
        assertTrue(items.add(0, flag) >= 0);
      }
      assertEquals(50, accounts.usage(account));
      assertEquals(50, items.mover.demote(items.zone(0), 50));
      for (int item = 0; item < 50; item += 2) {
        assertTrue(items.mover.promote(items.places.get(item)) >= 0);
      }
      assertEquals(50, accounts.usage(account));
      for (int item = 0; item < 50; item++) {
        long pfn = items.places.get(item);
        assertEquals(account, FrameInfo.accountOf(items.movable.wordOf(pfn)));
        assertTrue(items.movable.disown(pfn, items.me, item));
        items.frames.free(pfn, 0);
        assertEquals(49 - item, accounts.usage(account));
      }
    }
  }
}
