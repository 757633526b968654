package dev.bifolio.kernel.boot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.testkit.Behaviour;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// The rows about the two lists. Most hold for both, so a row runs on memory and on reservations.
class MemblockTest {
  private static final long KIB = 1024;
  private static final long BASE = 0x10_0000;
  private static final long SPACE = 64 * KIB;

  private Window window;
  private Memblock memblock;

  @BeforeEach
  void begin() throws Exception {
    window = Window.reserve(4 * SPACE);
    memblock = fresh();
  }

  @AfterEach
  void end() {
    window.close();
  }

  private Memblock fresh() {
    return new Memblock(
        window.address() + 2 * SPACE, Memblock.INITIAL_CAPACITY, window.address() - BASE);
  }

  /// One list of a memblock with its two operations.
  private static final class Side {
    private final Memblock memblock;
    private final boolean isMemory;

    Side(Memblock memblock, boolean isMemory) {
      this.memblock = memblock;
      this.isMemory = isMemory;
    }

    RegionList list() {
      return isMemory ? memblock.memory() : memblock.reserved();
    }

    void put(long base, long byteSize) {
      assertTrue(isMemory ? memblock.add(base, byteSize) : memblock.reserve(base, byteSize));
    }

    void put(long base, long byteSize, int node, int flags) {
      assertTrue(
          isMemory
              ? memblock.add(base, byteSize, node, flags)
              : memblock.reserve(base, byteSize, node, flags));
    }

    void drop(long base, long byteSize) {
      assertTrue(isMemory ? memblock.remove(base, byteSize) : memblock.free(base, byteSize));
    }

    void expect(long... bounds) {
      long total = 0;
      assertEquals(bounds.length / 2, list().count());
      for (int i = 0; i < list().count(); i++) {
        assertEquals(bounds[2 * i], list().base(i));
        assertEquals(bounds[2 * i + 1], list().end(i));
        assertEquals(bounds[2 * i + 1] - bounds[2 * i], list().byteSize(i));
        total += list().byteSize(i);
      }
      assertEquals(total, list().totalBytes());
      assertEquals(0, (isMemory ? memblock.reserved() : memblock.memory()).count());
    }
  }

  private void onBothLists(Consumer<Side> check) {
    check.accept(new Side(fresh(), true));
    check.accept(new Side(fresh(), false));
  }

  @Test
  @Behaviour("M.I1")
  void aFreshMemblockIsEmpty() {
    assertEquals(0, memblock.memory().count());
    assertEquals(0, memblock.reserved().count());
    assertEquals(0, memblock.memory().totalBytes());
    assertEquals(0, memblock.reserved().totalBytes());
    assertEquals(128, memblock.memory().capacity());
    assertEquals(128, memblock.reserved().capacity());
    assertFalse(memblock.isBottomUp());
    assertEquals(Memblock.NO_LIMIT, memblock.limit());
    assertFalse(memblock.nextFree(0, Memblock.NO_NODE));
  }

  @Test
  @Behaviour({"M.A1", "M.S1"})
  void oneRangeBecomesOneRegionWithItsNodeAndFlags() {
    onBothLists(side -> {
      side.put(0x1000, 0x2345);
      side.expect(0x1000, 0x3345);
      assertEquals(Memblock.NO_NODE, side.list().node(0));
      assertEquals(0, side.list().flags(0));
      side.put(0x8000, 0x10, 3, Memblock.HOTPLUG);
      assertEquals(3, side.list().node(1));
      assertEquals(Memblock.HOTPLUG, side.list().flags(1));
    });
  }

  @Test
  @Behaviour({"M.A2", "M.S2"})
  void disjointRangesAreKeptSorted() {
    onBothLists(side -> {
      side.put(0x8000, 0x1000);
      side.put(0x1000, 0x1000);
      side.put(0x20_000, 0x1000);
      side.expect(0x1000, 0x2000, 0x8000, 0x9000, 0x20_000, 0x21_000);
    });
  }

  @Test
  @Behaviour({"M.A3", "M.S3"})
  void overlapsBecomeTheUnion() {
    onBothLists(side -> {
      side.put(0x4000, 0x4000);
      side.put(0x2000, 0x4000);
      side.expect(0x2000, 0x8000);
      side.put(0x7000, 0x4000);
      side.expect(0x2000, 0xB000);
    });
  }

