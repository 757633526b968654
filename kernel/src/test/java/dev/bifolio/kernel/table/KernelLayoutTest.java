package dev.bifolio.kernel.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.mmu.Mmu;
import dev.bifolio.kernel.mmu.MmuBus;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.testkit.Behaviour;
import dev.bifolio.testkit.SplitMix64;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Where a kernel's things lie, in each format.
class KernelLayoutTest {
  private static final long MIB = 1L << 20;
  private static final long GIB = 1L << 30;
  private static final long TIB = 1L << 40;
  private static final long STACK = KernelLayout.STACK_BYTE_SIZE;

  private static final List<PageFormat> ALL =
      List.of(
          X86Format.LEVELS_4,
          X86Format.LEVELS_5,
          I386Format.INSTANCE,
          Aarch64Format.INSTANCE,
          RiscvFormat.SV39,
          RiscvFormat.SV48,
          RiscvFormat.SV57);

  private static KernelLayout of(PageFormat format) {
    return KernelLayout.of(format, MIB, GIB);
  }

  private static KernelSections image(long base, long byteSize) {
    return KernelSections.of(new AddressRange(base, byteSize));
  }

  // ---- The direct map ----

  /// The row's offset is 0xFFFF_8000_0000_0000 on AArch64; ours is Linux's, which gives all of the
  /// lower half of the kernel's addresses to the direct map.
  @Test
  @Behaviour("119")
  void aHighAddressIsAPhysicalOneAtADistanceAndALowOneIsItself() {
    assertDistance(Aarch64Format.INSTANCE, 0xFFFF_0000_0000_0000L, 128 * TIB);
    assertDistance(X86Format.LEVELS_4, 0xFFFF_8880_0000_0000L, 64 * TIB);
    assertDistance(X86Format.LEVELS_5, 0xFF11_0000_0000_0000L, 1L << 52);
    assertDistance(I386Format.INSTANCE, 0xC000_0000L, 896 * MIB);
    assertDistance(RiscvFormat.SV39, 0xFFFF_FFD6_0000_0000L, 128 * GIB);
    assertDistance(RiscvFormat.SV48, 0xFFFF_AF80_0000_0000L, 64 * TIB);
    assertDistance(RiscvFormat.SV57, 0xFF60_0000_0000_0000L, 1L << 55);
    for (PageFormat format : ALL) {
      try (TestTables tables = new TestTables(format, 16)) {
        AddressRange low = new AddressRange(0x40_0000, 8 * MIB);
        assertEquals(
            MapOutcome.MAPPED, KernelLayout.mapIdentity(tables.space, low, KernelLayout.BOOT));
        assertEquals(0x40_0000, tables.space.translate(0x40_0000));
        assertEquals(0xBF_FFFF, tables.space.translate(0xBF_FFFF));
        assertEquals(AddressSpace.NOT_MAPPED, tables.space.translate(0x3F_FFFF));
        assertEquals(AddressSpace.NOT_MAPPED, tables.space.translate(0xC0_0000));
      }
    }
  }

  private static void assertDistance(PageFormat format, long distance, long reach) {
    KernelLayout layout = of(format);
    assertEquals(format, layout.format());
    assertEquals(distance, layout.directMapBase());
    assertEquals(0, layout.physicalBase());
    assertEquals(reach, layout.physicalEnd());
    SplitMix64 random = new SplitMix64(119);
    for (int i = 0; i < 1000; i++) {
      long pa = random.below(reach);
      assertEquals(pa + distance, layout.directMapAddress(pa));
      assertEquals(pa, layout.physicalAddress(pa + distance));
      assertTrue(layout.reaches(pa));
      assertTrue(format.isCanonical(pa + distance), format.name());
    }
    assertFalse(layout.reaches(-1));
    assertFalse(layout.reaches(reach));
    assertThrows(IllegalArgumentException.class, () -> layout.directMapAddress(reach));
    assertThrows(IllegalArgumentException.class, () -> layout.directMapAddress(-1));
    assertThrows(IllegalArgumentException.class, () -> layout.physicalAddress(distance - 1));
    assertThrows(IllegalArgumentException.class, () -> layout.physicalAddress(distance + reach));
  }

