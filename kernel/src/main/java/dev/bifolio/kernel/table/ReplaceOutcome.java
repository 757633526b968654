package dev.bifolio.kernel.table;

/// What came of a request to put another page in the place of one. All but [#DONE] changed nothing.
public enum ReplaceOutcome {
  /// The new page is mapped.
  DONE,
  /// The page is not what the caller took it for.
  CHANGED,
  /// It would change an entry of the root that user spaces have copies of.
  TOP_IS_SHARED,
  /// The physical address is no multiple of the page size.
  MISALIGNED,
  /// Virtual addresses that the format has not, or that go through two roots.
  NOT_CANONICAL,
  /// The addresses belong to the kernel's space, which this one only shares.
  KERNEL_HALF,
  /// Physical addresses that an entry cannot hold.
  TOO_HIGH;

  static ReplaceOutcome of(TableResult result) {
    return switch (result) {
      case DONE -> DONE;
      case CHANGED -> CHANGED;
      case TOP_IS_SHARED -> TOP_IS_SHARED;
      case MISALIGNED -> MISALIGNED;
      case NOT_CANONICAL -> NOT_CANONICAL;
      case KERNEL_HALF -> KERNEL_HALF;
      case TOO_HIGH -> TOO_HIGH;
      default -> throw new IllegalStateException(result.name());
    };
  }
}
