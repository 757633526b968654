package dev.bifolio.bench;

import java.util.Locale;

/// One measured figure: a line of the CSV.
///
/// @param allocator who was measured
/// @param log2frames the binary logarithm of the managed frames
/// @param workload its id
/// @param metric its name, with the unit in it
/// @param run 1, 2, …
/// @param value the figure
record Row(
    String allocator, int log2frames, String workload, String metric, int run, double value) {
  /// The names of the columns.
  static final String HEADER = "allocator,log2frames,workload,metric,run,value";

  /// The line, whole numbers without a fraction and others with three digits of it.
  String toCsv() {
    String text =
        value == Math.rint(value)
            ? Long.toString((long) value)
            : String.format(Locale.ROOT, "%.3f", value);
    return allocator + "," + log2frames + "," + workload + "," + metric + "," + run + "," + text;
  }

  /// Another figure of the same allocator and workload.
  Row of(String otherMetric, int otherRun, double otherValue) {
    return new Row(allocator, log2frames, workload, otherMetric, otherRun, otherValue);
  }

  /// Reads a line of [#toCsv()] back.
  static Row ofCsv(String line) {
    String[] parts = line.split(",", -1);
    if (parts.length != 6) {
      throw new IllegalArgumentException("not a row: " + line);
    }
    return new Row(
        parts[0],
        Integer.parseInt(parts[1]),
        parts[2],
        parts[3],
        Integer.parseInt(parts[4]),
        Double.parseDouble(parts[5]));
  }
}
