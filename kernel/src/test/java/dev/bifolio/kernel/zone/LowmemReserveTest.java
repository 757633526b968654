package dev.bifolio.kernel.zone;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class LowmemReserveTest {
  private static long[] protections(ZoneType zone, long... managed) {
    long[] protections = new long[ZoneType.COUNT];
    for (ZoneType request : ZoneType.values()) {
      protections[request.index()] = LowmemReserve.protection(zone, request, managed);
    }
    return protections;
  }

  @Test
  void aZoneKeepsAShareOfAllThatIsAboveItUpToTheRequest() {
    long[] managed = {4000, 256_000, 2_560_000, 0, 512_000, 9_999_999};
    assertArrayEquals(
        new long[] {0, 1000, 11_000, 11_000, 13_000, 13_000}, protections(ZoneType.DMA, managed));
    assertArrayEquals(
        new long[] {0, 0, 10_000, 10_000, 12_000, 12_000}, protections(ZoneType.DMA32, managed));
    assertArrayEquals(
        new long[] {0, 0, 0, 0, 16_000, 16_000}, protections(ZoneType.NORMAL, managed));
    for (ZoneType type : new ZoneType[] {ZoneType.HIGHMEM, ZoneType.MOVABLE, ZoneType.DEVICE}) {
      assertArrayEquals(new long[6], protections(type, managed));
    }
  }

  @Test
  void sumsAreDividedNotQuotientsSummed() {
    long[] managed = {1, 255, 1, 0, 0, 0};
    assertArrayEquals(new long[] {0, 0, 1, 1, 1, 1}, protections(ZoneType.DMA, managed));
  }

  @Test
  void anEmptyZoneProtectsNothing() {
    assertArrayEquals(new long[6], protections(ZoneType.DMA, 0, 256_000, 0, 0, 0, 0));
  }

  @Test
  void highMemoryCountsAboveNormal() {
    assertEquals(
        100,
        LowmemReserve.protection(
            ZoneType.NORMAL, ZoneType.HIGHMEM, new long[] {1, 0, 1, 3200, 0, 0}));
  }

  @Test
  void typesHaveTheirRatios() {
    int[] ratios = new int[ZoneType.COUNT];
    for (ZoneType type : ZoneType.values()) {
      ratios[type.index()] = LowmemReserve.ratio(type);
    }
    assertArrayEquals(new int[] {256, 256, 32, 0, 0, 0}, ratios);
  }
}
