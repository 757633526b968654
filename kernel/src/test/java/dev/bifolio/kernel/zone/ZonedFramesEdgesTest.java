package dev.bifolio.kernel.zone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.testkit.Behaviour;
import org.junit.jupiter.api.Test;

/// Cases that random operations found.
class ZonedFramesEdgesTest {
  private static final int NONE = AllocationFlags.NONE;
  private static final int MOVABLE_ZONE = AllocationFlags.MOVABLE_ZONE | AllocationFlags.MOVABLE;

  @Test
  void anInterleavingPolicyGoesOnWithEachServedRequestAndOnlyThen() {
    try (TestZones zones =
        TestZones.plan()
            .part(0, ZoneType.NORMAL, 0, 256)
            .part(1, ZoneType.NORMAL, 256, 256)
            .build()) {
      NumaPolicy policy = NumaPolicy.interleave(zones.frames().topology(), 0, 1);
      for (int i = 0; i < 6; i++) {
        long pfn = zones.frames().tryAllocate(policy, 0, 0, NONE);
        assertEquals(i % 2 == 0, pfn < 256, () -> "frame " + pfn);
        assertEquals(FrameAllocator.NO_FRAME, zones.frames().tryAllocate(policy, 0, 10, NONE));
      }
    }
  }

  /// Behind a request that may have it, an allowance of special memory lies ready.
  @Test
  @Behaviour("97")
  void whereThereIsOnlySpecialMemoryOrdinaryRequestsGetNothing() {
    for (ZoneType type : new ZoneType[] {ZoneType.MOVABLE, ZoneType.DEVICE, ZoneType.HIGHMEM}) {
      int flags =
          switch (type) {
            case MOVABLE -> MOVABLE_ZONE;
            case DEVICE -> AllocationFlags.DEVICE;
            default -> AllocationFlags.HIGHMEM_OK;
          };
      try (TestZones zones = TestZones.plan().part(0, type, 0, 4096).build()) {
        ZonedFrames frames = zones.frames();
        assertTrue(frames.tryAllocateOn(0, 0, flags) >= 0);
        assertEquals(FrameAllocator.NO_FRAME, frames.tryAllocateOn(0, 0, NONE));
        assertEquals(0, frames.allocateBulk(new long[2], 0, 2, NONE));
        assertEquals(4095, zones.zone(0, type).availableFrames());
      }
    }
  }

  @Test
  void manyFramesAtOnceLeaveTheLowmemReserve() {
    try (TestZones zones = TestZones.plan().part(0, ZoneType.DMA32, 0, 1024).build()) {
      Zone zone = zones.zone(0, ZoneType.DMA32);
      zone.setWatermarks(10, 20, 30);
      zone.setLowmemReserve(ZoneType.NORMAL, 500);
      long[] pfns = new long[1024];
      assertEquals(514, zones.frames().allocateBulk(pfns, 0, 600, NONE));
      assertEquals(510, zone.availableFrames());
    }
  }

  /// A CPU drew an allowance while there was plenty; then almost all is taken past the marks.
  @Test
  void noAllowanceOutlivesTheFramesThatARangeTook() {
    try (TestZones zones = TestZones.plan().part(0, ZoneType.NORMAL, 0, 4096).build()) {
      ZonedFrames frames = zones.frames();
      Zone zone = zones.zone(0, ZoneType.NORMAL);
      zone.setWatermarks(100, 110, 120);
      long first = frames.tryAllocateOn(0, 0, NONE);
      assertTrue(first >= 0);
      zone.drainCaches();
      long start = first < 2048 ? 64 : 0;
      long count = 4096 - 110 - 64;
      assertEquals(start, takeAround(frames, start, count, first));
      long left = zone.availableFrames();
      for (long i = left; i > 100; i--) {
        assertTrue(frames.tryAllocateOn(0, 0, NONE) >= 0, "with " + i + " frames");
      }
      assertEquals(FrameAllocator.NO_FRAME, frames.tryAllocateOn(0, 0, NONE));
      assertEquals(100, zone.availableFrames());
    }
  }

  private static long takeAround(ZonedFrames frames, long start, long count, long hole) {
    for (long pfn = start; pfn < start + count; pfn++) {
      long taken = pfn == hole ? pfn : frames.tryAllocateRange(pfn, 1, NONE);
      assertEquals(pfn, taken);
    }
    return start;
  }

  /// The same with one request that is larger than all that lies above the far mark.
  @Test
  void noAllowanceOutlivesTheFramesOfALargeRequest() {
    try (TestZones zones = TestZones.plan().part(0, ZoneType.NORMAL, 0, 4096).build()) {
      ZonedFrames frames = zones.frames();
      Zone zone = zones.zone(0, ZoneType.NORMAL);
      zone.setWatermarks(1800, 1850, 2000);
      assertTrue(frames.tryAllocateOn(0, 0, NONE) >= 0);
      assertTrue(frames.tryAllocateOn(0, 11, NONE) >= 0);
      assertEquals(2047, zone.availableFrames());
      for (int i = 0; i < 247; i++) {
        assertTrue(frames.tryAllocateOn(0, 0, NONE) >= 0);
      }
      assertEquals(FrameAllocator.NO_FRAME, frames.tryAllocateOn(0, 0, NONE));
    }
  }
}
