package dev.bifolio.kernel.mmu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.table.Aarch64Format;
import org.junit.jupiter.api.Test;

/// Descriptors of AArch64, written by hand, and what the manual says of them. Levels in the status
/// count from the root; those of the tables here count from the page.
class Aarch64MmuTest {
  private static final long VA = 0x1234_5678_9000L;
  private static final long PAGE = 0x5000 | 3;
  private static final long EL0 = 1 << 6;
  private static final long READ_ONLY = 1 << 7;
  private static final long AF = 1 << 10;
  private static final long NG = 1 << 11;
  private static final long DBM = 1L << 51;
  private static final long PXN = 1L << 53;
  private static final long UXN = 1L << 54;

  // ESR_EL1 of data and instruction aborts from the same level or a lower one, with the long bit.
  private static final int DATA = 0x9600_0000;
  private static final int DATA_USER = 0x9200_0000;
  private static final int FETCH = 0x8600_0000;
  private static final int FETCH_USER = 0x8200_0000;
  private static final int WRITE = 0x40;

  private final Aarch64Format format = Aarch64Format.INSTANCE;

  private static void assertFault(MmuFault fault, int level, int esr, Mmu mmu, long va, int kind) {
    long code = mmu.access(va, kind);
    assertTrue(code < 0, () -> Long.toHexString(code));
    assertEquals(fault, MmuFault.of(code));
    assertEquals(level, MmuFault.level(code));
    assertEquals(Integer.toHexString(esr), Integer.toHexString(MmuFault.cause(code)));
  }

  private static void assertAt(long expected, long found) {
    assertEquals(Long.toHexString(expected), Long.toHexString(found));
  }

  @Test
  void eachHalfOfTheAddressesHasItsRoot() {
    try (RawTables raw = new RawTables(format)) {
      Mmu mmu = raw.mmu(null);
      mmu.setRoots(RawTables.frame(0), RawTables.frame(8), 0);
      raw.put(VA, 1, PAGE | AF);
      raw.set(RawTables.frame(8), 511, RawTables.frame(9) | 3);
      raw.set(RawTables.frame(9), 511, 0x4000_0000L | 1 | AF);
      assertAt(0x5123, mmu.access(VA + 0x123, Mmu.LOAD));
      assertAt(0x7FFF_FFFFL, mmu.access(-1, Mmu.LOAD));
      assertFault(MmuFault.NOT_PRESENT, 4, DATA | 4, mmu, 0xFFFF_0000_0000_0000L, Mmu.LOAD);
      assertFault(MmuFault.NOT_PRESENT, 4, DATA | 4, mmu, 0xFFFF_FFFF_F000L, Mmu.LOAD);
      assertFault(MmuFault.NOT_CANONICAL, 0, DATA | 4, mmu, 1L << 48, Mmu.LOAD);
      assertFault(MmuFault.NOT_CANONICAL, 0, DATA | 4, mmu, -(1L << 48) - 1, Mmu.LOAD);
    }
  }

  @Test
  void aTranslationFaultTellsItsLevel() {
    for (int level = 1; level <= 4; level++) {
      try (RawTables raw = new RawTables(format)) {
        Mmu mmu = raw.mmu(null);
        int fromRoot = 4 - level;
        raw.put(VA, level, ~1L);
        assertFault(MmuFault.NOT_PRESENT, level, DATA | 4 | fromRoot, mmu, VA, Mmu.LOAD);
        assertFault(MmuFault.NOT_PRESENT, level, DATA | WRITE | 4 | fromRoot, mmu, VA, Mmu.STORE);
        assertFault(MmuFault.NOT_PRESENT, level, FETCH | 4 | fromRoot, mmu, VA, Mmu.FETCH);
        mmu.setUser(true);
        assertFault(MmuFault.NOT_PRESENT, level, DATA_USER | 4 | fromRoot, mmu, VA, Mmu.LOAD);
        assertFault(MmuFault.NOT_PRESENT, level, FETCH_USER | 4 | fromRoot, mmu, VA, Mmu.FETCH);
        mmu.setUser(false);
        raw.put(VA, level, 0x4000_0000L | 1 | AF);
        if (level == 1 || level == 4) { // no blocks here: a translation fault as well
          assertFault(MmuFault.RESERVED, level, DATA | 4 | fromRoot, mmu, VA, Mmu.LOAD);
        } else {
          long offset = VA & (format.pageByteSize(level) - 1);
          assertAt(0x4000_0000L | offset, mmu.access(VA, Mmu.LOAD));
        }
      }
    }
  }

