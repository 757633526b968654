package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Memory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// An area goes from the level above to a claimer, into a bin, and back; frees tell who must know.
class AreasTest extends HybridParts {
  private static final long NONE = -1;
  private static final long START = 5L << 14;
  private static final long END = START + (64 << 9);

  private HybridCore core;
  private Areas areas;

  @BeforeEach
  void sixtyFourAreas() {
    core = memory(1, START, END);
    areas = core.areas;
  }

  private int stateOf(long area) {
    return AreaWord.state(areaWord(core, area));
  }

  private int binOf(long area) {
    assertEquals(AreaWord.BINNED, stateOf(area));
    return AreaWord.bin(areaWord(core, area));
  }

  /// Takes frames of an area that is claimed by hand.
  private void use(long frame, int frameCount) {
    assertTrue(core.runs.takeAt(frame, frameCount));
  }

  /// Frees frames as `FrameRuns` does: the word first, then who must know.
  private void free(long frame, int frameCount) {
    assertTrue(core.runs.free(frame, frameCount));
  }

  /// Borrows an area, uses all of it as runs of `length`, and puts it where it belongs.
  private long fullArea(int kind, int length) {
    long area = lend(areas, kind, AreaWord.NO_SLOT);
    for (long frame = area << 9; frame < (area + 1) << 9; frame += length) {
      use(frame, length);
    }
    areas.settle(area);
    assertEquals(AreaWord.FULL, stateOf(area));
    return area;
  }

  private void assertIsBack(long area) {
    assertEquals(AreaWord.returned(), areaWord(core, area));
    assertEquals(0, UnitWord.lent(core.levels[0].valueAt(areas.unitOf(area))) >>> (area & 31) & 1);
  }

  @Test
  void areasAreCountedFromTheFirstOfTheSpan() {
    assertEquals(START, areas.basePfn());
    assertEquals(64, areas.areaCount());
    assertEquals(START >>> 9, areas.unitOf(0));
    assertEquals(7, areas.areaOf(areas.unitOf(7)));
    HybridCore odd = span(1, (3 << 9) + 511, (5 << 9) + 1);
    assertEquals(3 << 9, odd.areas.basePfn());
    assertEquals(3, odd.areas.areaCount());
  }

  @Test
  void theWordsStayInsideTheirMetadata() {
    for (long[] span : new long[][] {{0, 1}, {511, 513}, {1, 1 << 15}, {0, 70_000 * 512L}}) {
      long bytes = Areas.metadataBytes(span[0], span[1]);
      assertEquals(0, bytes % 64);
      long address = zeros(bytes);
      UnitLevel level = new UnitLevel(9, null);
      level.attach(zeros(UnitLevel.metadataBytes(9, span[0], span[1])), span[0], span[1]);
      Areas alone = new Areas(level);
      alone.attach(address, span[0], span[1], zeros(64));
      assertTrue(areZeros(address, bytes));
      long last = alone.areaCount() - 1;
      alone.fill(last, UnitWord.ALL_HEAD);
      assertTrue(areZeros(address + bytes, GUARD_BYTES));
    }
  }

  @Test
  void anAreaIsBorrowedWithAllFramesFreeForItsBorrower() {
    long area = lend(areas, 4, 3);
    assertEquals(AreaWord.fresh(4, 3), areaWord(core, area));
    for (long frame = area << 9; frame < (area + 1) << 9; frame += 32) {
      assertEquals(UnitWord.ALL_FREE, frameWord(core, frame));
    }
    assertEquals(1, UnitWord.lent(core.levels[0].valueAt(areas.unitOf(area))) >>> (area & 31) & 1);
    assertEquals(0xFFFF, areas.wholeWords(area));
  }

  @Test
  void allAreasAreBorrowedOnceAndThenNone() {
    long seen = 0;
    for (int i = 0; i < 64; i++) {
      long area = lend(areas, 0, AreaWord.NO_SLOT);
      assertEquals(0, seen >>> area & 1);
      seen |= 1L << area;
    }
    assertEquals(-1, seen);
    assertEquals(NONE, lend(areas, 0, AreaWord.NO_SLOT));
  }

