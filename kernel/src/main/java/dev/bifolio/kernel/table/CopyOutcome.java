package dev.bifolio.kernel.table;

/// What came of a request to copy mappings into another space. All but [#DONE] changed nothing.
public enum CopyOutcome {
  /// All that is mapped of the range is mapped in the other space too.
  DONE,
  /// Some of it was mapped in the other space before.
  ALREADY_MAPPED,
  /// There is no memory for the tables that it needs.
  NO_TABLE,
  /// A frame has as many sharers as can be counted.
  TOO_MANY_SHARERS,
  /// It would change an entry of the root that user spaces have copies of.
  TOP_IS_SHARED,
  /// An address or the size is no multiple of the page size, or the size is 0.
  MISALIGNED,
  /// Virtual addresses that the format has not, or that go through two roots.
  NOT_CANONICAL,
  /// The addresses belong to the kernel's space, which this one only shares.
  KERNEL_HALF;

  static CopyOutcome of(TableResult result) {
    return switch (result) {
      case DONE -> DONE;
      case ALREADY_MAPPED -> ALREADY_MAPPED;
      case NO_TABLE -> NO_TABLE;
      case TOO_MANY_SHARERS -> TOO_MANY_SHARERS;
      case TOP_IS_SHARED -> TOP_IS_SHARED;
      case MISALIGNED -> MISALIGNED;
      case NOT_CANONICAL -> NOT_CANONICAL;
      case KERNEL_HALF -> KERNEL_HALF;
      default -> throw new IllegalStateException(result.name());
    };
  }
}
