package dev.bifolio.bench;

/// One run of a workload on page tables: what it is to measure, and where its figures go.
final class TableRun extends Figures {
  /// Binary logarithm of the pages of the space, in the rows: 1 TiB.
  static final int LOG2_PAGES = 28;

  private final TableSubject.Kind kind;

  TableRun(String workload, TableSubject.Kind kind, int number, int divisor) {
    super(kind.csvName(), LOG2_PAGES, workload, number, divisor);
    this.kind = kind;
  }

  TableSubject.Kind kind() {
    return kind;
  }
}
