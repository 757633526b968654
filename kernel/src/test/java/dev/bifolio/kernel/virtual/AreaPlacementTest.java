package dev.bifolio.kernel.virtual;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Places for areas, at the borders of gaps, spaces and windows.
class AreaPlacementTest {
  private static final long PAGE = 4096;
  private static final long FLOOR = 4 * PAGE;
  private static final long CEILING = 18 * PAGE;

  private final TestFrames frames = new TestFrames(4096, 4);
  private final VirtualAreas areas =
      new VirtualAreas(
          frames.own(VirtualAreas.BYTE_SIZE), FLOOR, CEILING, frames, 0, frames.physToVirt);
  private final AreaPlacement placement = new AreaPlacement(areas);
  private final AreasModel model = new AreasModel();

  @AfterEach
  void close() {
    frames.close();
  }

  private void insert(long... pages) {
    for (long page : pages) {
      areas.insert(page * PAGE, (page + 1) * PAGE, AreaFlags.READ, 0, 0);
      model.put(page * PAGE, (page + 1) * PAGE, AreaFlags.READ, 0, 0);
    }
  }

  /// Each window of the space, and some beyond it.
  private void allPlacesAreThoseOfTheModel(long pages, long align, long guard) {
    for (long low = 2 * PAGE; low <= CEILING; low += PAGE) {
      for (long high = low - PAGE; high <= CEILING + PAGE; high += PAGE) {
        String of = pages + " at " + align + ", " + guard + ": " + low / PAGE + "-" + high / PAGE;
        long byteSize = pages * PAGE;
        assertEquals(
            model.highest(areas, byteSize, align * PAGE, guard * PAGE, low, high),
            placement.topDown(byteSize, align * PAGE, guard * PAGE, low, high),
            of);
        assertEquals(
            model.lowest(areas, byteSize, align * PAGE, guard * PAGE, low, high),
            placement.bottomUp(byteSize, align * PAGE, guard * PAGE, low, high),
            of);
      }
    }
  }

  private void allPlacesAreThoseOfTheModel() {
    for (long pages = 1; pages < 5; pages++) {
      for (long guard = 0; guard < 2; guard++) {
        allPlacesAreThoseOfTheModel(pages, 1, guard);
        allPlacesAreThoseOfTheModel(pages, 2, guard);
      }
    }
  }

  @Test
  void placesOfASpaceWithRoomAtItsEndsAreThoseOfTheModel() {
    insert(8, 12, 14);
    allPlacesAreThoseOfTheModel();
  }

  @Test
  void placesOfASpaceThatIsFullAtItsEndsAreThoseOfTheModel() {
    insert(4, 8, 13, 17);
    allPlacesAreThoseOfTheModel();
  }

  @Test
  void placesOfAnEmptySpaceAreThoseOfTheModel() {
    allPlacesAreThoseOfTheModel();
    assertEquals(CEILING - PAGE, placement.place(PAGE, 0, 0));
    assertEquals(FLOOR, placement.place(CEILING - FLOOR, 0, 5 * PAGE));
    assertEquals(AreaPlacement.NO_PLACE, placement.place(CEILING - FLOOR + PAGE, 0, 0));
  }

  @Test
  void aRangeIsFreeUpToTheEndsOfTheSpaceAndNotBeyond() {
    for (int round = 0; round < 2; round++) {
      assertTrue(placement.isFree(FLOOR, PAGE, 3 * PAGE));
      assertFalse(placement.isFree(FLOOR - PAGE, PAGE, 0));
      assertTrue(placement.isFree(CEILING - PAGE, PAGE, 3 * PAGE));
      assertFalse(placement.isFree(CEILING - PAGE, 2 * PAGE, 0));
      assertFalse(placement.isFree(CEILING, PAGE, 0));
      assertFalse(placement.isFree(CEILING + PAGE, PAGE, 0));
      assertFalse(placement.isFree(FLOOR, Long.MAX_VALUE & -PAGE, 0));
      // And when there is an area in the middle.
      insert(11);
    }
  }

  @Test
  void aRangeIsFreeIfItsGuardsAre() {
    insert(6, 12);
    for (long guard = 0; guard < 4; guard++) {
      for (long start = 4; start < 18; start++) {
        for (long pages = 1; pages < 6 && start + pages <= 18; pages++) {
          assertEquals(
              model.isFree(areas, start * PAGE, pages * PAGE, guard * PAGE),
              placement.isFree(start * PAGE, pages * PAGE, guard * PAGE),
              start + " + " + pages + ", " + guard);
        }
      }
    }
  }
}
