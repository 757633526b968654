package dev.bifolio.kernel.mmu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.table.I386Format;
import dev.bifolio.kernel.table.X86Format;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Entries of x86, written by hand, and what the manual says of them.
class X86MmuTest {
  private static final long VA = 0x7F12_3456_7000L;
  private static final long KERNEL_VA = 0xFFFF_8012_3456_7000L;
  private static final long XD = 1L << 63;
  private static final int P = 1;
  private static final int RW = 2;
  private static final int US = 4;
  private static final int A = 0x20;
  private static final int D = 0x40;
  private static final int PS = 0x80;
  private static final int G = 0x100;
  private static final int USUAL = MmuControl.usual(X86Format.LEVELS_4);

  /// Error codes have a bit each for: present, store, user, reserved, fetch.
  private static void assertFault(
      MmuFault fault, int level, int errorCode, Mmu mmu, long va, int kind) {
    long code = mmu.access(va, kind);
    assertTrue(code < 0, () -> Long.toHexString(code));
    assertEquals(fault, MmuFault.of(code));
    assertEquals(level, MmuFault.level(code));
    assertEquals(errorCode, MmuFault.cause(code));
    assertEquals(kind, MmuFault.kind(code));
    assertEquals((errorCode & US) != 0, MmuFault.isUser(code));
  }

  private static void assertAt(long expected, long found) {
    assertEquals(Long.toHexString(expected), Long.toHexString(found));
  }

  @Test
  void anAddressIsCutIntoFourIndices() {
    try (RawTables raw = new RawTables(X86Format.LEVELS_4)) {
      Mmu mmu = raw.mmu(null);
      raw.set(RawTables.frame(0), 0xFE, RawTables.frame(7) | 3);
      raw.set(RawTables.frame(7), 0x48, RawTables.frame(2) | 3);
      raw.set(RawTables.frame(2), 0x1A2, RawTables.frame(5) | 3);
      raw.set(RawTables.frame(5), 0x167, 0xABCD_E000L | 3);
      assertAt(0xABCD_E678L, mmu.access(0x7F12_3456_7678L, Mmu.LOAD));
      assertEquals(1, mmu.walks());
    }
  }

  @Test
  void aSecondTreeHasFiveLevels() {
    try (RawTables raw = new RawTables(X86Format.LEVELS_5)) {
      Mmu mmu = raw.mmu(null);
      raw.put(0xFF12_3456_7890_1000L, 1, 0xABCD_E000L | P);
      assertAt(0xABCD_E123L, mmu.access(0xFF12_3456_7890_1123L, Mmu.LOAD));
      assertFault(MmuFault.NOT_PRESENT, 5, 0, mmu, 0xFF00_0000_0000_0000L, Mmu.LOAD);
      assertFault(MmuFault.NOT_CANONICAL, 0, 0, mmu, 0xFE00_0000_0000_0000L, Mmu.LOAD);
      raw.put(0x1000, 5, raw.tableEntry(RawTables.frame(1)) | PS);
      assertFault(MmuFault.RESERVED, 5, 9, mmu, 0x1000, Mmu.LOAD);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4})
  void anEntryThatIsNotPresentEndsTheWalkAtItsLevel(int level) {
    try (RawTables raw = new RawTables(X86Format.LEVELS_4)) {
      Mmu mmu = raw.mmu(null);
      raw.put(VA, level, ~1L);
      assertFault(MmuFault.NOT_PRESENT, level, 0, mmu, VA, Mmu.LOAD);
      assertFault(MmuFault.NOT_PRESENT, level, 2, mmu, VA, Mmu.STORE);
      assertFault(MmuFault.NOT_PRESENT, level, 0x10, mmu, VA, Mmu.FETCH);
      mmu.setUser(true);
      assertFault(MmuFault.NOT_PRESENT, level, 4, mmu, VA, Mmu.LOAD);
      assertFault(MmuFault.NOT_PRESENT, level, 6, mmu, VA, Mmu.STORE);
      assertFault(MmuFault.NOT_PRESENT, level, 0x14, mmu, VA, Mmu.FETCH);
      mmu.setControl(0);
      assertFault(MmuFault.NOT_PRESENT, level, 4, mmu, VA, Mmu.FETCH); // the bit is NXE's or SMEP's
      mmu.setControl(MmuControl.X86_SMEP);
      assertFault(MmuFault.NOT_PRESENT, level, 0x14, mmu, VA, Mmu.FETCH);
    }
  }

