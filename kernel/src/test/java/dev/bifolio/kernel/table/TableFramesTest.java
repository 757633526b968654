package dev.bifolio.kernel.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;
import dev.bifolio.kernel.unit.FrameSource;
import dev.bifolio.testkit.Behaviour;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Where tables come from, and where they go back to.
class TableFramesTest {
  private static final long PAGE = 4096;
  private static final long POOL = 0x10_0000;
  private static final long OTHERS = POOL + TableFrames.POOL_FRAMES * PAGE;

  /// Frames above the pool, written down in the order in which they come and go.
  private static final class Source implements FrameSource {
    final List<Long> given = new ArrayList<>();
    final List<Long> back = new ArrayList<>();
    int left;
    int flags = -1;

    Source(int left) {
      this.left = left;
    }

    @Override
    public long allocate(int order, int flags) {
      assertEquals(0, order);
      this.flags = flags;
      if (left == 0) {
        return -7;
      }
      left--;
      given.add((OTHERS >>> 12) + given.size());
      return given.getLast();
    }

    @Override
    public void free(long pfn, int order) {
      assertEquals(0, order);
      back.add(pfn);
    }
  }

  private static Window reserve() {
    try {
      return Window.reserve(1 << 20);
    } catch (WindowException e) {
      throw new IllegalStateException(e);
    }
  }

  private static TableFrames frames(Window window) {
    long memory = window.address() + PAGE;
    return new TableFrames(window.address(), POOL, POOL, 64 * PAGE, memory - POOL, 0x55);
  }

  @Test
  @Behaviour("120")
  void theSourceIsAskedOncePerNewTableWhichIsZeroed() {
    try (Window window = reserve()) {
      TableFrames frames = frames(window);
      Source source = new Source(30);
      Memory.fill(window.address() + PAGE, 64 * PAGE, (byte) 0xA5);
      frames.setSource(source);
      AddressSpace space =
          new AddressSpace(X86Format.LEVELS_4, frames, window.address() + TableFrames.BYTE_SIZE);
      assertTrue(space.open());
      assertEquals(MapOutcome.MAPPED, space.map(0x5000, 0, PAGE, PageFlags.READ));
      assertEquals(4, source.given.size());
      assertEquals(0x55, source.flags);
      List<Long> tables = new ArrayList<>();
      for (int level = 1; level <= 4; level++) {
        long table = space.tableAt(0x5000, level);
        tables.add(table >>> 12);
        int entries = 0;
        for (int index = 0; index < 512; index++) {
          entries += Memory.getLong(table + frames.physToVirt() + index * 8L) == 0 ? 0 : 1;
        }
        assertEquals(1, entries);
      }
      assertEquals(source.given, tables.stream().sorted().toList());
      assertEquals(MapOutcome.MAPPED, space.map(0x6000, 0, PAGE, PageFlags.READ));
      assertEquals(4, source.given.size());
      assertEquals(4, frames.fromSource());
      assertEquals(0, frames.fromPool());
      assertEquals(0, frames.poolInUse());
      assertEquals(0, frames.freed());
    }
  }

  @Test
  @Behaviour("120")
  void anotherSourceTakesThePlaceOfOneThatHasAllItsTablesBack() {
    try (Window window = reserve()) {
      TableFrames frames = frames(window);
      Source first = new Source(5);
      Source second = new Source(5);
      frames.setSource(first);
      long table = frames.allocate();
      assertEquals(1, frames.outOfSource());
      assertThrows(IllegalStateException.class, () -> frames.setSource(second));
      assertThrows(IllegalStateException.class, () -> frames.setSource(null));
      frames.free(table);
      assertEquals(0, frames.outOfSource());
      assertEquals(List.of(table >>> 12), first.back);
      frames.setSource(second);
      long other = frames.allocate();
      assertEquals(1, first.given.size());
      assertEquals(1, second.given.size());
      frames.free(other);
      assertEquals(1, second.back.size());
      assertEquals(2, frames.fromSource());
      assertEquals(2, frames.freed());
      // Tables of the pool may be out: they do not go back to a source.
      frames.setSource(null);
      assertEquals(POOL, frames.allocate());
      frames.setSource(first);
      assertEquals(1, frames.poolInUse());
    }
  }

