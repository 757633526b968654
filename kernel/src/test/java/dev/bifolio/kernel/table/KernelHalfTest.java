package dev.bifolio.kernel.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// User spaces and the kernel's half that they share.
class KernelHalfTest {
  private static final long PAGE = 4096;
  private static final int RW = PageFlags.READ | PageFlags.WRITE;

  static List<PageFormat> formats() {
    return TestTables.FORMATS;
  }

  /// The first address of the kernel half.
  private static long high(PageFormat format) {
    return format == I386Format.INSTANCE
        ? 0xC000_0000L
        : format.startOf(format.rootCount() - 1, format.kernelIndex() % format.entryCount());
  }

  private static long top(PageFormat format) {
    return format.pageByteSize(format.levels());
  }

  private static void map(AddressSpace space, long at, long physical, long byteSize) {
    assertEquals(MapOutcome.MAPPED, space.map(at, physical, byteSize, RW));
  }

  @ParameterizedTest
  @MethodSource("formats")
  void theBorderIsWhereTheFormatHasIt(PageFormat format) {
    long high = high(format);
    assertTrue(format.isCanonical(high));
    assertTrue(format.isKernelHalf(high));
    assertFalse(format.isKernelHalf(high == 0xC000_0000L ? high - 1 : 0x7FFF_FFFF_F000L));
    assertEquals(
        format == Aarch64Format.INSTANCE ? 0 : format.kernelIndex(),
        format.index(format.levels(), high));
    assertEquals(-1, high == 0xC000_0000L ? -1 : high >> 62);
  }

