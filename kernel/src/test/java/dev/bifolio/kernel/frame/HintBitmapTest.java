package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/// The hints lead to the first item of the first bin, as a sorted set would.
class HintBitmapTest extends HybridParts {
  /// More than 64 to the third, so that the top has more than one word.
  private static final long ITEMS = 3 * 262_144 + 77;

  private static final long NONE = -1;

  private HintBitmap bitmap(int kinds, int bins, long items) {
    HintBitmap bitmap = new HintBitmap(kinds, bins);
    bitmap.attach(zeros(HintBitmap.metadataBytes(kinds, bins, items)), items, zeros(64));
    return bitmap;
  }

  /// What is true of the items, and a searcher that mends hints as the allocator does.
  private static final class Truth {
    private final HintBitmap bitmap;
    private final Map<Long, Integer> kindOf = new HashMap<>();
    private final Map<Long, Integer> binOf = new HashMap<>();
    private final Map<Integer, SortedSet<Long>> places = new HashMap<>();

    Truth(HintBitmap bitmap) {
      this.bitmap = bitmap;
    }

    private SortedSet<Long> place(int kind, int bin) {
      return places.computeIfAbsent(kind << 8 | bin, k -> new TreeSet<>());
    }

    void put(int kind, int bin, long item) {
      remove(item);
      kindOf.put(item, kind);
      binOf.put(item, bin);
      place(kind, bin).add(item);
      bitmap.set(kind, bin, item);
    }

    /// The item is in no bin now; its hints stay.
    void remove(long item) {
      Integer bin = binOf.remove(item);
      Integer kind = kindOf.remove(item);
      if (bin != null && kind != null) {
        place(kind, bin).remove(item);
      }
    }

    long search(int kind, int firstBin) {
      while (true) {
        long found = bitmap.find(kind, firstBin);
        if (found == NONE) {
          return NONE;
        }
        long item = HintBitmap.itemOf(found);
        Integer itsKind = kindOf.get(item);
        Integer itsBin = binOf.get(item);
        if (itsKind != null && itsKind == kind && itsBin == HintBitmap.binOf(found)) {
          return found;
        }
        if (itsKind != null && itsKind != kind) {
          bitmap.clearKind(kind, item);
        } else {
          bitmap.clear(HintBitmap.binOf(found), item);
        }
        if (itsKind != null) {
          bitmap.set(itsKind, itsBin, item);
        }
      }
    }

    void assertFinds(int kind, int firstBin, int bins) {
      long found = search(kind, firstBin);
      for (int bin = firstBin; bin < bins; bin++) {
        if (!place(kind, bin).isEmpty()) {
          assertEquals(bin, HintBitmap.binOf(found));
          assertEquals(place(kind, bin).first(), HintBitmap.itemOf(found));
          return;
        }
      }
      assertEquals(NONE, found);
    }
  }

  private static void storm(HintBitmap bitmap, int kinds, int bins, long items, long seed) {
    SplitMix64 random = new SplitMix64(seed);
    Truth truth = new Truth(bitmap);
    for (int turn = 0; turn < 30_000; turn++) {
      // Items that lie close together, far apart, and at the ends.
      long item =
          switch (random.below(4)) {
            case 0 -> random.below(Math.min(items, 200));
            case 1 -> items - 1 - random.below(Math.min(items, 200));
            default -> random.below(items);
          };
      switch (random.below(3)) {
        case 0 -> truth.put(random.below(kinds), random.below(bins), item);
        case 1 -> {
          long found = truth.search(random.below(kinds), random.below(bins));
          truth.remove(found == NONE ? item : HintBitmap.itemOf(found));
        }
        default -> truth.assertFinds(random.below(kinds), random.below(bins), bins);
      }
    }
    for (int kind = 0; kind < kinds; kind++) {
      for (long found = truth.search(kind, 0); found != NONE; found = truth.search(kind, 0)) {
        truth.assertFinds(kind, 0, bins);
        truth.remove(HintBitmap.itemOf(found));
      }
    }
    assertTrue(truth.binOf.isEmpty(), "items that no hint leads to: " + truth.binOf);
  }

