package dev.bifolio.kernel.zone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameAllocator;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/// What a request asks of the reclaimer before it fails, and what it makes of the answers.
class ZoneSearchReclaimTest {
  private static final int NONE = AllocationFlags.NONE;
  private static final long NO_FRAME = FrameAllocator.NO_FRAME;
  private static final long START = 0x1000;

  private static TestZones oneZone() {
    return TestZones.plan().part(0, ZoneType.NORMAL, START, 256).build();
  }

  private static ToldReclaimer listen(ZonedFrames frames) {
    ToldReclaimer told = new ToldReclaimer();
    frames.setReclaimer(told);
    return told;
  }

  /// All frames of a zone are taken, but these many at its end.
  private static void leave(ZonedFrames frames, Zone zone, long left) {
    for (long pfn = zone.startPfn(); pfn < zone.endPfn() - left; pfn++) {
      assertEquals(pfn, frames.tryAllocateRange(pfn, 1, NONE));
    }
  }

  /// Every second frame is taken: 128 are free, and no two of them side by side.
  private static void breakUp(ZonedFrames frames) {
    for (long pfn = START; pfn < START + 256; pfn += 2) {
      assertEquals(pfn, frames.tryAllocateRange(pfn, 1, NONE));
    }
  }

  /// Gives one frame more back with each call, from this one on.
  private static void giveBack(ToldReclaimer told, ZonedFrames frames, long from) {
    long[] next = {from};
    told.reclaims = () -> frames.tryFree(next[0]++, 0) == 0 ? 1 : 0;
  }

  @Test
  void theReclaimerIsToldWhatTheZoneLacks() {
    try (TestZones zones = oneZone()) {
      ZonedFrames frames = zones.frames();
      Zone zone = zones.zone(0, ZoneType.NORMAL);
      ToldReclaimer told = listen(frames);
      zone.setWatermarks(10, 20, 250);
      leave(frames, zone, 12);
      assertEquals(NO_FRAME, frames.tryAllocateOn(0, 2, NONE));
      assertEquals(List.of("wake 0 2", "reclaim 0 2 2"), told.takeCalls());
      zone.setLowmemReserve(ZoneType.NORMAL, 30);
      assertEquals(NO_FRAME, frames.tryAllocateNear(0, 3, NONE));
      assertEquals(List.of("wake 0 2", "reclaim 0 2 31"), told.takeCalls());
      assertEquals(NO_FRAME, frames.tryAllocateFramesWithin(1, NONE, 1, START + 300, 0));
      assertEquals(List.of("wake 0 0", "reclaim 0 0 29"), told.takeCalls());
      assertEquals(3, zone.eventCount(Zone.Event.DIRECT_RECLAIM));
      assertEquals(NO_FRAME, frames.tryAllocateOn(0, 2, AllocationFlags.NOWAIT));
      assertEquals(List.of("wake 0 2"), told.takeCalls());
      assertEquals(3, zone.eventCount(Zone.Event.DIRECT_RECLAIM));
      assertEquals(0, zone.eventCount(Zone.Event.COMPACTION));
    }
  }

  @Test
  void whatComesBackServesTheRequestAtOnce() {
    try (TestZones zones = oneZone()) {
      ZonedFrames frames = zones.frames();
      Zone zone = zones.zone(0, ZoneType.NORMAL);
      ToldReclaimer told = listen(frames);
      zone.setWatermarks(10, 10, 250);
      leave(frames, zone, 10);
      giveBack(told, frames, START + 100);
      assertEquals(START + 100, frames.tryAllocateOn(0, 0, NONE));
      assertEquals(List.of("wake 0 0", "reclaim 0 0 1"), told.takeCalls());
      assertEquals(10, zone.availableFrames());
    }
  }

