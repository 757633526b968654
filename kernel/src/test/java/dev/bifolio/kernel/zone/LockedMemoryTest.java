package dev.bifolio.kernel.zone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameStatistics;
import dev.bifolio.kernel.frame.ValidationReport;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.FrameRequestException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// The lock around classic allocators, and the counters of the zone that change under it.
class LockedMemoryTest {
  private static final int NONE = AllocationFlags.NONE;

  private TestZones zones;
  private Zone zone;
  private ZoneMemory memory;

  @BeforeEach
  void open() {
    zones =
        TestZones.plan()
            .part(0, ZoneType.NORMAL, 0x100, 128)
            .part(0, ZoneType.NORMAL, 0x400, 64)
            .classic(true)
            .build();
    zone = zones.zone(0, ZoneType.NORMAL);
    memory = zone.memory;
  }

  @AfterEach
  void close() {
    zones.close();
  }

  /// Each of these is also a call that must take the lock: while somebody has it, it waits.
  private Runnable[] calls() {
    return new Runnable[] {
      () -> memory.take(0, 0, NONE),
      () -> memory.takeWithin(0, 1, NONE, 1, 0x500),
      () -> memory.takeRange(0, 0x150, 3, NONE),
      () -> memory.takeBulk(0, new long[2], 0, 2, NONE),
      () -> memory.countFailure(1, true),
      () -> memory.countFailure(1, false),
      memory::countRefusal,
      memory::countRefusedFree,
      () -> memory.tryFreeFrames(0x120, 1),
      () -> memory.tryFreeRange(0x120, 1),
      () -> assertThrows(FrameRequestException.class, () -> memory.freeFrames(0x120, 1)),
      () -> assertThrows(FrameRequestException.class, () -> memory.splitFrames(0x120, 1)),
      () -> memory.addFrames(0x100, 0x100),
      memory::availableFrames,
      memory::statistics,
      memory::resetCounters,
      () -> memory.validate(true),
    };
  }

  @Test
  void everyCallWaitsForTheLockAndOpensItAgain() throws InterruptedException {
    long lock = zone.bank(0).zoneAddress();
    Runnable[] calls = calls();
    for (int i = 0; i < calls.length; i++) {
      Memory.putLongRelease(lock, 1);
      Thread caller = new Thread(calls[i]);
      caller.start();
      caller.join(3);
      assertTrue(caller.isAlive(), "call " + i + " did not wait");
      Memory.putLongRelease(lock, 0);
      caller.join();
      assertEquals(0, Memory.getLong(lock), "call " + i + " left it locked");
    }
  }

  @Test
  void anUnservedPlacedRequestIsNoDemandAndAnotherIs() {
    assertEquals(0x400, memory.takeWithin(0, 3, NONE, 1, 0x500));
    FrameStatistics before = memory.statistics();
    assertEquals(4, before.peakDemandFrames());
    memory.countFailure(16, true);
    assertEquals(4, memory.statistics().peakDemandFrames());
    memory.countFailure(16, false);
    assertEquals(20, memory.statistics().peakDemandFrames());
    assertEquals(16, memory.statistics().largestRequestFrames());
  }

  @Test
  void splitsAndJoinsAreThoseOfTheBanks() {
    assertTrue(memory.take(0, 0, NONE) >= 0x400);
    assertEquals(0x100, memory.takeRange(0, 0x100, 1, NONE));
    FrameStatistics counts = memory.statistics();
    long splits = 0;
    for (int b = 0; b < 2; b++) {
      splits += zone.bank(b).allocator().statistics().splits();
    }
    assertEquals(6 + 7, splits); // 64 and 128 frames down to one
    assertEquals(splits, counts.splits());
    assertEquals(0, counts.coalesces());
    assertEquals(0, memory.tryFreeFrames(0x100, 1));
    assertEquals(0, memory.tryFreeFrames(0x400, 1));
    assertEquals(6 + 7, memory.statistics().coalesces());
  }

  @Test
  void aRunThatIsSplitCountsItsCutsAndItsWholeDemand() {
    assertEquals(0x400, memory.takeFrames(0, 33, NONE));
    assertEquals(64, memory.statistics().peakDemandFrames());
    memory.splitFrames(0x400, 33);
    for (int i = 0; i < 33; i++) {
      memory.freeFrames(0x400 + i, 1);
    }
    memory.resetCounters();
    assertEquals(0, memory.statistics().peakDemandFrames());
    assertEquals(0, memory.statistics().splits());
  }

  /// There are no caches: nothing goes home.
  @Test
  void thereIsNothingToDrain() {
    assertEquals(0x400, memory.take(0, 0, NONE));
    assertEquals(0, memory.tryFreeFrames(0x400, 1));
    assertEquals(0, memory.drainCaches());
    assertEquals(0, zone.cachedFrames());
  }

  @Test
  void framesThatSomebodyTookFromABankBehindTheZonesBackAreReported() {
    assertTrue(memory.validate(false).isValid());
    assertTrue(zone.bank(1).allocator().tryAllocate(2, NONE) >= 0);
    ValidationReport found = memory.validate(true);
    assertFalse(found.isValid());
    assertEquals(1, found.problemCount());
    assertEquals("the banks have 188 free frames, the zone counts 192\n", found.problems());
    assertTrue(found.checkedFrames() >= 192);
  }
}
