package dev.bifolio.kernel.virtual;

/// What came of a request to move the program break. All but [#MOVED] changed nothing.
public enum BreakOutcome {
  /// It is where it was wanted.
  MOVED,
  /// Below the base, or above the limit.
  OUT_OF_LIMITS,
  /// Another area is in the way.
  OVERLAPS,
  /// There is no memory for a node, or for the tables that shrinking takes.
  NO_MEMORY;
}
