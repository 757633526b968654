package dev.bifolio.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class ReadmeTest {
  private static final Path ROOT = Path.of(System.getProperty("bifolio.root"));

  @Test
  void theOutputThatTheReadmeShowsIsWhatTheCommandPrints() throws Exception {
    List<String> shown = shown("$ ./bifolio boot\n");
    requireInOrder(shown, CommandRun.of("boot"));
    assertTrue(shown.size() > 20, "the README shows too little");
  }

  @Test
  void thePageTablesThatTheReadmeShowsAreWhatTheCommandPrints() throws Exception {
    String script = "examples/higher-half.tables";
    List<String> shown = shown("$ ./bifolio tables --arch x86_64 --script " + script + "\n");
    String file = ROOT.resolve(script).toString();
    requireInOrder(shown, CommandRun.of("tables", "--arch", "x86_64", "--script", file));
    assertTrue(shown.size() > 15, "the README shows too little");
  }

  @Test
  void theScriptThatTheReadmeShowsIsTheOneOfTheExamples() throws Exception {
    List<String> script =
        Files.readAllLines(ROOT.resolve("examples/higher-half.tables")).stream()
            .filter(line -> !line.startsWith("#"))
            .toList();
    assertEquals(5, script.size());
    assertTrue(
        Files.readString(ROOT.resolve("README.md")).contains(String.join("\n", script)),
        "the README shows another script");
  }

  private static List<String> shown(String command) throws IOException {
    String readme = Files.readString(ROOT.resolve("README.md"));
    int start = readme.indexOf(command);
    int end = readme.indexOf("```", start);
    assertTrue(start > 0 && end > start, "the README does not show " + command);
    return readme.substring(start, end).lines().skip(1).toList();
  }

  private static void requireInOrder(List<String> shown, CommandRun run) {
    assertEquals(0, run.exit(), run.err());
    List<String> printed = run.out().lines().toList();
    int next = 0;
    for (String line : shown) {
      if (!line.strip().equals("...")) {
        int at = printed.subList(next, printed.size()).indexOf(line);
        assertTrue(at >= 0, "the README shows, but is not printed in this order: " + line);
        next += at + 1;
      }
    }
  }
}