  /// The mark lies far above: each call helps, and none helps enough.
  @Test
  void aRequestReclaimsOnlySoOftenThoughEachTimeHelps() {
    try (TestZones zones = oneZone()) {
      ZonedFrames frames = zones.frames();
      Zone zone = zones.zone(0, ZoneType.NORMAL);
      ToldReclaimer told = listen(frames);
      zone.setWatermarks(200, 200, 250);
      leave(frames, zone, 0);
      giveBack(told, frames, START);
      assertEquals(NO_FRAME, frames.tryAllocateOn(0, 0, NONE));
      List<String> expected = new ArrayList<>(List.of("wake 0 0"));
      for (int round = 0; round < 16; round++) {
        expected.add("reclaim 0 0 " + (201 - round));
      }
      assertEquals(expected, told.takeCalls());
      assertEquals(16, zone.eventCount(Zone.Event.DIRECT_RECLAIM));
    }
  }

  @Test
  void whatCameFreeElsewhereIsNoHelpHere() {
    try (TestZones zones = oneZone()) {
      ZonedFrames frames = zones.frames();
      ToldReclaimer told = listen(frames);
      leave(frames, zones.zone(0, ZoneType.NORMAL), 0);
      told.reclaims = () -> 7;
      assertEquals(NO_FRAME, frames.tryAllocateOn(0, 0, NONE));
      assertEquals(List.of("wake 0 0", "reclaim 0 0 1"), told.takeCalls());
    }
  }

  @Test
  void whatCameFreeUnsaidIsFoundByTheLastLook() {
    try (TestZones zones = oneZone()) {
      ZonedFrames frames = zones.frames();
      ToldReclaimer told = listen(frames);
      leave(frames, zones.zone(0, ZoneType.NORMAL), 0);
      told.reclaims = () -> frames.tryFree(START + 9, 0);
      assertEquals(START + 9, frames.tryAllocateOn(0, 0, NONE));
      assertEquals(List.of("wake 0 0", "reclaim 0 0 1"), told.takeCalls());
    }
  }

  /// What came free below min is for emergencies, also at the last look.
  @Test
  void theLastLookOfAnEmergencyGoesDownToTheFloor() {
    for (int flags : new int[] {NONE, AllocationFlags.EMERGENCY}) {
      try (TestZones zones = oneZone()) {
        ZonedFrames frames = zones.frames();
        Zone zone = zones.zone(0, ZoneType.NORMAL);
        ToldReclaimer told = listen(frames);
        zone.setWatermarks(10, 20, 250);
        leave(frames, zone, 0);
        told.reclaims = () -> frames.tryFree(START + 9, 0);
        boolean urgent = flags != NONE;
        assertEquals(urgent ? START + 9 : NO_FRAME, frames.tryAllocateOn(0, 0, flags));
        assertEquals(List.of("wake 0 0", "reclaim 0 0 11"), told.takeCalls());
        assertEquals(urgent ? 1 : 0, zone.eventCount(Zone.Event.EMERGENCY_REQUEST));
      }
    }
  }

  @Test
  void zonesReclaimInTheOrderOfTheWayUntilOneServes() {
    try (TestZones zones =
        TestZones.plan()
            .part(0, ZoneType.DMA, 0x100, 64)
            .part(0, ZoneType.NORMAL, 0x200, 64)
            .part(1, ZoneType.NORMAL, 0x300, 64)
            .build()) {
      ZonedFrames frames = zones.frames();
      ToldReclaimer told = listen(frames);
      for (int z = 0; z < 3; z++) {
        leave(frames, frames.zones().zone(z), 0);
      }
      List<String> wakes = List.of("wake 1 0", "wake 0 0", "wake 2 0");
      assertEquals(NO_FRAME, frames.tryAllocateNear(0, 1, NONE));
      List<String> calls = told.takeCalls();
      assertEquals(wakes, calls.subList(0, 3));
      assertEquals(
          List.of("reclaim 1 0 1", "reclaim 0 0 1", "reclaim 2 0 1"),
          calls.subList(3, calls.size()));
      told.reclaims =
          () -> told.calls.getLast().startsWith("reclaim 0") ? 1 + frames.tryFree(0x101, 0) : 0;
      assertEquals(0x101, frames.tryAllocateNear(0, 1, NONE));
      calls = told.takeCalls();
      assertEquals(List.of("reclaim 1 0 1", "reclaim 0 0 1"), calls.subList(3, calls.size()));
    }
  }

