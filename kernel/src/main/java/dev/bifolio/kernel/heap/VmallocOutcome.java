package dev.bifolio.kernel.heap;

/// What came of a request to free virtually contiguous memory. All but [#FREED] changed nothing,
/// and all but this and [#NULL] are a mistake of the caller.
public enum VmallocOutcome {
  /// All of its frames went back, and its addresses may be another's.
  FREED,
  /// The address was 0, which is harmless.
  NULL,
  /// The address is none of [Vmalloc]: one of the direct map, perhaps, which others gave out.
  FOREIGN,
  /// Nothing is allocated there: it was freed before, or never allocated.
  NOT_ALLOCATED,
  /// The address lies inside of an allocation, or in the guard behind it.
  INTERIOR;

  /// Whether the caller made a mistake.
  ///
  /// @return false for what was freed, and for null
  public boolean isMistake() {
    return compareTo(NULL) > 0;
  }
}
