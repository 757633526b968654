package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.Pages;
import org.junit.jupiter.api.Test;

/// One allocator of several is asked: what it serves counts, what it cannot serve does not.
class FrameProbeTest extends OwnedCaches {
  private static final long[] COUNTS = {1, 2, 3, 16, 37, 256, 300, 512, 600, 1024, 3000};

  private static long take(FrameProbe probe, boolean now, long frameCount) {
    return now
        ? probe.takeNow(0, frameCount, AllocationFlags.MOVABLE)
        : probe.take(0, frameCount, AllocationFlags.MOVABLE);
  }

  @Test
  void whatIsServedIsCountedAndFreedAsUsual() {
    HybridAllocator allocator = areas(16);
    FrameProbe probe = new FrameProbe(allocator);
    for (long frameCount : COUNTS) {
      int order = Pages.framesToOrderUp(frameCount);
      for (int turn = 1; turn <= 4; turn++) {
        long before = allocator.allocationCount(order, 1);
        long pfn = take(probe, turn % 2 == 1, frameCount);
        assertTrue(pfn >= allocator.startPfn());
        assertEquals(0, pfn % (1L << order));
        assertEquals(before + 1, allocator.allocationCount(order, 1));
        assertEquals(frameCount, inUse(allocator));
        allocator.assertValid();
        allocator.freeFrames(pfn, frameCount);
      }
    }
    assertEquals(0, allocator.statistics().failures());
    assertWhole(allocator);
  }

  @Test
  void aCachedBlockServesARequestForABlockOnly() {
    HybridAllocator allocator = areas(512);
    FrameProbe probe = new FrameProbe(allocator);
    long block = allocator.tryAllocateOn(0, 3, NONE);
    assertEquals(0, allocator.tryFreeOn(0, block, 3));
    assertEquals(8, allocator.cachedFrameCount());
    long run = probe.takeNow(0, 7, NONE);
    assertNotEquals(block, run);
    assertEquals(8, allocator.cachedFrameCount());
    assertEquals(block, probe.takeNow(0, 8, NONE));
    assertEquals(15, inUse(allocator));
    allocator.freeFrames(run, 7);
  }

  @Test
  void aFailureIsNotCountedAndACheapOneCallsNothingBack() {
    HybridAllocator allocator = allocatorOf(0, 512, 2);
    allocator.addFrames(0, 512);
    FrameProbe probe = new FrameProbe(allocator);
    assertEquals(0, allocator.tryAllocateOn(0, 0, NONE));
    for (long frameCount : COUNTS) {
      if (frameCount > 1) {
        assertEquals(NO_FRAME, probe.takeNow(1, frameCount, NONE));
      }
    }
    assertEquals(31, allocator.cachedFrameCount());
    for (long frameCount : new long[] {512, 600, 1024}) {
      assertEquals(NO_FRAME, probe.take(1, frameCount, NONE));
    }
    assertEquals(256, probe.take(1, 256, NONE));
    assertEquals(0, allocator.statistics().failures());
    assertEquals(2, allocator.statistics().requests());
    assertEquals(257, inUse(allocator));
  }

  @Test
  void aPlaceIsTakenBelowTheLimitAndAMistakeIsOnlyTold() {
    HybridAllocator allocator = areas(4);
    FrameProbe probe = new FrameProbe(allocator);
    long start = allocator.startPfn();
    assertEquals(start, probe.takeWithin(0, 3, NONE, 8, start + 15, 0));
    assertEquals(start + 8, probe.takeWithin(0, 3, NONE, 8, start + 15, 0));
    assertEquals(NO_FRAME, probe.takeWithin(0, 3, NONE, 8, start + 15, 0));
    assertEquals(start + 512, probe.takeWithin(0, 512, NONE, 1, Long.MAX_VALUE, 0));
    assertEquals(
        FrameError.ZERO_ALLOCATION.code(), probe.takeWithin(0, 0, NONE, 8, Long.MAX_VALUE, 0));
    assertEquals(FrameError.UNALIGNED.code(), probe.takeWithin(0, 4, NONE, 3, Long.MAX_VALUE, 0));
    assertEquals(0, allocator.statistics().failures());
    assertEquals(518, inUse(allocator));
  }
}
