package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.testkit.Behaviour;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Magazines keep freed blocks of nearly full areas, last in first out, and prove every free.
class MagazinesTest extends HybridParts {
  private static final long NONE = -1;

  /// 2^22 frames: magazines of full capacity for two CPUs.
  private static final long END = 1 << 22;

  private static final long LOCKED = 1L << 63;

  private HybridCore core;
  private Magazines magazines;
  private long claim;

  @BeforeEach
  void sixteenGibibytes() {
    core = memory(2, 0, END);
    magazines = core.magazines;
    claim = core.slots.claim(1);
  }

  private long header(int order) {
    return Memory.getLong(Slots.header(claim, order));
  }

  private int count(int order) {
    return Magazines.count(header(order));
  }

  /// A FULL area of allocated blocks of one order.
  private long fullArea(int order) {
    long area = lend(core.areas, 1, AreaWord.NO_SLOT);
    for (long frame = area << 9; frame < (area + 1) << 9; frame += 1L << order) {
      assertTrue(core.runs.takeAt(frame, 1 << order));
    }
    core.areas.settle(area);
    return area;
  }

  private boolean push(int order, long frame) {
    return magazines.push(claim, order, frame, areaWord(core, frame >>> 9));
  }

  @Test
  void theHeaderHasACountAndWhatWasEverTaken() {
    assertEquals(0, Magazines.count(0));
    assertEquals(0xFFFF, Magazines.count(-1));
    assertEquals(5, Magazines.count(LOCKED | 7L << 16 | 5));
    assertEquals(7, Magazines.taken(LOCKED | 7L << 16 | 5));
    assertEquals((1L << 47) - 1, Magazines.taken(-1));
  }

  @Test
  @Behaviour("89")
  void blocksComeBackLastInFirstOut() {
    for (int order = 0; order < Slots.CACHED_ORDERS; order++) {
      long first = fullArea(order) << 9;
      int capacity = Math.min(core.slots.capacity(order), 512 >> order);
      for (int i = 0; i < capacity; i++) {
        long frame = first + ((long) i << order);
        assertTrue(push(order, frame), "order " + order + ", block " + i);
        assertEquals(i + 1, count(order));
        assertEquals(1, UnitWord.lent(frameWord(core, frame)) >>> (frame & 31) & 1);
      }
      for (int i = capacity - 1; i >= 0; i--) {
        long frame = first + ((long) i << order);
        assertEquals(frame, magazines.pop(claim, order));
        assertTrue(core.runs.isRun(frame, 1 << order));
      }
      assertEquals(NONE, magazines.pop(claim, order));
      assertEquals(capacity, Magazines.taken(header(order)));
      assertEquals(0, count(order));
    }
  }

  @Test
  @Behaviour("89")
  void aFullMagazineTakesNoMore() {
    for (int order = 0; order < Slots.CACHED_ORDERS; order++) {
      int capacity = core.slots.capacity(order);
      long area = fullArea(order);
      long next = area << 9;
      for (int i = 0; i < capacity; i++) {
        if (next >>> 9 != area) {
          area = fullArea(order);
          next = area << 9;
        }
        assertTrue(push(order, next));
        next += 1L << order;
      }
      long another = fullArea(order) << 9;
      long before = frameWord(core, another);
      assertFalse(push(order, another));
      assertEquals(before, frameWord(core, another));
      assertEquals(capacity, count(order));
    }
  }

  @Test
  void onlySingleFramesOfNearlyFullAreasAreKept() {
    long first = fullArea(0) << 9;
    for (int bin = 0; bin < AreaWord.BINS; bin++) {
      long area = AreaWord.binned(0, bin);
      boolean nearlyFull = bin % 4 == 0;
      assertEquals(nearlyFull, magazines.push(claim, 0, first + bin, area));
    }
    assertFalse(magazines.push(claim, 0, first + 100, AreaWord.fresh(0, 1)), "a claimed area");
  }

  @Test
  void theBlockThatWasHandedOutLastIsAlwaysKept() {
    long emptyish = AreaWord.binned(0, AreaWord.bin(8, 300));
    for (int order = 1; order < Slots.CACHED_ORDERS; order++) {
      long first = fullArea(order) << 9;
      long second = first + (1L << order);
      assertFalse(magazines.push(claim, order, first, emptyish));
      Magazines.noteLast(claim, order, first);
      if (order < 8) {
        assertFalse(magazines.push(claim, order, second, emptyish), "another block");
      }
      assertTrue(magazines.push(claim, order, first, emptyish));
      assertEquals(first, magazines.pop(claim, order));
      assertTrue(magazines.push(claim, order, first, emptyish), "in turn");
    }
  }

