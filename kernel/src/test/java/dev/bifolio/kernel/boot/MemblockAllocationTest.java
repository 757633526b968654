package dev.bifolio.kernel.boot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.testkit.Behaviour;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// The rows about allocation. Memory is [BASE, BASE + 64 KiB) unless a test says otherwise; nodes
/// 0, 1 and 2 share it as 16, 16 and 32 KiB.
class MemblockAllocationTest {
  private static final long K = 1024;
  private static final long BASE = 0x10_0000;
  private static final long END = BASE + 64 * K;
  private static final long NONE = Memblock.NO_ADDRESS;
  private static final int ANY = Memblock.NO_NODE;
  private static final int RAW = Memblock.RAW;
  private static final int EXACT = Memblock.RAW | Memblock.EXACT_NODE;

  private Window window;
  private Memblock memblock;

  @BeforeEach
  void begin() throws Exception {
    window = Window.reserve(256 * K);
    renew(false);
  }

  @AfterEach
  void end() {
    window.close();
  }

  private void renew(boolean bottomUp) {
    memblock = new Memblock(window.address() + 128 * K, 128, window.address() - BASE);
    memblock.setBottomUp(bottomUp);
    memblock.add(BASE, 64 * K);
  }

  private void renewWithNodes(boolean bottomUp) {
    renew(bottomUp);
    memblock.setNode(BASE, 16 * K, 0);
    memblock.setNode(BASE + 16 * K, 16 * K, 1);
    memblock.setNode(BASE + 32 * K, 32 * K, 2);
  }

  private void expectReserved(long... bounds) {
    RegionList reserved = memblock.reserved();
    assertEquals(bounds.length / 2, reserved.count());
    for (int i = 0; i < reserved.count(); i++) {
      assertEquals(bounds[2 * i], reserved.base(i));
      assertEquals(bounds[2 * i + 1], reserved.end(i));
    }
  }

  @Test
  @Behaviour("M.L1")
  void blocksComeFromTheEndOrTheStart() {
    assertEquals(END - 1024, memblock.allocate(1000, 1024));
    assertEquals(END - 1024 - 64, memblock.allocate(64, 64));
    renew(true);
    assertEquals(BASE, memblock.allocate(1000, 1024));
    assertEquals(BASE + 1024, memblock.allocate(64, 64));
  }

  @Test
  @Behaviour("M.L2")
  void besideAMisalignedReservationABlockIsAligned() {
    memblock.reserve(END - 100, 100);
    assertEquals(END - 128, memblock.allocate(28, 64));
    assertEquals(END - 128 - 64, memblock.allocate(10, 64));
    expectReserved(END - 192, END - 182, END - 128, END);
    renew(true);
    memblock.reserve(BASE, 100);
    assertEquals(BASE + 128, memblock.allocate(10, 64));
    expectReserved(BASE, BASE + 100, BASE + 128, BASE + 138);
  }

  @Test
  @Behaviour("M.L3")
  void aReservationAtTheEdgeIsExtended() {
    memblock.reserve(END - K, K);
    assertEquals(END - 2 * K, memblock.allocate(K, 64));
    expectReserved(END - 2 * K, END);
    renew(true);
    memblock.reserve(BASE, K);
    assertEquals(BASE + K, memblock.allocate(K, 64));
    expectReserved(BASE, BASE + 2 * K);
  }

  @Test
  @Behaviour("M.L4")
  void theSecondGapIsTakenIfTheFirstIsTooSmall() {
    memblock.reserve(END - 2 * K, K);
    assertEquals(END - 4 * K, memblock.allocate(2 * K, 64));
    expectReserved(END - 4 * K, END - K);
    renew(true);
    memblock.reserve(BASE + K, K);
    assertEquals(BASE + 2 * K, memblock.allocate(2 * K, 64));
    expectReserved(BASE + K, BASE + 4 * K);
  }

  @Test
  @Behaviour("M.L5")
  void anExactGapJoinsThree() {
    for (boolean bottomUp : new boolean[] {false, true}) {
      renew(bottomUp);
      memblock.reserve(BASE, 10 * K);
      memblock.reserve(BASE + 12 * K, 52 * K);
      assertEquals(BASE + 10 * K, memblock.allocate(2 * K, 64));
      expectReserved(BASE, END);
    }
  }

