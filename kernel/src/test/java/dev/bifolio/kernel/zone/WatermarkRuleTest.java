package dev.bifolio.kernel.zone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.testkit.SplitMix64;
import java.math.BigInteger;
import org.junit.jupiter.api.Test;

/// Numbers worked out by hand; the boot records of real machines are compared where they are read.
class WatermarkRuleTest {
  private static final int SCALE = WatermarkRule.DEFAULT_SCALE_FACTOR;

  @Test
  void rootsAreThoseOfBigIntegers() {
    SplitMix64 random = new SplitMix64(3);
    for (int i = 0; i < 20_000; i++) {
      long value = random.next() >>> (1 + random.below(63));
      long root = BigInteger.valueOf(value).sqrt().longValue();
      assertEquals(root, WatermarkRule.squareRoot(value), "root of " + value);
    }
    for (long root : new long[] {0, 1, 2, 3, 4, 1000, 46_341, 3_037_000_499L}) {
      assertEquals(root, WatermarkRule.squareRoot(root * root));
      assertEquals(Math.max(0, root - 1), WatermarkRule.squareRoot(Math.max(0, root * root - 1)));
    }
    assertEquals(3_037_000_499L, WatermarkRule.squareRoot(Long.MAX_VALUE));
  }

  @Test
  void minFreeIsFourTimesTheRootOfLowMemoryBetweenItsBounds() {
    // Documented for Linux: 16 MiB 512 KiB, 1 GiB 4096 KiB, 16 GiB 16384 KiB.
    assertEquals(512, WatermarkRule.minFreeKib(16 << 8));
    assertEquals(4096, WatermarkRule.minFreeKib(1 << 18));
    assertEquals(16_384, WatermarkRule.minFreeKib(1 << 22));
    assertEquals(128, WatermarkRule.minFreeKib(0));
    assertEquals(128, WatermarkRule.minFreeKib(256));
    assertEquals(128, WatermarkRule.minFreeKib(259));
    assertEquals(129, WatermarkRule.minFreeKib(261));
    assertEquals(262_144, WatermarkRule.minFreeKib(1L << 30));
    assertEquals(262_143, WatermarkRule.minFreeKib((1L << 30) - 1));
    assertEquals(262_144, WatermarkRule.minFreeKib(1L << 40));
  }

  @Test
  void hugeBlocksAskForElevenAreasAZoneAtMostATwentieth() {
    assertEquals(2 * 11 * 512 * 4, WatermarkRule.minFreeKibForHugeBlocks(1 << 20, 2));
    assertEquals(100 * 4, WatermarkRule.minFreeKibForHugeBlocks(2019, 2));
    assertEquals(101 * 4, WatermarkRule.minFreeKibForHugeBlocks(2020, 2));
    assertEquals(5632 * 4, WatermarkRule.minFreeKibForHugeBlocks(5632 * 20, 1));
    assertEquals(5631 * 4, WatermarkRule.minFreeKibForHugeBlocks(5632 * 20 - 1, 1));
    assertEquals(0, WatermarkRule.minFreeKibForHugeBlocks(1 << 20, 0));
  }

  @Test
  void lowMemoryIsWhatKernelsLiveIn() {
    assertTrue(WatermarkRule.isLowMemory(ZoneType.DMA));
    assertTrue(WatermarkRule.isLowMemory(ZoneType.DMA32));
    assertTrue(WatermarkRule.isLowMemory(ZoneType.NORMAL));
    assertFalse(WatermarkRule.isLowMemory(ZoneType.HIGHMEM));
    assertFalse(WatermarkRule.isLowMemory(ZoneType.MOVABLE));
    assertFalse(WatermarkRule.isLowMemory(ZoneType.DEVICE));
  }

  @Test
  void aZoneOfLowMemoryKeepsItsShare() {
    for (ZoneType type : new ZoneType[] {ZoneType.DMA, ZoneType.DMA32, ZoneType.NORMAL}) {
      assertEquals(250, WatermarkRule.min(type, 1000, 4000, 4000));
      // 1003 / 4 frames, times 7, by 10: each step rounds down.
      assertEquals(175, WatermarkRule.min(type, 7, 10, 1003));
      assertEquals(0, WatermarkRule.min(type, 0, 4000, 4000));
      assertEquals(0, WatermarkRule.min(type, 0, 0, 4000));
    }
    long most = 1L << 40;
    assertEquals(65_536, WatermarkRule.min(ZoneType.NORMAL, most, most, 262_144));
  }

  @Test
  void sideZonesKeepAThousandthBetweenBounds() {
    for (ZoneType type : new ZoneType[] {ZoneType.HIGHMEM, ZoneType.MOVABLE}) {
      assertEquals(32, WatermarkRule.min(type, 0, 4000, 4000));
      assertEquals(32, WatermarkRule.min(type, 33 * 1024 - 1, 4000, 4000));
      assertEquals(33, WatermarkRule.min(type, 33 * 1024, 4000, 4000));
      assertEquals(128, WatermarkRule.min(type, 128 * 1024, 4000, 4000));
      assertEquals(128, WatermarkRule.min(type, 1 << 30, 4000, 4000));
    }
    assertEquals(0, WatermarkRule.min(ZoneType.DEVICE, 1 << 30, 4000, 4000));
  }

  @Test
  void marksAreAQuarterApartUntilTheScaleIsMore() {
    assertEquals(62, WatermarkRule.gap(1000, 4000, 4000, SCALE));
    assertEquals(62, WatermarkRule.gap(1000, 4000, 4000, 620));
    assertEquals(63, WatermarkRule.gap(1000, 4000, 4000, 630));
    assertEquals(1000, WatermarkRule.gap(1_000_000, 1_000_000, 8000, SCALE));
    assertEquals(1000, WatermarkRule.gap(1_000_999, 1_000_999, 8000, SCALE));
    assertEquals(1001, WatermarkRule.gap(1_001_000, 1_001_000, 8000, SCALE));
    assertEquals(0, WatermarkRule.gap(0, 0, 8000, SCALE));
    // No overflow where Linux has none: 4 PiB at the largest scale of 30 %.
    assertEquals(3 * (1L << 40) / 10, WatermarkRule.gap(1L << 40, 1L << 40, 8000, 3000));
  }

  @Test
  void theScaleIsTakenExactly() {
    SplitMix64 random = new SplitMix64(4);
    for (int i = 0; i < 10_000; i++) {
      long managed = random.next() >>> 24;
      int scale = 1 + random.below(3000);
      assertEquals(
          BigInteger.valueOf(managed)
              .multiply(BigInteger.valueOf(scale))
              .divide(BigInteger.valueOf(10_000))
              .longValueExact(),
          WatermarkRule.gap(managed, 0, 0, scale));
    }
  }
}
