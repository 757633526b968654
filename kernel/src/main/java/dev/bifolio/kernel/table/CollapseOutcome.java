package dev.bifolio.kernel.table;

/// What came of a request to make one page of many. All but [#DONE] changed nothing.
public enum CollapseOutcome {
  /// It is one page, or was one before.
  DONE,
  /// There is no page.
  NOT_MAPPED,
  /// What is mapped there is no single run of memory, aligned to the size, that allows the same
  /// everywhere.
  NOT_UNIFORM,
  /// It would change an entry of the root that user spaces have copies of.
  TOP_IS_SHARED,
  /// Virtual addresses that the format has not, or that go through two roots.
  NOT_CANONICAL,
  /// The addresses belong to the kernel's space, which this one only shares.
  KERNEL_HALF;

  static CollapseOutcome of(TableResult result) {
    return switch (result) {
      case DONE -> DONE;
      case NOT_MAPPED -> NOT_MAPPED;
      case NOT_UNIFORM -> NOT_UNIFORM;
      case TOP_IS_SHARED -> TOP_IS_SHARED;
      case NOT_CANONICAL -> NOT_CANONICAL;
      case KERNEL_HALF -> KERNEL_HALF;
      default -> throw new IllegalStateException(result.name());
    };
  }
}