  @Test
  void addressesWithoutASignAreNone() {
    try (RawTables raw = new RawTables(X86Format.LEVELS_4)) {
      Mmu mmu = raw.mmu(null);
      assertFault(MmuFault.NOT_CANONICAL, 0, 0, mmu, 1L << 47, Mmu.LOAD);
      assertFault(MmuFault.NOT_CANONICAL, 0, 0, mmu, -(1L << 47) - 1, Mmu.STORE);
      assertFault(MmuFault.NOT_PRESENT, 4, 0, mmu, (1L << 47) - 1, Mmu.LOAD);
      assertFault(MmuFault.NOT_PRESENT, 4, 0, mmu, -(1L << 47), Mmu.LOAD);
    }
  }

  @Test
  void aStoreNeedsTheWriteBitAtEveryLevel() {
    for (int level = 1; level <= 4; level++) {
      try (RawTables raw = new RawTables(X86Format.LEVELS_4)) {
        Mmu mmu = raw.mmu(null);
        raw.put(VA, 1, 0x5000 | P | RW | US);
        raw.set(raw.table(level), index(level), raw.at(VA, level) & ~RW);
        assertAt(0x5000, mmu.access(VA, Mmu.LOAD));
        assertFault(MmuFault.NO_STORE, 1, 3, mmu, VA, Mmu.STORE);
        mmu.setUser(true);
        assertFault(MmuFault.NO_STORE, 1, 7, mmu, VA, Mmu.STORE);
        // Without WP the kernel writes where it likes; the user does not.
        mmu.setControl(USUAL & ~MmuControl.X86_WP);
        assertFault(MmuFault.NO_STORE, 1, 7, mmu, VA, Mmu.STORE);
        mmu.setUser(false);
        assertAt(0x5000, mmu.access(VA, Mmu.STORE));
        assertEquals(D, raw.at(VA, 1) & D);
      }
    }
  }

  private static int index(int level) {
    return X86Format.LEVELS_4.index(level, VA);
  }

  @Test
  void theUserNeedsTheUserBitAtEveryLevel() {
    for (int level = 1; level <= 4; level++) {
      try (RawTables raw = new RawTables(X86Format.LEVELS_4)) {
        Mmu mmu = raw.mmu(null);
        raw.put(VA, 1, 0x5000 | P | RW | US);
        mmu.setUser(true);
        assertAt(0x5000, mmu.access(VA, Mmu.FETCH));
        raw.set(raw.table(level), index(level), raw.at(VA, level) & ~US);
        assertFault(MmuFault.KERNEL_ONLY, 1, 5, mmu, VA, Mmu.LOAD);
        assertFault(MmuFault.KERNEL_ONLY, 1, 7, mmu, VA, Mmu.STORE);
        assertFault(MmuFault.KERNEL_ONLY, 1, 0x15, mmu, VA, Mmu.FETCH);
        mmu.setUser(false);
        assertAt(0x5000, mmu.access(VA, Mmu.FETCH));
      }
    }
  }

  @Test
  void executionIsForbiddenByOneBitAnywhere() {
    for (int level = 1; level <= 4; level++) {
      try (RawTables raw = new RawTables(X86Format.LEVELS_4)) {
        Mmu mmu = raw.mmu(null);
        raw.put(KERNEL_VA, 1, 0x5000 | P | RW);
        assertAt(0x5000, mmu.access(KERNEL_VA, Mmu.FETCH));
        int index = X86Format.LEVELS_4.index(level, KERNEL_VA);
        raw.set(raw.table(level), index, raw.at(KERNEL_VA, level) | XD);
        assertFault(MmuFault.NO_FETCH, 1, 0x11, mmu, KERNEL_VA, Mmu.FETCH);
        assertAt(0x5000, mmu.access(KERNEL_VA, Mmu.STORE));
        // Without NXE the bit is reserved.
        mmu.setControl(USUAL & ~MmuControl.X86_NXE);
        assertFault(MmuFault.RESERVED, level, 9, mmu, KERNEL_VA, Mmu.LOAD);
      }
    }
  }

