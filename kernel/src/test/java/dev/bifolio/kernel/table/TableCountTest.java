package dev.bifolio.kernel.table;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.bifolio.testkit.SplitMix64;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// How many tables a mapping needs, without making one.
class TableCountTest {
  private static final long PAGE = 4096;
  private static final long GIB = 1L << 30;
  private static final long TIB = 1L << 40;

  static List<PageFormat> formats() {
    return TestTables.FORMATS;
  }

  @Test
  void allThatFortyEightBitsCanNameTakesHalfATebibyteOfLeafTables() {
    PageFormat format = X86Format.LEVELS_4;
    // Either half: 2^35 pages in 2^26 leaf tables, 2^17 and 2^8 above them.
    long half = TableCount.of(format, 0, 0, 128 * TIB, 1);
    assertEquals((1 << 26) + (1 << 17) + (1 << 8), half);
    assertEquals(half, TableCount.of(format, -128 * TIB, 0, 128 * TIB, 1));
    long leafTables = 2 * (half - (1 << 17) - (1 << 8));
    assertEquals(512 * GIB, leafTables * PAGE);
    assertEquals((1 << 17) + (1 << 8), TableCount.of(format, 0, 0, 128 * TIB, 2));
    assertEquals(1 << 8, TableCount.of(format, 0, 0, 128 * TIB, 3));
  }

  @Test
  void smallMappingsAreCountedByHand() {
    PageFormat format = X86Format.LEVELS_4;
    assertEquals(3, TableCount.of(format, 0, 0, PAGE, 3));
    assertEquals(3, TableCount.of(format, 0, 0, 2 << 20, 1));
    assertEquals(2, TableCount.of(format, 0, 0, 2 << 20, 2));
    assertEquals(1, TableCount.of(format, 0, 0, GIB, 3));
    assertEquals(2, TableCount.of(format, 0, 2 << 20, GIB, 3));
    assertEquals(514, TableCount.of(format, 0, PAGE, GIB, 3));
    assertEquals(4, TableCount.of(format, (2 << 20) - PAGE, 0, 2 * PAGE, 3));
    assertEquals(6, TableCount.of(format, (512 * GIB) - PAGE, 0, 2 * PAGE, 3));
    assertEquals(0, TableCount.of(RiscvFormat.SV39, -GIB, GIB, GIB, 3));
    assertEquals(1, TableCount.of(I386Format.INSTANCE, 0xC000_0000L, 0, PAGE, 2));
    assertEquals(224, TableCount.of(I386Format.INSTANCE, 0xC000_0000L, 0, 896 << 20, 1));
  }

  @ParameterizedTest
  @MethodSource("formats")
  void asManyAreMadeAsWereCounted(PageFormat format) {
    SplitMix64 random = new SplitMix64(7);
    try (TestTables tables = new TestTables(format, 3000)) {
      AddressSpace space = tables.space;
      long huge = format.pageByteSize(2);
      for (int turn = 0; turn < 300; turn++) {
        int level = 1 + random.below(format.largestLeafLevel());
        long alignment = random.oneIn(2) ? PAGE : format.pageByteSize(1 + random.below(2));
        long at = random.below(1L << 31) & -alignment;
        at = random.oneIn(2) && format.isCanonical(-1) ? -(at + (1L << 31)) : at;
        long physical = random.oneIn(3) ? at & (huge - 1) : random.below(1L << 31) & -alignment;
        long byteSize =
            (1 + random.below(random.oneIn(4) ? 20 * huge : 9 * PAGE)) + PAGE - 1 & -PAGE;
        long before = space.tableCount();
        assertEquals(MapOutcome.MAPPED, space.map(at, physical, byteSize, PageFlags.READ, level));
        assertEquals(
            TableCount.of(format, at, physical, byteSize, level), space.tableCount() - before);
        assertEquals(space.tableCount(), tables.inUse());
        long bytes = 0;
        for (int size = 1; size <= format.largestLeafLevel(); size++) {
          bytes += space.pageCount(size) * format.pageByteSize(size);
        }
        assertEquals(byteSize, bytes);
        assertEquals(UnmapOutcome.DONE, space.unmap(at, byteSize, tables.batch));
        space.flushed(tables.batch);
        assertEquals(before, space.tableCount());
      }
    }
  }
}
