package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.ZeroedWindows;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.testkit.SplitMix64;
import java.util.BitSet;
import org.junit.jupiter.api.Test;

class HotRangesTest {
  private static final int CAPACITY = 6;
  private static final int FRAMES = 48;

  private static String text(HotRanges ranges) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < ranges.count(); i++) {
      text.append(ranges.startPfn(i)).append('-').append(ranges.endPfn(i)).append(' ');
    }
    return text.toString();
  }

  private static String text(BitSet model) {
    StringBuilder text = new StringBuilder();
    for (int i = model.nextSetBit(0); i >= 0; ) {
      int end = model.nextClearBit(i);
      text.append(i).append('-').append(end).append(' ');
      i = model.nextSetBit(end);
    }
    return text.toString();
  }

  private static int rangeCount(BitSet model) {
    int count = 0;
    for (int i = model.nextSetBit(0); i >= 0; i = model.nextSetBit(model.nextClearBit(i))) {
      count++;
    }
    return count;
  }

  @Test
  void rangesThatTouchBecomeOne() {
    try (ZeroedWindows words = new ZeroedWindows()) {
      HotRanges ranges = new HotRanges(words.reserve(4096), CAPACITY);
      assertEquals(-1, ranges.rangeWith(1, 2));
      assertFalse(ranges.intersects(0, 100));
      assertTrue(ranges.add(10, 20));
      assertTrue(ranges.add(30, 40));
      assertEquals("10-20 30-40 ", text(ranges));
      assertTrue(ranges.add(20, 30));
      assertEquals("10-40 ", text(ranges));
      assertTrue(ranges.add(40, 50));
      assertTrue(ranges.add(0, 10));
      assertEquals("0-50 ", text(ranges));
      assertTrue(ranges.remove(10, 20));
      assertEquals("0-10 20-50 ", text(ranges));
    }
  }

  @Test
  void itStaysWithinItsMemory() {
    try (ZeroedWindows words = new ZeroedWindows()) {
      long address = words.reserve(4096);
      HotRanges ranges = new HotRanges(address, CAPACITY);
      for (int i = 0; i < CAPACITY; i++) {
        assertTrue(ranges.hasRoom());
        assertTrue(ranges.add(10L * i, 10L * i + 6));
      }
      assertFalse(ranges.hasRoom());
      String before = text(ranges);
      assertFalse(ranges.add(7, 8));
      assertFalse(ranges.add(100, 101));
      assertFalse(ranges.remove(2, 3));
      assertEquals(before, text(ranges));
      assertEquals(8 + 16 * CAPACITY, HotRanges.byteSize(CAPACITY));
      assertEquals(0, Memory.getLong(address + HotRanges.byteSize(CAPACITY)));
      assertTrue(ranges.add(6, 10));
      assertTrue(ranges.remove(2, 3));
      assertEquals("0-2 3-16 20-26 30-36 40-46 50-56 ", text(ranges));
    }
  }

  /// Against a set of bits, with all questions after each change.
  @Test
  void itIsASet() {
    SplitMix64 random = new SplitMix64(11);
    try (ZeroedWindows words = new ZeroedWindows()) {
      for (int run = 0; run < 40; run++) {
        HotRanges ranges = new HotRanges(words.reserve(4096), CAPACITY);
        BitSet model = new BitSet();
        for (int step = 0; step < 60; step++) {
          int start = random.below(FRAMES);
          int end = start + 1 + random.below(8);
          change(ranges, model, start, end);
          assertEquals(text(model), text(ranges));
          assertQuestions(ranges, model, random);
        }
      }
    }
  }

  private static void change(HotRanges ranges, BitSet model, int start, int end) {
    int there = model.get(start, end).cardinality();
    BitSet next = (BitSet) model.clone();
    next.flip(start, end);
    boolean fits = rangeCount(next) <= CAPACITY;
    if (there == 0) {
      assertEquals(fits, ranges.add(start, end));
    } else if (there == end - start) {
      assertEquals(fits, ranges.remove(start, end));
    } else {
      return;
    }
    if (fits) {
      model.flip(start, end);
    }
  }

  private static void assertQuestions(HotRanges ranges, BitSet model, SplitMix64 random) {
    int start = random.below(FRAMES);
    int end = start + 1 + random.below(6);
    int there = model.get(start, end).cardinality();
    assertEquals(there > 0, ranges.intersects(start, end));
    int with = ranges.rangeWith(start, end);
    assertEquals(there == end - start, with >= 0);
    if (with >= 0) {
      assertTrue(ranges.startPfn(with) <= start && ranges.endPfn(with) >= end);
    }
    assertEquals(rangeCount(model) < CAPACITY, ranges.hasRoom());
  }
}
