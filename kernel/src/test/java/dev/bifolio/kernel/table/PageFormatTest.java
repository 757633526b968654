package dev.bifolio.kernel.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.testkit.Behaviour;
import dev.bifolio.testkit.SplitMix64;
import org.junit.jupiter.api.Test;

/// Shapes of trees, and bits of entries against the manuals' drawings.
class PageFormatTest {
  private static final int RW = PageFlags.READ | PageFlags.WRITE;
  private static final int RX = PageFlags.READ | PageFlags.EXECUTE;
  private static final int KERNEL_DATA =
      RW | PageFlags.GLOBAL | PageFlags.ACCESSED | PageFlags.DIRTY;
  private static final int KERNEL_TEXT = RX | PageFlags.GLOBAL | PageFlags.ACCESSED;
  private static final int USER_TEXT = RX | PageFlags.USER | PageFlags.ACCESSED;

  private static void assertEntry(long expected, long entry) {
    assertEquals(Long.toHexString(expected), Long.toHexString(entry));
  }

  // ---- Shapes ----

  @Test
  void theShapesAreThoseOfTheManuals() {
    assertShape(X86Format.LEVELS_4, 4, 512, 8, 3, 52);
    assertShape(X86Format.LEVELS_5, 5, 512, 8, 3, 52);
    assertShape(I386Format.INSTANCE, 2, 1024, 4, 2, 32);
    assertShape(Aarch64Format.INSTANCE, 4, 512, 8, 3, 48);
    assertShape(RiscvFormat.SV39, 3, 512, 8, 3, 56);
    assertShape(RiscvFormat.SV48, 4, 512, 8, 4, 56);
    assertShape(RiscvFormat.SV57, 5, 512, 8, 5, 56);
  }

  private static void assertShape(
      PageFormat format, int levels, int entries, int entryBytes, int leafLevel, int physical) {
    assertEquals(levels, format.levels(), format.name());
    assertEquals(entries, format.entryCount(), format.name());
    assertEquals(entryBytes, format.entryByteSize(), format.name());
    assertEquals(4096, format.entryCount() * format.entryByteSize(), format.name());
    assertEquals(leafLevel, format.largestLeafLevel(), format.name());
    assertEquals(physical, format.physicalBits(), format.name());
    assertEquals(4096, format.pageByteSize(1));
    assertEquals(entries == 1024 ? 4 << 20 : 2 << 20, format.pageByteSize(2));
  }

  @Test
  @Behaviour("116")
  void indicesAreCutOutOfTheAddress() {
    PageFormat arm = Aarch64Format.INSTANCE;
    assertEquals(1, arm.index(4, 0x80_0000_0000L));
    assertEquals(511, arm.index(4, 0xFF80_0000_0000L));
    assertEquals(1, arm.index(3, 0x4000_0000L));
    assertEquals(1, arm.index(2, 0x20_0000L));
    assertEquals(1, arm.index(1, 0x1000L));
    assertEquals(0, arm.index(4, 0x4008_0000L));
    assertEquals(1, arm.index(3, 0x4008_0000L));
    assertEquals(0, arm.index(2, 0x4008_0000L));
    assertEquals(0x80, arm.index(1, 0x4008_0000L));
    PageFormat i386 = I386Format.INSTANCE;
    assertEquals(0x300, i386.index(2, 0xC000_0000L));
    assertEquals(0x3FF, i386.index(1, 0xC03F_FFFFL));
  }

  @Test
  void addressesThatTheTreeCannotHaveAreNotCanonical() {
    assertCanonical(X86Format.LEVELS_4, 47);
    assertCanonical(X86Format.LEVELS_5, 56);
    assertCanonical(RiscvFormat.SV39, 38);
    assertCanonical(RiscvFormat.SV48, 47);
    assertCanonical(RiscvFormat.SV57, 56);
    PageFormat arm = Aarch64Format.INSTANCE;
    assertTrue(arm.isCanonical(0xFFFF_FFFF_FFFFL));
    assertFalse(arm.isCanonical(0x1_0000_0000_0000L));
    assertTrue(arm.isCanonical(0xFFFF_0000_0000_0000L));
    assertFalse(arm.isCanonical(0xFFFE_FFFF_FFFF_FFFFL));
    assertEquals(2, arm.rootCount());
    assertEquals(0, arm.rootOf(0xFFFF_FFFF_FFFFL));
    assertEquals(1, arm.rootOf(0xFFFF_0000_0000_0000L));
    assertTrue(I386Format.INSTANCE.isCanonical(0xFFFF_FFFFL));
    assertFalse(I386Format.INSTANCE.isCanonical(0x1_0000_0000L));
    assertFalse(I386Format.INSTANCE.isCanonical(-1));
  }