  @Test
  @Behaviour({"M.L6", "112", "113"})
  void whatDoesNotFitFailsAndChangesNothing() {
    for (boolean bottomUp : new boolean[] {false, true}) {
      renew(bottomUp);
      assertEquals(NONE, memblock.allocate(64 * K + 1, 1));
      assertEquals(0, memblock.reserved().count());
      for (int i = 0; i < 16; i++) {
        memblock.reserve(BASE + i * 4L * K + K, K);
      }
      int before = memblock.reserved().count();
      assertEquals(NONE, memblock.allocate(3 * K + 1, 1));
      assertEquals(before, memblock.reserved().count());
      assertEquals(16 * K, memblock.reserved().totalBytes());
      memblock.reserve(BASE, 64 * K - 10);
      assertEquals(NONE, memblock.allocate(11, 1));
      memblock.reserve(BASE, 64 * K);
      assertEquals(NONE, memblock.allocate(1, 1));
      memblock.remove(0, -1L);
      assertEquals(NONE, memblock.allocate(1, 1));
      assertEquals(64 * K, memblock.reserved().totalBytes());
    }
  }

  @Test
  @Behaviour("M.L7")
  void theLastRoomIsUsed() {
    for (boolean bottomUp : new boolean[] {false, true}) {
      renew(bottomUp);
      memblock.reserve(BASE, 60 * K);
      assertEquals(BASE + 60 * K, memblock.allocate(4 * K, 4 * K));
      expectReserved(BASE, END);
      renew(bottomUp);
      assertEquals(BASE, memblock.allocate(64 * K, 1));
    }
  }

  @Test
  @Behaviour("M.L8")
  void allocatedMemoryIsZeroAndRawMemoryIsLeftAlone() {
    Memory.fill(window.address(), 64 * K, (byte) 0x77);
    long raw = memblock.allocateRaw(100, 64);
    long zeroed = memblock.allocate(100, 64);
    for (int i = 0; i < 100; i++) {
      assertEquals(0x77, Memory.getByte(window.address() + raw - BASE + i));
      assertEquals(0, Memory.getByte(window.address() + zeroed - BASE + i));
    }
    assertEquals(0x77, Memory.getByte(window.address() + zeroed - BASE + 100));
    assertEquals(0x77, Memory.getByte(window.address() + zeroed - BASE - 1));
  }

  @Test
  @Behaviour("M.N1")
  void fromALeastAddressUpwards() {
    renew(true);
    assertEquals(BASE + 8 * K, memblock.allocateFrom(K, 64, BASE + 8 * K));
    assertEquals(BASE + 20 * K + 64, memblock.allocateFrom(K, 64, BASE + 20 * K + 1));
    renew(false);
    assertEquals(END - K, memblock.allocateFrom(K, 64, BASE + 8 * K));
    assertEquals(END - 2 * K, memblock.allocateFrom(K, 64, END - 2 * K));
    assertEquals(END - 2 * K - 64, memblock.allocateFrom(64, 64, END - 64));
  }

  @Test
  @Behaviour({"M.N2", "M.N3"})
  void theLeastAddressIsDroppedBeforeTheRequestFails() {
    for (boolean bottomUp : new boolean[] {false, true}) {
      renew(bottomUp);
      long expected = bottomUp ? BASE : END - K;
      assertEquals(expected, memblock.allocateFrom(K, 64, END - 100));
      renew(bottomUp);
      memblock.reserve(BASE + 32 * K, 32 * K);
      expected = bottomUp ? BASE : BASE + 31 * K;
      assertEquals(expected, memblock.allocateFrom(K, 64, BASE + 32 * K));
      renew(bottomUp);
      expected = bottomUp ? BASE : END - K;
      assertEquals(expected, memblock.allocateFrom(K, 64, 0x1000));
    }
  }

  private long within(long byteSize, long min, long max) {
    return memblock.allocate(byteSize, 64, min, max, ANY, RAW);
  }

  @Test
  @Behaviour("M.W1")
  void aRangeIsFilledFromItsEndOrItsStart() {
    assertEquals(BASE + 19 * K, within(K, BASE + 10 * K, BASE + 20 * K));
    assertEquals(BASE + 29 * K - 64, within(K, BASE + 21 * K, BASE + 30 * K - 1));
    renew(true);
    assertEquals(BASE + 10 * K, within(K, BASE + 10 * K, BASE + 20 * K));
    assertEquals(BASE + 21 * K + 64, within(K, BASE + 21 * K + 1, BASE + 30 * K));
  }

