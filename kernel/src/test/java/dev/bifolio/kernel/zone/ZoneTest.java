package dev.bifolio.kernel.zone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.platform.Memory;
import org.junit.jupiter.api.Test;

/// What a zone says of itself, its marks, and the words that its gauge is told.
class ZoneTest {
  private static final int NONE = AllocationFlags.NONE;
  private static final long START = 0x1000;
  private static final long FRAMES = 4096;

  private static TestZones oneZone() {
    return TestZones.plan().part(3, ZoneType.DMA32, START, FRAMES).build();
  }

  private static Zone zone(TestZones zones) {
    return zones.zone(3, ZoneType.DMA32);
  }

  @Test
  void aZoneKnowsItsPlaceAmongNodesAndTypes() {
    try (TestZones zones =
        TestZones.plan()
            .part(2, ZoneType.DMA, 0x100, 64)
            .part(5, ZoneType.DMA, 0x200, 32)
            .part(5, ZoneType.MOVABLE, 0x300, 16)
            .build()) {
      Zone zone = zones.zone(5, ZoneType.MOVABLE);
      assertEquals(2, zone.index());
      assertEquals(5, zone.nid());
      assertEquals(1, zone.nodeIndex());
      assertEquals(ZoneType.MOVABLE, zone.type());
      assertEquals(0x300, zone.startPfn());
      assertEquals(0x310, zone.endPfn());
      assertEquals("Node 5, zone Movable", zone.toString());
      assertEquals(1, zone.bankCount());
      assertEquals(0x300, zone.bank(0).allocator().startPfn());
    }
  }

  @Test
  void onlyAnOnlyBankOfAnyThreadIsAskedPastTheZonesMemory() {
    try (TestZones one = oneZone();
        TestZones classic = TestZones.plan().part(0, ZoneType.DMA, START, 8).classic(true).build();
        TestZones two =
            TestZones.plan().part(0, ZoneType.DMA, 0, 8).part(0, ZoneType.DMA, 64, 8).build()) {
      assertSame(zone(one).bank(0).allocator(), zone(one).onlyAllocator);
      assertNotNull(zone(one).onlyBank);
      assertNull(classic.zone(0, ZoneType.DMA).onlyAllocator);
      assertNull(classic.zone(0, ZoneType.DMA).onlyBank);
      assertNull(two.zone(0, ZoneType.DMA).onlyAllocator);
      assertNull(two.zone(0, ZoneType.DMA).onlyBank);
    }
  }

  // ---- Marks ----

  @Test
  void marksMayBeEqual() {
    try (TestZones zones = oneZone()) {
      Zone zone = zone(zones);
      zone.setWatermarks(5, 5, 5);
      assertEquals(5, zone.minFrames());
      assertEquals(5, zone.lowFrames());
      assertEquals(5, zone.highFrames());
      zone.setWatermarks(0, 0, 0);
      assertEquals(0, zone.highFrames());
    }
  }

  @Test
  void theCapIsAllOfMinUntilSomebodySetsItAndNeverMore() {
    try (TestZones zones = oneZone()) {
      Zone zone = zone(zones);
      zone.setWatermarks(100, 200, 300);
      assertEquals(100, zone.reserveCapFrames());
      zone.setWatermarks(50, 200, 300);
      assertEquals(50, zone.reserveCapFrames());
      zone.setReserveCap(40);
      zone.setWatermarks(100, 200, 300);
      assertEquals(40, zone.reserveCapFrames());
      zone.setWatermarks(30, 200, 300);
      assertEquals(30, zone.reserveCapFrames());
      zone.setReserveCap(0);
      assertEquals(0, zone.reserveCapFrames());
      zone.setReserveCap(30);
      assertEquals(30, zone.reserveCapFrames());
    }
  }

  @Test
  void settingMarksEndsABoostAndABoostOfNothingIsNone() {
    try (TestZones zones = oneZone()) {
      Zone zone = zone(zones);
      zone.setWatermarks(10, 20, 301);
      zone.boost(0);
      assertEquals(0, zone.eventCount(Zone.Event.BOOST));
      zone.boost(100);
      assertEquals(100, zone.boostFrames());
      zone.boost(100);
      assertEquals(150, zone.boostFrames());
      zone.setWatermarks(10, 20, 301);
      assertEquals(0, zone.boostFrames());
      assertEquals(20, zone.lowFrames());
    }
  }

