package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.zone.AccountTree;
import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Owners pin and use their items while others demote, promote and balance: each item keeps its
/// content and its charge.
@Tag("slow")
class TierStormTest {
  private static final int ITEMS = 3000;
  private static final int USERS = 2;
  private static final int USES = 60_000;

  @Test
  void itemsKeepTheirContentsAndChargesInAStormOfMoves() throws Exception {
    try (TieredItems items = new TieredItems(2048, 2048, 4096)) {
      int account = items.accounts.open(AccountTree.ROOT, AccountTree.NO_LIMIT, 0);
      for (int i = 0; i < ITEMS; i++) {
        int node = items.zone(0).availableFrames() > items.zone(0).highFrames() ? 0 : 1;
        assertEquals(i, items.add(node, AllocationFlags.charge(account)));
      }
      items.answer = item -> item % 97 != 0;
      AtomicBoolean done = new AtomicBoolean();
      try (ExecutorService pool = Executors.newFixedThreadPool(USERS + 3)) {
        List<Future<?>> users = new ArrayList<>();
        List<Future<?>> movers = new ArrayList<>();
        for (int user = 0; user < USERS; user++) {
          long seed = user;
          users.add(pool.submit(() -> use(items, seed)));
        }
        for (int mover = 0; mover < 2; mover++) {
          long seed = 100L + mover;
          movers.add(pool.submit(() -> move(items, seed, done)));
        }
        movers.add(pool.submit(() -> step(items, done)));
        try {
          for (Future<?> user : users) {
            user.get();
          }
        } finally {
          done.set(true);
        }
        for (Future<?> mover : movers) {
          mover.get();
        }
      }
      assertTrue(items.reclaim.migration().movedFrames() > 1000);
      assertEquals(0, items.reclaim.migration().mismatches());
      assertEquals(0, items.reclaim.migration().problems());
      assertEquals(ITEMS, items.accounts.usage(account));
      items.assertAllThere(1, 0);
      for (int item = 0; item < ITEMS; item++) {
        long pfn = items.places.get(item);
        assertTrue(items.movable.disown(pfn, items.me, item));
        items.frames.free(pfn, 0);
      }
      assertEquals(0, items.accounts.usage(account));
      assertEquals(0, items.frames.zones().statistics().usedFrames());
    }
  }

  private static void use(TieredItems items, long seed) {
    SplitMix64 random = new SplitMix64(seed);
    for (int i = 0; i < USES; i++) {
      int item = Math.min(random.below(ITEMS), random.below(ITEMS));
      long pfn = items.places.get(item);
      while (!items.movable.pin(pfn, items.me, item)) {
        pfn = items.places.get(item);
      }
      items.heat.touch(pfn);
      items.assertContent(item, pfn, 1);
      items.movable.unpin(pfn, items.me, item);
    }
  }

  private static void move(TieredItems items, long seed, AtomicBoolean done) {
    SplitMix64 random = new SplitMix64(seed);
    while (!done.get()) {
      long _ = items.mover.demote(items.zone(random.below(2)), 1 + random.below(40));
      long result = items.mover.promote(items.places.get(random.below(ITEMS)));
      assertTrue(result >= TierMover.REFUSED, "an unknown answer " + result);
    }
  }

  private static void step(TieredItems items, AtomicBoolean done) {
    while (!done.get()) {
      boolean _ = items.reclaim.step(200);
    }
  }
}