  @Test
  void theKernelIsKeptFromTheUsersPagesIfItWants() {
    try (RawTables raw = new RawTables(X86Format.LEVELS_4)) {
      Mmu mmu = raw.mmu(null);
      raw.put(VA, 1, 0x5000 | P | RW | US);
      assertFault(MmuFault.USER_ONLY, 1, 0x11, mmu, VA, Mmu.FETCH);
      assertAt(0x5000, mmu.access(VA, Mmu.STORE));
      mmu.setControl(USUAL & ~MmuControl.X86_SMEP);
      assertAt(0x5000, mmu.access(VA, Mmu.FETCH));
      mmu.setControl(MmuControl.X86_SMAP);
      assertAt(0x5000, mmu.access(VA, Mmu.FETCH));
      assertFault(MmuFault.USER_ONLY, 1, 1, mmu, VA, Mmu.LOAD);
      assertFault(MmuFault.USER_ONLY, 1, 3, mmu, VA, Mmu.STORE);
      mmu.setControl(MmuControl.X86_SMAP | MmuControl.X86_AC);
      assertAt(0x5000, mmu.access(VA, Mmu.STORE));
      mmu.setControl(MmuControl.X86_SMAP);
      mmu.setUser(true);
      assertAt(0x5000, mmu.access(VA, Mmu.STORE));
    }
  }

  @Test
  void tablesAreMarkedAsTheyAreUsedAndALeafOnceItIsAllowed() {
    try (RawTables raw = new RawTables(X86Format.LEVELS_4)) {
      Mmu mmu = raw.mmu(null);
      raw.put(VA, 1, 0x5000 | P);
      assertFault(MmuFault.NO_STORE, 1, 3, mmu, VA, Mmu.STORE);
      for (int level = 2; level <= 4; level++) {
        assertEquals(A, raw.at(VA, level) & (A | D), "level " + level);
      }
      assertAt(0x5001, raw.at(VA, 1));
      assertAt(0x5000, mmu.access(VA, Mmu.LOAD));
      assertAt(0x5021, raw.at(VA, 1));
      raw.put(VA, 1, 0x5000 | P | RW);
      assertAt(0x5000, mmu.access(VA, Mmu.STORE));
      assertAt(0x5063, raw.at(VA, 1));
      // A fault further down does not undo it.
      raw.put(VA, 2, 0);
      assertFault(MmuFault.NOT_PRESENT, 2, 0, mmu, VA, Mmu.LOAD);
      assertEquals(A, raw.at(VA, 4) & A);
    }
  }

  @Test
  void largePagesHaveReservedBitsBelowTheirSize() {
    try (RawTables raw = new RawTables(X86Format.LEVELS_4)) {
      Mmu mmu = raw.mmu(null);
      long at2M = 0x12_3456_7678L;
      raw.put(at2M, 2, 0x4000_0000_0000L | PS | P | 1 << 12);
      assertAt(0x4000_0000_0000L | (at2M & 0x1F_FFFF), mmu.access(at2M, Mmu.LOAD));
      raw.put(at2M, 3, 0x4000_0000_0000L | PS | P | 1 << 12);
      assertAt(0x4000_0000_0000L | (at2M & 0x3FFF_FFFF), mmu.access(at2M, Mmu.LOAD));
      for (int bit = 13; bit < 30; bit++) {
        raw.put(at2M, 2, 0x4000_0000L | PS | P | 1L << bit);
        if (bit < 21) {
          assertFault(MmuFault.RESERVED, 2, 9, mmu, at2M, Mmu.LOAD);
        } else {
          long base = 0x4000_0000L | 1L << bit;
          assertAt(base | (at2M & 0x1F_FFFF), mmu.access(at2M, Mmu.LOAD));
        }
        raw.put(at2M, 3, PS | P | 1L << bit);
        assertFault(MmuFault.RESERVED, 3, 9, mmu, at2M, Mmu.LOAD);
      }
      raw.put(at2M, 4, RawTables.frame(1) | PS | P);
      assertFault(MmuFault.RESERVED, 4, 0xB, mmu, at2M, Mmu.STORE);
    }
  }

  @Test
  void addressBitsBeyondTheLinesAreReserved() {
    try (RawTables raw = new RawTables(X86Format.LEVELS_4, 46)) {
      Mmu mmu = raw.mmu(null);
      mmu.setUser(true);
      for (int level = 1; level <= 4; level++) {
        for (int bit = 45; bit < 52; bit++) {
          long entry = level == 1 ? 0 : raw.tableEntry(raw.table(level - 1));
          raw.put(VA, level, entry | 1L << bit | P | US);
          long code = mmu.access(VA, Mmu.FETCH);
          if (bit >= 46) {
            assertEquals(MmuFault.RESERVED, MmuFault.of(code));
            assertEquals(0x1D, MmuFault.cause(code));
          } else if (level == 1) {
            assertAt(1L << bit, code);
          } else {
            assertEquals(MmuFault.TABLE_OUTSIDE, MmuFault.of(code));
            assertEquals(level - 1, MmuFault.level(code));
            assertEquals(0, MmuFault.cause(code));
          }
        }
      }
      // Protection keys and what software has are none of this.
      raw.put(VA, 1, 0x7FF0_0000_0000_5000L | 0xE00 | P | US);
      assertAt(0x5000, mmu.access(VA, Mmu.FETCH));
    }
  }

