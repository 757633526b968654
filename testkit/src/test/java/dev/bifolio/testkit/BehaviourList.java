package dev.bifolio.testkit;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/// The project's list of behaviours: rows in sections, some of which are finished.
///
/// @param sections in the list's order
record BehaviourList(List<Section> sections) {
  /// Rows that belong together.
  ///
  /// @param number of the section, such as `10`
  /// @param title a few words
  /// @param finished whether each row must be claimed
  /// @param texts ids to texts, in the list's order
  record Section(String number, String title, boolean finished, Map<String, String> texts) {}

  /// The list of this project.
  static BehaviourList ofProject() {
    try (InputStream in = BehaviourList.class.getResourceAsStream("behaviours.txt")) {
      if (in == null) {
        throw new AssertionError("behaviours.txt is not on the class path");
      }
      return parse(new String(in.readAllBytes(), StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static BehaviourList parse(String text) {
    Set<String> finished = new TreeSet<>();
    Map<String, Section> sections = new LinkedHashMap<>();
    Set<String> ids = new TreeSet<>();
    Map<String, String> rows = Map.of();
    for (String line : text.split("\n", -1)) {
      if (line.isBlank() || line.startsWith("#")) {
        continue;
      }
      if (line.startsWith("finished =")) {
        finished.addAll(List.of(line.substring(10).strip().split("[, ]+", -1)));
        finished.remove("");
      } else if (line.startsWith("section ")) {
        String[] words = line.split(" ", 3);
        rows = new LinkedHashMap<>();
        sections.put(words[1], new Section(words[1], words[2], finished.contains(words[1]), rows));
      } else {
        String[] cells = line.split(" \\| ", 2);
        if (cells.length != 2 || sections.isEmpty() || !ids.add(cells[0])) {
          throw new AssertionError("behaviours.txt: no row, or an id for the second time: " + line);
        }
        rows.put(cells[0], cells[1]);
      }
    }
    finished.removeAll(sections.keySet());
    if (!finished.isEmpty()) {
      throw new AssertionError(
          "behaviours.txt: finished, but there is no such section: " + finished);
    }
    return new BehaviourList(List.copyOf(sections.values()));
  }

  boolean knows(String id) {
    return sections.stream().anyMatch(s -> s.texts().containsKey(id));
  }
}
