package dev.bifolio.kernel.unit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.testkit.Behaviour;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class PageFrameTest {
  /// Row 17 writes the block as (0x1000, order 2); row 22 rejects such a place, so it is moved to
  /// the next one that is aligned.
  @Test
  @Behaviour("17")
  void aBlockKnowsItsExtent() {
    PageFrame frame = new PageFrame(0x4000, 2);
    assertEquals(4, frame.frameCount());
    assertEquals(16384, frame.byteSize());
    assertEquals(0x8000, frame.endAddress());
    assertEquals(0x7FFF, frame.lastAddress());
    assertEquals(4, frame.startPfn());
    for (long inside : new long[] {0x4000, 0x5000, 0x5500, 0x7FFF}) {
      assertTrue(frame.contains(inside));
    }
    for (long outside : new long[] {0x3FFF, 0x8000, -1, Long.MIN_VALUE}) {
      assertFalse(frame.contains(outside));
    }
  }

  @Test
  @Behaviour("18")
  void splittingGivesTheHalves() {
    assertEquals(
        new PageFrame.Halves(new PageFrame(0x4000, 1), new PageFrame(0x6000, 1)),
        new PageFrame(0x4000, 2).split());
    assertEquals(
        new PageFrame.Halves(new PageFrame(0, 2), new PageFrame(0x4000, 2)),
        new PageFrame(0, 3).split());
    assertNull(new PageFrame(0x4000, 0).split());
  }

  @Test
  @Behaviour("20")
  void buddiesMergeInEitherDirectionAndNothingElseDoes() {
    PageFrame lower = new PageFrame(0, 1);
    PageFrame upper = new PageFrame(0x2000, 1);
    assertEquals(new PageFrame(0, 2), lower.merge(upper));
    assertEquals(new PageFrame(0, 2), upper.merge(lower));
    assertNull(lower.merge(new PageFrame(0x4000, 1)));
    assertNull(upper.merge(new PageFrame(0x4000, 1)));
    assertNull(lower.merge(new PageFrame(0x2000, 0)));
    assertNull(lower.merge(lower));
    PageFrame largest = new PageFrame(0, Pages.MAX_ORDER);
    assertNull(largest.merge(largest.buddy()));
  }

  @Test
  @Behaviour("20")
  void splitAndMergeAreInverse() {
    for (int order = 1; order <= Pages.MAX_ORDER; order++) {
      for (long index : new long[] {0, 1, 2, 77, (1L << (50 - order)) - 1}) {
        PageFrame frame = new PageFrame(index << order << 12, order);
        PageFrame.Halves halves = Objects.requireNonNull(frame.split());
        assertEquals(frame, halves.lower().merge(halves.upper()));
        assertEquals(frame, halves.upper().merge(halves.lower()));
      }
    }
  }

  @Test
  @Behaviour("21")
  void textOrderAndEquality() {
    assertEquals("0x12345000", AddressRange.hex(0x12345000));
    assertEquals("[0x4000, 0x8000) 4 pages", new PageFrame(0x4000, 2).toString());
    assertEquals("[0x1000, 0x2000) 1 page", new PageFrame(0x1000, 0).toString());
    assertEquals(new PageFrame(0x4000, 2), new PageFrame(0x4000, 2));
    assertNotEquals(new PageFrame(0x4000, 2), new PageFrame(0x4000, 1));
    assertTrue(new PageFrame(0x4000, 2).compareTo(new PageFrame(0x8000, 0)) < 0);
    assertTrue(new PageFrame(0x4000, 2).compareTo(new PageFrame(0x4000, 1)) > 0);
    assertEquals(0, new PageFrame(0x4000, 2).compareTo(new PageFrame(0x4000, 2)));
  }

  @Test
  @Behaviour("22")
  void aBlockThatIsNotAlignedToItsLengthIsRejected() {
    assertRejected(FrameError.UNALIGNED, 0x1000, 1);
    assertRejected(FrameError.UNALIGNED, 0x1000, 2);
    assertRejected(FrameError.UNALIGNED, 0x1001, 0);
    assertRejected(FrameError.UNALIGNED, 0x80000, 20);
    assertRejected(FrameError.INVALID_ORDER, 0, 21);
    assertRejected(FrameError.INVALID_ORDER, 0, -1);
    assertRejected(FrameError.OUT_OF_RANGE, -4096, 0);
  }

  private static void assertRejected(FrameError error, long address, int order) {
    FrameRequestException thrown =
        assertThrows(FrameRequestException.class, () -> new PageFrame(address, order));
    assertEquals(error, thrown.error());
    assertTrue(thrown.getMessage().startsWith(error.text()), thrown.getMessage());
  }

  @Test
  @Behaviour("23")
  void theTopmostBlockDoesNotWrap() {
    PageFrame top = new PageFrame(Long.MAX_VALUE & -4096, 0);
    assertTrue(top.contains(Long.MAX_VALUE));
    assertFalse(top.contains(Long.MIN_VALUE));
    assertEquals(Long.MAX_VALUE, top.lastAddress());
    assertThrows(ArithmeticException.class, top::endAddress);
    assertEquals("[0x7ffffffffffff000, 0x8000000000000000) 1 page", top.toString());
  }
}
