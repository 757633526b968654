package dev.bifolio.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/// What zones cost above the allocator that they stand on, and what compaction brings back.
///
/// The bare allocator and each way through zones have a JVM of their own, as in [FrameSuite]: in
/// one JVM the second subject would make the calls of the first indirect, which costs more than
/// what is to be found. But a difference of 2 ns is also less than what two JVMs of the same
/// subject may differ by, since each is compiled once, and not alike. So JVMs are replaced after
/// few runs, and a difference is a median over several of them.
///
/// Beside the figures, `…_difference` is what a run took longer than the run of `hybrid` just
/// before it, per operation.
///
/// @param kinds who is compared
/// @param workloads ids, in order
/// @param log2frames the size of memory
/// @param runCount timed runs of each
/// @param divisor of operation counts: 1 to measure
record ZoneSuite(
    List<Subject.Kind> kinds, List<String> workloads, int log2frames, int runCount, int divisor) {
  /// Runs of one JVM.
  static final int RUNS_OF_A_JVM = 3;

  /// All ids, in the order in which they run.
  static List<String> ids() {
    return List.of("z1:w1", "z1:w4b:90", "z1:wfull", "frag_f4_compacted");
  }

  /// The ids that a name on the command line stands for.
  ///
  /// @throws IllegalArgumentException if there is none
  static List<String> idsFor(String name) {
    if (ids().contains(name)) {
      return List.of(name);
    }
    return switch (name) {
      case "all" -> ids();
      case "z1" -> ids().subList(0, 3);
      case "z2" -> ids().subList(3, 4);
      default ->
          throw new IllegalArgumentException(
              "no workload '" + name + "'; there are z1, z2, " + String.join(", ", ids()));
    };
  }

  /// Runs all.
  ///
  /// @param rows told of each figure
  /// @param notes told of each thing left out, once
  /// @throws IOException if a forked JVM fails
  void run(Consumer<Row> rows, Consumer<String> notes) throws IOException {
    Set<String> told = new LinkedHashSet<>();
    for (String workload : workloads) {
      int all = Workload.of(workload).repeats() ? runCount : 1;
      for (int before = 0; before < all; before += RUNS_OF_A_JVM) {
        List<Row> found = new ArrayList<>();
        new FrameSuite(
                kinds,
                List.of(workload),
                log2frames,
                Math.min(RUNS_OF_A_JVM, all - before),
                divisor)
            .run(
                found::add,
                note -> {
                  if (told.add(note)) {
                    notes.accept(note);
                  }
                });
        pass(found, before, rows);
      }
    }
  }

  /// Hands rows on as those of later runs, each followed by its difference.
  private static void pass(List<Row> found, int runsBefore, Consumer<Row> rows) {
    Map<String, Double> bare = new HashMap<>();
    for (Row row : found) {
      int run = row.run() + runsBefore;
      String figure = row.workload() + " " + row.metric() + " " + run;
      rows.accept(row.of(row.metric(), run, row.value()));
      Double base = bare.get(figure);
      if (row.allocator().equals(Subject.Kind.HYBRID.csvName())) {
        bare.put(figure, row.value());
      } else if (base != null) {
        rows.accept(row.of(row.metric() + "_difference", run, row.value() - base));
      }
    }
  }
}
