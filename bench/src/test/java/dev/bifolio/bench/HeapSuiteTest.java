package dev.bifolio.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.unit.Pages;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class HeapSuiteTest {
  @ParameterizedTest
  @EnumSource(VirtualSubject.Kind.class)
  void whatIsAllocatedAtTheSameTimeIsApart(VirtualSubject.Kind kind) {
    try (VirtualSubject subject = kind.create()) {
      long small = subject.allocate(64 * Pages.KIB, true);
      long large = subject.allocate(4 * Pages.MIB, true);
      assertNotEquals(small, large);
      assertTrue(Math.abs(large - small) >= 64 * Pages.KIB);
      subject.free(small, 64 * Pages.KIB);
      subject.free(large, 4 * Pages.MIB);
    }
  }

  @Test
  void allFramesComeBack() {
    try (VmallocSubject subject = VmallocSubject.create()) {
      long free = subject.freeFrames();
      long address = subject.allocate(4 * Pages.MIB, false);
      // At least the frames and the table, and no more than some others beside it.
      assertTrue(free - subject.freeFrames() >= 1025);
      assertTrue(free - subject.freeFrames() <= 1030);
      subject.free(address, 4 * Pages.MIB);
      assertEquals(free, subject.freeFrames());
      assertThrows(IllegalStateException.class, () -> subject.free(address, 4 * Pages.MIB));
      assertThrows(IllegalStateException.class, () -> subject.allocate(Pages.GIB, false));
    }
  }

  @ParameterizedTest
  @EnumSource(VirtualSubject.Kind.class)
  void theWorkloadGivesTimesAndTheHeapThatTheyTook(VirtualSubject.Kind kind) {
    VirtualRun run = new VirtualRun("h5", kind, 1, 10_000);
    new RunPairWorkload().run(run);
    Map<String, Double> values = new LinkedHashMap<>();
    run.rows().forEach(row -> values.put(row.metric(), row.value()));
    List<String> times = new ArrayList<>();
    for (String size : List.of("64k", "4m", "zeroed_64k", "zeroed_4m")) {
      if (kind.leavesContents() || size.startsWith("zeroed")) {
        times.add("us_pair_" + size);
        times.add("heap_bytes_pair_" + size);
      }
    }
    assertEquals(times, List.copyOf(values.keySet()));
    values.forEach((name, value) -> assertTrue(value >= 0, name));
  }

  @Test
  void kindsTakeTurns() throws Exception {
    List<Row> rows = new ArrayList<>();
    List<String> notes = new ArrayList<>();
    new HeapSuite(VirtualSubject.Kind.all(), List.of("h5"), 2, 10_000).run(rows::add, notes::add);
    assertEquals(
        List.of("vmalloc", "mmap", "vmalloc", "mmap"),
        rows.stream()
            .filter(row -> row.metric().equals("us_pair_zeroed_64k"))
            .map(Row::allocator)
            .toList());
    assertEquals(List.of(), notes);
    assertEquals(List.of("h5"), TableSuite.idsFor("h5", HeapSuite.IDS));
    assertThrows(IllegalArgumentException.class, () -> TableSuite.idsFor("h9", HeapSuite.IDS));
  }
}