  @Test
  void i386WalksTwoLevelsOfShortEntries() {
    try (RawTables raw = new RawTables(I386Format.INSTANCE)) {
      Mmu mmu = raw.mmu(null);
      raw.put(0xC012_3456L, 1, 0xFFFF_F000L | P | RW);
      raw.set(RawTables.frame(1), 0x122, 0xDEAD_B000L);
      raw.set(RawTables.frame(1), 0x124, 0xDEAD_B000L);
      assertAt(0xFFFF_F456L, mmu.access(0xC012_3456L, Mmu.STORE));
      assertAt(0xFFFF_F063L, raw.at(0xC012_3456L, 1));
      assertAt(RawTables.frame(1) | 0x27, raw.at(0xC012_3456L, 2));
      assertAt(0xDEAD_B000L, raw.get(RawTables.frame(1), 0x122));
      assertAt(0xDEAD_B000L, raw.get(RawTables.frame(1), 0x124));
      assertAt(0xFFFF_F456L, mmu.access(0xC012_3456L, Mmu.FETCH));
      assertFault(MmuFault.NOT_PRESENT, 1, 0, mmu, 0xC012_2000L, Mmu.FETCH);
      assertFault(MmuFault.NOT_PRESENT, 2, 2, mmu, 0, Mmu.STORE);
      assertFault(MmuFault.NOT_CANONICAL, 0, 0, mmu, 1L << 32, Mmu.LOAD);
      assertFault(MmuFault.NOT_CANONICAL, 0, 0, mmu, -1, Mmu.LOAD);
      mmu.setUser(true);
      assertFault(MmuFault.KERNEL_ONLY, 1, 5, mmu, 0xC012_3456L, Mmu.LOAD);
    }
  }

  @Test
  void pagesOfFourMegabytesHaveTheirUpperAddressBitsBelow() {
    try (RawTables raw = new RawTables(I386Format.INSTANCE)) {
      Mmu mmu = raw.mmu(null);
      raw.put(0x12_3456, 2, 0x8040_0000L | PS | P | 1 << 12);
      assertAt(0x8052_3456L, mmu.access(0x12_3456, Mmu.LOAD));
      for (int bit = 13; bit <= 21; bit++) {
        raw.put(0x12_3456, 2, 0x8040_0000L | PS | P | 1 << bit);
        assertFault(MmuFault.RESERVED, 2, 9, mmu, 0x12_3456, Mmu.LOAD);
      }
    }
    try (RawTables raw = new RawTables(I386Format.INSTANCE, 36)) {
      Mmu mmu = raw.mmu(null);
      raw.put(0x12_3456, 2, 0x8040_0000L | PS | P | 0xA << 13);
      assertAt(0xA_8052_3456L, mmu.access(0x12_3456, Mmu.LOAD));
      raw.put(0x12_3456, 2, 0x8040_0000L | PS | P | 1 << 17);
      assertFault(MmuFault.RESERVED, 2, 9, mmu, 0x12_3456, Mmu.LOAD);
    }
    try (RawTables raw = new RawTables(I386Format.INSTANCE, 46)) {
      Mmu mmu = raw.mmu(null);
      raw.put(0x12_3456, 2, 0x8040_0000L | PS | P | 0xFF << 13);
      assertAt(0xFF_8052_3456L, mmu.access(0x12_3456, Mmu.LOAD));
      raw.put(0x12_3456, 2, 0x8040_0000L | PS | P | 1 << 21);
      assertFault(MmuFault.RESERVED, 2, 9, mmu, 0x12_3456, Mmu.LOAD);
    }
  }

  @Test
  void onlyWithItsControlBitIsAPageGlobal() {
    for (int global : new int[] {0, MmuControl.X86_PGE}) {
      try (RawTables raw = new RawTables(X86Format.LEVELS_4)) {
        Mmu mmu = raw.mmu(new Tlb(X86Format.LEVELS_4, 4, 2));
        mmu.setControl((USUAL & ~MmuControl.X86_PGE) | global);
        raw.put(VA, 1, 0x5000 | P | G);
        assertAt(0x5000, mmu.access(VA, Mmu.LOAD));
        mmu.setRoots(RawTables.frame(0), 0, 9);
        assertAt(0x5000, mmu.access(VA, Mmu.LOAD));
        assertEquals(global == 0 ? 2 : 1, mmu.walks());
      }
    }
  }
}
