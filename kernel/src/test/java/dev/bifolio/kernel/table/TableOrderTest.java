package dev.bifolio.kernel.table;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class TableOrderTest {
  @Test
  void tablesAreTakenInTheOrderInWhichTheirFramesCameSoTheyLieAsAWalkMeetsThem() {
    try (TestTables tables = new TestTables(X86Format.LEVELS_4, 64)) {
      long first = TestTables.BASE + TableFrames.POOL_FRAMES * 4096L;
      int all = PageFlags.READ | PageFlags.WRITE;
      // 3 pages, the last of them behind the border of a table: 2 tables of level 1.
      assertEquals(MapOutcome.MAPPED, tables.space.map(0x1f_e000, 0x1f_e000, 0x3000, all, 1));
      assertEquals(first, tables.space.rootAddress(0));
      assertEquals(first + 0x1000, tables.space.tableAt(0x1f_e000, 3));
      assertEquals(first + 0x2000, tables.space.tableAt(0x1f_e000, 2));
      assertEquals(first + 0x3000, tables.space.tableAt(0x1f_e000, 1));
      assertEquals(first + 0x4000, tables.space.tableAt(0x20_0000, 1));
    }
  }
}
