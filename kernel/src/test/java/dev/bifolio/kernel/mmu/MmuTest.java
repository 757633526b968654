package dev.bifolio.kernel.mmu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.table.Aarch64Format;
import dev.bifolio.kernel.table.I386Format;
import dev.bifolio.kernel.table.MapOutcome;
import dev.bifolio.kernel.table.PageFlags;
import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.kernel.table.RiscvFormat;
import dev.bifolio.kernel.table.TestTables;
import dev.bifolio.kernel.table.X86Format;
import dev.bifolio.testkit.Behaviour;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Loads and stores through virtual addresses, and what the buffer makes of changes.
class MmuTest {
  private static final long PAGE = 4096;
  private static final long VA = 0x12_3000;
  private static final int RW = PageFlags.READ | PageFlags.WRITE | PageFlags.ACCESSED;
  private static final int DIRTY = PageFlags.DIRTY;

  /// Bit 6 of an entry: Intel SDM volume 3A, table 5-20.
  private static final long X86_DIRTY = 1 << 6;

  static List<PageFormat> formats() {
    return TestTables.FORMATS;
  }

  private static void map(RawTables raw, long va, long physical, int flags) {
    raw.put(va, 1, raw.format.leaf(1, physical, flags));
  }

  private static void assertFault(MmuFault expected, long code) {
    assertTrue(code < 0);
    assertEquals(expected, MmuFault.of(code));
  }

  // ---- Loads and stores ----

