package dev.bifolio.kernel.zone;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.frame.FrameStatistics;
import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;
import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A zone of three banks as one source of frames, with both kinds of allocators.
class ZoneMemoryTest {
  private static final int NONE = AllocationFlags.NONE;
  private static final long NO_FRAME = FrameAllocator.NO_FRAME;
  private static final long ALL = 64 + 256 + 64;

  private static TestZones.Plan plan(boolean classic) {
    return TestZones.plan()
        .part(0, ZoneType.NORMAL, 0x100, 64)
        .part(0, ZoneType.NORMAL, 0x200, 256)
        .part(0, ZoneType.NORMAL, 0x400, 64)
        .classic(classic);
  }

  private static ZoneMemory memory(TestZones zones) {
    return zones.zone(0, ZoneType.NORMAL).memory;
  }

  private static void assertCounts(
      ZoneMemory memory, long requests, long allocations, long frees, long refusedFrees) {
    FrameStatistics counts = memory.statistics();
    assertEquals(requests, counts.requests(), "requests");
    assertEquals(allocations, counts.allocations(), "allocations");
    assertEquals(requests - allocations, counts.failures(), "failures");
    assertEquals(frees, counts.frees(), "frees");
    assertEquals(refusedFrees, counts.refusedFrees(), "refused frees");
    assertEquals(ALL, counts.totalFrames());
    assertEquals(counts.freeFrames() + counts.cachedFrames(), memory.availableFrames());
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aBlockIsOfTheHighestBankThatHasIt(boolean classic) {
    try (TestZones zones = plan(classic).build()) {
      ZoneMemory memory = memory(zones);
      assertEquals(0x400, memory.take(0, 6, NONE));
      assertEquals(0x200, memory.take(0, 7, NONE));
      assertEquals(0x280, memory.take(0, 6, NONE));
      assertEquals(0x2C0, memory.take(0, 6, NONE));
      assertEquals(0x100, memory.take(0, 6, NONE));
      assertEquals(NO_FRAME, memory.take(0, 0, NONE));
      assertEquals(0, memory.availableFrames());
      // What found nothing may be served by another zone, and counts there.
      assertCounts(memory, 5, 5, 0, 0);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aRunIsOfTheHighestBankThatHasItAndOfJustItsFrames(boolean classic) {
    try (TestZones zones = plan(classic).build()) {
      ZoneMemory memory = memory(zones);
      assertEquals(0x200, memory.takeFrames(0, 129, NONE));
      assertEquals(0x400, memory.takeFrames(0, 33, NONE));
      assertEquals(0x2C0, memory.takeFrames(0, 64, NONE));
      assertEquals(0x100, memory.takeFrames(0, 64, NONE));
      assertEquals(NO_FRAME, memory.takeFrames(0, 65, NONE));
      assertEquals(ALL - 129 - 33 - 64 - 64, memory.availableFrames());
      assertCounts(memory, 4, 4, 0, 0);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aLimitKeepsARequestOutOfTheBanksAboveIt(boolean classic) {
    try (TestZones zones = plan(classic).build()) {
      ZoneMemory memory = memory(zones);
      assertEquals(NO_FRAME, memory.takeWithin(0, 1, NONE, 1, 0xFF));
      assertEquals(0x400, memory.takeWithin(0, 1, NONE, 1, 0x400));
      assertEquals(0x100, memory.takeWithin(0, 64, NONE, 1, 0x23E));
      assertEquals(NO_FRAME, memory.takeWithin(0, 64, NONE, 1, 0x23E));
      assertEquals(0x200, memory.takeWithin(0, 64, NONE, 1, 0x23F));
      assertEquals(0x280, memory.takeWithin(0, 1, NONE, 128, 0x3FF));
      assertCounts(memory, 4, 4, 0, 0);
      assertEquals(ALL - 1 - 64 - 64 - 1, memory.availableFrames());
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void certainFramesAreTakenFromTheBankThatSpansThem(boolean classic) {
    try (TestZones zones = plan(classic).build()) {
      ZoneMemory memory = memory(zones);
      assertEquals(0x2F3, memory.takeRange(0, 0x2F3, 13, NONE));
      assertEquals(NO_FRAME, memory.takeRange(0, 0x2FF, 1, NONE));
      assertEquals(0x400, memory.takeRange(0, 0x400, 64, NONE));
      long outside = FrameError.OUT_OF_RANGE.code();
      assertEquals(outside, memory.takeRange(0, 0xFF, 1, NONE));
      assertEquals(outside, memory.takeRange(0, 0x180, 1, NONE));
      assertEquals(outside, memory.takeRange(0, 0x13F, 2, NONE));
      // A range counts as the blocks it is made of: 1 + 4 + 8 frames, and one of 64.
      FrameStatistics counts = memory.statistics();
      assertEquals(4, counts.allocations());
      assertEquals(ALL - 13 - 64, memory.availableFrames());
      assertEquals(outside, memory.tryFreeRange(0x180, 1));
      assertEquals(FrameError.NOT_ALLOCATED.code(), memory.tryFreeRange(0x2F0, 16));
      assertEquals(0, memory.tryFreeRange(0x2F3, 13));
      assertEquals(0, memory.tryFreeRange(0x400, 64));
      assertEquals(4, memory.statistics().frees());
      assertEquals(2, memory.statistics().refusedFrees());
      assertEquals(ALL, memory.availableFrames());
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void manyFramesComeFromSeveralBanksAndFillOnlyTheirEntries(boolean classic) {
    try (TestZones zones = plan(classic).build()) {
      ZoneMemory memory = memory(zones);
      long[] pfns = new long[500];
      Arrays.fill(pfns, -7);
      assertEquals(70, memory.takeBulk(0, pfns, 3, 70, NONE));
      assertEquals(64, Arrays.stream(pfns, 3, 73).filter(p -> p >= 0x400 && p < 0x440).count());
      assertEquals(6, Arrays.stream(pfns, 3, 73).filter(p -> p >= 0x200 && p < 0x300).count());
      assertArrayEquals(new long[] {-7, -7, -7}, Arrays.copyOf(pfns, 3));
      assertEquals(-7, pfns[73]);
      assertEquals(ALL - 70, memory.takeBulk(0, pfns, 73, 400, NONE));
      assertEquals(-7, pfns[3 + (int) ALL]);
      assertEquals(ALL, Arrays.stream(pfns, 3, 3 + (int) ALL).distinct().count());
      assertEquals(0, memory.takeBulk(0, pfns, 0, 1, NONE));
      assertCounts(memory, ALL, ALL, 0, 0);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void whatIsGivenBackIsThereAgainAndCounted(boolean classic) {
    try (TestZones zones = plan(classic).build()) {
      ZoneMemory memory = memory(zones);
      long[] blocks = new long[6];
      for (int i = 0; i < blocks.length; i++) {
        blocks[i] = memory.take(0, 6, NONE);
        assertTrue(blocks[i] >= 0);
      }
      for (int i = 0; i < 4; i += 2) {
        assertEquals(0, memory.tryFreeFrames(blocks[i], 64));
        memory.freeFrames(blocks[i + 1], 64);
      }
      assertEquals(4 * 64, memory.availableFrames());
      memory.splitFrames(blocks[4], 64);
      for (int i = 0; i < 64; i++) {
        memory.freeFrames(blocks[4] + i, 1);
      }
      assertEquals(0, memory.tryFreeRange(blocks[5], 64));
      assertEquals(ALL, memory.availableFrames());
      assertCounts(memory, 6, 6, 4 + 64 + 1, 0);
      for (int i = 0; i < blocks.length; i++) {
        assertTrue(memory.take(0, 6, NONE) >= 0);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aRefusedFreeIsNamedAndCountedOnceAndChangesNothing(boolean classic) {
    try (TestZones zones = plan(classic).build()) {
      ZoneMemory memory = memory(zones);
      long pfn = memory.take(0, 3, NONE);
      assertEquals(FrameError.SIZE_MISMATCH.code(), memory.tryFreeFrames(pfn, 4));
      assertEquals(FrameError.ZERO_ALLOCATION.code(), memory.tryFreeFrames(pfn, 0));
      assertEquals(FrameError.OUT_OF_RANGE.code(), memory.tryFreeFrames(0x180, 1));
      assertEquals(FrameError.OUT_OF_RANGE.code(), memory.tryFreeFrames(0x440, 1));
      assertEquals(FrameError.NOT_ALLOCATED.code(), memory.tryFreeFrames(0x100, 3));
      assertCounts(memory, 1, 1, 0, 5);
      assertMistake(FrameError.SIZE_MISMATCH, () -> memory.freeFrames(pfn, 7));
      assertMistake(FrameError.OUT_OF_RANGE, () -> memory.freeFrames(0x180, 7));
      assertCounts(memory, 1, 1, 0, 7);
      assertMistake(FrameError.SIZE_MISMATCH, () -> memory.splitFrames(pfn, 7));
      assertMistake(FrameError.OUT_OF_RANGE, () -> memory.splitFrames(0x180, 7));
      assertCounts(memory, 1, 1, 0, 7);
      assertEquals(ALL - 8, memory.availableFrames());
      assertEquals(0, memory.tryFreeFrames(pfn, 8));
      assertEquals(ALL, memory.availableFrames());
      assertTrue(memory.validate(true).isValid());
    }
  }

  private static void assertMistake(FrameError error, Runnable call) {
    FrameRequestException thrown = assertThrows(FrameRequestException.class, call::run);
    assertEquals(error, thrown.error());
  }

  /// 0 is a frame like any other, in each form of request.
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void frameZeroIsServedAndCounted(boolean classic) {
    try (TestZones zones =
        TestZones.plan()
            .part(0, ZoneType.NORMAL, 0, 8)
            .part(0, ZoneType.NORMAL, 0x100, 8)
            .classic(classic)
            .build()) {
      ZoneMemory memory = memory(zones);
      assertEquals(0x100, memory.take(0, 3, NONE));
      assertEquals(0, memory.take(0, 3, NONE));
      assertEquals(NO_FRAME, memory.take(0, 3, NONE));
      assertEquals(0, memory.tryFreeFrames(0, 8));
      assertEquals(0, memory.takeWithin(0, 1, NONE, 1, 0));
      assertEquals(0, memory.tryFreeFrames(0, 1));
      assertEquals(0, memory.takeRange(0, 0, 8, NONE));
      assertEquals(0, memory.tryFreeRange(0, 8));
      assertEquals(4, memory.statistics().allocations());
      assertEquals(8, memory.availableFrames());
      long[] pfns = new long[9];
      assertEquals(8, memory.takeBulk(0, pfns, 0, 9, NONE));
      assertEquals(8, Arrays.stream(pfns, 0, 8).filter(p -> p < 8).distinct().count());
      assertEquals(0, memory.availableFrames());
      assertEquals(12, memory.statistics().allocations());
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void failuresAndRefusalsCountOnceInTheZone(boolean classic) {
    try (TestZones zones = plan(classic).build()) {
      ZoneMemory memory = memory(zones);
      memory.countFailure(5, false);
      memory.countFailure(1L << TestZones.MAX_ORDER, true);
      assertCounts(memory, 2, 0, 0, 0);
      memory.countRefusal();
      assertCounts(memory, 3, 0, 0, 0);
      memory.countRefusedFree();
      memory.countRefusedFree();
      assertCounts(memory, 3, 0, 0, 2);
      memory.resetCounters();
      assertCounts(memory, 0, 0, 0, 0);
      assertTrue(memory.take(0, 0, NONE) >= 0); // and the lock is open
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void resettingForgetsWhatEachBankCounted(boolean classic) {
    try (TestZones zones = plan(classic).build()) {
      ZoneMemory memory = memory(zones);
      for (int i = 0; i < 6; i++) {
        assertTrue(memory.take(0, 6, NONE) >= 0);
      }
      assertEquals(0, memory.tryFreeFrames(0x100, 64));
      memory.resetCounters();
      assertCounts(memory, 0, 0, 0, 0);
      assertEquals(0, memory.statistics().splits());
      assertEquals(ALL - 64, memory.statistics().peakUsedFrames());
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void memoryIsHandedOverToTheBankThatSpansIt(boolean classic) {
    try (TestZones zones = plan(classic).empty().build()) {
      ZoneMemory memory = memory(zones);
      assertEquals(0, memory.availableFrames());
      assertEquals(NO_FRAME, memory.take(0, 0, NONE));
      assertEquals(20, memory.addFrames(0x210, 0x224));
      assertEquals(64, memory.addFrames(0x400, 0x440));
      assertEquals(84, memory.availableFrames());
      assertEquals(84, memory.statistics().totalFrames());
      assertEquals(0x400, memory.take(0, 6, NONE));
      assertEquals(0x210, memory.take(0, 4, NONE));
      assertEquals(0x220, memory.take(0, 2, NONE));
      assertTrue(memory.validate(true).isValid());
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aReportSpeaksOfAllBanks(boolean classic) {
    try (TestZones zones = plan(classic).build()) {
      ZoneMemory memory = memory(zones);
      assertEquals(0x200, memory.takeRange(0, 0x200, 7, NONE));
      long inside = 0;
      long outside = 0;
      for (int b = 0; b < 3; b++) {
        FrameAllocator bank = zones.zone(0, ZoneType.NORMAL).bank(b).allocator();
        inside += bank.validate().checkedFrames();
        outside += bank.validateBlocks().checkedFrames();
      }
      assertEquals(inside, memory.validate(true).checkedFrames());
      assertEquals(outside, memory.validate(false).checkedFrames());
      assertEquals(0, memory.validate(true).problemCount());
      assertEquals("", memory.validate(true).problems());
    }
  }
}
