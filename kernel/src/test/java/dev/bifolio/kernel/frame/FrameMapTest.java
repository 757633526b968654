package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.unit.Pages;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Both allocators are read in the same words.
class FrameMapTest {
  private static final long START = 0x100;
  private static final long END = 0x2000;
  private static final int FLAGS = AllocationFlags.MOVABLE;

  private final ZeroedWindows windows = new ZeroedWindows();

  @AfterEach
  void close() {
    windows.close();
  }

  /// Managed are 0x200 … 0x1FF0.
  private FrameMap map(boolean hybrid) {
    long address = Pages.pfnToAddress(START);
    long frameCount = END - START;
    FrameAllocator frames =
        hybrid
            ? new HybridAllocator(
                20,
                2,
                windows.reserve(HybridAllocator.metadataBytes(START, END, 2)),
                address,
                frameCount)
            : new BuddyAllocator(
                20, windows.reserve(BuddyAllocator.metadataBytes(START, END)), address, frameCount);
    frames.addFrames(0x200, 0x1FF0);
    FrameMap map = new FrameMap(frames);
    assertSame(frames, map.allocator());
    return map;
  }

  private static void assertFrames(FrameMap map, int state, long start, long end) {
    for (long pfn = start; pfn < end; pfn++) {
      long found = map.stretchAt(pfn);
      assertEquals(state, FrameMap.stateOf(found), "frame " + pfn);
      assertEquals(state, map.stateAt(pfn));
      assertTrue(FrameMap.endOf(found) > pfn && FrameMap.endOf(found) <= end, "frame " + pfn);
    }
  }