  @Test
  @Behaviour({"M.A4", "M.S4"})
  void whatIsThereAlreadyChangesNothing() {
    onBothLists(side -> {
      side.put(0x4000, 0x4000, 1, 0);
      side.put(0x5000, 0x1000);
      side.put(0x4000, 0x4000);
      side.put(0x4000, 0);
      side.expect(0x4000, 0x8000);
      assertEquals(1, side.list().node(0));
    });
  }

  @Test
  @Behaviour({"M.A5", "M.S5"})
  void aGapThatIsFilledJoinsItsNeighbours() {
    onBothLists(side -> {
      side.put(0x1000, 0x1000);
      side.put(0x3000, 0x1000);
      side.put(0x2000, 0x1000);
      side.expect(0x1000, 0x4000);
    });
  }

  @Test
  void neighboursOfAnotherNodeOrFlagStayApart() {
    onBothLists(side -> {
      side.put(0x1000, 0x1000, 0, 0);
      side.put(0x2000, 0x1000, 1, 0);
      side.put(0x3000, 0x1000, 1, Memblock.MIRROR);
      side.put(0, 0x8000, 2, 0);
      side.expect(0, 0x1000, 0x1000, 0x2000, 0x2000, 0x3000, 0x3000, 0x4000, 0x4000, 0x8000);
    });
  }

  @Test
  @Behaviour({"M.A6", "M.S6", "M.R6", "M.F6", "23"})
  void nothingWrapsAtTheTop() {
    onBothLists(side -> {
      side.put(-0x1000, 0x5000);
      side.expect(-0x1000, -1L);
      side.put(-1L, 100);
      side.expect(-0x1000, -1L);
      side.drop(-0x800, -1L);
      side.expect(-0x1000, -0x800);
      side.put(0, -1L);
      side.expect(0, -1L);
      side.drop(1, -1L);
      side.expect(0, 1);
    });
  }

  @Test
  @Behaviour({"M.A7", "M.S7", "113"})
  void aFullListDoublesIntoReservedMemoryAndKeepsItsContent() {
    for (boolean isMemory : new boolean[] {true, false}) {
      Memblock grown = fresh();
      assertTrue(grown.add(BASE, SPACE));
      long first = 1L << 32;
      int there = isMemory ? 1 : 0;
      for (int i = there; i < 128; i++) {
        long base = first + i * 8L;
        assertTrue(isMemory ? grown.add(base, 4) : grown.reserve(base, 4));
      }
      RegionList list = isMemory ? grown.memory() : grown.reserved();
      assertEquals(128, list.capacity());
      assertTrue(isMemory ? grown.add(1L << 40, 4) : grown.reserve(1L << 40, 4));
      assertEquals(256, list.capacity());
      long storage = grown.storageOf(list);
      assertTrue(storage >= BASE && storage < BASE + SPACE);
      assertTrue(grown.reserved().contains(storage));
      assertTrue(grown.reserved().contains(storage + 256 * RegionList.ENTRY_BYTES - 1));
      assertFalse(grown.reserved().contains(storage + 256 * RegionList.ENTRY_BYTES));
      for (int i = there; i < 128; i++) {
        assertTrue(list.contains(first + i * 8L) && !list.contains(first + i * 8L + 4));
      }
      assertEquals(129 + (isMemory ? 0 : 1), list.count());
    }
  }

  @Test
  @Behaviour("M.S8")
  void aListNeverGrowsIntoTheRangeBeingReserved() {
    memblock.add(BASE, SPACE);
    for (int i = 0; i < 128; i++) {
      memblock.reserve((1L << 32) + i * 8L, 4);
    }
    // Top-down growth would choose the end of memory.
    assertTrue(memblock.reserve(BASE + SPACE / 2, SPACE / 2));
    long storage = memblock.storageOf(memblock.reserved());
    assertTrue(storage < BASE + SPACE / 2, Long.toHexString(storage));
  }

