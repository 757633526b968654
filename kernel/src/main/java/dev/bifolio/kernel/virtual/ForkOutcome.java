package dev.bifolio.kernel.virtual;

/// What came of a fork. All but [#FORKED] left the parent with the translations and permissions
/// that it had, and the child empty.
public enum ForkOutcome {
  /// The child has all that the parent has.
  FORKED,
  /// There is no memory for a table or a node.
  NO_MEMORY,
  /// A frame has as many sharers as can be counted.
  TOO_MANY_SHARERS;
}
