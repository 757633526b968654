package dev.bifolio.kernel.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Copies of a range into another space, all of it or nothing.
class CopyTest {
  private static final long PAGE = 4096;
  private static final int R = PageFlags.READ;
  private static final int RW = PageFlags.READ | PageFlags.WRITE;
  private static final int GUARDED = R | PageFlags.COPY_ON_WRITE;

  static List<PageFormat> formats() {
    return TestTables.FORMATS;
  }

  private static void map(AddressSpace space, long at, long physical, long byteSize, int flags) {
    assertEquals(MapOutcome.MAPPED, space.map(at, physical, byteSize, flags));
  }

  private static void assertPage(AddressSpace space, long at, int level, long physical, int flags) {
    long word = space.lookup(at);
    assertEquals(Long.toHexString(physical), Long.toHexString(space.translate(at)));
    assertEquals(level, MappedPage.level(word));
    assertEquals(space.format().expressible(flags), MappedPage.flags(word));
  }

  @ParameterizedTest
  @MethodSource("formats")
  void anAliasMapsTheSameByTheSamePages(PageFormat format) {
    try (TestTables tables = new TestTables(format, 20)) {
      AddressSpace from = tables.space;
      AddressSpace to = tables.anotherOpen();
      long huge = format.pageByteSize(2);
      map(from, huge - PAGE, 5 * huge - PAGE, huge + 3 * PAGE, RW);
      map(from, 2 * huge + 8 * PAGE, 0, PAGE, R | PageFlags.USER);
      String before = tables.state(from).replaceAll(" 0\\[.*", "");
      assertEquals(
          CopyOutcome.DONE,
          from.copyTo(to, huge - PAGE, 2 * huge, CopyMode.ALIAS, null, tables.batch));
      assertEquals(before, tables.state(from).replaceAll(" 0\\[.*", ""));
      assertTrue(tables.batch.isEmpty());
      assertPage(to, huge - PAGE, 1, 5 * huge - PAGE, RW);
      assertPage(to, huge, 2, 5 * huge, RW);
      assertPage(to, 2 * huge + PAGE, 1, 6 * huge + PAGE, RW);
      assertEquals(AddressSpace.NOT_MAPPED, to.translate(2 * huge + 2 * PAGE));
      assertPage(to, 2 * huge + 8 * PAGE, 1, 0, R | PageFlags.USER);
      assertEquals(1, to.pageCount(2));
      assertEquals(4, to.pageCount(1));
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void anAliasOfAPartOfALargePageIsInSmallOnes(PageFormat format) {
    try (TestTables tables = new TestTables(format, 20)) {
      AddressSpace from = tables.space;
      AddressSpace to = tables.anotherOpen();
      long huge = format.pageByteSize(2);
      map(from, huge, huge, huge, RW);
      assertEquals(
          CopyOutcome.DONE,
          from.copyTo(to, huge + 3 * PAGE, 2 * PAGE, CopyMode.ALIAS, null, tables.batch));
      assertEquals(1, from.pageCount(2));
      assertEquals(2, to.pageCount(1));
      assertPage(to, huge + 3 * PAGE, 1, huge + 3 * PAGE, RW);
      assertPage(to, huge + 4 * PAGE, 1, huge + 4 * PAGE, RW);
      assertEquals(AddressSpace.NOT_MAPPED, to.translate(huge + 5 * PAGE));
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void sharedPagesKeepWhatTheyAllowAndHaveASharerMore(PageFormat format) {
    try (TestTables tables = new TestTables(format, 20)) {
      AddressSpace from = tables.space;
      AddressSpace to = tables.anotherOpen();
      CountedSharers sharers = new CountedSharers(9);
      long huge = format.pageByteSize(2);
      map(from, huge, 3 * huge, huge, RW | PageFlags.DIRTY);
      assertEquals(
          CopyOutcome.DONE, from.copyTo(to, huge, 2 * PAGE, CopyMode.SHARE, sharers, tables.batch));
      long pfn = 3 * huge / PAGE;
      assertEquals(2, sharers.more.size());
      assertEquals(2, sharers.count(pfn));
      assertEquals(2, sharers.count(pfn + 1));
      assertEquals(1, sharers.count(pfn + 2));
      assertPage(from, huge, 1, 3 * huge, RW | PageFlags.DIRTY); // counted by small frames
      assertPage(from, 2 * huge - PAGE, 1, 4 * huge - PAGE, RW | PageFlags.DIRTY);
      assertPage(to, huge + PAGE, 1, 3 * huge + PAGE, RW | PageFlags.DIRTY);
      assertEquals(2, to.pageCount(1));
      assertEquals(format.entryCount(), from.pageCount(1));
      assertEquals(1, tables.batch.pageCount());
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void copyOnWriteTakesStoresFromBothSides(PageFormat format) {
    try (TestTables tables = new TestTables(format, 20)) {
      AddressSpace from = tables.space;
      AddressSpace to = tables.anotherOpen();
      CountedSharers sharers = new CountedSharers(9);
      map(from, 0, 0x10000, PAGE, RW | PageFlags.ACCESSED);
      map(from, PAGE, 0x11000, PAGE, R);
      map(from, 3 * PAGE, 0x13000, PAGE, GUARDED | PageFlags.USER);
      map(from, 4 * PAGE, 0x14000, PAGE, RW | PageFlags.GLOBAL);
      map(from, 5 * PAGE, 0x15000, PAGE, RW);
      assertEquals(
          CopyOutcome.DONE,
          from.copyTo(to, 0, 5 * PAGE, CopyMode.COPY_ON_WRITE, sharers, tables.batch));
      for (AddressSpace space : List.of(from, to)) {
        assertPage(space, 0, 1, 0x10000, GUARDED | PageFlags.ACCESSED);
        assertPage(space, PAGE, 1, 0x11000, R);
        assertEquals(AddressSpace.NOT_MAPPED, space.translate(2 * PAGE));
        assertPage(space, 3 * PAGE, 1, 0x13000, GUARDED | PageFlags.USER);
        assertPage(space, 4 * PAGE, 1, 0x14000, GUARDED | PageFlags.GLOBAL);
      }
      assertPage(from, 5 * PAGE, 1, 0x15000, RW);
      assertEquals(AddressSpace.NOT_MAPPED, to.translate(5 * PAGE));
      assertEquals("{16=1, 17=1, 19=1, 20=1}", sharers.more.toString());
      // What could be stored to has to be flushed, and only that.
      assertEquals(2, tables.batch.count());
      assertEquals(0, tables.batch.address(0));
      assertEquals(4 * PAGE, tables.batch.address(1));
      assertTrue(tables.batch.hasGlobal());
      assertEquals(0, tables.batch.breaks());
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void largePagesAreSplitForCopyOnWrite(PageFormat format) {
    try (TestTables tables = new TestTables(format, 20)) {
      AddressSpace from = tables.space;
      AddressSpace to = tables.anotherOpen();
      CountedSharers sharers = new CountedSharers(9);
      long huge = format.pageByteSize(2);
      map(from, huge, huge, 2 * huge, RW);
      long half = huge / 2;
      assertEquals(
          CopyOutcome.DONE,
          from.copyTo(to, huge, huge + half, CopyMode.COPY_ON_WRITE, sharers, tables.batch));
      for (long at = huge; at < 3 * huge; at += PAGE) {
        boolean meant = at < 2 * huge + half;
        assertPage(from, at, 1, at, meant ? GUARDED : RW);
        assertEquals(meant ? at : -1, to.translate(at));
        assertEquals(meant ? 2 : 1, sharers.count(at / PAGE));
      }
      assertPage(to, huge, 1, huge, GUARDED);
      assertEquals((huge + half) / PAGE, to.pageCount(1));
    }
  }

  // ---- All or nothing ----

  @ParameterizedTest
  @MethodSource("formats")
  void aFrameWithTooManySharersUndoesWhatWasDone(PageFormat format) {
    for (CopyMode mode : new CopyMode[] {CopyMode.SHARE, CopyMode.COPY_ON_WRITE}) {
      try (TestTables tables = new TestTables(format, 20)) {
        AddressSpace from = tables.space;
        AddressSpace to = tables.anotherOpen();
        CountedSharers sharers = new CountedSharers(2);
        long huge = format.pageByteSize(2);
        map(from, 0, 0, 3 * PAGE, RW);
        map(from, huge, huge, huge, RW);
        map(to, 9 * PAGE, 0, PAGE, R);
        String before = tables.state(from) + tables.state(to);
        for (int served : new int[] {0, 1, 2, 3, 4, 3 + format.entryCount() / 2}) {
          sharers.serve(served);
          assertEquals(
              CopyOutcome.TOO_MANY_SHARERS,
              from.copyTo(to, 0, 2 * huge, mode, sharers, tables.batch));
          assertEquals(before, tables.state(from) + tables.state(to));
          assertTrue(sharers.more.isEmpty());
          assertTrue(tables.batch.isEmpty());
        }
        sharers.serve(Long.MAX_VALUE);
        assertEquals(CopyOutcome.DONE, from.copyTo(to, 0, 2 * huge, mode, sharers, tables.batch));
        assertEquals(3 + format.entryCount(), sharers.more.size());
        AddressSpace third = tables.anotherOpen();
        assertEquals(
            CopyOutcome.TOO_MANY_SHARERS,
            from.copyTo(third, 0, 2 * huge, mode, sharers, tables.batch));
        assertEquals(0, third.pageCount(1));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void whatTheTargetHasAlreadyUndoesWhatWasDone(PageFormat format) {
    for (CopyMode mode : CopyMode.values()) {
      for (long taken : new long[] {0, 2, 3, 4, format.entryCount() + 5}) {
        try (TestTables tables = new TestTables(format, 20)) {
          AddressSpace from = tables.space;
          AddressSpace to = tables.anotherOpen();
          CountedSharers counted = new CountedSharers(9);
          CountedSharers sharers = mode == CopyMode.ALIAS ? null : counted;
          long huge = format.pageByteSize(2);
          map(from, 0, 0, PAGE, RW);
          map(from, 2 * PAGE, 2 * PAGE, 3 * PAGE, RW);
          map(from, huge, huge, huge, RW);
          map(to, taken * PAGE, 0, PAGE, R);
          String before = tables.state(from) + tables.state(to);
          assertEquals(
              CopyOutcome.ALREADY_MAPPED,
              from.copyTo(to, 0, 2 * huge, mode, sharers, tables.batch));
          assertEquals(before, tables.state(from) + tables.state(to));
          assertTrue(counted.more.isEmpty());
          assertTrue(tables.batch.isEmpty());
          assertEquals(UnmapOutcome.DONE, to.unmap(taken * PAGE, PAGE, tables.batch));
          to.flushed(tables.batch);
          assertEquals(CopyOutcome.DONE, from.copyTo(to, 0, 2 * huge, mode, sharers, tables.batch));
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void anUndoneAliasOfALargePageLeavesNoPieceOfIt(PageFormat format) {
    try (TestTables tables = new TestTables(format, 20)) {
      AddressSpace from = tables.space;
      AddressSpace to = tables.anotherOpen();
      long huge = format.pageByteSize(2);
      map(from, 0, 0, 2 * huge, RW);
      map(to, 2 * huge - PAGE, 0, PAGE, R);
      String before = tables.state(to);
      long start = huge - 2 * PAGE;
      assertEquals(
          CopyOutcome.ALREADY_MAPPED,
          from.copyTo(to, start, huge + 2 * PAGE, CopyMode.ALIAS, null, tables.batch));
      assertEquals(before, tables.state(to));
      assertEquals(AddressSpace.NOT_MAPPED, to.translate(start));
    }
  }

  @Test
  void whatIsNoCopyIsRefused() {
    X86Format format = X86Format.LEVELS_4;
    try (TestTables tables = new TestTables(format, 20);
        TestTables others = new TestTables(X86Format.LEVELS_5, 20)) {
      AddressSpace from = tables.space;
      AddressSpace to = tables.another();
      FlushBatch batch = tables.batch;
      CountedSharers sharers = new CountedSharers(9);
      CopyMode alias = CopyMode.ALIAS;
      assertThrows(IllegalStateException.class, () -> from.copyTo(to, 0, PAGE, alias, null, batch));
      assertTrue(to.open());
      assertThrows(
          IllegalArgumentException.class, () -> from.copyTo(from, 0, PAGE, alias, null, batch));
      assertThrows(
          IllegalArgumentException.class,
          () -> from.copyTo(others.space, 0, PAGE, alias, null, batch));
      assertThrows(
          IllegalArgumentException.class, () -> from.copyTo(to, 0, PAGE, alias, sharers, batch));
      assertThrows(
          IllegalArgumentException.class,
          () -> from.copyTo(to, 0, PAGE, CopyMode.SHARE, null, batch));
      assertEquals(CopyOutcome.MISALIGNED, from.copyTo(to, 1, PAGE, alias, null, batch));
      assertEquals(CopyOutcome.MISALIGNED, from.copyTo(to, 0, 0, alias, null, batch));
      assertEquals(CopyOutcome.NOT_CANONICAL, from.copyTo(to, 1L << 47, PAGE, alias, null, batch));
      AddressSpace user = tables.another();
      assertTrue(user.open(to));
      long high = -1L << 47;
      assertEquals(CopyOutcome.KERNEL_HALF, from.copyTo(user, high, PAGE, alias, null, batch));
      assertEquals(CopyOutcome.KERNEL_HALF, user.copyTo(from, high, PAGE, alias, null, batch));
      map(from, high, 0, PAGE, R);
      assertEquals(CopyOutcome.TOP_IS_SHARED, from.copyTo(to, high, PAGE, alias, null, batch));
      assertEquals(CopyOutcome.DONE, from.copyTo(to, 0, PAGE, alias, null, batch)); // nothing there
      // The locks are free after all of these.
      map(from, 0, 0, PAGE, R);
      map(to, 0, 0, PAGE, R);
    }
  }
}
