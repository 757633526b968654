package dev.bifolio.kernel.reclaim;

import dev.bifolio.kernel.unit.Pages;

/// How often a compaction that gained nothing is left out: 1, 3, 7 … 63 attempts after one, two,
/// three … failures in a row, and smaller orders than the one that failed not at all.
///
/// As Linux does it (mm/compaction.c, defer_compaction and compaction_deferred). One thread.
final class CompactionDeferral {
  static final int MAX_SHIFT = 6;

  private int failedOrder = Pages.MAX_ORDER + 1;
  private int shift;
  private long considered;

  /// Whether an attempt is to be left out. Asking counts as one.
  boolean isDeferred(int order) {
    if (order < failedOrder || considered >= 1L << shift) {
      return false;
    }
    considered++;
    return considered < 1L << shift;
  }

  /// A pass for this order gained nothing.
  void failed(int order) {
    considered = 0;
    shift = Math.min(shift + 1, MAX_SHIFT);
    failedOrder = Math.min(failedOrder, order);
  }

  /// A pass for this order was a success.
  void succeeded(int order) {
    considered = 0;
    shift = 0;
    failedOrder = Math.max(failedOrder, order + 1);
  }
}