  /// A line for the hint of the bank, four for the zone, and those of its gauge.
  @Test
  void theWordsOfABankHoldAZoneAndItsGauge() {
    assertEquals(64 + 4 * 64 + FreeGauge.byteSize(1), ZoneBank.byteSize(1));
    assertEquals(64 + 4 * 64 + FreeGauge.byteSize(8), ZoneBank.byteSize(8));
    try (TestZones zones = oneZone()) {
      ZoneBank bank = zone(zones).bank(0);
      assertEquals(bank.address(), bank.hintAddress());
      assertEquals(bank.address() + 64, bank.zoneAddress());
    }
  }

  /// The words of the gauge are behind four lines of the zone, its far mark and margin in the
  /// second of its own.
  private static long gaugeWord(Zone zone, int offset) {
    return Memory.getLong(zone.bank(0).zoneAddress() + 4 * 64 + 64 + offset);
  }

  @Test
  void theGaugeCountsFromHighAndTheLargestReserveOnAndByA256thAbove() {
    try (TestZones zones = oneZone()) {
      Zone zone = zone(zones);
      zone.setWatermarks(10, 20, 300);
      assertEquals(300, gaugeWord(zone, 8));
      assertEquals(FRAMES / 256, gaugeWord(zone, 16));
      zone.setLowmemReserve(ZoneType.MOVABLE, 70);
      assertEquals(370, gaugeWord(zone, 8));
      zone.setLowmemReserve(ZoneType.DMA, 60);
      assertEquals(370, gaugeWord(zone, 8));
      zone.setLowmemReserve(ZoneType.DEVICE, 80);
      assertEquals(380, gaugeWord(zone, 8));
      zone.boost(7);
      assertEquals(387, gaugeWord(zone, 8));
      zone.endBoost();
      assertEquals(380, gaugeWord(zone, 8));
      zone.boost(9);
      zone.setWatermarks(0, 0, 1);
      assertEquals(81, gaugeWord(zone, 8));
    }
  }

  @Test
  void eachTypeHasAReserveOfItsOwn() {
    try (TestZones zones = oneZone()) {
      Zone zone = zone(zones);
      for (ZoneType type : ZoneType.values()) {
        zone.setLowmemReserve(type, 10 + type.index());
      }
      for (ZoneType type : ZoneType.values()) {
        assertEquals(10 + type.index(), zone.lowmemReserveFrames(type));
        assertEquals(10 + type.index(), zone.lowmemReserve(type.index()));
      }
      zone.setLowmemReserve(ZoneType.DMA, 0);
      assertEquals(0, zone.lowmemReserveFrames(ZoneType.DMA));
    }
  }

  @Test
  void eachEventHasACountOfItsOwn() {
    try (TestZones zones = oneZone()) {
      Zone zone = zone(zones);
      int times = 3;
      for (Zone.Event event : Zone.Event.values()) {
        zone.count(event, times);
        zone.count(event, 1);
        assertEquals(times + 1, zone.eventCount(event));
        times *= 3;
      }
      assertEquals(4, zone.eventCount(Zone.Event.EMERGENCY_REQUEST));
    }
  }

  // ---- Frames ----

  @Test
  void aBlockIsTakenAsLongAsItLeavesLowAndTheReserve() {
    try (TestZones zones = oneZone()) {
      Zone zone = zone(zones);
      zone.setWatermarks(10, 4000, 4096);
      zone.setLowmemReserve(ZoneType.NORMAL, 32);
      int normal = ZoneType.NORMAL.index();
      assertTrue(zone.takeDownToLow(0, 6, NONE, normal) >= START);
      assertEquals(4032, zone.availableFrames());
      assertEquals(FrameAllocator.NO_FRAME, zone.takeDownToLow(0, 0, NONE, normal));
      assertTrue(zone.takeDownToLow(0, 5, NONE, ZoneType.DMA32.index()) >= START);
      assertEquals(4000, zone.availableFrames());
      assertEquals(FrameAllocator.NO_FRAME, zone.takeDownToLow(0, 0, NONE, ZoneType.DMA32.index()));
      assertEquals(4000, zone.memory.availableFrames());
    }
  }

