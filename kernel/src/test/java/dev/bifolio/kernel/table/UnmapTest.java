package dev.bifolio.kernel.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.testkit.Behaviour;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// What unmapping does, which tables it frees, and what it obliges to flush.
class UnmapTest {
  private static final long PAGE = 4096;
  private static final int RW = PageFlags.READ | PageFlags.WRITE;

  static List<PageFormat> formats() {
    return TestTables.FORMATS;
  }

  private static void map(AddressSpace space, long at, long physical, long byteSize) {
    assertEquals(MapOutcome.MAPPED, space.map(at, physical, byteSize, RW));
  }

  @ParameterizedTest
  @MethodSource("formats")
  @Behaviour("122")
  void aPageThatIsGoneIsFlushedOnceAndCannotGoAgain(PageFormat format) {
    try (TestTables tables = new TestTables(format, 8)) {
      AddressSpace space = tables.space;
      FlushBatch batch = tables.batch;
      assertEquals(UnmapOutcome.NOT_MAPPED, space.unmap(0x7000, PAGE, batch));
      assertTrue(batch.isEmpty());
      map(space, 0x7000, 0x9000, PAGE);
      map(space, 0x8000, 0xA000, PAGE);
      assertEquals(UnmapOutcome.DONE, space.unmap(0x7000, PAGE, batch));
      assertEquals(0, tables.lastEntry(space, 0x7000));
      assertEquals(AddressSpace.NOT_MAPPED, space.translate(0x7000));
      assertEquals(AddressSpace.NOT_MAPPED, space.lookup(0x7000));
      assertEquals(0xA000, space.translate(0x8000));
      assertFalse(batch.isEmpty());
      assertEquals(1, batch.count());
      assertEquals(0x7000, batch.address(0));
      assertEquals(1, batch.pageCount());
      assertEquals(0, space.flushed(batch));
      assertTrue(batch.isEmpty());
      String before = tables.state(space);
      assertEquals(UnmapOutcome.NOT_MAPPED, space.unmap(0x7000, PAGE, batch));
      assertEquals(before, tables.state(space));
      assertTrue(batch.isEmpty());
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  @Behaviour("123")
  void theOnlyPageTakesItsTablesWithItButNotTheRoot(PageFormat format) {
    try (TestTables tables = new TestTables(format, 8)) {
      AddressSpace space = tables.space;
      String empty = tables.state(space);
      long root = space.rootAddress(0);
      map(space, 0x5000, 0, PAGE);
      map(space, 0x6000, 0, PAGE);
      assertEquals(UnmapOutcome.DONE, space.unmap(0x5000, PAGE, tables.batch));
      assertEquals(0, space.flushed(tables.batch)); // a sibling keeps all of them
      assertEquals(UnmapOutcome.DONE, space.unmap(0x6000, PAGE, tables.batch));
      int below = format.levels() - 1;
      assertEquals(1, tables.batch.pageCount()); // a flush for the page is one for its tables
      assertEquals(format.rootCount() + below, tables.inUse()); // until the flush
      long freed = tables.frames.freed();
      assertEquals(below, space.flushed(tables.batch));
      assertEquals(freed + below, tables.frames.freed());
      assertEquals(format.rootCount(), tables.inUse());
      assertEquals(root, space.rootAddress(0));
      assertEquals(empty, tables.state(space));
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void aSiblingKeepsTheTablesAboveItOnly(PageFormat format) {
    for (int level = 2; level <= format.levels(); level++) {
      try (TestTables tables = new TestTables(format, 16)) {
        AddressSpace space = tables.space;
        map(space, 0x5000, 0, PAGE);
        map(space, 0x5000 + format.pageByteSize(level), 0, PAGE);
        assertEquals(UnmapOutcome.DONE, space.unmap(0x5000, PAGE, tables.batch));
        assertEquals(level - 1, space.flushed(tables.batch));
        assertEquals(0, space.translate(0x5000 + format.pageByteSize(level)));
        assertEquals(format.rootCount() + format.levels() - 1, space.tableCount());
        assertEquals(space.tableCount(), tables.inUse());
      }
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void whoWillMapThereAgainKeepsTheTables(PageFormat format) {
    try (TestTables tables = new TestTables(format, 16)) {
      AddressSpace space = tables.space;
      map(space, 0x5000, 0, PAGE);
      long tableCount = space.tableCount();
      assertEquals(UnmapOutcome.DONE, space.unmapAny(0x5000, PAGE, true, tables.batch));
      assertEquals(0, space.flushed(tables.batch));
      assertEquals(tableCount, space.tableCount());
      tables.serve(0);
      map(space, 0x5000, 0x1000, PAGE);
      assertEquals(UnmapOutcome.DONE, space.unmapAny(0x5000, PAGE, true, tables.batch));
      assertEquals(0, space.flushed(tables.batch));
      assertEquals(UnmapOutcome.DONE, space.unmapAny(0x6000, PAGE, false, tables.batch));
      assertEquals(tableCount - format.rootCount(), space.flushed(tables.batch));
      assertEquals(format.rootCount(), space.tableCount());
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void aTableThatGoesWithoutAPageIsFlushedToo(PageFormat format) {
    try (TestTables tables = new TestTables(format, 16)) {
      AddressSpace space = tables.space;
      long huge = format.pageByteSize(2);
      map(space, huge + 0x5000, 0, PAGE);
      map(space, 0x5000, 0, PAGE);
      assertEquals(UnmapOutcome.DONE, space.unmapAny(huge, huge, true, tables.batch));
      space.flushed(tables.batch);
      assertTrue(tables.batch.isEmpty());
      // A processor may remember where the empty table lies.
      assertEquals(UnmapOutcome.DONE, space.unmapAny(huge, huge, false, tables.batch));
      assertFalse(tables.batch.isEmpty());
      assertEquals(1, tables.batch.count());
      assertEquals(huge, tables.batch.address(0));
      assertEquals(1, space.flushed(tables.batch));
      assertTrue(tables.batch.isEmpty());
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  @Behaviour({"127", "128"})
  void aPartOfALargePageGoesAndTheRestStays(PageFormat format) {
    for (int level = 2; level <= Math.min(3, format.largestLeafLevel()); level++) {
      try (TestTables tables = new TestTables(format, 16)) {
        AddressSpace space = tables.space;
        long size = format.pageByteSize(level);
        int flags = RW | PageFlags.USER | PageFlags.DIRTY;
        assertEquals(MapOutcome.MAPPED, space.mapExact(size, 0, size, flags, level));
        long hole = 5 * PAGE;
        assertEquals(MapOutcome.ALREADY_MAPPED, space.map(size + hole, 0x8000_0000L, PAGE, RW));
        assertEquals(UnmapOutcome.DONE, space.unmap(size + hole, PAGE, tables.batch));
        assertEquals(MapOutcome.MAPPED, space.map(size + hole, 0x8000_0000L, PAGE, RW));
        int others = 0;
        for (long at = 0; at < size; at += PAGE) {
          long word = space.lookup(size + at);
          assertEquals(at == hole ? 0x8000_0000L : at, space.translate(size + at));
          assertEquals(format.expressible(at == hole ? RW : flags), MappedPage.flags(word));
          others += at == hole ? 0 : 1;
        }
        assertEquals(size / PAGE - 1, others);
        assertEquals(format.entryCount(), space.pageCount(1));
        assertEquals(level == 3 ? format.entryCount() - 1 : 0, space.pageCount(2));
        assertEquals(0, level == 3 ? space.pageCount(3) : 0);
        assertEquals(format.levels() - 1 + format.rootCount(), space.tableCount());
      }
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void allOrNothingGoes(PageFormat format) {
    try (TestTables tables = new TestTables(format, 16)) {
      AddressSpace space = tables.space;
      long huge = format.pageByteSize(2);
      map(space, 0, 0, huge);
      map(space, huge, 0, 3 * PAGE);
      map(space, huge + 4 * PAGE, 0, PAGE);
      String before = tables.state(space);
      long size = huge / 2 + 5 * PAGE;
      assertEquals(UnmapOutcome.NOT_MAPPED, space.unmap(huge / 2, size, tables.batch));
      assertEquals(UnmapOutcome.NOT_MAPPED, space.unmap(huge, huge, tables.batch));
      assertEquals(ProtectOutcome.NOT_MAPPED, space.protect(0, huge + 5 * PAGE, RW, tables.batch));
      assertEquals(before, tables.state(space));
      assertTrue(tables.batch.isEmpty());
      assertEquals(UnmapOutcome.DONE, space.unmapAny(huge / 2, size, false, tables.batch));
      assertEquals(0, space.translate(0));
      assertEquals(huge / 2 - 1, space.translate(huge / 2 - 1));
      assertEquals(AddressSpace.NOT_MAPPED, space.translate(huge / 2));
      assertEquals(AddressSpace.NOT_MAPPED, space.translate(huge + 4 * PAGE));
      assertEquals(huge / 2 / PAGE, space.pageCount(1));
      assertEquals(0, space.pageCount(2));
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void rangesThatAreNoneAreRefused(PageFormat format) {
    try (TestTables tables = new TestTables(format, 16)) {
      AddressSpace space = tables.space;
      FlushBatch batch = tables.batch;
      map(space, 0, 0, 2 * PAGE);
      String before = tables.state(space);
      assertEquals(UnmapOutcome.MISALIGNED, space.unmap(1, PAGE, batch));
      assertEquals(UnmapOutcome.MISALIGNED, space.unmap(0, PAGE + 1, batch));
      assertEquals(UnmapOutcome.MISALIGNED, space.unmap(0, 0, batch));
      assertEquals(UnmapOutcome.MISALIGNED, space.unmapAny(0, 0, false, batch));
      assertEquals(ProtectOutcome.MISALIGNED, space.protect(1, PAGE, RW, batch));
      assertEquals(ProtectOutcome.MISALIGNED, space.protect(0, 0, RW, batch));
      long beyond = 1L << 60;
      assertEquals(UnmapOutcome.NOT_CANONICAL, space.unmap(beyond, PAGE, batch));
      assertEquals(UnmapOutcome.NOT_CANONICAL, space.unmapAny(0, beyond, false, batch));
      assertEquals(ProtectOutcome.NOT_CANONICAL, space.protect(beyond, PAGE, RW, batch));
      assertEquals(SplitOutcome.NOT_CANONICAL, space.split(beyond, 1, batch));
      assertEquals(CollapseOutcome.NOT_CANONICAL, space.collapse(beyond, 2, batch));
      assertEquals(ReplaceOutcome.NOT_CANONICAL, space.replace(beyond, -1, 0, RW, batch));
      assertEquals(AddressSpace.NOT_MAPPED, space.clearUsed(beyond, PageFlags.ACCESSED, batch));
      assertEquals(before, tables.state(space));
      assertTrue(batch.isEmpty());
    }
  }

  // ---- Who is told ----

  @ParameterizedTest
  @MethodSource("formats")
  void whoOwnsThePagesIsToldOfThemOnlyWhenTheyAreFlushed(PageFormat format) {
    try (TestTables tables = new TestTables(format, 16)) {
      AddressSpace space = tables.space;
      Recorder recorder = new Recorder();
      FlushBatch batch = new FlushBatch(8, recorder, recorder);
      long huge = format.pageByteSize(2);
      map(space, 0, 0, huge + 2 * PAGE);
      tables.touch(space, huge + PAGE, PageFlags.ACCESSED | PageFlags.DIRTY);
      assertEquals(UnmapOutcome.DONE, space.unmap(0, huge + 2 * PAGE, batch));
      assertEquals(List.of(), recorder.take());
      batch.flush();
      String second = "flush " + Long.toHexString(huge);
      String third = "flush " + Long.toHexString(huge + PAGE);
      assertEquals(List.of("flush 0", second, third), recorder.take());
      assertTrue(batch.isEmpty());
      space.flushed(batch);
      String flags = PageFlags.toString(format.expressible(RW));
      String used =
          PageFlags.toString(format.expressible(RW | PageFlags.ACCESSED | PageFlags.DIRTY));
      assertEquals(
          List.of(
              "gone 0 of 2 " + flags,
              "gone " + Long.toHexString(huge) + " of 1 " + flags,
              "gone " + Long.toHexString(huge + PAGE) + " of 1 " + used),
          recorder.take());
      space.flushed(batch);
      assertEquals(List.of(), recorder.take());
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void aFullListOfPagesIsFlushedByItselfAndTheTableAgainAfterIt(PageFormat format) {
    try (TestTables tables = new TestTables(format, 16)) {
      AddressSpace space = tables.space;
      Recorder recorder = new Recorder();
      FlushBatch batch = new FlushBatch(4, recorder, recorder);
      int pages = format.entryCount();
      long byteSize = pages * PAGE;
      assertEquals(MapOutcome.MAPPED, space.map(0, 0, byteSize, RW, 1));
      recorder.onFlush = at -> assertEquals(0, tables.lastEntry(space, 511 * PAGE));
      assertEquals(UnmapOutcome.DONE, space.unmap(0, byteSize, batch));
      List<String> events = recorder.take();
      assertEquals(pages + pages / 512, events.size());
      assertEquals("flush all", events.get(0));
      assertEquals("gone 0 of 1 " + PageFlags.toString(format.expressible(RW)), events.get(1));
      // The tables went after the last flush, so they are flushed themselves.
      assertFalse(batch.isEmpty());
      assertEquals(pages + format.levels() - 1 - (format.levels() - 2), batch.pageCount());
      assertEquals(1, batch.count());
      assertEquals(0, batch.address(0));
      assertEquals(format.levels() - 1, space.flushed(batch));
      assertEquals(List.of(), recorder.take());
    }
  }
}
