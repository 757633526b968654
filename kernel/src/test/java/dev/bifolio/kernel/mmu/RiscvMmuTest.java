package dev.bifolio.kernel.mmu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.kernel.table.RiscvFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Entries of RISC-V, written by hand, and what the manual says of them.
class RiscvMmuTest {
  private static final long VA = 0x12_3456_7000L;
  private static final int V = 1;
  private static final int R = 2;
  private static final int W = 4;
  private static final int X = 8;
  private static final int U = 0x10;
  private static final int G = 0x20;
  private static final int A = 0x40;
  private static final int D = 0x80;
  private static final long PAGE = 0x5000 >> 2 | V;

  private static final int[] CAUSES = {13, 15, 12};
  private static final int[] ACCESS_CAUSES = {5, 7, 1};
  private static final int[] KINDS = {Mmu.LOAD, Mmu.STORE, Mmu.FETCH};

  static PageFormat[] formats() {
    return new PageFormat[] {RiscvFormat.SV39, RiscvFormat.SV48, RiscvFormat.SV57};
  }

  private static void assertFault(MmuFault fault, int level, Mmu mmu, long va, int kind) {
    long code = mmu.access(va, kind);
    assertTrue(code < 0, () -> Long.toHexString(code));
    assertEquals(fault, MmuFault.of(code));
    assertEquals(level, MmuFault.level(code));
    assertEquals(CAUSES[kind], MmuFault.cause(code));
  }

  private static void assertAt(long expected, long found) {
    assertEquals(Long.toHexString(expected), Long.toHexString(found));
  }

  @ParameterizedTest
  @MethodSource("formats")
  void aLeafOfEachLevelMapsItsSize(PageFormat format) {
    try (RawTables raw = new RawTables(format)) {
      Mmu mmu = raw.mmu(null);
      for (int level = format.levels(); level >= 1; level--) {
        long page = 0x80_0000_0000_0000L;
        raw.put(VA, level, page >>> 2 | V | R | A);
        long offset = (VA + 0x678) & (format.pageByteSize(level) - 1);
        assertAt(page | offset, mmu.access(VA + 0x678, Mmu.LOAD));
        if (level > 1) {
          raw.put(VA, level, raw.at(VA, level) | 1L << (10 + 9 * (level - 1) - 1));
          assertFault(MmuFault.RESERVED, level, mmu, VA, Mmu.LOAD);
          raw.put(VA, level, (page >>> 2 | V | R | A) + (1 << 10));
          assertFault(MmuFault.RESERVED, level, mmu, VA, Mmu.STORE);
        }
      }
      long top = 1L << (Long.numberOfTrailingZeros(format.pageByteSize(format.levels())) + 8);
      for (int kind : KINDS) {
        assertFault(MmuFault.NOT_CANONICAL, 0, mmu, top, kind);
        assertFault(MmuFault.NOT_CANONICAL, 0, mmu, -top - 1, kind);
        assertFault(MmuFault.NOT_PRESENT, format.levels(), mmu, -top, kind);
      }
    }
  }