  @Test
  void anAreaThatIsLeftWhollyFreeGoesBackAndIsNotFilledAgain() {
    long area = lend(areas, 2, 0);
    areas.settle(area);
    assertIsBack(area);
    // INIT says that the words are FREE: a trace in them must survive the next lending.
    setFrameWord(core, area << 9, UnitWord.ALL_HEAD);
    assertEquals(area, lend(areas, 1, 0));
    assertEquals(UnitWord.ALL_HEAD, frameWord(core, area << 9));
    assertEquals(AreaWord.fresh(1, 0), areaWord(core, area));
  }

  @Test
  void anAreaThatIsLeftWithFreeFramesIsFoundThroughItsBin() {
    for (int order = 0; order <= 8; order++) {
      for (int kind = 0; kind < 6; kind++) {
        long area = lend(areas, kind, 7);
        for (long frame = area << 9; frame < (area + 1) << 9; frame += 256) {
          use(frame, 256);
        }
        free((area << 9) + 256, 256);
        // Of the upper half, all but 2^order frames.
        for (int used = order; used < 8; used++) {
          use((area << 9) + 256 + (1L << used), 1 << used);
        }
        areas.settle(area);
        int bin = AreaWord.bin(order, 1 << order);
        assertEquals(bin, binOf(area));
        assertEquals(kind, AreaWord.kind(areaWord(core, area)));
        assertEquals(NONE, claim(areas, kind, bin + 1, 1));
        assertEquals(NONE, claim(areas, (kind + 1) % 6, 0, 1));
        assertEquals(area, claim(areas, kind, bin, 1));
        assertEquals(AreaWord.fresh(kind, 1), areaWord(core, area));
        assertEquals(NONE, claim(areas, kind, 0, 2), "it is claimed already");
      }
    }
  }

  @Test
  void theLargestFreeBlockIsFoundWhereverItLies() {
    for (int order = 0; order <= 8; order++) {
      for (int place = 0; place < 512 >> order; place += 1 + order % 3) {
        long area = lend(areas, 0, 0);
        areas.fill(area, UnitWord.ALL_HEAD);
        long first = (area << 9) + ((long) place << order);
        for (long frame = first; frame < first + (1L << order); frame++) {
          long word = frameWord(core, frame);
          setFrameWord(core, frame, word ^ UnitWord.block((int) frame & 31, 1));
        }
        areas.settle(area);
        assertEquals(AreaWord.bin(order, 1 << order), binOf(area));
        assertTrue(areas.claimThis(area));
        areas.fill(area, UnitWord.ALL_FREE);
        areas.settle(area);
        assertIsBack(area);
      }
    }
  }

  @Test
  void emptinessCountsAllFreeFrames() {
    for (int free : new int[] {1, 7, 8, 31, 32, 127, 128, 255}) {
      long area = lend(areas, 0, 0);
      areas.fill(area, UnitWord.ALL_HEAD);
      for (int i = 0; i < free; i++) {
        long frame = (area << 9) + 2L * i + 1;
        setFrameWord(core, frame, frameWord(core, frame) ^ UnitWord.block((int) frame & 31, 1));
      }
      areas.settle(area);
      assertEquals(AreaWord.bin(0, free), binOf(area));
      assertTrue(areas.claimThis(area));
    }
  }

  @Test
  void anAreaWithoutFreeFramesIsFullAndInNoBin() {
    long area = fullArea(0, 512 >> 1);
    assertEquals(NONE, claim(areas, 0, 0, 0));
    assertFalse(areas.claimThis(area));
    assertEquals(AreaWord.FULL, stateOf(area));
  }

  @Test
  void onlyAnAreaInABinCanBeClaimedByItsNumber() {
    assertFalse(areas.claimThis(0), "it is the level's above");
    long area = fullArea(3, 32);
    assertFalse(areas.claimThis(area), "it is full");
    free(area << 9, 32);
    assertTrue(areas.claimThis(area));
    assertEquals(AreaWord.fresh(3, AreaWord.NO_SLOT), areaWord(core, area));
    assertFalse(areas.claimThis(area), "it is claimed");
  }

