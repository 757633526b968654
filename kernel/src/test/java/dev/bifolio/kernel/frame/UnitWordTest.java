package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.testkit.SplitMix64;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/// The word of 32 units agrees with 32 units written down one by one.
class UnitWordTest {
  private static final char FREE = 'F';
  private static final char HEAD = 'H';
  private static final char TAIL = 'T';
  private static final char LENT = 'L';

  /// The word of units that are written down one by one, unit 0 first.
  private static long word(char... units) {
    long word = 0;
    for (int i = 0; i < units.length; i++) {
      word |= units[i] == FREE || units[i] == LENT ? 1L << i : 0;
      word |= units[i] == HEAD || units[i] == LENT ? 1L << (32 + i) : 0;
    }
    return word;
  }

  private static char[] all(char state) {
    char[] units = new char[32];
    Arrays.fill(units, state);
    return units;
  }

  private static char[] with(char[] units, int from, int count, char state) {
    char[] changed = units.clone();
    Arrays.fill(changed, from, from + count, state);
    return changed;
  }

  private static int bits(char[] units, String states) {
    int bits = 0;
    for (int i = 0; i < 32; i++) {
      bits |= states.indexOf(units[i]) >= 0 ? 1 << i : 0;
    }
    return bits;
  }

  /// A word as allocations leave it: runs that begin at a multiple of the next power of two, free
  /// units, lent ones, and perhaps the end of a run that began in the word before.
  private static char[] draw(SplitMix64 random) {
    char[] units = all(FREE);
    int next = random.oneIn(4) ? random.below(33) : 0;
    Arrays.fill(units, 0, next, TAIL);
    while (next < 32) {
      int largest = next == 0 ? 5 : Integer.numberOfTrailingZeros(next);
      int order = random.below(Math.min(largest, 4) + 1);
      int least = order == 0 ? 1 : (1 << (order - 1)) + 1;
      int count = (int) random.between(least, 1 << order);
      switch (random.below(3)) {
        case 0 -> {
          units[next] = HEAD;
          Arrays.fill(units, next + 1, next + count, TAIL);
        }
        case 1 -> Arrays.fill(units, next, next + count, LENT);
        default -> {}
      }
      next += count;
    }
    return units;
  }

  @Test
  void eachUnitIsInOneOfFourStates() {
    char[] states = {FREE, HEAD, TAIL, LENT};
    for (int unit = 0; unit < 32; unit++) {
      for (char state : states) {
        for (char others : states) {
          char[] units = with(all(others), unit, 1, state);
          long word = word(units);
          assertEquals(bits(units, "F"), UnitWord.free(word));
          assertEquals(bits(units, "H"), UnitWord.heads(word));
          assertEquals(bits(units, "L"), UnitWord.lent(word));
          assertEquals(bits(units, "FHL"), UnitWord.notTails(word));
        }
      }
    }
  }

  @Test
  void theNamedWordsAreWhatTheyAreCalled() {
    assertEquals(word(all(FREE)), UnitWord.ALL_FREE);
    assertEquals(word(all(TAIL)), UnitWord.ALL_TAIL);
    assertEquals(word(all(LENT)), UnitWord.ALL_LENT);
    assertEquals(word(all(HEAD)), UnitWord.ALL_HEAD);
    assertEquals(word(with(all(TAIL), 0, 1, HEAD)), UnitWord.ONE_BLOCK);
    assertEquals(0, UnitWord.ALL_TAIL, "fresh metadata must offer nothing");
  }

  @Test
  void aMaskHasTheBitsOfItsUnits() {
    for (int index = 0; index < 32; index++) {
      for (int count = 0; index + count <= 32; count++) {
        int naive = bits(with(all(TAIL), index, count, FREE), "F");
        assertEquals(naive, UnitWord.mask(index, count));
        assertEquals(
            word(with(all(TAIL), index, count, LENT)), UnitWord.both(UnitWord.mask(index, count)));
      }
    }
  }

  @Test
  void changesMoveTheirUnitsAndNoOthers() {
    SplitMix64 random = new SplitMix64(1);
    for (int index = 0; index < 32; index++) {
      for (int count = 1; index + count <= 32; count++) {
        char[] free = with(draw(random), index, count, FREE);
        char[] block = with(with(free, index, count, TAIL), index, 1, HEAD);
        assertEquals(word(block), word(free) ^ UnitWord.block(index, count));
        assertEquals(word(free), word(block) ^ UnitWord.block(index, count));
      }
      char[] head = with(draw(random), index, 1, HEAD);
      assertEquals(word(with(head, index, 1, LENT)), word(head) ^ UnitWord.cached(index));
      char[] free = with(head, index, 1, FREE);
      assertEquals(word(with(free, index, 1, LENT)), word(free) ^ UnitWord.lend(index));
    }
  }

  /// Units that belong to the head at `index`, in this word.
  private static int lengthAt(char[] units, int index) {
    int end = index + 1;
    while (end < 32 && units[end] == TAIL) {
      end++;
    }
    return end - index;
  }

  @Test
  void aBlockIsProvedByItsHeadItsTailsAndWhatIsBehind() {
    SplitMix64 random = new SplitMix64(2);
    for (int round = 0; round < 20_000; round++) {
      char[] units = draw(random);
      long word = word(units);
      for (int index = 0; index < 32; index++) {
        for (int order = 0; order <= 4; order++) {
          int count = 1 << order;
          boolean naive =
              index % count == 0 && units[index] == HEAD && lengthAt(units, index) == count;
          assertEquals(naive, UnitWord.isBlock(word, index, order), () -> new String(units));
          assertTrue(order > 0 || naive == UnitWord.isSingle(word, index));
        }
      }
    }
  }

