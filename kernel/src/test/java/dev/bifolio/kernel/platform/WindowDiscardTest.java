package dev.bifolio.kernel.platform;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

/// What is given back to the operating system reads as zero; everything else is left alone.
class WindowDiscardTest {
  private static final long PAGE = 4096;

  private static void write(Window window, long pages) {
    for (long at = 0; at < pages * PAGE; at += 8) {
      Memory.putLong(window.address() + at, at + 1);
    }
  }

  private static void assertContents(Window window, long pages, long from, long end) {
    for (long at = 0; at < pages * PAGE; at += 8) {
      boolean gone = at >= from * PAGE && at < end * PAGE;
      assertEquals(gone ? 0 : at + 1, Memory.getLong(window.address() + at), "byte " + at);
    }
  }

  @Test
  void pagesReadAsZeroAfterwardsAndCanBeWrittenAgain() throws WindowException {
    try (Window window = Window.reserve(8 * PAGE)) {
      write(window, 8);
      window.discard(window.address() + 2 * PAGE, 3 * PAGE);
      assertContents(window, 8, 2, 5);
      write(window, 8);
      assertContents(window, 8, 0, 0);
      window.discard(window.address() + PAGE, 0);
      assertContents(window, 8, 0, 0);
      window.discard(window.address() + 8 * PAGE, 0);
      window.discard(window.address() + 7 * PAGE, PAGE);
      assertContents(window, 8, 7, 8);
      window.discard(window.address(), 8 * PAGE);
      assertContents(window, 8, 0, 8);
    }
  }

  @Test
  void whatIsNotWholePagesOfTheWindowIsRefused() throws WindowException {
    try (Window window = Window.reserve(8 * PAGE)) {
      write(window, 8);
      long start = window.address();
      long[][] wrong = {
        {start + 8, PAGE},
        {start, 8},
        {start - PAGE, PAGE},
        {start, -PAGE},
        {start + 8 * PAGE, PAGE},
        {start + PAGE, 8 * PAGE},
        {start + 9 * PAGE, 0},
        {start + PAGE, Long.MAX_VALUE & -PAGE},
      };
      for (long[] range : wrong) {
        assertThrows(IllegalArgumentException.class, () -> window.discard(range[0], range[1]));
      }
      assertContents(window, 8, 0, 0);
    }
  }

  @Test
  void aClosedWindowIsLeftAlone() throws WindowException {
    Window window = Window.reserve(PAGE);
    window.close();
    assertThrows(IllegalStateException.class, () -> window.discard(window.address(), PAGE));
  }
}
