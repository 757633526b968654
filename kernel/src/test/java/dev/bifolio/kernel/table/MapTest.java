package dev.bifolio.kernel.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.testkit.Behaviour;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// What mapping does, and what it refuses, leaving every byte as it was.
class MapTest {
  private static final long PAGE = 4096;
  private static final int RW = PageFlags.READ | PageFlags.WRITE;

  static List<PageFormat> formats() {
    return TestTables.FORMATS;
  }

  /// The first address that no lower half has.
  static long lowEnd(PageFormat format) {
    long end = 1L << 32;
    while (format.isCanonical(end)) {
      end <<= 1;
    }
    return end;
  }

  // ---- Single pages ----

  @ParameterizedTest
  @MethodSource("formats")
  @Behaviour("122")
  void anAddressInsideAPageIsTranslatedWithItsOffset(PageFormat format) {
    try (TestTables tables = new TestTables(format, 8)) {
      AddressSpace space = tables.space;
      assertEquals(AddressSpace.NOT_MAPPED, space.translate(0x1234_5678));
      assertEquals(MapOutcome.MAPPED, space.map(0x1234_5000, 0x4444_5000, PAGE, RW));
      assertEquals(0x4444_5678, space.translate(0x1234_5678));
      assertEquals(0x4444_5000, space.translate(0x1234_5000));
      assertEquals(0x4444_5FFF, space.translate(0x1234_5FFF));
      assertEquals(AddressSpace.NOT_MAPPED, space.translate(0x1234_4FFF));
      assertEquals(AddressSpace.NOT_MAPPED, space.translate(0x1234_6000));
      long word = space.lookup(0x1234_5678);
      assertEquals(0x4444_5000, MappedPage.physicalAddress(word));
      assertEquals(1, MappedPage.level(word));
      assertEquals(format.expressible(RW), MappedPage.flags(word));
      assertEquals(format.leaf(1, 0x4444_5000, RW), tables.lastEntry(space, 0x1234_5000));
      assertEquals(1, space.pageCount(1));
      assertEquals(format.levels() - 1 + format.rootCount(), space.tableCount());
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  @Behaviour("126")
  void whatIsMappedIsNotMappedAgain(PageFormat format) {
    try (TestTables tables = new TestTables(format, 20)) {
      AddressSpace space = tables.space;
      long huge = format.pageByteSize(2);
      assertEquals(MapOutcome.MAPPED, space.map(PAGE, 0, PAGE, RW));
      assertEquals(MapOutcome.MAPPED, space.map(huge, huge, huge, RW));
      String before = tables.state(space);
      assertEquals(MapOutcome.ALREADY_MAPPED, space.map(PAGE, PAGE, PAGE, RW));
      assertEquals(MapOutcome.ALREADY_MAPPED, space.map(0, 0, 2 * PAGE, RW));
      assertEquals(MapOutcome.ALREADY_MAPPED, space.map(huge, 0, PAGE, RW));
      assertEquals(MapOutcome.ALREADY_MAPPED, space.map(2 * huge - PAGE, 0, 2 * PAGE, RW));
      assertEquals(MapOutcome.ALREADY_MAPPED, space.mapExact(0, 0, huge, RW, 2));
      assertEquals(MapOutcome.ALREADY_MAPPED, space.mapExact(huge, huge, huge, RW, 2));
      assertEquals(before, tables.state(space));
    }
  }

  // ---- Sizes ----

  @Test
  @Behaviour("118")
  void aRangeIsMappedByTheLargestPagesThatFit() {
    try (TestTables tables = new TestTables(Aarch64Format.INSTANCE, 20)) {
      AddressSpace space = tables.space;
      long byteSize = 0x4800_0000 - 0x4008_0000;
      assertEquals(MapOutcome.MAPPED, space.map(0x4008_0000, 0x4008_0000, byteSize, RW));
      assertEquals(63, space.pageCount(2));
      assertEquals(384, space.pageCount(1));
      assertEquals(0x7F8_0000, 63 * (2 << 20) + 384 * PAGE);
      assertEquals(1, MappedPage.level(space.lookup(0x401F_FFFF)));
      assertEquals(2, MappedPage.level(space.lookup(0x4020_0000)));
      // Ten blocks, and 256 pages at each end.
      long start = 0x1_0010_0000L;
      assertEquals(MapOutcome.MAPPED, space.map(start, start, 22 << 20, RW));
      assertEquals(63 + 10, space.pageCount(2));
      assertEquals(384 + 512, space.pageCount(1));
      assertEquals(start + (22 << 20) - 1, space.translate(start + (22 << 20) - 1));
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  @Behaviour("130")
  void largePagesAreLeavesOfTheirLevel(PageFormat format) {
    for (int level = 2; level <= Math.min(3, format.largestLeafLevel()); level++) {
      try (TestTables tables = new TestTables(format, 8)) {
        AddressSpace space = tables.space;
        long size = format.pageByteSize(level);
        assertEquals(MapOutcome.MAPPED, space.mapExact(2 * size, size, size, RW, level));
        assertEquals(format.leaf(level, size, RW), tables.lastEntry(space, 2 * size));
        assertEquals(1, space.pageCount(level));
        assertEquals(0, space.pageCount(1));
        assertEquals(format.levels() - level + format.rootCount(), space.tableCount());
        assertEquals(2 * size - 1, space.translate(3 * size - 1));
        assertEquals(level, MappedPage.level(space.lookup(3 * size - 1)));
        assertEquals(size, MappedPage.physicalAddress(space.lookup(3 * size - 1)));
        assertEquals(AddressSpace.NOT_MAPPED, space.translate(3 * size));
        assertEquals(UnmapOutcome.DONE, space.unmap(2 * size, size, tables.batch));
        assertEquals(AddressSpace.NOT_MAPPED, space.translate(2 * size));
        assertEquals(0, space.pageCount(level));
        assertEquals(format.levels() - level, space.flushed(tables.batch));
      }
    }
  }

  @Test
  void pagesAreNoLargerThanWhatWasAskedOrThanBothAddressesAllow() {
    X86Format format = X86Format.LEVELS_4;
    try (TestTables tables = new TestTables(format, 600)) {
      AddressSpace space = tables.space;
      long gib = 1L << 30;
      assertEquals(MapOutcome.MAPPED, space.map(gib, gib, gib, RW));
      assertEquals(1, space.pageCount(3));
      assertEquals(MapOutcome.MAPPED, space.map(2 * gib, 2 * gib, gib, RW, 2));
      assertEquals(512, space.pageCount(2));
      assertEquals(MapOutcome.MAPPED, space.map(3 * gib, 3 * gib + (2 << 20), gib, RW));
      assertEquals(1024, space.pageCount(2));
      assertEquals(MapOutcome.MAPPED, space.map(4 * gib, PAGE, 4 << 20, RW));
      assertEquals(1024, space.pageCount(1));
      assertEquals(MapOutcome.MAPPED, space.map(5 * gib, 0, 2 << 20, RW, 1));
      assertEquals(1536, space.pageCount(1));
      assertEquals(1, space.pageCount(3));
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void anEmptyTableIsInTheWayOfAnExactPageOnly(PageFormat format) {
    try (TestTables tables = new TestTables(format, 20)) {
      AddressSpace space = tables.space;
      long huge = format.pageByteSize(2);
      assertEquals(MapOutcome.MAPPED, space.map(0, 0, PAGE, RW));
      assertEquals(UnmapOutcome.DONE, space.unmapAny(0, huge, true, tables.batch));
      String before = tables.state(space);
      assertEquals(MapOutcome.TABLE_IN_THE_WAY, space.mapExact(0, 0, huge, RW, 2));
      if (format.largestLeafLevel() >= 3) {
        long giant = format.pageByteSize(3);
        assertEquals(MapOutcome.TABLE_IN_THE_WAY, space.mapExact(0, 0, giant, RW, 3));
        assertEquals(before, tables.state(space));
        assertEquals(MapOutcome.MAPPED, space.map(0, 0, PAGE, RW));
        assertEquals(MapOutcome.ALREADY_MAPPED, space.mapExact(0, 0, giant, RW, 3));
        assertEquals(UnmapOutcome.DONE, space.unmapAny(0, PAGE, true, tables.batch));
      }
      assertEquals(before, tables.state(space));
      long tablesBefore = space.tableCount();
      assertEquals(MapOutcome.MAPPED, space.map(0, 0, huge, RW));
      assertEquals(format.entryCount(), space.pageCount(1));
      assertEquals(tablesBefore, space.tableCount());
    }
  }

  // ---- Refusals ----

  @ParameterizedTest
  @MethodSource("formats")
  @Behaviour("117")
  void whatIsNoMultipleOfThePageIsMisaligned(PageFormat format) {
    try (TestTables tables = new TestTables(format, 8)) {
      AddressSpace space = tables.space;
      String before = tables.state(space);
      for (long part : new long[] {1, 0x800, 0xFFF, 0x1001}) {
        assertEquals(MapOutcome.MISALIGNED, space.map(part, 0, PAGE, RW));
        assertEquals(MapOutcome.MISALIGNED, space.map(0, part, PAGE, RW));
        assertEquals(MapOutcome.MISALIGNED, space.map(0, 0, part, RW));
      }
      assertEquals(MapOutcome.MISALIGNED, space.map(0, 0, 0, RW));
      long huge = format.pageByteSize(2);
      for (long part : new long[] {PAGE, huge / 2, huge - PAGE}) {
        assertEquals(MapOutcome.MISALIGNED, space.mapExact(part, 0, huge, RW, 2));
        assertEquals(MapOutcome.MISALIGNED, space.mapExact(0, part, huge, RW, 2));
        assertEquals(MapOutcome.MISALIGNED, space.mapExact(0, 0, part, RW, 2));
      }
      assertEquals(before, tables.state(space));
      assertEquals(MapOutcome.MAPPED, space.mapExact(huge, 0x4000_0000, huge, RW, 2));
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void addressesThatTheFormatHasNotAreRefused(PageFormat format) {
    try (TestTables tables = new TestTables(format, 20)) {
      AddressSpace space = tables.space;
      String before = tables.state(space);
      long end = lowEnd(format);
      assertEquals(MapOutcome.NOT_CANONICAL, space.map(end, 0, PAGE, RW));
      assertEquals(MapOutcome.NOT_CANONICAL, space.map(end - PAGE, 0, 2 * PAGE, RW));
      assertEquals(MapOutcome.NOT_CANONICAL, space.map(0, 0, Long.MIN_VALUE, RW));
      assertEquals(MapOutcome.NOT_CANONICAL, space.map(0, 0, -PAGE, RW));
      assertEquals(MapOutcome.NOT_CANONICAL, space.map(-PAGE, 0, 2 * PAGE, RW)); // around the end
      assertEquals(AddressSpace.NOT_MAPPED, space.translate(end));
      assertEquals(AddressSpace.NOT_MAPPED, space.lookup(end));
      assertEquals(AddressSpace.NOT_MAPPED, space.tableAt(end, 1));
      assertEquals(before, tables.state(space));
      assertEquals(MapOutcome.MAPPED, space.map(end - PAGE, 0, PAGE, RW));
      assertEquals(PAGE - 1, space.translate(end - 1));
      long last = format.isCanonical(-1) ? -PAGE : end - 2 * PAGE;
      assertEquals(MapOutcome.MAPPED, space.map(last, PAGE, PAGE, RW));
      assertEquals(2 * PAGE - 1, space.translate(last + PAGE - 1));
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void physicalAddressesHaveTheirEnd(PageFormat format) {
    try (TestTables tables = new TestTables(format, 20)) {
      AddressSpace space = tables.space;
      String before = tables.state(space);
      long end = 1L << format.physicalBits();
      assertEquals(MapOutcome.TOO_HIGH, space.map(0, end, PAGE, RW));
      assertEquals(MapOutcome.TOO_HIGH, space.map(0, end - PAGE, 2 * PAGE, RW));
      assertEquals(MapOutcome.TOO_HIGH, space.map(0, -PAGE, PAGE, RW));
      assertEquals(MapOutcome.TOO_HIGH, space.map(0, Long.MIN_VALUE, PAGE, RW));
      assertEquals(before, tables.state(space));
      assertEquals(MapOutcome.MAPPED, space.map(0, end - 2 * PAGE, 2 * PAGE, RW));
      assertEquals(end - 1, space.translate(2 * PAGE - 1));
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void flagsThatMeanNothingAreTheCallersMistake(PageFormat format) {
    try (TestTables tables = new TestTables(format, 8)) {
      AddressSpace space = tables.space;
      String before = tables.state(space);
      assertThrows(IllegalArgumentException.class, () -> space.map(0, 0, PAGE, 0));
      assertThrows(IllegalArgumentException.class, () -> space.map(0, 0, PAGE, PageFlags.USER));
      assertThrows(IllegalArgumentException.class, () -> space.map(0, 0, PAGE, RW | 1 << 11));
      assertThrows(IllegalArgumentException.class, () -> space.mapExact(0, 0, PAGE, 0, 1));
      assertThrows(IllegalArgumentException.class, () -> space.map(0, 0, PAGE, RW, 0));
      int above = format.largestLeafLevel() + 1;
      assertThrows(IllegalArgumentException.class, () -> space.map(0, 0, PAGE, RW, above));
      assertThrows(IllegalArgumentException.class, () -> space.mapExact(0, 0, PAGE, RW, above));
      assertThrows(IllegalArgumentException.class, () -> space.mapExact(0, 0, PAGE, RW, 0));
      assertThrows(IllegalArgumentException.class, () -> space.protect(0, PAGE, 0, tables.batch));
      assertThrows(IllegalArgumentException.class, () -> space.split(0, 0, tables.batch));
      assertThrows(IllegalArgumentException.class, () -> space.split(0, above, tables.batch));
      assertThrows(IllegalArgumentException.class, () -> space.collapse(0, above, tables.batch));
      assertThrows(IllegalArgumentException.class, () -> space.replace(0, -1, 0, 0, tables.batch));
      assertThrows(IllegalArgumentException.class, () -> space.rootAddress(format.rootCount()));
      assertThrows(IllegalArgumentException.class, () -> space.rootAddress(-1));
      assertEquals(before, tables.state(space));
      // A store without a load there is not.
      assertEquals(MapOutcome.MAPPED, space.map(0, 0, PAGE, PageFlags.WRITE));
      assertEquals(format.expressible(RW), MappedPage.flags(space.lookup(0)));
    }
  }

  // ---- Tables ----

  @ParameterizedTest
  @MethodSource("formats")
  @Behaviour({"117", "124"})
  void tablesAreFramesOfEntriesThatSayNothingAtFirst(PageFormat format) {
    assertFalse(format.isPresent(0));
    assertEquals(0, format.address(0, 0));
    assertEquals(0, format.address(1, 0));
    assertEquals(4096, format.entryCount() * format.entryByteSize());
    assertEquals(format == I386Format.INSTANCE ? 4 : 8, format.entryByteSize());
    long table = format.table(0x4000_0000);
    assertFalse(format.isLeaf(2, table));
    assertEquals(0x4000_0000, format.address(0, table));
    long leaf = format.leaf(2, 0x4000_0000, RW);
    assertTrue(format.isLeaf(2, leaf));
    assertEquals(0x4000_0000, format.address(2, leaf));
    try (TestTables tables = new TestTables(format, 8)) {
      long root = tables.space.rootAddress(0);
      for (int index = 0; index < format.entryCount(); index++) {
        assertEquals(0, tables.entry(root, index));
      }
      assertEquals(MapOutcome.MAPPED, tables.space.map(5 * PAGE, 0, PAGE, RW));
      for (int level = 1; level <= format.levels(); level++) {
        long at = tables.space.tableAt(5 * PAGE, level);
        assertEquals(tables.table(tables.space, 5 * PAGE, level), at);
        int used = level == 1 ? 5 : 0;
        for (int index = 0; index < format.entryCount(); index++) {
          assertEquals(index == used, tables.entry(at, index) != 0);
        }
      }
      assertEquals(AddressSpace.NOT_MAPPED, tables.space.tableAt(0, 0));
      assertEquals(AddressSpace.NOT_MAPPED, tables.space.tableAt(0, format.levels() + 1));
      assertEquals(AddressSpace.NOT_MAPPED, tables.space.tableAt(format.pageByteSize(2), 1));
    }
  }
}
