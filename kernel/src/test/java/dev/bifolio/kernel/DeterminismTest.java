package dev.bifolio.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The same seed gives the same log and the same state, in two virtual machines.
@Tag("slow")
class DeterminismTest {
  private static final int OPERATIONS = 60_000;

  @TempDir Path folder;

  private List<String> run(String name, long seed) throws IOException, InterruptedException {
    String classPath =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    Path log = folder.resolve(name);
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                classPath,
                ReplayWorkload.class.getName(),
                Long.toString(seed),
                Integer.toString(OPERATIONS))
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    boolean ended = process.waitFor(120, TimeUnit.SECONDS);
    process.destroyForcibly();
    List<String> lines = Files.readAllLines(log);
    assertTrue(ended, () -> "it goes on after " + lines.size() + " lines");
    assertEquals(0, process.exitValue(), () -> String.join("\n", lines));
    return lines;
  }

  @Test
  void theSameSeedGivesTheSameLogAndTheSameStateInTwoProcesses() throws Exception {
    List<String> first = run("first", 1);
    assertEquals(OPERATIONS / 1000, first.size());
    assertEquals(first, run("second", 1));
    List<String> other = run("other", 2);
    assertEquals(first.size(), other.size());
    for (int i = 0; i < first.size(); i++) {
      assertNotEquals(first.get(i), other.get(i));
    }
    // It is worth something only if it ran short, moved frames and gave pages back.
    assertTrue(last(first, "moved") > 100, first::getLast);
    assertTrue(last(first, "evicted") > 100, first::getLast);
    assertFalse(states(first).size() < first.size(), "the state does not change");
  }

  private static long last(List<String> lines, String name) {
    Matcher found = Pattern.compile(name + "=(\\d+)").matcher(lines.getLast());
    assertTrue(found.find());
    return Long.parseLong(found.group(1));
  }

  private static List<String> states(List<String> lines) {
    List<String> states = new ArrayList<>();
    for (String line : lines) {
      String state = line.replaceAll(".*state=(\\w+).*", "$1");
      if (!states.contains(state)) {
        states.add(state);
      }
    }
    return states;
  }
}
