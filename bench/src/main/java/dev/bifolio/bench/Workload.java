package dev.bifolio.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// A workload of the suite. Its code is compiled for one allocator: see [Subject].
///
/// The inner loops are methods of their own that do a few thousand operations and are called again
/// and again: then the compiler's final version of them runs, not one that was entered half-way.
interface Workload {
  /// Occupancies that are measured on request.
  List<String> GROWTH_ALONE = List.of("w4:10", "w4b:10", "w4b:50");

  /// Runs it once and records the figures.
  void run(Run run);

  /// Whether runs differ: a count of blocks after a seeded sequence does not.
  default boolean repeats() {
    return true;
  }

  /// What it cannot be run without.
  Set<Need> needs();

  /// Why it is not run on an allocator, or null if it is.
  default @Nullable String obstacle(Subject.Kind kind, int log2frames) {
    for (Need need : Need.values()) {
      String lack = needs().contains(need) ? kind.lack(need, log2frames) : null;
      if (lack != null) {
        return lack;
      }
    }
    return null;
  }

  /// All ids, in the order in which they run.
  static List<String> ids() {
    List<String> ids =
        new ArrayList<>(
            List.of(
                "init", "w1", "w1h", "w2", "w2k", "w3", "w3b", "w4:10", "w4:50", "w4:90", "w4b:10",
                "w4b:50", "w4b:90", "w5", "wsmall", "wfull", "w6", "w7", "w8", "w9", "w10"));
    ids.addAll(FragmentationWorkload.ids());
    return List.copyOf(ids);
  }

  /// The ids that run when nothing else is said: all but those that only show how a figure grows
  /// with the memory in use.
  static List<String> defaultIds() {
    return ids().stream().filter(id -> !GROWTH_ALONE.contains(id)).toList();
  }

  /// The ids that a name on the command line stands for: itself, all that begin with it (`w4`,
  /// `frag`), `growth` for the occupancies of w4 and w4b, or `all`.
  ///
  /// @throws IllegalArgumentException if there is none
  static List<String> idsFor(String name) {
    if (ids().contains(name)) {
      return List.of(name);
    }
    if (name.equals("all")) {
      return ids();
    }
    List<String> found =
        ids().stream()
            .filter(id ->
                name.equals("growth")
                    ? id.startsWith("w4")
                    : id.startsWith(name + ":") || id.startsWith(name + "_"))
            .toList();
    if (found.isEmpty()) {
      throw new IllegalArgumentException(
          "no workload '" + name + "'; there are growth, all, " + String.join(", ", ids()));
    }
    return found;
  }

  /// The workload of an id.
  static Workload of(String id) {
    return switch (id) {
      case "init" -> new InitWorkload();
      case "w1" -> new PairWorkload(PairWorkload.Shape.EMPTY);
      case "w1h" -> new PairWorkload(PairWorkload.Shape.HALF_FULL);
      case "wsmall" -> new PairWorkload(PairWorkload.Shape.SMALL_ORDERS);
      case "w6" -> new PairWorkload(PairWorkload.Shape.HUGE);
      case "w7" -> new PairWorkload(PairWorkload.Shape.LARGE_ORDERS);
      case "w2" -> new BulkWorkload(BulkWorkload.Shape.IN_ORDER);
      case "w2k" -> new BulkWorkload(BulkWorkload.Shape.BULK_CALLS);
      case "w3" -> new BulkWorkload(BulkWorkload.Shape.SHUFFLED);
      case "w3b" -> new BulkWorkload(BulkWorkload.Shape.REFILL);
      case "w4:10" -> new ReplaceWorkload(10, 512, true);
      case "w4:50" -> new ReplaceWorkload(50, 512, true);
      case "w4:90" -> new ReplaceWorkload(90, 512, true);
      case "w4b:10" -> new ReplaceWorkload(10, 4096, false);
      case "w4b:50" -> new ReplaceWorkload(50, 4096, false);
      case "w4b:90" -> new ReplaceWorkload(90, 4096, false);
      case "w5" -> new OrderMixWorkload();
      case "wfull" -> new FullWorkload();
      case "w8" -> new ThreadsWorkload();
      case "w9" -> new HandOverWorkload();
      case "w10" -> new LatencyWorkload();
      case "z1:w1" -> new PairWorkload(PairWorkload.Shape.EMPTY);
      case "z1:w4b:90" -> new ReplaceWorkload(90, 4096, false);
      case "z1:wfull" -> new RefusalWorkload();
      case "frag_f4_compacted" -> new CompactionWorkload();
      default -> FragmentationWorkload.of(id);
    };
  }
}
