package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.testkit.SplitMix64;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Levels lend units downwards and take them back whole, and prove what is freed.
class UnitLevelTest extends HybridParts {
  private static final long NONE = -1;

  /// Two words of the upper level, so 64 words of the lower one.
  private static final long UNITS = 2048;

  /// First unit of the lower level, in a word that is not the first of all.
  private static final long FIRST = 3 * 1024;

  private UnitLevel above;
  private UnitLevel level;

  @BeforeEach
  void twoLevels() {
    long startPfn = FIRST << 9;
    long endPfn = (FIRST + UNITS) << 9;
    above = new UnitLevel(14, null);
    level = new UnitLevel(9, above);
    above.attach(zeros(UnitLevel.metadataBytes(14, startPfn, endPfn)), startPfn, endPfn);
    level.attach(zeros(UnitLevel.metadataBytes(9, startPfn, endPfn)), startPfn, endPfn);
  }

  private void giveAll() {
    for (long unit = FIRST >>> 5; unit < (FIRST + UNITS) >>> 5; unit += 32) {
      above.put(unit, UnitWord.ALL_FREE);
      above.settle(above.wordOf(unit));
    }
  }

  private void assertAllIsAbove() {
    for (long unit = FIRST; unit < FIRST + UNITS; unit += 32) {
      assertEquals(UnitWord.ALL_TAIL, level.valueAt(unit));
    }
    for (long unit = FIRST >>> 5; unit < (FIRST + UNITS) >>> 5; unit += 32) {
      assertEquals(UnitWord.ALL_FREE, above.valueAt(unit));
    }
    assertEquals(above.lentCount(), above.takenBackCount());
    assertTrue(Transit.isQuiet(level.transit()) && Transit.isQuiet(above.transit()));
  }

  @Test
  void withoutMemoryThereIsNothingToTake() {
    for (int order = 0; order <= 4; order++) {
      assertEquals(NONE, level.take(order));
      assertEquals(NONE, above.take(order));
    }
    assertEquals(NONE, level.lend());
    assertEquals(0, level.lentCount());
    assertFalse(level.drain());
    assertFalse(level.takeAt(FIRST, 1, false));
  }

  @Test
  void theLevelKnowsItsUnits() {
    assertEquals(9, level.shift());
    assertEquals(14, above.shift());
    assertTrue(level.has(FIRST));
    assertTrue(level.has(FIRST + UNITS - 1));
    assertFalse(level.has(FIRST - 1));
    assertFalse(level.has(FIRST + UNITS));
    assertEquals(0, level.wordOf(FIRST + 31));
    assertEquals(1, level.wordOf(FIRST + 32));
  }

  @Test
  void theWordsStayInsideTheirMetadata() {
    for (long[] span : new long[][] {{0, 1}, {5, 16_384}, {16_383, 16_385}, {0, 1L << 24}}) {
      long bytes = UnitLevel.metadataBytes(9, span[0], span[1]);
      assertEquals(0, bytes % 64);
      long address = zeros(bytes);
      UnitLevel alone = new UnitLevel(9, null);
      alone.attach(address, span[0], span[1]);
      for (long word = span[0] >>> 14; word <= (span[1] - 1) >>> 14; word++) {
        assertTrue(alone.has(word << 5));
        alone.put(word << 5, UnitWord.ALL_FREE);
        alone.settle(alone.wordOf(word << 5));
      }
      assertFalse(alone.has((((span[1] - 1) >>> 14) + 1) << 5));
      for (long unit = alone.take(0); unit != NONE; unit = alone.take(0)) {
        assertTrue(unit >>> 5 <= (span[1] - 1) >>> 14);
      }
      assertTrue(areZeros(address + bytes, GUARD_BYTES));
    }
  }

  @Test
  void blocksOfEveryOrderAreAlignedAndBorrowedOnce() {
    giveAll();
    for (int order = 0; order <= 4; order++) {
      long unit = level.take(order);
      assertEquals(0, unit % (1 << order));
      assertTrue(UnitWord.isBlock(level.valueAt(unit), (int) unit & 31, order));
    }
    assertEquals(1, above.lentCount(), "one word of 32 units holds 1 + 2 + 4 + 8 + 16");
    assertEquals(0, level.lentCount());
  }

