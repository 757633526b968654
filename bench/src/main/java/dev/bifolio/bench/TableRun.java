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

  /// Takes down what a meter has, time and heap for one operation.
  ///
  /// @param metric the name of the time, which begins with its unit: `ns_`, `us_` or `ms_`
  void record(String metric, Meter meter) {
    double nanosPerUnit =
        switch (metric.substring(0, 3)) {
          case "ns_" -> 1;
          case "us_" -> 1e3;
          case "ms_" -> 1e6;
          default -> throw new IllegalArgumentException("no unit: " + metric);
        };
    record(metric, meter.nanosPerOperation() / nanosPerUnit);
    record("heap_bytes_" + metric.substring(3), meter.heapBytesPerOperation());
  }
}
