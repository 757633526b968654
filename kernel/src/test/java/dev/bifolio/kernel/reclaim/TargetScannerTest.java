package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// The free scanner goes down through the areas that shall be filled.
class TargetScannerTest {
  private static final long LOW = 0x10000;
  private static final long HIGH = 0x20000;

  private final BankedItems items = new BankedItems(LOW, LOW + 1536, HIGH, HIGH + 1536 + 64);
  private final CompactionPlan plan = new CompactionPlan();
  private final UnitLook look = new UnitLook(items.movable);
  private final TargetScanner scanner = new TargetScanner(items.map, plan, items.movable);

  @AfterEach
  void close() {
    items.close();
  }

  /// Areas with so many live frames at their beginning; the last one has but 64 frames.
  private void fill(int... lives) {
    plan.begin(9);
    for (int area = 0; area < lives.length; area++) {
      long start = startOf(area);
      for (int i = 0; i < lives[area]; i++) {
        items.add(start + i, 1);
      }
      look.look(items.map.map(items.map.bankOf(start)), start, start + 512);
      plan.addArea(look);
      plan.addUnit(look);
    }
    plan.choose(1);
    scanner.begin();
  }

  private static long startOf(int area) {
    return area < 3 ? LOW + area * 512L : HIGH + (area - 3) * 512L;
  }

  private void assertTakes(long startPfn, long endPfn) {
    for (long pfn = startPfn; pfn < endPfn; pfn++) {
      assertEquals(pfn, scanner.take(1));
    }
  }

  @Test
  void itTakesTheFramesOfFullAreasFromTheEndOfMemoryDown() {
    fill(420, 100, 510, 505, 300, 500, 60);
    assertTakes(HIGH + 1536 + 60, HIGH + 1600);
    assertTakes(HIGH + 1024 + 500, HIGH + 1536);
    assertTakes(HIGH + 505, HIGH + 512);
    assertTakes(LOW + 1024 + 510, LOW + 1536);
    assertTakes(LOW + 420, LOW + 512);
    assertEquals(7, scanner.takeLooks());
    assertEquals(0, scanner.takeLooks());
    assertFalse(scanner.isExhausted());
  }

  @Test
  void whenTheFullAreasAreFullItGoesDownOnceMoreForEmptierOnes() {
    fill(510, 100, 511, 511, 300, 400, 64);
    assertTakes(HIGH + 1024 + 400, HIGH + 1536);
    assertTakes(HIGH + 511, HIGH + 512);
    assertTakes(LOW + 1024 + 511, LOW + 1536);
    assertTakes(LOW + 510, LOW + 512);
    assertTakes(HIGH + 512 + 300, HIGH + 1024);
    assertFalse(scanner.isExhausted());
    // The source is no target even now: it can be emptied.
    scanner.avoid(LOW + 512, LOW + 1024);
    assertEquals(-1, scanner.take(1));
    assertTrue(scanner.isExhausted());
    scanner.begin();
    assertFalse(scanner.isExhausted());
  }

  @Test
  void whatIsBeingEmptiedIsAvoidedAndNothingBesides() {
    fill(420, 100, 510, 505, 300, 500, 60);
    scanner.avoid(HIGH + 1024, HIGH + 1536);
    assertTakes(HIGH + 1536 + 60, HIGH + 1600);
    assertTakes(HIGH + 505, HIGH + 512);
    assertEquals(3, scanner.takeLooks(), "the avoided area is not looked at");
  }

  @Test
  void whatIsGivenBackIsFree() {
    fill(420, 100, 510, 505, 300, 500, 60);
    assertEquals(HIGH + 1536 + 60, scanner.take(1));
    scanner.giveBack(HIGH + 1536 + 60, 1);
    scanner.begin();
    assertEquals(HIGH + 1536 + 60, scanner.take(1));
  }

  @Test
  void aRunIsTakenWhereverAnAllocatorHasRoom() {
    fill(512, 100, 512, 512, 500, 500, 60);
    long run = scanner.take(64);
    assertTrue(run >= LOW + 512 && run + 64 <= LOW + 1024, "only the first bank has one");
    assertEquals(0, run % 64);
    assertEquals(-1, scanner.take(512));
    long other = scanner.take(8);
    assertTrue(other >= HIGH, "the last bank is asked first");
    assertFalse(scanner.isExhausted(), "a run that is missing says nothing of single frames");
  }
}
