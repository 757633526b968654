package dev.bifolio.kernel.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// The beginning and the end of a space, and what a walk of it shows.
class DestroyTest {
  private static final long PAGE = 4096;
  private static final int R = PageFlags.READ;
  private static final int RW = PageFlags.READ | PageFlags.WRITE;

  static List<PageFormat> formats() {
    return TestTables.FORMATS;
  }

  private static void map(AddressSpace space, long at, long physical, long byteSize) {
    assertEquals(MapOutcome.MAPPED, space.map(at, physical, byteSize, RW));
  }

  private static long last(PageFormat format) {
    return format.isCanonical(-1) ? -PAGE : 0xFFFF_F000L;
  }

  // ---- Open and destroy ----

  @ParameterizedTest
  @MethodSource("formats")
  void aSpaceGivesAllBackAndCanBeOpenedAgain(PageFormat format) {
    try (TestTables tables = new TestTables(format, 60)) {
      int before = tables.inUse();
      AddressSpace space = tables.another();
      for (int turn = 0; turn < 3; turn++) {
        assertTrue(space.open());
        assertThrows(IllegalStateException.class, space::open);
        assertThrows(IllegalStateException.class, () -> space.open(tables.space));
        Recorder recorder = new Recorder();
        FlushBatch batch = new FlushBatch(100, recorder, recorder);
        long huge = format.pageByteSize(2);
        map(space, 0, 0, huge + PAGE);
        map(space, format.pageByteSize(format.levels()) + 3 * huge, 0, PAGE);
        map(space, last(format), 0x7000, PAGE);
        assertEquals(UnmapOutcome.DONE, space.unmapAny(huge, PAGE, true, tables.batch));
        space.flushed(tables.batch);
        int inUse = tables.inUse();
        assertEquals(before + space.tableCount(), inUse);
        space.destroy(batch);
        assertEquals(inUse, tables.inUse());
        assertEquals(0, space.tableCount());
        assertEquals(0, space.pageCount(1) + space.pageCount(2));
        assertEquals(AddressSpace.NOT_MAPPED, space.translate(0));
        assertEquals(inUse - before, space.flushed(batch));
        assertEquals(before, tables.inUse());
        String flags = PageFlags.toString(format.expressible(RW));
        assertEquals(
            List.of("gone 0 of 2 " + flags, "gone 0 of 1 " + flags, "gone 7000 of 1 " + flags),
            recorder.take());
      }
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void userSpacesGoBeforeTheKernelsAndTakeNothingOfIt(PageFormat format) {
    try (TestTables tables = new TestTables(format, 60)) {
      AddressSpace kernel = tables.space;
      FlushBatch batch = tables.batch;
      map(kernel, last(format), 0x5000, PAGE);
      AddressSpace one = tables.another();
      AddressSpace two = tables.another();
      int before = tables.inUse();
      assertTrue(one.open(kernel));
      assertTrue(two.open(kernel));
      assertThrows(IllegalArgumentException.class, () -> tables.another().open(one));
      map(one, 0, 0, PAGE);
      map(two, 0, 0, format.pageByteSize(2));
      assertThrows(IllegalStateException.class, () -> kernel.destroy(batch));
      one.destroy(batch);
      assertThrows(IllegalStateException.class, () -> kernel.destroy(batch));
      assertThrows(IllegalStateException.class, () -> one.destroy(batch));
      assertEquals(0x5000, two.translate(last(format)));
      two.destroy(batch);
      two.flushed(batch);
      assertEquals(before, tables.inUse());
      assertEquals(0x5000, kernel.translate(last(format)));
      assertEquals(AddressSpace.NOT_MAPPED, two.translate(last(format)));
      kernel.destroy(batch);
      kernel.flushed(batch);
      assertEquals(0, tables.inUse());
      // What was a user space can be one of its own now.
      assertTrue(one.open());
      map(one, last(format), 0x6000, PAGE);
      assertEquals(0x6000, one.translate(last(format)));
      one.destroy(batch);
      one.flushed(batch);
      assertEquals(0, tables.inUse());
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void whatIsNotOpenAnswersButDoesNothing(PageFormat format) {
    try (TestTables tables = new TestTables(format, 60)) {
      AddressSpace space = tables.another();
      FlushBatch batch = tables.batch;
      assertEquals(AddressSpace.NOT_MAPPED, space.lookup(0));
      assertEquals(AddressSpace.NOT_MAPPED, space.translate(0));
      assertEquals(AddressSpace.NOT_MAPPED, space.tableAt(0, 1));
      assertThrows(IllegalStateException.class, () -> space.map(0, 0, PAGE, R));
      assertThrows(IllegalStateException.class, () -> space.unmap(0, PAGE, batch));
      assertThrows(IllegalStateException.class, () -> space.protect(0, PAGE, R, batch));
      assertThrows(IllegalStateException.class, () -> space.split(0, 1, batch));
      assertThrows(IllegalStateException.class, () -> space.collapse(0, 2, batch));
      assertThrows(IllegalStateException.class, () -> space.replace(0, -1, 0, R, batch));
      assertThrows(IllegalStateException.class, () -> space.clearUsed(0, 0, batch));
      assertThrows(IllegalStateException.class, () -> space.destroy(batch));
      assertThrows(IllegalStateException.class, () -> space.walk(0, 1, new Lines(format)));
      AddressSpace user = tables.another();
      assertThrows(IllegalArgumentException.class, () -> user.open(space));
      assertThrows(IllegalStateException.class, () -> space.walk(0, 1, new Lines(format)));
      assertEquals(format.rootCount(), tables.inUse());
      assertEquals(format, space.format());
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void aSpaceWithoutMemoryForItsRootsStaysClosed(PageFormat format) {
    try (TestTables tables = new TestTables(format, 60)) {
      AddressSpace space = tables.another();
      long[] pool = new long[TableFrames.POOL_FRAMES];
      tables.serve(0);
      for (int i = 0; i < pool.length; i++) {
        pool[i] = tables.frames.allocate();
      }
      assertFalse(space.open());
      assertFalse(space.open(tables.space));
      assertEquals(0, space.tableCount());
      // None of the two was counted as a user space.
      tables.space.destroy(tables.batch);
      tables.space.flushed(tables.batch);
      assertEquals(pool.length, tables.inUse());
      tables.serve(2);
      assertTrue(space.open());
    }
  }

  // ---- Walk ----

  @ParameterizedTest
  @MethodSource("formats")
  void aWalkShowsTablesBeforeWhatIsBelowThemAndAllInOrder(PageFormat format) {
    try (TestTables tables = new TestTables(format, 60)) {
      AddressSpace space = tables.space;
      long huge = format.pageByteSize(2);
      map(space, 2 * huge, 3 * huge, huge);
      map(space, 3 * huge + PAGE, 0x5000, PAGE);
      map(space, PAGE, 0x9000, 2 * PAGE);
      Lines seen = new Lines(format);
      space.walk(0, 4 * huge, seen);
      List<String> expected = new ArrayList<>();
      for (int level = format.levels(); level >= 1; level--) {
        expected.add("table " + level + " at 0");
      }
      expected.add(Lines.page(format, 1, PAGE, 0x9000, RW));
      expected.add(Lines.page(format, 1, 2 * PAGE, 0xA000, RW));
      expected.add(Lines.page(format, 2, 2 * huge, 3 * huge, RW));
      expected.add("table 1 at " + Long.toHexString(3 * huge));
      expected.add(Lines.page(format, 1, 3 * huge + PAGE, 0x5000, RW));
      assertEquals(expected, seen.lines);
      assertEquals(tables.table(space, 0, format.levels()), seen.tables.get(0));
      assertEquals(tables.table(space, 0, 1), seen.tables.get(format.levels() - 1));
      assertEquals(tables.table(space, 3 * huge, 1), seen.tables.get(format.levels()));
      // A range shows what it touches: the large page whose last byte is in it.
      Lines part = new Lines(format);
      space.walk(3 * huge - 1, 2 + PAGE, part);
      assertEquals(format.levels() - 1 + 3, part.lines.size());
      assertEquals(
          Lines.page(format, 2, 2 * huge, 3 * huge, RW), part.lines.get(format.levels() - 1));
      Lines before = new Lines(format);
      space.walk(3 * huge, PAGE, before);
      assertEquals(format.levels(), before.lines.size());
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void aWalkOfTheUpperEndHasItsOwnAddresses(PageFormat format) {
    try (TestTables tables = new TestTables(format, 60)) {
      AddressSpace space = tables.space;
      long at = last(format);
      map(space, at, 0x5000, PAGE);
      Lines seen = new Lines(format);
      space.walk(at, PAGE, seen);
      assertEquals(format.levels() + 1, seen.lines.size());
      long tableStart = at & -format.pageByteSize(2);
      assertEquals(
          "table 1 at " + Long.toHexString(tableStart), seen.lines.get(format.levels() - 1));
      assertEquals(Lines.page(format, 1, at, 0x5000, RW), seen.lines.get(format.levels()));
      String root = format == Aarch64Format.INSTANCE ? "ffff000000000000" : "0";
      assertEquals("table " + format.levels() + " at " + root, seen.lines.get(0));
      Lines none = new Lines(format);
      assertThrows(IllegalArgumentException.class, () -> space.walk(0, 0, none));
      assertThrows(IllegalArgumentException.class, () -> space.walk(0, 1L << 60, none));
      assertTrue(none.lines.isEmpty());
    }
  }
}