  @Test
  void theSingleFrameThatWasHandedOutLastIsNoReasonToKeepIt() {
    long first = fullArea(0) << 9;
    long emptyish = AreaWord.binned(0, AreaWord.bin(8, 300));
    long before = Memory.getLong(claim + 24);
    Magazines.noteLast(claim, 0, first);
    assertEquals(before, Memory.getLong(claim + 24));
    Magazines.noteLast(claim, Slots.CACHED_ORDERS, first); // a run of 300 frames is of order 9
    assertFalse(Slots.isLocked(claim));
    assertFalse(magazines.push(claim, 0, first, emptyish));
  }

  @Test
  void framesOfAPartialAreaAreNotKept() {
    long first = fullArea(0) << 9;
    assertFalse(magazines.push(claim, 0, first, AreaWord.full(AreaWord.PARTIAL)));
    assertFalse(magazines.push(claim, 1, first, AreaWord.full(AreaWord.PARTIAL)));
  }

  @Test
  void aLockedMagazineIsPassedBy() {
    long first = fullArea(0) << 9;
    assertTrue(push(0, first));
    long address = Slots.header(claim, 0);
    Memory.putLong(address, header(0) | LOCKED);
    assertFalse(push(0, first + 1));
    assertEquals(NONE, magazines.pop(claim, 0));
    assertTrue(magazines.drain(claim), "it gives way, but not for ever");
    assertEquals(1, count(0));
    Memory.putLong(address, header(0) & ~LOCKED);
    assertTrue(push(0, first + 1));
    assertEquals(first + 1, magazines.pop(claim, 0));
    assertEquals(first, magazines.pop(claim, 0));
  }

  @Test
  void whatIsNotAllocatedInThisOrderIsRefusedAndTheLockIsFreeAgain() {
    for (int order = 0; order < Slots.CACHED_ORDERS; order++) {
      long frame = fullArea(order) << 9;
      long area = AreaWord.full(0);
      for (int other = 0; other < Slots.CACHED_ORDERS; other++) {
        // Orders above 4 share the look of the first word; their length is proved before.
        if (other != order && (other < 5 || order < 5)) {
          assertFalse(magazines.push(claim, other, frame, area), order + " is not " + other);
        }
      }
      if (order > 0) {
        assertFalse(magazines.push(claim, 0, frame + 1, area), "a tail");
      }
      assertTrue(push(order, frame));
      assertFalse(magazines.push(claim, order, frame, area), "a second free");
      assertEquals(1, count(order));
      assertEquals(frame, magazines.pop(claim, order));
      assertTrue(core.runs.free(frame, 1 << order));
      assertFalse(magazines.push(claim, order, frame, area), "free already");
      assertEquals(0, count(order));
      assertTrue(header(order) >= 0);
    }
  }

  @Test
  void aFrameThatWaitsInAClaimWordIsRefusedWhateverTheAreaWordWas() {
    int slot = core.slots.of(0, 2);
    long frame = core.claims.refill(slot, 2, true) + 1;
    assertTrue(core.claims.holds(frame));
    long before = frameWord(core, frame);
    assertFalse(magazines.push(claim, 0, frame, AreaWord.full(0)), "read before it was claimed");
    assertEquals(before, frameWord(core, frame));
    assertEquals(0, header(0));
    assertTrue(magazines.push(claim, 0, frame - 1, AreaWord.full(0)), "this one was handed out");
  }

  @Test
  @Behaviour("100")
  void drainedBlocksAreFreeAndDoNotCountAsTaken() {
    long frames = 0;
    for (int order = 0; order < Slots.CACHED_ORDERS; order++) {
      assertTrue(push(order, fullArea(order) << 9));
      frames += 1L << order;
    }
    long free = census(core, 0, END).freeFrames();
    assertEquals(frames, census(core, 0, END).cachedFrames());
    assertTrue(magazines.drain(claim));
    assertFalse(magazines.drain(claim));
    assertEquals(0, census(core, 0, END).cachedFrames());
    assertEquals(free + frames, census(core, 0, END).freeFrames());
    assertEquals(frames, Memory.getLong(Slots.wentHome(claim)));
    for (int order = 0; order < Slots.CACHED_ORDERS; order++) {
      assertEquals(0, header(order));
    }
  }

  @Test
  void aFrameBeyondWhatAnEntryHoldsIsNotKept() {
    assertFalse(magazines.push(claim, 0, 1L << 32, AreaWord.full(0)));
  }

  @Test
  void framesAboveTwoToThe31ComeBackAsTheyWent() {
    // 12 TiB of span, of which a few frames at the end are there.
    long end = 3L << 30;
    HybridCore wide = span(1, 0, end);
    handOver(wide, end - 1024, end);
    long slot = wide.slots.claim(0);
    long area = lend(wide.areas, 0, AreaWord.NO_SLOT);
    wide.areas.fill(area, UnitWord.ALL_HEAD);
    wide.areas.settle(area);
    long frame = (area << 9) + 77;
    assertTrue(frame > Integer.MAX_VALUE);
    assertTrue(wide.magazines.push(slot, 0, frame, areaWord(wide, area)));
    assertEquals(frame, wide.magazines.pop(slot, 0));
  }
}
