package dev.bifolio.bench;

import java.io.IOException;
import java.util.List;
import java.util.function.Consumer;

/// Runs the workloads for memory of the kernel itself, side by side: each workload and each kind in
/// a JVM of its own, taking turns.
///
/// @param kinds who is compared
/// @param workloads ids, in order
/// @param runCount timed runs of each
/// @param divisor of operation counts: 1 to measure
record HeapSuite(
    List<VirtualSubject.Kind> kinds, List<String> workloads, int runCount, int divisor) {
  /// All ids.
  static final List<String> IDS = List.of("h5");

  /// The first argument of a [Worker] for this; the kind, the workload and the divisor follow.
  static final String ARGUMENT = "heap";

  private static final int HEAP_MIB = 64;

  /// Runs all.
  ///
  /// @param rows told of each figure
  /// @param notes told of each thing left out, once
  /// @throws IOException if a forked JVM fails
  void run(Consumer<Row> rows, Consumer<String> notes) throws IOException {
    Turns.takeAll(workloads, kinds, runCount, (_, _) -> null, this::worker, rows, notes);
  }

  private WorkerProcess worker(String workload, VirtualSubject.Kind kind) throws IOException {
    return new WorkerProcess(
        kind + ", " + workload, HEAP_MIB, List.of(ARGUMENT, kind.name(), workload, "" + divisor));
  }

  /// What a worker does with these arguments.
  static Job job(String[] arguments) {
    VirtualSubject.Kind kind = VirtualSubject.Kind.valueOf(arguments[1]);
    return new HeapJob(kind, arguments[2], Integer.parseInt(arguments[3]));
  }

  private record HeapJob(VirtualSubject.Kind kind, String id, int divisor) implements Job {
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
      VirtualRun run = new VirtualRun(id, kind, number, divisor);
      new RunPairWorkload().run(run);
      return run;
    }
  }
}
