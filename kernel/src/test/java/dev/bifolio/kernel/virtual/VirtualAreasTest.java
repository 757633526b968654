package dev.bifolio.kernel.virtual;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.testkit.Behaviour;
import dev.bifolio.testkit.HeapAllocation;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Areas one by one.
class VirtualAreasTest {
  private static final int RW = AreaFlags.READ | AreaFlags.WRITE;
  private static final long CEILING = 1L << 46;

  private final TestFrames frames = new TestFrames(4096, 64);
  private final VirtualAreas areas =
      new VirtualAreas(
          frames.own(VirtualAreas.BYTE_SIZE), 0x1000, CEILING, frames, 0, frames.physToVirt);
  private final AreaPlacement placement = new AreaPlacement(areas);

  @AfterEach
  void close() {
    frames.close();
  }

  private InsertOutcome insert(long start, long end, int flags) {
    return areas.insert(start, end, flags, VirtualAreas.ANONYMOUS, 0);
  }

  private String text() {
    StringBuilder text = new StringBuilder();
    for (long area = areas.firstAbove(0); area != VirtualAreas.NO_AREA; area = areas.next(area)) {
      text.append(text.isEmpty() ? "" : " ")
          .append(Long.toHexString(areas.start(area)))
          .append('-')
          .append(Long.toHexString(areas.end(area)))
          .append(':')
          .append(areas.flags(area));
      if (areas.backing(area) != 0) {
        text.append('@').append(areas.backing(area));
        text.append('+').append(Long.toHexString(areas.offset(area)));
      }
    }
    return text.toString();
  }

  @Test
  @Behaviour("142")
  void anAreaHoldsItsStartAndNotItsEnd() {
    assertEquals(InsertOutcome.INSERTED, insert(0x1000, 0x3000, RW));
    long area = areas.find(0x1000);
    assertNotEquals(VirtualAreas.NO_AREA, area);
    assertEquals(area, areas.find(0x2FFF));
    assertEquals(VirtualAreas.NO_AREA, areas.find(0xFFF));
    assertEquals(VirtualAreas.NO_AREA, areas.find(0x3000));
    assertEquals(2, areas.pageCount());
  }

  @Test
  @Behaviour("142")
  void overlapIsRefusedAndAdjacencyAccepted() {
    assertEquals(InsertOutcome.INSERTED, insert(0x4000, 0x8000, RW));
    for (long[] range :
        new long[][] {
          {0x4000, 0x8000}, {0x3000, 0x5000}, {0x7000, 0x9000}, {0x5000, 0x6000}, {0x1000, 0xA000}
        }) {
      assertEquals(InsertOutcome.OVERLAPS, insert(range[0], range[1], AreaFlags.READ));
      assertEquals("4000-8000:3", text());
    }
    assertEquals(InsertOutcome.INSERTED, insert(0x8000, 0x9000, AreaFlags.READ));
    assertEquals(InsertOutcome.INSERTED, insert(0x3000, 0x4000, AreaFlags.READ));
    assertEquals("3000-4000:1 4000-8000:3 8000-9000:1", text());
  }

  @Test
  @Behaviour("142")
  void aRangeThatIsNoneIsRefused() {
    for (long[] range :
        new long[][] {
          {0x2000, 0x2000},
          {0x3000, 0x2000},
          {0x1800, 0x3000},
          {0x1000, 0x2800},
          {0, 0x2000},
          {-0x1000, 0x2000},
          {CEILING - 0x1000, CEILING + 0x1000}
        }) {
      assertEquals(InsertOutcome.NOT_A_RANGE, insert(range[0], range[1], RW));
      assertEquals(RemoveOutcome.NOT_A_RANGE, areas.remove(range[0], range[1]));
      assertEquals(AlterOutcome.NOT_A_RANGE, areas.alter(range[0], range[1], AreaFlags.ACCESS, RW));
    }
    assertEquals(0, areas.count());
    assertEquals(0, frames.requests());
    assertEquals(InsertOutcome.INSERTED, insert(0x1000, 0x2000, RW));
    assertEquals(InsertOutcome.INSERTED, insert(CEILING - 0x1000, CEILING, RW));
  }

