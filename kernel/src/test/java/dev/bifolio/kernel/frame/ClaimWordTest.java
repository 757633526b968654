package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/// The fields of a claim word are kept apart, and its counter counts every change but a put.
class ClaimWordTest {
  private static final int[] MASKS = {0, 1, 0x8000_0000, -1, 0x1234_5678};
  private static final long LAST = -ClaimWord.OPERATION;

  private static void assertFields(long word, int state, int wordInArea, int mask, long count) {
    assertEquals(state, ClaimWord.state(word));
    assertEquals(wordInArea, ClaimWord.wordInArea(word));
    assertEquals(mask, ClaimWord.mask(word));
    assertEquals(count, ClaimWord.operations(word));
  }

  @Test
  void zeroClaimsNothing() {
    assertFields(0, ClaimWord.NONE, 0, 0, 0);
    for (int word = 0; word < 16; word++) {
      assertFalse(ClaimWord.claims(0, word));
    }
  }

  @Test
  void everyChangeOfStateSetsItsFieldsAndCountsOne() {
    long word = 0;
    long count = 0;
    for (int state = 0; state < 4; state++) {
      for (int wordInArea = 0; wordInArea < 16; wordInArea++) {
        for (int mask : MASKS) {
          word = ClaimWord.next(word, state, wordInArea, mask);
          count++;
          assertFields(word, state, wordInArea, mask, count);
          for (int other = 0; other < 16; other++) {
            boolean claims = state != ClaimWord.NONE && other == wordInArea;
            assertEquals(claims, ClaimWord.claims(word, other));
          }
          boolean takes = state == ClaimWord.PENDING || state == ClaimWord.OPEN;
          assertEquals(takes, ClaimWord.takesBits(word));
        }
      }
    }
  }

  @Test
  void framesAreTakenFromTheLowestOnAndEachCounts() {
    long word = ClaimWord.next(0, ClaimWord.OPEN, 15, -1);
    int mask = -1;
    for (int i = 0; i < 32; i++) {
      word = ClaimWord.taken(word);
      mask &= mask - 1;
      assertFields(word, ClaimWord.OPEN, 15, mask, 2 + i);
    }
    assertEquals(0, ClaimWord.mask(word));
  }

  @Test
  void severalFramesAreTakenAtOnceAndEachCounts() {
    long word = ClaimWord.next(0, ClaimWord.OPEN, 9, 0xF0F0_00FF);
    long next = ClaimWord.taken(word, 0x8030_0081);
    assertFields(next, ClaimWord.OPEN, 9, 0x70C0_007E, 1 + 5);
    assertEquals(ClaimWord.taken(word), ClaimWord.taken(word, 1));
    assertFields(ClaimWord.taken(word, 0xF0F0_00FF), ClaimWord.OPEN, 9, 0, 1 + 16);
    assertFields(ClaimWord.taken(ClaimWord.next(0, 2, 9, -1), -1), ClaimWord.OPEN, 9, 0, 1 + 32);
  }

  @Test
  void aWordThatWasLeftAndClaimedAgainIsAnotherWord() {
    long open = ClaimWord.next(0, ClaimWord.OPEN, 3, 0);
    long left = ClaimWord.next(open, ClaimWord.NONE, 0, 0);
    long again = ClaimWord.next(left, ClaimWord.OPEN, 3, 0);
    assertNotEquals(open, again);
    long popped = ClaimWord.taken(ClaimWord.next(again, ClaimWord.OPEN, 3, 4)) | 4;
    assertNotEquals(ClaimWord.next(again, ClaimWord.OPEN, 3, 4), popped);
  }

  @Test
  void theCounterGoesRoundAfter26BitsAndSaysSo() {
    long last = LAST | (ClaimWord.next(0, ClaimWord.OPEN, 7, 6) & ~LAST);
    assertFields(last, ClaimWord.OPEN, 7, 6, (1L << 26) - 1);
    assertFalse(ClaimWord.wentRound(last));
    assertFields(ClaimWord.taken(last), ClaimWord.OPEN, 7, 4, 0);
    assertTrue(ClaimWord.wentRound(ClaimWord.taken(last)));
    long next = ClaimWord.next(last, ClaimWord.DRAINING, 15, -1);
    assertFields(next, ClaimWord.DRAINING, 15, -1, 0);
    assertTrue(ClaimWord.wentRound(next));
    assertFalse(ClaimWord.wentRound(ClaimWord.taken(next)));
  }
}