  @Test
  void oneVeryAreaIsBorrowedIfItIsFree() {
    assertTrue(areas.lendThis(63, 5));
    assertEquals(AreaWord.fresh(5, AreaWord.NO_SLOT), areaWord(core, 63));
    assertFalse(areas.lendThis(63, 5));
    areas.settle(63);
    assertIsBack(63);
    assertTrue(areas.lendThis(63, 0));
  }

  @Test
  void aFreeInAFullAreaPutsItIntoABin() {
    long area = fullArea(1, 4);
    long frame = area << 9;
    free(frame + 8, 4);
    assertEquals(AreaWord.bin(2, 4), binOf(area));
    assertEquals(area, claim(areas, 1, AreaWord.firstBin(2), 0));
  }

  @Test
  void aFreeThatMakesALargerBlockMovesTheArea() {
    long area = fullArea(0, 1);
    long first = (area << 9) + 64;
    long[] order = {7, 0, 1, 3, 2, 4, 5, 6};
    int[] largest = {0, 0, 1, 1, 2, 2, 2, 3};
    // How empty the area is counts only when it moves to another bin.
    int[] counted = {1, 1, 3, 3, 5, 5, 5, 8};
    for (int i = 0; i < 8; i++) {
      free(first + order[i], 1);
      assertEquals(AreaWord.bin(largest[i], counted[i]), binOf(area));
    }
    assertEquals(area, claim(areas, 0, AreaWord.firstBin(3), 0));
    areas.settle(area);
    assertEquals(AreaWord.bin(3, 8), binOf(area));
  }

  @Test
  void anAreaWhoseFreeBlocksGrewIsCountedAgain() {
    long area = fullArea(0, 1);
    long first = area << 9;
    for (int i = 0; i < 200; i += 2) {
      free(first + i, 1);
      assertEquals(AreaWord.bin(0, 1), binOf(area), "single holes tell nobody");
    }
    free(first + 1, 1);
    assertEquals(AreaWord.bin(1, 101), binOf(area));
    assertEquals(area, claim(areas, 0, AreaWord.firstBin(1), AreaWord.NO_SLOT));
    areas.settle(area);
    long other = fullArea(1, 64);
    free(other << 9, 64);
    assertEquals(AreaWord.bin(6, 64), binOf(other));
  }

  @Test
  void wordsCoalesceUpToTheWholeAreaWhichGoesBack() {
    long area = fullArea(0, 32);
    long first = area << 9;
    int[] order = {0, 1, 2, 3, 4, 5, 6, 7, 15, 14, 13, 12, 11, 10, 9, 8};
    int[] largest = {5, 6, 6, 7, 7, 7, 7, 8, 8, 8, 8, 8, 8, 8, 8, -1};
    for (int i = 0; i < 16; i++) {
      free(first + 32L * order[i], 32);
      if (largest[i] >= 0) {
        assertEquals(largest[i], AreaWord.largestOrder(binOf(area)));
      }
    }
    assertIsBack(area);
  }

  @Test
  void aClaimedAreaIsMarkedDirtyByAFreeAndLookedAtAgain() {
    long area = fullArea(0, 1);
    long first = area << 9;
    free(first, 1);
    assertEquals(area, claim(areas, 0, 0, 0));
    assertFalse(AreaWord.isDirty(areaWord(core, area)));
    free(first + 1, 1);
    assertTrue(AreaWord.isDirty(areaWord(core, area)));
    free(first + 3, 1);
    assertTrue(AreaWord.isDirty(areaWord(core, area)));
    areas.settle(area);
    assertFalse(AreaWord.isDirty(areaWord(core, area)));
    assertEquals(AreaWord.bin(1, 3), binOf(area));
  }

