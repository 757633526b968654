package dev.bifolio.kernel.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.testkit.Behaviour;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Every allocation of a table failing in turn: what is refused for want of memory has changed
/// nothing, not a byte, and is done as soon as there is memory.
class FailingFramesTest {
  private static final long PAGE = 4096;
  private static final int R = PageFlags.READ;
  private static final int RW = PageFlags.READ | PageFlags.WRITE;

  /// Two spaces, the pool all out, and what is asked of them.
  private static final class World implements AutoCloseable {
    final TestTables tables;
    final PageFormat format;
    final AddressSpace space;
    final AddressSpace other;
    final CountedSharers sharers = new CountedSharers(9);
    final long huge;

    World(PageFormat format) {
      this.format = format;
      tables = new TestTables(format, 1200);
      space = tables.space;
      other = tables.another();
      huge = format.pageByteSize(2);
      tables.serve(0);
      while (tables.frames.poolInUse() < TableFrames.POOL_FRAMES) {
        tables.frames.allocate();
      }
      tables.serve(Long.MAX_VALUE);
    }

    World map(long at, long physical, long byteSize, int flags) {
      assertEquals(MapOutcome.MAPPED, space.map(at, physical, byteSize, flags));
      return this;
    }

    String state() {
      return tables.state(space)
          + (other.tableCount() == 0 ? "" : tables.state(other))
          + sharers.more
          + tables.batch.isEmpty()
          + tables.batch.pageCount();
    }

    String translations() {
      StringBuilder text = new StringBuilder();
      for (AddressSpace of : List.of(space, other)) {
        for (long at = 0; at < 3 * huge; at += 64 * PAGE) {
          text.append(of.lookup(at)).append(' ').append(of.lookup(at + PAGE)).append(' ');
        }
        text.append(of.lookup(huge - PAGE)).append(of.lookup(2 * huge - PAGE));
      }
      return text.toString();
    }

    @Override
    public void close() {
      tables.close();
    }
  }

  /// Something that takes tables; its attempt says how it ended.
  record Scenario(
      String name,
      PageFormat format,
      Consumer<World> prepare,
      Function<World, Object> attempt,
      Object refused,
      Object done) {
    @Override
    public String toString() {
      return format + ": " + name;
    }
  }

  static List<Scenario> scenarios() {
    List<Scenario> all = new ArrayList<>();
    for (PageFormat format : TestTables.FORMATS) {
      maps(format, all);
      splits(format, all);
      copies(format, all);
      others(format, all);
    }
    return all;
  }

  private static void maps(PageFormat format, List<Scenario> all) {
    Object no = MapOutcome.NO_TABLE;
    Object yes = MapOutcome.MAPPED;
    Consumer<World> nothing = w -> {};
    all.add(new Scenario("map one", format, nothing, w -> w.space.map(0, 0, PAGE, RW), no, yes));
    all.add(
        new Scenario(
            "map across two tables",
            format,
            w -> w.map(0, 0, PAGE, R),
            w -> w.space.map(w.huge - 2 * PAGE, 0, 4 * PAGE, RW),
            no,
            yes));
    all.add(
        new Scenario(
            "map large pages with ragged ends",
            format,
            nothing,
            w -> w.space.map(w.huge - PAGE, 2 * w.huge - PAGE, w.huge + 2 * PAGE, RW),
            no,
            yes));
    all.add(
        new Scenario(
            "map small pages only",
            format,
            nothing,
            w -> w.space.map(w.huge / 2, 0, 3 * w.huge, RW, 1),
            no,
            yes));
    all.add(
        new Scenario(
            "map frames across two tables",
            format,
            w -> w.map(0, 0, PAGE, R),
            w -> w.space.mapFrames(w.huge - 2 * PAGE, new long[] {9, 3, 5, 1}, 0, 4, RW),
            no,
            yes));
    all.add(
        new Scenario(
            "map one frame",
            format,
            nothing,
            w -> w.space.mapFrames(PAGE, new long[] {9}, 0, 1, RW),
            no,
            yes));
    all.add(
        new Scenario(
            "map across two top entries",
            format,
            w -> w.map(4 * PAGE, 0, PAGE, R),
            w -> w.space.map(w.format.pageByteSize(w.format.levels()) - PAGE, 0, 2 * PAGE, RW),
            no,
            yes));
    if (format.levels() > 2) {
      all.add(
          new Scenario(
              "map exact large pages",
              format,
              nothing,
              w -> w.space.mapExact(w.huge, 0, 3 * w.huge, RW, 2),
              no,
              yes));
    }
  }

