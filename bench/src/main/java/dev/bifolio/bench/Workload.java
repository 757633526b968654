package dev.bifolio.bench;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A workload of the suite. Its code is compiled for one allocator: see [Subject].
///
/// The inner loops are methods of their own that do a few thousand operations and are called again
/// and again: then the compiler's final version of them runs, not one that was entered half-way.
interface Workload {
  /// Runs it once and records the figures.
  void run(Run run);

  /// Whether runs differ: a count of blocks after a seeded sequence does not.
  default boolean repeats() {
    return true;
  }

  /// Why an allocator cannot run it, or null if it can.
  default @Nullable String obstacle() {
    return null;
  }

  /// All ids, in the order in which they run.
  static List<String> ids() {
    List<String> ids =
        new ArrayList<>(
            List.of(
                "init", "w1", "w1h", "w2", "w3", "w3b", "w4:50", "w4:90", "w4b:90", "w5", "wsmall",
                "wfull", "w6", "w7", "w10"));
    ids.addAll(FragmentationWorkload.ids());
    return List.copyOf(ids);
  }

  /// The ids that a name on the command line stands for: itself, or all that begin with it (`w4`,
  /// `frag`).
  ///
  /// @throws IllegalArgumentException if there is none
  static List<String> idsFor(String name) {
    if (ids().contains(name)) {
      return List.of(name);
    }
    List<String> found =
        ids().stream()
            .filter(id -> id.startsWith(name + ":") || id.startsWith(name + "_"))
            .toList();
    if (found.isEmpty()) {
      throw new IllegalArgumentException(
          "no workload '" + name + "'; there are " + String.join(", ", ids()));
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
      case "w3" -> new BulkWorkload(BulkWorkload.Shape.SHUFFLED);
      case "w3b" -> new BulkWorkload(BulkWorkload.Shape.REFILL);
      case "w4:50" -> new ReplaceWorkload(50, 512, true);
      case "w4:90" -> new ReplaceWorkload(90, 512, true);
      case "w4b:90" -> new ReplaceWorkload(90, 4096, false);
      case "w5" -> new OrderMixWorkload();
      case "wfull" -> new FullWorkload();
      case "w10" -> new LatencyWorkload();
      default -> FragmentationWorkload.of(id);
    };
  }
}