  @Test
  @Behaviour("142")
  void removingTheMiddleSplits() {
    areas.insert(0x10000, 0x20000, RW, 7, 0x5000);
    assertEquals(RemoveOutcome.REMOVED, areas.remove(0x14000, 0x15000));
    assertEquals("10000-14000:3@7+5000 15000-20000:3@7+a000", text());
    assertEquals(15, areas.pageCount());
    assertEquals(InsertOutcome.INSERTED, areas.insert(0x14000, 0x15000, RW, 7, 0x9000));
    assertEquals("10000-20000:3@7+5000", text());
  }

  @Test
  void removingTheEndsCutsThemOff() {
    areas.insert(0x10000, 0x20000, RW, 7, 0x5000);
    assertEquals(RemoveOutcome.REMOVED, areas.remove(0xF000, 0x11000));
    assertEquals(RemoveOutcome.REMOVED, areas.remove(0x1F000, 0x21000));
    assertEquals("11000-1f000:3@7+6000", text());
    assertEquals(RemoveOutcome.REMOVED, areas.remove(0x30000, 0x40000));
    assertEquals(RemoveOutcome.REMOVED, areas.remove(0x1000, 0x40000));
    assertEquals("", text());
    assertEquals(0, frames.inUse());
  }

  @Test
  @Behaviour("142")
  void aHundredAreasStaySortedAndAreFound() {
    // In an order that is neither up nor down.
    for (int i = 0; i < 100; i++) {
      long start = 0x1000 + (i * 37 % 100) * 0x3000L;
      assertEquals(InsertOutcome.INSERTED, insert(start, start + 0x2000, RW));
    }
    assertEquals(100, areas.count());
    long last = 0;
    for (long area = areas.firstAbove(0); area != VirtualAreas.NO_AREA; area = areas.next(area)) {
      assertTrue(areas.start(area) > last);
      last = areas.start(area);
    }
    for (int i = 0; i < 100; i++) {
      long start = 0x1000 + i * 0x3000L;
      assertEquals(start, areas.start(areas.find(start + 0x1FFF)));
      assertEquals(VirtualAreas.NO_AREA, areas.find(start + 0x2000));
    }
    assertTrue(areas.nodes().height(areas.tree().root()) <= 9);
    assertEquals(2, areas.frameCount());
    areas.clear();
    assertEquals(0, frames.inUse());
  }

  @Test
  void neighboursThatSayTheSameBecomeOne() {
    insert(0x1000, 0x2000, RW);
    insert(0x3000, 0x4000, RW);
    insert(0x2000, 0x3000, RW);
    assertEquals("1000-4000:3", text());
    areas.insert(0x4000, 0x5000, RW, 1, 0x8000);
    areas.insert(0x5000, 0x6000, RW, 1, 0x9000);
    areas.insert(0x6000, 0x7000, RW, 2, 0xA000);
    areas.insert(0x7000, 0x8000, RW, 2, 0xA000);
    areas.insert(0x8000, 0x9000, AreaFlags.READ, 2, 0xB000);
    assertEquals(
        "1000-4000:3 4000-6000:3@1+8000 6000-7000:3@2+a000 7000-8000:3@2+a000"
            + " 8000-9000:1@2+b000",
        text());
  }

  @Test
  void anAreaIsMadeOneWithTheNextIfThatGoesOn() {
    insert(0x5000, 0x6000, RW);
    insert(0x3000, 0x5000, RW);
    assertEquals("3000-6000:3", text());
    areas.insert(0x9000, 0xA000, RW, 4, 0x6000);
    areas.insert(0x7000, 0x9000, RW, 4, 0x4000);
    assertEquals("3000-6000:3 7000-a000:3@4+4000", text());
    // Of other bytes, of another backing, and of none.
    areas.insert(0x6000, 0x7000, RW, 4, 0x2000);
    assertEquals("3000-6000:3 6000-7000:3@4+2000 7000-a000:3@4+4000", text());
    areas.remove(0x6000, 0x7000);
    areas.insert(0x6000, 0x7000, RW, 5, 0x3000);
    assertEquals("3000-6000:3 6000-7000:3@5+3000 7000-a000:3@4+4000", text());
    areas.remove(0x6000, 0x7000);
    areas.insert(0x6000, 0x7000, RW, 4, 0x3000);
    assertEquals("3000-6000:3 6000-a000:3@4+3000", text());
    assertEquals(2, areas.count());
    assertEquals(7, areas.pageCount());
  }

