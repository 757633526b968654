package dev.bifolio.kernel.virtual;

/// What came of a request to remove a range. All but [#REMOVED] changed nothing.
public enum RemoveOutcome {
  /// No area has any of it.
  REMOVED,
  /// An area or a large page would have to be split, and there is no memory for that.
  NO_MEMORY,
  /// It is empty, ends before it begins, does not lie on page borders, or outside the space.
  NOT_A_RANGE;
}
