package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.platform.Memory;

/// What is on its way: free frames that somebody has in his hands for a moment, where no request
/// finds them. A request that finds nothing may say so only if nothing was on its way meanwhile.
///
/// ```
///   transit word   [ begun, ever : 32 ][ on its way now : 32 ]
/// ```
///
/// Words of this form stand in every slot, in every level and in the control words; who takes
/// memory from one place to put it into another begins before the first step and ends after the
/// last. Their sum is read twice by a request that is about to fail: equal, and nothing on its way,
/// means that nothing moved in between. The common paths, one compare-and-set each, hide nothing
/// and write nothing here.
final class Transit {
  private static final long BEGUN = 1L << 32;

  private Transit() {}

  static void begin(long address) {
    Memory.getAndAddLong(address, BEGUN + 1);
  }

  static void end(long address) {
    Memory.getAndAddLong(address, -1);
  }

  /// Whether nothing is on its way, by a sum of transit words.
  static boolean isQuiet(long sum) {
    return (int) sum == 0;
  }
}
