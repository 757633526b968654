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
  /// The largest size at which code is warmed up: with blocks of every order, or the first run
  /// would meet branches that were never taken.
  private static final int WARM_UP_LOG2_FRAMES = 21;

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
    Subject.Kind kind = Subject.Kind.valueOf(arguments[0]);
    String id = arguments[1];
    int log2frames = Integer.parseInt(arguments[2]);
    int divisor = Integer.parseInt(arguments[3]);
    String absent = kind.isNative() ? NativeLibrary.choose(kind) : null;
    if (absent != null) {
      out.println("absent " + absent);
      return;
    }
    Workload workload = Workload.of(id);
    if (workload.repeats() && divisor == 1) {
      warmUp(workload, new Run(id, kind, Math.min(log2frames, WARM_UP_LOG2_FRAMES), 0, 1));
    }
    out.println("ready");
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      Run run =
          new Run(id, kind, log2frames, Integer.parseInt(line.substring("run ".length())), divisor);
      workload.run(run);
      run.rows().forEach(row -> out.println("row " + row.toCsv()));
      run.notes().forEach(note -> out.println("note " + note));
      out.println("done");
    }
  }

  private static void warmUp(Workload workload, Run run) {
    Stopwatch watch = new Stopwatch();
    long spent = 0;
    for (int round = 0; round < 2 || spent < WARM_UP_NANOS; round++) {
      watch.start();
      workload.run(run);
      watch.stop();
      spent += watch.takeNanos() + run.takeTeamCpuNanos();
    }
  }
}