  @Test
  void aFreeProvesTheOrder() {
    giveAll();
    for (int order = 0; order <= 4; order++) {
      long unit = level.take(order);
      for (int wrong = 0; wrong <= 4; wrong++) {
        for (int tail = 1; tail < 1 << order; tail++) {
          assertFalse(level.freeBlock(unit + tail, wrong));
        }
        assertEquals(wrong == order, level.freeBlock(unit, wrong));
        if (wrong == order) {
          assertFalse(level.freeBlock(unit, order), "a second free must be refused");
          assertEquals(unit, level.take(order));
        }
      }
      assertTrue(level.freeBlock(unit, order));
    }
    level.drain();
    assertAllIsAbove();
  }

  @Test
  void aLevelTellsWhetherItMayHaveUnits() {
    assertFalse(level.mayHaveUnits());
    giveAll();
    assertTrue(level.mayHaveUnits(), "above");
    assertTrue(above.mayHaveUnits());
    while (above.take(0) != NONE) {}
    assertFalse(above.mayHaveUnits());
    assertFalse(level.mayHaveUnits());
    assertTrue(above.freeBlock(FIRST >>> 5, 0));
    assertTrue(level.takeAt(FIRST, 16, false));
    assertEquals(NONE, above.take(0), "a hint was left over, and is mended");
    assertFalse(above.mayHaveUnits());
    assertTrue(level.mayHaveUnits(), "in a word that is not open");
    assertEquals(FIRST + 16, level.take(4));
    assertEquals(NONE, level.take(0));
    assertFalse(level.mayHaveUnits());
    assertTrue(level.freeBlock(FIRST + 16, 4));
    assertTrue(level.mayHaveUnits(), "in the open word");
  }

  @Test
  void aWordIsOpenOrFoundThroughItsHints() {
    assertEquals(64, level.wordCount());
    assertEquals(FIRST, level.firstUnit());
    assertEquals(NONE, level.openWord());
    assertTrue(level.isFound(0), "nothing is in it");
    giveAll();
    assertTrue(above.isFound(0) && above.isFound(1));
    assertEquals(FIRST, level.take(0));
    assertEquals(0, level.openWord());
    assertFalse(level.isFound(0), "open words are not in the bins");
    level.drain();
    assertEquals(NONE, level.openWord());
    assertTrue(level.isFound(0));
    assertTrue(level.takeAt(FIRST + 16, 16, false));
    assertTrue(level.isFound(0), "from a larger bin");
    assertFalse(level.hasStrayHints());
  }

  @Test
  void pairsStayInTheOpenWord() {
    giveAll();
    for (int turn = 0; turn < 100; turn++) {
      long unit = level.take(turn % 5);
      assertTrue(level.freeBlock(unit, turn % 5));
      assertEquals(UnitWord.ALL_FREE, level.valueAt(unit));
    }
    assertEquals(1, above.lentCount());
    assertEquals(0, above.takenBackCount(), "the open word does not go back");
    assertTrue(level.drain());
    assertFalse(level.drain());
    assertEquals(1, above.takenBackCount());
    assertAllIsAbove();
  }

  @Test
  void anOldOpenWordGoesBackWhenItIsReplaced() {
    giveAll();
    long first = level.take(4);
    long second = level.take(4);
    assertEquals(first ^ 16, second);
    assertTrue(level.freeBlock(first, 4));
    assertTrue(level.freeBlock(second, 4));
    long[] halves = new long[4];
    for (int i = 0; i < 4; i++) {
      halves[i] = level.take(4);
    }
    assertEquals(2, above.lentCount());
    // The first word is closed; when it is all free it goes back at once.
    assertTrue(level.free(halves[0], 16));
    assertEquals(0, above.takenBackCount());
    assertTrue(level.free(halves[1], 16));
    assertEquals(1, above.takenBackCount());
    assertEquals(UnitWord.ALL_TAIL, level.valueAt(halves[0]));
    assertFalse(level.free(halves[0], 16), "a stale free meets tails");
  }

  @Test
  void aClosedWordIsFoundAgainByItsLargestFreeRun() {
    giveAll();
    long[] units = new long[64];
    for (int i = 0; i < 64; i++) {
      units[i] = level.take(0);
    }
    assertEquals(2, above.lentCount());
    // In the closed word two places: one alone and a pair.
    assertTrue(level.freeBlock(units[5], 0));
    assertTrue(level.freeBlock(units[8], 0));
    assertTrue(level.freeBlock(units[9], 0));
    assertEquals(Math.min(units[8], units[9]), level.take(1));
    assertEquals(units[5], level.take(0));
    assertEquals(2, above.lentCount(), "nothing more was borrowed");
  }

