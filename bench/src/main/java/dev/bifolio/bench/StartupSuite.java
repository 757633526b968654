package dev.bifolio.bench;

import dev.bifolio.kernel.unit.Pages;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;

/// How long a short command takes, all of it by the wall clock, and how long a boot takes.
///
/// In turn, once each a run: `bifolio map` of the bundled tree from its start-up cache; the same
/// without a cache; `java --version` of the same JDK, the least that any program on it can take.
/// Then [BootTime] for two sizes, each in a JVM of its own that has run nothing before.
///
/// @param launcher the launcher's own path; the bundled tree lies below its directory
/// @param runCount runs of each
record StartupSuite(Path launcher, int runCount) {
  private static final List<Integer> BOOT_LOG2_FRAMES = List.of(21, 28);

  /// Runs all.
  ///
  /// @param rows told of each figure
  /// @throws IOException if a process cannot be run or fails
  void run(Consumer<Row> rows) throws IOException {
    Path tree = Files.createTempFile("bifolio", ".dtb");
    try {
      byte[] bundled = Files.readAllBytes(launcher.resolveSibling(bundledTree()));
      Files.write(tree, bundled);
      String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
      List<String> map = List.of(launcher.toString(), "map", tree.toString());
      wallMillis(map, true); // makes the cache, should there be none
      for (int number = 1; number <= runCount; number++) {
        rows.accept(row("bifolio-map", number, wallMillis(map, true)));
        rows.accept(row("java-version", number, wallMillis(List.of(java, "--version"), true)));
        rows.accept(row("bifolio-map-no-cache", number, wallMillis(map, false)));
      }
      for (int number = 1; number <= runCount; number++) {
        for (int log2frames : BOOT_LOG2_FRAMES) {
          double millis = bootMillis(Pages.framesToBytes(1L << log2frames));
          String workload = "boot_" + Pages.framesToBytes(1L << log2frames) / Pages.GIB + "GiB";
          rows.accept(new Row("machine", log2frames, workload, "ms_boot", number, millis));
        }
      }
    } finally {
      Files.delete(tree);
    }
  }

  private static Path bundledTree() {
    return Path.of("lab", "src", "main", "resources", "dev", "bifolio", "lab", "phone-8g.dtb");
  }

  private static Row row(String who, int number, double millis) {
    return new Row(who, 0, "startup", "ms_wall", number, millis);
  }

  private double wallMillis(List<String> command, boolean withCache) throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .redirectOutput(Redirect.DISCARD)
            .redirectError(Redirect.DISCARD)
            .redirectInput(Redirect.from(Path.of("/dev/null").toFile()));
    // The launcher must find this JDK, and no cache where there can be no folder.
    builder.environment().put("BIFOLIO_JAVA_HOME", System.getProperty("java.home"));
    if (!withCache) {
      builder.environment().put("BIFOLIO_CACHE", "/dev/null/none");
    }
    long begin = System.nanoTime();
    Process process = builder.start();
    await(process, command.toString());
    return (System.nanoTime() - begin) / 1e6;
  }

  private static double bootMillis(long byteSize) throws IOException {
    // The options of the launcher, under which `bifolio boot` runs.
    Process process =
        WorkerProcess.start(
            List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"),
            List.of("boot", Long.toString(byteSize)));
    String answer;
    try (var reader = process.inputReader(StandardCharsets.UTF_8)) {
      answer = reader.readLine();
    }
    await(process, "a boot of " + byteSize + " bytes");
    if (answer == null) {
      throw new IOException("a boot of " + byteSize + " bytes said nothing");
    }
    return Long.parseLong(answer) / 1e6;
  }

  private static void await(Process process, String what) throws IOException {
    try {
      int code = process.waitFor();
      if (code != 0) {
        throw new IOException(what + " ended with exit code " + code);
      }
    } catch (InterruptedException e) {
      process.destroy();
      Thread.currentThread().interrupt();
      throw new IOException(what + " was interrupted", e);
    }
  }
}
