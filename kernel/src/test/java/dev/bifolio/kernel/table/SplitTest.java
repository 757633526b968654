package dev.bifolio.kernel.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.testkit.Behaviour;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Pages in other sizes: what they say stays, and what must not be seen is not.
class SplitTest {
  private static final long PAGE = 4096;
  private static final int RW = PageFlags.READ | PageFlags.WRITE;
  private static final int USED = PageFlags.ACCESSED | PageFlags.DIRTY;

  static List<PageFormat> formats() {
    return TestTables.FORMATS;
  }

  private static void assertSame(
      TestTables tables, long at, long byteSize, long physical, int flags) {
    for (long inside = 0; inside < byteSize; inside += PAGE) {
      assertEquals(physical + inside + 7, tables.space.translate(at + inside + 7));
      assertEquals(flags, MappedPage.flags(tables.space.lookup(at + inside)));
    }
  }

  // ---- Split ----

  @ParameterizedTest
  @MethodSource("formats")
  @Behaviour("127")
  void thePiecesOfAPageSayWhatItSaid(PageFormat format) {
    int[] some = {
      RW,
      RW | USED,
      PageFlags.READ | PageFlags.EXECUTE | PageFlags.USER,
      RW | PageFlags.GLOBAL | PageFlags.SOFTWARE | PageFlags.ACCESSED,
      PageFlags.READ | PageFlags.COPY_ON_WRITE | PageFlags.UNCACHED,
      RW | PageFlags.DEVICE,
      PageFlags.READ | PageFlags.WRITE_THROUGH | PageFlags.DIRTY
    };
    for (int flags : some) {
      try (TestTables tables = new TestTables(format, 8)) {
        AddressSpace space = tables.space;
        long size = format.pageByteSize(2);
        assertEquals(MapOutcome.MAPPED, space.mapExact(size, 3 * size, size, flags, 2));
        assertEquals(SplitOutcome.DONE, space.split(size + 9 * PAGE + 1, 1, tables.batch));
        assertSame(tables, size, size, 3 * size, format.expressible(flags));
        assertEquals(1, MappedPage.level(space.lookup(size)));
        assertEquals(format.entryCount(), space.pageCount(1));
        assertEquals(0, space.pageCount(2));
        assertEquals(1, tables.batch.count());
        assertEquals(size, tables.batch.address(0));
        assertEquals((flags & PageFlags.GLOBAL) != 0, tables.batch.hasGlobal());
      }
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void onlyThePieceWithTheAddressIsSplitFurther(PageFormat format) {
    if (format.largestLeafLevel() < 3) {
      return;
    }
    try (TestTables tables = new TestTables(format, 16)) {
      AddressSpace space = tables.space;
      long giant = format.pageByteSize(3);
      long huge = format.pageByteSize(2);
      assertEquals(MapOutcome.MAPPED, space.mapExact(giant, 0, giant, RW, 3));
      assertEquals(SplitOutcome.DONE, space.split(giant, 3, tables.batch));
      assertTrue(tables.batch.isEmpty());
      assertEquals(1, space.pageCount(3));
      assertEquals(SplitOutcome.DONE, space.split(giant + huge + 5, 2, tables.batch));
      assertEquals(512, space.pageCount(2));
      assertEquals(0, space.pageCount(1) + space.pageCount(3));
      assertEquals(SplitOutcome.DONE, space.split(giant + huge + PAGE, 1, tables.batch));
      assertEquals(511, space.pageCount(2));
      assertEquals(512, space.pageCount(1));
      assertEquals(2, MappedPage.level(space.lookup(giant)));
      assertEquals(1, MappedPage.level(space.lookup(giant + huge)));
      assertEquals(2, MappedPage.level(space.lookup(giant + 2 * huge)));
      for (long at = 0; at < giant; at += 61 * PAGE) {
        assertEquals(at + 1, space.translate(giant + at + 1));
        assertEquals(format.expressible(RW), MappedPage.flags(space.lookup(giant + at)));
      }
      String before = tables.state(space);
      assertEquals(SplitOutcome.DONE, space.split(giant + huge + PAGE, 1, tables.batch));
      assertEquals(SplitOutcome.DONE, space.split(giant + huge + PAGE, 2, tables.batch));
      assertEquals(SplitOutcome.NOT_MAPPED, space.split(0, 1, tables.batch));
      assertEquals(before, tables.state(space));
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void aSplitBreaksBeforeItMakesWhereTheArchitectureWantsIt(PageFormat format) {
    try (TestTables tables = new TestTables(format, 8)) {
      AddressSpace space = tables.space;
      Recorder recorder = new Recorder();
      FlushBatch batch = new FlushBatch(4, recorder);
      long size = format.pageByteSize(2);
      assertEquals(MapOutcome.MAPPED, space.mapExact(size, 0, size, RW, 2));
      recorder.onFlush = at -> assertEquals(0, tables.lastEntry(space, size));
      assertEquals(SplitOutcome.DONE, space.split(size + PAGE, 1, batch));
      String flush = "flush " + Long.toHexString(size);
      boolean breaks = format == Aarch64Format.INSTANCE;
      assertEquals(breaks ? List.of(flush) : List.of(), recorder.take());
      assertEquals(breaks ? 1 : 0, batch.breaks());
      assertEquals(PAGE, space.translate(size + PAGE));
      assertFalse(batch.isEmpty());
    }
  }

  @Test
  void whatAProcessorNotesWhileAPageIsTakenAwayIsNotLost() {
    Aarch64Format format = Aarch64Format.INSTANCE;
    try (TestTables tables = new TestTables(format, 8)) {
      AddressSpace space = tables.space;
      long size = format.pageByteSize(2);
      assertEquals(MapOutcome.MAPPED, space.mapExact(0, 0, size, RW, 2));
      tables.touch(space, 0, USED);
      assertEquals(SplitOutcome.DONE, space.split(0, 1, tables.batch));
      assertSame(tables, 0, size, 0, RW | USED);
    }
  }

  // ---- Collapse ----

  @ParameterizedTest
  @MethodSource("formats")
  void oneRunBecomesOnePageThatWasUsedIfAnyOfItWas(PageFormat format) {
    int[][] notes = {{0, 0}, {PageFlags.ACCESSED, 0}, {PageFlags.ACCESSED, PageFlags.DIRTY}};
    for (int[] note : notes) {
      try (TestTables tables = new TestTables(format, 8)) {
        AddressSpace space = tables.space;
        long size = format.pageByteSize(2);
        assertEquals(MapOutcome.MAPPED, space.map(size, 4 * size, size, RW, 1));
        tables.touch(space, size, note[0]);
        tables.touch(space, 2 * size - PAGE, note[1]);
        assertEquals(CollapseOutcome.DONE, space.collapse(size + 77, 2, tables.batch));
        int flags = format.expressible(RW | note[0] | note[1]);
        assertEquals(format.leaf(2, 4 * size, flags), tables.lastEntry(space, size));
        assertSame(tables, size, size, 4 * size, flags);
        assertEquals(1, space.pageCount(2));
        assertEquals(0, space.pageCount(1));
        assertEquals(format.levels() - 2 + format.rootCount(), space.tableCount());
        assertEquals(1, space.flushed(tables.batch));
        assertEquals(space.tableCount(), tables.inUse());
        assertEquals(CollapseOutcome.DONE, space.collapse(size, 2, tables.batch));
        assertTrue(tables.batch.isEmpty());
      }
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void tablesOfSeveralLevelsBecomeOnePage(PageFormat format) {
    if (format.largestLeafLevel() < 3) {
      return;
    }
    try (TestTables tables = new TestTables(format, 16)) {
      AddressSpace space = tables.space;
      long giant = format.pageByteSize(3);
      assertEquals(MapOutcome.MAPPED, space.mapExact(giant, giant, giant, RW, 3));
      String before = tables.state(space);
      assertEquals(SplitOutcome.DONE, space.split(giant, 1, tables.batch));
      assertEquals(SplitOutcome.DONE, space.split(2 * giant - 1, 1, tables.batch));
      tables.touch(space, 2 * giant - PAGE, USED);
      assertEquals(CollapseOutcome.DONE, space.collapse(giant + 5, 3, tables.batch));
      assertEquals(3, space.flushed(tables.batch));
      assertEquals(format.leaf(3, giant, RW | USED), tables.lastEntry(space, giant));
      assertEquals(USED, space.clearUsed(giant, USED, tables.batch) & USED);
      assertEquals(before, tables.state(space));
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void whatIsNoRunStaysAsItIs(PageFormat format) {
    try (TestTables tables = new TestTables(format, 8)) {
      AddressSpace space = tables.space;
      FlushBatch batch = tables.batch;
      long size = format.pageByteSize(2);
      long last = size - PAGE;
      assertEquals(CollapseOutcome.NOT_MAPPED, space.collapse(0, 2, batch));
      assertEquals(MapOutcome.MAPPED, space.map(PAGE, PAGE, size - PAGE, RW));
      assertEquals(CollapseOutcome.NOT_MAPPED, space.collapse(0, 2, batch)); // the first lacks
      assertEquals(MapOutcome.MAPPED, space.map(0, size, PAGE, RW));
      assertEquals(CollapseOutcome.NOT_UNIFORM, space.collapse(0, 2, batch)); // is elsewhere
      assertEquals(UnmapOutcome.DONE, space.unmap(0, PAGE, batch));
      assertEquals(MapOutcome.MAPPED, space.map(0, 0, PAGE, RW));
      assertEquals(UnmapOutcome.DONE, space.unmap(last, PAGE, batch));
      assertEquals(CollapseOutcome.NOT_UNIFORM, space.collapse(0, 2, batch)); // the last lacks
      assertEquals(MapOutcome.MAPPED, space.map(last, last, PAGE, PageFlags.READ));
      space.flushed(batch);
      String before = tables.state(space);
      assertEquals(CollapseOutcome.NOT_UNIFORM, space.collapse(0, 2, batch)); // allows less
      assertEquals(before, tables.state(space));
      assertTrue(batch.isEmpty());
      assertEquals(ProtectOutcome.DONE, space.protect(last, PAGE, RW, batch));
      assertEquals(CollapseOutcome.DONE, space.collapse(0, 2, batch));
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void aRunThatBeginsBesideALargePageIsNone(PageFormat format) {
    try (TestTables tables = new TestTables(format, 8)) {
      AddressSpace space = tables.space;
      long size = format.pageByteSize(2);
      assertEquals(MapOutcome.MAPPED, space.map(0, PAGE, size, RW));
      String before = tables.state(space);
      assertEquals(CollapseOutcome.NOT_UNIFORM, space.collapse(0, 2, tables.batch));
      assertEquals(before, tables.state(space));
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void aCollapseTakesTheTableAwayAndFlushesBeforeItLooksAtWhatWasUsed(PageFormat format) {
    for (int global : new int[] {0, PageFlags.GLOBAL}) {
      try (TestTables tables = new TestTables(format, 8)) {
        AddressSpace space = tables.space;
        Recorder recorder = new Recorder();
        FlushBatch batch = new FlushBatch(4, recorder);
        long size = format.pageByteSize(2);
        assertEquals(MapOutcome.MAPPED, space.map(size, size, size, RW | global, 1));
        long table = tables.table(space, size, 1);
        recorder.onFlush =
            at -> {
              assertEquals(-1, at);
              assertEquals(0, tables.lastEntry(space, size));
              // The last store of a processor that had the table still.
              tables.putEntry(table, 17, format.leaf(1, size + 17 * PAGE, RW | global | USED));
            };
        assertEquals(CollapseOutcome.DONE, space.collapse(size, 2, batch));
        assertEquals(List.of(global == 0 ? "flush all" : "flush all and global"), recorder.take());
        assertEquals(format.expressible(RW | global | USED), MappedPage.flags(space.lookup(size)));
        assertEquals(1, batch.breaks());
        assertEquals(1, batch.count());
        assertEquals(size, batch.address(0));
        assertEquals(global != 0, batch.hasGlobal());
      }
    }
  }
}
