package dev.bifolio.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.mmu.Mmu;
import dev.bifolio.kernel.unit.Pages;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class TableSuiteTest {
  private static final int TABLE_FRAMES = 1 << 14;

  static Stream<TableSubject.Kind> tables() {
    return TableSubject.Kind.all().stream().filter(TableSubject.Kind::hasTables);
  }

  @ParameterizedTest
  @EnumSource(TableSubject.Kind.class)
  void pagesAreWhereTheyWereMappedUntilTheyAreUnmapped(TableSubject.Kind kind) {
    Draws draws = new Draws(1);
    Map<Long, Long> model = new HashMap<>();
    try (TableSubject subject = kind.create(TABLE_FRAMES)) {
      for (int turn = 0; turn < 4000; turn++) {
        long page = TableWorkload.virtual(draws.below(512) << draws.below(19));
        if (model.containsKey(page)) {
          subject.unmapPage(page);
          model.remove(page);
        } else {
          model.put(page, Pages.pfnToAddress(draws.below(1 << 20)));
          subject.mapPage(page, model.get(page));
        }
        assertEquals(
            model.containsKey(page) ? model.get(page) + 77 : TableSubject.NOT_MAPPED,
            subject.translate(page + 77));
      }
      model.forEach((page, physical) -> assertEquals(physical, subject.translate(page)));
    }
  }

  @ParameterizedTest
  @EnumSource(TableSubject.Kind.class)
  void rangesAreMappedByPagesOfEitherSizeAndGo(TableSubject.Kind kind) {
    long first = TableSubject.FIRST_VIRTUAL;
    try (TableSubject subject = kind.create(TABLE_FRAMES)) {
      for (boolean largest : new boolean[] {false, true, false}) {
        subject.mapRange(first, Pages.GIB, 2 * Pages.MIB, largest);
        assertEquals(Pages.GIB, subject.translate(first));
        assertEquals(Pages.GIB + 2 * Pages.MIB - 1, subject.translate(first + 2 * Pages.MIB - 1));
        subject.unmapRange(first, 2 * Pages.MIB);
        assertEquals(TableSubject.NOT_MAPPED, subject.translate(first));
        assertEquals(TableSubject.NOT_MAPPED, subject.translate(first + 2 * Pages.MIB - 1));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("tables")
  void spacesRefuseWhatIsMappedAlready(TableSubject.Kind kind) {
    try (TableSubject subject = kind.create(TABLE_FRAMES)) {
      subject.mapPage(TableSubject.FIRST_VIRTUAL, 0);
      assertThrows(
          IllegalStateException.class, () -> subject.mapPage(TableSubject.FIRST_VIRTUAL, 0));
      subject.unmapPage(TableSubject.FIRST_VIRTUAL);
      assertThrows(
          IllegalStateException.class,
          () -> subject.unmapRange(TableSubject.FIRST_VIRTUAL, Pages.PAGE_SIZE));
    }
  }

  @ParameterizedTest
  @MethodSource("tables")
  void aProcessorThatRemembersWalksOnceAPage(TableSubject.Kind kind) {
    try (SpaceSubject subject = SpaceSubject.create(kind, TABLE_FRAMES)) {
      long first = TableSubject.FIRST_VIRTUAL;
      subject.mapPage(first, Pages.GIB);
      Mmu processor = subject.processor(16, 2);
      for (int offset = 0; offset < 100; offset++) {
        assertEquals(Pages.GIB + offset, processor.access(first + offset, Mmu.LOAD));
      }
      assertEquals(1, processor.walks());
    }
  }

  @ParameterizedTest
  @EnumSource(TableSubject.Kind.class)
  void everyWorkloadRunsAndGivesItsMetrics(TableSubject.Kind kind) {
    assertEquals(List.of("ns_pair"), times(kind, "t1:near"));
    assertEquals(List.of("ns_translate"), times(kind, "t2"));
    assertEquals(List.of("ns_translate"), times(kind, "t2:strewn"));
    List<String> ranges = new ArrayList<>(List.of("ms_map_4k", "ms_unmap_4k"));
    if (kind.hasTables()) {
      ranges.add("us_largest");
      assertEquals(List.of("ns_translate"), times(kind, "t2:tlb-near"));
      assertEquals(
          List.of("ns_first_touch", "ns_zeroing", "ns_cow_store", "ns_copying"), times(kind, "t4"));
    }
    assertEquals(ranges, times(kind, "t3"));
    for (String id : TableWorkload.IDS) {
      boolean runs = TableWorkload.of(id).obstacle(kind) == null;
      assertEquals(kind.hasTables() || !(id.startsWith("t2:tlb") || id.equals("t4")), runs, id);
    }
  }

  /// The times, each of which is followed by the heap that it took.
  private static List<String> times(TableSubject.Kind kind, String id) {
    TableRun run = new TableRun(id, kind, 1, 1000);
    TableWorkload.of(id).run(run);
    Map<String, Double> values = new LinkedHashMap<>();
    run.rows().forEach(row -> values.put(row.metric(), row.value()));
    List<String> times = values.keySet().stream().filter(name -> !isHeap(name)).toList();
    for (String time : times) {
      assertTrue(values.get(time) >= 0, time);
      assertNotNull(values.get("heap_bytes_" + time.substring(3)), time);
    }
    assertEquals(2 * times.size(), values.size());
    return times;
  }

  private static boolean isHeap(String metric) {
    return metric.startsWith("heap_bytes_");
  }

  @Test
  void aMeterAddsUpTimeAndHeapOfItsIntervalsOnly() {
    Meter meter = new Meter();
    byte[][] kept = new byte[2][];
    kept[0] = new byte[1 << 20];
    meter.start();
    kept[1] = new byte[1 << 16];
    meter.stop(2);
    assertTrue(meter.heapBytesPerOperation() >= 1 << 15, "" + meter.heapBytesPerOperation());
    assertTrue(meter.heapBytesPerOperation() < 1 << 18, "" + meter.heapBytesPerOperation());
    assertTrue(meter.nanosPerOperation() >= 0);
    assertEquals((1 << 20) + (1 << 16), kept[0].length + kept[1].length);
  }

  @Test
  void runsAlternateAndWhatIsLeftOutIsSaidOnce() throws Exception {
    List<Row> rows = new ArrayList<>();
    List<String> notes = new ArrayList<>();
    List<TableSubject.Kind> kinds =
        List.of(TableSubject.Kind.SV48, TableSubject.Kind.HASH_MAP, TableSubject.Kind.FLAT);
    new TableSuite(kinds, List.of("t3", "t2:tlb-near"), 2, 1000).run(rows::add, notes::add);
    assertEquals(
        List.of("sv48", "hash-map", "flat", "sv48", "hash-map", "flat", "sv48", "sv48"),
        rows.stream()
            .filter(row -> List.of("ms_map_4k", "ns_translate").contains(row.metric()))
            .map(Row::allocator)
            .toList());
    assertEquals(
        List.of(
            "hash-map, t3: left out: the largest pages: it has pages of one size",
            "flat, t3: left out: the largest pages: it has pages of one size",
            "hash-map: left out of t2:tlb-near: no processor walks it",
            "flat: left out of t2:tlb-near: no processor walks it"),
        notes);
  }

  @Test
  void aNameStandsForItselfOrForAllThatBeginWithIt() {
    assertEquals(List.of("t2"), TableSuite.idsFor("t2"));
    assertEquals(List.of("t2:tlb"), TableSuite.idsFor("t2:tlb"));
    assertEquals(TableWorkload.IDS, TableSuite.idsFor("all"));
    assertThrows(IllegalArgumentException.class, () -> TableSuite.idsFor("t"));
    assertThrows(IllegalArgumentException.class, () -> TableSuite.idsFor("w1"));
    assertNull(TableWorkload.of("t1").obstacle(TableSubject.Kind.FLAT));
  }
}