  private static void assertBlock(FrameMap map, long pfn, long frameCount) {
    assertEquals(FrameMap.HEAD, map.stateAt(pfn));
    assertEquals(pfn + frameCount, FrameMap.endOf(map.stretchAt(pfn)));
    assertEquals(frameCount, map.frameCountAt(pfn));
    assertFrames(map, FrameMap.TAIL, pfn + 1, pfn + frameCount);
    assertEquals(0, frameCount > 1 ? map.frameCountAt(pfn + 1) : 0);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void eachStateIsTold(boolean hybrid) {
    FrameMap map = map(hybrid);
    FrameAllocator frames = map.allocator();
    assertFrames(map, FrameMap.ABSENT, 0, 0x200);
    assertFrames(map, FrameMap.ABSENT, 0x1FF0, 0x2100);
    assertFrames(map, FrameMap.FREE, 0x200, 0x1FF0);
    assertEquals(0, map.frameCountAt(0x200));
    assertEquals(0, map.frameCountAt(0x100));
    for (long frameCount : new long[] {1, 2, 5, 33, 64, 100, 512, 600, 1024}) {
      assertBlock(map, frames.allocateFrames(frameCount, FLAGS), frameCount);
    }
    frames.allocateRange(0x1FEF, 1, FLAGS);
    assertBlock(map, 0x1FEF, 1);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void theFramesInUseOfAnAreaAreCounted(boolean hybrid) {
    FrameMap map = map(hybrid);
    FrameAllocator frames = map.allocator();
    assertEquals(0, map.allocatedFramesIn(0x1E00));
    assertEquals(0, map.allocatedFramesIn(0));
    frames.allocateRange(0x1E00, 0x1F0, FLAGS);
    assertEquals(0x1F0, map.allocatedFramesIn(0x1E00));
    frames.allocateRange(0x200, 1, FLAGS);
    frames.allocateRange(0x300, 64, FLAGS);
    frames.allocateRange(0x3FF, 1, FLAGS);
    assertEquals(66, map.allocatedFramesIn(0x200));
    frames.allocateRange(0x400, 0x400, FLAGS);
    assertEquals(512, map.allocatedFramesIn(0x400));
    assertEquals(512, map.allocatedFramesIn(0x600));
    assertEquals(0, map.allocatedFramesIn(0x800));
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void whatIsFreeIsTakenByName(boolean hybrid) {
    FrameMap map = map(hybrid);
    FrameAllocator frames = map.allocator();
    assertFalse(map.takeNow(0x1FF, 2, FLAGS));
    assertFalse(map.takeNow(0x1FEF, 2, FLAGS));
    assertFalse(map.takeNow(0x1FFF, 2, FLAGS));
    assertFalse(map.takeNow(0x50, 1, FLAGS));
    assertFalse(map.takeNow(0x300, 0, FLAGS));
    assertFalse(map.takeNow(0x300, Long.MAX_VALUE, FLAGS));
    assertEquals(0x1DF0, frames.freeFrameCount());
    assertTrue(map.takeNow(0x301, 7, FLAGS));
    assertBlock(map, 0x301, 1);
    assertBlock(map, 0x302, 2);
    assertBlock(map, 0x304, 4);
    assertFalse(map.takeNow(0x300, 2, FLAGS));
    assertTrue(map.takeNow(0x400, 0x400, FLAGS));
    assertBlock(map, 0x400, 0x400);
    assertEquals(4, frames.statistics().allocations());
    assertEquals(0, frames.statistics().failures());
    assertEquals(4, sumOfKind(frames, AllocationFlags.kindOf(FLAGS)));
    frames.freeRange(0x301, 7);
    frames.freeRange(0x400, 0x400);
    frames.drainCaches();
    assertEquals(0x1DF0, frames.freeFrameCount());
    frames.assertValid();
  }

  private static long sumOfKind(FrameAllocator frames, int kind) {
    long sum = 0;
    for (int order = 0; order <= 20; order++) {
      sum += frames.allocationCount(order, kind);
    }
    return sum;
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void whatIsFreedNowIsFreeAtOnce(boolean hybrid) {
    FrameMap map = map(hybrid);
    FrameAllocator frames = map.allocator();
    frames.drainCaches();
    for (long frameCount : new long[] {1, 3, 64, 511, 512, 700, 1024}) {
      long pfn = frames.allocateFrames(frameCount, FLAGS);
      long free = 0x1DF0 - frameCount;
      assertFalse(map.freeNow(pfn, frameCount + 1));
      assertFalse(map.freeNow(pfn + 1, frameCount));
      assertTrue(map.freeNow(pfn, frameCount));
      assertFalse(map.freeNow(pfn, frameCount));
      frames.drainCaches();
      assertEquals(free + frameCount, frames.freeFrameCount());
      frames.assertValid();
    }
    assertEquals(7, frames.statistics().frees());
  }

  /// A frame of a nearly full area would go to a cache.
  @Test
  void aFullAreaThatIsFreedIsWholeWithoutACallBack() {
    FrameMap map = map(true);
    FrameAllocator frames = map.allocator();
    for (long pfn = 0x400; pfn < 0x600; pfn++) {
      assertTrue(map.takeNow(pfn, 1, FLAGS));
    }
    for (long pfn = 0x400; pfn < 0x600; pfn++) {
      assertTrue(map.freeNow(pfn, 1));
    }
    assertEquals(0, frames.cachedFrameCount());
    assertTrue(map.takeNow(0x400, 512, FLAGS));
  }

  @Test
  void whatWaitsInACacheIsTold() {
    FrameMap map = map(true);
    HybridAllocator frames = (HybridAllocator) map.allocator();
    long area = frames.tryAllocateOn(0, 9, FLAGS);
    frames.splitBlock(area, 9);
    long cached = area + 0x100;
    assertEquals(0, frames.tryFreeOn(0, cached, 0));
    assertEquals(1, frames.cachedFrameCount());
    assertEquals(FrameMap.CACHED, map.stateAt(cached));
    assertEquals(cached + 1, FrameMap.endOf(map.stretchAt(cached)));
    assertEquals(0, map.frameCountAt(cached));
    assertEquals(512, map.allocatedFramesIn(area));
    assertFalse(map.takeNow(cached, 1, FLAGS));
    assertFalse(map.freeNow(cached, 1));
    assertEquals(1, frames.cachedFrameCount());
    frames.drainCaches();
    assertEquals(511, map.allocatedFramesIn(area));
    assertTrue(map.takeNow(cached, 1, FLAGS));
  }
}
