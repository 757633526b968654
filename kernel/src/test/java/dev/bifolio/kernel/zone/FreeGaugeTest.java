package dev.bifolio.kernel.zone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.testkit.SplitMix64;
import org.junit.jupiter.api.Test;

/// A gauge over a real zone, whose every answer is compared with a count.
class FreeGaugeTest {
  private static final long FRAMES = 8192;

  private static TestZones zones(int cpuCount, boolean classic) {
    return TestZones.plan()
        .part(0, ZoneType.NORMAL, 0x1000, FRAMES)
        .cpuCount(cpuCount)
        .classic(classic)
        .build();
  }

  @Test
  void everyAnswerOfOneThreadIsExactWhereverTheMarksLie() {
    for (int cpuCount : new int[] {1, 2, 3}) {
      for (long farMark : new long[] {0, 1000, 7000, 9000}) {
        try (TestZones zones = zones(cpuCount, cpuCount == 3)) {
          agreesWithACount(zones.zone(0, ZoneType.NORMAL), farMark, cpuCount);
        }
      }
    }
  }

  private static void agreesWithACount(Zone zone, long farMark, int cpuCount) {
    zone.setWatermarks(farMark / 4, farMark / 2, farMark);
    SplitMix64 random = new SplitMix64(farMark + cpuCount);
    long[] taken = new long[(int) FRAMES];
    int count = 0;
    for (int step = 0; step < 30_000; step++) {
      boolean mostlyAllocate = step / 5000 % 2 == 0;
      if (random.below(8) < (mostlyAllocate ? 5 : 3) && count < FRAMES) {
        long mark = random.below((int) farMark + 1);
        boolean granted = zone.gauge.takeAbove(random.below(cpuCount), 1, mark);
        assertEquals(FRAMES - count - 1 >= mark, granted, () -> "mark " + mark);
        if (granted) {
          taken[count++] = zone.memory.take(0, 0, 0);
        }
      } else if (count > 0) {
        assertEquals(0, zone.memory.tryFreeFrames(taken[--count], 1));
        zone.gauge.add(1);
      }
      assertEquals(FRAMES - count, zone.gauge.available());
    }
  }

  @Test
  void aRequestLargerThanWhatLiesAboveTheFarMarkIsComparedWithItsOwnMark() {
    try (TestZones zones = zones(1, false)) {
      Zone zone = zones.zone(0, ZoneType.NORMAL);
      zone.setWatermarks(0, 0, 6000);
      assertFalse(zone.gauge.takeAbove(0, 4096, FRAMES - 4095));
      assertTrue(zone.gauge.takeAbove(0, 4096, FRAMES - 4096));
      assertTrue(zone.memory.take(0, 12, 0) >= 0);
      assertEquals(FRAMES - 4096, zone.availableFrames());
      assertFalse(zone.gauge.takeAbove(0, 4096, 1));
      assertTrue(zone.gauge.takeAbove(0, 4096, 0));
    }
  }

  @Test
  void anAllowanceIsUsedByItsCpuAlone() {
    try (TestZones zones = zones(2, false)) {
      Zone zone = zones.zone(0, ZoneType.NORMAL);
      assertFalse(zone.gauge.takeFar(0, 1));
      assertTrue(zone.gauge.takeAbove(0, 1, 0));
      assertTrue(zone.gauge.takeFar(0, 1));
      assertFalse(zone.gauge.takeFar(1, 1));
      assertFalse(zone.gauge.takeFar(0, FreeGauge.MOST_ALLOWANCE));
    }
  }

  @Test
  void aWrongCounterIsMendedByACount() {
    try (TestZones zones = zones(1, false)) {
      Zone zone = zones.zone(0, ZoneType.NORMAL);
      zone.setWatermarks(0, 0, FRAMES);
      assertTrue(zone.gauge.takeAbove(0, 1, 0)); // which makes it count
      zone.gauge.add(1);
      assertTrue(zone.memory.take(0, 5, 0) >= 0); // not told
      assertEquals(FRAMES, zone.availableFrames());
      assertEquals(FRAMES - 32, zone.gauge.recount());
      assertEquals(FRAMES - 32, zone.availableFrames());
    }
  }
}
