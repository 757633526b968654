package dev.bifolio.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;

/// Runs the workloads for page frames, side by side.
///
/// Each workload and allocator has a JVM of its own: what C2 compiled for one is never what another
/// is measured with. The JVMs of one workload are warmed up together; then their runs alternate, A
/// B A B, while the others wait for input: a slow minute of the machine is a slow minute for all.
///
/// @param kinds who is compared
/// @param workloads ids, in order
/// @param log2frames the size of memory
/// @param runCount timed runs of each
/// @param divisor of operation counts: 1 to measure
record FrameSuite(
    List<Subject.Kind> kinds, List<String> workloads, int log2frames, int runCount, int divisor) {
  /// Runs all.
  ///
  /// @param rows told of each figure
  /// @param notes told of each thing left out, once, and of progress
  /// @throws IOException if a forked JVM fails
  void run(Consumer<Row> rows, Consumer<String> notes) throws IOException {
    Set<String> seen = new LinkedHashSet<>();
    for (String workload : workloads) {
      String obstacle = Workload.of(workload).obstacle();
      if (obstacle != null) {
        notes.accept(workload + ": left out: " + obstacle);
        continue;
      }
      List<String> found = new ArrayList<>();
      for (Row row : alternate(workload, found)) {
        rows.accept(row);
      }
      for (String note : found) {
        if (seen.add(note)) {
          notes.accept(note);
        }
      }
    }
  }

  private List<Row> alternate(String workload, List<String> notes) throws IOException {
    List<WorkerProcess> workers = new ArrayList<>();
    try {
      for (Subject.Kind kind : kinds) {
        workers.add(new WorkerProcess(kind, workload, log2frames, divisor));
      }
      for (WorkerProcess worker : workers) {
        worker.awaitReady();
      }
      int count = Workload.of(workload).repeats() ? runCount : 1;
      List<Row> rows = new ArrayList<>();
      for (int number = 1; number <= count; number++) {
        for (WorkerProcess worker : workers) {
          worker.run(number, rows, notes);
        }
      }
      return rows;
    } finally {
      workers.forEach(WorkerProcess::close);
    }
  }
}