  @Test
  void aZoneThatIsTooSmallForARequestIsLeftAlone() {
    try (TestZones zones =
        TestZones.plan()
            .part(0, ZoneType.DMA, 0x100, 4)
            .part(0, ZoneType.NORMAL, 0x200, 64)
            .build()) {
      ZonedFrames frames = zones.frames();
      ToldReclaimer told = listen(frames);
      leave(frames, frames.zones().zone(0), 0);
      leave(frames, frames.zones().zone(1), 0);
      assertEquals(NO_FRAME, frames.tryAllocateNear(0, 5, NONE));
      assertEquals(List.of("wake 1 3", "wake 0 3", "reclaim 1 3 5"), told.takeCalls());
      assertEquals(NO_FRAME, frames.tryAllocateNear(0, 4, NONE));
      assertEquals(
          List.of("wake 1 2", "wake 0 2", "reclaim 1 2 4", "reclaim 0 2 4"), told.takeCalls());
    }
  }

  @Test
  void nodesThatAPolicyShutsOutAreNeitherWokenNorReclaimed() {
    try (TestZones zones =
        TestZones.plan()
            .part(0, ZoneType.NORMAL, 0x100, 64)
            .part(1, ZoneType.NORMAL, 0x200, 64)
            .build()) {
      ZonedFrames frames = zones.frames();
      ToldReclaimer told = listen(frames);
      leave(frames, frames.zones().zone(0), 0);
      leave(frames, frames.zones().zone(1), 0);
      NumaPolicy second = NumaPolicy.bind(frames.topology(), 1);
      assertEquals(NO_FRAME, frames.tryAllocate(second, 0, 0, NONE));
      assertEquals(List.of("wake 1 0", "reclaim 1 0 1"), told.takeCalls());
      // Nor those that a limit shuts out, and of a preference both, nearest first.
      assertEquals(NO_FRAME, frames.tryAllocateFramesWithin(1, NONE, 1, 0x1FF, 0));
      assertEquals(List.of("wake 0 0", "reclaim 0 0 1"), told.takeCalls());
      NumaPolicy rather = NumaPolicy.preferredMany(frames.topology(), 1);
      assertEquals(NO_FRAME, frames.tryAllocate(rather, 0, 0, NONE));
      assertEquals(
          List.of("wake 0 0", "wake 1 0", "reclaim 0 0 1", "reclaim 1 0 1"), told.takeCalls());
    }
  }

  @Test
  void nobodyReclaimsDeviceMemory() {
    try (TestZones zones = TestZones.plan().part(0, ZoneType.DEVICE, START, 64).build()) {
      ZonedFrames frames = zones.frames();
      ToldReclaimer told = listen(frames);
      assertEquals(START, frames.tryAllocateNear(0, 64, AllocationFlags.DEVICE));
      told.takeCalls();
      assertEquals(NO_FRAME, frames.tryAllocateNear(0, 4, AllocationFlags.DEVICE));
      assertEquals(List.of("wake 0 2"), told.takeCalls());
    }
  }

  // ---- Compaction ----

  @Test
  void whereThereIsEnoughInPiecesTheseAreJoinedAndReclaimBeginsEarlier() {
    try (TestZones zones = oneZone()) {
      ZonedFrames frames = zones.frames();
      Zone zone = zones.zone(0, ZoneType.NORMAL);
      ToldReclaimer told = listen(frames);
      breakUp(frames);
      zone.setWatermarks(126, 126, 150);
      told.compacts = () -> frames.tryFree(START + 8, 0) == 0;
      assertEquals(START + 8, frames.tryAllocateOn(0, 1, NONE));
      assertEquals(List.of("wake 0 1", "compact 0 1"), told.takeCalls());
      assertEquals(1, zone.eventCount(Zone.Event.COMPACTION));
      assertEquals(1, zone.eventCount(Zone.Event.BOOST));
      assertEquals(75, zone.boostFrames());
      assertEquals(0, zone.eventCount(Zone.Event.DIRECT_RECLAIM));
    }
  }

