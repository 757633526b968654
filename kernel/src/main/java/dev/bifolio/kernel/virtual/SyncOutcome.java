package dev.bifolio.kernel.virtual;

/// What came of a request to write shared pages back.
public enum SyncOutcome {
  /// All stores made before are in the backing.
  SYNCED,
  /// The backing could not write a page, which stays dirty.
  IO_ERROR,
  /// It is empty, ends before it begins, does not lie on page borders, or outside the space.
  NOT_A_RANGE;
}
