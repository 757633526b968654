package dev.bifolio.kernel.zone;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameAllocator;
import org.junit.jupiter.api.Test;

/// Banks by frame, and sums over them, seen through a zone of four.
class BankSetTest {
  private static TestZones zones(boolean classic) {
    return TestZones.plan()
        .part(0, ZoneType.NORMAL, 0x100, 40)
        .part(0, ZoneType.NORMAL, 0x128, 8)
        .part(0, ZoneType.NORMAL, 0x200, 1)
        .part(0, ZoneType.NORMAL, 0x300, 100)
        .classic(classic)
        .build();
  }

  private static BankSet banks(Zone zone) {
    ZoneBank[] all = new ZoneBank[zone.bankCount()];
    for (int b = 0; b < all.length; b++) {
      all[b] = zone.bank(b);
    }
    return new BankSet(all);
  }

  @Test
  void eachFrameIsFoundInTheBankThatSpansItAndNoOther() {
    try (TestZones zones = zones(true)) {
      Zone zone = zones.zone(0, ZoneType.NORMAL);
      BankSet banks = banks(zone);
      for (long pfn = 0; pfn < 0x400; pfn++) {
        int expected = -1;
        for (int b = 0; b < zone.bankCount(); b++) {
          FrameAllocator bank = zone.bank(b).allocator();
          expected = pfn >= bank.startPfn() && pfn < bank.endPfn() ? b : expected;
        }
        assertEquals(expected, banks.indexOf(pfn));
      }
      assertEquals(-1, banks.indexOf(-1));
      assertEquals(-1, banks.indexOf(Long.MAX_VALUE));
    }
  }

  @Test
  void theSpanIsFromTheFirstBankToTheEndOfTheLast() {
    try (TestZones zones = zones(true)) {
      Zone zone = zones.zone(0, ZoneType.NORMAL);
      assertEquals(0x100, zone.startPfn());
      assertEquals(0x300 + 100, zone.endPfn());
      assertEquals(4, zone.bankCount());
      assertEquals(149, zone.presentFrames());
      assertEquals(149, zone.managedFrames());
    }
  }

  @Test
  void whatIsFreeIsAddedUpOverAllBanks() {
    for (boolean classic : new boolean[] {false, true}) {
      try (TestZones zones = zones(classic)) {
        Zone zone = zones.zone(0, ZoneType.NORMAL);
        assertEquals(149, zone.freeFrames());
        // 40 = 32 + 8, 8, 1, 100 = 64 + 32 + 4.
        long[] blocks = {1, 0, 1, 2, 0, 2, 1};
        for (int order = 0; order < blocks.length; order++) {
          assertEquals(blocks[order], zone.freeBlocks(order), "order " + order);
        }
        zones.frames().tryAllocateRange(0x100, 32, AllocationFlags.NONE);
        zones.frames().tryAllocateRange(0x300, 32, AllocationFlags.NONE);
        assertEquals(85, zone.freeFrames());
        assertEquals(85, zone.availableFrames());
        assertEquals(2, zone.freeBlocks(5));
        assertEquals(0, zone.freeBlocks(6));
      }
    }
  }
}
