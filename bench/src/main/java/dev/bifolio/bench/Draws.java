package dev.bifolio.bench;

/// The random numbers of the suite: splitmix64, so that every allocator, in any language, meets the
/// same sequence. One thread.
final class Draws {
  private long state;

  /// A sequence; equal seeds give equal sequences.
  Draws(long seed) {
    state = seed;
  }

  /// The next 64 bits.
  long next() {
    long z = state += 0x9E3779B97F4A7C15L;
    z = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
    z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
    return z ^ z >>> 31;
  }

  /// A number below a bound of 1 or more: the high half of the unsigned product.
  int below(int bound) {
    return (int) Math.unsignedMultiplyHigh(next(), bound);
  }

  /// An order from 0 to 9, each half as likely as the one before (9 as likely as 8).
  int order() {
    return Long.numberOfTrailingZeros(next() | 1L << 9);
  }

  /// Shuffles the first `count` items (Fisher and Yates, from the last down).
  void shuffle(long[] items, int count) {
    for (int i = count - 1; i > 0; i--) {
      int j = below(i + 1);
      long item = items[i];
      items[i] = items[j];
      items[j] = item;
    }
  }
}