  @ParameterizedTest
  @MethodSource("formats")
  void whatIsStoredIsThereAndNowhereElse(PageFormat format) {
    try (RawTables raw = new RawTables(format)) {
      Mmu mmu = raw.mmu(new Tlb(format, 4, 2));
      long page = RawTables.frame(20);
      map(raw, VA, page, RW | DIRTY);
      assertEquals(0, mmu.storeLong(VA + 8, 0x1122_3344_5566_7788L));
      assertEquals(0x1122_3344_5566_7788L, raw.word(page + 8));
      assertEquals(0x1122_3344_5566_7788L, mmu.loadLong(VA + 8));
      assertEquals(0x5566_7788, mmu.loadInt(VA + 8));
      assertEquals(0x1122_3344, mmu.loadInt(VA + 12));
      assertEquals((byte) 0x77, mmu.loadByte(VA + 9));
      assertEquals(0x22_3344_55, mmu.loadInt(VA + 11));
      assertEquals(0x11_2233_4455_6677L, mmu.loadLong(VA + 9));
      assertEquals(0, mmu.storeInt(VA + 12, -2));
      assertEquals(0xFFFF_FFFE_5566_7788L, raw.word(page + 8));
      assertEquals(0, mmu.storeByte(VA + 11, (byte) 0xAA));
      assertEquals(0xFFFF_FFFE_AA66_7788L, raw.word(page + 8));
      assertEquals(0, mmu.storeInt(VA + 14, 0x0102_0304));
      assertEquals(0x0304_FFFE_AA66_7788L, raw.word(page + 8));
      assertEquals(0x0102, raw.word(page + 16));
      assertEquals(0, mmu.fault());
      assertEquals(0x0304_FFFE, mmu.loadInt(VA + 12));
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void anAccessAcrossTwoPagesUsesBoth(PageFormat format) {
    try (RawTables raw = new RawTables(format)) {
      Mmu mmu = raw.mmu(null);
      map(raw, VA, RawTables.frame(20), RW | DIRTY);
      map(raw, VA + PAGE, RawTables.frame(31), RW | DIRTY);
      for (int first = 1; first < 8; first++) {
        int bits = 8 * first;
        long at = VA + PAGE - first;
        long value = 0x8877_6655_4433_2211L + first;
        assertEquals(0, mmu.storeLong(at, value));
        assertEquals(value, mmu.loadLong(at));
        long low = raw.word(RawTables.frame(21) - 8) >>> (64 - bits);
        assertEquals(value & ((1L << bits) - 1), low);
        assertEquals(value >>> bits, raw.word(RawTables.frame(31)) << bits >>> bits);
        if (first < 4) {
          assertEquals(0, mmu.storeInt(at, first * 0x0101_0101));
          assertEquals(first * 0x0101_0101, mmu.loadInt(at));
        }
      }
      assertEquals(0, raw.word(RawTables.frame(21)), "the frame behind is another's");
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void aStoreAcrossTwoPagesIsWholeOrNothing(PageFormat format) {
    try (RawTables raw = new RawTables(format)) {
      Mmu mmu = raw.mmu(null);
      map(raw, VA, RawTables.frame(20), RW | DIRTY);
      long code = mmu.storeLong(VA + PAGE - 3, -1);
      assertFault(MmuFault.NOT_PRESENT, code);
      assertEquals(code, mmu.fault());
      assertEquals(VA + PAGE, mmu.faultAddress());
      assertEquals(0, raw.word(RawTables.frame(21) - 8));
      map(raw, VA + PAGE, RawTables.frame(22), PageFlags.READ | PageFlags.ACCESSED);
      assertFault(MmuFault.NO_STORE, mmu.storeInt(VA + PAGE - 1, -1));
      assertEquals(0, raw.word(RawTables.frame(21) - 8));
      assertEquals(0, mmu.loadLong(VA + PAGE - 3));
      assertEquals(0, mmu.fault(), "a load is allowed, and tells so");
      // The first at fault: the second is not even looked at.
      raw.put(VA, 1, 0);
      assertFault(MmuFault.NOT_PRESENT, mmu.storeLong(VA + PAGE - 3, -1));
      assertEquals(VA + PAGE - 3, mmu.faultAddress());
      assertEquals(0, mmu.loadLong(VA + PAGE - 3));
      assertFault(MmuFault.NOT_PRESENT, mmu.fault());
      assertEquals(0, raw.word(RawTables.frame(22)));
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void aPageWithoutMemoryFaultsAndNothingForeignIsTouched(PageFormat format) {
    try (RawTables raw = new RawTables(format)) {
      Mmu mmu = raw.mmu(new Tlb(format, 2, 2));
      long end = RawTables.frame(RawTables.FRAMES);
      for (long physical : new long[] {0, RawTables.BASE - PAGE, end, (1L << 32) - PAGE}) {
        map(raw, VA, physical, RW | DIRTY);
        Mmu fresh = raw.mmu(null);
        assertEquals(physical, fresh.access(VA, Mmu.STORE), "there may be a device");
        assertFault(MmuFault.OUTSIDE, fresh.storeLong(VA, -1));
        assertEquals(1, MmuFault.level(fresh.fault()));
        assertEquals(0, fresh.loadByte(VA + 4095));
        assertFault(MmuFault.OUTSIDE, fresh.fault());
      }
      map(raw, VA, end - PAGE, RW | DIRTY);
      assertEquals(0, mmu.storeLong(VA + PAGE - 8, 5));
      assertEquals(5, raw.word(end - 8));
    }
  }

  @Test
  void theLastPageIsFollowedByTheFirst() {
    try (RawTables raw = new RawTables(X86Format.LEVELS_4)) {
      Mmu mmu = raw.mmu(null);
      raw.put(-1, 1, raw.format.leaf(1, RawTables.frame(20), RW | DIRTY));
      mmu.loadLong(-1);
      assertEquals(0, mmu.faultAddress());
      assertFault(MmuFault.NOT_PRESENT, mmu.fault());
    }
    try (RawTables raw = new RawTables(I386Format.INSTANCE)) {
      Mmu mmu = raw.mmu(null);
      raw.put(0xFFFF_F000L, 1, raw.format.leaf(1, RawTables.frame(20), RW | DIRTY));
      mmu.loadLong(0xFFFF_FFFFL);
      assertFault(MmuFault.NOT_CANONICAL, mmu.fault());
    }
  }

  /// The page below a stack is not mapped: who steps on it faults, and there is no frame for it.
  @ParameterizedTest
  @MethodSource("formats")
  @Behaviour("131")
  void aGuardPageFaultsOnEachAccessAndTakesNoFrame(PageFormat format) {
    try (TestTables tables = new TestTables(format, 64)) {
      MmuBus bus = tables.bus();
      Mmu mmu = new Mmu(format, bus, new Tlb(format, 4, 2));
      mmu.setSpace(tables.space, 0);
      long first = tables.allocate(0, 0) << 12;
      long second = tables.allocate(0, 0) << 12;
      assertEquals(MapOutcome.MAPPED, tables.space.map(VA, first, PAGE, RW | DIRTY));
      assertEquals(MapOutcome.MAPPED, tables.space.map(VA + 2 * PAGE, second, PAGE, RW | DIRTY));
      int inUse = tables.inUse();
      for (long at = VA + PAGE; at < VA + 2 * PAGE; at += 1) {
        for (int kind = Mmu.LOAD; kind <= Mmu.FETCH; kind++) {
          assertFault(MmuFault.NOT_PRESENT, mmu.access(at, kind));
        }
        assertFault(MmuFault.NOT_PRESENT, mmu.storeByte(at, (byte) 1));
      }
      assertFault(MmuFault.NOT_PRESENT, mmu.storeLong(VA + PAGE - 4, -1));
      assertEquals(0, mmu.loadLong(VA + PAGE - 8), "the stack's page is as it was");
      assertEquals(0, mmu.fault());
      assertEquals(0, mmu.storeLong(VA + 2 * PAGE, -1));
      assertEquals(inUse, tables.inUse());
      assertEquals(2, tables.space.pageCount(1));
    }
  }

  // ---- What is remembered ----

  @ParameterizedTest
  @MethodSource("formats")
  void anOldEntryIsUsedUntilItIsFlushed(PageFormat format) {
    try (RawTables raw = new RawTables(format)) {
      Tlb tlb = new Tlb(format, 4, 2);
      Mmu mmu = raw.mmu(tlb);
      map(raw, VA, RawTables.frame(20), RW | DIRTY);
      raw.setWord(RawTables.frame(20), 20);
      raw.setWord(RawTables.frame(21), 21);
      assertEquals(20, mmu.loadLong(VA));
      map(raw, VA, RawTables.frame(21), RW | DIRTY);
      assertEquals(20, mmu.loadLong(VA), "nobody has flushed");
      tlb.flushPage(VA + 5, 0);
      assertEquals(21, mmu.loadLong(VA));
      raw.put(VA, 1, 0);
      assertEquals(0, mmu.storeLong(VA, 22), "still remembered as writable");
      assertEquals(22, raw.word(RawTables.frame(21)));
      tlb.flushAll(true);
      assertFault(MmuFault.NOT_PRESENT, mmu.storeLong(VA, 23));
      assertEquals(2, tlb.misses() - 1);
      assertEquals(2, tlb.hits());
      assertEquals(3, mmu.walks());
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void moreRightsNeedNoFlush(PageFormat format) {
    try (RawTables raw = new RawTables(format)) {
      Tlb tlb = new Tlb(format, 4, 2);
      Mmu mmu = raw.mmu(tlb);
      map(raw, VA, RawTables.frame(20), PageFlags.READ | PageFlags.ACCESSED);
      assertEquals(0, mmu.loadLong(VA));
      assertFault(MmuFault.NO_STORE, mmu.storeLong(VA, 1));
      assertEquals(0, tlb.pageCount(), "a refused access forgets the page");
      assertEquals(0, mmu.loadLong(VA));
      map(raw, VA, RawTables.frame(20), RW | DIRTY);
      assertEquals(0, mmu.storeLong(VA, 1));
      assertEquals(4, mmu.walks());
      assertEquals(1, tlb.pageCount());
    }
  }

  @Test
  void theFirstStoreToACleanPageWalksToTellItsDirtyBit() {
    try (RawTables raw = new RawTables(X86Format.LEVELS_4)) {
      Tlb tlb = new Tlb(raw.format, 4, 2);
      Mmu mmu = raw.mmu(tlb);
      map(raw, VA, RawTables.frame(20), RW);
      mmu.loadLong(VA);
      assertEquals(0, raw.at(VA, 1) & X86_DIRTY);
      assertEquals(0, mmu.storeLong(VA, 1));
      assertEquals(X86_DIRTY, raw.at(VA, 1) & X86_DIRTY);
      assertEquals(0, mmu.storeLong(VA, 2));
      assertEquals(2, mmu.walks());
      assertEquals(1, tlb.misses());
      assertEquals(2, tlb.hits(), "the one before the second walk, too");
      // The bit is taken away without a flush: later stores are not seen.
      raw.put(VA, 1, raw.at(VA, 1) & ~X86_DIRTY);
      assertEquals(0, mmu.storeLong(VA, 3));
      assertEquals(0, raw.at(VA, 1) & X86_DIRTY);
      tlb.flushPage(VA, 0);
      assertEquals(0, mmu.storeLong(VA, 4));
      assertEquals(X86_DIRTY, raw.at(VA, 1) & X86_DIRTY);
    }
  }

  @Test
  void asidsKeepSpacesApartAndGlobalPagesAreEverybodys() {
    try (RawTables raw = new RawTables(X86Format.LEVELS_4)) {
      Tlb tlb = new Tlb(raw.format, 4, 4);
      Mmu mmu = raw.mmu(tlb);
      map(raw, VA, RawTables.frame(20), RW);
      map(raw, VA + PAGE, RawTables.frame(21), RW | PageFlags.GLOBAL);
      assertEquals(RawTables.frame(20), mmu.access(VA, Mmu.LOAD));
      assertEquals(RawTables.frame(21), mmu.access(VA + PAGE, Mmu.LOAD));
      // Another space, whose root is empty.
      mmu.setRoots(RawTables.frame(30), 0, 1);
      assertFault(MmuFault.NOT_PRESENT, mmu.access(VA, Mmu.LOAD));
      assertEquals(RawTables.frame(21), mmu.access(VA + PAGE, Mmu.LOAD));
      mmu.setRoots(RawTables.frame(0), 0, 0);
      assertEquals(RawTables.frame(20), mmu.access(VA, Mmu.LOAD));
      assertEquals(3, mmu.walks());
      assertEquals(3, tlb.misses());
      assertEquals(2, tlb.hits());
    }
  }

  @Test
  void withoutAsidsAChangeOfTheSpaceForgetsAllButWhatIsGlobal() {
    try (RawTables raw = new RawTables(I386Format.INSTANCE)) {
      Tlb tlb = new Tlb(raw.format, 4, 4);
      Mmu mmu = raw.mmu(tlb);
      map(raw, VA, RawTables.frame(20), RW);
      map(raw, VA + PAGE, RawTables.frame(21), RW | PageFlags.GLOBAL);
      mmu.access(VA, Mmu.LOAD);
      mmu.access(VA + PAGE, Mmu.LOAD);
      mmu.setRoots(RawTables.frame(30), 0, 0);
      assertEquals(1, tlb.pageCount());
      assertFault(MmuFault.NOT_PRESENT, mmu.access(VA, Mmu.LOAD));
      assertEquals(RawTables.frame(21), mmu.access(VA + PAGE, Mmu.LOAD));
      assertThrows(IllegalArgumentException.class, () -> mmu.setRoots(0, 0, 1));
    }
  }

  @Test
  void controlBitsThatChangeWhatIsRememberedForgetIt() {
    try (RawTables raw = new RawTables(X86Format.LEVELS_4)) {
      Tlb tlb = new Tlb(raw.format, 4, 4);
      Mmu mmu = raw.mmu(tlb);
      map(raw, VA, RawTables.frame(20), RW | PageFlags.EXECUTE);
      mmu.access(VA, Mmu.LOAD);
      int usual = MmuControl.usual(raw.format);
      assertEquals(usual, mmu.control());
      mmu.setControl(usual ^ (MmuControl.X86_WP | MmuControl.X86_SMEP | MmuControl.X86_SMAP));
      assertEquals(1, tlb.pageCount());
      mmu.setControl(usual & ~MmuControl.X86_NXE);
      assertEquals(0, tlb.pageCount());
    }
  }

  // ---- Trace ----

  @ParameterizedTest
  @MethodSource("formats")
  void aTraceShowsEachStepAndMarksNothing(PageFormat format) {
    try (RawTables raw = new RawTables(format)) {
      Tlb tlb = new Tlb(format, 2, 2);
      Mmu mmu = raw.mmu(tlb);
      if (format instanceof RiscvFormat) {
        mmu.setControl(MmuControl.RISCV_ADUE);
      } else if (format instanceof Aarch64Format) {
        mmu.setControl(MmuControl.ARM_HA);
      }
      raw.put(VA, 1, format.leaf(1, RawTables.frame(20), PageFlags.READ | PageFlags.WRITE));
      List<String> steps = new ArrayList<>();
      long found =
          mmu.trace(
              VA + 0x45,
              Mmu.STORE,
              (level, table, index, entry) ->
                  steps.add(level + " " + table + " " + index + " " + entry));
      assertEquals(RawTables.frame(20) + 0x45, found);
      List<String> expected = new ArrayList<>();
      for (int level = format.levels(); level >= 1; level--) {
        int index = format.index(level, VA);
        expected.add(level + " " + raw.table(level) + " " + index + " " + raw.at(VA, level));
      }
      assertEquals(expected, steps);
      long leaf = format.leaf(1, RawTables.frame(20), PageFlags.READ | PageFlags.WRITE);
      assertEquals(leaf, raw.at(VA, 1));
      assertEquals(raw.tableEntry(raw.table(1)), raw.at(VA, 2));
      assertEquals(0, mmu.walks() + tlb.pageCount());
      steps.clear();
      long fault = mmu.trace(VA + PAGE, Mmu.LOAD, (level, table, index, entry) -> steps.add("x"));
      assertFault(MmuFault.NOT_PRESENT, fault);
      assertEquals(format.levels(), steps.size());
      assertFault(MmuFault.NOT_CANONICAL, mmu.trace(1L << 60, Mmu.LOAD, (l, t, i, e) -> {}));
    }
  }

  // ---- Refusals ----

  @Test
  void whatTheProcessorHasNotIsRefused() {
    try (RawTables raw = new RawTables(X86Format.LEVELS_4)) {
      Mmu mmu = raw.mmu(null);
      assertThrows(IllegalArgumentException.class, () -> mmu.setRoots(0, 0, -1));
      assertThrows(IllegalArgumentException.class, () -> mmu.setRoots(0, 0, 1 << 16));
      mmu.setRoots(0, 0, (1 << 16) - 1);
      assertThrows(IllegalArgumentException.class, () -> mmu.setControl(MmuControl.RISCV_SUM));
      assertThrows(
          IllegalArgumentException.class, () -> new Mmu(raw.format, raw.bus, null, null, 1));
      for (PageFormat format : formats()) {
        int all = MmuControl.all(format);
        new Mmu(format, raw.bus, null).setControl(all);
        assertEquals(MmuControl.usual(format), MmuControl.usual(format) & all);
      }
    }
    assertThrows(IllegalArgumentException.class, () -> new MmuBus(1, PAGE, 0, 40));
    assertThrows(IllegalArgumentException.class, () -> new MmuBus(0, 0, 0, 40));
    assertThrows(IllegalArgumentException.class, () -> new MmuBus(0, PAGE + 1, 0, 40));
    assertThrows(IllegalArgumentException.class, () -> new MmuBus(0, PAGE, 0, 31));
    assertThrows(IllegalArgumentException.class, () -> new MmuBus(0, PAGE, 0, 57));
    assertThrows(IllegalArgumentException.class, () -> new MmuBus(1L << 40, PAGE, 0, 40));
    assertThrows(IllegalArgumentException.class, () -> new MmuBus(-PAGE, PAGE, 0, 40));
    assertEquals(PAGE, new MmuBus((1L << 40) - PAGE, PAGE, 0, 40).byteSize());
  }

  @Test
  void anAddressIsNoFault() {
    assertThrows(IllegalArgumentException.class, () -> MmuFault.of(0));
    assertThrows(IllegalArgumentException.class, () -> MmuFault.of(Long.MAX_VALUE));
    assertThrows(IllegalArgumentException.class, () -> MmuFault.of(-1));
    for (MmuFault fault : MmuFault.values()) {
      long code = fault.code(5, Mmu.FETCH, true, 0x8200_000F);
      assertEquals(fault, MmuFault.of(code));
      assertEquals(5, MmuFault.level(code));
      assertEquals(Mmu.FETCH, MmuFault.kind(code));
      assertEquals(0x8200_000F, MmuFault.cause(code));
      assertTrue(MmuFault.isUser(code));
    }
  }
}