  @Test
  void theAccessFlagComesBeforePermissionsUnlessHardwareSetsIt() {
    try (RawTables raw = new RawTables(format)) {
      Mmu mmu = raw.mmu(null);
      raw.put(VA, 1, PAGE | READ_ONLY);
      assertFault(MmuFault.ACCESS_FLAG, 1, DATA | 0xB, mmu, VA, Mmu.LOAD);
      assertFault(MmuFault.ACCESS_FLAG, 1, DATA | WRITE | 0xB, mmu, VA, Mmu.STORE);
      raw.put(VA, 3, 0x4000_0000L | 1);
      assertFault(MmuFault.ACCESS_FLAG, 3, FETCH | 0x9, mmu, VA, Mmu.FETCH);
      assertEquals(0, raw.at(VA, 3) & AF);
      mmu.setControl(MmuControl.ARM_HA);
      raw.put(VA, 1, PAGE | READ_ONLY);
      assertFault(MmuFault.NO_STORE, 1, DATA | WRITE | 0xF, mmu, VA, Mmu.STORE);
      assertAt(PAGE | READ_ONLY, raw.at(VA, 1));
      assertAt(0x5000, mmu.access(VA, Mmu.LOAD));
      assertAt(PAGE | READ_ONLY | AF, raw.at(VA, 1));
    }
  }

  @Test
  void whatEachValueOfApAllows() {
    for (int ap = 0; ap < 4; ap++) {
      try (RawTables raw = new RawTables(format)) {
        Mmu mmu = raw.mmu(null);
        raw.put(VA, 1, PAGE | AF | (long) ap << 6);
        boolean isOfUser = (ap & 1) != 0;
        boolean isReadOnly = (ap & 2) != 0;
        assertAt(0x5000, mmu.access(VA, Mmu.LOAD));
        if (isReadOnly) {
          assertFault(MmuFault.NO_STORE, 1, DATA | WRITE | 0xF, mmu, VA, Mmu.STORE);
        } else {
          assertAt(0x5000, mmu.access(VA, Mmu.STORE));
        }
        mmu.setUser(true);
        if (!isOfUser) {
          assertFault(MmuFault.KERNEL_ONLY, 1, DATA_USER | 0xF, mmu, VA, Mmu.LOAD);
          assertFault(MmuFault.KERNEL_ONLY, 1, DATA_USER | WRITE | 0xF, mmu, VA, Mmu.STORE);
        } else {
          assertAt(0x5000, mmu.access(VA, Mmu.LOAD));
          if (isReadOnly) {
            assertFault(MmuFault.NO_STORE, 1, DATA_USER | WRITE | 0xF, mmu, VA, Mmu.STORE);
          } else {
            assertAt(0x5000, mmu.access(VA, Mmu.STORE));
          }
        }
        // The user may execute what UXN lets him, even what he cannot read.
        assertAt(0x5000, mmu.access(VA, Mmu.FETCH));
        mmu.setUser(false);
        if (isOfUser && !isReadOnly) {
          assertFault(MmuFault.NO_FETCH, 1, FETCH | 0xF, mmu, VA, Mmu.FETCH);
        } else {
          assertAt(0x5000, mmu.access(VA, Mmu.FETCH));
        }
      }
    }
  }