  @Test
  @Behaviour({"M.W2", "M.W3"})
  void theLowerLimitMayGoAndTheUpperNever() {
    assertEquals(BASE + 18 * K, within(2 * K, BASE + 19 * K, BASE + 20 * K));
    assertEquals(NONE, within(K, 0, BASE + K - 1));
    assertEquals(NONE, within(K, BASE, BASE));
    memblock.setLimit(BASE + 10 * K);
    assertEquals(BASE + 9 * K, within(K, 0, END));
    renew(true);
    assertEquals(BASE, within(2 * K, BASE + 19 * K, BASE + 20 * K));
    assertEquals(NONE, within(K, 0, BASE + K - 1));
  }

  @Test
  @Behaviour("M.W4")
  void gapsBetweenReservationsAtTheBordersAreUsed() {
    for (boolean bottomUp : new boolean[] {false, true}) {
      renew(bottomUp);
      memblock.reserve(BASE + 10 * K, K);
      memblock.reserve(BASE + 13 * K, K);
      assertEquals(BASE + 11 * K, within(2 * K, BASE + 10 * K, BASE + 14 * K));
      expectReserved(BASE + 10 * K, BASE + 14 * K);
      renew(bottomUp);
      memblock.reserve(BASE + 10 * K, K);
      memblock.reserve(BASE + 14 * K, K);
      long expected = bottomUp ? BASE + 11 * K : BASE + 12 * K;
      assertEquals(expected, within(2 * K, BASE + 10 * K, BASE + 15 * K));
      assertEquals(2, memblock.reserved().count());
      renew(bottomUp);
      memblock.reserve(BASE + 10 * K, 2 * K);
      memblock.reserve(BASE + 13 * K, 2 * K);
      expected = bottomUp ? BASE : BASE + 8 * K;
      assertEquals(expected, within(2 * K, BASE + 10 * K, BASE + 15 * K));
    }
  }

  @Test
  @Behaviour("M.W5")
  void aFullRangeWithNothingBelowFails() {
    memblock.reserve(BASE, 20 * K);
    assertEquals(NONE, within(K, BASE + 10 * K, BASE + 20 * K));
    expectReserved(BASE, BASE + 20 * K);
  }

  @Test
  void bothBoundsHoldWithinARange() {
    assertEquals(BASE + 19 * K, memblock.allocateWithin(K, 64, BASE + 19 * K, BASE + 20 * K));
    assertEquals(NONE, memblock.allocateWithin(K, 64, BASE + 19 * K, BASE + 20 * K));
    assertEquals(NONE, memblock.allocateWithin(0, 64, 0, Memblock.NO_LIMIT));
    assertThrows(IllegalArgumentException.class, () -> memblock.allocateWithin(1, 0, 0, 1));
    assertThrows(IllegalArgumentException.class, () -> memblock.allocate(1, 3));
  }

  private long inNode(long byteSize, long min, long max, int node, int mode) {
    return memblock.allocate(byteSize, 64, min, max, node, mode);
  }

  @Test
  @Behaviour("M.U1")
  void aNodeWithRoomServes() {
    for (int mode : new int[] {RAW, EXACT}) {
      renewWithNodes(false);
      assertEquals(BASE + 31 * K, inNode(K, 0, Memblock.NO_LIMIT, 1, mode));
      renewWithNodes(true);
      assertEquals(BASE + 16 * K, inNode(K, 0, Memblock.NO_LIMIT, 1, mode));
    }
  }

  @Test
  @Behaviour({"M.U2", "M.U3"})
  void aNodeWithoutRoomIsLeftUnlessItIsExact() {
    for (boolean bottomUp : new boolean[] {false, true}) {
      renewWithNodes(bottomUp);
      assertEquals(NONE, inNode(20 * K, 0, Memblock.NO_LIMIT, 1, EXACT));
      assertEquals(0, memblock.reserved().count());
      long anywhere = bottomUp ? BASE + 32 * K : END - 20 * K;
      assertEquals(anywhere, inNode(20 * K, 0, Memblock.NO_LIMIT, 1, RAW));
      renewWithNodes(bottomUp);
      memblock.reserve(BASE + 16 * K, 16 * K);
      assertEquals(NONE, inNode(K, 0, Memblock.NO_LIMIT, 1, EXACT));
      assertEquals(bottomUp ? BASE : END - K, inNode(K, 0, Memblock.NO_LIMIT, 1, RAW));
      renewWithNodes(bottomUp);
      memblock.reserve(BASE + 20 * K, 8 * K);
      assertEquals(NONE, inNode(8 * K, 0, Memblock.NO_LIMIT, 1, EXACT));
      expectReserved(BASE + 20 * K, BASE + 28 * K);
      assertEquals(bottomUp ? BASE : END - 8 * K, inNode(8 * K, 0, Memblock.NO_LIMIT, 1, RAW));
    }
  }

