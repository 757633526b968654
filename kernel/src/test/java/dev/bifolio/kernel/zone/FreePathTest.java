package dev.bifolio.kernel.zone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Frees of each form, with what the gauge and the accounts hear of them.
class FreePathTest {
  private static final int NONE = AllocationFlags.NONE;
  private static final long START = 0x1000;
  private static final long FRAMES = 1024;

  /// Memory that takes different ways home.
  enum Kind {
    ONE_BANK,
    ONE_CLASSIC_BANK,
    TWO_ZONES,
    CHARGED,
    CHARGED_TWO_ZONES;

    TestZones zones() {
      TestZones.Plan plan = TestZones.plan().part(0, ZoneType.NORMAL, START, FRAMES);
      if (this == TWO_ZONES || this == CHARGED_TWO_ZONES) {
        plan.part(0, ZoneType.DMA, 0x100, 64);
      }
      if (this == CHARGED || this == CHARGED_TWO_ZONES) {
        plan.charged();
      }
      TestZones zones = plan.classic(this == ONE_CLASSIC_BANK).build();
      // The gauge has to count: nothing lies above the far mark.
      zones.zone(0, ZoneType.NORMAL).setWatermarks(0, 0, FRAMES);
      return zones;
    }
  }

  private static void assertAvailable(long expected, TestZones zones) {
    Zone zone = zones.zone(0, ZoneType.NORMAL);
    assertTrue(!zone.isPlenty());
    assertEquals(expected, zone.availableFrames(), "what the gauge says");
    assertEquals(expected, zone.memory.availableFrames(), "what there is");
  }

