package dev.bifolio.kernel.table;

/// What came of a request to map. All but [#MAPPED] changed nothing.
public enum MapOutcome {
  /// All of it is mapped.
  MAPPED,
  /// Some of it was mapped before.
  ALREADY_MAPPED,
  /// An empty table, which an unmap was told to keep, stands where a page of the size should.
  TABLE_IN_THE_WAY,
  /// There is no memory for the tables that it needs.
  NO_TABLE,
  /// It would change an entry of the root that user spaces have copies of.
  TOP_IS_SHARED,
  /// An address or the size is no multiple of the page size, or the size is 0.
  MISALIGNED,
  /// Virtual addresses that the format has not, or that go through two roots.
  NOT_CANONICAL,
  /// The addresses belong to the kernel's space, which this one only shares.
  KERNEL_HALF,
  /// Physical addresses that an entry cannot hold.
  TOO_HIGH;

  static MapOutcome of(TableResult result) {
    return switch (result) {
      case DONE -> MAPPED;
      case ALREADY_MAPPED -> ALREADY_MAPPED;
      case TABLE_IN_THE_WAY -> TABLE_IN_THE_WAY;
      case NO_TABLE -> NO_TABLE;
      case TOP_IS_SHARED -> TOP_IS_SHARED;
      case MISALIGNED -> MISALIGNED;
      case NOT_CANONICAL -> NOT_CANONICAL;
      case KERNEL_HALF -> KERNEL_HALF;
      case TOO_HIGH -> TOO_HIGH;
      default -> throw new IllegalStateException(result.name());
    };
  }
}