  @Test
  void aBoostIsOneAreaWhereThatIsLessThanHalfOfHigh() {
    try (TestZones zones = TestZones.plan().part(0, ZoneType.NORMAL, START, 4096).build()) {
      Zone zone = zones.zone(0, ZoneType.NORMAL);
      zone.setWatermarks(0, 0, 2000);
      assertEquals(START, zones.frames().tryAllocateRange(START, 1, NONE));
      assertEquals(START + 2048, zones.frames().tryAllocateRange(START + 2048, 1, NONE));
      assertEquals(NO_FRAME, zones.frames().tryAllocateOn(0, 11, NONE));
      assertEquals(512, zone.boostFrames());
    }
  }

  @Test
  void piecesAreJoinedOnceARequestWhateverComesOfIt() {
    try (TestZones zones = oneZone()) {
      ZonedFrames frames = zones.frames();
      Zone zone = zones.zone(0, ZoneType.NORMAL);
      ToldReclaimer told = listen(frames);
      breakUp(frames);
      zone.setWatermarks(126, 126, 150);
      for (boolean answer : new boolean[] {false, true}) {
        told.compacts = () -> answer;
        assertEquals(NO_FRAME, frames.tryAllocateOn(0, 1, NONE));
        assertEquals(List.of("wake 0 1", "compact 0 1"), told.takeCalls());
      }
    }
  }

  /// One frame too few: first that is mended, if it can be, and only then pieces are joined.
  @Test
  void piecesAreJoinedOnlyWhereFramesAreEnough() {
    try (TestZones zones = oneZone()) {
      ZonedFrames frames = zones.frames();
      Zone zone = zones.zone(0, ZoneType.NORMAL);
      ToldReclaimer told = listen(frames);
      breakUp(frames);
      zone.setWatermarks(127, 127, 150);
      assertEquals(NO_FRAME, frames.tryAllocateOn(0, 1, NONE));
      assertEquals(List.of("wake 0 1", "reclaim 0 1 1"), told.takeCalls());
      assertEquals(0, zone.boostFrames());
      assertEquals(0, zone.eventCount(Zone.Event.COMPACTION));
      told.reclaims = () -> 1 + frames.tryFree(START, 0);
      assertEquals(START, frames.tryAllocateOn(0, 1, NONE));
      assertEquals(List.of("wake 0 1", "reclaim 0 1 1", "compact 0 1"), told.takeCalls());
      assertEquals(1, zone.eventCount(Zone.Event.COMPACTION));
    }
  }

  @Test
  void reclaimGoesOnAfterPiecesWereJoinedInVain() {
    try (TestZones zones = oneZone()) {
      ZonedFrames frames = zones.frames();
      Zone zone = zones.zone(0, ZoneType.NORMAL);
      ToldReclaimer told = listen(frames);
      breakUp(frames);
      zone.setWatermarks(200, 200, 250);
      long[] next = {START};
      told.reclaims =
          () -> {
            next[0] += 2;
            return 1 + frames.tryFree(next[0], 0);
          };
      assertEquals(NO_FRAME, frames.tryAllocateOn(0, 1, NONE));
      List<String> expected = new ArrayList<>(List.of("wake 0 1", "reclaim 0 1 74", "compact 0 1"));
      for (int round = 1; round < 16; round++) {
        expected.add("reclaim 0 1 " + (74 - round));
      }
      assertEquals(expected, told.takeCalls());
    }
  }

  @Test
  void nothingIsJoinedForARequestInACertainPlace() {
    try (TestZones zones = oneZone()) {
      ZonedFrames frames = zones.frames();
      Zone zone = zones.zone(0, ZoneType.NORMAL);
      ToldReclaimer told = listen(frames);
      breakUp(frames);
      zone.setWatermarks(126, 126, 150);
      assertEquals(NO_FRAME, frames.tryAllocateFramesWithin(2, NONE, 1, START + 300, 0));
      assertEquals(List.of(), told.takeCalls());
      zone.setWatermarks(127, 127, 150);
      told.reclaims = () -> 1 + frames.tryFree(START, 0);
      assertTrue(frames.tryAllocateFramesWithin(2, NONE, 1, START + 300, 0) >= 0);
      assertEquals(List.of("wake 0 1", "reclaim 0 1 1"), told.takeCalls());
    }
  }
}
