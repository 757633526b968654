package dev.bifolio.bench;

import java.util.ArrayList;
import java.util.List;

/// What one run of a workload brings: its figures, and notes on what was left out.
class Figures {
  private final String allocator;
  private final int log2frames;
  private final String workload;
  private final int number;
  private final int divisor;
  private final List<Row> rows = new ArrayList<>();
  private final List<String> notes = new ArrayList<>();

  /// No figures yet.
  ///
  /// @param allocator who is measured, as in the rows
  /// @param log2frames as in the rows
  /// @param workload the id in the rows
  /// @param number of the run, 1, 2, …; part of some seeds
  /// @param divisor by which counts of operations are divided: 1 to measure, more to try out
  Figures(String allocator, int log2frames, String workload, int number, int divisor) {
    this.allocator = allocator;
    this.log2frames = log2frames;
    this.workload = workload;
    this.number = number;
    this.divisor = divisor;
  }

  final int number() {
    return number;
  }

  /// How many operations to do where the suite says `full`.
  final int operations(int full) {
    return Math.max(1, full / divisor);
  }

  /// Takes down a figure.
  final void record(String metric, double value) {
    rows.add(new Row(allocator, log2frames, workload, metric, number, value));
  }

  /// Takes down what a meter has, time and heap for one operation.
  ///
  /// @param metric the name of the time, which begins with its unit: `ns_`, `us_` or `ms_`
  final void record(String metric, Meter meter) {
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

  /// Takes down a count.
  final void count(String metric, long value) {
    record(metric, (double) value);
  }

  /// Takes down time per operation.
  final void recordNanos(String metric, long nanos, long operations) {
    record(metric, (double) nanos / operations);
  }

  /// Says what was left out, and why.
  final void leaveOut(String text) {
    note(allocator + ", " + workload + ": left out: " + text);
  }

  /// Says something about the run.
  final void note(String text) {
    notes.add(text);
  }

  final List<Row> rows() {
    return rows;
  }

  final List<String> notes() {
    return notes;
  }
}
