package dev.bifolio.kernel.reclaim;

/// How much of a request is each shrinker's: in proportion to what it holds over what that costs.
///
/// ```
///   weight = count · 2^16 / cost              share = wanted · weight / sum of weights
/// ```
///
/// Shares are in fixed point, 22 bits behind the point, so that a request for one frame has shares
/// too: [Shrinkers] keeps them as credits until they come to a frame. All in 64-bit integers, and
/// exact where the product of two of them takes 128.
///
/// Source: Linux `mm/shrinker.c`, `do_shrink_slab`: objects to scan in proportion to the objects
/// there are, divided by `seeks`.
final class ShareRule {
  /// Bits behind the point of a share.
  static final int FRACTION_BITS = 22;

  /// One frame as a share.
  static final long ONE_FRAME = 1L << FRACTION_BITS;

  /// No request is for more: it is what the largest window holds.
  static final long MOST_WANTED = 1L << 34;

  /// No shrinker counts for more.
  static final long MOST_COUNTED = 1L << 40;

  static final int DEAREST = 100;

  private static final int WEIGHT_BITS = 16;

  private ShareRule() {}

  /// The weight of a shrinker; 64 of them add up without overflow.
  ///
  /// @param count its frames; below 0 they are none, above [#MOST_COUNTED] no more than that
  /// @param cost 1 … [#DEAREST]
  /// @return 0 if it has no frames, 1 … 2^56 if it has
  static long weight(long count, long cost) {
    return (Math.clamp(count, 0, MOST_COUNTED) << WEIGHT_BITS) / cost;
  }

  /// The share of one weight.
  ///
  /// @param wanted frames, 0 … [#MOST_WANTED]
  /// @param weight 0 … `sum`
  /// @param sum of all weights, 1 … 2^62
  /// @return `wanted · weight / sum` with [#FRACTION_BITS] bits behind the point, rounded down
  static long share(long wanted, long weight, long sum) {
    long amount = wanted << FRACTION_BITS;
    long rest = Math.multiplyHigh(amount, weight);
    long low = amount * weight;
    if (rest == 0) {
      return Long.divideUnsigned(low, sum);
    }
    long quotient = 0;
    for (int bit = Long.SIZE - 1; bit >= 0; bit--) {
      rest = (rest << 1) | ((low >>> bit) & 1);
      quotient <<= 1;
      if (rest >= sum) {
        rest -= sum;
        quotient |= 1;
      }
    }
    return quotient;
  }

  /// The frames that a credit is good for, rounded up, at least one.
  static long framesOf(long credit) {
    return Math.max(1, (credit + ONE_FRAME - 1) >> FRACTION_BITS);
  }
}
