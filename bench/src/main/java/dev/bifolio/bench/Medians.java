package dev.bifolio.bench;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// The medians over the runs, as a table with one column an allocator and, if there are two, the
/// ratio of the first to the second.
final class Medians {
  private final List<String> allocators;
  private final Map<String, Map<String, List<Double>>> values = new LinkedHashMap<>();

  Medians(List<String> allocators) {
    this.allocators = List.copyOf(allocators);
  }

  /// Takes a figure in.
  void add(Row row) {
    values
        .computeIfAbsent(row.workload() + " " + row.metric(), _ -> new LinkedHashMap<>())
        .computeIfAbsent(row.allocator(), _ -> new ArrayList<>())
        .add(row.value());
  }

  /// The table, one line a metric.
  List<String> lines() {
    List<String> lines = new ArrayList<>();
    StringBuilder head = new StringBuilder(String.format(Locale.ROOT, "%-40s", "median of"));
    allocators.forEach(name -> head.append(String.format(Locale.ROOT, "%22s", name)));
    if (allocators.size() == 2) {
      head.append("   ratio");
    }
    lines.add(head.toString());
    values.forEach((metric, found) -> lines.add(line(metric, found)));
    return lines;
  }

  private String line(String metric, Map<String, List<Double>> found) {
    StringBuilder line = new StringBuilder(String.format(Locale.ROOT, "%-40s", metric));
    for (String name : allocators) {
      List<Double> runs = found.get(name);
      line.append(String.format(Locale.ROOT, "%22s", runs == null ? "-" : text(median(runs))));
    }
    if (allocators.size() == 2) {
      List<Double> first = found.get(allocators.get(0));
      List<Double> second = found.get(allocators.get(1));
      if (first != null && second != null && median(second) != 0) {
        line.append(String.format(Locale.ROOT, "%8.2f", median(first) / median(second)));
      }
    }
    return line.toString();
  }

  private static String text(double value) {
    return String.format(Locale.ROOT, value == Math.rint(value) ? "%.0f" : "%.2f", value);
  }

  /// The middle value; the mean of the two middle ones of an even number.
  static double median(List<Double> runs) {
    List<Double> sorted = new ArrayList<>(runs);
    Collections.sort(sorted);
    int middle = sorted.size() / 2;
    return sorted.size() % 2 == 1
        ? sorted.get(middle)
        : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
  }
}