  private static void assertCanonical(PageFormat format, int signBit) {
    assertEquals(1, format.rootCount());
    assertEquals(0, format.rootOf(-1));
    assertTrue(format.isCanonical((1L << signBit) - 1), format.name());
    assertFalse(format.isCanonical(1L << signBit), format.name());
    assertTrue(format.isCanonical(-(1L << signBit)), format.name());
    assertFalse(format.isCanonical(-(1L << signBit) - 1), format.name());
  }

  // ---- Bits ----

  @Test
  void x86HasItsBitsWhereTheManualDrawsThem() {
    PageFormat format = X86Format.LEVELS_4;
    assertEntry(0x1027, format.table(0x1000));
    assertEntry(0x8000_0000_4444_5163L, format.leaf(1, 0x4444_5000, KERNEL_DATA));
    assertEntry(0x8000_0000_4020_01E3L, format.leaf(2, 0x4020_0000, KERNEL_DATA));
    assertEntry(0x1_4000_01A1L, format.leaf(3, 0x1_4000_0000L, KERNEL_TEXT));
    assertEntry(0x40_0025, format.leaf(1, 0x40_0000, USER_TEXT));
    int device = RW | PageFlags.DEVICE;
    assertEntry(0x8000_0000_FEE0_001BL, format.leaf(1, 0xFEE0_0000L, device));
    assertEntry(0x8000_0000_0000_0013L, format.leaf(1, 0, RW | PageFlags.UNCACHED));
    assertEntry(0x8000_0000_0000_000BL, format.leaf(1, 0, RW | PageFlags.WRITE_THROUGH));
    assertEntry(
        0x8000_0000_0000_0601L,
        format.leaf(1, 0, PageFlags.READ | PageFlags.COPY_ON_WRITE | PageFlags.SOFTWARE));
    // Protection keys, the attribute bit of large pages and bits of the software are no address.
    assertEquals(0x4020_0000, format.address(2, 0xFFF0_0000_4020_1FFFL));
    assertEquals(0xF_FFFF_FFFF_F000L, format.address(1, -1));
    assertEquals(0xF_FFFF_FFE0_0000L, format.address(2, -1));
    assertEquals(0xF_FFFF_C000_0000L, format.address(3, -1));
    assertEquals(0xF_FFFF_FFFF_F000L, format.address(0, -1));
  }

  @Test
  void i386HasNothingAgainstExecution() {
    PageFormat format = I386Format.INSTANCE;
    assertEntry(0x1027, format.table(0x1000));
    assertEntry(0x163, format.leaf(1, 0, KERNEL_DATA));
    assertEntry(0xFFC0_01E3L, format.leaf(2, 0xFFC0_0000L, KERNEL_DATA));
    assertEquals(KERNEL_DATA | PageFlags.EXECUTE, format.flags(2, 0xFFC0_01E3L));
    assertEquals(PageFlags.READ | PageFlags.EXECUTE, format.flags(1, 1));
    assertEquals(0xFFC0_0000L, format.address(2, 0xFFDF_E1E3L)); // PSE-36's bits are no address
  }

