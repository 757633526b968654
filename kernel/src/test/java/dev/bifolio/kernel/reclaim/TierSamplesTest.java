package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.zone.Reclaimer;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/// Which blocks of a zone count as cold, and how far a demotion goes.
class TierSamplesTest {
  /// A mover over words of its own, so that a test can look at them.
  private static TierMover mover(TieredItems items, long words) {
    return new TierMover(
        items.frames, items.tiers, items.reclaim.migration(), items.heat, Reclaimer.NONE, words);
  }

  /// So many items of one frame on node 0, by ascending frames.
  private static List<Integer> add(TieredItems items, int count, int heat) {
    int first = items.itemCount();
    for (int i = 0; i < count; i++) {
      items.setHeat(items.add(0, 0), heat);
    }
    return IntStream.range(first, items.itemCount())
        .boxed()
        .sorted(Comparator.comparingLong(item -> items.places.get(item)))
        .toList();
  }

  private static int moved(TieredItems items, List<Integer> some) {
    int count = 0;
    for (int item : some) {
      count += items.nodeOf(item) == 1 ? 1 : 0;
    }
    return count;
  }

  @Test
  void exactlyAsManyColdOnesAsAreWantedLeaveNoWarmOneToGo() {
    try (TieredItems items = new TieredItems(2048, 2048)) {
      List<Integer> warm = add(items, 100, 9);
      List<Integer> cold = add(items, 10, 1);
      List<Integer> hot = add(items, 100, 20);
      assertEquals(10, items.mover.demote(items.zone(0), 10));
      assertEquals(10, moved(items, cold));
      assertEquals(50, items.mover.demote(items.zone(0), 50));
      assertEquals(50, moved(items, warm));
      assertEquals(0, moved(items, hot));
    }
  }

  @Test
  void oneInSixtyFourIsColdEvenIfOneIsWanted() {
    try (TieredItems items = new TieredItems(2048, 2048)) {
      List<Integer> all = add(items, 640, 9);
      items.setHeat(all.get(0), 1);
      items.setHeat(all.get(1), 2);
      for (int i = 630; i < 638; i++) {
        items.setHeat(all.get(i), 0);
      }
      assertEquals(1, items.mover.demote(items.zone(0), 1));
      assertEquals(1, moved(items, all.subList(0, 1)), "one of the ten coldest, and the nearest");
    }
  }

  @Test
  void eachDemotionTakesASampleOfItsOwn() {
    try (TieredItems items = new TieredItems(2048, 2048)) {
      List<Integer> all = add(items, 600, 0);
      assertEquals(10, items.mover.demote(items.zone(0), 10));
      for (int item : all) {
        items.setHeat(item, 30);
      }
      List<Integer> cold = all.subList(590, 600);
      for (int item : cold) {
        items.setHeat(item, 12);
      }
      assertEquals(10, items.mover.demote(items.zone(0), 10));
      assertEquals(10, moved(items, cold));
    }
  }

  @Test
  void aSampleOfALargeZoneIsForAllOfIt() {
    try (TieredItems items = new TieredItems(9216, 4096)) {
      List<Integer> all = add(items, 1200, 9);
      for (int i = 100; i < 1200; i += 10) {
        items.setHeat(all.get(i), 1);
      }
      // Of three frames one is sampled, from another one on in each window of the hand.
      for (int i = 0; i < 6; i++) {
        assertEquals(5, items.mover.demote(items.zone(0), 5));
      }
      int cold = 0;
      for (int i = 100; i < 1200; i += 10) {
        cold += moved(items, all.subList(i, i + 1));
      }
      assertEquals(30, cold);
    }
  }

  @Test
  void whoRefusesDoesNotHideWhoIsWarmer() {
    try (TieredItems items = new TieredItems(2048, 2048)) {
      List<Integer> refusing = add(items, 50, 0);
      items.answer = item -> item >= refusing.size();
      List<Integer> cold = add(items, 50, 1);
      List<Integer> warm = add(items, 400, 9);
      assertEquals(60, items.mover.demote(items.zone(0), 60));
      assertEquals(0, moved(items, refusing));
      assertEquals(50, moved(items, cold));
      assertEquals(10, moved(items, warm));
    }
  }

  @Test
  void inTheLastRoundAllAreCold() {
    try (TieredItems items = new TieredItems(2048, 2048)) {
      List<Integer> refusing = add(items, 50, 0);
      items.answer = item -> item >= refusing.size();
      List<Integer> hot = add(items, 100, 63);
      assertEquals(30, items.mover.demote(items.zone(0), 30));
      assertEquals(30, moved(items, hot));
    }
  }

  @Test
  void eachRoundGoesOnceAroundAtMost() {
    try (TieredItems items = new TieredItems(2048, 2048)) {
      List<Integer> all = add(items, 77, 0);
      items.answer = _ -> false;
      assertEquals(0, items.mover.demote(items.zone(0), 100));
      assertEquals(
          TierMover.MOST_ROUNDS * (long) all.size(), items.mover.failedMoves(items.zone(0)));
    }
  }

