package dev.bifolio.kernel.heap;

/// What came of an access through a handle. Everything but [#DONE] has changed nothing.
public enum HandleOutcome {
  /// It was done.
  DONE,
  /// The object was freed since the handle was given, or there never was such a handle.
  STALE,
  /// The bytes do not all lie in the object.
  OUT_OF_BOUNDS
}