  @Test
  void whereRamEndsTooHighTheDirectMapBeginsWithItsGib() {
    KernelLayout arm = KernelLayout.of(Aarch64Format.INSTANCE, 200 * TIB + 5 * MIB, 201 * TIB);
    assertEquals(200 * TIB, arm.physicalBase());
    assertEquals(256 * TIB, arm.physicalEnd(), "as far as an entry can name");
    assertEquals(0xFFFF_0000_0000_0000L + 5 * MIB, arm.directMapAddress(200 * TIB + 5 * MIB));
    assertEquals(200 * TIB + 5 * MIB, arm.physicalAddress(0xFFFF_0000_0000_0000L + 5 * MIB));
    assertFalse(arm.reaches(200 * TIB - 1));
    KernelLayout sv39 = KernelLayout.of(RiscvFormat.SV39, 2 * GIB + 4096, 128 * GIB);
    assertEquals(0, sv39.physicalBase());
    KernelLayout shifted = KernelLayout.of(RiscvFormat.SV39, 2 * GIB + 4096, 128 * GIB + 4096);
    assertEquals(2 * GIB, shifted.physicalBase());
    assertEquals(130 * GIB, shifted.physicalEnd());
    assertEquals(0, KernelLayout.of(X86Format.LEVELS_4, 65 * TIB, 66 * TIB).physicalBase());
    assertEquals(0, KernelLayout.of(I386Format.INSTANCE, GIB, 4 * GIB).physicalBase());
    KernelLayout none = KernelLayout.of(Aarch64Format.INSTANCE, 300 * TIB, 301 * TIB);
    assertEquals(none.physicalBase(), none.physicalEnd());
    assertFalse(none.reaches(300 * TIB));
    assertThrows(IllegalArgumentException.class, () -> KernelLayout.of(RiscvFormat.SV39, -1, GIB));
    assertThrows(IllegalArgumentException.class, () -> KernelLayout.of(RiscvFormat.SV39, GIB, GIB));
  }

  @Test
  void theRegionsOfALayoutAreApartAndTheKernels() {
    for (PageFormat format : ALL) {
      KernelLayout layout = of(format);
      long direct = layout.directMapBase();
      long directLast = layout.directMapAddress(layout.physicalEnd() - 1);
      long stacks = layout.stackBase(0) - STACK;
      assertTrue(stacks < layout.vmallocBase() && layout.vmallocBase() < layout.vmallocEnd());
      assertTrue(directLast < stacks || layout.vmallocEnd() <= direct, format.name());
      assertTrue(format.isCanonical(layout.vmallocEnd() - 1), format.name());
      for (long va : new long[] {direct, directLast, stacks, layout.vmallocEnd() - 1}) {
        assertTrue(format.isKernelHalf(va), format.name());
      }
      KernelSections image = image(64 * MIB, 40 * MIB);
      long text = layout.textAddress(image.textBase(), image.textBase());
      long textLast = layout.textAddress(image.textBase(), image.end() - 1);
      assertEquals(40 * MIB - 1, textLast - text);
      assertTrue(format.isCanonical(text) && format.isKernelHalf(text), format.name());
      if (layout.hasText()) {
        assertTrue(text > directLast || textLast < direct, format.name());
        assertTrue(text >= layout.vmallocEnd() || textLast < stacks, format.name());
      } else {
        assertEquals(layout.directMapAddress(64 * MIB), text);
      }
    }
  }

  // ---- The image ----

  @Test
  void anImageOfWhichOnlyThePlaceIsKnownIsHalfTextAQuarterRodata() {
    KernelSections sections = image(2 * MIB, 8 * MIB);
    assertEquals(new KernelSections(2 * MIB, 6 * MIB, 8 * MIB, 10 * MIB), sections);
    assertEquals(new AddressRange(2 * MIB, 8 * MIB), sections.range());
    KernelSections odd = image(0x1234, 0x4000);
    assertEquals(new KernelSections(0x1000, 0x3000, 0x4000, 0x6000), odd);
    assertEquals(new KernelSections(0x1000, 0x1000, 0x1000, 0x2000), image(0x1FFF, 1));
  }

