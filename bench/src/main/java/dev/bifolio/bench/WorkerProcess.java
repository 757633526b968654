package dev.bifolio.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A forked JVM that runs [Worker], seen from its parent.
final class WorkerProcess implements AutoCloseable {
  /// Room for the thread-local storage of a library that is loaded late: jemalloc's is more than
  /// the C library keeps ready.
  private static final String THREAD_STORAGE = "glibc.rtld.optional_static_tls=16384";

  private final Process process;
  private final BufferedReader answers;
  private final Writer requests;
  private final String what;

  /// Starts the JVM, which warms up while others do.
  WorkerProcess(Subject.Kind kind, String workload, int log2frames, int divisor)
      throws IOException {
    // Room for the slot table, a copy of it and small things; taken at once, so that it never
    // grows.
    int tableLog2Frames = Math.min(log2frames, Subject.Kind.TABLE_LOG2_FRAMES);
    long heapMib = 256 + (((3L * Long.BYTES) << tableLog2Frames) >> 20);
    this(
        kind + ", " + workload,
        heapMib,
        List.of(kind.name(), workload, "" + log2frames, "" + divisor));
  }

  /// Starts the JVM, which warms up while others do.
  ///
  /// @param what is measured, for messages
  /// @param heapMib all of its heap
  /// @param arguments of [Worker]
  WorkerProcess(String what, long heapMib, List<String> arguments) throws IOException {
    this.what = what;
    process =
        start(
            List.of("-XX:+UseSerialGC", "-Xms" + heapMib + "m", "-Xmx" + heapMib + "m"), arguments);
    answers = process.inputReader(StandardCharsets.UTF_8);
    requests = process.outputWriter(StandardCharsets.UTF_8);
  }

  /// Starts a JVM like this one.
  static Process start(List<String> options, List<String> arguments) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(options);
    String modulePath = System.getProperty("jdk.module.path");
    if (modulePath == null) {
      Collections.addAll(command, "--enable-native-access=ALL-UNNAMED");
      Collections.addAll(command, "-cp", System.getProperty("java.class.path", ""));
      command.add(Worker.class.getName());
    } else {
      Collections.addAll(command, "--enable-native-access=dev.bifolio.kernel,dev.bifolio.bench");
      Collections.addAll(command, "--module-path", modulePath);
      Collections.addAll(command, "-m", "dev.bifolio.bench/" + Worker.class.getName());
    }
    command.addAll(arguments);
    ProcessBuilder builder = new ProcessBuilder(command).redirectError(Redirect.INHERIT);
    builder.environment().merge("GLIBC_TUNABLES", THREAD_STORAGE, (old, more) -> old + ":" + more);
    return builder.start();
  }

  /// Waits until it is warm.
  ///
  /// @return null, or what of it is not installed
  @Nullable String awaitReady() throws IOException {
    String line = answers.readLine();
    if (line != null && line.startsWith("absent ")) {
      return line.substring("absent ".length());
    }
    if (!"ready".equals(line)) {
      throw broken(line);
    }
    return null;
  }

  /// Lets it do one run, while the others wait.
  void run(int number, List<Row> rows, List<String> notes) throws IOException {
    requests.write("run " + number + "\n");
    requests.flush();
    while (true) {
      String line = answers.readLine();
      if (line == null) {
        throw broken(null);
      } else if (line.equals("done")) {
        return;
      } else if (line.startsWith("row ")) {
        rows.add(Row.ofCsv(line.substring(4)));
      } else if (line.startsWith("note ")) {
        notes.add(line.substring(5));
      } else {
        throw broken(line);
      }
    }
  }

  private IOException broken(@Nullable String line) {
    return new IOException(
        "the JVM for " + what + (line == null ? " ended early" : " answered '" + line + "'"));
  }

  /// Ends it.
  @Override
  public void close() {
    process.destroy();
  }
}