  @Test
  void whatIsGoneIsNotCounted() {
    insert(0x1000, 0x3000, RW);
    insert(0x4000, 0x6000, AreaFlags.READ);
    insert(0x6000, 0x7000, RW);
    areas.remove(0x4000, 0x6000);
    assertEquals(2, areas.count());
    assertEquals(3, areas.pageCount());
    areas.clear();
    assertEquals(0, areas.count());
    assertEquals(0, areas.pageCount());
    insert(0x1000, 0x3000, RW);
    assertEquals(1, areas.count());
    assertEquals(2, areas.pageCount());
  }

  @Test
  void onlyAreasOfTheRangeAreAskedWhetherTheyCanBeAltered() {
    insert(0x1000, 0x2000, RW | AreaFlags.NO_HUGE);
    insert(0x2000, 0x3000, RW);
    insert(0x3000, 0x4000, RW | AreaFlags.NO_HUGE);
    assertEquals(AlterOutcome.ALTERED, areas.alter(0x2000, 0x3000, AreaFlags.HUGE, AreaFlags.HUGE));
    String before = text();
    for (long[] range : new long[][] {{0x1000, 0x3000}, {0x2000, 0x4000}}) {
      assertThrows(
          IllegalArgumentException.class,
          () -> areas.alter(range[0], range[1], AreaFlags.HUGE, AreaFlags.HUGE));
      assertEquals(before, text());
    }
  }

  @Test
  void whatSplitsNothingTakesNoNode() {
    frames.serve(1);
    for (int i = 0; i < 63; i++) {
      assertEquals(InsertOutcome.INSERTED, insert(0x1000 + i * 0x8000L, 0x7000 + i * 0x8000L, RW));
    }
    // Ends are cut off, and what is so already is altered to what it is.
    assertEquals(RemoveOutcome.REMOVED, areas.remove(0x1000, 0x2000));
    assertEquals(RemoveOutcome.REMOVED, areas.remove(0x6000, 0x7000));
    assertEquals(AlterOutcome.ALTERED, areas.alter(0x3000, 0x4000, AreaFlags.ACCESS, RW));
    assertEquals(
        AlterOutcome.ALTERED, areas.alter(0x9000, 0xF000, AreaFlags.ACCESS, AreaFlags.READ));
    assertEquals(RemoveOutcome.NO_MEMORY, areas.remove(0x3000, 0x4000));
    assertEquals(63, areas.count());
    assertEquals(62 * 6 + 4, areas.pageCount());
  }

  @Test
  void whatGoesOnBeforeOrBehindAnAreaTakesNoNode() {
    frames.serve(1);
    for (int i = 0; i < 63; i++) {
      long start = 0x2000 + i * 0x8000L;
      assertEquals(InsertOutcome.INSERTED, areas.insert(start, start + 0x3000, RW, 4, 2 * start));
    }
    assertEquals(InsertOutcome.INSERTED, areas.insert(0x9000, 0xA000, RW, 4, 0x13000));
    assertEquals(InsertOutcome.INSERTED, areas.insert(0xD000, 0xE000, RW, 4, 0x17000));
    assertEquals(InsertOutcome.NO_MEMORY, areas.insert(0x11000, 0x12000, RW, 4, 0x22000));
    assertEquals(InsertOutcome.NO_MEMORY, areas.insert(0x15000, 0x16000, RW, 4, 0x28000));
    assertEquals(63, areas.count());
    assertEquals(63 * 3 + 2, areas.pageCount());
  }

