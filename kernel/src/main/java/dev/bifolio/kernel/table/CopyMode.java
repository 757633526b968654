package dev.bifolio.kernel.table;

/// What becomes of pages that two spaces have after a copy.
public enum CopyMode {
  /// Both map the same frames, and nobody counts: for memory that belongs to neither.
  ALIAS,
  /// Both map the same frames, each with what it allowed; each frame has one more sharer.
  SHARE,
  /// As [#SHARE], and what allowed stores allows none in either space and is marked
  /// [PageFlags#COPY_ON_WRITE]: who stores first gets a frame of his own.
  COPY_ON_WRITE
}