  @Test
  void aListThatCannotGrowRefusesAndKeepsWhatItHas() {
    onBothLists(side -> {
      for (int i = 0; i < 128; i++) {
        side.put(i * 8L, 4);
      }
      RegionList list = side.list();
      assertFalse(
          side.isMemory ? side.memblock.add(1L << 40, 1) : side.memblock.reserve(1L << 40, 1));
      assertFalse(side.isMemory ? side.memblock.remove(1, 1) : side.memblock.free(1, 1));
      assertEquals(128, list.count());
      assertEquals(512, list.totalBytes());
      side.put(4, 4);
      assertEquals(127, list.count());
    });
  }

  @Test
  @Behaviour({"M.R1", "M.F1"})
  void removingARegionLeavesTheOther() {
    onBothLists(side -> {
      side.put(0x1000, 0x1000);
      side.put(0x4000, 0x1000);
      side.drop(0x1000, 0x1000);
      side.expect(0x4000, 0x5000);
    });
  }

  @Test
  @Behaviour({"M.R2", "M.F2"})
  void removingWhatIsAbsentChangesNothing() {
    onBothLists(side -> {
      side.drop(0, 0x1000);
      side.put(0x1000, 0x1000);
      side.drop(0x2000, 0x1000);
      side.drop(0, 0x1000);
      side.expect(0x1000, 0x2000);
    });
  }

  @Test
  @Behaviour({"M.R3", "M.F3"})
  void removingAnOverlapTakesTheIntersection() {
    onBothLists(side -> {
      side.put(0x4000, 0x4000);
      side.drop(0x2000, 0x3000);
      side.expect(0x5000, 0x8000);
      side.drop(0x7FFF, 0x4000);
      side.expect(0x5000, 0x7FFF);
    });
  }

  @Test
  @Behaviour({"M.R4", "M.F4"})
  void removingTheInsideLeavesTwoRegions() {
    onBothLists(side -> {
      side.put(0x4000, 0x4000, 2, Memblock.MIRROR);
      side.drop(0x5000, 0x1000);
      side.expect(0x4000, 0x5000, 0x6000, 0x8000);
      assertEquals(2, side.list().node(1));
      assertEquals(Memblock.MIRROR, side.list().flags(1));
    });
  }

  @Test
  @Behaviour({"M.R5", "M.F5"})
  void removingTheOnlyRegionLeavesNone() {
    onBothLists(side -> {
      side.put(0x4000, 0x4000);
      side.drop(0x4000, 0x4000);
      side.expect();
    });
  }

  @Test
  @Behaviour({"M.R7", "M.F7"})
  void removingAcrossTwoTrimsBoth() {
    onBothLists(side -> {
      side.put(0x1000, 0x2000);
      side.put(0x4000, 0x2000);
      side.drop(0x2000, 0x3000);
      side.expect(0x1000, 0x2000, 0x5000, 0x6000);
    });
  }

  @Test
  @Behaviour({"M.T1", "M.T2", "M.T3", "M.T4", "64"})
  void trimmingRoundsInwardAndDropsWhatVanishes() {
    memblock.add(0x1000, 0x1000);
    memblock.add(0x3001, 0xFFE);
    memblock.add(0x5800, 0x1800);
    memblock.add(0x8000, 0x1800);
    memblock.add(-0x900, 0x880);
    memblock.trim(0x1000);
    RegionList memory = memblock.memory();
    assertEquals(3, memory.count());
    assertEquals(0x1000, memory.base(0));
    assertEquals(0x2000, memory.end(0));
    assertEquals(0x6000, memory.base(1));
    assertEquals(0x7000, memory.end(1));
    assertEquals(0x8000, memory.base(2));
    assertEquals(0x9000, memory.end(2));
    assertEquals(0x3000, memory.totalBytes());
    assertThrows(IllegalArgumentException.class, () -> memblock.trim(3));
  }

  @Test
  @Behaviour("M.O1")
  void touchingIsNotOverlappingAndOneByteIs() {
    onBothLists(side -> {
      assertFalse(side.list().overlaps(0, -1L));
      side.put(0x4000, 0x4000);
      assertFalse(side.list().overlaps(0x3000, 0x1000));
      assertTrue(side.list().overlaps(0x3000, 0x1001));
      assertFalse(side.list().overlaps(0x8000, 0x1000));
      assertTrue(side.list().overlaps(0x7FFF, 1));
      assertFalse(side.list().overlaps(0x5000, 0));
      assertTrue(side.list().overlaps(0, -1L));
    });
  }

