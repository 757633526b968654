package dev.bifolio.kernel.unit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.testkit.Behaviour;
import org.junit.jupiter.api.Test;

class AddressRangeTest {
  @Test
  @Behaviour("10")
  void theStartIsInsideAndTheEndOutside() {
    AddressRange range = AddressRange.ofBounds(0x1000, 0x5000);
    assertTrue(range.contains(0x1000));
    assertTrue(range.contains(0x4FFF));
    assertFalse(range.contains(0x5000));
    assertFalse(range.contains(0x0FFF));
    assertFalse(range.contains(-1));
  }

  @Test
  @Behaviour("21")
  void textNamesBothEnds() {
    assertEquals("[0x1000, 0x5000)", AddressRange.ofBounds(0x1000, 0x5000).toString());
    assertEquals("[0xfffffffffffff000, 2^64)", new AddressRange(-4096, 4096).toString());
  }

  @Test
  @Behaviour("23")
  void aRangeMayEndAtTheTopButNotPassIt() {
    AddressRange top = new AddressRange(-4096, 4096);
    assertEquals(0, top.end());
    assertEquals(-1, top.last());
    assertTrue(top.contains(-1));
    assertFalse(top.contains(0));
    assertEquals(top, AddressRange.ofBounds(-4096, 0));
    assertEquals(top, AddressRange.clipped(-4096, 1L << 40));
    assertEquals(new AddressRange(8, 8), AddressRange.clipped(8, 8));
    assertThrows(IllegalArgumentException.class, () -> new AddressRange(-4096, 4097));
    assertThrows(IllegalArgumentException.class, () -> new AddressRange(-4096, -1));
    assertThrows(IllegalArgumentException.class, () -> new AddressRange(0, 0));
    assertThrows(IllegalArgumentException.class, () -> AddressRange.clipped(0, 0));
    assertThrows(IllegalArgumentException.class, () -> AddressRange.ofBounds(8, 8));
    assertThrows(IllegalArgumentException.class, () -> AddressRange.ofBounds(8, 7));
  }

  @Test
  void rangesOverlapWhenTheyShareAByte() {
    AddressRange range = AddressRange.ofBounds(0x1000, 0x2000);
    assertFalse(range.overlaps(AddressRange.ofBounds(0x2000, 0x3000)));
    assertFalse(range.overlaps(AddressRange.ofBounds(0x800, 0x1000)));
    assertTrue(range.overlaps(AddressRange.ofBounds(0x1FFF, 0x2001)));
    assertTrue(range.overlaps(AddressRange.ofBounds(0xFFF, 0x1001)));
    assertTrue(range.overlaps(AddressRange.ofBounds(0x1100, 0x1200)));
    assertTrue(new AddressRange(-8, 8).overlaps(new AddressRange(-1, 1)));
    assertFalse(new AddressRange(-8, 8).overlaps(new AddressRange(0, 8)));
  }

  @Test
  @Behaviour("64")
  void wholeFramesRoundInwardsAndTouchedFramesOutwards() {
    assertFrames(1, 5, 1, 5, AddressRange.ofBounds(0x1000, 0x5000));
    assertFrames(2, 4, 1, 5, AddressRange.ofBounds(0x1001, 0x4FFF));
    assertFrames(0, 4, 0, 5, new AddressRange(0, 4 * 4096 + 2048));
    assertFrames(2, 1, 1, 2, AddressRange.ofBounds(0x1001, 0x1FFF));
    assertFrames(2, 2, 1, 3, AddressRange.ofBounds(0x1001, 0x2FFF));
    long top = 1L << 52;
    assertFrames(top - 1, top, top - 1, top, new AddressRange(-4096, 4096));
    assertFrames(top, top, top - 1, top, new AddressRange(-5, 5));
    assertFrames(0, top - 1, 0, top, new AddressRange(0, -1));
  }

  private static void assertFrames(
      long firstWhole, long endWhole, long firstTouched, long endTouched, AddressRange range) {
    assertEquals(firstWhole, range.firstWholePfn());
    assertEquals(endWhole, range.endWholePfn());
    assertEquals(firstTouched, range.firstTouchedPfn());
    assertEquals(endTouched, range.endTouchedPfn());
  }
}
