package dev.bifolio.kernel.zone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/// Marks and reserves of zones, which follow from settings and from what the zones manage.
class WatermarksTest {
  /// Two nodes of low memory, with a zone of each other kind in the first.
  private static TestZones zones() {
    return TestZones.plan()
        .part(0, ZoneType.DMA, 0, 4096)
        .part(0, ZoneType.NORMAL, 8192, 16384)
        .part(0, ZoneType.MOVABLE, 32768, 65536)
        .part(0, ZoneType.DEVICE, 131072, 4096)
        .part(1, ZoneType.NORMAL, 262144, 12288)
        .build();
  }

  private static void assertMarks(Zone zone, long min, long low, long high) {
    assertEquals(min, zone.minFrames(), zone::toString);
    assertEquals(low, zone.lowFrames(), zone::toString);
    assertEquals(high, zone.highFrames(), zone::toString);
  }

  @Test
  void eachZoneOfLowMemoryKeepsItsShareOfWhatIsSet() {
    try (TestZones zones = zones()) {
      Watermarks marks = new Watermarks(zones.frames().zones());
      marks.setMinFree(4 * 1024, false); // 1024 of 32768 frames
      marks.apply();
      assertMarks(zones.zone(0, ZoneType.DMA), 128, 160, 192);
      assertMarks(zones.zone(0, ZoneType.NORMAL), 512, 640, 768);
      assertMarks(zones.zone(1, ZoneType.NORMAL), 384, 480, 576);
      // Beside low memory: a 1024th as min, the gap of its share.
      assertMarks(zones.zone(0, ZoneType.MOVABLE), 64, 64 + 512, 64 + 2 * 512);
      assertMarks(zones.zone(0, ZoneType.DEVICE), 0, 0, 0);
    }
  }

  @Test
  void aZoneKeepsFromHigherRequestsAShareOfTheZonesAboveItInItsNode() {
    try (TestZones zones = zones()) {
      new Watermarks(zones.frames().zones()).apply();
      Zone dma = zones.zone(0, ZoneType.DMA);
      assertEquals(0, dma.lowmemReserveFrames(ZoneType.DMA));
      assertEquals(0, dma.lowmemReserveFrames(ZoneType.DMA32));
      assertEquals(16384 / 256, dma.lowmemReserveFrames(ZoneType.NORMAL));
      assertEquals((16384 + 65536) / 256, dma.lowmemReserveFrames(ZoneType.MOVABLE));
      Zone normal = zones.zone(0, ZoneType.NORMAL);
      assertEquals(0, normal.lowmemReserveFrames(ZoneType.NORMAL));
      assertEquals(65536 / 32, normal.lowmemReserveFrames(ZoneType.MOVABLE));
      // The other node has no movable memory, and that of the first does not count there.
      assertEquals(0, zones.zone(1, ZoneType.NORMAL).lowmemReserveFrames(ZoneType.MOVABLE));
    }
  }

  @Test
  void withoutASettingTheSizeOfLowMemoryDecides() {
    try (TestZones zones = zones()) {
      Watermarks marks = new Watermarks(zones.frames().zones());
      long rule = WatermarkRule.minFreeKib(32768);
      assertEquals(rule, marks.minFreeKib());
      marks.setMinFree(Watermarks.BY_RULE, true);
      long huge = WatermarkRule.minFreeKibForHugeBlocks(32768, 3);
      assertTrue(huge > rule);
      assertEquals(huge, marks.minFreeKib());
      marks.setMinFree(77, true);
      assertEquals(77, marks.minFreeKib());
    }
  }

  /// Of a zone whose memory is all offline nothing is left that huge blocks could lie in.
  @Test
  void zonesWithoutMemoryAskForNothing() {
    try (TestZones zones =
        TestZones.plan()
            .part(0, ZoneType.DMA, 0, 64)
            .part(0, ZoneType.NORMAL, 1 << 20, 1 << 19)
            .build()) {
      Watermarks marks = new Watermarks(zones.frames().zones());
      marks.setMinFree(Watermarks.BY_RULE, true);
      long two = WatermarkRule.minFreeKibForHugeBlocks(64 + (1 << 19), 2);
      assertEquals(two, marks.minFreeKib());
      zones.zone(0, ZoneType.DMA).addOffline(64);
      assertEquals(two / 2, marks.minFreeKib());
    }
  }

