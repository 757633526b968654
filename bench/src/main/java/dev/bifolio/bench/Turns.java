package dev.bifolio.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;

/// JVMs that take turns, A B A B, while the others wait for input: a slow minute of the machine is
/// a slow minute for all.
final class Turns {
  private Turns() {}

  /// What starts one of them.
  interface Start {
    WorkerProcess start() throws IOException;
  }

  /// Starts JVMs, which warm up together, has each do its runs and ends them.
  ///
  /// @param starts one a JVM
  /// @param runCount of each
  /// @param absent told of each that cannot run: its index, and what is not installed
  /// @param notes gets what the runs say
  /// @return all figures, run by run
  static List<Row> take(
      List<Start> starts, int runCount, BiConsumer<Integer, String> absent, List<String> notes)
      throws IOException {
    List<WorkerProcess> workers = new ArrayList<>();
    List<WorkerProcess> ready = new ArrayList<>();
    try {
      for (Start start : starts) {
        workers.add(start.start());
      }
      for (int i = 0; i < workers.size(); i++) {
        String missing = workers.get(i).awaitReady();
        if (missing == null) {
          ready.add(workers.get(i));
        } else {
          absent.accept(i, missing);
        }
      }
      List<Row> rows = new ArrayList<>();
      for (int number = 1; number <= runCount; number++) {
        for (WorkerProcess worker : ready) {
          worker.run(number, rows, notes);
        }
      }
      return rows;
    } finally {
      workers.forEach(WorkerProcess::close);
    }
  }
}
