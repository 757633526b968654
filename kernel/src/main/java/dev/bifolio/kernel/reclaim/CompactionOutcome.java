package dev.bifolio.kernel.reclaim;

/// What came of a wish for a block of a certain order.
public enum CompactionOutcome {
  /// There is a free block of the order now; somebody else may be quicker to take it.
  SUCCESS,
  /// There is more to do; the budget is used up.
  UNDER_WAY,
  /// Everything that could be tried was tried.
  NO_GAIN,
  /// Left out, because it was in vain lately.
  DEFERRED,
  /// Another thread is compacting this zone.
  BUSY;
}
