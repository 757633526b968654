package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// What one look at a range tells.
class UnitLookTest {
  private static final long START = 0x2000;

  private final MovableItems items = new MovableItems(true, START, 4 * 512, false);
  private final FrameMap map = new FrameMap(items.frames);
  private final UnitLook look = new UnitLook(items.movable);

  @AfterEach
  void close() {
    items.close();
  }

  private int item(long pfn, long frameCount) {
    assertTrue(items.frames.allocateRange(pfn, frameCount, AllocationFlags.MOVABLE));
    return items.adopt(pfn, frameCount);
  }

  @Test
  void theLargestFreeBlockIsFoundWhereverItLies() {
    item(START + 256, 256);
    look.look(map, START, START + 512);
    assertEquals(8, look.freeOrder());
    item(START + 64, 1);
    look.look(map, START, START + 512);
    assertEquals(7, look.freeOrder());
    item(START + 128, 128);
    look.look(map, START, START + 512);
    assertEquals(6, look.freeOrder());
    assertEquals(64 + 63, look.free());
    assertEquals(1 + 128 + 256, look.live());
  }

  @Test
  void aBlockOfSeveralUnitsIsFoundToo() {
    look.look(map, START, START + 2048);
    assertEquals(11, look.freeOrder());
    item(START + 2047, 1);
    look.look(map, START, START + 2048);
    assertEquals(10, look.freeOrder());
    look.look(map, START + 512, START + 2048);
    assertEquals(9, look.freeOrder());
  }

  @Test
  void whatWaitsInACacheIsNoFreeBlockButRoom() {
    long first = items.frames.allocate(0, AllocationFlags.MOVABLE);
    long second = items.frames.allocate(0, AllocationFlags.MOVABLE);
    items.frames.free(first, 0);
    items.frames.free(second, 0);
    assertTrue(items.frames.cachedFrameCount() > 0, "the allocator has no caches");
    look.look(map, START, START + 2048);
    assertEquals(2048, look.free());
    assertEquals(0, look.live());
    assertTrue(look.canBeEmptied());
    assertEquals(10, look.freeOrder());
    items.frames.drainCaches();
    look.look(map, START, START + 2048);
    assertEquals(2048, look.free());
    assertEquals(11, look.freeOrder());
  }

  @Test
  void whatIsPinnedOrNobodysCannotBeEmptied() {
    int pinned = item(START + 5, 1);
    look.look(map, START, START + 512);
    assertTrue(look.canBeEmptied());
    assertTrue(items.movable.pin(START + 5, items.me, pinned));
    look.look(map, START, START + 512);
    assertFalse(look.canBeEmptied());
    assertTrue(look.isWhole());
    assertTrue(items.frames.allocateRange(START + 512, 1, AllocationFlags.MOVABLE));
    look.look(map, START + 512, START + 1024);
    assertFalse(look.canBeEmptied());
    assertEquals(1, look.live());
  }
}
