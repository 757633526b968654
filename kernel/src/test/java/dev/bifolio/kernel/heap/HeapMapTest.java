package dev.bifolio.kernel.heap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.FrameInfo;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Pointers, frames and addresses, and what is noted of the frames.
class HeapMapTest {
  private final HeapWorld world = new HeapWorld(200);

  @AfterEach
  void giveBack() {
    world.close();
  }

  @Test
  void pointersFramesAndAddressesAreConstantsApart() {
    HeapMap map = new HeapMap(HeapWorld.DIRECT, 0x7000, new FrameInfo(0, 0, 0));
    assertEquals(HeapWorld.DIRECT + 0x5000, map.pointerOf(5));
    assertEquals(5, map.pfnOf(HeapWorld.DIRECT + 0x5FFF));
    assertEquals(6, map.pfnOf(HeapWorld.DIRECT + 0x6000));
    assertEquals(HeapWorld.DIRECT + 0x7001, map.hostOf(HeapWorld.DIRECT + 1));
    assertEquals(0, new HeapMap(0, 0).infoOf(0));
  }

  @Test
  void framesThatNoPlaneDescribesAreNotUsed() {
    HeapMap blind = new HeapMap(HeapWorld.DIRECT, 0, new FrameInfo(0, 0, 0));
    long bytes = SlabCaches.byteSize(1, 1, 8);
    SlabCaches caches = new SlabCaches(world.windows.reserve(bytes), blind, world.pages, 1, 1, 8);
    SlabCache cache = caches.create(HeapWorld.spec(64, 0, 0));
    assertThrows(IllegalStateException.class, () -> cache.allocate(0));
    assertEquals(0, world.usedFrames());
    assertEquals(0, caches.records.inUse());
    assertThrows(IllegalArgumentException.class, () -> new HeapMap(8, 0, new FrameInfo(0, 0, 0)));
  }

  @Test
  void theSecondPlaneServesAsWell() {
    long middle = HeapWorld.START_PFN + 10;
    FrameInfo low = plane(HeapWorld.START_PFN, middle);
    FrameInfo high = plane(middle, world.endPfn);
    HeapMap map = new HeapMap(HeapWorld.DIRECT, 0, low, high);
    map.note(middle - 1, 1, FrameInfo.KIND_SLAB, 7);
    map.note(middle, 2, FrameInfo.KIND_SLAB, 8);
    assertEquals(7, FrameInfo.ownerOf(map.infoOf(middle - 1)));
    assertEquals(8, FrameInfo.ownerOf(map.infoOf(middle)));
    assertEquals(8, FrameInfo.ownerOf(high.get(middle + 1)));
    assertEquals(0, map.infoOf(middle + 2));
    assertTrue(map.describes(middle, 5));
    assertTrue(map.describes(middle - 5, 5));
    assertFalse(map.describes(middle - 5, 6));
    assertFalse(map.describes(HeapWorld.START_PFN - 1, 2));
  }

  private FrameInfo plane(long startPfn, long endPfn) {
    return new FrameInfo(
        world.windows.reserve(FrameInfo.byteSize(startPfn, endPfn)), startPfn, endPfn);
  }

  @Test
  void whoIsChargedForAFrameStaysNoted() {
    SlabCache cache = world.caches.create(HeapWorld.spec(4096, 1, 0));
    world.info.put(HeapWorld.START_PFN, FrameInfo.word(FrameInfo.KIND_NONE, 17, 3, 0));
    long pointer = cache.allocate(0);
    long word = world.info.get(HeapWorld.START_PFN);
    assertEquals(FrameInfo.KIND_SLAB, FrameInfo.kindOf(word));
    assertEquals(17, FrameInfo.accountOf(word));
    assertEquals(3, FrameInfo.sharesOf(word));
    cache.free(pointer);
    assertEquals(2, cache.shrink(1));
    assertEquals(
        FrameInfo.word(FrameInfo.KIND_NONE, 17, 3, 0), world.info.get(HeapWorld.START_PFN));
  }
}
