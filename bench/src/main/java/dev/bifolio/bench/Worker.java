package dev.bifolio.bench;

import dev.bifolio.kernel.BootException;
import dev.bifolio.kernel.firmware.MemoryMapException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/// The program of a forked JVM: one workload on one allocator, one run a line of standard input.
///
/// It warms up, answers `ready`, and for each `run K` prints lines `row …` and `note …` and then
/// `done`. Ends with its input, that is with its parent. If the allocator is not installed it
/// answers `absent …` and ends.
final class Worker {
  /// Of CPU time: a busy machine must not shorten the warm-up.
  private static final long WARM_UP_NANOS = 2_000_000_000L;

  private Worker() {}

  public static void main(String[] arguments)
      throws IOException, MemoryMapException, BootException {
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    if (arguments[0].equals("boot")) {
      out.println(BootTime.measureNanos(Long.parseLong(arguments[1])));
      return;
    }
    if (arguments[0].equals(TableSuite.ARGUMENT)) {
      serve(TableSuite.job(arguments), out);
      return;
    }
    if (arguments[0].equals(HeapSuite.ARGUMENT)) {
      serve(HeapSuite.job(arguments), out);
      return;
    }
    Subject.Kind kind = Subject.Kind.valueOf(arguments[0]);
    String absent = kind.isNative() ? NativeLibrary.choose(kind) : null;
    if (absent != null) {
      out.println("absent " + absent);
      return;
    }
    int log2frames = Integer.parseInt(arguments[2]);
    serve(new AllocatorJob(kind, arguments[1], log2frames, Integer.parseInt(arguments[3])), out);
  }

  private static void serve(Job job, PrintStream out) throws IOException {
    if (job.warms()) {
      warmUp(job);
    }
    out.println("ready");
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      Figures figures = job.run(Integer.parseInt(line.substring("run ".length())));
      figures.rows().forEach(row -> out.println("row " + row.toCsv()));
      figures.notes().forEach(note -> out.println("note " + note));
      out.println("done");
    }
  }

  private static void warmUp(Job job) {
    Stopwatch watch = new Stopwatch();
    long spent = 0;
    for (int round = 0; round < 2 || spent < WARM_UP_NANOS; round++) {
      watch.start();
      Figures _ = job.warmUp();
      watch.stop();
      spent += watch.takeNanos() + job.takeTeamCpuNanos();
    }
  }
}