  @Test
  void settlingADirtyAreaThatIsFullFreeOrBetweenClearsTheMark() {
    for (int kept : new int[] {0, 1, 512}) {
      long area = lend(areas, 0, 0);
      areas.fill(area, kept == 512 ? UnitWord.ALL_HEAD : UnitWord.ALL_FREE);
      if (kept == 1) {
        use(area << 9, 1);
      }
      Memory.getAndBitwiseOrLong(areas.areaWord(area), AreaWord.DIRTY);
      areas.settle(area);
      assertFalse(AreaWord.isDirty(areaWord(core, area)));
      int expected = kept == 0 ? AreaWord.NONE : kept == 1 ? AreaWord.BINNED : AreaWord.FULL;
      assertEquals(expected, stateOf(area));
    }
  }

  @Test
  void aFreeThatComesWhenTheAreaHasGoneChangesNothing() {
    long area = lend(areas, 0, 0);
    areas.settle(area);
    long before = areaWord(core, area);
    areas.afterFree(area << 9, 0, UnitWord.ALL_FREE);
    assertEquals(before, areaWord(core, area));
  }

  @Test
  void aWronglySetHintIsMended() {
    long area = fullArea(2, 1);
    free((area << 9) + 5, 1);
    assertEquals(area, claim(areas, 2, 0, 0));
    areas.settle(area); // the same bin again: the hint was there
    free((area << 9) + 4, 1); // now in the bin of order 1, and a stale hint in that of order 0
    assertEquals(area, claim(areas, 2, 0, 0));
    use((area << 9) + 4, 2);
    areas.settle(area);
    assertEquals(AreaWord.FULL, stateOf(area));
    assertEquals(NONE, claim(areas, 2, 0, 0), "both hints are stale");
    free((area << 9) + 4, 2);
    assertEquals(area, claim(areas, 2, 0, 0));
  }

  @Test
  void anAreaThatChangedItsKindIsFoundUnderTheNewOne() {
    long area = fullArea(2, 1);
    free((area << 9) + 5, 1);
    for (long frame = area << 9; frame < (area + 1) << 9; frame++) {
      if (frame != (area << 9) + 5) {
        free(frame, 1);
      }
    }
    assertIsBack(area);
    assertEquals(area, lend(areas, 4, 0));
    use(area << 9, 1);
    areas.settle(area);
    assertEquals(NONE, claim(areas, 2, 0, 0));
    assertEquals(area, claim(areas, 4, 0, 0));
  }

  @Test
  void aFreeConcernsNobodyWhileTheBinIsStillRight() {
    long frame = 37;
    long free = UnitWord.block(5, 1) ^ UnitWord.ALL_HEAD;
    long pair = free ^ UnitWord.block(4, 1);
    long order0 = AreaWord.binned(0, AreaWord.firstBin(0));
    assertTrue(Areas.isSettled(order0, frame, free));
    assertFalse(Areas.isSettled(order0, frame, pair));
    assertTrue(Areas.isSettled(AreaWord.binned(0, AreaWord.firstBin(1)), frame, pair));
    long order4 = AreaWord.binned(0, AreaWord.firstBin(4) + 3);
    long order5 = AreaWord.binned(0, AreaWord.firstBin(5) + 3);
    long order8 = AreaWord.binned(0, AreaWord.firstBin(8) + 3);
    assertFalse(Areas.isSettled(order4, frame, UnitWord.ALL_FREE));
    assertFalse(Areas.isSettled(order5, frame, UnitWord.ALL_FREE), "words may coalesce");
    assertFalse(Areas.isSettled(order8, frame, UnitWord.ALL_FREE));
    long almost = UnitWord.ALL_FREE ^ UnitWord.block(31, 1);
    assertTrue(Areas.isSettled(order4, frame, almost));
    assertTrue(Areas.isSettled(order5, frame, almost));
    assertFalse(Areas.isSettled(AreaWord.full(0), frame, free));
    assertFalse(Areas.isSettled(AreaWord.fresh(0, 0), frame, free));
    assertFalse(Areas.isSettled(0, frame, free));
  }
}
