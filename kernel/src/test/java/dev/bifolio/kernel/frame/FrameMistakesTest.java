package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;
import org.junit.jupiter.api.Test;

/// A refused request says what was wrong with it, and not what was right.
class FrameMistakesTest extends FrameAllocatorFixture {
  FrameMistakesTest() {
    super(new AllocatorUnderTest.Buddy());
  }

  private static String within(FrameError error, long frameCount) {
    return FrameMistakes.within(error, frameCount, 3, 5, 9).getMessage();
  }

  @Test
  void ofABadCountAndABadPlaceTheCountIsTold() {
    for (long bad : new long[] {-1, 0, 513, Long.MAX_VALUE}) {
      String told = within(FrameError.TOO_LARGE, bad);
      assertEquals(
          "expected 1 to 512 frames, found " + bad, told.substring(told.indexOf("expected")));
    }
    for (long good : new long[] {1, 512}) {
      String told = within(FrameError.UNALIGNED, good);
      assertTrue(told.endsWith("found " + good + " frames aligned to 3 with boundary 5"), told);
      assertTrue(told.contains("a power of two up to 512,"), told);
      assertFalse(within(FrameError.NOT_INITIALIZED, good).contains("alignment"));
    }
  }

  @Test
  void aRunThatEndsOutsideNamesItsLastFrame() {
    FrameAllocator allocator = spanOf(20, 0x100, 64);
    allocator.addFrames(0x100, 0x110);
    long pfn = allocateFrames(allocator, 16);
    assertEquals(0x100, pfn);
    String told =
        assertThrows(FrameRequestException.class, () -> allocator.freeFrames(pfn, 32)).getMessage();
    assertTrue(told.endsWith("; the last of them, 0x11f, is outside"), told);
    String absent =
        assertThrows(FrameRequestException.class, () -> allocator.freeFrames(0x120, 32))
            .getMessage();
    assertFalse(absent.contains("the last of them"), absent);
  }
}
