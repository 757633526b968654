package dev.bifolio.kernel.virtual;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// The tree of areas, after each change of small trees of all shapes.
class AreaTreeTest {
  private static final long PAGE = 4096;
  private static final long FLOOR = 4 * PAGE;

  /// First and last page of areas that are far from each other, near, and touch.
  private static final long[][] AREAS = {
    {9, 12}, {12, 14}, {20, 21}, {22, 23}, {300, 301}, {301, 302}, {900, 999}
  };

  private final TestFrames frames = new TestFrames(4096, 4);
  private final VirtualAreas areas =
      new VirtualAreas(
          frames.own(VirtualAreas.BYTE_SIZE), FLOOR, 1L << 30, frames, 0, frames.physToVirt);
  private final AreasModel model = new AreasModel();

  @AfterEach
  void close() {
    frames.close();
  }

  private void insert(int i) {
    // Neighbours that touch differ, so none of them become one; and one is a stack.
    int flags = i % 2 == 0 ? AreaFlags.READ : AreaFlags.WRITE;
    flags |= i == 4 ? AreaFlags.GROWS_DOWN : 0;
    long start = AREAS[i][0] * PAGE;
    long end = AREAS[i][1] * PAGE;
    assertEquals(InsertOutcome.INSERTED, areas.insert(start, end, flags, 0, 0));
    model.put(start, end, flags, 0, 0);
    model.check(areas);
  }

  private void remove(long start, long end) {
    assertEquals(RemoveOutcome.REMOVED, areas.remove(start, end));
    model.remove(start, end);
    model.check(areas);
  }

  private void remove(int i) {
    remove(AREAS[i][0] * PAGE, AREAS[i][1] * PAGE);
  }

  /// All orders of the first numbers.
  private static List<List<Integer>> orders(int count) {
    if (count == 0) {
      return List.of(List.of());
    }
    List<List<Integer>> all = new ArrayList<>();
    for (List<Integer> fewer : orders(count - 1)) {
      for (int at = 0; at < count; at++) {
        List<Integer> more = new ArrayList<>(fewer);
        more.add(at, count - 1);
        all.add(more);
      }
    }
    return all;
  }

  @Test
  void anyOrderOfInsertionsMakesATreeThatIsBalanced() {
    for (List<Integer> order : orders(6)) {
      order.forEach(this::insert);
      order.forEach(this::remove);
    }
    assertEquals(0, frames.inUse());
  }

  @Test
  void anyOrderOfRemovalsLeavesATreeThatIsBalanced() {
    for (List<Integer> order : orders(5)) {
      for (int i : new int[] {3, 1, 5, 0, 2, 4, 6}) {
        insert(i);
      }
      order.forEach(this::remove);
      remove(6);
      remove(5);
    }
    assertEquals(0, frames.inUse());
  }

  @Test
  void aLargeTreeStaysBalancedWhenItIsEatenFromOneEnd() {
    for (long i = 0; i < 60; i++) {
      long start = FLOOR + i * 3 * PAGE;
      areas.insert(start, start + 2 * PAGE, AreaFlags.READ, 0, 0);
      model.put(start, start + 2 * PAGE, AreaFlags.READ, 0, 0);
    }
    model.check(areas);
    for (long i = 0; i < 30; i++) {
      remove(FLOOR + i * 3 * PAGE, FLOOR + i * 3 * PAGE + 2 * PAGE);
      remove(FLOOR + (59 - i) * 3 * PAGE, FLOOR + (59 - i) * 3 * PAGE + 2 * PAGE);
    }
    assertEquals(0, areas.count());
  }

  @Test
  void anAreaThatShrinksMovesTheGapsOnBothItsSides() {
    for (int i = 0; i < AREAS.length; i++) {
      insert(i);
    }
    for (int i : new int[] {6, 0}) {
      remove(AREAS[i][0] * PAGE, (AREAS[i][0] + 1) * PAGE);
      remove((AREAS[i][1] - 1) * PAGE, AREAS[i][1] * PAGE);
    }
    remove(950 * PAGE, 960 * PAGE); // the largest gap but one is in the middle of an area then
    remove(910 * PAGE, 940 * PAGE);
  }

  @Test
  void anAreaThatGrowsTakesFromTheGapOfTheNext() {
    for (int i : new int[] {0, 2, 3, 6}) {
      insert(i);
    }
    long start = AREAS[2][1] * PAGE;
    areas.insert(start, start + PAGE, AreaFlags.READ, 0, 0);
    model.put(start, start + PAGE, AreaFlags.READ, 0, 0);
    model.check(areas);
    areas.insert(13 * PAGE, 20 * PAGE, AreaFlags.READ, 0, 0);
    model.put(13 * PAGE, 20 * PAGE, AreaFlags.READ, 0, 0);
    model.check(areas);
    areas.insert(12 * PAGE, 13 * PAGE, AreaFlags.READ, 0, 0);
    model.put(12 * PAGE, 13 * PAGE, AreaFlags.READ, 0, 0);
    model.check(areas);
  }
}
