package dev.bifolio.kernel.virtual;

/// What came of a request to insert an area. All but [#INSERTED] changed nothing.
public enum InsertOutcome {
  /// It is there.
  INSERTED,
  /// Some of it is an area already.
  OVERLAPS,
  /// There is no memory for its node.
  NO_MEMORY,
  /// It is empty, ends before it begins, does not lie on page borders, or outside the space.
  NOT_A_RANGE;
}