  @Test
  void sectionsAreWholePagesInOrder() {
    assertNoSections(1, 0x2000, 0x3000, 0x4000);
    assertNoSections(0x1000, 0x2001, 0x3000, 0x4000);
    assertNoSections(0x1000, 0x2000, 0x3800, 0x4000);
    assertNoSections(0x1000, 0x2000, 0x3000, 0x4008);
    assertNoSections(0x2000, 0x1000, 0x3000, 0x4000);
    assertNoSections(0x1000, 0x3000, 0x2000, 0x4000);
    assertNoSections(0x1000, 0x2000, 0x4000, 0x3000);
    assertNoSections(0x1000, 0x1000, 0x1000, 0x1000);
    assertNoSections(-0x2000, 0x2000, 0x3000, 0x4000);
    assertEquals(0x3000, new KernelSections(0, 0, 0x3000, 0x3000).end());
  }

  private static void assertNoSections(long text, long rodata, long data, long end) {
    assertThrows(IllegalArgumentException.class, () -> new KernelSections(text, rodata, data, end));
  }

  @Test
  void anImageKeepsItsPlaceWithinALargePage() {
    KernelLayout x86 = of(X86Format.LEVELS_4);
    assertEquals(0xFFFF_FFFF_8000_0000L, x86.textAddress(16 * MIB, 16 * MIB));
    assertEquals(0xFFFF_FFFF_8010_1000L, x86.textAddress(17 * MIB, 17 * MIB + 4096));
    assertEquals(0xC110_1000L, of(I386Format.INSTANCE).textAddress(17 * MIB, 17 * MIB + 4096));
  }

  @Test
  void anImageThatIsTooLargeOrTooFarHasNoRoom() {
    KernelLayout x86 = of(X86Format.LEVELS_4);
    assertTrue(x86.hasRoomFor(image(2 * MIB, 512 * MIB)));
    assertFalse(x86.hasRoomFor(image(2 * MIB, 512 * MIB + 4096)));
    assertTrue(x86.hasRoomFor(image(3 * MIB, 511 * MIB)));
    assertFalse(x86.hasRoomFor(image(3 * MIB, 511 * MIB + 4096)));
    assertFalse(x86.hasRoomFor(image(64 * TIB, MIB)));
    assertFalse(x86.hasRoomFor(image(64 * TIB - MIB, 2 * MIB)));
    assertTrue(of(I386Format.INSTANCE).hasRoomFor(image(MIB, 895 * MIB)));
    assertFalse(of(I386Format.INSTANCE).hasRoomFor(image(MIB, 896 * MIB)));
    assertTrue(of(RiscvFormat.SV39).hasRoomFor(image(2 * GIB, 2 * GIB)));
    assertFalse(of(RiscvFormat.SV39).hasRoomFor(image(2 * GIB, 2 * GIB + 1)));
    assertTrue(of(Aarch64Format.INSTANCE).hasRoomFor(image(2 * GIB, GIB)));
    assertFalse(of(Aarch64Format.INSTANCE).hasRoomFor(image(2 * GIB, GIB + 1)));
  }

  @Test
  void sectionsAreMappedWithWhatTheyNeedAndNoMore() {
    KernelSections image = new KernelSections(5 * MIB, 6 * MIB + 4096, 7 * MIB, 9 * MIB);
    for (PageFormat format : ALL) {
      KernelLayout layout = of(format);
      try (TestTables tables = new TestTables(format, 16)) {
        assertEquals(MapOutcome.MAPPED, layout.mapText(tables.space, image));
        for (long pa = 4 * MIB; pa < 10 * MIB; pa += 4096) {
          long va = layout.textAddress(5 * MIB, pa);
          boolean isMapped = layout.hasText() && pa >= 5 * MIB && pa < 9 * MIB;
          assertEquals(isMapped ? pa : AddressSpace.NOT_MAPPED, tables.space.translate(va));
          if (isMapped) {
            int expected = pa < 7 * MIB ? KernelLayout.RODATA : KernelLayout.DATA;
            expected = pa < 6 * MIB + 4096 ? KernelLayout.TEXT : expected;
            assertEquals(format.expressible(expected), MappedPage.flags(tables.space.lookup(va)));
          }
        }
      }
    }
  }

