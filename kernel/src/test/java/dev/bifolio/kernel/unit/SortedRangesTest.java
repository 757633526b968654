package dev.bifolio.kernel.unit;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class SortedRangesTest {
  private static final long[] STARTS = {10, 20, 25, 40, 99};
  private static final long[] ENDS = {20, 22, 30, 41, 100};

  @Test
  void everyNumberIsFoundWhereItLies() {
    for (int count = 0; count <= STARTS.length; count++) {
      for (long number = 0; number < 110; number++) {
        int expected = -1;
        for (int i = 0; i < count; i++) {
          expected = number >= STARTS[i] && number < ENDS[i] ? i : expected;
        }
        assertEquals(expected, SortedRanges.indexOf(STARTS, ENDS, count, number), "" + number);
      }
    }
  }
}
