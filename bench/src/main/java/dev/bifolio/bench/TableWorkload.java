package dev.bifolio.bench;

import dev.bifolio.kernel.unit.Pages;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A workload on page tables. The inner loops are methods of their own, as in [Workload].
interface TableWorkload {
  /// All ids, in the order in which they run.
  List<String> IDS =
      List.of("t1", "t1:near", "t2", "t2:strewn", "t2:tlb", "t2:tlb-near", "t3", "t4");

  /// Pages of the space: 1 TiB.
  int SPACE_PAGES = 1 << TableRun.LOG2_PAGES;

  /// Pages whose tables lie in a processor's cache: 1 GiB.
  int NEAR_PAGES = 1 << 18;

  /// Operations of one timed interval, whose addresses lie in a small array.
  int STRIDE = 4096;

  /// Runs it once and records the figures.
  void run(TableRun run);

  /// Why it is not run on a kind, or null if it is.
  default @Nullable String obstacle(TableSubject.Kind kind) {
    return null;
  }

  /// The workload of an id.
  static TableWorkload of(String id) {
    return switch (id) {
      case "t1" -> new PagePairWorkload(SPACE_PAGES);
      case "t1:near" -> new PagePairWorkload(NEAR_PAGES);
      case "t2" -> new TranslateWorkload(false);
      case "t2:strewn" -> new TranslateWorkload(true);
      case "t2:tlb" -> new ProcessorWorkload(1 << 15, 4, 100_000);
      case "t2:tlb-near" -> new ProcessorWorkload(1 << 8, 8, 1_000);
      case "t3" -> new RangeWorkload();
      case "t4" -> new FaultWorkload();
      default -> throw new IllegalArgumentException("no workload '" + id + "'");
    };
  }

  /// The address of a page of the space.
  static long virtual(int page) {
    return TableSubject.FIRST_VIRTUAL + Pages.framesToBytes(page);
  }
}