  @Test
  @Behaviour({"121", "129"})
  void withoutASourceThePoolServesSixteenTables() {
    try (Window window = reserve()) {
      TableFrames frames = frames(window);
      for (int i = 0; i < 16; i++) {
        Memory.fill(window.address() + PAGE + i * PAGE, PAGE, (byte) -1);
        assertEquals(i, frames.poolInUse());
        long table = frames.allocate();
        assertEquals(POOL + i * PAGE, table);
        assertTrue(frames.isOfPool(table));
        for (long at = 0; at < PAGE; at += 8) {
          assertEquals(0, Memory.getLong(table + frames.physToVirt() + at));
        }
      }
      assertFalse(frames.isOfPool(POOL - PAGE));
      assertFalse(frames.isOfPool(POOL + 16 * PAGE));
      assertEquals(TableFrames.NO_TABLE, frames.allocate());
      assertEquals(TableFrames.NO_TABLE, frames.allocate());
      assertEquals(2, frames.refused());
      assertEquals(16, frames.fromPool());
      assertEquals(0, frames.fromSource());
      Source source = new Source(1);
      frames.setSource(source);
      frames.free(POOL + 5 * PAGE);
      assertEquals(List.of(), source.back);
      assertEquals(15, frames.poolInUse());
      assertEquals(1, frames.freed());
      assertEquals(OTHERS, frames.allocate());
      assertEquals(POOL + 5 * PAGE, frames.allocate()); // the source is empty
      assertEquals(TableFrames.NO_TABLE, frames.allocate());
      frames.free(OTHERS);
      assertEquals(List.of(OTHERS >>> 12), source.back);
      assertEquals(16, frames.poolInUse());
      assertEquals(3, frames.refused());
    }
  }

  @Test
  void aTableIsFreedOnceAndToWhereItCameFrom() {
    try (Window window = reserve()) {
      TableFrames frames = frames(window);
      long table = frames.allocate();
      frames.free(table);
      assertThrows(IllegalStateException.class, () -> frames.free(table));
      assertThrows(IllegalStateException.class, () -> frames.free(OTHERS));
      assertEquals(1, frames.freed());
      assertEquals(0, frames.poolInUse());
    }
  }

  @Test
  void tablesLieWhereTheirMemoryIs() {
    try (Window window = reserve()) {
      TableFrames frames = frames(window);
      assertTrue(frames.contains(POOL));
      assertTrue(frames.contains(POOL + 63 * PAGE));
      assertFalse(frames.contains(POOL + 64 * PAGE));
      assertFalse(frames.contains(POOL - PAGE));
      assertFalse(frames.contains(-1));
      assertEquals(window.address() + PAGE - POOL, frames.physToVirt());
      assertThrows(
          IllegalArgumentException.class,
          () -> new TableFrames(window.address(), POOL + 8, POOL, PAGE, 0, 0));
    }
  }

  @Test
  @Behaviour({"121", "129"})
  void anEmptySourceAndAnEmptyPoolLeaveNothingHalfMapped() {
    try (TestTables tables = new TestTables(X86Format.LEVELS_4, 40)) {
      AddressSpace space = tables.space;
      tables.serve(0);
      int before = tables.inUse();
      assertEquals(1, tables.frames.fromSource());
      // 3 tables for the way to the first, then one for each 2 MiB: 17 in all.
      long byteSize = 15L << 21;
      String state = tables.state(space);
      assertEquals(MapOutcome.NO_TABLE, space.map(0, 0, byteSize, PageFlags.READ, 1));
      assertEquals(state, tables.state(space));
      assertEquals(before, tables.inUse());
      assertEquals(1, tables.frames.refused());
      assertEquals(MapOutcome.MAPPED, space.map(0, 0, 14L << 21, PageFlags.READ, 1));
      assertEquals(16, tables.frames.poolInUse());
      tables.serve(9);
      assertEquals(MapOutcome.MAPPED, space.map(14L << 21, 0, PAGE, PageFlags.READ, 1));
      assertEquals(2, tables.frames.fromSource());
      long freed = tables.frames.freed();
      space.destroy(tables.batch);
      assertEquals(18, space.flushed(tables.batch));
      assertEquals(freed + 18, tables.frames.freed());
      assertEquals(0, tables.frames.poolInUse());
      assertEquals(0, tables.inUse());
      assertEquals(0, tables.frames.outOfSource());
    }
  }
}
