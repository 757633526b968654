package dev.bifolio.kernel.zone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.frame.HybridAllocator;
import dev.bifolio.kernel.platform.Memory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// The words of the banks: what was sought in vain, and when that is forgotten.
class ConcurrentMemoryTest {
  private static final int NONE = AllocationFlags.NONE;
  private static final int LOW = 0;
  private static final int HIGH = 1;

  private TestZones zones;
  private Zone zone;
  private ZoneMemory memory;

  /// 128 frames and, above them, 64.
  @BeforeEach
  void open() {
    zones =
        TestZones.plan()
            .part(0, ZoneType.NORMAL, 0x100, 128)
            .part(0, ZoneType.NORMAL, 0x400, 64)
            .cpuCount(2)
            .build();
    zone = zones.zone(0, ZoneType.NORMAL);
    memory = zone.memory;
  }

  @AfterEach
  void close() {
    zones.close();
  }

  private long word(int bank) {
    return Memory.getLong(zone.bank(bank).hintAddress());
  }

  private HybridAllocator bank(int bank) {
    return (HybridAllocator) zone.bank(bank).allocator();
  }

  @Test
  void theWordIsOneMoreThanTheOrderThatWasSoughtInVain() {
    assertEquals(0, word(HIGH));
    assertEquals(0x100, memory.take(0, 7, NONE));
    assertEquals(8, word(HIGH));
    assertEquals(0, word(LOW));
    // A smaller order may still be there.
    assertEquals(0x400, memory.take(0, 6, NONE));
    assertEquals(FrameAllocator.NO_FRAME, memory.takeFrames(0, 5, NONE));
    assertEquals(4, word(HIGH)); // a run of 5 wants a block of 8
    assertEquals(4, word(LOW));
  }

  @Test
  void aBankWithAWordIsPassedOverForThatOrderAndAllAboveIt() {
    assertEquals(0x100, memory.takeWithin(0, 64, NONE, 1, 0x13F));
    Memory.putLong(zone.bank(HIGH).hintAddress(), 4);
    assertEquals(0x140, memory.take(0, 3, NONE));
    assertEquals(0x148, memory.take(0, 3, NONE));
    assertEquals(0x400, memory.take(0, 2, NONE));
    assertEquals(4, word(HIGH));
  }

  @Test
  void aWrongWordLetsNoRequestFail() {
    Memory.putLong(zone.bank(HIGH).hintAddress(), 1);
    Memory.putLong(zone.bank(LOW).hintAddress(), 1);
    assertEquals(0x400, memory.take(0, 6, NONE));
    assertEquals(0, word(HIGH));
    assertEquals(1, word(LOW));
  }

  @Test
  void anyFreeIntoABankClearsItsWordAndNoOther() {
    assertEquals(0x400, memory.take(0, 6, NONE));
    memory.splitFrames(0x400, 64);
    Runnable[] frees = {
      () -> memory.tryFreeFrames(0x402, 1),
      () -> memory.tryFreeRange(0x403, 1),
      () -> memory.freeFrames(0x405, 1),
      () -> memory.addFrames(0x400, 0x400),
    };
    for (int i = 0; i < frees.length; i++) {
      Memory.putLong(zone.bank(HIGH).hintAddress(), 1);
      Memory.putLong(zone.bank(LOW).hintAddress(), 1);
      frees[i].run();
      assertEquals(0, word(HIGH), "free " + i);
      assertEquals(1, word(LOW), "free " + i);
    }
    assertEquals(0x100, memory.takeRange(0, 0x100, 1, NONE));
    Memory.putLong(zone.bank(HIGH).hintAddress(), 1);
    assertEquals(0, memory.tryFreeFrames(0x100, 1));
    assertEquals(0, word(LOW));
    assertEquals(1, word(HIGH));
  }

  /// The whole high bank is one area, and reserved for the CPU that was first there.
  @Test
  void whatIsReservedForAnotherCpuOrCachedIsCalledBackOnlyWhenNoBankHasAnythingElse() {
    long cached = memory.take(1, 0, NONE);
    assertTrue(cached >= 0x400);
    assertEquals(0, bank(HIGH).tryFreeOn(1, cached, 0));
    assertTrue(bank(HIGH).cachedFrameCount() > 0);
    for (int i = 0; i < 128; i++) {
      assertTrue(memory.take(0, 0, NONE) < 0x200);
    }
    assertEquals(1, word(HIGH));
    for (int i = 0; i < 64; i++) {
      assertTrue(memory.take(0, 0, NONE) >= 0x400);
    }
    assertEquals(FrameAllocator.NO_FRAME, memory.take(0, 0, NONE));
    assertEquals(0, memory.availableFrames());
  }

