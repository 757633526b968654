package dev.bifolio.bench;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// The medians over the runs, as a table with one column an allocator. Where one of them is the
/// yardstick, each figure of the others is followed by its ratio to it.
final class Medians {
  private static final String VALUE = "%16s";

  private final List<String> allocators;
  private final @Nullable String yardstick;
  private final Map<String, Map<String, List<Double>>> values = new LinkedHashMap<>();
  private final Map<String, TreeSet<Integer>> sizes = new LinkedHashMap<>();

  /// A table.
  ///
  /// @param allocators the columns; one without any figure is left out
  /// @param yardstick what the others are compared with, or null
  Medians(List<String> allocators, @Nullable String yardstick) {
    this.allocators = List.copyOf(allocators);
    this.yardstick = allocators.size() > 1 && allocators.contains(yardstick) ? yardstick : null;
  }

  /// Takes a figure in.
  void add(Row row) {
    values
        .computeIfAbsent(row.workload() + " " + row.metric(), _ -> new LinkedHashMap<>())
        .computeIfAbsent(row.allocator(), _ -> new ArrayList<>())
        .add(row.value());
    sizes.computeIfAbsent(row.allocator(), _ -> new TreeSet<>()).add(row.log2frames());
  }

  /// The table, one line a metric.
  List<String> lines() {
    List<String> columns = allocators.stream().filter(sizes::containsKey).toList();
    int nameWidth = values.keySet().stream().mapToInt(String::length).reduce(9, Math::max);
    List<String> lines = new ArrayList<>();
    StringBuilder head = new StringBuilder(pad("median of", nameWidth));
    for (String name : columns) {
      head.append(String.format(Locale.ROOT, VALUE, heading(name)));
      if (hasRatio(name)) {
        head.append(String.format(Locale.ROOT, " %-7s", "ratio"));
      }
    }
    lines.add(head.toString().stripTrailing());
    values.forEach((metric, found) -> lines.add(line(pad(metric, nameWidth), columns, found)));
    return lines;
  }

  /// The name, and the size of memory if that is not everyone's.
  private String heading(String name) {
    TreeSet<Integer> own = sizes.getOrDefault(name, new TreeSet<>());
    int largest = sizes.values().stream().mapToInt(TreeSet::last).reduce(own.last(), Math::max);
    return own.size() == 1 && own.last() < largest && yardstick != null
        ? name + " 2^" + own.last()
        : name;
  }

  private boolean hasRatio(String name) {
    return yardstick != null && sizes.containsKey(yardstick) && !name.equals(yardstick);
  }

  private String line(String metric, List<String> columns, Map<String, List<Double>> found) {
    StringBuilder line = new StringBuilder(metric);
    for (String name : columns) {
      List<Double> runs = found.get(name);
      line.append(String.format(Locale.ROOT, VALUE, runs == null ? "-" : text(median(runs))));
      if (hasRatio(name)) {
        line.append(String.format(Locale.ROOT, " %-7s", ratio(runs, found.get(yardstick))));
      }
    }
    return line.toString().stripTrailing();
  }

  private static String pad(String text, int width) {
    return text + " ".repeat(width - text.length());
  }

  private static String ratio(@Nullable List<Double> runs, @Nullable List<Double> base) {
    if (runs == null || base == null || median(base) == 0) {
      return "";
    }
    double value = median(runs) / median(base);
    return "x" + String.format(Locale.ROOT, value < 100 ? "%.2f" : "%.0f", value);
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
