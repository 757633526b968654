package dev.bifolio.kernel.zone;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;
import org.junit.jupiter.api.Test;

/// What a mistaken request or free is told, and that it is counted once.
class ZonedFramesMistakesTest {
  private static final int NONE = AllocationFlags.NONE;

  private static TestZones twoZones(boolean classic) {
    return TestZones.plan()
        .part(0, ZoneType.DMA, 0x100, 1024)
        .part(0, ZoneType.NORMAL, 0x1000, 1024)
        .classic(classic)
        .build();
  }

  @Test
  void mistakenRequestsAreNamedAndCountedOnce() {
    for (boolean classic : new boolean[] {false, true}) {
      try (TestZones zones = twoZones(classic)) {
        ZonedFrames frames = zones.frames();
        assertEquals(FrameError.INVALID_ORDER.code(), frames.tryAllocate(-1, NONE));
        assertEquals(FrameError.INVALID_ORDER.code(), frames.tryAllocate(21, NONE));
        assertEquals(FrameError.ZERO_ALLOCATION.code(), frames.tryAllocateFrames(0, NONE));
        assertEquals(FrameError.TOO_LARGE.code(), frames.tryAllocateFrames((1 << 20) + 1, NONE));
        assertEquals(FrameError.ZERO_ALLOCATION.code(), frames.tryAllocateNear(0, 0, NONE));
        assertEquals(FrameError.TOO_LARGE.code(), frames.tryAllocateNear(0, (1 << 20) + 1, NONE));
        assertEquals(FrameError.UNALIGNED.code(), frames.tryAllocateFramesWithin(1, NONE, 3, 9, 0));
        assertEquals(FrameError.ZERO_ALLOCATION.code(), frames.tryAllocateRange(0x100, 0, NONE));
        assertEquals(FrameError.OUT_OF_RANGE.code(), frames.tryAllocateRange(0, 1, NONE));
        assertEquals(9, frames.zones().statistics().failures());
        assertEquals(FrameAllocator.NO_FRAME, frames.tryAllocate(11, NONE));
        assertEquals(10, frames.zones().statistics().failures());
      }
    }
  }

  @Test
  void mistakenFreesAreNamedAndCountedOnce() {
    for (boolean classic : new boolean[] {false, true}) {
      try (TestZones zones = twoZones(classic)) {
        ZonedFrames frames = zones.frames();
        assertEquals(FrameError.OUT_OF_RANGE.code(), frames.tryFree(0, 0));
        assertEquals(FrameError.INVALID_ORDER.code(), frames.tryFree(0x1000, 21));
        assertEquals(FrameError.INVALID_ORDER.code(), frames.tryFree(0x1000, -1));
        assertEquals(FrameError.NOT_ALLOCATED.code(), frames.tryFree(0x1000, 0));
        assertEquals(FrameError.ZERO_ALLOCATION.code(), frames.tryFreeFrames(0x1000, 0));
        assertEquals(FrameError.OUT_OF_RANGE.code(), frames.tryFreeFrames(0x900, 2));
        assertEquals(FrameError.OUT_OF_RANGE.code(), frames.tryFreeRange(0x900, 2));
        assertEquals(7, frames.zones().statistics().refusedFrees());
        assertThrows(FrameRequestException.class, () -> frames.free(0x10, 0));
        assertThrows(FrameRequestException.class, () -> frames.freeFrames(0x1000, 5));
        assertThrows(FrameRequestException.class, () -> frames.splitFrames(0x10, 4));
        assertThrows(FrameRequestException.class, () -> frames.splitFrames(0x1000, 4));
        assertEquals(9, frames.zones().statistics().refusedFrees());
        assertEquals(2048, frames.zones().freeFrames(-1) + frames.zones().cachedFrames(-1));
        assertTrue(frames.zones().validate(true).isValid());
      }
    }
  }

  @Test
  void entriesThatAnArrayHasNotAreRefusedAndNothingChanges() {
    try (TestZones zones = TestZones.plan().part(0, ZoneType.NORMAL, 0x100, 64).build()) {
      ZonedFrames frames = zones.frames();
      long[] pfns = new long[4];
      for (int[] entries : new int[][] {{-1, 2}, {0, 5}, {3, 2}, {0, -1}}) {
        assertThrows(
            IndexOutOfBoundsException.class,
            () -> frames.allocateBulk(pfns, entries[0], entries[1], AllocationFlags.NONE));
        assertThrows(
            IndexOutOfBoundsException.class, () -> frames.freeBulk(pfns, entries[0], entries[1]));
      }
      assertArrayEquals(new long[4], pfns);
      assertEquals(64, zones.zone(0, ZoneType.NORMAL).availableFrames());
      assertEquals(4, frames.allocateBulk(pfns, 0, 4, AllocationFlags.NONE));
    }
  }
}