  @Test
  void aSpaceMayBeginAtZeroAndEndAtItsOnlyPage() {
    VirtualAreas low = areas(0, 0x1000);
    assertEquals(InsertOutcome.INSERTED, low.insert(0, 0x1000, RW, 0, 0));
    assertEquals(0, low.start(low.find(0)));
    assertEquals(0, new AreaPlacement(areas(0, 0x1000)).place(0x1000, 0, 0));
    long last = Long.MAX_VALUE & -0x1000;
    assertEquals(InsertOutcome.INSERTED, insert(0x5000, 0x6000, RW));
    assertEquals(InsertOutcome.INSERTED, areas.insert(0x7000, 0x8000, RW, 1, last - 0x1000));
  }

  private VirtualAreas areas(long floor, long ceiling) {
    return new VirtualAreas(
        frames.own(VirtualAreas.BYTE_SIZE), floor, ceiling, frames, 0, frames.physToVirt);
  }

  @Test
  void alteringAPartSplitsAndAlteringItBackMerges() {
    areas.insert(0x10000, 0x20000, RW, 3, 0);
    assertEquals(
        AlterOutcome.ALTERED, areas.alter(0x14000, 0x16000, AreaFlags.ACCESS, AreaFlags.READ));
    assertEquals("10000-14000:3@3+0 14000-16000:1@3+4000 16000-20000:3@3+6000", text());
    assertEquals(AlterOutcome.ALTERED, areas.alter(0x12000, 0x18000, AreaFlags.ACCESS, RW));
    assertEquals("10000-20000:3@3+0", text());
  }

  @Test
  void onlyWhatIsMeantIsAltered() {
    insert(0x1000, 0x4000, RW | AreaFlags.HUGE);
    assertEquals(
        AlterOutcome.ALTERED, areas.alter(0x1000, 0x4000, AreaFlags.ACCESS, AreaFlags.EXECUTE));
    assertEquals("1000-4000:" + (AreaFlags.EXECUTE | AreaFlags.HUGE), text());
    assertThrows(
        IllegalArgumentException.class,
        () -> areas.alter(0x1000, 0x4000, AreaFlags.SHARED, AreaFlags.SHARED));
    assertThrows(
        IllegalArgumentException.class,
        () -> areas.alter(0x1000, 0x4000, AreaFlags.READ, AreaFlags.WRITE));
    // Both wishes about large pages at once mean nothing.
    assertThrows(
        IllegalArgumentException.class,
        () -> areas.alter(0x1000, 0x4000, AreaFlags.NO_HUGE, AreaFlags.NO_HUGE));
    assertEquals("1000-4000:" + (AreaFlags.EXECUTE | AreaFlags.HUGE), text());
  }

  @Test
  void aHoleKeepsARangeFromBeingAltered() {
    insert(0x1000, 0x2000, RW);
    insert(0x3000, 0x4000, RW);
    for (long[] range : new long[][] {{0x1000, 0x4000}, {0x2000, 0x4000}, {0x3000, 0x5000}}) {
      assertEquals(AlterOutcome.NOT_MAPPED, areas.alter(range[0], range[1], AreaFlags.ACCESS, 0));
    }
    assertEquals("1000-2000:3 3000-4000:3", text());
    assertTrue(areas.isAllAreas(0x1000, 0x2000));
    assertFalse(areas.isAllAreas(0x1000, 0x3000));
    assertFalse(areas.isAllAreas(0x2000, 0x4000));
  }

  @Test
  void whoHasNoNodeChangesNothing() {
    frames.serve(1);
    for (int i = 0; i < 62; i++) {
      assertEquals(InsertOutcome.INSERTED, insert(0x1000 + i * 0x4000L, 0x4000 + i * 0x4000L, RW));
    }
    // One node is left: enough for a split in two, not for one in three.
    String before = text();
    assertEquals(
        AlterOutcome.NO_MEMORY, areas.alter(0x2000, 0x3000, AreaFlags.ACCESS, AreaFlags.READ));
    assertEquals(before, text());
    assertEquals(RemoveOutcome.REMOVED, areas.remove(0x2000, 0x3000));
    before = text();
    assertEquals(RemoveOutcome.NO_MEMORY, areas.remove(0x6000, 0x7000));
    assertEquals(
        AlterOutcome.NO_MEMORY, areas.alter(0x5000, 0x6000, AreaFlags.ACCESS, AreaFlags.READ));
    assertEquals(
        AlterOutcome.NO_MEMORY, areas.alter(0x6000, 0x8000, AreaFlags.ACCESS, AreaFlags.READ));
    assertEquals(InsertOutcome.NO_MEMORY, insert(0x4000, 0x5000, AreaFlags.READ));
    assertEquals(before, text());
    // What needs none is done all the same.
    assertEquals(
        AlterOutcome.ALTERED, areas.alter(0x5000, 0x8000, AreaFlags.ACCESS, AreaFlags.READ));
    assertEquals(InsertOutcome.INSERTED, insert(0x4000, 0x5000, AreaFlags.READ));
    areas.clear();
    assertEquals(0, frames.inUse());
  }

