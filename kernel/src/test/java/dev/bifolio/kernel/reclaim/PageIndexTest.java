package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.ZeroedWindows;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Pages are found where they were put, and the bits of an entry do not touch each other.
class PageIndexTest {
  private final ZeroedWindows memory = new ZeroedWindows();
  private long address;

  @AfterEach
  void close() {
    memory.close();
  }

  private PageIndex open(int capacity) {
    return open(capacity, 0);
  }

  private PageIndex open(int capacity, long seed) {
    address = memory.reserve(PageIndex.byteSize(capacity));
    return new PageIndex(address, capacity, seed);
  }

  /// The longest unbroken row of places in the table of the last index that was opened: no page is
  /// looked for longer than that.
  private int longestRow(int capacity) {
    int places = Integer.highestOneBit(capacity) << 2;
    long table = address + 64 + capacity * 24L;
    int longest = 0;
    int row = 0;
    for (int place = 0; place < 2 * places; place++) {
      row = Memory.getInt(table + (place & (places - 1)) * 4L) == 0 ? 0 : row + 1;
      longest = Math.max(longest, row);
    }
    return longest;
  }

  @Test
  void theMemoryHasRoomForTwiceAsManyPlacesAsEntries() {
    assertEquals(64 + 24 + 4 * 4, PageIndex.byteSize(1));
    assertEquals(64 + 7 * 24 + 16 * 4, PageIndex.byteSize(7));
    assertEquals(64 + 8 * 24 + 32 * 4, PageIndex.byteSize(8));
  }

  @Test
  void bitsOfAnEntryAreIndependent() {
    PageIndex index = open(3);
    assertEquals(-1, index.find(-7, 1L << 60));
    assertEquals(0, index.insert(-7, 1L << 60, 99));
    assertEquals(0, index.find(-7, 1L << 60));
    assertEquals(PageIndex.READING, index.state(0));
    assertEquals(1, index.pins(0));
    assertEquals(1, index.heldCount());
    for (int state : new int[] {PageIndex.READY, PageIndex.WRITING, PageIndex.READY}) {
      index.setState(0, state);
      index.setDirty(0, true);
      index.setReferenced(0, true);
      index.pin(0);
      assertTrue(index.isDirty(0) && index.isReferenced(0));
      assertEquals(state, index.state(0));
      index.setDirty(0, false);
      assertTrue(!index.isDirty(0) && index.isReferenced(0));
      index.setDirty(0, true);
      index.setReferenced(0, false);
      assertTrue(index.isDirty(0) && !index.isReferenced(0));
      assertEquals(2, index.pins(0));
      index.unpin(0);
      assertEquals(1, index.heldCount());
      assertEquals(-7, index.file(0));
      assertEquals(1L << 60, index.page(0));
      assertEquals(99, index.frame(0));
    }
    index.unpin(0);
    assertEquals(0, index.heldCount());
    index.setFrame(0, 1L << 50);
    assertEquals(1L << 50, index.frame(0));
    index.pin(0);
    index.remove(0);
    assertEquals(0, index.heldCount());
    assertEquals(0, index.pageCount());
    assertEquals(PageIndex.FREE, index.state(0));
    assertEquals(-1, index.find(-7, 1L << 60));
  }

  @Test
  void theHandGoesRoundOverTheEntriesThatWereEverUsed() {
    PageIndex index = open(1000);
    assertEquals(1000, index.capacity());
    assertEquals(0, index.entryCount());
    for (int page = 0; page < 3; page++) {
      assertEquals(page, index.insert(1, page, page));
      assertEquals(page + 1, index.entryCount());
    }
    for (int i = 0; i < 10; i++) {
      assertEquals(i % 3, index.underHand());
    }
    index.remove(1);
    assertEquals(3, index.entryCount());
    assertEquals(1, index.underHand());
    assertEquals(1, index.insert(1, 9, 9), "a used entry before a new one");
    assertEquals(3, index.entryCount());
    assertEquals(3, index.insert(1, 10, 10));
    for (int i = 2; i < 10; i++) {
      assertEquals(i % 4, index.underHand());
    }
  }

