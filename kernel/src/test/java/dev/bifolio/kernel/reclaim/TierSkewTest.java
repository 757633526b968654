package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.zone.Zone;
import dev.bifolio.testkit.SplitMix64;
import java.util.Arrays;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// What is used most ends up in fast memory: 64 MiB near, 256 MiB far, 128 MiB of items whose use
/// is skewed (Zipf, exponent 1), laid out at first without regard to their use.
@Tag("slow")
class TierSkewTest {
  private static final int NEAR = 16_384;
  private static final int FAR = 65_536;
  private static final int ITEMS = 2 * NEAR;
  private static final int ACCESSES_PER_STEP = 20_000;
  private static final long BUDGET = 2048;

  /// Items by how often they are used, and the use.
  private static final class Use {
    private final SplitMix64 random = new SplitMix64(20_26);
    private final double[] cumulative = new double[ITEMS];
    private final int[] itemOfRank = new int[ITEMS];

    Use() {
      double sum = 0;
      for (int rank = 0; rank < ITEMS; rank++) {
        sum += 1.0 / (rank + 1);
        cumulative[rank] = sum;
        itemOfRank[rank] = rank;
      }
      for (int rank = 0; rank < ITEMS; rank++) {
        cumulative[rank] /= sum;
      }
      shuffle();
    }

    void shuffle() {
      for (int i = ITEMS - 1; i > 0; i--) {
        int j = random.below(i + 1);
        int swapped = itemOfRank[i];
        itemOfRank[i] = itemOfRank[j];
        itemOfRank[j] = swapped;
      }
    }

    int next() {
      double value = (random.next() >>> 11) * 0x1.0p-53;
      int at = Arrays.binarySearch(cumulative, value);
      return itemOfRank[Math.min(ITEMS - 1, at < 0 ? -1 - at : at)];
    }

    /// The share of the accesses that the most used items have.
    double shareOf(long items) {
      return cumulative[(int) items - 1];
    }
  }

  private static double nearShare(TieredItems items, Use use, int steps, boolean moves) {
    long near = 0;
    for (int step = 0; step < steps; step++) {
      for (int access = 0; access < ACCESSES_PER_STEP; access++) {
        long pfn = items.places.get(use.next());
        near += pfn < TieredItems.START + NEAR ? 1 : 0;
        items.heat.touch(pfn);
      }
      if (moves) {
        items.reclaim.step(BUDGET);
      }
    }
    return (double) near / steps / ACCESSES_PER_STEP;
  }

  private static void layOut(TieredItems items) {
    for (int item = 0; item < ITEMS; item++) {
      boolean fits = items.zone(0).availableFrames() > items.zone(0).highFrames();
      assertEquals(item, items.add(fits ? 0 : 1, 0));
    }
  }

  @Test
  void nineOfTenAccessesAreNearAfterwards() {
    try (TieredItems items = new TieredItems(NEAR, FAR)) {
      Use use = new Use();
      layOut(items);
      double before = nearShare(items, use, 20, false);
      assertTrue(before < 0.7, "before, " + before);
      nearShare(items, use, 400, true);
      double after = nearShare(items, use, 100, true);
      Zone near = items.zone(0);
      double best = use.shareOf(near.managedFrames() - near.lowFrames());
      String what = "near " + after + ", the best that is possible " + best;
      assertTrue(after >= 0.9, what);
      assertTrue(after <= best + 0.01, what);
      assertTrue(near.availableFrames() >= near.minFrames());
      items.assertAllThere(1, 0);

      use.shuffle();
      double shock = nearShare(items, use, 5, true);
      nearShare(items, use, 600, true);
      double again = nearShare(items, use, 100, true);
      assertTrue(shock < 0.8 && again >= 0.9, "after a change " + shock + ", later " + again);
      items.assertAllThere(1, 0);
    }
  }
}