  @Test
  void eachModeHasItsBitAgainstExecution() {
    try (RawTables raw = new RawTables(format)) {
      Mmu mmu = raw.mmu(null);
      raw.put(VA, 2, 0x4000_0000L | 1 | AF | EL0 | READ_ONLY | PXN);
      assertFault(MmuFault.NO_FETCH, 2, FETCH | 0xE, mmu, VA, Mmu.FETCH);
      mmu.setUser(true);
      assertAt(0x4018_9000L, mmu.access(VA, Mmu.FETCH));
      raw.put(VA, 2, 0x4000_0000L | 1 | AF | EL0 | READ_ONLY | UXN);
      assertFault(MmuFault.NO_FETCH, 2, FETCH_USER | 0xE, mmu, VA, Mmu.FETCH);
      mmu.setUser(false);
      assertTrue(mmu.access(VA, Mmu.FETCH) > 0);
    }
  }

  @Test
  void withWxnNothingWritableIsExecuted() {
    try (RawTables raw = new RawTables(format)) {
      Mmu mmu = raw.mmu(null);
      raw.put(VA, 1, PAGE | AF);
      mmu.setControl(MmuControl.ARM_WXN);
      assertFault(MmuFault.NO_FETCH, 1, FETCH | 0xF, mmu, VA, Mmu.FETCH);
      mmu.setUser(true);
      assertAt(0x5000, mmu.access(VA, Mmu.FETCH)); // nothing that EL0 could write
      raw.put(VA, 1, PAGE | AF | EL0);
      assertFault(MmuFault.NO_FETCH, 1, FETCH_USER | 0xF, mmu, VA, Mmu.FETCH);
      raw.put(VA, 1, PAGE | AF | EL0 | READ_ONLY);
      assertAt(0x5000, mmu.access(VA, Mmu.FETCH));
      mmu.setUser(false);
      assertAt(0x5000, mmu.access(VA, Mmu.FETCH));
      // What a table takes away counts as not writable.
      raw.put(VA, 1, PAGE | AF);
      raw.set(raw.table(2), format.index(2, VA), raw.at(VA, 2) | 1L << 62);
      assertAt(0x5000, mmu.access(VA, Mmu.FETCH));
    }
  }

  @Test
  void tablesTakeRightsAwayFromAllBelow() {
    for (int level = 2; level <= 4; level++) {
      try (RawTables raw = new RawTables(format)) {
        Mmu mmu = raw.mmu(null);
        int index = format.index(level, VA);
        raw.put(VA, 1, PAGE | AF | EL0);
        long entry = raw.at(VA, level);
        raw.set(raw.table(level), index, entry | 1L << 61);
        mmu.setUser(true);
        assertFault(MmuFault.KERNEL_ONLY, 1, DATA_USER | 0xF, mmu, VA, Mmu.LOAD);
        assertAt(0x5000, mmu.access(VA, Mmu.FETCH));
        raw.set(raw.table(level), index, entry | 1L << 62);
        assertFault(MmuFault.NO_STORE, 1, DATA_USER | WRITE | 0xF, mmu, VA, Mmu.STORE);
        raw.set(raw.table(level), index, entry | 1L << 60);
        assertFault(MmuFault.NO_FETCH, 1, FETCH_USER | 0xF, mmu, VA, Mmu.FETCH);
        mmu.setUser(false);
        raw.put(VA, 1, PAGE | AF);
        raw.set(raw.table(level), index, entry | 1L << 60);
        assertAt(0x5000, mmu.access(VA, Mmu.FETCH));
        raw.set(raw.table(level), index, entry | 1L << 59);
        assertFault(MmuFault.NO_FETCH, 1, FETCH | 0xF, mmu, VA, Mmu.FETCH);
        assertAt(0x5000, mmu.access(VA, Mmu.STORE));
      }
    }
  }

  @Test
  void panKeepsTheKernelFromTheUsersData() {
    try (RawTables raw = new RawTables(format)) {
      Mmu mmu = raw.mmu(null);
      raw.put(VA, 1, PAGE | AF | EL0);
      assertAt(0x5000, mmu.access(VA, Mmu.STORE));
      mmu.setControl(MmuControl.ARM_PAN);
      assertFault(MmuFault.USER_ONLY, 1, DATA | 0xF, mmu, VA, Mmu.LOAD);
      assertFault(MmuFault.USER_ONLY, 1, DATA | WRITE | 0xF, mmu, VA, Mmu.STORE);
      mmu.setUser(true);
      assertAt(0x5000, mmu.access(VA, Mmu.STORE));
    }
  }

