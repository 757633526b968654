package dev.bifolio.kernel.table;

/// What came of a request to map. All but [#MAPPED] changed nothing.
public enum MapOutcome {
  /// All of it is mapped.
  MAPPED,
  /// Some of it was mapped before.
  ALREADY_MAPPED,
  /// There is no memory for the tables that it needs.
  NO_TABLE,
  /// An address or the size is no multiple of the page size, or the size is 0.
  MISALIGNED,
  /// Virtual addresses that the format has not, or that go through two roots.
  NOT_CANONICAL,
  /// Physical addresses that an entry cannot hold.
  TOO_HIGH;
}