  @Test
  void itemsOfOneKindAreFoundAsInASortedSet() {
    storm(bitmap(1, 6, ITEMS), 1, 6, ITEMS, 1);
  }

  @Test
  void itemsOfSixKindsAreFoundAsInSortedSets() {
    storm(bitmap(6, 36, ITEMS), 6, 36, ITEMS, 2);
  }

  @Test
  void aFewItemsAreFoundAsInASortedSet() {
    for (int items : new int[] {1, 2, 63, 64, 65, 4096, 4097}) {
      storm(bitmap(2, 3, items), 2, 3, items, items);
    }
  }

  @Test
  void theFirstAndTheLastItemOfEveryWordAreTold() {
    HintBitmap bitmap = bitmap(1, 1, ITEMS);
    for (long item = 0; item < ITEMS; item += item % 64 == 0 ? 63 : 64 * 101 + 1) {
      bitmap.set(0, 0, item);
      assertEquals(item, HintBitmap.itemOf(bitmap.find(0, 0)));
      bitmap.clear(0, item);
      assertEquals(NONE, bitmap.find(0, 0));
    }
  }

  @Test
  void whatWasClearedOnEveryLevelIsSetOnEveryLevelAgain() {
    HintBitmap bitmap = bitmap(1, 2, ITEMS);
    long last = ITEMS - 1;
    for (int turn = 0; turn < 3; turn++) {
      bitmap.set(0, 1, last);
      bitmap.set(0, 1, 5);
      assertEquals(5, HintBitmap.itemOf(bitmap.find(0, 0)));
      assertEquals(1, HintBitmap.binOf(bitmap.find(0, 0)));
      bitmap.clear(1, 5);
      assertEquals(last, HintBitmap.itemOf(bitmap.find(0, 1)));
      bitmap.clear(1, last);
      assertEquals(NONE, bitmap.find(0, 0));
      assertEquals(NONE, bitmap.find(0, 1));
    }
  }

  @Test
  void aSearchThatFindsNothingLeavesNoBitBehind() {
    long bytes = HintBitmap.metadataBytes(1, 6, ITEMS);
    long address = zeros(bytes);
    HintBitmap bitmap = new HintBitmap(1, 6);
    bitmap.attach(address, ITEMS, zeros(64));
    assertTrue(areZeros(address, bytes), "attaching writes nothing");
    SplitMix64 random = new SplitMix64(5);
    long[] items = new long[500];
    for (int i = 0; i < items.length; i++) {
      items[i] = random.below(ITEMS);
      bitmap.set(0, i % 6, items[i]);
    }
    for (int i = 0; i < items.length; i++) {
      bitmap.clear(i % 6, items[i]);
    }
    assertEquals(NONE, bitmap.find(0, 0));
    assertTrue(areZeros(address, bytes + GUARD_BYTES));
  }

  @Test
  void theBitsStayInsideTheirMetadata() {
    for (int kinds : new int[] {1, 6}) {
      for (long items : new long[] {1, 64, 65, 4096, 4097, 262_144, 262_145, ITEMS}) {
        long bytes = HintBitmap.metadataBytes(kinds, 36, items);
        assertEquals(0, bytes % 64);
        long address = zeros(bytes);
        HintBitmap bitmap = new HintBitmap(kinds, 36);
        bitmap.attach(address, items, zeros(64));
        bitmap.set(kinds - 1, 35, items - 1);
        assertTrue(areZeros(address + bytes, GUARD_BYTES));
        assertEquals(items - 1, HintBitmap.itemOf(bitmap.find(kinds - 1, 0)));
        assertEquals(35, HintBitmap.binOf(bitmap.find(kinds - 1, 0)));
      }
    }
  }

