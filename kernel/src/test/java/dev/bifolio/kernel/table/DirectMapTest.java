package dev.bifolio.kernel.table;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/// RAM in the direct map: by which pages, and with which rights.
class DirectMapTest {
  private static final long MIB = 1L << 20;
  private static final long GIB = 1L << 30;

  private static KernelLayout of(PageFormat format) {
    return KernelLayout.of(format, MIB, 4 * GIB);
  }

  /// Pages in order, as `physical+bytes rights`.
  private static List<String> pages(TestTables tables, KernelLayout layout) {
    List<String> found = new ArrayList<>();
    tables.space.walk(
        layout.directMapBase(),
        layout.physicalEnd() - layout.physicalBase(),
        new TableVisitor() {
          @Override
          public void table(int level, long va, long physical) {}

          @Override
          public void page(int level, long va, long physical, int flags) {
            assertEquals(va, layout.directMapAddress(physical));
            long kib = layout.format().pageByteSize(level) >>> 10;
            String rights = PageFlags.toString(flags).substring(0, 3);
            found.add(Long.toHexString(physical) + "+" + kib + " " + rights);
          }
        });
    return found;
  }

  @Test
  void rangesThatTouchAreMappedAsOneByTheLargestPages() {
    KernelLayout layout = of(X86Format.LEVELS_4);
    try (TestTables tables = new TestTables(X86Format.LEVELS_4, 16)) {
      DirectMap direct = new DirectMap(layout, tables.space, null);
      direct.add(2 * MIB, 3 * MIB);
      direct.add(3 * MIB, GIB + 5 * MIB);
      direct.add(GIB + 5 * MIB, 2 * GIB + 4096);
      assertEquals(MapOutcome.MAPPED, direct.finish());
      assertEquals(0, direct.beyondBytes());
      assertEquals(511, tables.space.pageCount(2));
      assertEquals(1, tables.space.pageCount(3));
      assertEquals(1, tables.space.pageCount(1));
      assertEquals("200000+2048 rw-", pages(tables, layout).getFirst());
      assertEquals("80000000+4 rw-", pages(tables, layout).getLast());
    }
  }

  @Test
  void holesAreNotMapped() {
    KernelLayout layout = of(RiscvFormat.SV39);
    try (TestTables tables = new TestTables(RiscvFormat.SV39, 16)) {
      DirectMap direct = new DirectMap(layout, tables.space, null);
      direct.add(0, 4096);
      direct.add(8192, 16384);
      assertEquals(MapOutcome.MAPPED, direct.finish());
      assertEquals(List.of("0+4 rw-", "2000+4 rw-", "3000+4 rw-"), pages(tables, layout));
    }
  }

  @Test
  void thePagesThatHoldTextAreNotWritableUnderThisAddressEither() {
    KernelSections image = new KernelSections(4 * MIB, 5 * MIB, 6 * MIB, 8 * MIB);
    KernelLayout layout = of(Aarch64Format.INSTANCE);
    try (TestTables tables = new TestTables(Aarch64Format.INSTANCE, 16)) {
      DirectMap direct = new DirectMap(layout, tables.space, image);
      direct.add(2 * MIB, 16 * MIB);
      assertEquals(MapOutcome.MAPPED, direct.finish());
      assertEquals(
          List.of(
              "200000+2048 rw-",
              "400000+2048 r--",
              "600000+2048 rw-",
              "800000+2048 rw-",
              "a00000+2048 rw-",
              "c00000+2048 rw-",
              "e00000+2048 rw-"),
          pages(tables, layout));
    }
  }

  @Test
  void onAnI386TheDirectMapIsWhereTheTextRuns() {
    KernelSections image = new KernelSections(4 * MIB, 8 * MIB, 12 * MIB, 16 * MIB);
    KernelLayout layout = of(I386Format.INSTANCE);
    try (TestTables tables = new TestTables(I386Format.INSTANCE, 16)) {
      DirectMap direct = new DirectMap(layout, tables.space, image);
      direct.add(0, 6 * MIB);
      direct.add(6 * MIB, GIB);
      direct.add(GIB, 2 * GIB);
      assertEquals(MapOutcome.MAPPED, direct.finish());
      assertEquals(GIB + 128 * MIB, direct.beyondBytes());
      List<String> found = pages(tables, layout);
      assertEquals(224, found.size());
      assertEquals(
          List.of("0+4096 rwx", "400000+4096 r-x", "800000+4096 r-x", "c00000+4096 rwx"),
          found.subList(0, 4));
      // Of equal looks in the bytes, but not of equal flags: nothing keeps rodata from execution.
      assertEquals(224, tables.space.pageCount(2));
    }
  }

  @Test
  void whatTheLayoutDoesNotReachIsCounted() {
    KernelLayout layout = KernelLayout.of(RiscvFormat.SV39, 4 * GIB, 200 * GIB);
    try (TestTables tables = new TestTables(RiscvFormat.SV39, 16)) {
      DirectMap direct = new DirectMap(layout, tables.space, null);
      direct.add(GIB, 5 * GIB);
      direct.add(131 * GIB, 140 * GIB);
      direct.add(150 * GIB, 151 * GIB);
      assertEquals(MapOutcome.MAPPED, direct.finish());
      assertEquals(3 * GIB + 8 * GIB + GIB, direct.beyondBytes());
      assertEquals(2, tables.space.pageCount(3));
      assertEquals(0, tables.space.pageCount(1) + tables.space.pageCount(2));
    }
  }

  @Test
  void nothingIsNothing() {
    try (TestTables tables = new TestTables(RiscvFormat.SV39, 16)) {
      DirectMap direct = new DirectMap(of(RiscvFormat.SV39), tables.space, null);
      assertEquals(MapOutcome.MAPPED, direct.finish());
      assertEquals(1, tables.space.tableCount());
    }
  }

  @Test
  void anImageInSeveralRangesOfRamIsCutAtItsBordersOnly() {
    KernelSections image = new KernelSections(0x2000, 0x3000, 0x4000, 0x6000);
    KernelLayout layout = of(RiscvFormat.SV48);
    try (TestTables tables = new TestTables(RiscvFormat.SV48, 16)) {
      DirectMap direct = new DirectMap(layout, tables.space, image);
      direct.add(0x1000, 0x3000);
      direct.add(0x3000, 0x5000);
      direct.add(0x5000, 0x8000);
      assertEquals(MapOutcome.MAPPED, direct.finish());
      assertEquals(
          List.of(
              "1000+4 rw-",
              "2000+4 r--",
              "3000+4 r--",
              "4000+4 rw-",
              "5000+4 rw-",
              "6000+4 rw-",
              "7000+4 rw-"),
          pages(tables, layout));
    }
  }
}
