package dev.bifolio.lab;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class ReadmeTest {
  @Test
  void theOutputThatTheReadmeShowsIsWhatTheCommandPrints() throws Exception {
    String readme = Files.readString(Path.of(System.getProperty("bifolio.root"), "README.md"));
    int start = readme.indexOf("$ ./bifolio boot\n");
    int end = readme.indexOf("```", start);
    assertTrue(start > 0 && end > start, "the README shows no boot");
    List<String> shown = readme.substring(start, end).lines().skip(1).toList();
    List<String> printed = CommandRun.of("boot").out().lines().toList();
    int next = 0;
    for (String line : shown) {
      if (!line.strip().equals("...")) {
        int at = printed.subList(next, printed.size()).indexOf(line);
        assertTrue(at >= 0, "the README shows, but boot does not print in this order: " + line);
        next += at + 1;
      }
    }
    assertTrue(shown.size() > 20, "the README shows too little");
  }
}