  @Test
  @Behaviour("M.U4")
  void aRangeThatBeginsInTheNodeDropsItsLowerLimit() {
    for (int mode : new int[] {RAW, EXACT}) {
      renewWithNodes(false);
      assertEquals(BASE + 31 * K, inNode(K, BASE + 32 * K - 512, BASE + 32 * K + 512, 1, mode));
      renewWithNodes(true);
      assertEquals(BASE + 16 * K, inNode(K, BASE + 32 * K - 512, BASE + 32 * K + 512, 1, mode));
    }
  }

  @Test
  @Behaviour("M.U5")
  void aRangeThatEndsInTheNodeFallsBackBelow() {
    renewWithNodes(false);
    assertEquals(NONE, inNode(K, BASE + 32 * K - 512, BASE + 32 * K + 512, 2, EXACT));
    assertEquals(BASE + 31 * K, inNode(K, BASE + 32 * K - 512, BASE + 32 * K + 512, 2, RAW));
    renewWithNodes(true);
    assertEquals(NONE, inNode(K, BASE + 32 * K - 512, BASE + 32 * K + 512, 2, EXACT));
    assertEquals(BASE, inNode(K, BASE + 32 * K - 512, BASE + 32 * K + 512, 2, RAW));
  }

  @Test
  @Behaviour("M.U6")
  void aNodeBelowTheRangeIsKeptIfItAloneCanServe() {
    for (int mode : new int[] {RAW, EXACT}) {
      renewWithNodes(false);
      assertEquals(BASE + 15 * K, inNode(K, BASE + 20 * K, BASE + 40 * K, 0, mode));
      renewWithNodes(true);
      assertEquals(BASE, inNode(K, BASE + 20 * K, BASE + 40 * K, 0, mode));
    }
    renewWithNodes(false);
    memblock.reserve(BASE, 16 * K);
    assertEquals(NONE, inNode(K, BASE + 20 * K, BASE + 40 * K, 0, EXACT));
    assertEquals(BASE + 39 * K, inNode(K, BASE + 20 * K, BASE + 40 * K, 0, RAW));
  }

  @Test
  @Behaviour("M.U7")
  void aNodeAboveTheRangeIsLeftUnlessItIsExact() {
    for (boolean bottomUp : new boolean[] {false, true}) {
      renewWithNodes(bottomUp);
      assertEquals(NONE, inNode(K, BASE + 4 * K, BASE + 20 * K, 2, EXACT));
      long expected = bottomUp ? BASE + 4 * K : BASE + 19 * K;
      assertEquals(expected, inNode(K, BASE + 4 * K, BASE + 20 * K, 2, RAW));
    }
  }

  @Test
  @Behaviour({"M.U8", "M.U9"})
  void nothingStraddlesNodes() {
    for (boolean bottomUp : new boolean[] {false, true}) {
      renewWithNodes(bottomUp);
      for (int node = ANY; node < 3; node++) {
        assertEquals(NONE, inNode(40 * K, 0, Memblock.NO_LIMIT, node, RAW));
        assertEquals(NONE, inNode(40 * K, 0, Memblock.NO_LIMIT, node, EXACT));
      }
      memblock.reserve(BASE, 8 * K);
      memblock.reserve(BASE + 24 * K, 40 * K);
      assertEquals(NONE, inNode(16 * K, 0, Memblock.NO_LIMIT, ANY, RAW));
      assertEquals(2, memblock.reserved().count());
    }
  }

  @Test
  void mirroredMemoryComesFirstAndUnmappedNever() {
    memblock.mark(BASE + 8 * K, 4 * K, Memblock.MIRROR);
    memblock.mark(BASE + 9 * K, K, Memblock.NOMAP);
    assertEquals(BASE + 11 * K, memblock.allocate(K, 64));
    assertEquals(BASE + 10 * K, memblock.allocate(K, 64));
    assertEquals(BASE + 8 * K, memblock.allocate(K, 64));
    assertEquals(END - K, memblock.allocate(K, 64));
    memblock.mark(BASE + 12 * K, 52 * K, Memblock.NOMAP);
    memblock.mark(BASE, 8 * K, Memblock.HOTPLUG);
    assertEquals(BASE + 7 * K, memblock.allocate(K, 64));
    memblock.reserve(BASE, 12 * K);
    assertEquals(NONE, memblock.allocate(1, 1));
    assertFalse(memblock.nextFree(0, ANY));
  }
}
