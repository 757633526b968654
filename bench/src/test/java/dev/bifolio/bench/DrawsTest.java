package dev.bifolio.bench;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.testkit.SplitMix64;
import java.math.BigInteger;
import java.util.Arrays;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class DrawsTest {
  @Test
  void theSequenceIsThePublishedOneOfSplitmix64() {
    // The first outputs for the seed 1234567, as printed with other implementations of the method.
    Draws draws = new Draws(1234567);
    long[] known = {
      Long.parseUnsignedLong("6457827717110365317"),
      Long.parseUnsignedLong("3203168211198807973"),
      Long.parseUnsignedLong("9817491932198370423"),
      Long.parseUnsignedLong("4593380528125082431"),
      Long.parseUnsignedLong("16408922859458223821")
    };
    assertArrayEquals(known, LongStream.generate(draws::next).limit(5).toArray());
  }

  @Test
  void aBoundedDrawIsTheHighHalfOfTheUnsignedProduct() {
    Draws draws = new Draws(1);
    Draws raw = new Draws(1);
    for (int bound = 1; bound < 100_000; bound += 37) {
      BigInteger product =
          new BigInteger(Long.toUnsignedString(raw.next())).multiply(BigInteger.valueOf(bound));
      assertEquals(product.shiftRight(64).intValueExact(), draws.below(bound));
    }
  }

  @Test
  void ordersAreHalvedInFrequencyAndEndAtNine() {
    Draws draws = new Draws(7);
    int[] seen = new int[10];
    for (int i = 0; i < 1 << 16; i++) {
      seen[draws.order()]++;
    }
    for (int order = 0; order < 9; order++) {
      double expected = (1 << 16) / (double) (2L << order);
      assertEquals(expected, seen[order], 6 * Math.sqrt(expected), "order " + order);
    }
    assertEquals(128, seen[9], 70);
  }

  @Test
  void shufflesAsTheTestsOwnGeneratorDoes() {
    long[] items = LongStream.range(0, 1000).toArray();
    long[] same = items.clone();
    new Draws(42).shuffle(items, 1000);
    new SplitMix64(42).shuffle(same);
    assertArrayEquals(same, items);
  }

  @Test
  void shufflesOnlyTheFirstItems() {
    long[] items = LongStream.range(0, 100).toArray();
    new Draws(42).shuffle(items, 60);
    assertArrayEquals(LongStream.range(60, 100).toArray(), Arrays.copyOfRange(items, 60, 100));
    long[] first = Arrays.copyOf(items, 60);
    assertTrue(!Arrays.equals(first, LongStream.range(0, 60).toArray()));
    Arrays.sort(first);
    assertArrayEquals(LongStream.range(0, 60).toArray(), first);
  }
}