  @Test
  void aHintThatPromisesTooMuchIsMovedToTheBinOfTheWord() {
    long unit = FIRST >>> 5;
    for (int order = 0; order <= 3; order++) {
      twoLevels();
      above.put(unit, UnitWord.ALL_FREE);
      assertFalse(above.isFound(0), "no hint yet");
      above.settle(0);
      // As though others had taken units while the word was being closed.
      above.put(unit, UnitWord.ALL_HEAD ^ UnitWord.both(UnitWord.mask(0, 1 << order)));
      assertTrue(above.isFound(0));
      assertEquals(NONE, above.take(order + 1));
      assertTrue(above.isFound(0));
      assertEquals(unit, above.take(order));
      assertTrue(above.isFound(0), "nothing is free, and nothing need be found");
    }
  }

  @Test
  void theOpenWordServesBeforeABetterFitElsewhere() {
    giveAll();
    long[] units = new long[33];
    for (int i = 0; i < 33; i++) {
      units[i] = level.take(0);
    }
    assertTrue(level.freeBlock(units[3], 0));
    assertEquals(units[32] >>> 5, level.take(0) >>> 5);
    level.drain();
    assertEquals(units[3], level.take(0), "when none is open the best fit serves");
  }

  @Test
  void everyUnitIsTakenOnceAndAllComeBack() {
    giveAll();
    BitSet taken = new BitSet();
    for (long unit = level.take(0); unit != NONE; unit = level.take(0)) {
      assertFalse(taken.get((int) unit));
      taken.set((int) unit);
    }
    assertEquals(UNITS, taken.cardinality());
    assertEquals(FIRST, taken.nextSetBit(0));
    assertEquals(NONE, level.take(0));
    assertEquals(NONE, above.take(0));
    for (int unit = taken.nextSetBit(0); unit >= 0; unit = taken.nextSetBit(unit + 1)) {
      assertTrue(level.freeBlock(unit, 0));
    }
    level.drain();
    above.drain();
    assertAllIsAbove();
  }

  @Test
  void aLentUnitIsNotAllocatedAndComesBackWhole() {
    giveAll();
    long unit = level.lend();
    assertEquals(1, level.lentCount());
    assertEquals(1 << (unit & 31), UnitWord.lent(level.valueAt(unit)));
    for (int order = 0; order <= 4; order++) {
      assertFalse(level.freeBlock(unit, order));
    }
    assertFalse(level.free(unit, 1));
    level.takeBack(unit);
    assertEquals(1, level.takenBackCount());
    assertEquals(0, UnitWord.lent(level.valueAt(unit)));
    level.drain();
    assertAllIsAbove();
  }

  @Test
  void aFreeIsFoundEvenIfTheOneBeforeItHasNotSetItsHintYet() {
    giveAll();
    for (int i = 0; i < UNITS; i++) {
      assertTrue(level.take(0) != NONE);
    }
    assertEquals(NONE, level.take(0));
    level.drain();
    // The first free is held up behind its compare-and-set.
    long value = level.valueAt(FIRST);
    assertTrue(level.compareAndSet(FIRST + 3, value, value ^ UnitWord.block(3, 1)));
    assertEquals(NONE, level.take(0), "nobody knows yet");
    assertTrue(level.freeBlock(FIRST + 9, 0));
    assertTrue(level.take(0) != NONE, "this one has returned");
    assertTrue(level.take(0) != NONE);
  }

  @Test
  void aBlockBeforeALentUnitIsLeftToWhoCanSeeTheRunsEnd() {
    giveAll();
    long unit = level.take(0);
    long lent = level.lend();
    assertEquals(unit + 1, lent);
    assertFalse(level.freeBlock(unit, 0), "the run may go on in what is lent");
    assertFalse(level.free(unit, 1));
    level.takeBack(lent);
    assertTrue(level.free(unit, 1));
    assertTrue(level.takeAt(unit, 1, false));
    assertTrue(level.takeAt(lent, 1, true));
    // The unit behind the upper half of a block of twice the length does not matter.
    assertTrue(level.takeAt(unit + 3, 1, false));
    assertTrue(level.takeAt(unit + 4, 1, true));
    assertTrue(level.freeBlock(unit + 3, 0));
  }