  private static void splits(PageFormat format, List<Scenario> all) {
    Object gone = UnmapOutcome.DONE;
    Object notGone = UnmapOutcome.NO_TABLE;
    int largest = Math.min(3, format.largestLeafLevel());
    for (int level = 2; level <= largest; level++) {
      long size = format.pageByteSize(level);
      Consumer<World> page = w -> w.map(0, 0, 2 * size, RW | PageFlags.ACCESSED);
      String of = " of a page of level " + level;
      all.add(
          new Scenario(
              "unmap the middle" + of,
              format,
              page,
              w -> w.space.unmap(size / 2, PAGE, w.tables.batch),
              notGone,
              gone));
      all.add(
          new Scenario(
              "unmap the halves" + of + " and of the next",
              format,
              page,
              w -> w.space.unmapAny(size - 3 * PAGE, 6 * PAGE, false, w.tables.batch),
              notGone,
              gone));
      all.add(
          new Scenario(
              "protect a part" + of,
              format,
              page,
              w -> w.space.protect(size - PAGE, size / 2, R, w.tables.batch),
              ProtectOutcome.NO_TABLE,
              ProtectOutcome.DONE));
      all.add(
          new Scenario(
              "split" + of,
              format,
              page,
              w -> w.space.split(size / 2, 1, w.tables.batch),
              SplitOutcome.NO_TABLE,
              SplitOutcome.DONE));
    }
  }

  private static void copies(PageFormat format, List<Scenario> all) {
    for (CopyMode mode : CopyMode.values()) {
      Consumer<World> some =
          w -> {
            w.map(PAGE, 0, 2 * PAGE, RW).map(w.huge, 0, 2 * w.huge, RW);
            assertTrue(w.other.open());
          };
      Function<World, Object> copy =
          w ->
              w.space.copyTo(
                  w.other,
                  0,
                  2 * w.huge + 5 * PAGE,
                  mode,
                  mode == CopyMode.ALIAS ? null : w.sharers,
                  w.tables.batch);
      all.add(
          new Scenario(
              "copy as " + mode, format, some, copy, CopyOutcome.NO_TABLE, CopyOutcome.DONE));
    }
  }

  private static void others(PageFormat format, List<Scenario> all) {
    all.add(new Scenario("open", format, w -> {}, w -> w.other.open(), false, true));
    all.add(
        new Scenario(
            "open a user space", format, w -> {}, w -> w.other.open(w.space), false, true));
    if (format.rootCount() == 1) {
      long top = format.pageByteSize(format.levels());
      long high =
          format == I386Format.INSTANCE ? 0xC000_0000L : format.startOf(0, format.kernelIndex());
      all.add(
          new Scenario(
              "pin five",
              format,
              w -> w.map(high + 2 * top, 0, PAGE, RW),
              w -> w.space.pin(high, 5 * top),
              false,
              true));
    }
  }

  @Test
  void thereAreScenariosEnough() {
    assertTrue(scenarios().size() >= 100);
  }

  @ParameterizedTest
  @MethodSource("scenarios")
  @Behaviour({"121", "129"})
  void everyAllocationThatFailsLeavesAllAsItWas(Scenario scenario) {
    try (World world = new World(scenario.format())) {
      scenario.prepare().accept(world);
      String state = world.state();
      String translations = world.translations();
      int served = 0;
      while (true) {
        world.tables.serve(served);
        long refused = world.tables.frames.refused();
        Object outcome = scenario.attempt().apply(world);
        if (outcome.equals(scenario.done())) {
          break;
        }
        assertEquals(scenario.refused(), outcome);
        assertEquals(refused + 1, world.tables.frames.refused());
        assertEquals(state, world.state(), "after " + served + " tables");
        assertEquals(translations, world.translations());
        served++;
      }
      assertTrue(served > 0, "it needs no table");
      assertFalse(state.equals(world.state()));
    }
  }
}
