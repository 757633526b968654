package dev.bifolio.kernel.table;

/// What came of a request to unmap. All but [#DONE] changed nothing.
public enum UnmapOutcome {
  /// Nothing of it is mapped any more.
  DONE,
  /// Some of the range is not mapped.
  NOT_MAPPED,
  /// There is no memory for the tables by which a large page would have to be split.
  NO_TABLE,
  /// It would change an entry of the root that user spaces have copies of.
  TOP_IS_SHARED,
  /// An address or the size is no multiple of the page size, or the size is 0.
  MISALIGNED,
  /// Virtual addresses that the format has not, or that go through two roots.
  NOT_CANONICAL,
  /// The addresses belong to the kernel's space, which this one only shares.
  KERNEL_HALF;

  static UnmapOutcome of(TableResult result) {
    return switch (result) {
      case DONE -> DONE;
      case NOT_MAPPED -> NOT_MAPPED;
      case NO_TABLE -> NO_TABLE;
      case TOP_IS_SHARED -> TOP_IS_SHARED;
      case MISALIGNED -> MISALIGNED;
      case NOT_CANONICAL -> NOT_CANONICAL;
      case KERNEL_HALF -> KERNEL_HALF;
      default -> throw new IllegalStateException(result.name());
    };
  }
}