  @Test
  void marksAreExactToTheByteAndCanBeCleared() {
    memblock.add(0x1000, 0x1000, 1, 0);
    assertTrue(memblock.mark(0x1801, 0x11, Memblock.NOMAP));
    RegionList memory = memblock.memory();
    assertEquals(3, memory.count());
    assertEquals(0x1801, memory.base(1));
    assertEquals(0x1812, memory.end(1));
    assertEquals(Memblock.NOMAP, memory.flags(1));
    assertEquals(1, memory.node(1));
    assertEquals(0x1000, memory.totalBytes());
    assertTrue(memblock.nextFree(0x1801, 1));
    assertEquals(0x1812, memblock.freeBase());
    assertEquals(1, memblock.freeNode());
    assertTrue(memblock.mark(0x1801, 0x11, Memblock.HOTPLUG));
    assertTrue(memblock.clear(0, 0x2000, Memblock.NOMAP | Memblock.MIRROR));
    assertEquals(Memblock.HOTPLUG, memory.flags(1));
    assertTrue(memblock.clear(0, -1L, Memblock.HOTPLUG));
    assertEquals(1, memory.count());
    assertTrue(memblock.setNode(0x1000, 0x800, 2));
    assertEquals(2, memory.count());
    assertFalse(memblock.nextFree(0x1800, 2));
    assertThrows(IllegalArgumentException.class, () -> memblock.mark(0, 1, 8));
    assertThrows(IllegalArgumentException.class, () -> memblock.add(0, 1, 0, 16));
  }

  @Test
  @Behaviour("112")
  void usedFromTheBottomItIsABumpAllocatorUntilItIsRetired() {
    memblock.add(BASE, 0x3000);
    memblock.setBottomUp(true);
    assertEquals(Memblock.NO_ADDRESS, memblock.allocate(0, 8));
    assertEquals(BASE, memblock.allocate(0x1000, 8));
    assertEquals(BASE + 0x1000, memblock.allocate(0x1000, 8));
    assertEquals(Memblock.NO_ADDRESS, memblock.allocate(0x1001, 8));
    assertEquals(BASE + 0x2000, memblock.allocate(0x800, 8));
    memblock.retire();
    memblock.retire();
    assertThrows(IllegalStateException.class, () -> memblock.allocate(1, 1));
    assertThrows(IllegalStateException.class, () -> memblock.add(0, 1));
    assertThrows(IllegalStateException.class, () -> memblock.free(BASE, 1));
    assertThrows(IllegalStateException.class, () -> memblock.trim(1));
    assertTrue(memblock.nextFree(0, Memblock.NO_NODE));
    assertEquals(BASE + 0x2800, memblock.freeBase());
    assertEquals(BASE + 0x3000, memblock.freeEnd());
  }

  @Test
  void retiringFreesTheStorageTheListsGrewInto() {
    memblock.add(BASE, SPACE);
    for (int i = 0; i < 200; i++) {
      memblock.reserve((1L << 32) + i * 8L, 4);
      memblock.add((1L << 33) + i * 8L, 4);
    }
    assertTrue(memblock.storageOf(memblock.memory()) != Memblock.NO_ADDRESS);
    assertTrue(memblock.storageOf(memblock.reserved()) != Memblock.NO_ADDRESS);
    memblock.retire();
    assertEquals(800, memblock.reserved().totalBytes());
  }

  @Test
  void storageThatAListLeavesReadsAsZeros() {
    memblock.add(BASE, SPACE);
    int grown = 0;
    for (int i = 0; i < 400; i++) {
      memblock.reserve((1L << 32) + i * 8L, 4);
      grown = memblock.reserved().capacity();
    }
    assertEquals(512, grown);
    memblock.nextFree(BASE, Memblock.NO_NODE);
    for (long at = BASE; memblock.nextFree(at, Memblock.NO_NODE); at = memblock.freeEnd()) {
      if (memblock.freeBase() >= BASE + SPACE) {
        break;
      }
      for (long a = memblock.freeBase(); a < memblock.freeEnd(); a++) {
        assertEquals(0, Memory.getByte(a - BASE + window.address()));
      }
    }
  }
}
