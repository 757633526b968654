package dev.bifolio.testkit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class SplitMix64Test {
  @Test
  void givesTheNumbersOfThePublishedGenerator() {
    // The JDK has the same algorithm, so its numbers are an independent reference.
    for (long seed : new long[] {0, 1, -1, 0x123456789ABCDEFL}) {
      SplitMix64 ours = new SplitMix64(seed);
      SplittableRandom theirs = new SplittableRandom(seed);
      for (int i = 0; i < 1_000; i++) {
        assertEquals(theirs.nextLong(), ours.next());
      }
    }
  }

  @Test
  void numbersStayBelowTheirBoundAndReachAllOfIt() {
    SplitMix64 random = new SplitMix64(3);
    boolean[] seen = new boolean[7];
    for (int i = 0; i < 1_000; i++) {
      seen[random.below(7)] = true;
    }
    assertArrayEquals(new boolean[] {true, true, true, true, true, true, true}, seen);
    for (int i = 0; i < 1_000; i++) {
      long below = random.below(Long.MAX_VALUE);
      assertTrue(below >= 0 && below < Long.MAX_VALUE);
      long between = random.between(-2, 2);
      assertTrue(between >= -2 && between <= 2);
    }
  }

  @Test
  void aRangeReachesBothItsEnds() {
    SplitMix64 random = new SplitMix64(4);
    boolean first = false;
    boolean last = false;
    for (int i = 0; i < 200; i++) {
      long number = random.between(10, 12);
      first |= number == 10;
      last |= number == 12;
    }
    assertTrue(first && last);
  }

  @Test
  void shufflingKeepsTheItemsAndChangesTheirOrder() {
    long[] items = new long[100];
    for (int i = 0; i < items.length; i++) {
      items[i] = i;
    }
    long[] before = items.clone();
    new SplitMix64(5).shuffle(items);
    assertNotEquals(java.util.Arrays.toString(before), java.util.Arrays.toString(items));
    java.util.Arrays.sort(items);
    assertArrayEquals(before, items);
  }

  @Test
  void oneInTenIsTrueAboutATenthOfTheTime() {
    SplitMix64 random = new SplitMix64(6);
    int hits = 0;
    for (int i = 0; i < 10_000; i++) {
      hits += random.oneIn(10) ? 1 : 0;
    }
    assertTrue(hits > 850 && hits < 1_150, "hits " + hits);
  }
}