  /// A bank that could not serve a request if all of it were free keeps its caches.
  @Test
  void whatCannotHelpIsNotCalledBack() {
    long cached = memory.take(1, 0, NONE);
    assertEquals(0, bank(HIGH).tryFreeOn(1, cached, 0));
    long waiting = bank(HIGH).cachedFrameCount();
    assertTrue(waiting > 0);
    assertEquals(0x100, memory.take(0, 7, NONE));
    assertEquals(FrameAllocator.NO_FRAME, memory.takeFrames(0, 65, NONE));
    assertEquals(waiting, bank(HIGH).cachedFrameCount());
    assertEquals(0x400, memory.takeFrames(0, 64, NONE));
    assertEquals(0, bank(HIGH).cachedFrameCount());
  }

  @Test
  void emptyingTheCachesOfAllBanksSaysHowMuchAndForgetsAllWords() {
    for (int b = LOW; b <= HIGH; b++) {
      long pfn = bank(b).tryAllocate(0, NONE);
      assertEquals(0, bank(b).tryFree(pfn, 0));
      Memory.putLong(zone.bank(b).hintAddress(), 3);
    }
    long waiting = bank(LOW).cachedFrameCount() + bank(HIGH).cachedFrameCount();
    assertTrue(bank(LOW).cachedFrameCount() > 0 && bank(HIGH).cachedFrameCount() > 0);
    assertEquals(waiting, zone.cachedFrames());
    assertEquals(192 - waiting, zone.freeFrames());
    assertEquals(192, memory.availableFrames());
    assertEquals(waiting, memory.drainCaches());
    assertEquals(0, zone.cachedFrames());
    assertEquals(192, zone.freeFrames());
    assertEquals(0, word(LOW));
    assertEquals(0, word(HIGH));
  }

  @Test
  void aFailureIsOneOfTheLowestBank() {
    memory.countFailure(3, false);
    memory.countRefusal();
    memory.countRefusedFree();
    assertEquals(2, bank(LOW).statistics().failures());
    assertEquals(1, bank(LOW).statistics().refusedFrees());
    assertEquals(0, bank(HIGH).statistics().failures());
    assertEquals(0, bank(HIGH).statistics().refusedFrees());
    assertEquals(1, zone.bank(LOW).allocator().failureCount(2));
  }

  @Test
  void frameZeroIsCalledBackToo() {
    try (TestZones two =
        TestZones.plan()
            .part(0, ZoneType.NORMAL, 0, 8)
            .part(0, ZoneType.NORMAL, 0x400, 1)
            .cpuCount(2)
            .build()) {
      Zone both = two.zone(0, ZoneType.NORMAL);
      for (int i = 0; i < 9; i++) {
        assertTrue(both.memory.take(1, 0, NONE) >= 0);
      }
      HybridAllocator bank = (HybridAllocator) both.bank(LOW).allocator();
      assertEquals(0, bank.tryFreeOn(1, 0, 0));
      assertEquals(0, both.memory.take(0, 0, NONE));
      assertEquals(FrameAllocator.NO_FRAME, both.memory.take(0, 0, NONE));
    }
  }

  /// An only bank needs no word: nobody reads it.
  @Test
  void anOnlyBankHasNoWord() {
    try (TestZones one = TestZones.plan().part(0, ZoneType.NORMAL, 0x100, 64).build()) {
      Zone only = one.zone(0, ZoneType.NORMAL);
      long word = only.bank(0).hintAddress();
      assertEquals(FrameAllocator.NO_FRAME, only.memory.take(0, 7, NONE));
      assertEquals(0x100, only.memory.takeFrames(0, 33, NONE));
      assertEquals(FrameAllocator.NO_FRAME, only.memory.takeFrames(0, 33, NONE));
      assertEquals(0, Memory.getLong(word));
      Memory.putLong(word, 1);
      assertEquals(31, only.memory.takeBulk(0, new long[40], 0, 40, NONE));
      assertEquals(0, only.memory.tryFreeFrames(0x100, 33));
      assertEquals(33, only.memory.availableFrames());
      assertEquals(1, Memory.getLong(word));
    }
  }
}
