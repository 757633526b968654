package dev.bifolio.kernel.zone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.platform.Cpu;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.FrameError;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/// Which words the quick ways of a request change, and what the largest requests are told.
class ZonedFramesWaysTest {
  private static final int NONE = AllocationFlags.NONE;
  private static final long NO_FRAME = FrameAllocator.NO_FRAME;
  private static final long START = 0x1000;
  private static final long FRAMES = 8192;

  /// At least as many CPUs as this machine has, so that each has an allowance of its own.
  private static final int CPUS = Integer.highestOneBit(Cpu.count()) * 2;

  private static TestZones.Plan oneBank() {
    return TestZones.plan().part(0, ZoneType.NORMAL, START, FRAMES).cpuCount(CPUS);
  }

  private static long pool(Zone zone) {
    return Memory.getLong(zone.bank(0).zoneAddress() + 4 * 64 + 192);
  }

  private static long allowance(Zone zone, int cpu) {
    return Memory.getLong(zone.bank(0).zoneAddress() + 4 * 64 + 256 + 64L * cpu);
  }

  @Test
  void aRequestTakesFromTheAllowanceOfItsCpuAlone() {
    TestZones.Plan[] plans = {oneBank(), oneBank().part(0, ZoneType.DMA, 0x100, 64)};
    for (TestZones.Plan plan : plans) {
      try (TestZones zones = plan.build()) {
        ZonedFrames frames = zones.frames();
        Zone zone = zones.zone(0, ZoneType.NORMAL);
        assertTrue(frames.tryAllocateOn(0, 0, NONE) >= 0);
        assertTrue(frames.tryAllocateOn(1, 0, NONE) >= 0);
        long first = allowance(zone, 0);
        long second = allowance(zone, 1);
        long pool = pool(zone);
        assertTrue(first > 16 && second > 16);
        assertTrue(frames.tryAllocateOn(1, 3, NONE) >= 0);
        assertTrue(frames.tryAllocateOn(1, 0, AllocationFlags.MOVABLE) >= 0);
        assertEquals(second - 9, allowance(zone, 1));
        assertEquals(first, allowance(zone, 0));
        assertEquals(pool, pool(zone));
      }
    }
  }

  @Test
  void withoutACpuThatOfTheCallerIsMeant() {
    try (TestZones zones = oneBank().build()) {
      ZonedFrames frames = zones.frames();
      Zone zone = zones.zone(0, ZoneType.NORMAL);
      Cpu.simulate(1);
      try {
        assertTrue(frames.tryAllocate(0, NONE) >= 0);
        long before = allowance(zone, 1);
        assertEquals(0, allowance(zone, 0));
        assertTrue(frames.tryAllocate(3, NONE) >= 0);
        assertEquals(before - 8, allowance(zone, 1));
        assertEquals(0, allowance(zone, 0));
      } finally {
        Cpu.simulate(Cpu.REAL);
      }
    }
  }

  /// What a request may not have is not taken from the allowance of those who may.
  @Test
  void aLimitedRequestTakesNoAllowanceOfAZoneItMayNotHave() {
    try (TestZones zones = oneBank().build()) {
      ZonedFrames frames = zones.frames();
      Zone zone = zones.zone(0, ZoneType.NORMAL);
      assertTrue(frames.tryAllocateOn(0, 0, NONE) >= 0);
      assertTrue(frames.tryAllocateOn(Cpu.current(), 0, NONE) >= 0);
      long before = allowance(zone, 0);
      assertEquals(NO_FRAME, frames.tryAllocateOn(0, 0, AllocationFlags.DMA));
      assertEquals(NO_FRAME, frames.tryAllocate(0, AllocationFlags.DMA));
      assertEquals(0, frames.allocateBulk(new long[2], 0, 2, AllocationFlags.DMA));
      assertEquals(before, allowance(zone, 0));
      assertEquals(FRAMES - 2, zone.availableFrames());
    }
  }

  @Test
  void theLargestBlockIsLegalAndWhatIsLargerIsNot() {
    for (boolean classic : new boolean[] {false, true}) {
      TestZones.Plan plan = TestZones.plan().part(0, ZoneType.NORMAL, 1 << 20, 1 << 20);
      try (TestZones zones = plan.classic(classic).build()) {
        ZonedFrames frames = zones.frames();
        NumaPolicy local = NumaPolicy.local();
        long whole = 1 << 20;
        long invalid = FrameError.INVALID_ORDER.code();
        assertEquals(invalid, frames.tryAllocate(21, NONE));
        assertEquals(invalid, frames.tryAllocateOn(0, 21, NONE));
        assertEquals(invalid, frames.tryAllocate(local, 0, 21, NONE));
        assertEquals(invalid, frames.tryAllocate(local, 0, -1, NONE));
        assertEquals(FrameError.TOO_LARGE.code(), frames.tryAllocateNear(0, whole + 1, NONE));
        assertEquals(5, frames.zones().statistics().failures());
        assertEquals(whole, frames.tryAllocate(20, NONE));
        assertEquals(0, frames.tryFree(whole, 20));
        assertEquals(whole, frames.tryAllocateOn(0, 20, NONE));
        assertEquals(0, frames.tryFree(whole, 20));
        assertEquals(whole, frames.tryAllocate(local, 0, 20, NONE));
        assertEquals(0, frames.tryFree(whole, 20));
        assertEquals(whole, frames.tryAllocateNear(0, whole, NONE));
        assertEquals(NO_FRAME, frames.tryAllocate(0, NONE));
        assertEquals(0, frames.tryFreeFrames(whole, whole));
        assertEquals(whole, frames.tryAllocateRange(whole, whole, NONE));
      }
    }
  }