  /// A window of 512 frames is the claim of one call, whatever it finds there.
  @Test
  void theHandGoesOnByOneWindowACall() {
    try (TieredItems items = new TieredItems(2048, 2048)) {
      List<Integer> all = add(items, 1600, 0);
      for (int call = 0; call < 3; call++) {
        assertEquals(1, items.mover.demote(items.zone(0), 1));
        int window = call;
        long left =
            all.stream()
                .filter(item -> items.nodeOf(item) == 0)
                .filter(item -> (items.places.get(item) - TieredItems.START) / 512 == window)
                .count();
        long others =
            all.stream()
                .filter(item -> items.nodeOf(item) == 0)
                .filter(item -> (items.places.get(item) - TieredItems.START) / 512 > window)
                .count();
        assertEquals(511, left, "call " + call);
        assertEquals(1600 - 512 * (call + 1L), others, "call " + call);
      }
    }
  }

  @Test
  void whatAnotherThreadSampledIsUsedMeanwhile() {
    try (TieredItems items = new TieredItems(2048, 2048)) {
      long words = items.reserve(TierMover.byteSize(2));
      TierMover mover = mover(items, words);
      List<Integer> warm = add(items, 300, 30);
      List<Integer> cold = add(items, 100, 3);
      assertEquals(10, mover.demote(items.zone(0), 10));
      Memory.putLong(words + TierMover.LOCK, 1);
      List<Integer> colder = add(items, 20, 2);
      assertEquals(110, mover.demote(items.zone(0), 110));
      assertEquals(100, moved(items, cold));
      assertEquals(20, moved(items, colder));
      assertEquals(0, moved(items, warm));
      assertEquals(1, Memory.getLong(words + TierMover.LOCK), "the other thread's");
    }
  }

  @Test
  void itStaysWithinItsMemory() {
    assertEquals(0, TierMover.byteSize(1) % 64);
    assertTrue(TierMover.byteSize(1) >= (FrameHeat.MAX_HEAT + 1L) * Long.BYTES);
    long byteSize = TierMover.byteSize(3);
    assertEquals(3 * TierMover.byteSize(1), byteSize);
    try (TieredItems items = new TieredItems(2048, 2048, 2048)) {
      long words = items.reserve(3 * byteSize) + byteSize;
      TierMover mover = mover(items, words);
      for (int node = 0; node < 2; node++) {
        for (int i = 0; i < 20; i++) {
          items.setHeat(items.add(node, 0), 5);
        }
      }
      assertEquals(7, mover.demote(items.zone(1), 7));
      assertEquals(8, mover.demote(items.zone(0), 8));
      assertEquals(7, mover.demotedFrames(items.zone(1)));
      assertEquals(8, mover.demotedFrames(items.zone(0)));
      for (long at = 0; at < byteSize; at += Long.BYTES) {
        assertEquals(0, Memory.getLong(words - byteSize + at));
        assertEquals(0, Memory.getLong(words + byteSize + at));
      }
    }
  }

  // ---- Lengths and room ----

  @Test
  void aBlockThatIsLongerThanWhatIsMissingStays() {
    try (TieredItems items = new TieredItems(2048, 2048)) {
      for (int i = 0; i < 4; i++) {
        items.setHeat(items.add(0, 3, 0), 0);
      }
      assertEquals(3, items.mover.demote(items.zone(0), 5));
      assertEquals(3, items.mover.demotedFrames(items.zone(0)));
    }
  }

  @Test
  void aBlockThatIsLongerThanAnAreaStays() {
    try (TieredItems items = new TieredItems(4096, 8192)) {
      int item = items.add(0, 1024, 0);
      items.setHeat(item, 0);
      assertEquals(0, items.mover.demote(items.zone(0), 2048));
      assertEquals(0, items.nodeOf(item));
      assertEquals(0, items.mover.failedMoves(items.zone(0)));
    }
  }

  @Test
  void roomThatIsJustEnoughWakesNobody() {
    try (TieredItems items = new TieredItems(2048, 2048, 2048)) {
      add(items, 100, 0);
      items.fill(1, items.zone(1).lowFrames() + 30, 40);
      assertEquals(30, items.mover.demote(items.zone(0), 30));
      assertEquals(30, items.mover.demotedFrames(items.zone(0)));
      assertTrue(!items.reclaim.isWoken(items.zone(1)));
      assertEquals(10, items.mover.demote(items.zone(0), 10), "to the node behind it");
      assertTrue(items.reclaim.isWoken(items.zone(1)));
    }
  }

  @Test
  void roomInPiecesIsNoRoomForALongBlock() {
    try (TieredItems items = new TieredItems(4096, 4096)) {
      long room = items.mover.room(0, true);
      long[] singles = new long[4096];
      int count = 0;
      int flags = AllocationFlags.EXACT_NODE | AllocationFlags.NOWAIT | AllocationFlags.EMERGENCY;
      for (long pfn = 0; pfn >= 0 && count < 4096; count++) {
        pfn = items.frames.tryAllocateNear(0, 1, flags);
        singles[count] = pfn;
      }
      for (int i = 0; i < count; i++) {
        if (singles[i] >= 0 && singles[i] % 2 == 0) {
          items.frames.free(singles[i], 0);
        }
      }
      assertTrue(items.mover.room(0, true) > room / 4);
      int item = items.add(1, 16, 0);
      assertEquals(TierMover.NO_ROOM, items.mover.promote(items.places.get(item)));
      assertEquals(1, items.nodeOf(item));
      assertEquals(0, items.mover.promotedFrames(items.zone(1)));
      assertEquals(0, items.mover.failedMoves(items.zone(1)));
    }
  }
}