  @Test
  void emptySectionsAreNotMapped() {
    KernelLayout layout = of(Aarch64Format.INSTANCE);
    for (KernelSections image :
        new KernelSections[] {
          new KernelSections(MIB, MIB, MIB, 2 * MIB),
          new KernelSections(MIB, 2 * MIB, 2 * MIB, 2 * MIB),
          new KernelSections(MIB, MIB, 2 * MIB, 2 * MIB)
        }) {
      try (TestTables tables = new TestTables(Aarch64Format.INSTANCE, 16)) {
        assertEquals(MapOutcome.MAPPED, layout.mapText(tables.space, image));
        assertEquals(256, tables.space.pageCount(1));
      }
    }
  }

  @Test
  void withoutMemoryForTablesTheOutcomeSaysSo() {
    KernelLayout layout = of(X86Format.LEVELS_4);
    try (TestTables tables = new TestTables(X86Format.LEVELS_4, 4)) {
      tables.serve(0);
      takeThePoolBut(tables, 0);
      assertEquals(MapOutcome.NO_TABLE, layout.mapText(tables.space, image(MIB, 8 * MIB)));
      assertEquals(MapOutcome.NO_TABLE, layout.mapBoot(tables.space, new AddressRange(MIB, MIB)));
      DirectMap direct = new DirectMap(layout, tables.space, null);
      direct.add(MIB, 2 * MIB);
      direct.add(3 * MIB, 4 * MIB);
      assertEquals(MapOutcome.NO_TABLE, direct.finish());
      assertEquals(1, tables.space.tableCount());
    }
  }

  private static void takeThePoolBut(TestTables tables, int left) {
    while (TableFrames.POOL_FRAMES - tables.frames.poolInUse() > left) {
      assertTrue(tables.frames.allocate() > 0);
    }
  }

  // ---- The boot ----

  @Test
  @Behaviour("125")
  void aRangeIsRoundedOutwardToPages() {
    assertPages(2, 0x1234, 0x2345 - 0x1234);
    assertPages(1, 0x1001, 1);
    assertPages(2, 0x1FFF, 2);
    assertPages(2, 0x1234, 0x1000);
    assertPages(1, 0x1000, 0x1000);
  }

  private static void assertPages(long pages, long base, long byteSize) {
    for (PageFormat format : ALL) {
      try (TestTables tables = new TestTables(format, 16)) {
        AddressRange range = new AddressRange(base, byteSize);
        assertEquals(
            MapOutcome.MAPPED, KernelLayout.mapIdentity(tables.space, range, KernelLayout.BOOT));
        assertEquals(pages, tables.space.pageCount(1));
        assertEquals(0x1000, tables.space.translate(0x1000));
        assertEquals(AddressSpace.NOT_MAPPED, tables.space.translate(0xFFF));
        assertEquals(AddressSpace.NOT_MAPPED, tables.space.translate(0x1000 + pages * 4096));
      }
    }
  }

  @Test
  void theBootDirectoryOfAnI386IsOneTableOfLargePages() {
    KernelLayout layout = of(I386Format.INSTANCE);
    try (TestTables tables = new TestTables(I386Format.INSTANCE, 16)) {
      assertEquals(MapOutcome.MAPPED, layout.mapBoot(tables.space, new AddressRange(MIB, 3 * MIB)));
      assertEquals(1, tables.space.tableCount());
      assertEquals(2, tables.space.pageCount(2), "4 MiB where they are, and 3 GiB up");
      assertEquals(0, tables.space.pageCount(1));
      assertEquals(0xB8000, tables.space.translate(0xB8000));
      assertEquals(0xB8000, tables.space.translate(0xC00B_8000L));
      assertEquals(AddressSpace.NOT_MAPPED, tables.space.translate(4 * MIB));
      assertEquals(AddressSpace.NOT_MAPPED, tables.space.translate(0xC040_0000L));
    }
    try (TestTables tables = new TestTables(I386Format.INSTANCE, 16)) {
      assertEquals(
          MapOutcome.MAPPED, layout.mapBoot(tables.space, new AddressRange(MIB, 3 * MIB + 1)));
      assertEquals(4, tables.space.pageCount(2));
      assertEquals(8 * MIB - 1, tables.space.translate(0xC07F_FFFFL));
    }
  }

