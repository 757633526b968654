package dev.bifolio.kernel.platform;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/// What is given back to the operating system reads as zero; everything else is left alone.
class WindowTest {
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
        assertThrows(
            IllegalArgumentException.class, () -> window.preferHugePages(range[0], range[1]));
      }
      assertContents(window, 8, 0, 0);
    }
  }

  @Test
  void aClosedWindowIsLeftAlone() throws WindowException {
    Window window = Window.reserve(PAGE);
    window.close();
    assertThrows(IllegalStateException.class, () -> window.discard(window.address(), PAGE));
    assertThrows(IllegalStateException.class, () -> window.preferHugePages(window.address(), PAGE));
  }

  @Test
  void hugePagesArePreferredWhereThatIsAskedForAlone() throws WindowException, IOException {
    assumeTrue(
        Files.exists(Path.of("/sys/kernel/mm/transparent_hugepage/enabled")),
        "left out: the operating system has no huge pages to prefer");
    try (Window window = Window.reserve(8 * PAGE)) {
      write(window, 8);
      assertFalse(prefersHugePages(window.address()));
      window.preferHugePages(window.address() + 2 * PAGE, 3 * PAGE);
      for (long page = 0; page < 8; page++) {
        assertEquals(
            page >= 2 && page < 5, prefersHugePages(window.address() + page * PAGE), "" + page);
      }
      assertContents(window, 8, 0, 0);
    }
  }

  /// What the operating system says of the mapping at an address: a line with its range, and below
  /// it one with its flags, `hg` among them; see proc_pid_smaps(5).
  private static boolean prefersHugePages(long address) throws IOException {
    boolean isOurs = false;
    for (String line : Files.readAllLines(Path.of("/proc/self/smaps"))) {
      String[] range = line.split(" ", 2)[0].split("-", -1);
      if (range.length == 2) {
        isOurs =
            Long.parseUnsignedLong(range[0], 16) <= address
                && address < Long.parseUnsignedLong(range[1], 16);
      } else if (isOurs && line.startsWith("VmFlags:")) {
        return (line + " ").contains(" hg ");
      }
    }
    throw new AssertionError("no mapping at 0x" + Long.toHexString(address));
  }
}