  @Test
  void aBitOfOneBinNeverShowsInAnother() {
    HintBitmap bitmap = bitmap(6, 36, 5000);
    for (int kind = 0; kind < 6; kind++) {
      for (int bin = 0; bin < 36; bin++) {
        bitmap.set(kind, bin, 4999);
        for (int other = 0; other < 6; other++) {
          long found = bitmap.find(other, 0);
          assertEquals(other == kind ? bin : NONE, found == NONE ? NONE : HintBitmap.binOf(found));
          assertEquals(NONE, bin == 35 ? NONE : bitmap.find(other, bin + 1));
        }
        bitmap.clear(bin, 4999);
        bitmap.clearKind(kind, 4999);
        assertEquals(NONE, bitmap.find(kind, 0));
      }
    }
  }

  @Test
  void theHintsToAnItemAreSetOnEveryLevelOrItIsNotFound() {
    for (int kinds : new int[] {1, 6}) {
      HintBitmap bitmap = bitmap(kinds, 36, ITEMS);
      long item = ITEMS - 2;
      int kind = kinds - 1;
      bitmap.set(kind, 33, item);
      List<Long> words =
          new ArrayList<>(
              List.of(
                  bitmap.binLeaf(33, item >>> 6),
                  bitmap.mid(kind, 33, item >>> 12),
                  bitmap.top(kind, 33, item >>> 18),
                  bitmap.summary(kind)));
      if (kinds > 1) {
        words.add(bitmap.kindLeaf(kind, item >>> 6));
      }
      assertTrue(bitmap.leadsTo(kind, 33, item));
      assertFalse(bitmap.leadsTo(kind, 32, item));
      assertFalse(bitmap.leadsTo(kind, 33, item - 1));
      for (long word : words) {
        long value = Memory.getLong(word);
        assertEquals(1, Long.bitCount(value));
        Memory.putLong(word, ~value);
        assertFalse(bitmap.leadsTo(kind, 33, item));
        Memory.putLong(word, value);
      }
      assertTrue(bitmap.leadsTo(kind, 33, item));
    }
  }

  @Test
  void aBitBehindTheLastItemWordOrBinIsAStray() {
    for (int kinds : new int[] {1, 6}) {
      HintBitmap bitmap = bitmap(kinds, 36, ITEMS);
      assertFalse(bitmap.hasStrays());
      bitmap.set(kinds - 1, 35, ITEMS - 1);
      assertFalse(bitmap.hasStrays());
      long last = ITEMS - 1;
      assertStray(bitmap, bitmap.binLeaf(35, last >>> 6), ITEMS);
      assertStray(bitmap, bitmap.mid(kinds - 1, 35, last >>> 12), (last >>> 6) + 1);
      assertStray(bitmap, bitmap.top(kinds - 1, 35, last >>> 18), (last >>> 12) + 1);
      assertStray(bitmap, bitmap.summary(kinds - 1), 36);
      if (kinds > 1) {
        assertStray(bitmap, bitmap.kindLeaf(kinds - 1, last >>> 6), ITEMS);
      }
    }
    HintBitmap even = bitmap(1, 6, 1 << 18);
    even.set(0, 5, (1 << 18) - 1);
    assertFalse(even.hasStrays());
  }

  private static void assertStray(HintBitmap bitmap, long address, long index) {
    assertNotEquals(0, index & 63);
    long value = Memory.getLong(address);
    Memory.putLong(address, value | 1L << index);
    assertTrue(bitmap.hasStrays());
    Memory.putLong(address, value | 1L << (index - 1));
    assertFalse(bitmap.hasStrays());
    Memory.putLong(address, value);
  }

  @Test
  void thereIsOneLeafBitAnItemAndBinAndLittleMore() {
    long bits = HintBitmap.metadataBytes(1, 6, 1 << 20) * 8;
    assertTrue(bits >= 6L << 20 && bits < (6L << 20) * 66 / 64, "bits: " + bits);
    long many = HintBitmap.metadataBytes(6, 36, 1 << 20) * 8;
    assertTrue(many >= 42L << 20 && many < (42L << 20) + (216L << 20) * 66 / 64 / 64);
  }
}
