package dev.bifolio.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Runs the workloads for page frames, side by side.
///
/// Each workload and allocator has a JVM of its own: what C2 compiled for one is never what another
/// is measured with. The JVMs of one workload are warmed up together; then their runs alternate, A
/// B A B, while the others wait for input: a slow minute of the machine is a slow minute for all.
///
/// @param kinds who is compared
/// @param workloads ids, in order
/// @param log2frames the size of memory
/// @param runCount timed runs of each
/// @param divisor of operation counts: 1 to measure
record FrameSuite(
    List<Subject.Kind> kinds, List<String> workloads, int log2frames, int runCount, int divisor) {
  /// Runs all.
  ///
  /// @param rows told of each figure
  /// @param notes told of each thing left out, once, and of progress
  /// @throws IOException if a forked JVM fails
  void run(Consumer<Row> rows, Consumer<String> notes) throws IOException {
    sizeNotes().forEach(notes);
    leftOut().forEach(notes);
    Set<String> seen = new LinkedHashSet<>();
    Set<Subject.Kind> absent = EnumSet.noneOf(Subject.Kind.class);
    for (String workload : workloads) {
      List<Subject.Kind> able =
          kinds.stream()
              .filter(kind -> !absent.contains(kind) && obstacle(kind, workload) == null)
              .toList();
      List<String> found = new ArrayList<>();
      for (Row row : alternate(workload, able, absent, found)) {
        rows.accept(row);
      }
      for (String note : found) {
        if (seen.add(note)) {
          notes.accept(note);
        }
      }
    }
  }

  private @Nullable String obstacle(Subject.Kind kind, String workload) {
    String own = kind.obstacle(log2frames);
    return own != null ? own : Workload.of(workload).obstacle(kind, kind.log2framesFor(log2frames));
  }

  private List<String> sizeNotes() {
    return kinds.stream().map(kind -> kind.sizeNote(log2frames)).filter(Objects::nonNull).toList();
  }

  /// Who is left out of what, one line a reason.
  private List<String> leftOut() {
    Map<String, List<String>> found = new LinkedHashMap<>();
    for (Subject.Kind kind : kinds) {
      for (String workload : workloads) {
        String obstacle = obstacle(kind, workload);
        if (obstacle != null) {
          found.computeIfAbsent(kind + "\n" + obstacle, _ -> new ArrayList<>()).add(workload);
        }
      }
    }
    List<String> lines = new ArrayList<>();
    found.forEach((key, ids) -> {
      int end = key.indexOf('\n');
      String which = ids.size() == workloads.size() ? "" : " of " + String.join(", ", ids);
      lines.add(key.substring(0, end) + ": left out" + which + ": " + key.substring(end + 1));
    });
    return lines;
  }

  private List<Row> alternate(
      String workload, List<Subject.Kind> able, Set<Subject.Kind> absent, List<String> notes)
      throws IOException {
    List<Turns.Start> starts = new ArrayList<>();
    for (Subject.Kind kind : able) {
      starts.add(() -> new WorkerProcess(kind, workload, kind.log2framesFor(log2frames), divisor));
    }
    return Turns.take(
        starts,
        Workload.of(workload).repeats() ? runCount : 1,
        (index, missing) -> {
          absent.add(able.get(index));
          notes.add(able.get(index) + ": left out: " + missing);
        },
        notes);
  }
}
