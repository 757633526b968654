package dev.bifolio.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Cpu;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class WorkloadTest {
  private static final int LOG2_FRAMES = 14;

  static Stream<Arguments> all() {
    return SubjectTest.framesOfOneMemory()
        .flatMap(kind ->
            Workload.ids().stream()
                .filter(id -> Workload.of(id).obstacle(kind, LOG2_FRAMES) == null)
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
      Row read = Row.ofCsv(row.toCsv());
      assertEquals(row.metric(), read.metric());
      assertEquals(row.value(), read.value(), 0.001);
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
      case "w2", "w2k", "w3" -> List.of("ns_alloc", "ns_free");
      case "w3b" -> List.of("ns_free", "ns_alloc");
      case "w4:10", "w4:50", "w4:90" -> List.of("ns_freealloc", "ns_freealloc_with_table");
      case "w4b:10", "w4b:50", "w4b:90" -> List.of("ns_freealloc");
      case "w5" -> List.of("ns_freealloc", "fails");
      case "wsmall" -> numbered("ns_pair_o", 1, 8);
      case "wfull" ->
          Cpu.count() < 2
              ? List.of("ns_fail_o0", "ns_fail_o9")
              : List.of("ns_fail_o0", "ns_fail_o9", "ns_pair", "fails");
      case "w6" -> List.of("ns_pair", "ns_bulk_alloc", "ns_bulk_free");
      // Larger blocks than the memory of this test, or than the model has.
      case "w7" -> numbered("ns_pair_o", 10, kind == Subject.Kind.LINUX_LIKE ? 10 : LOG2_FRAMES);
      case "w8" ->
          Cpu.count() < 2
              ? List.of("w1_1t_Mops", "w4at25pc_each_1t_Mops")
              : List.of(
                  "w1_1t_Mops", "w1_2t_Mops", "w4at25pc_each_1t_Mops", "w4at25pc_each_2t_Mops");
      case "w9" -> List.of("ns_item");
      case "w10" ->
          Stream.of("alloc_", "free_")
              .flatMap(prefix ->
                  Stream.of("p50_ns", "p99_ns", "p99.9_ns", "p99.99_ns", "max_ns")
                      .map(name -> prefix + name))
              .toList();
      case "frag_f1s_90", "frag_f1b_90", "frag_f3_50", "frag_f3_80" -> steps(0, 1);
      case "frag_f1s_50", "frag_f1b_50", "frag_f4", "frag_f4c" -> steps(0, 0);
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
    for (Subject.Kind kind : SubjectTest.framesOfOneMemory().toList()) {
      assertEquals(values(kind, "frag_f2b"), values(kind, "frag_f2b"));
      assertEquals(values(kind, "frag_f3_50"), values(kind, "frag_f3_50"));
    }
  }

  @Test
  void whatTheOrderMixHoldsDoesNotDependOnTheAllocator() {
    // Without failures the draws alone decide how many frames are live.
    List<Double> ideals = new ArrayList<>();
    for (Subject.Kind kind : SubjectTest.framesOfOneMemory().toList()) {
      Map<String, Double> found = values(kind, "frag_f3_50");
      ideals.add(found.get("ideal2M_step1"));
    }
    assertEquals(1, Set.copyOf(ideals).size(), ideals::toString);
  }

  private static Map<String, Double> values(Subject.Kind kind, String id) {
    Map<String, Double> values = new LinkedHashMap<>();
    run(kind, id).rows().forEach(row -> values.put(row.metric(), row.value()));
    return values;
  }

  @Test
  void aNameStandsForItselfOrForAllThatBeginWithIt() {
    assertEquals(List.of("w4:10", "w4:50", "w4:90"), Workload.idsFor("w4"));
    assertEquals(
        List.of("w4:10", "w4:50", "w4:90", "w4b:10", "w4b:50", "w4b:90"),
        Workload.idsFor("growth"));
    assertEquals(List.of("w1"), Workload.idsFor("w1"));
    assertEquals(FragmentationWorkload.ids(), Workload.idsFor("frag"));
    assertEquals(Workload.ids(), Workload.idsFor("all"));
    assertThrows(IllegalArgumentException.class, () -> Workload.idsFor("w"));
    for (String id : Workload.ids()) {
      assertEquals(List.of(id), Workload.idsFor(id));
    }
  }

  @Test
  void whatShowsGrowthAloneIsNotRunByDefault() {
    List<String> rest = new ArrayList<>(Workload.ids());
    rest.removeAll(Workload.defaultIds());
    assertEquals(List.of("w4:10", "w4b:10", "w4b:50"), rest);
  }

  @Test
  void whoLacksWhatAWorkloadNeedsIsLeftOut() {
    assertLeftOut(Subject.Kind.HYBRID, 21, List.of());
    assertLeftOut(Subject.Kind.CLASSIC, 21, List.of("frag_f4c"));
    assertLeftOut(Subject.Kind.LINUX_LIKE, 21, List.of("w2k", "frag_f4c"));
    List<String> forNative = new ArrayList<>(List.of("init", "w2k", "wfull"));
    forNative.addAll(FragmentationWorkload.ids());
    for (Subject.Kind kind : List.of(Subject.Kind.GLIBC, Subject.Kind.JEMALLOC)) {
      assertLeftOut(kind, 18, forNative);
    }
    List<String> speed = new ArrayList<>(Workload.ids());
    speed.removeAll(FragmentationWorkload.ids());
    speed.add("frag_f4c");
    assertLeftOut(Subject.Kind.BEST_FIT, 21, speed);
  }

  @Test
  void whereFramesAreOnlyMetadataNoTableHasThemAll() {
    List<String> bounded = List.of("init", "w1", "w2", "w2k", "w3", "wsmall", "w6", "w7", "w9");
    List<String> found =
        Workload.ids().stream()
            .filter(id -> !Workload.of(id).needs().contains(Need.WHOLE_TABLE))
            .toList();
    assertEquals(bounded, found);
    assertNull(Subject.Kind.CLASSIC.lack(Need.WHOLE_TABLE, 24));
    assertNotNull(Subject.Kind.CLASSIC.lack(Need.WHOLE_TABLE, 25));
  }

  private static void assertLeftOut(Subject.Kind kind, int log2frames, List<String> ids) {
    List<String> found =
        Workload.ids().stream()
            .filter(id -> Workload.of(id).obstacle(kind, log2frames) != null)
            .toList();
    List<String> expected = new ArrayList<>(Workload.ids());
    expected.retainAll(ids);
    if (Cpu.count() < 2 && !expected.contains("w9")) {
      found = found.stream().filter(id -> !id.equals("w9")).toList();
    }
    assertEquals(expected, found, kind.csvName());
  }
}