  @Test
  void pagesAreFoundThroughAllInsertionsAndRemovals() {
    for (int capacity : new int[] {1, 2, 7, 8, 64, 300}) {
      PageIndex index = open(capacity);
      SplitMix64 random = new SplitMix64(capacity);
      Map<Long, Integer> model = new HashMap<>();
      for (int i = 0; i < 30_000; i++) {
        long page = random.below(2 * capacity + 1);
        int file = (int) (page % 3);
        Integer there = model.get(page);
        assertEquals(there == null ? -1 : there, index.find(file, page));
        if (there != null) {
          index.remove(there);
          model.remove(page);
        } else {
          int entry = index.insert(file, page, page + 1000);
          assertEquals(model.size() < capacity, entry >= 0);
          if (entry >= 0) {
            assertFalse(model.containsValue(entry));
            model.put(page, entry);
          }
        }
        assertEquals(model.size(), index.pageCount());
        assertEquals(model.size(), index.heldCount());
        if (i % 100 == 0) {
          List<Long> pages = new ArrayList<>(model.keySet());
          for (long each : pages) {
            int entry = index.find((int) (each % 3), each);
            assertEquals(model.get(each), entry);
            assertEquals(each + 1000, index.frame(entry));
          }
        }
      }
    }
  }

  @Test
  void pagesThatUndoAProductDoNotFallIntoOneRow() {
    int capacity = 4096;
    for (long multiplier : new long[] {0x9E37_79B9_7F4A_7C15L, 0xC2B2_AE3D_27D4_EB4FL}) {
      long inverse = multiplier;
      for (int i = 0; i < 6; i++) {
        inverse *= 2 - multiplier * inverse;
      }
      assertEquals(1, multiplier * inverse);
      for (int shift = 0; shift < 64; shift += 8) {
        PageIndex index = open(capacity);
        for (long k = 0; k < capacity; k++) {
          index.insert(0, (k * inverse) << shift, k);
        }
        int longest = longestRow(capacity);
        assertTrue(longest < 100, longest + " pages in a row, shift " + shift);
      }
    }
  }

  @Test
  void filesThatCancelAgainstPagesDoNotFallIntoOneRow() {
    int capacity = 4096;
    PageIndex index = open(capacity);
    for (int file = 0; file < capacity; file++) {
      index.insert(file, -file * 0xC2B2_AE3D_27D4_EB4FL, file);
    }
    assertTrue(longestRow(capacity) < 100, longestRow(capacity) + " pages in a row");
  }

  @Test
  void theFirstPagesOfManyFilesAreScattered() {
    int capacity = 4096;
    PageIndex index = open(capacity);
    for (int file = 0; file < capacity; file++) {
      index.insert(file, 0, file);
    }
    assertTrue(longestRow(capacity) < 100, longestRow(capacity) + " pages in a row");
  }

  @Test
  void pagesInOrderAreScattered() {
    int capacity = 4096;
    for (int shift : new int[] {0, 9, 32, 50}) {
      PageIndex index = open(capacity);
      for (long page = 0; page < capacity; page++) {
        index.insert(7, page << shift, page);
      }
      assertTrue(longestRow(capacity) < 100, longestRow(capacity) + " in a row, shift " + shift);
    }
  }

  @Test
  void pagesThatWereChosenForOneSeedAreScatteredByAnother() {
    int capacity = 512;
    PageIndex known = open(capacity, 1234);
    List<Long> chosen = new ArrayList<>();
    for (long page = 0; chosen.size() < 400; page++) {
      if (known.home(3, page) < 8) {
        chosen.add(page);
      }
    }
    chosen.forEach(page -> known.insert(3, page, page));
    assertTrue(longestRow(capacity) >= 400, "the pages were not chosen well");
    PageIndex other = open(capacity, 1235);
    chosen.forEach(page -> other.insert(3, page, page));
    assertTrue(longestRow(capacity) < 100, longestRow(capacity) + " pages in a row");
    for (int i = 0; i < 400; i++) {
      assertEquals(i, other.find(3, chosen.get(i)));
    }
  }

  @Test
  void cachesOfAnotherNodeOrCapacityHaveAnotherSeed() {
    Set<Long> seeds = new HashSet<>();
    for (int capacity : new int[] {1, 2, 1 << 16, 1 << 28}) {
      for (int nid = -1; nid < 8; nid++) {
        assertEquals(PageIndex.defaultSeed(capacity, nid), PageIndex.defaultSeed(capacity, nid));
        assertTrue(seeds.add(PageIndex.defaultSeed(capacity, nid) & 0xFFFF));
      }
    }
  }
}
