package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Pages are found where they were put, and the bits of an entry do not touch each other.
class PageIndexTest {
  private final ZeroedWords memory = new ZeroedWords();

  @AfterEach
  void close() {
    memory.close();
  }

  private PageIndex open(int capacity) {
    return new PageIndex(memory.reserve(PageIndex.byteSize(capacity)), capacity);
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
  void theHandGoesRound() {
    PageIndex index = open(3);
    assertEquals(3, index.capacity());
    for (int i = 0; i < 10; i++) {
      assertEquals(i % 3, index.underHand());
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
}