  @Test
  void theTablesOfABootHaveTheImageTwiceAndFitThePool() {
    for (PageFormat format : ALL) {
      KernelLayout layout = of(format);
      // Across a GiB and a large page at both ends.
      AddressRange range = new AddressRange(256 * MIB - 8192, 40 * MIB);
      try (TestTables tables = new TestTables(format, 0)) {
        assertEquals(MapOutcome.MAPPED, layout.mapBoot(tables.space, range));
        assertTrue(tables.frames.poolInUse() <= TableFrames.POOL_FRAMES);
        for (long pa = range.base(); pa < range.end(); pa += 4096) {
          assertEquals(pa, tables.space.translate(pa));
          long high = layout.textAddress(range.base(), pa);
          assertEquals(pa, tables.space.translate(high));
          assertEquals(
              format.expressible(KernelLayout.BOOT),
              MappedPage.flags(tables.space.lookup(high)),
              format.name());
        }
        tables.space.destroy(tables.batch);
        tables.space.flushed(tables.batch);
        assertEquals(0, tables.inUse());
      }
    }
  }

  // ---- Guards ----

  @Test
  @Behaviour("131")
  void aGuardPageIsNeverMappedAndTakesNoFrame() {
    for (PageFormat format : ALL) {
      KernelLayout layout = of(format);
      try (TestTables tables = new TestTables(format, 32)) {
        int last = layout.stackCount() - 1;
        long frame = 0x10_0000;
        for (int stack : new int[] {0, 1, 2, last - 1, last}) {
          assertEquals(
              MapOutcome.MAPPED,
              tables.space.map(layout.stackBase(stack), frame, STACK, KernelLayout.DATA));
          frame += STACK;
        }
        MmuBus bus =
            new MmuBus(
                TestTables.BASE, 48 * 4096, tables.frames.physToVirt(), format.physicalBits());
        Mmu mmu = new Mmu(format, bus, null);
        mmu.setSpace(tables.space, 0);
        long pages = (5 * STACK) >>> 12;
        assertEquals(pages, tables.space.pageCount(1), "frames for stacks, none for guards");
        long mapped = 0;
        for (int stack : new int[] {0, 1, 2, last - 1, last}) {
          long from = layout.stackBase(stack) - STACK;
          for (long va = from; va < from + 2 * STACK; va += 4096) {
            boolean isStack = va >= layout.stackBase(stack);
            assertEquals(!isStack, layout.isGuard(va), format.name());
            assertEquals(!isStack, layout.isGuard(va + 4095), format.name());
            assertEquals(
                !isStack, tables.space.translate(va) == AddressSpace.NOT_MAPPED, format.name());
            mapped += isStack ? 1 : 0;
            for (int kind = Mmu.LOAD; kind <= Mmu.STORE; kind++) {
              assertEquals(isStack, mmu.access(va, kind) >= 0, format.name());
            }
          }
        }
        assertEquals(pages, mapped);
        long end = layout.stackBase(last) + STACK;
        assertEquals(end + STACK, layout.vmallocBase(), format.name());
        assertTrue(layout.isGuard(end) && layout.isGuard(end + STACK - 1), format.name());
        assertFalse(layout.isGuard(layout.vmallocBase()), format.name());
        assertFalse(layout.isGuard(layout.stackBase(0) - STACK - 1), format.name());
        assertTrue(layout.isGuard(0) && layout.isGuard(4095), "what null points to");
        assertFalse(layout.isGuard(4096));
        assertFalse(layout.isGuard(layout.directMapBase()));
      }
    }
  }

  @Test
  void thereAreAsManyStacksAsFitASixteenth() {
    assertEquals(8192, of(X86Format.LEVELS_4).stackCount());
    int few = of(I386Format.INSTANCE).stackCount();
    assertEquals((0xFF7F_E000L - 0xF880_0000L) / 16 / (2 * STACK) - 1, few);
    KernelLayout i386 = of(I386Format.INSTANCE);
    assertThrows(IllegalArgumentException.class, () -> i386.stackBase(-1));
    assertThrows(IllegalArgumentException.class, () -> i386.stackBase(few));
    assertEquals(0xF880_0000L + STACK, i386.stackBase(0));
  }
}
