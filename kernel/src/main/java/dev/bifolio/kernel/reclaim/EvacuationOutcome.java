package dev.bifolio.kernel.reclaim;

/// What came of emptying a range. All but [#EMPTIED] left nothing behind but movable frames in
/// other places.
public enum EvacuationOutcome {
  /// There is more to do; the budget is used up.
  UNDER_WAY,
  /// Every frame of the range is in the caller's hands.
  EMPTIED,
  /// A frame in it is not movable, pinned, or its owner refused.
  BLOCKED,
  /// There was no frame to move something to.
  NO_TARGET,
  /// Others allocated and freed in the range again and again.
  RACED,
  /// The range is not whole: it is empty, has frames that were never handed over, or is not in one
  /// bank.
  OUT_OF_RANGE;
}