  @Test
  void everyBlockAloneIsProvedInItsOrderOnly() {
    for (char others : new char[] {FREE, HEAD, LENT}) {
      for (int length = 1; length <= 16; length++) {
        int step = Integer.highestOneBit(length * 2 - 1);
        for (int index = 0; index < 32; index += step) {
          char[] units = with(with(all(others), index, length, TAIL), index, 1, HEAD);
          for (int order = 0; order <= 4; order++) {
            for (int at = 0; at < 32; at++) {
              boolean isOther = at < index || at >= index + length;
              boolean single = isOther && others == HEAD && order == 0;
              boolean whole = at == index && length == 1 << order;
              assertEquals(single || whole, UnitWord.isBlock(word(units), at, order));
              assertTrue(order > 0 || (single || whole) == UnitWord.isSingle(word(units), at));
            }
          }
        }
      }
    }
  }

  @Test
  void aBlockOfAWholeWordIsNoShorterBlock() {
    for (int order = 0; order <= 4; order++) {
      for (int index = 0; index < 32; index++) {
        assertFalse(UnitWord.isBlock(UnitWord.ONE_BLOCK, index, order));
        assertFalse(UnitWord.isBlock(UnitWord.ALL_TAIL, index, order));
        assertFalse(UnitWord.isBlock(UnitWord.ALL_FREE, index, order));
        assertFalse(UnitWord.isBlock(UnitWord.ALL_LENT, index, order));
        assertEquals(order == 0, UnitWord.isBlock(UnitWord.ALL_HEAD, index, order));
      }
    }
  }

  @Test
  void severalUnitsAreSinglesIfEachIsOne() {
    SplitMix64 random = new SplitMix64(8);
    for (int round = 0; round < 100_000; round++) {
      long word = word(draw(random));
      int heads = UnitWord.heads(word);
      int most = (int) random.next();
      int units = heads & (most | (int) (random.next() >>> 9));
      units |= random.oneIn(4) ? 1 << random.below(32) : 0;
      boolean all = true;
      for (int i = 0; i < 32; i++) {
        all &= (units >>> i & 1) == 0 || UnitWord.isBlock(word, i, 0);
      }
      assertEquals(all, UnitWord.areSingles(word, units));
    }
  }

  @Test
  void aRunBeginsWithAHeadAndGoesOnWithTails() {
    SplitMix64 random = new SplitMix64(3);
    for (int round = 0; round < 3000; round++) {
      char[] units = draw(random);
      long word = word(units);
      for (int index = 0; index < 32; index++) {
        for (int count = 1; index + count <= 32; count++) {
          boolean begins = units[index] == HEAD && lengthAt(units, index) >= count;
          assertEquals(begins, UnitWord.beginsRun(word, index, count));
          boolean tails = units[index] == TAIL && lengthAt(units, index) >= count;
          assertEquals(tails, UnitWord.areTails(word, index, count));
        }
        assertTrue(UnitWord.areTails(word, index, 0));
      }
    }
  }

  // ---- Runs of free units ----

  private static boolean isFree(int free, int index, int count) {
    for (int i = index; i < index + count; i++) {
      if ((free >>> i & 1) == 0) {
        return false;
      }
    }
    return true;
  }

  /// The order of the largest aligned free run around a unit, or -1.
  private static int orderAround(int free, int index) {
    int order = -1;
    while (order < 5 && isFree(free, index & -(1 << (order + 1)), 1 << (order + 1))) {
      order++;
    }
    return order;
  }

  private static void assertRuns(int free) {
    int[] around = new int[32];
    int largest = -1;
    for (int i = 0; i < 32; i++) {
      around[i] = orderAround(free, i);
      largest = Math.max(largest, around[i]);
    }
    assertEquals(largest, UnitWord.largest(free));
    for (int order = 0; order <= 5; order++) {
      int runs = 0;
      int exact = 0;
      int units = 0;
      int best = -1;
      int bestOrder = 6;
      for (int i = 0; i < 32; i++) {
        boolean aligned = i % (1 << order) == 0;
        runs |= aligned && around[i] >= order ? 1 << i : 0;
        exact |= aligned && around[i] == order ? 1 << i : 0;
        units |= around[i] == order ? 1 << i : 0;
        if (around[i] >= order && around[i] < bestOrder) {
          bestOrder = around[i];
          best = i;
        }
        assertEquals(around[i] >= order, UnitWord.isFreeRun(free, i, order));
      }
      assertEquals(runs, UnitWord.runs(free, order));
      assertEquals(exact, UnitWord.exactRuns(free, order));
      assertEquals(units, UnitWord.exactUnits(free, order));
      assertEquals(best, UnitWord.bestFit(free, order));
      assertEquals(best < 0 ? -1 : 32 * bestOrder + best, UnitWord.fit(free, order));
    }
  }

  @Test
  void runsOfEveryPatternOfSixteenUnitsAreFound() {
    for (int pattern = 0; pattern < 1 << 16; pattern++) {
      assertRuns(pattern);
      assertRuns(pattern << 16);
      assertRuns(pattern << 16 | pattern);
      assertRuns(~pattern);
    }
  }

  @Test
  void runsOfRandomPatternsAreFound() {
    SplitMix64 random = new SplitMix64(4);
    for (int round = 0; round < 50_000; round++) {
      int pattern = (int) random.next();
      assertRuns(pattern);
      assertRuns(pattern & (int) random.next() & (int) random.next());
      assertRuns(pattern | (int) random.next() | (int) random.next());
    }
  }
}