  @Test
  void manyFramesAtOnceAreCountedAsManyAndLeaveLow() {
    for (boolean classic : new boolean[] {false, true}) {
      TestZones.Plan plan = TestZones.plan().part(0, ZoneType.NORMAL, START, 1024);
      try (TestZones zones = plan.classic(classic).build()) {
        ZonedFrames frames = zones.frames();
        Zone zone = zones.zone(0, ZoneType.NORMAL);
        zone.setWatermarks(10, 20, 1000);
        long[] pfns = new long[1200];
        Arrays.fill(pfns, -7);
        assertEquals(504, frames.allocateBulk(pfns, 3, 504, NONE));
        assertEquals(520, zone.availableFrames());
        assertEquals(0, zone.eventCount(Zone.Event.WAKE));
        assertEquals(500, frames.allocateBulk(pfns, 507, 500, NONE));
        assertEquals(20, zone.availableFrames());
        assertEquals(0, zone.eventCount(Zone.Event.WAKE));
        // Above low there is nothing any more, above min there is.
        assertEquals(10, frames.allocateBulk(pfns, 1007, 40, NONE));
        assertEquals(10, zone.availableFrames());
        assertEquals(11, zone.eventCount(Zone.Event.WAKE));
        assertEquals(-7, pfns[2]);
        assertEquals(-7, pfns[1017]);
        assertEquals(1014, Arrays.stream(pfns, 3, 1017).filter(p -> p >= 0).distinct().count());
        frames.freeBulk(pfns, 3, 1014);
        assertEquals(1024, zone.memory.availableFrames());
      }
    }
  }

  @Test
  void memoryThatIsHandedOverLaterIsAvailableAtOnce() {
    try (TestZones zones = TestZones.plan().part(0, ZoneType.NORMAL, START, 64).empty().build()) {
      ZonedFrames frames = zones.frames();
      Zone zone = zones.zone(0, ZoneType.NORMAL);
      zone.setWatermarks(0, 0, 64);
      assertEquals(NO_FRAME, frames.tryAllocate(0, NONE));
      assertTrue(!zone.isPlenty());
      assertEquals(24, frames.addFrames(START + 8, START + 32));
      assertEquals(24, zone.availableFrames());
      assertEquals(0, frames.addFrames(START + 8, START + 8));
      assertEquals(24, zone.availableFrames());
    }
  }

  /// A bank of an only node that requests must not have, since it is special.
  @Test
  void anOnlyBankOfSpecialMemoryIsOnNoQuickWay() {
    try (TestZones zones =
        TestZones.plan().part(0, ZoneType.HIGHMEM, START, FRAMES).cpuCount(CPUS).build()) {
      ZonedFrames frames = zones.frames();
      Zone zone = zones.zone(0, ZoneType.HIGHMEM);
      for (int cpu = 0; cpu < CPUS; cpu++) {
        assertTrue(frames.tryAllocateOn(cpu, 0, AllocationFlags.HIGHMEM_OK) >= 0);
      }
      assertEquals(NO_FRAME, frames.tryAllocateOn(0, 0, NONE));
      assertEquals(NO_FRAME, frames.tryAllocate(0, NONE));
      assertEquals(FRAMES - CPUS, zone.availableFrames());
    }
  }

  /// The quick way home of an only bank refunds nobody: where there are accounts it is closed.
  @Test
  void whereThereAreAccountsABlockOfAnOnlyBankIsRefunded() {
    try (TestZones zones = oneBank().charged().build()) {
      ZonedFrames frames = zones.frames();
      int account = zones.accounts().open(AccountTree.ROOT, 10, 0);
      long pfn = frames.tryAllocate(2, AllocationFlags.charge(account));
      long plain = frames.tryAllocate(2, NONE);
      assertEquals(4, zones.accounts().usage(account));
      assertEquals(0, frames.tryFree(plain, 2));
      assertEquals(4, zones.accounts().usage(account));
      assertEquals(0, frames.tryFree(pfn, 2));
      assertEquals(0, zones.accounts().usage(account));
    }
  }
}
