package dev.bifolio.kernel.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Random operations on each format against a map from pages to pages.
class AddressSpaceModelTest {
  private static final int STEPS = 1_000_000;
  private static final long PAGE = 4096;

  static List<PageFormat> formats() {
    return TestTables.FORMATS;
  }

  private static Set<String> names(Set<Enum<?>> outcomes) {
    Set<String> names = new TreeSet<>();
    outcomes.forEach(
        outcome -> names.add(outcome.getDeclaringClass().getSimpleName() + " " + outcome));
    return names;
  }

  @ParameterizedTest
  @MethodSource("formats")
  @Tag("slow")
  void randomOperationsDoWhatAMapDoes(PageFormat format) {
    try (TestTables tables = new TestTables(format, 4000)) {
      tables.serve(0);
      while (tables.frames.poolInUse() < TableFrames.POOL_FRAMES) {
        assertTrue(tables.frames.allocate() > 0);
      }
      int atFirst = tables.inUse();
      SpaceModel world = new SpaceModel(tables, 1);
      for (int step = 0; step < STEPS; step++) {
        world.step();
        if (step % 20_000 == 0) {
          world.checkAll();
        }
      }
      world.checkAll();
      assertEquals(names(world.possible()), names(world.seen));
      tables.serve(Long.MAX_VALUE);
      assertTrue(tables.space.tableCount() > format.rootCount());
      for (long page : world.model.keySet().toArray(new Long[0])) {
        assertEquals(UnmapOutcome.DONE, tables.space.unmap(page, PAGE, tables.batch));
      }
      tables.space.flushed(tables.batch);
      // Nothing is mapped; what is left are tables that somebody wanted kept.
      long half = world.lowEnd();
      assertEquals(UnmapOutcome.DONE, tables.space.unmapAny(0, half, false, tables.batch));
      if (format.isCanonical(-1)) {
        assertEquals(UnmapOutcome.DONE, tables.space.unmapAny(-half, half, false, tables.batch));
      }
      tables.space.flushed(tables.batch);
      assertEquals(atFirst, tables.inUse());
      assertEquals(format.rootCount(), tables.space.tableCount());
      for (int level = 1; level <= format.largestLeafLevel(); level++) {
        assertEquals(0, tables.space.pageCount(level));
      }
    }
  }
}