  @Test
  void unitsAtAWantedPlaceAreTakenIfTheyAreFree() {
    giveAll();
    long far = FIRST + UNITS - 8;
    assertTrue(level.takeAt(far, 8, false));
    assertTrue(UnitWord.isBlock(level.valueAt(far), (int) far & 31, 3));
    assertEquals(0, level.lentCount());
    assertEquals(1, above.lentCount());
    assertFalse(level.takeAt(far, 8, false));
    assertFalse(level.takeAt(far + 7, 1, false));
    assertFalse(level.takeAt(far - 8, 16, false));
    assertTrue(level.takeAt(far - 8, 8, true));
    assertEquals(1, level.lentCount());
    assertTrue(level.takeAt(far - 16, 3, false));
    assertTrue(level.free(far - 16, 3));
    // It is not the open word: what is left of it is found through its bin.
    assertEquals((FIRST + UNITS - 32) >>> 5, level.take(4) >>> 5);
    assertTrue(level.free(far, 8));
    assertFalse(level.takeAt(FIRST + UNITS - 32, 1, false));
    assertTrue(level.takeAt(FIRST, 1, false));
    assertEquals(2, above.lentCount());
  }

  @Test
  void aWholeWordCanBeTakenAtItsPlaceAtTheTop() {
    UnitLevel top = new UnitLevel(19, null);
    top.attach(zeros(UnitLevel.metadataBytes(19, 0, 32L << 19)), 0, 32L << 19);
    top.put(0, UnitWord.ALL_FREE);
    top.settle(0);
    assertTrue(top.takeAt(0, 32, false));
    assertEquals(UnitWord.ONE_BLOCK, top.valueAt(0));
    assertEquals(NONE, top.take(0));
    assertFalse(top.free(0, 31 + 1) && top.free(0, 32), "a second free is refused");
    assertEquals(UnitWord.ALL_FREE, top.valueAt(0), "the top keeps its words");
    assertEquals(0, top.take(4));
  }

  @Test
  void countedRunsAreFreedInTheirLength() {
    giveAll();
    assertTrue(level.takeAt(FIRST, 7, false));
    for (int count = 8; count <= 32; count++) {
      assertFalse(level.free(FIRST, count));
    }
    assertFalse(level.free(FIRST + 1, 6));
    assertTrue(level.free(FIRST, 7));
    assertEquals(UnitWord.ALL_TAIL, level.valueAt(FIRST), "closed and all free: it went back");
  }

  @Test
  void aChangeThatEnlargesAFreeRunLeavesAHint() {
    giveAll();
    assertTrue(level.takeAt(FIRST, 16, false));
    assertTrue(level.takeAt(FIRST + 16, 16, false));
    assertEquals(NONE, takenFrom(FIRST));
    level.change(FIRST + 8, UnitWord.mask(8, 8) & 0xFFFF_FFFFL);
    assertEquals(FIRST + 8, takenFrom(FIRST));
  }

  /// What a request of 8 units takes from a word that has been found through the hints.
  private long takenFrom(long first) {
    level.drain();
    long unit = level.take(3);
    if (unit >>> 5 == first >>> 5) {
      return unit;
    }
    assertTrue(level.freeBlock(unit, 3));
    return NONE;
  }

  @Test
  void anyOrderOfRequestsKeepsUnitsApartAndCoalesces() {
    giveAll();
    SplitMix64 random = new SplitMix64(9);
    BitSet taken = new BitSet();
    Map<Long, Integer> blocks = new HashMap<>();
    for (int turn = 0; turn < 40_000; turn++) {
      boolean grows = turn / 5000 % 2 == 0;
      if (random.oneIn(grows ? 3 : 2) && !blocks.isEmpty()) {
        long unit = blocks.keySet().stream().skip(random.below(blocks.size())).findFirst().get();
        int count = blocks.remove(unit);
        assertTrue(level.free(unit, count));
        taken.clear((int) unit, (int) unit + count);
      } else {
        int order = random.below(5);
        long unit = level.take(order);
        if (unit != NONE) {
          assertEquals(0, unit & ((1 << order) - 1));
          assertEquals(-1, firstTaken(taken, unit, 1 << order));
          taken.set((int) unit, (int) unit + (1 << order));
          blocks.put(unit, 1 << order);
        }
      }
      if (random.oneIn(500)) {
        level.drain();
        above.drain();
      }
    }
    blocks.forEach((unit, count) -> assertTrue(level.free(unit, count)));
    level.drain();
    above.drain();
    assertAllIsAbove();
  }

  private static int firstTaken(BitSet taken, long unit, int count) {
    int next = taken.nextSetBit((int) unit);
    return next >= unit + count ? -1 : next;
  }
}