  @Test
  void reservedEntriesAreFaults() {
    try (RawTables raw = new RawTables(RiscvFormat.SV39)) {
      Mmu mmu = raw.mmu(null);
      long page = PAGE | R | W | X | A | D;
      raw.put(VA, 1, page);
      assertAt(0x5000, mmu.access(VA, Mmu.STORE));
      for (int level = 1; level <= 3; level++) {
        raw.put(VA, level, ~1L);
        assertFault(MmuFault.NOT_PRESENT, level, mmu, VA, Mmu.FETCH);
        long entry = level == 1 ? page : raw.tableEntry(raw.table(level - 1));
        for (int bit = 54; bit < 64; bit++) {
          raw.put(VA, level, entry | 1L << bit);
          assertFault(MmuFault.RESERVED, level, mmu, VA, Mmu.LOAD);
        }
        raw.put(VA, level, V | W);
        assertFault(MmuFault.RESERVED, level, mmu, VA, Mmu.STORE);
        raw.put(VA, level, V | W | X | A | D);
        assertFault(MmuFault.RESERVED, level, mmu, VA, Mmu.FETCH);
        if (level > 1) {
          for (int bit : new int[] {A, D, U}) {
            raw.put(VA, level, entry | bit);
            assertFault(MmuFault.RESERVED, level, mmu, VA, Mmu.LOAD);
          }
        }
      }
      raw.put(VA, 1, PAGE); // names a table where there is no further level
      assertFault(MmuFault.RESERVED, 1, mmu, VA, Mmu.LOAD);
      raw.put(VA, 1, page | 3 << 8); // these are the software's
      assertAt(0x5000, mmu.access(VA, Mmu.STORE));
    }
  }

