package dev.bifolio.kernel.virtual;

/// What came of a request to change the flags of a range. All but [#ALTERED] changed nothing.
public enum AlterOutcome {
  /// All areas of the range have them.
  ALTERED,
  /// Some of the range is no area.
  NOT_MAPPED,
  /// Areas or large pages would have to be split, and there is no memory for that.
  NO_MEMORY,
  /// It is empty, ends before it begins, does not lie on page borders, or outside the space.
  NOT_A_RANGE;
}
