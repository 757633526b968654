package dev.bifolio.kernel.reclaim;

/// What came of an attempt to move a block. All but [#MOVED] changed nothing.
public enum MigrationOutcome {
  /// The content is in the target, and the owner knows; the source is the mover's.
  MOVED,
  /// The block is not movable: it was never adopted, or has been disowned.
  NOT_MOVABLE,
  /// Somebody holds it where it is.
  PINNED,
  /// Another mover has it.
  BUSY,
  /// It has not the length that the mover expected: it was freed and allocated again.
  CHANGED,
  /// The owner said no.
  REFUSED,
  /// The owner or the copying threw: see [Migration#lastProblem()].
  FAILED,
  /// The copy was not like the original: somebody wrote without a pin.
  MISMATCH;
}
