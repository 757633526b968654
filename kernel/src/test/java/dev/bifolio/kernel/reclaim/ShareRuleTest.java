package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.bifolio.testkit.SplitMix64;
import java.math.BigInteger;
import org.junit.jupiter.api.Test;

/// Weights and shares are what the rule says, to the last bit.
class ShareRuleTest {
  @Test
  void aWeightIsTheCountOverTheCost() {
    assertEquals(0, ShareRule.weight(0, 1));
    assertEquals(0, ShareRule.weight(-5, 1));
    assertEquals(1L << 16, ShareRule.weight(1, 1));
    assertEquals(655, ShareRule.weight(1, 100));
    assertEquals(3 * 65536 / 2, ShareRule.weight(3, 2));
    assertEquals(1L << 56, ShareRule.weight(1L << 40, 1));
    assertEquals(1L << 56, ShareRule.weight(Long.MAX_VALUE, 1));
  }

  @Test
  void aShareIsExactWhereItTakesMoreThan64Bits() {
    SplitMix64 random = new SplitMix64(7);
    for (int i = 0; i < 20_000; i++) {
      long sum = 1 + random.below(1L << (1 + random.below(62)));
      long weight = random.below(sum + 1);
      long wanted = random.below((1L << random.below(35)) + 1);
      assertShare(wanted, weight, sum);
    }
  }

  @Test
  void aShareIsExactAtTheBounds() {
    long most = ShareRule.MOST_WANTED;
    assertEquals(most << 22, ShareRule.share(most, 1L << 62, 1L << 62));
    assertEquals(0, ShareRule.share(most, 0, 1));
    assertEquals(0, ShareRule.share(0, 5, 7));
    assertEquals((1L << 22) / 3, ShareRule.share(1, 1, 3));
    // The product takes 64 bits to the last, then 65.
    assertShare(1L << 34, (1L << 8) - 1, 1L << 8);
    assertShare(1L << 34, 1L << 8, (1L << 8) + 1);
    assertShare(1L << 34, (1L << 8) + 1, (1L << 8) + 3);
    assertShare(most, (1L << 62) - 1, 1L << 62);
  }

  private static void assertShare(long wanted, long weight, long sum) {
    BigInteger expected =
        BigInteger.valueOf(wanted)
            .shiftLeft(22)
            .multiply(BigInteger.valueOf(weight))
            .divide(BigInteger.valueOf(sum));
    assertEquals(
        expected.longValueExact(),
        ShareRule.share(wanted, weight, sum),
        wanted + " * " + weight + " / " + sum);
  }

  @Test
  void aCreditIsGoodForItsFramesRoundedUpAndAlwaysForOne() {
    assertEquals(1, ShareRule.framesOf(-(9L << 22)));
    assertEquals(1, ShareRule.framesOf(0));
    assertEquals(1, ShareRule.framesOf(1));
    assertEquals(1, ShareRule.framesOf(1L << 22));
    assertEquals(2, ShareRule.framesOf((1L << 22) + 1));
    assertEquals(2, ShareRule.framesOf(2L << 22));
    assertEquals(1L << 34, ShareRule.framesOf(1L << 56));
  }
}
