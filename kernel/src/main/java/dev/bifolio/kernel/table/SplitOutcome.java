package dev.bifolio.kernel.table;

/// What came of a request to split a page. All but [#DONE] changed nothing.
public enum SplitOutcome {
  /// The page is of the size asked for, or was not larger before.
  DONE,
  /// There is no page.
  NOT_MAPPED,
  /// There is no memory for the tables that it needs.
  NO_TABLE,
  /// It would change an entry of the root that user spaces have copies of.
  TOP_IS_SHARED,
  /// Virtual addresses that the format has not, or that go through two roots.
  NOT_CANONICAL,
  /// The addresses belong to the kernel's space, which this one only shares.
  KERNEL_HALF;

  static SplitOutcome of(TableResult result) {
    return switch (result) {
      case DONE -> DONE;
      case NOT_MAPPED -> NOT_MAPPED;
      case NO_TABLE -> NO_TABLE;
      case TOP_IS_SHARED -> TOP_IS_SHARED;
      case NOT_CANONICAL -> NOT_CANONICAL;
      case KERNEL_HALF -> KERNEL_HALF;
      default -> throw new IllegalStateException(result.name());
    };
  }
}