  @Test
  void aStackGrowsDownAsFarAsTheGapAllows() {
    long gap = VirtualAreas.STACK_GAP;
    long top = 0x1000_0000;
    insert(top - 0x2000, top, RW | AreaFlags.GROWS_DOWN);
    insert(top - 2 * gap, top - 2 * gap + 0x1000, RW);
    long stack = areas.find(top - 1);
    assertFalse(areas.growDown(stack, top - gap));
    assertEquals(top - 0x2000, areas.start(stack));
    assertTrue(areas.growDown(stack, top - gap + 0x1000));
    assertEquals(top - gap + 0x1000, areas.start(stack));
    assertEquals(1 + (gap >> 12) - 1, areas.pageCount());
  }

  @Test
  void placesAreTheHighestOrTheLowest() {
    insert(0x10000, 0x20000, RW);
    insert(0x28000, 0x30000, RW);
    long page = 0x1000;
    assertEquals(0x27000, placement.topDown(page, page, 0, 0, 0x30000));
    assertEquals(0x26000, placement.topDown(page, page, page, 0, 0x30000));
    assertEquals(0x20000, placement.topDown(page, 0x8000, 0, 0, 0x30000));
    assertEquals(0xF000, placement.topDown(page, 0x8000, page, 0x8000, 0x30000) + 0x7000);
    assertEquals(AreaPlacement.NO_PLACE, placement.topDown(page, 0x8000, page, 0x9000, 0x30000));
    assertEquals(CEILING - page, placement.topDown(page, page, page, 0, CEILING));
    assertEquals(0x1000, placement.bottomUp(page, page, page, 0, CEILING));
    assertEquals(0x20000, placement.bottomUp(page, page, 0, 0x10000, CEILING));
    assertEquals(0x21000, placement.bottomUp(page, page, page, 0x10000, CEILING));
    assertEquals(0x30000, placement.bottomUp(0x9000, page, 0, 0x10000, CEILING));
    assertEquals(AreaPlacement.NO_PLACE, placement.bottomUp(0x9000, page, 0, 0x10000, 0x38000));
    assertEquals(0x30000, placement.bottomUp(0x9000, page, 0, 0x10000, 0x39000));
  }

  @Test
  void aPlaceIsTheHintIfThatIsFree() {
    long huge = AreaPlacement.HUGE_BYTES;
    insert(CEILING - 0x1000, CEILING, RW);
    assertEquals(0x5000, placement.place(0x1000, 0x5FFF, 0));
    insert(0x5000, 0x6000, RW);
    assertEquals(CEILING - 0x2000, placement.place(0x1000, 0x5000, 0));
    assertEquals(CEILING - 0x3000, placement.place(0x1000, 0x6000, 0x1000));
    assertEquals(0x6000, placement.place(0x1000, 0x6000, 0));
    assertEquals(CEILING - 0x2000, placement.place(0x1000, 0, 0));
    assertEquals(CEILING - 0x2000, placement.place(0x1000, CEILING, 0));
    assertEquals(CEILING - 2 * huge, placement.place(huge, 0, 0));
    assertEquals(CEILING - huge, placement.place(huge - 0x1000, 0, 0));
  }