  @Test
  void hugeBlocksNeverLowerWhatIsKept() {
    try (TestZones zones = TestZones.plan().part(0, ZoneType.NORMAL, 0, 64).build()) {
      Watermarks marks = new Watermarks(zones.frames().zones());
      marks.setMinFree(Watermarks.BY_RULE, true);
      assertEquals(WatermarkRule.LEAST_MIN_FREE_KIB, marks.minFreeKib());
    }
  }

  @Test
  void aScaleSetsTheLeastDistanceOfTheMarks() {
    try (TestZones zones = zones()) {
      Watermarks marks = new Watermarks(zones.frames().zones());
      Zone normal = zones.zone(1, ZoneType.NORMAL);
      marks.setMinFree(4, false);
      marks.apply();
      assertMarks(normal, 0, 12, 24); // a 1000th of 12288
      marks.setScaleFactor(1000);
      marks.apply();
      assertMarks(normal, 0, 1228, 2456);
      marks.setScaleFactor(1);
      marks.apply();
      assertMarks(normal, 0, 1, 2);
      assertThrows(IllegalArgumentException.class, () -> marks.setScaleFactor(0));
      assertThrows(IllegalArgumentException.class, () -> marks.setScaleFactor(1001));
      marks.apply();
      assertMarks(normal, 0, 1, 2);
    }
  }

  @Test
  void zeroTakesAllMarksAndReservesAway() {
    try (TestZones zones = zones()) {
      Watermarks marks = new Watermarks(zones.frames().zones());
      marks.apply();
      marks.setMinFree(0, true);
      marks.apply();
      for (int z = 0; z < zones.frames().zones().count(); z++) {
        Zone zone = zones.frames().zones().zone(z);
        assertMarks(zone, 0, 0, 0);
        for (ZoneType type : ZoneType.values()) {
          assertEquals(0, zone.lowmemReserveFrames(type));
        }
      }
    }
  }

  @Test
  void halfOfLowMemoryMayBeKeptAndNotAFrameMore() {
    try (TestZones zones = zones()) {
      Watermarks marks = new Watermarks(zones.frames().zones());
      Zone dma = zones.zone(0, ZoneType.DMA);
      marks.setMinFree(16384 * 4, false);
      marks.apply();
      assertEquals(2048, dma.minFrames());
      marks.setMinFree(16385 * 4, false);
      IllegalArgumentException refused = assertThrows(IllegalArgumentException.class, marks::apply);
      assertEquals(
          "65540 KiB are more than half of 131072 KiB to be kept free", refused.getMessage());
      assertEquals(2048, dma.minFrames());
    }
  }

  /// By rule a machine may keep more than half: it is too small for anything else.
  @Test
  void theRuleIsNotRefusedOnATinyMachine() {
    try (TestZones zones = TestZones.plan().part(0, ZoneType.NORMAL, 0, 60).build()) {
      Watermarks marks = new Watermarks(zones.frames().zones());
      marks.apply();
      assertMarks(zones.zone(0, ZoneType.NORMAL), 32, 40, 48);
    }
  }

  @Test
  void sizesThatCountsCannotHoldAreRefused() {
    try (TestZones zones = zones()) {
      Watermarks marks = new Watermarks(zones.frames().zones());
      marks.setMinFree(Integer.MAX_VALUE, false);
      assertThrows(IllegalArgumentException.class, () -> marks.setMinFree(1L << 31, true));
      assertThrows(IllegalArgumentException.class, () -> marks.setMinFree(-2, true));
      assertEquals(Integer.MAX_VALUE, marks.minFreeKib());
    }
  }

  @Test
  void marksFollowWhatIsManagedWhenTheyAreApplied() {
    try (TestZones zones = TestZones.plan().part(0, ZoneType.NORMAL, 0, 32768).build()) {
      Watermarks marks = new Watermarks(zones.frames().zones());
      Zone zone = zones.zone(0, ZoneType.NORMAL);
      marks.apply();
      long before = zone.minFrames();
      assertEquals(WatermarkRule.minFreeKib(32768) / 4, before);
      zone.addOffline(16384);
      assertEquals(before, zone.minFrames());
      marks.apply();
      assertEquals(WatermarkRule.minFreeKib(16384) / 4, zone.minFrames());
    }
  }
}
