package dev.bifolio.kernel.virtual;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import dev.bifolio.testkit.SplitMix64;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Random operations on areas against a map from pages to what they are.
class VirtualAreasModelTest {
  private static final long PAGE = 4096;
  private static final long FLOOR = 16 * PAGE;

  private static final class World implements AutoCloseable {
    final TestFrames frames = new TestFrames(PAGE, 64);
    final AreasModel model = new AreasModel();
    final SplitMix64 random;
    final int pageCount;
    final VirtualAreas areas;
    final AreaPlacement placement;

    World(long seed, int pageCount) {
      random = new SplitMix64(seed);
      this.pageCount = pageCount;
      areas =
          new VirtualAreas(
              frames.own(VirtualAreas.BYTE_SIZE),
              FLOOR,
              FLOOR + pageCount * PAGE,
              frames,
              0,
              frames.physToVirt);
      placement = new AreaPlacement(areas);
    }

    private long page() {
      return FLOOR + random.below(pageCount) * PAGE;
    }

    private long end(long start) {
      long most = areas.ceiling() - start;
      long wanted = (1 + random.below(random.oneIn(8) ? 60 : 6)) * PAGE;
      return start + Math.min(most, wanted);
    }

    private int flags() {
      int flags = random.below(3);
      flags |= random.oneIn(16) ? AreaFlags.GROWS_DOWN : 0;
      return random.oneIn(8) ? flags | AreaFlags.HUGE : flags;
    }

    void step() {
      long start = page();
      long end = end(start);
      frames.serve(random.oneIn(20) ? 0 : Long.MAX_VALUE);
      switch (random.below(8)) {
        case 0, 1, 2 -> insert(start, end);
        case 3, 4 -> remove(start, end);
        case 5, 6 -> alter(start, end);
        default -> place();
      }
      look(page() + random.below((int) PAGE));
    }

    private void insert(long start, long end) {
      int flags = flags();
      int backing = random.below(3);
      // Offsets that follow from the address, so that neighbours go on, but not always.
      long offset = backing == 0 ? 0 : start + (random.oneIn(8) ? PAGE : 0);
      boolean isFree = model.isEmpty(start, end);
      InsertOutcome outcome = areas.insert(start, end, flags, backing, offset);
      if (isFree && outcome == InsertOutcome.INSERTED) {
        model.put(start, end, flags, backing, offset);
      } else {
        assertEquals(isFree ? InsertOutcome.NO_MEMORY : InsertOutcome.OVERLAPS, outcome);
      }
    }

    private void remove(long start, long end) {
      RemoveOutcome outcome = areas.remove(start, end);
      if (outcome == RemoveOutcome.REMOVED) {
        model.remove(start, end);
      } else {
        assertEquals(RemoveOutcome.NO_MEMORY, outcome);
      }
    }

    private void alter(long start, long end) {
      int mask = random.oneIn(2) ? AreaFlags.ACCESS : AreaFlags.HUGE;
      int flags = random.below(128) & mask;
      boolean isFull = model.isFull(start, end);
      AlterOutcome outcome = areas.alter(start, end, mask, flags);
      if (isFull && outcome == AlterOutcome.ALTERED) {
        model.alter(start, end, mask, flags);
      } else {
        assertEquals(isFull ? AlterOutcome.NO_MEMORY : AlterOutcome.NOT_MAPPED, outcome);
      }
    }

    private void place() {
      long size = (1 + random.below(12)) * PAGE;
      long align = PAGE << random.below(4);
      long guard = random.below(3) * PAGE;
      long low = random.oneIn(2) ? 0 : page();
      long high = random.oneIn(2) ? Long.MAX_VALUE : page();
      assertEquals(
          model.highest(areas, size, align, guard, low, high),
          placement.topDown(size, align, guard, low, high));
      assertEquals(
          model.lowest(areas, size, align, guard, low, high),
          placement.bottomUp(size, align, guard, low, high));
      long at = page();
      assertEquals(model.isFree(areas, at, size, guard), placement.isFree(at, size, guard));
    }

    private void look(long address) {
      AreasModel.Page page = model.pages.get(address & -PAGE);
      long area = areas.find(address);
      if (page == null) {
        assertEquals(VirtualAreas.NO_AREA, area);
        return;
      }
      assertNotEquals(VirtualAreas.NO_AREA, area);
      assertEquals(page.flags(), areas.flags(area));
      assertEquals(page.backing(), areas.backing(area));
      long place = page.backing() == 0 ? 0 : areas.offset(area) + (address & -PAGE);
      assertEquals(page.offset(), page.backing() == 0 ? 0 : place - areas.start(area));
    }

    void end() {
      model.check(areas);
      if (random.oneIn(2)) {
        frames.serve(0);
        assertEquals(RemoveOutcome.REMOVED, areas.remove(FLOOR, areas.ceiling()));
      } else {
        areas.clear();
      }
      assertEquals(0, areas.count());
      assertEquals(0, areas.pageCount());
      assertEquals(0, areas.frameCount());
      assertEquals(0, frames.inUse());
    }

    @Override
    public void close() {
      frames.close();
    }
  }

  private static void run(long seed, int pageCount, int steps, int between) {
    try (World world = new World(seed, pageCount)) {
      for (int step = 0; step < steps; step++) {
        world.step();
        if (step % between == 0) {
          world.model.check(world.areas);
        }
      }
      world.end();
    }
  }

  @Test
  void someRandomOperationsDoWhatAMapDoes() {
    for (int seed = 0; seed < 20; seed++) {
      run(seed, 60 + 40 * seed, 300, 1);
    }
  }

  @Test
  @Tag("slow")
  void manyRandomOperationsDoWhatAMapDoes() {
    run(100, 700, 400_000, 50);
    run(101, 3000, 400_000, 500);
    run(102, 60, 400_000, 20);
  }
}
