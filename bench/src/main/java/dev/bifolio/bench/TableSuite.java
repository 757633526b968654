package dev.bifolio.bench;

import java.io.IOException;
import java.util.List;
import java.util.function.Consumer;

/// Runs the workloads for page tables, side by side: each workload and each kind in a JVM of its
/// own, taking turns as in [FrameSuite].
///
/// @param kinds who is compared
/// @param workloads ids, in order
/// @param runCount timed runs of each
/// @param divisor of operation counts: 1 to measure
record TableSuite(
    List<TableSubject.Kind> kinds, List<String> workloads, int runCount, int divisor) {
  /// The first argument of a [Worker] for page tables; the kind, the workload and the divisor
  /// follow.
  static final String ARGUMENT = "tables";

  /// For the arrays of addresses, and the hash map.
  private static final int HEAP_MIB = 256;

  /// The ids that a name on the command line stands for.
  ///
  /// @throws IllegalArgumentException if there is none
  static List<String> idsFor(String name) {
    return idsFor(name, TableWorkload.IDS);
  }

  /// The ids among some that a name stands for: itself, all that begin with it, or all.
  ///
  /// @throws IllegalArgumentException if there is none
  static List<String> idsFor(String name, List<String> ids) {
    if (ids.contains(name)) {
      return List.of(name);
    }
    if (name.equals("all")) {
      return ids;
    }
    List<String> found = ids.stream().filter(id -> id.startsWith(name + ":")).toList();
    if (found.isEmpty()) {
      throw new IllegalArgumentException(
          "no workload '" + name + "'; there are " + String.join(", ", ids));
    }
    return found;
  }

  /// Runs all.
  ///
  /// @param rows told of each figure
  /// @param notes told of each thing left out, once
  /// @throws IOException if a forked JVM fails
  void run(Consumer<Row> rows, Consumer<String> notes) throws IOException {
    Turns.takeAll(
        workloads,
        kinds,
        runCount,
        (workload, kind) -> TableWorkload.of(workload).obstacle(kind),
        this::worker,
        rows,
        notes);
  }

  private WorkerProcess worker(String workload, TableSubject.Kind kind) throws IOException {
    return new WorkerProcess(
        kind + ", " + workload, HEAP_MIB, List.of(ARGUMENT, kind.name(), workload, "" + divisor));
  }

  /// What a worker does with these arguments.
  static Job job(String[] arguments) {
    TableSubject.Kind kind = TableSubject.Kind.valueOf(arguments[1]);
    return new TableJob(kind, arguments[2], Integer.parseInt(arguments[3]));
  }

  private record TableJob(TableSubject.Kind kind, String id, int divisor) implements Job {
    @Override
    public boolean warms() {
      return divisor == 1;
    }

    @Override
    public Figures warmUp() {
      return run(0);
    }

    @Override
    public Figures run(int number) {
      TableRun run = new TableRun(id, kind, number, divisor);
      TableWorkload.of(id).run(run);
      return run;
    }
  }
}