  @Test
  void aLargeAreaGoesWhereItFitsIfNotAtItsAlignment() {
    long huge = AreaPlacement.HUGE_BYTES;
    insert(3 * huge - 0x1000, CEILING, RW);
    insert(0x1000, huge - 0x1000, RW);
    // A gap of 2 MiB and more, with a border in its middle and one just before its end.
    assertEquals(huge, placement.place(2 * huge - 0x1000, 0, 0));
    insert(huge, huge + 0x1000, RW);
    assertEquals(huge + 0x2000, placement.place(2 * huge - 0x3000, 0, 0));
    assertEquals(AreaPlacement.NO_PLACE, placement.place(2 * huge, 0, 0));
  }

  @Test
  void belowAStackIsAGap() {
    long gap = VirtualAreas.STACK_GAP;
    insert(0x4000_0000, CEILING, RW | AreaFlags.GROWS_DOWN);
    assertEquals(0x4000_0000 - gap - 0x1000, placement.topDown(0x1000, 0x1000, 0, 0, CEILING));
    assertFalse(placement.isFree(0x4000_0000 - 0x1000, 0x1000, 0));
    assertFalse(placement.isFree(0x4000_0000 - gap, 0x1000, 0));
    assertTrue(placement.isFree(0x4000_0000 - gap - 0x1000, 0x1000, 0));
  }

  @Test
  void badArgumentsAreTheCallersMistake() {
    long base = frames.own(64);
    for (long[] bounds : new long[][] {{0, 0}, {0x1000, 0x1000}, {-0x1000, 0x1000}, {1, 0x1000}}) {
      assertThrows(
          IllegalArgumentException.class,
          () -> new VirtualAreas(base, bounds[0], bounds[1], frames, 0, frames.physToVirt));
    }
    assertThrows(IllegalArgumentException.class, () -> insert(0x1000, 0x2000, 1 << 7));
    assertThrows(IllegalArgumentException.class, () -> areas.insert(0x1000, 0x2000, RW, 0, 0x1000));
    assertThrows(IllegalArgumentException.class, () -> areas.insert(0x1000, 0x2000, RW, -1, 0));
    assertThrows(IllegalArgumentException.class, () -> areas.insert(0x1000, 0x2000, RW, 1, 1));
    assertThrows(
        IllegalArgumentException.class, () -> areas.insert(0x1000, 0x2000, RW, 1, -0x1000));
    assertThrows(
        IllegalArgumentException.class,
        () -> areas.insert(0x1000, 0x3000, RW, 1, Long.MAX_VALUE & -0x1000));
    for (long[] wish :
        new long[][] {
          {0, 0x1000, 0},
          {0x1000, 0x800, 0},
          {0x1000, 0x3000, 0},
          {0x1000, 0x1000, -0x1000},
          {0x1800, 0x1000, 0},
          {0x1000, 0x1000, 1}
        }) {
      assertThrows(
          IllegalArgumentException.class,
          () -> placement.topDown(wish[0], wish[1], wish[2], 0, CEILING));
      assertThrows(
          IllegalArgumentException.class,
          () -> placement.bottomUp(wish[0], wish[1], wish[2], 0, CEILING));
    }
    assertEquals(0, areas.count());
  }

  @Test
  void nothingOfItCreatesObjects() {
    insert(0x100000, 0x200000, RW);
    Runnable work =
        () -> {
          for (int i = 0; i < 50; i++) {
            areas.insert(0x1000, 0x9000, RW, 0, 0);
            areas.remove(0x3000, 0x4000);
            areas.alter(0x5000, 0x6000, AreaFlags.ACCESS, AreaFlags.READ);
            areas.find(0x5000);
            placement.place(0x1000, 0, 0x1000);
            areas.remove(0x1000, 0x9000);
          }
        };
    work.run();
    assertEquals(0, HeapAllocation.bytesOf(work));
  }

  @Test
  void aNodeIsNotFreedTwiceNorTakenUnreserved() {
    insert(0x1000, 0x2000, RW);
    insert(0x3000, 0x4000, RW);
    long node = areas.find(0x1000);
    areas.remove(0x1000, 0x2000);
    assertThrows(IllegalStateException.class, () -> areas.nodes().free(node));
    areas.clear();
    assertThrows(IllegalStateException.class, () -> areas.nodes().allocate());
  }
}
