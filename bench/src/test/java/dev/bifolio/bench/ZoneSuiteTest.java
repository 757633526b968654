package dev.bifolio.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.zone.ZoneType;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ZoneSuiteTest {
  private static final int FRAMES = 1 << 14;

  static Stream<Subject.Kind> zoned() {
    return Subject.Kind.zones().stream().filter(Subject.Kind::isZoned);
  }

  @ParameterizedTest
  @MethodSource("zoned")
  void everyFrameIsGivenOutOnceAndTheMarksAreKept(Subject.Kind kind) {
    try (ZonedSubject subject = ZonedSubject.create(kind, FRAMES)) {
      BitSet owned = new BitSet(FRAMES);
      long pfn = subject.allocate(0);
      for (; pfn >= 0; pfn = subject.allocate(0)) {
        int frame = (int) (pfn - Subject.START_PFN);
        assertFalse(owned.get(frame), "given out twice");
        owned.set(frame);
      }
      assertEquals(Subject.NO_FRAME, pfn);
      long kept = 0;
      for (int z = 0; z < subject.frames().zones().count(); z++) {
        kept += subject.frames().zones().zone(z).minFrames();
        kept += subject.frames().zones().zone(z).lowmemReserveFrames(ZoneType.NORMAL);
      }
      assertEquals(kind == Subject.Kind.ZONE_NEAR, kept == 0);
      assertEquals(FRAMES - kept, owned.cardinality());
      owned.stream().forEach(frame -> subject.free(Subject.START_PFN + frame, 0));
      subject.drain();
      assertTrue(subject.allocate(12) >= 0, "memory is not whole again");
      assertThrows(RuntimeException.class, () -> subject.free(Subject.START_PFN - 1, 0));
    }
  }

  @Test
  void eachKindHasTheZonesAndAccountsThatItIsNamedAfter() {
    for (Subject.Kind kind : zoned().toList()) {
      try (ZonedSubject subject = ZonedSubject.create(kind, FRAMES)) {
        assertEquals(
            kind == Subject.Kind.TWO_ZONES ? 2 : 1, subject.frames().zones().count(), "zones");
        long pfn = subject.allocate(3);
        long word = subject.frames().zones().ofFrame(pfn).bank(0).info().get(pfn);
        assertEquals(kind == Subject.Kind.ZONE_CHARGED, word != 0);
        subject.free(pfn, 3);
      }
    }
  }

  @Test
  void runsGoOnInNewJvmsAndEachIsComparedWithTheBareAllocatorBefore() throws Exception {
    List<Row> rows = new ArrayList<>();
    ZoneSuite suite =
        new ZoneSuite(
            List.of(Subject.Kind.HYBRID, Subject.Kind.ZONE), List.of("z1:w1"), 12, 4, 1000);
    suite.run(rows::add, _ -> {});
    assertEquals(3 * 4, rows.size());
    for (int run = 1; run <= 4; run++) {
      Row bare = rows.get(3 * run - 3);
      Row zone = rows.get(3 * run - 2);
      Row difference = rows.get(3 * run - 1);
      assertEquals("hybrid,12,z1:w1,ns_pair," + run, key(bare));
      assertEquals("zone,12,z1:w1,ns_pair," + run, key(zone));
      assertEquals("zone,12,z1:w1,ns_pair_difference," + run, key(difference));
      assertEquals(zone.value() - bare.value(), difference.value(), 0.0);
    }
  }

  private static String key(Row row) {
    String line = row.toCsv();
    return line.substring(0, line.lastIndexOf(','));
  }

  @ParameterizedTest
  @MethodSource("zoned")
  void everyWorkloadRunsAndGivesItsMetrics(Subject.Kind kind) {
    assertEquals(List.of("ns_pair"), metrics(kind, "z1:w1"));
    assertEquals(List.of("ns_freealloc"), metrics(kind, "z1:w4b:90"));
    assertEquals(List.of("ns_fail_o0", "ns_fail_o9"), metrics(kind, "z1:wfull"));
  }

  private static List<String> metrics(Subject.Kind kind, String id) {
    return List.copyOf(values(kind, id).keySet());
  }

  private static Map<String, Double> values(Subject.Kind kind, String id) {
    Run run = new Run(id, kind, 14, 1, 100);
    Workload.of(id).run(run);
    Map<String, Double> values = new LinkedHashMap<>();
    run.rows().forEach(row -> values.put(row.metric(), row.value()));
    return values;
  }

  @Test
  void compactionBringsBackNearlyAllAreasWithTheFewestMoves() {
    Map<String, Double> found = values(Subject.Kind.ZONE, "frag_f4_compacted");
    assertEquals(
        List.of(
            "free2M_step0",
            "ideal2M_step0",
            "free2M_step1",
            "areas_gained",
            "frames_moved",
            "frames_moved_minimum",
            "ms"),
        List.copyOf(found.keySet()));
    double gained = found.get("free2M_step1") - found.get("free2M_step0");
    assertEquals(gained, found.get("areas_gained"));
    assertTrue(found.get("free2M_step1") >= 0.9 * found.get("ideal2M_step0"), found::toString);
    assertTrue(found.get("frames_moved") >= found.get("frames_moved_minimum"), found::toString);
    assertTrue(gained > 0 && found.get("frames_moved_minimum") >= gained, found::toString);
  }

  @Test
  void onlyWhatMovesFramesIsCompacted() {
    for (Subject.Kind kind : Subject.Kind.values()) {
      assertEquals(
          kind == Subject.Kind.ZONE,
          Workload.of("frag_f4_compacted").obstacle(kind, 14) == null,
          kind.csvName());
    }
  }

  @Test
  void aNameStandsForItselfOrForASuite() {
    assertEquals(List.of("z1:w1", "z1:w4b:90", "z1:wfull"), ZoneSuite.idsFor("z1"));
    assertEquals(List.of("frag_f4_compacted"), ZoneSuite.idsFor("z2"));
    assertEquals(ZoneSuite.ids(), ZoneSuite.idsFor("all"));
    assertEquals(List.of("z1:w1"), ZoneSuite.idsFor("z1:w1"));
    assertThrows(IllegalArgumentException.class, () -> ZoneSuite.idsFor("w1"));
  }
}