  @ParameterizedTest
  @MethodSource("formats")
  void whatTheKernelHasUserSpacesSee(PageFormat format) {
    try (TestTables tables = new TestTables(format, 20)) {
      AddressSpace kernel = tables.space;
      long high = high(format);
      map(kernel, high + PAGE, 0x5000, PAGE);
      AddressSpace user = tables.another();
      assertTrue(user.open(kernel));
      assertEquals(1, user.tableCount());
      assertEquals(0x5123, user.translate(high + PAGE + 0x123));
      assertEquals(kernel.lookup(high + PAGE), user.lookup(high + PAGE));
      assertEquals(kernel.tableAt(high, 1), user.tableAt(high, 1));
      // The bytes say so too: a processor sees it through the user's root.
      assertEquals(format.leaf(1, 0x5000, RW), tables.lastEntry(user, high + PAGE));
      map(kernel, high + 2 * PAGE, 0x6000, PAGE); // below a table that both have
      assertEquals(0x6000, user.translate(high + 2 * PAGE));
      assertEquals(format.leaf(1, 0x6000, RW), tables.lastEntry(user, high + 2 * PAGE));
      map(user, PAGE, 0x7000, PAGE);
      assertEquals(AddressSpace.NOT_MAPPED, kernel.translate(PAGE));
      map(kernel, PAGE, 0x8000, PAGE);
      assertEquals(0x7000, user.translate(PAGE));
      assertEquals(
          format.rootCount() > 1,
          kernel.rootAddress(format.rootCount() - 1) == user.rootAddress(format.rootCount() - 1));
      assertNotEquals(kernel.rootAddress(0), user.rootAddress(0));
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void aUserSpaceCannotChangeTheKernelsHalf(PageFormat format) {
    try (TestTables tables = new TestTables(format, 20)) {
      AddressSpace kernel = tables.space;
      FlushBatch batch = tables.batch;
      long high = high(format);
      map(kernel, high, 0, PAGE);
      AddressSpace user = tables.another();
      assertTrue(user.open(kernel));
      String before = tables.state(kernel) + tables.state(user);
      long word = user.lookup(high);
      assertEquals(MapOutcome.KERNEL_HALF, user.map(high + PAGE, 0, PAGE, RW));
      assertEquals(UnmapOutcome.KERNEL_HALF, user.unmap(high, PAGE, batch));
      assertEquals(UnmapOutcome.KERNEL_HALF, user.unmapAny(high, PAGE, false, batch));
      assertEquals(ProtectOutcome.KERNEL_HALF, user.protect(high, PAGE, RW, batch));
      assertEquals(SplitOutcome.KERNEL_HALF, user.split(high, 1, batch));
      assertEquals(CollapseOutcome.KERNEL_HALF, user.collapse(high, 2, batch));
      assertEquals(ReplaceOutcome.KERNEL_HALF, user.replace(high, word, 0, RW, batch));
      assertEquals(AddressSpace.NOT_MAPPED, user.clearUsed(high, PageFlags.ACCESSED, batch));
      assertThrows(IllegalStateException.class, () -> user.pin(high, PAGE));
      assertThrows(IllegalArgumentException.class, () -> user.walk(high, PAGE, new Lines(format)));
      if (format == I386Format.INSTANCE) {
        assertEquals(MapOutcome.KERNEL_HALF, user.map(high - PAGE, 0, 2 * PAGE, RW));
      }
      assertEquals(before, tables.state(kernel) + tables.state(user));
      assertTrue(batch.isEmpty());
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void topEntriesStayWhileUserSpacesHaveCopies(PageFormat format) {
    boolean copies = format.rootCount() == 1;
    try (TestTables tables = new TestTables(format, 30)) {
      AddressSpace kernel = tables.space;
      long high = high(format);
      long second = high + top(format);
      map(kernel, high, 0, PAGE);
      AddressSpace user = tables.another();
      assertTrue(user.open(kernel));
      long root = copies ? user.rootAddress(0) : kernel.rootAddress(1);
      int index = format.index(format.levels(), second);
      String before = tables.state(kernel);
      assertEquals(
          copies ? MapOutcome.TOP_IS_SHARED : MapOutcome.MAPPED, kernel.map(second, 0, PAGE, RW));
      if (copies) {
        assertEquals(MapOutcome.TOP_IS_SHARED, kernel.map(second - PAGE, 0, 2 * PAGE, RW));
        assertEquals(before, tables.state(kernel));
        assertEquals(0, tables.entry(root, index));
      }
      // The last page goes, but not the table that the copies name.
      long table = tables.table(kernel, high, format.levels() - 1);
      assertEquals(UnmapOutcome.DONE, kernel.unmap(high, PAGE, tables.batch));
      kernel.flushed(tables.batch);
      assertEquals(copies ? table : -1, tables.table(kernel, high, format.levels() - 1));
      assertEquals(copies ? table : -1, tables.table(user, high, format.levels() - 1));
      map(kernel, high + 3 * PAGE, 0x9000, PAGE);
      assertEquals(0x9000, user.translate(high + 3 * PAGE));
      assertEquals(format.leaf(1, 0x9000, RW), tables.lastEntry(user, high + 3 * PAGE));
      // Nobody has a copy of the lower half.
      map(kernel, top(format), 0, PAGE);
      user.destroy(tables.batch);
      assertEquals(UnmapOutcome.DONE, kernel.unmap(high + 3 * PAGE, PAGE, tables.batch));
      assertEquals(-1, tables.table(kernel, high, format.levels() - 1));
      map(kernel, second + PAGE, 0, PAGE);
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void largePagesAtTheTopStayWhileUserSpacesHaveCopies(PageFormat format) {
    if (format.largestLeafLevel() < format.levels()) {
      return;
    }
    try (TestTables tables = new TestTables(format, 30)) {
      AddressSpace kernel = tables.space;
      FlushBatch batch = tables.batch;
      int level = format.levels();
      long high = high(format);
      long top = top(format);
      map(kernel, high, 0, top);
      assertTrue(kernel.pin(high + top, top));
      assertEquals(level, MappedPage.level(kernel.lookup(high)));
      tables.touch(kernel, high, PageFlags.DIRTY);
      AddressSpace user = tables.another();
      assertTrue(user.open(kernel));
      long word = kernel.lookup(high);
      String before = tables.state(kernel);
      assertEquals(UnmapOutcome.TOP_IS_SHARED, kernel.unmap(high, top, batch));
      assertEquals(UnmapOutcome.TOP_IS_SHARED, kernel.unmap(high, PAGE, batch));
      assertEquals(UnmapOutcome.TOP_IS_SHARED, kernel.unmapAny(high, top, false, batch));
      assertEquals(ProtectOutcome.TOP_IS_SHARED, kernel.protect(high, top, RW, batch));
      assertEquals(SplitOutcome.TOP_IS_SHARED, kernel.split(high, 1, batch));
      assertEquals(SplitOutcome.DONE, kernel.split(high, level, batch));
      assertEquals(ReplaceOutcome.TOP_IS_SHARED, kernel.replace(high, word, top, RW, batch));
      assertEquals(word, kernel.clearUsed(high, PageFlags.DIRTY, batch));
      assertEquals(CollapseOutcome.TOP_IS_SHARED, kernel.collapse(high + top, level, batch));
      assertEquals(before, tables.state(kernel));
      AddressSpace other = tables.anotherOpen();
      CountedSharers sharers = new CountedSharers(9);
      assertEquals(
          CopyOutcome.TOP_IS_SHARED,
          kernel.copyTo(other, high, PAGE, CopyMode.SHARE, sharers, batch));
      assertEquals(CopyOutcome.DONE, kernel.copyTo(other, high, PAGE, CopyMode.ALIAS, null, batch));
      assertTrue(batch.isEmpty());
      user.destroy(batch);
      user.flushed(batch);
      assertEquals(SplitOutcome.DONE, kernel.split(high, level - 1, batch));
    }
  }

  // ---- Pins ----

  @ParameterizedTest
  @MethodSource("formats")
  void pinnedTablesAreThereAndStay(PageFormat format) {
    boolean copies = format.rootCount() == 1;
    try (TestTables tables = new TestTables(format, 30)) {
      AddressSpace kernel = tables.space;
      long high = high(format);
      long top = top(format);
      map(kernel, high + top, 0, PAGE);
      long before = kernel.tableCount();
      assertTrue(kernel.pin(high + PAGE, 2 * top));
      assertEquals(before + (copies ? 2 : 0), kernel.tableCount());
      String pinned = tables.state(kernel);
      assertTrue(kernel.pin(high, 3 * top));
      assertEquals(pinned, tables.state(kernel));
      map(kernel, high, 0, PAGE);
      assertEquals(UnmapOutcome.DONE, kernel.unmap(high, PAGE, tables.batch));
      kernel.flushed(tables.batch);
      assertEquals(pinned, tables.state(kernel));
      assertEquals(UnmapOutcome.DONE, kernel.unmap(high + top, PAGE, tables.batch));
      kernel.flushed(tables.batch);
      assertEquals(copies ? 4 : 2, kernel.tableCount());
      AddressSpace user = tables.another();
      assertTrue(user.open(kernel));
      if (copies) {
        assertThrows(IllegalStateException.class, () -> kernel.pin(high, PAGE));
      } else {
        assertTrue(kernel.pin(high, PAGE));
      }
      map(kernel, high + 2 * top, 0x3000, PAGE);
      assertEquals(0x3000, user.translate(high + 2 * top));
      assertEquals(format.leaf(1, 0x3000, RW), tables.lastEntry(user, high + 2 * top));
      user.destroy(tables.batch);
      user.flushed(tables.batch);
      kernel.destroy(tables.batch);
      kernel.flushed(tables.batch);
      assertEquals(0, tables.inUse());
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void everyEntryOfTheKernelHalfCanBePinned(PageFormat format) {
    if (format.rootCount() > 1) {
      return;
    }
    try (TestTables tables = new TestTables(format, 300)) {
      AddressSpace kernel = tables.space;
      long high = high(format);
      int entries = format.entryCount() - format.kernelIndex();
      assertEquals(256, entries);
      assertTrue(kernel.pin(high, entries * top(format)));
      assertEquals(1 + entries, kernel.tableCount());
      for (int entry = 0; entry < entries; entry++) {
        long at = high + entry * top(format);
        map(kernel, at, 0, PAGE);
        assertEquals(UnmapOutcome.DONE, kernel.unmap(at, PAGE, tables.batch));
        kernel.flushed(tables.batch);
      }
      assertEquals(1 + entries, kernel.tableCount());
      kernel.destroy(tables.batch);
      kernel.flushed(tables.batch);
      assertEquals(0, tables.inUse());
      assertTrue(kernel.open()); // the pins are gone
      map(kernel, high, 0, PAGE);
      assertEquals(UnmapOutcome.DONE, kernel.unmap(high, PAGE, tables.batch));
      assertEquals(1, kernel.tableCount());
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void onlyTheKernelHalfIsPinned(PageFormat format) {
    try (TestTables tables = new TestTables(format, 8)) {
      AddressSpace kernel = tables.space;
      long high = high(format);
      String before = tables.state(kernel);
      assertThrows(IllegalArgumentException.class, () -> kernel.pin(0, PAGE));
      assertThrows(IllegalArgumentException.class, () -> kernel.pin(high, 0));
      assertThrows(IllegalArgumentException.class, () -> kernel.pin(high, -PAGE));
      assertThrows(IllegalArgumentException.class, () -> kernel.pin(high - PAGE, 2 * PAGE));
      assertThrows(IllegalArgumentException.class, () -> kernel.pin(high, 1L << 62));
      assertThrows(IllegalStateException.class, () -> tables.another().pin(high, PAGE));
      assertEquals(before, tables.state(kernel));
    }
  }
}
