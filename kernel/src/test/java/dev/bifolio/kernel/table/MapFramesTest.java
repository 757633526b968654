package dev.bifolio.kernel.table;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Lists of frames in consecutive pages: what is mapped, and what is refused and leaves every byte
/// as it was.
class MapFramesTest {
  private static final long PAGE = 4096;
  private static final int RW = PageFlags.READ | PageFlags.WRITE;

  static List<PageFormat> formats() {
    return TestTables.FORMATS;
  }

  @ParameterizedTest
  @MethodSource("formats")
  void eachFrameIsBehindItsPage(PageFormat format) {
    try (TestTables tables = new TestTables(format, 8)) {
      AddressSpace space = tables.space;
      // From inside the array, and across the border of two tables.
      long[] pfns = {99, 7, 3, 0x4_4444, 3, 98};
      long[] before = pfns.clone();
      long at = format.pageByteSize(2) - 2 * PAGE;
      assertEquals(MapOutcome.MAPPED, space.mapFrames(at, pfns, 1, 4, RW));
      assertArrayEquals(before, pfns);
      assertEquals(AddressSpace.NOT_MAPPED, space.translate(at - 1));
      assertEquals(7 * PAGE, space.translate(at));
      assertEquals(3 * PAGE + 5, space.translate(at + PAGE + 5));
      assertEquals(0x4_4444_000L, space.translate(at + 2 * PAGE));
      assertEquals(3 * PAGE, space.translate(at + 3 * PAGE));
      assertEquals(AddressSpace.NOT_MAPPED, space.translate(at + 4 * PAGE));
      assertEquals(format.leaf(1, 0x4_4444_000L, RW), tables.lastEntry(space, at + 2 * PAGE));
      assertEquals(4, space.pageCount(1));
      assertEquals(format.levels() + format.rootCount(), space.tableCount());
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void aMapOfARunWorksAfterOneOfFrames(PageFormat format) {
    try (TestTables tables = new TestTables(format, 8)) {
      AddressSpace space = tables.space;
      assertEquals(MapOutcome.MAPPED, space.mapFrames(0, new long[] {9, 4}, 0, 2, RW));
      assertEquals(MapOutcome.MAPPED, space.map(2 * PAGE, 20 * PAGE, 3 * PAGE, RW));
      assertEquals(9 * PAGE, space.translate(0));
      assertEquals(22 * PAGE, space.translate(4 * PAGE));
      // A run of frames that would fit a large page is mapped by small ones.
      long huge = format.pageByteSize(2);
      long[] run = new long[(int) (huge / PAGE)];
      for (int i = 0; i < run.length; i++) {
        run[i] = huge / PAGE + i;
      }
      assertEquals(MapOutcome.MAPPED, space.mapFrames(huge, run, 0, run.length, RW));
      assertEquals(1, MappedPage.level(space.lookup(huge)));
      assertEquals(2 * huge - 1, space.translate(2 * huge - 1));
      assertEquals(5 + run.length, space.pageCount(1));
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void oneFrameIsAPageToo(PageFormat format) {
    try (TestTables tables = new TestTables(format, 8)) {
      for (long at : new long[] {5 * PAGE, 6 * PAGE}) { // without tables, and with
        long[] pfns = {1, 2, 77};
        assertEquals(MapOutcome.MAPPED, tables.space.mapFrames(at, pfns, 2, 1, RW));
        assertEquals(77 * PAGE, tables.space.translate(at));
        assertEquals(MapOutcome.ALREADY_MAPPED, tables.space.mapFrames(at, pfns, 0, 1, RW));
      }
      assertEquals(2, tables.space.pageCount(1));
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void whatIsRefusedLeavesAllAsItWas(PageFormat format) {
    try (TestTables tables = new TestTables(format, 16)) {
      AddressSpace space = tables.space;
      assertEquals(MapOutcome.MAPPED, space.map(3 * PAGE, 0, PAGE, RW));
      String state = tables.state(space);
      long[] pfns = {1, 2, 3, 4};
      long top = (1L << format.physicalBits() >>> 12) - 1;
      assertEquals(MapOutcome.ALREADY_MAPPED, space.mapFrames(0, pfns, 0, 4, RW));
      assertEquals(MapOutcome.MISALIGNED, space.mapFrames(1, pfns, 0, 2, RW));
      assertEquals(MapOutcome.MISALIGNED, space.mapFrames(0, pfns, 0, 0, RW));
      long end = MapTest.lowEnd(format);
      assertEquals(MapOutcome.NOT_CANONICAL, space.mapFrames(end - PAGE, pfns, 0, 2, RW));
      assertEquals(MapOutcome.TOO_HIGH, space.mapFrames(0, new long[] {0, top + 1}, 0, 2, RW));
      assertEquals(MapOutcome.TOO_HIGH, space.mapFrames(0, new long[] {0, -1}, 0, 2, RW));
      assertThrows(IndexOutOfBoundsException.class, () -> space.mapFrames(0, pfns, 2, 3, RW));
      assertThrows(IllegalArgumentException.class, () -> space.mapFrames(0, pfns, 0, 2, 0));
      assertEquals(state, tables.state(space));
      // What is not among the entries that are meant does not matter; the highest frame is legal.
      assertEquals(MapOutcome.MAPPED, space.mapFrames(0, new long[] {-1, top, 5, -1}, 1, 2, RW));
      assertEquals(top * PAGE, space.translate(0));
    }
  }

  @Test
  void aUserSpaceDoesNotMapFramesInTheKernelsHalf() {
    try (TestTables tables = new TestTables(X86Format.LEVELS_4, 16)) {
      AddressSpace user = tables.another();
      user.open(tables.space);
      assertEquals(MapOutcome.KERNEL_HALF, user.mapFrames(-2 * PAGE, new long[] {1, 2}, 0, 2, RW));
      assertEquals(
          MapOutcome.TOP_IS_SHARED, tables.space.mapFrames(-2 * PAGE, new long[] {1, 2}, 0, 2, RW));
    }
  }
}