  @Test
  void aBlockThatIsNotThereInOnePieceIsNotCounted() {
    for (boolean classic : new boolean[] {false, true}) {
      try (TestZones zones =
          TestZones.plan().part(3, ZoneType.DMA32, START, FRAMES).classic(classic).build()) {
        Zone zone = zone(zones);
        zone.setWatermarks(0, 0, 4096);
        assertEquals(START + 9, zone.memory.takeRange(0, START + 9, 1, NONE));
        assertEquals(START + 2057, zone.memory.takeRange(0, START + 2057, 1, NONE));
        for (int i = 0; i < 2; i++) {
          assertEquals(FrameAllocator.NO_FRAME, zone.takeDownToLow(0, 11, NONE, 2));
          assertFalse(zone.isPlenty());
          assertEquals(4094, zone.availableFrames());
        }
        assertTrue(zone.takeDownToLow(0, 10, NONE, 2) >= 0);
        assertEquals(3070, zone.availableFrames());
      }
    }
  }

  @Test
  void framesThatSomebodyTookByHimselfComeFromThePoolWhileThereIsPlenty() {
    try (TestZones zones = oneZone()) {
      Zone zone = zone(zones);
      assertTrue(zone.takeDownToLow(0, 0, NONE, 2) >= 0);
      long pool = gaugeWord(zone, 128);
      assertTrue(zone.isPlenty() && pool > 100);
      zone.tookRange(5);
      assertEquals(pool - 5, gaugeWord(zone, 128));
      zone.gaveRange(5); // the next count finds them
      assertEquals(pool - 5, gaugeWord(zone, 128));
    }
  }

  @Test
  void framesThatSomebodyTookByHimselfAreCountedAndCountedBack() {
    try (TestZones zones = oneZone()) {
      Zone zone = zone(zones);
      zone.setWatermarks(100, 200, 4096);
      assertTrue(zone.takeDownToLow(0, 0, NONE, 2) >= 0);
      assertEquals(4095, zone.availableFrames());
      zone.tookRange(4000);
      assertEquals(95, zone.availableFrames());
      assertEquals(5, zone.reserveUsedFrames());
      zone.gaveRange(4);
      assertEquals(99, zone.availableFrames());
      assertEquals(1, zone.reserveUsedFrames());
      zone.gaveRange(2);
      assertEquals(0, zone.reserveUsedFrames());
      // And whoever counts finds what is there.
      assertEquals(4095, zone.recount());
      assertEquals(4095, zone.availableFrames());
    }
  }

  @Test
  void offlineFramesAreNeitherPresentNorManagedUntilTheyComeBack() {
    try (TestZones zones = oneZone()) {
      Zone zone = zone(zones);
      zone.addOffline(100);
      zone.addOffline(28);
      assertEquals(128, zone.offlineFrames());
      assertEquals(FRAMES - 128, zone.presentFrames());
      assertEquals(FRAMES - 128, zone.managedFrames());
      assertEquals(FRAMES - 128, zone.statistics().totalFrames());
      assertEquals(FRAMES - 128, zones.frames().zones().managedFrames());
      zone.addOffline(-28);
      assertEquals(100, zone.offlineFrames());
      assertEquals(FRAMES - 100, zone.managedFrames());
    }
  }

  @Test
  void aZoneHasPlentyUntilSomebodyLooksAndFindsTheMarksNear() {
    try (TestZones zones = oneZone()) {
      Zone zone = zone(zones);
      assertTrue(zone.isPlenty());
      assertTrue(zone.takeDownToLow(0, 0, NONE, 2) >= 0);
      assertTrue(zone.isPlenty());
      zone.setWatermarks(0, 0, FRAMES);
      assertTrue(zone.takeDownToLow(0, 0, NONE, 2) >= 0);
      assertFalse(zone.isPlenty());
    }
  }

  @Test
  void cachesOfAZoneAreEmptied() {
    try (TestZones zones = oneZone()) {
      Zone zone = zone(zones);
      long pfn = zones.frames().tryAllocate(0, AllocationFlags.DMA32);
      assertEquals(0, zones.frames().tryFree(pfn, 0));
      long waiting = zone.cachedFrames();
      assertTrue(waiting > 0);
      assertEquals(FRAMES - waiting, zone.freeFrames());
      assertEquals(waiting, zone.drainCaches());
      assertEquals(0, zone.cachedFrames());
      assertEquals(FRAMES, zone.freeFrames());
    }
  }
}