  @Test
  void memoryTypesAreReservedWithoutSvpbmt() {
    try (RawTables raw = new RawTables(RiscvFormat.SV48_SVPBMT)) {
      Mmu mmu = raw.mmu(null);
      for (long type = 1; type <= 3; type++) {
        mmu.setControl(MmuControl.usual(RiscvFormat.SV48_SVPBMT));
        raw.put(VA, 1, PAGE | R | A | type << 61);
        if (type < 3) {
          assertAt(0x5000, mmu.access(VA, Mmu.LOAD));
        } else {
          assertFault(MmuFault.RESERVED, 1, mmu, VA, Mmu.LOAD);
        }
        raw.put(VA, 2, raw.tableEntry(raw.table(1)) | type << 61);
        assertFault(MmuFault.RESERVED, 2, mmu, VA, Mmu.LOAD);
        mmu.setControl(MmuControl.usual(RiscvFormat.SV48));
        raw.put(VA, 1, PAGE | R | A | type << 61);
        assertFault(MmuFault.RESERVED, 1, mmu, VA, Mmu.LOAD);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {R, R | W, X, R | X, R | W | X})
  void eachKindOfAccessHasItsBit(int rights) {
    try (RawTables raw = new RawTables(RiscvFormat.SV39)) {
      Mmu mmu = raw.mmu(null);
      for (int user : new int[] {0, U}) {
        raw.put(VA, 1, PAGE | rights | user | A | D);
        mmu.setUser(user != 0);
        assertAllowed((rights & R) != 0, MmuFault.NO_LOAD, mmu, Mmu.LOAD);
        assertAllowed((rights & W) != 0, MmuFault.NO_STORE, mmu, Mmu.STORE);
        assertAllowed((rights & X) != 0, MmuFault.NO_FETCH, mmu, Mmu.FETCH);
        mmu.setControl(MmuControl.RISCV_MXR);
        assertAllowed(true, MmuFault.NO_LOAD, mmu, Mmu.LOAD);
        assertAllowed((rights & W) != 0, MmuFault.NO_STORE, mmu, Mmu.STORE);
        mmu.setControl(0);
      }
    }
  }

  private static void assertAllowed(boolean isAllowed, MmuFault fault, Mmu mmu, int kind) {
    if (isAllowed) {
      assertAt(0x5000, mmu.access(VA, kind));
    } else {
      assertFault(fault, 1, mmu, VA, kind);
    }
  }

  @Test
  void theKernelTouchesTheUsersDataWithSumAndNeverHisText() {
    try (RawTables raw = new RawTables(RiscvFormat.SV39)) {
      Mmu mmu = raw.mmu(null);
      raw.put(VA, 1, PAGE | R | W | X | U | A | D);
      mmu.setControl(MmuControl.RISCV_SUM);
      assertAt(0x5000, mmu.access(VA, Mmu.LOAD));
      assertAt(0x5000, mmu.access(VA, Mmu.STORE));
      assertFault(MmuFault.USER_ONLY, 1, mmu, VA, Mmu.FETCH);
      mmu.setControl(0);
      for (int kind : KINDS) {
        assertFault(MmuFault.USER_ONLY, 1, mmu, VA, kind);
      }
      raw.put(VA, 1, PAGE | R | W | X | A | D);
      mmu.setUser(true);
      mmu.setControl(MmuControl.RISCV_SUM);
      for (int kind : KINDS) {
        assertFault(MmuFault.KERNEL_ONLY, 1, mmu, VA, kind);
      }
    }
  }

  @Test
  void accessedAndDirtyAreSetOrAskedFor() {
    try (RawTables raw = new RawTables(RiscvFormat.SV39)) {
      Mmu mmu = raw.mmu(null);
      raw.put(VA, 1, PAGE | R | W);
      assertFault(MmuFault.ACCESS_FLAG, 1, mmu, VA, Mmu.LOAD);
      assertFault(MmuFault.ACCESS_FLAG, 1, mmu, VA, Mmu.STORE);
      raw.put(VA, 1, PAGE | R | W | A);
      assertAt(0x5000, mmu.access(VA, Mmu.LOAD));
      assertFault(MmuFault.DIRTY_FLAG, 1, mmu, VA, Mmu.STORE);
      assertAt(PAGE | R | W | A, raw.at(VA, 1));
      mmu.setControl(MmuControl.RISCV_ADUE);
      raw.put(VA, 1, PAGE | R | W);
      assertFault(MmuFault.NO_FETCH, 1, mmu, VA, Mmu.FETCH);
      assertAt(PAGE | R | W, raw.at(VA, 1));
      assertAt(0x5000, mmu.access(VA, Mmu.LOAD));
      assertAt(PAGE | R | W | A, raw.at(VA, 1));
      assertAt(0x5000, mmu.access(VA, Mmu.STORE));
      assertAt(PAGE | R | W | A | D, raw.at(VA, 1));
      assertAt(raw.tableEntry(raw.table(1)), raw.at(VA, 2)); // tables have no such bits
    }
  }

  @Test
  void whereThereIsNoMemoryTheFaultIsOne() {
    try (RawTables raw = new RawTables(RiscvFormat.SV39)) {
      Mmu mmu = raw.mmu(null);
      raw.put(VA, 2, 0x9_0000_0000L >> 2 | V);
      for (int kind : KINDS) {
        long code = mmu.access(VA, kind);
        assertEquals(MmuFault.TABLE_OUTSIDE, MmuFault.of(code));
        assertEquals(1, MmuFault.level(code));
        assertEquals(ACCESS_CAUSES[kind], MmuFault.cause(code));
      }
      raw.put(VA, 1, 0x9_0000_0000L >> 2 | V | R | W | A | D);
      assertEquals(0, mmu.loadInt(VA));
      assertEquals(5, MmuFault.cause(mmu.fault()));
      assertEquals(7, MmuFault.cause(mmu.storeByte(VA + 1, (byte) 1)));
      assertEquals(VA + 1, mmu.faultAddress());
    }
  }

  @Test
  void aGlobalTableMakesAllBelowGlobal() {
    for (int level = 0; level <= 3; level++) {
      try (RawTables raw = new RawTables(RiscvFormat.SV39)) {
        Mmu mmu = raw.mmu(new Tlb(RiscvFormat.SV39, 4, 2));
        raw.put(VA, 1, PAGE | R | A);
        if (level > 0) {
          int index = RiscvFormat.SV39.index(level, VA);
          raw.set(raw.table(level), index, raw.at(VA, level) | G);
        }
        assertAt(0x5000, mmu.access(VA, Mmu.LOAD));
        mmu.setRoots(RawTables.frame(0), 0, 1);
        assertAt(0x5000, mmu.access(VA, Mmu.LOAD));
        assertEquals(level == 0 ? 2 : 1, mmu.walks());
      }
    }
  }
}