  @ParameterizedTest
  @EnumSource
  void eachWayOfGivingBackTellsTheGauge(Kind kind) {
    try (TestZones zones = kind.zones()) {
      ZonedFrames frames = zones.frames();
      assertEquals(START, frames.tryAllocateRange(START, 21, NONE));
      long[] pfns = new long[5];
      for (int i = 0; i < pfns.length; i++) {
        pfns[i] = frames.tryAllocate(3, NONE);
      }
      assertAvailable(FRAMES - 40 - 21, zones);
      assertEquals(0, frames.tryFree(pfns[0], 3));
      assertAvailable(FRAMES - 32 - 21, zones);
      assertEquals(0, frames.tryFreeFrames(pfns[1], 8));
      assertAvailable(FRAMES - 24 - 21, zones);
      frames.free(pfns[2], 3);
      assertAvailable(FRAMES - 16 - 21, zones);
      frames.freeFrames(pfns[3], 8);
      assertAvailable(FRAMES - 8 - 21, zones);
      frames.splitFrames(pfns[4], 8);
      long[] singles = {-1, pfns[4], pfns[4] + 1, pfns[4] + 2, -1};
      frames.freeBulk(singles, 1, 3);
      assertAvailable(FRAMES - 5 - 21, zones);
      assertEquals(0, frames.tryFreeRange(START, 21));
      assertAvailable(FRAMES - 5, zones);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aRefusedFreeTellsItNothing(Kind kind) {
    try (TestZones zones = kind.zones()) {
      ZonedFrames frames = zones.frames();
      assertEquals(START, frames.tryAllocateRange(START, 32, NONE));
      long mismatch = FrameError.SIZE_MISMATCH.code();
      assertEquals(mismatch, frames.tryFree(START, 4));
      assertEquals(mismatch, frames.tryFreeFrames(START, 31));
      assertEquals(mismatch, frames.tryFreeRange(START, 31));
      assertMistake(FrameError.SIZE_MISMATCH, () -> frames.free(START, 6));
      assertMistake(FrameError.SIZE_MISMATCH, () -> frames.freeFrames(START, 33));
      assertMistake(FrameError.SIZE_MISMATCH, () -> frames.splitFrames(START, 33));
      assertMistake(FrameError.NOT_ALLOCATED, () -> frames.free(START + 32, 0));
      assertMistake(FrameError.OUT_OF_RANGE, () -> frames.free(0x10, 0));
      assertMistake(FrameError.OUT_OF_RANGE, () -> frames.freeFrames(0x10, 1));
      assertMistake(FrameError.OUT_OF_RANGE, () -> frames.splitFrames(0x10, 1));
      assertAvailable(FRAMES - 32, zones);
      assertEquals(8, frames.zones().statistics().refusedFrees());
      assertEquals(0, frames.tryFree(START, 5));
      assertAvailable(FRAMES, zones);
    }
  }

  private static FrameRequestException assertMistake(FrameError error, Runnable call) {
    FrameRequestException thrown = assertThrows(FrameRequestException.class, call::run);
    assertEquals(error, thrown.error());
    return thrown;
  }

  @ParameterizedTest
  @EnumSource
  void manyFreesEndAtTheFirstMistakeWhichIsNamed(Kind kind) {
    try (TestZones zones = kind.zones()) {
      ZonedFrames frames = zones.frames();
      for (int i = 0; i < 5; i++) {
        assertEquals(START + i, frames.tryAllocateRange(START + i, 1, NONE));
      }
      long[] pfns = {START, START + 1, START + 2, START + 500, START + 3, START + 4};
      FrameRequestException thrown =
          assertMistake(FrameError.NOT_ALLOCATED, () -> frames.freeBulk(pfns, 1, 4));
      assertTrue(String.valueOf(thrown.getMessage()).contains("entry 3, frame 0x11f4"));
      assertAvailable(FRAMES - 3, zones);
      assertEquals(0, frames.tryFree(START, 0));
      assertEquals(0, frames.tryFree(START + 3, 0));
      assertEquals(0, frames.tryFree(START + 4, 0));
      frames.freeBulk(pfns, 6, 0);
      assertAvailable(FRAMES, zones);
    }
  }

  @Test
  void theLargestOrderIsLegalAndTheNextIsNot() {
    for (Kind kind : Kind.values()) {
      try (TestZones zones = kind.zones()) {
        ZonedFrames frames = zones.frames();
        assertEquals(20, frames.maxOrder());
        long illegal = FrameError.INVALID_ORDER.code();
        assertEquals(illegal, frames.tryFree(START, 21));
        assertEquals(illegal, frames.tryFree(START, -1));
        assertTrue(frames.tryFree(START, 20) < 0 && frames.tryFree(START, 20) != illegal);
        assertEquals(4, frames.zones().statistics().refusedFrees());
      }
    }
  }

  // ---- Accounts ----

  /// One state, with and without accounts: the refusals are the same, and so is what is left.
  @Test
  void aRefusedRangeIsToldTheSameWhetherOrNotThereAreAccounts() {
    try (TestZones plain = Kind.TWO_ZONES.zones();
        TestZones charged = Kind.CHARGED_TWO_ZONES.zones()) {
      for (TestZones zones : List.of(plain, charged)) {
        assertEquals(START, zones.frames().tryAllocateRange(START, 24, NONE));
        assertEquals(START + 32, zones.frames().tryAllocateRange(START + 32, 2, NONE));
        assertEquals(START + FRAMES - 4, last(zones.frames(), 4));
      }
      for (long pfn = START - 2; pfn < START + 36; pfn++) {
        for (long count = -1; count < 40; count++) {
          compare(plain.frames(), charged.frames(), pfn, count);
        }
      }
      for (long count = 0; count < 10; count++) {
        compare(plain.frames(), charged.frames(), START + FRAMES - 4, count);
        compare(plain.frames(), charged.frames(), START + FRAMES - 2, count);
      }
      compare(plain.frames(), charged.frames(), START, Long.MAX_VALUE);
      compare(plain.frames(), charged.frames(), 0x100, START);
    }
  }

  private static long last(ZonedFrames frames, long count) {
    return frames.tryAllocateRange(START + FRAMES - count, count, NONE);
  }

  /// Frees a range, and takes it again if it was free to go.
  private static void compare(ZonedFrames plain, ZonedFrames charged, long pfn, long count) {
    long expected = plain.tryFreeRange(pfn, count);
    assertEquals(expected, charged.tryFreeRange(pfn, count), () -> pfn + ", " + count);
    assertEquals(
        plain.zones().statistics().refusedFrees(), charged.zones().statistics().refusedFrees());
    assertEquals(plain.zones().freeFrames(-1), charged.zones().freeFrames(-1));
    if (expected == 0) {
      assertEquals(pfn, plain.tryAllocateRange(pfn, count, NONE));
      assertEquals(pfn, charged.tryAllocateRange(pfn, count, NONE));
    }
  }

  /// A range into which nobody handed memory over is out of range, whatever else is in it.
  @Test
  void aHoleInARangeIsOutOfRange() {
    TestZones.Plan plan = TestZones.plan().part(0, ZoneType.NORMAL, START, 64).charged().empty();
    try (TestZones zones = plan.build()) {
      ZonedFrames frames = zones.frames();
      assertEquals(16, frames.addFrames(START, START + 16));
      assertEquals(32, frames.addFrames(START + 32, START + 64));
      assertEquals(START, frames.tryAllocateRange(START, 16, NONE));
      assertEquals(FrameError.OUT_OF_RANGE.code(), frames.tryFreeRange(START, 17));
      assertEquals(FrameError.OUT_OF_RANGE.code(), frames.tryFreeRange(START + 15, 18));
      assertEquals(FrameError.SIZE_MISMATCH.code(), frames.tryFreeRange(START + 1, 15));
      assertEquals(FrameError.NOT_ALLOCATED.code(), frames.tryFreeRange(START + 32, 32));
      assertEquals(FrameError.OUT_OF_RANGE.code(), frames.tryFreeRange(START + 32, 33));
      assertEquals(0, frames.tryFreeRange(START, 16));
    }
  }

  @Test
  void eachFormOfFreeRefundsWhomTheWordNames() {
    try (TestZones zones = Kind.CHARGED_TWO_ZONES.zones()) {
      ZonedFrames frames = zones.frames();
      AccountTree accounts = zones.accounts();
      int account = accounts.open(AccountTree.ROOT, 100, 0);
      int flags = AllocationFlags.charge(account);
      long[] pfns = new long[5];
      for (int i = 0; i < pfns.length; i++) {
        pfns[i] = frames.tryAllocateFrames(8, flags);
      }
      assertEquals(40, accounts.usage(account));
      assertEquals(0, frames.tryFree(pfns[0], 3));
      assertEquals(32, accounts.usage(account));
      assertEquals(0, frames.tryFreeFrames(pfns[1], 8));
      assertEquals(24, accounts.usage(account));
      frames.free(pfns[2], 3);
      assertEquals(16, accounts.usage(account));
      frames.freeFrames(pfns[3], 8);
      assertEquals(8, accounts.usage(account));
      frames.splitFrames(pfns[4], 8);
      frames.freeBulk(new long[] {pfns[4] + 7, pfns[4]}, 0, 2);
      assertEquals(6, accounts.usage(account));
      assertEquals(0, frames.tryFreeRange(pfns[4] + 1, 1));
      assertEquals(5, accounts.usage(account));
      assertMistake(FrameError.NOT_ALLOCATED, () -> frames.freeFrames(pfns[4] + 1, 1));
      assertMistake(FrameError.SIZE_MISMATCH, () -> frames.freeFrames(pfns[4] + 2, 2));
      assertEquals(5, accounts.usage(account));
      FrameInfo info = frames.zones().infoOf(pfns[4] + 2);
      assertTrue(info != null && FrameInfo.accountOf(info.get(pfns[4] + 2)) == account);
    }
  }

  @Test
  void aFrameThatNoZoneHasIsRefusedByTheFirst() {
    try (TestZones zones = Kind.CHARGED_TWO_ZONES.zones()) {
      ZonedFrames frames = zones.frames();
      assertEquals(FrameError.OUT_OF_RANGE.code(), frames.tryFreeFrames(0x800, 1));
      assertEquals(FrameError.OUT_OF_RANGE.code(), frames.tryFreeRange(0x800, 1));
      assertMistake(FrameError.OUT_OF_RANGE, () -> frames.freeFrames(0x800, 1));
      assertEquals(3, zones.zone(0, ZoneType.DMA).statistics().refusedFrees());
      assertEquals(0, zones.zone(0, ZoneType.NORMAL).statistics().refusedFrees());
      FrameRequestException outside =
          assertMistake(FrameError.OUT_OF_RANGE, () -> frames.addFrames(0x800, 0x801));
      assertTrue(String.valueOf(outside.getMessage()).contains("0x800"));
    }
  }
}
