package dev.bifolio.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class WorkloadTest {
  private static final int LOG2_FRAMES = 14;

  static Stream<Arguments> all() {
    return Stream.of(Subject.Kind.values())
        .flatMap(kind ->
            Workload.ids().stream()
                .filter(id -> Workload.of(id).obstacle() == null)
                .map(id -> Arguments.of(kind, id)));
  }

  @ParameterizedTest
  @MethodSource("all")
  void everyWorkloadRunsAndGivesItsMetrics(Subject.Kind kind, String id) {
    List<Row> rows = run(kind, id).rows();
    assertEquals(metricsOf(kind, id), rows.stream().map(Row::metric).toList());
    for (Row row : rows) {
      assertEquals(id, row.workload());
      assertEquals(kind.csvName(), row.allocator());
      assertTrue(row.value() >= 0 && row.value() < 1e12, row::toCsv);
      assertEquals(row.toCsv(), Row.ofCsv(row.toCsv()).toCsv());
    }
  }

  private static Run run(Subject.Kind kind, String id) {
    Run run = new Run(id, kind, LOG2_FRAMES, 1, 100);
    Workload.of(id).run(run);
    return run;
  }

  /// The names by which files of different programs are joined.
  private static List<String> metricsOf(Subject.Kind kind, String id) {
    return switch (id) {
      case "init" -> List.of("us_init_and_first_alloc", "meta_bytes");
      case "w1", "w1h" -> List.of("ns_pair");
      case "w2", "w3" -> List.of("ns_alloc", "ns_free");
      case "w3b" -> List.of("ns_free", "ns_alloc");
      case "w4:50", "w4:90" -> List.of("ns_freealloc", "ns_freealloc_with_table");
      case "w4b:90" -> List.of("ns_freealloc");
      case "w5" -> List.of("ns_freealloc", "fails");
      case "wsmall" -> numbered("ns_pair_o", 1, 8);
      case "wfull" -> List.of("ns_fail_o0", "ns_fail_o9");
      case "w6" -> List.of("ns_pair", "ns_bulk_alloc", "ns_bulk_free");
      // Larger blocks than the memory of this test, or than the model has.
      case "w7" -> numbered("ns_pair_o", 10, kind == Subject.Kind.LINUX_LIKE ? 10 : LOG2_FRAMES);
      case "w10" ->
          Stream.of("alloc_", "free_")
              .flatMap(prefix ->
                  Stream.of("p50_ns", "p99_ns", "p99.9_ns", "p99.99_ns", "max_ns")
                      .map(name -> prefix + name))
              .toList();
      case "frag_f1s_90", "frag_f1b_90", "frag_f3_50", "frag_f3_80" -> steps(0, 1);
      case "frag_f1s_50", "frag_f1b_50", "frag_f4" -> steps(0, 0);
      case "frag_f2s", "frag_f2b" -> steps(1, 14);
      default -> throw new IllegalArgumentException(id);
    };
  }

  private static List<String> numbered(String prefix, int first, int last) {
    return IntStream.rangeClosed(first, last).mapToObj(order -> prefix + order).toList();
  }

  private static List<String> steps(int first, int last) {
    List<String> names = new ArrayList<>();
    for (int step = first; step <= last; step++) {
      names.add("free2M_step" + step);
      names.add("ideal2M_step" + step);
    }
    names.addAll(List.of("huge_allocs", "huge_after_free_all", "fails"));
    return names;
  }

  static Stream<Arguments> fragmentation() {
    return all().filter(arguments -> ((String) arguments.get()[1]).startsWith("frag"));
  }

  @ParameterizedTest
  @MethodSource("fragmentation")
  void freeAreasAreAtMostIdealAndAllCanBeAllocated(Subject.Kind kind, String id) {
    Map<String, Double> found = values(kind, id);
    int last =
        found.keySet().stream()
            .filter(name -> name.startsWith("free2M_step"))
            .mapToInt(name -> Integer.parseInt(name.substring("free2M_step".length())))
            .max()
            .orElseThrow();
    for (int step = 0; step <= last; step++) {
      if (found.containsKey("free2M_step" + step)) {
        assertTrue(found.get("free2M_step" + step) <= found.get("ideal2M_step" + step), id);
      }
    }
    assertEquals(found.get("free2M_step" + last), found.get("huge_allocs"), "huge == free2M");
    assertEquals((1 << LOG2_FRAMES) / 512.0, found.get("huge_after_free_all"));
    if (!id.equals("frag_f3_80")) {
      assertEquals(0.0, found.get("fails"));
    }
  }

  @Test
  void aSeededSequenceOfBlocksIsTheSameInEachRun() {
    for (Subject.Kind kind : Subject.Kind.values()) {
      assertEquals(values(kind, "frag_f2b"), values(kind, "frag_f2b"));
      assertEquals(values(kind, "frag_f3_50"), values(kind, "frag_f3_50"));
    }
  }

  @Test
  void whatTheOrderMixHoldsDoesNotDependOnTheAllocator() {
    // Without failures the draws alone decide how many frames are live.
    List<Double> ideals = new ArrayList<>();
    for (Subject.Kind kind : Subject.Kind.values()) {
      Map<String, Double> found = values(kind, "frag_f3_50");
      ideals.add(found.get("ideal2M_step1"));
    }
    assertEquals(ideals.get(0), ideals.get(1));
  }

  private static Map<String, Double> values(Subject.Kind kind, String id) {
    Map<String, Double> values = new LinkedHashMap<>();
    run(kind, id).rows().forEach(row -> values.put(row.metric(), row.value()));
    return values;
  }

  @Test
  void aNameStandsForItselfOrForAllThatBeginWithIt() {
    assertEquals(List.of("w4:50", "w4:90"), Workload.idsFor("w4"));
    assertEquals(List.of("w1"), Workload.idsFor("w1"));
    assertEquals(FragmentationWorkload.ids(), Workload.idsFor("frag"));
    assertThrows(IllegalArgumentException.class, () -> Workload.idsFor("w"));
    for (String id : Workload.ids()) {
      assertEquals(List.of(id), Workload.idsFor(id));
    }
  }

  @Test
  void lifetimesAreLeftOutAndNothingElse() {
    for (String id : Workload.ids()) {
      if (id.equals("frag_f4c")) {
        assertTrue(String.valueOf(Workload.of(id).obstacle()).contains("lifetime"));
      } else {
        assertNull(Workload.of(id).obstacle(), id);
      }
    }
  }
}
