package dev.bifolio.testkit;

/// The small seeded generator of all tests (splitmix64, Steele, Lea and Flood 2014).
///
/// One thread.
public final class SplitMix64 {
  private long state;

  /// A generator.
  ///
  /// @param seed any number; equal seeds give equal sequences
  public SplitMix64(long seed) {
    state = seed;
  }

  /// The next 64 bits.
  ///
  /// @return any number
  public long next() {
    long z = state += 0x9E3779B97F4A7C15L;
    z = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
    z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
    return z ^ z >>> 31;
  }

  /// A number below a bound.
  ///
  /// @param bound exclusive, 1 or more
  /// @return 0 … bound - 1
  public long below(long bound) {
    return Math.unsignedMultiplyHigh(next(), bound);
  }

  /// A number below a bound.
  ///
  /// @param bound exclusive, 1 or more
  /// @return 0 … bound - 1
  public int below(int bound) {
    return (int) below((long) bound);
  }

  /// A number of a range.
  ///
  /// @param from inclusive
  /// @param to inclusive, not below `from`
  /// @return a number
  public long between(long from, long to) {
    return from + below(to - from + 1);
  }

  /// True with a chance of one in `n`.
  ///
  /// @param n 1 or more
  /// @return mostly false
  public boolean oneIn(int n) {
    return below(n) == 0;
  }

  /// Shuffles an array in place (Fisher and Yates).
  ///
  /// @param items to be shuffled
  public void shuffle(long[] items) {
    for (int i = items.length - 1; i > 0; i--) {
      int j = below(i + 1);
      long item = items[i];
      items[i] = items[j];
      items[j] = item;
    }
  }
}
