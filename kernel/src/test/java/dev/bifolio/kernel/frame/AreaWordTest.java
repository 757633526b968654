package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/// The fields of an area word are kept apart.
class AreaWordTest {
  private static final int[] SLOTS = {AreaWord.NO_SLOT, 0, 1, 31, 12_345, Integer.MAX_VALUE - 1};

  private static void assertFields(
      long word, int state, int kind, int bin, int slot, boolean partial) {
    assertEquals(state, AreaWord.state(word));
    assertEquals(kind, AreaWord.kind(word));
    assertEquals(bin, AreaWord.bin(word));
    assertEquals(slot, AreaWord.slot(word));
    assertEquals(partial, AreaWord.isPartial(word));
    assertFalse(AreaWord.isDirty(word));
    assertEquals(0, word & AreaWord.INIT);
  }

  @Test
  void zeroIsAnAreaOfTheLevelAbove() {
    assertFields(0, AreaWord.NONE, 0, 0, AreaWord.NO_SLOT, false);
    long returned = AreaWord.returned();
    assertEquals(AreaWord.INIT, returned & AreaWord.INIT);
    assertFields(returned ^ AreaWord.INIT, AreaWord.NONE, 0, 0, AreaWord.NO_SLOT, false);
  }

  @Test
  void theStatesAreFiveNumbers() {
    assertEquals(0, AreaWord.NONE);
    for (int state = 0; state < 5; state++) {
      assertEquals(state, AreaWord.state(state | ~7L));
    }
    int all =
        1 << AreaWord.NONE
            | 1 << AreaWord.BINNED
            | 1 << AreaWord.RESERVED
            | 1 << AreaWord.FULL
            | 1 << AreaWord.ABSENT;
    assertEquals(0b11111, all);
  }

  @Test
  void aChangeOfStateKeepsKindAndPartialAndDropsTheRest() {
    for (int kind = 0; kind < AllocationFlags.KIND_COUNT; kind++) {
      for (int slot : SLOTS) {
        assertFields(AreaWord.fresh(kind, slot), AreaWord.RESERVED, kind, 0, slot, false);
        for (int bin = 0; bin < AreaWord.BINS; bin++) {
          for (long partial : new long[] {0, AreaWord.PARTIAL}) {
            boolean isPartial = partial != 0;
            long full =
                AreaWord.fresh(kind, slot) | partial | AreaWord.DIRTY | AreaWord.INIT | bin << 16;
            assertFields(AreaWord.full(full), AreaWord.FULL, kind, 0, AreaWord.NO_SLOT, isPartial);
            long binned = AreaWord.binned(full, bin);
            assertFields(binned, AreaWord.BINNED, kind, bin, AreaWord.NO_SLOT, isPartial);
            long reserved = AreaWord.reserved(binned | AreaWord.DIRTY | AreaWord.INIT, slot);
            assertFields(reserved, AreaWord.RESERVED, kind, 0, slot, isPartial);
          }
        }
      }
    }
  }

  @Test
  void dirtyIsOneBitOfItsOwn() {
    long word = AreaWord.fresh(5, 77);
    assertFalse(AreaWord.isDirty(word));
    assertTrue(AreaWord.isDirty(word | AreaWord.DIRTY));
    assertFields((word | AreaWord.DIRTY) ^ AreaWord.DIRTY, AreaWord.RESERVED, 5, 0, 77, false);
    assertFalse(AreaWord.isPartial(word | AreaWord.DIRTY | AreaWord.INIT));
    assertFalse(AreaWord.isDirty(word | AreaWord.PARTIAL | AreaWord.INIT));
  }

  @Test
  void theHolderIsTheStateAndTheSlot() {
    long word = AreaWord.fresh(3, 9);
    assertTrue(AreaWord.sameHolder(word, word));
    assertTrue(AreaWord.sameHolder(word, AreaWord.fresh(4, 9)));
    assertTrue(AreaWord.sameHolder(word, word | AreaWord.DIRTY | AreaWord.PARTIAL));
    assertFalse(AreaWord.sameHolder(word, AreaWord.fresh(3, 8)));
    assertFalse(AreaWord.sameHolder(word, AreaWord.fresh(3, AreaWord.NO_SLOT)));
    assertFalse(AreaWord.sameHolder(word, AreaWord.full(word)));
    long none = AreaWord.reserved(word, AreaWord.NO_SLOT);
    assertFalse(AreaWord.sameHolder(none, AreaWord.full(word)));
    assertTrue(AreaWord.sameHolder(AreaWord.binned(word, 1), AreaWord.binned(word, 2)));
  }

  @Test
  void aBinIsALargestOrderAndHowEmptyTheAreaIs() {
    for (int order = 0; order <= 8; order++) {
      int first = AreaWord.firstBin(order);
      assertEquals(4 * order, first);
      int[] borders = {1, 7, 8, 31, 32, 127, 128, 511};
      int[] emptiness = {0, 0, 1, 1, 2, 2, 3, 3};
      for (int i = 0; i < borders.length; i++) {
        int bin = AreaWord.bin(order, borders[i]);
        assertEquals(first + emptiness[i], bin);
        assertEquals(order, AreaWord.largestOrder(bin));
        assertTrue(bin < AreaWord.BINS);
      }
    }
    assertEquals(AreaWord.bin(8, 512), AreaWord.bin(9, 512), "a whole area waits in the last bin");
  }

  @Test
  void nearlyFullIsFullOrBinnedWithFewFreeFrames() {
    assertTrue(AreaWord.isNearlyFull(AreaWord.full(0)));
    assertTrue(AreaWord.isNearlyFull(AreaWord.full(AreaWord.PARTIAL)));
    assertFalse(AreaWord.isNearlyFull(AreaWord.fresh(0, 0)));
    assertFalse(AreaWord.isNearlyFull(0));
    assertFalse(AreaWord.isNearlyFull(AreaWord.ABSENT));
    for (int bin = 0; bin < AreaWord.BINS; bin++) {
      assertEquals(bin % 4 == 0, AreaWord.isNearlyFull(AreaWord.binned(0, bin)));
    }
  }

  @Test
  void anAreaIs512FramesInSixteenWords() {
    assertEquals(512, AreaWord.FRAMES);
    assertEquals(16, AreaWord.WORDS);
    assertEquals(AreaWord.firstBin(8) + 4, AreaWord.BINS);
  }
}