  @Test
  void aStoreMakesAManagedPageWritable() {
    try (RawTables raw = new RawTables(format)) {
      Mmu mmu = raw.mmu(null);
      long clean = PAGE | AF | READ_ONLY | DBM;
      raw.put(VA, 1, clean);
      for (int bits : new int[] {0, MmuControl.ARM_HA, MmuControl.ARM_HD}) {
        mmu.setControl(bits);
        assertFault(MmuFault.NO_STORE, 1, DATA | WRITE | 0xF, mmu, VA, Mmu.STORE);
      }
      mmu.setControl(MmuControl.ARM_HA | MmuControl.ARM_HD);
      assertAt(0x5000, mmu.access(VA, Mmu.LOAD));
      assertAt(clean, raw.at(VA, 1));
      assertAt(0x5000, mmu.access(VA, Mmu.STORE));
      assertAt(clean & ~READ_ONLY, raw.at(VA, 1));
      // Without DBM it stays as it is, and with a table against it there is no dirty page.
      raw.put(VA, 1, PAGE | AF | READ_ONLY);
      assertFault(MmuFault.NO_STORE, 1, DATA | WRITE | 0xF, mmu, VA, Mmu.STORE);
      raw.put(VA, 1, clean);
      raw.set(raw.table(2), format.index(2, VA), raw.at(VA, 2) | 1L << 62);
      assertFault(MmuFault.NO_STORE, 1, DATA | WRITE | 0xF, mmu, VA, Mmu.STORE);
      assertAt(clean, raw.at(VA, 1));
    }
  }

  @Test
  void addressesBeyondTheOutputSizeFault() {
    try (RawTables raw = new RawTables(format, 40)) {
      Mmu mmu = raw.mmu(null);
      for (int level = 1; level <= 4; level++) {
        long entry = level == 1 ? 3 : raw.tableEntry(raw.table(level - 1));
        raw.put(VA, level, entry | AF | 1L << 40);
        assertFault(MmuFault.ADDRESS_SIZE, level, DATA | (4 - level), mmu, VA, Mmu.LOAD);
      }
      raw.put(VA, 1, AF | 3 | 1L << 39);
      assertAt(1L << 39, mmu.access(VA, Mmu.LOAD));
      // Bits of a block below its size are no address.
      raw.put(VA, 2, AF | 1 | 1L << 39 | 0x1F_F000);
      assertAt(1L << 39 | (VA & 0x1F_F000), mmu.access(VA, Mmu.LOAD));
    }
  }

  @Test
  void anAbortOnTheWayIsExternal() {
    try (RawTables raw = new RawTables(format)) {
      Mmu mmu = raw.mmu(null);
      raw.put(VA, 3, 0x9_0000_0000L | 3);
      assertFault(MmuFault.TABLE_OUTSIDE, 2, DATA | WRITE | 0x16, mmu, VA, Mmu.STORE);
      raw.put(VA, 1, 0x9_0000_0000L | 3 | AF);
      mmu.loadLong(VA);
      assertEquals(MmuFault.OUTSIDE, MmuFault.of(mmu.fault()));
      assertEquals(DATA | 0x10, MmuFault.cause(mmu.fault()));
    }
  }

  @Test
  void whatHasNotTheBitAgainstItIsGlobal() {
    for (long bit : new long[] {0, NG}) {
      try (RawTables raw = new RawTables(format)) {
        Mmu mmu = raw.mmu(new Tlb(format, 4, 2));
        raw.put(VA, 1, PAGE | AF | bit);
        assertAt(0x5000, mmu.access(VA, Mmu.LOAD));
        mmu.setRoots(RawTables.frame(0), RawTables.frame(0), 1);
        assertAt(0x5000, mmu.access(VA, Mmu.LOAD));
        assertEquals(bit == 0 ? 1 : 2, mmu.walks());
      }
    }
  }
}
