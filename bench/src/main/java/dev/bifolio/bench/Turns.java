package dev.bifolio.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// JVMs that take turns, A B A B, while the others wait for input: a slow minute of the machine is
/// a slow minute for all.
final class Turns {
  private Turns() {}

  /// What starts one of them.
  interface Start {
    WorkerProcess start() throws IOException;
  }

  /// What starts the one for a workload and a kind.
  interface Starter<K> {
    WorkerProcess start(String workload, K kind) throws IOException;
  }

  /// Why a workload is not run on a kind.
  interface Obstacles<K> {
    @Nullable String of(String workload, K kind);
  }

  /// Has each workload in turn run on all kinds.
  ///
  /// @param workloads ids, in order
  /// @param kinds in order
  /// @param runCount of each
  /// @param obstacles null for what is run
  /// @param starter of one of the JVMs
  /// @param rows told of each figure
  /// @param notes told of each thing left out, once
  static <K> void takeAll(
      List<String> workloads,
      List<K> kinds,
      int runCount,
      Obstacles<K> obstacles,
      Starter<K> starter,
      Consumer<Row> rows,
      Consumer<String> notes)
      throws IOException {
    for (String workload : workloads) {
      List<String> found = new ArrayList<>();
      List<Start> starts = new ArrayList<>();
      for (K kind : kinds) {
        String obstacle = obstacles.of(workload, kind);
        if (obstacle == null) {
          starts.add(() -> starter.start(workload, kind));
        } else {
          found.add(kind + ": left out of " + workload + ": " + obstacle);
        }
      }
      take(starts, runCount, (_, missing) -> found.add(missing), found).forEach(rows);
      Set<String> each = new LinkedHashSet<>(found);
      each.forEach(notes);
    }
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