  @Test
  @Behaviour("115")
  void aarch64HasItsBitsWhereTheManualDrawsThem() {
    PageFormat format = Aarch64Format.INSTANCE;
    assertEntry(0x1003, format.table(0x1000));
    // Kernel data: AF, inner shareable, PXN and UXN; a block has no table bit.
    assertEntry(0x60_0000_4000_0701L, format.leaf(2, 0x4000_0000, KERNEL_DATA & ~PageFlags.DIRTY));
    assertEntry(0x60_0000_4000_0703L, format.leaf(1, 0x4000_0000, KERNEL_DATA & ~PageFlags.DIRTY));
    assertEntry(0xE0_0000_4000_0703L, format.leaf(1, 0x4000_0000, KERNEL_DATA));
    // Kernel text: read-only, EL0 may not execute it.
    assertEntry(0x40_0000_4000_0781L, format.leaf(3, 0x4000_0000, KERNEL_TEXT));
    // User text: EL0, not global, the kernel may not execute it.
    assertEntry(0x20_0000_0040_0FC3L, format.leaf(1, 0x40_0000, USER_TEXT));
    int device = RW | PageFlags.GLOBAL | PageFlags.ACCESSED | PageFlags.DEVICE;
    assertEntry(0x60_0000_0900_0405L, format.leaf(2, 0x0900_0000, device));
    assertEquals(0x04, (int) (Aarch64Format.MAIR >>> 8 & 0xFF));
    assertEquals(0xFFFF_FFFF_F000L, format.address(1, -1));
    assertEquals(0xFFFF_C000_0000L, format.address(3, -1));
  }

  @Test
  void riscvHasItsBitsWhereTheManualDrawsThem() {
    PageFormat format = RiscvFormat.SV39;
    assertEntry(0x2000_0401L, format.table(0x8000_1000L));
    int all = RW | PageFlags.EXECUTE | PageFlags.ACCESSED | PageFlags.DIRTY;
    assertEntry(0x2000_00CFL, format.leaf(3, 0x8000_0000L, all));
    assertEntry(0x2000_0007L, format.leaf(2, 0x8000_0000L, PageFlags.WRITE)); // W alone is reserved
    assertEntry(0x2000_0009L, format.leaf(1, 0x8000_0000L, PageFlags.EXECUTE));
    PageFormat typed = RiscvFormat.SV39_SVPBMT;
    assertEntry(0x4000_0000_0000_0007L, typed.leaf(1, 0, RW | PageFlags.DEVICE));
    assertEntry(0x2000_0000_0000_0007L, typed.leaf(1, 0, RW | PageFlags.UNCACHED));
    assertEntry(0x7, format.leaf(1, 0, RW | PageFlags.DEVICE));
    assertEquals(0xFF_FFFF_FFFF_F000L, format.address(1, -1));
    assertEquals(0xFF_FFFF_C000_0000L, format.address(3, -1));
  }

  // ---- What is written is read ----

  @Test
  void whatALeafSaysIsReadBackAtEveryLevel() {
    SplitMix64 random = new SplitMix64(5);
    for (PageFormat format : TestTables.FORMATS) {
      for (int flags = 0; flags <= PageFlags.ALL; flags++) {
        if ((flags & (RW | PageFlags.EXECUTE)) == 0) {
          continue;
        }
        int level = 1 + random.below(format.largestLeafLevel());
        long mask = (1L << format.physicalBits()) - format.pageByteSize(level);
        long address = random.next() & mask;
        long entry = format.leaf(level, address, flags);
        String what = format + " level " + level + " " + PageFlags.toString(flags);
        assertTrue(format.isPresent(entry), what);
        assertTrue(format.isLeaf(level, entry), what);
        assertEquals(address, format.address(level, entry), what);
        assertEquals(format.expressible(flags), format.flags(level, entry), what);
        assertEquals(
            0, format.expressible(flags) & ~flags & (PageFlags.WRITE | PageFlags.USER), what);
        assertEquals(0, format.entryByteSize() == 4 ? entry >>> 32 : 0, what);
      }
    }
  }

  @Test
  void aTableIsReadBackAtEveryLevel() {
    for (PageFormat format : TestTables.FORMATS) {
      assertFalse(format.isPresent(0));
      for (int level = 2; level <= format.levels(); level++) {
        for (int bit = 12; bit < format.physicalBits(); bit++) {
          long entry = format.table(1L << bit);
          assertTrue(format.isPresent(entry));
          assertFalse(format.isLeaf(level, entry), format + " level " + level);
          assertEquals(1L << bit, format.address(0, entry));
        }
      }
    }
  }
}
