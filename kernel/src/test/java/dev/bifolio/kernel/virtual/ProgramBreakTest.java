package dev.bifolio.kernel.virtual;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.bifolio.testkit.Behaviour;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// The break.
class ProgramBreakTest {
  private static final long BASE = 0x10000;
  private static final long LIMIT = 0x20800;
  private static final int RW = AreaFlags.READ | AreaFlags.WRITE;

  private final TestFrames frames = new TestFrames(4096, 4);
  private final VirtualAreas areas =
      new VirtualAreas(
          frames.own(VirtualAreas.BYTE_SIZE), 0x1000, 1L << 30, frames, 0, frames.physToVirt);
  private final ProgramBreak heap = new ProgramBreak(frames.own(8), areas, BASE, LIMIT);

  @AfterEach
  void close() {
    frames.close();
  }

  private void isHeap(long end) {
    long area = areas.find(BASE);
    assertEquals(BASE, areas.start(area));
    assertEquals(end, areas.end(area));
    assertEquals(RW, areas.flags(area));
  }

  @Test
  @Behaviour("143")
  void itGrowsAndShrinksByBytesAndItsAreaByPages() {
    assertEquals(BASE, heap.current());
    assertEquals(BreakOutcome.MOVED, heap.moveTo(BASE + 1));
    assertEquals(BASE + 1, heap.current());
    isHeap(BASE + 0x1000);
    assertEquals(BreakOutcome.MOVED, heap.moveTo(BASE + 0x1000));
    isHeap(BASE + 0x1000);
    assertEquals(BreakOutcome.MOVED, heap.moveTo(BASE + 0x5001));
    isHeap(BASE + 0x6000);
    assertEquals(BreakOutcome.MOVED, heap.moveTo(BASE + 0x2001));
    isHeap(BASE + 0x3000);
    assertEquals(1, areas.count());
  }

  @Test
  @Behaviour("143")
  void aboveTheLimitAndBelowTheBaseAreRefused() {
    heap.moveTo(BASE + 0x1000);
    assertEquals(BreakOutcome.OUT_OF_LIMITS, heap.moveTo(LIMIT + 1));
    assertEquals(BreakOutcome.OUT_OF_LIMITS, heap.moveTo(BASE - 1));
    assertEquals(BASE + 0x1000, heap.current());
    isHeap(BASE + 0x1000);
    assertEquals(BreakOutcome.MOVED, heap.moveTo(LIMIT));
    isHeap(0x21000);
  }

  @Test
  @Behaviour("143")
  void resetTakesItBackToTheBase() {
    heap.moveTo(BASE + 0x3210);
    assertEquals(BreakOutcome.MOVED, heap.reset());
    assertEquals(BASE, heap.current());
    assertEquals(0, areas.count());
    assertEquals(0, frames.inUse());
    assertEquals(BreakOutcome.MOVED, heap.reset());
  }

  @Test
  void whatIsInTheWayStopsIt() {
    areas.insert(BASE + 0x4000, BASE + 0x5000, AreaFlags.READ, 0, 0);
    assertEquals(BreakOutcome.MOVED, heap.moveTo(BASE + 0x3000));
    assertEquals(BreakOutcome.OVERLAPS, heap.moveTo(BASE + 0x4001));
    assertEquals(BASE + 0x3000, heap.current());
    assertEquals(BreakOutcome.MOVED, heap.moveTo(BASE + 0x4000));
    isHeap(BASE + 0x4000);
  }

  @Test
  void withoutMemoryItStaysWhereItIs() {
    frames.serve(0);
    assertEquals(BreakOutcome.NO_MEMORY, heap.moveTo(BASE + 1));
    assertEquals(BASE, heap.current());
    frames.serve(1);
    assertEquals(BreakOutcome.MOVED, heap.moveTo(BASE + 0x3000));
    // All nodes but that of the heap are taken; then the heap is in the middle of its area.
    assertEquals(InsertOutcome.INSERTED, areas.insert(BASE + 0x3000, 0x100000, RW, 0, 0));
    for (int i = 0; i < 62; i++) {
      areas.insert(0x200000 + i * 0x2000L, 0x201000 + i * 0x2000L, RW, 0, 0);
    }
    assertEquals(BreakOutcome.NO_MEMORY, heap.moveTo(BASE + 0x1000));
    assertEquals(BASE + 0x3000, heap.current());
  }

  @Test
  void baseAndLimitMustBeThoseOfARange() {
    long at = frames.own(8);
    for (long[] bounds :
        new long[][] {
          {0x10001, 0x20000}, {0, 0x1000}, {0x2000, 0x1FFF}, {0x2000, (1L << 30) + 1}
        }) {
      assertThrows(
          IllegalArgumentException.class, () -> new ProgramBreak(at, areas, bounds[0], bounds[1]));
    }
    // From the floor to the ceiling, or nowhere at all.
    assertEquals(0x1000, new ProgramBreak(at, areas, 0x1000, 0x1000).current());
    ProgramBreak whole = new ProgramBreak(at, areas, 0x1000, 1L << 30);
    assertEquals(BreakOutcome.MOVED, whole.moveTo(1L << 30));
    assertEquals(1L << 30, areas.end(areas.find(0x1000)));
    assertEquals(LIMIT, heap.limit());
    assertEquals(BASE, heap.base());
  }
}
