package dev.bifolio.kernel.table;

/// What came of a request to unmap, or to change what a mapping allows. All but [#DONE] changed
/// nothing.
public enum UnmapOutcome {
  /// It is done.
  DONE,
  /// Some of the range is not mapped.
  NOT_MAPPED,
  /// There is no memory for the tables by which a large page would have to be split.
  NO_TABLE,
  /// An address or the size is no multiple of the page size, or the size is 0.
  MISALIGNED,
  /// Virtual addresses that the format has not, or that go through two roots.
  NOT_CANONICAL;
}
