package dev.bifolio.kernel.zone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameAllocator;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// What a request asks of the reclaimer before it fails, and what it makes of the answers.
class ZoneSearchReclaimTest {
  private static final int NONE = AllocationFlags.NONE;
  private static final long NO_FRAME = FrameAllocator.NO_FRAME;
  private static final long START = 0x1000;

  private static final TestZones.Plan ONE_ZONE =
      TestZones.plan().part(0, ZoneType.NORMAL, START, 256);

  private TestZones zones;
  private ZonedFrames frames;

  /// The first zone.
  private Zone zone;

  private ToldReclaimer told;

  ZoneSearchReclaimTest() {
    build(ONE_ZONE);
  }

  private void begin(TestZones.Plan plan) {
    zones.close();
    build(plan);
  }

  private void build(TestZones.Plan plan) {
    zones = plan.build();
    frames = zones.frames();
    zone = frames.zones().zone(0);
    told = new ToldReclaimer();
    frames.setReclaimer(told);
  }

  @AfterEach
  void close() {
    zones.close();
  }

  /// All frames of a zone are taken, but these many at its end.
  private void leave(Zone some, long left) {
    for (long pfn = some.startPfn(); pfn < some.endPfn() - left; pfn++) {
      assertEquals(pfn, frames.tryAllocateRange(pfn, 1, NONE));
    }
  }

  private void takeAll() {
    for (int z = 0; z < frames.zones().count(); z++) {
      leave(frames.zones().zone(z), 0);
    }
  }

  /// Every second frame is taken: 128 are free, and no two of them side by side.
  private void breakUp() {
    for (long pfn = START; pfn < START + 256; pfn += 2) {
      assertEquals(pfn, frames.tryAllocateRange(pfn, 1, NONE));
    }
  }

  /// Gives one frame more back with each call, from this one on.
  private void giveBack(long from) {
    long[] next = {from};
    told.reclaims = () -> frames.tryFree(next[0]++, 0) == 0 ? 1 : 0;
  }

  /// A request was refused, and these calls were made for it.
  private void assertRefused(long result, String... calls) {
    assertEquals(NO_FRAME, result);
    assertEquals(List.of(calls), told.takeCalls());
  }

  /// A request got a frame, and these calls were made for it.
  private void assertServed(long pfn, long result, String... calls) {
    assertEquals(pfn, result);
    assertEquals(List.of(calls), told.takeCalls());
  }

  @Test
  void theReclaimerIsToldWhatTheZoneLacks() {
    zone.setWatermarks(10, 20, 250);
    leave(zone, 12);
    assertRefused(frames.tryAllocateOn(0, 2, NONE), "wake 0 2", "reclaim 0 2 2");
    zone.setLowmemReserve(ZoneType.NORMAL, 30);
    assertRefused(frames.tryAllocateNear(0, 3, NONE), "wake 0 2", "reclaim 0 2 31");
    assertRefused(
        frames.tryAllocateFramesWithin(1, NONE, 1, START + 300, 0), "wake 0 0", "reclaim 0 0 29");
    assertEquals(3, zone.eventCount(Zone.Event.DIRECT_RECLAIM));
    assertRefused(frames.tryAllocateOn(0, 2, AllocationFlags.NOWAIT), "wake 0 2");
    assertEquals(3, zone.eventCount(Zone.Event.DIRECT_RECLAIM));
    assertEquals(0, zone.eventCount(Zone.Event.COMPACTION));
  }

  @Test
  void whatComesBackServesTheRequestAtOnce() {
    zone.setWatermarks(10, 10, 250);
    leave(zone, 10);
    giveBack(START + 100);
    assertServed(START + 100, frames.tryAllocateOn(0, 0, NONE), "wake 0 0", "reclaim 0 0 1");
    assertEquals(10, zone.availableFrames());
  }

  /// The mark lies far above: each call helps, and none helps enough.
  @Test
  void aRequestReclaimsOnlySoOftenThoughEachTimeHelps() {
    zone.setWatermarks(200, 200, 250);
    takeAll();
    giveBack(START);
    assertEquals(NO_FRAME, frames.tryAllocateOn(0, 0, NONE));
    List<String> expected = new ArrayList<>(List.of("wake 0 0"));
    for (int round = 0; round < 16; round++) {
      expected.add("reclaim 0 0 " + (201 - round));
    }
    assertEquals(expected, told.takeCalls());
    assertEquals(16, zone.eventCount(Zone.Event.DIRECT_RECLAIM));
  }

  @Test
  void whatCameFreeElsewhereIsNoHelpHere() {
    takeAll();
    told.reclaims = () -> 7;
    assertRefused(frames.tryAllocateOn(0, 0, NONE), "wake 0 0", "reclaim 0 0 1");
  }

  @Test
  void whatCameFreeUnsaidIsFoundByTheLastLook() {
    takeAll();
    told.reclaims = () -> frames.tryFree(START + 9, 0);
    assertServed(START + 9, frames.tryAllocateOn(0, 0, NONE), "wake 0 0", "reclaim 0 0 1");
  }

  /// What came free below min is for emergencies, also at the last look.
  @Test
  void theLastLookOfAnEmergencyGoesDownToTheFloor() {
    for (int flags : new int[] {NONE, AllocationFlags.EMERGENCY}) {
      begin(ONE_ZONE);
      zone.setWatermarks(10, 20, 250);
      takeAll();
      told.reclaims = () -> frames.tryFree(START + 9, 0);
      boolean urgent = flags != NONE;
      assertEquals(urgent ? START + 9 : NO_FRAME, frames.tryAllocateOn(0, 0, flags));
      assertEquals(List.of("wake 0 0", "reclaim 0 0 11"), told.takeCalls());
      assertEquals(urgent ? 1 : 0, zone.eventCount(Zone.Event.EMERGENCY_REQUEST));
    }
  }

  @Test
  void zonesReclaimInTheOrderOfTheWayUntilOneServes() {
    begin(
        TestZones.plan()
            .part(0, ZoneType.DMA, 0x100, 64)
            .part(0, ZoneType.NORMAL, 0x200, 64)
            .part(1, ZoneType.NORMAL, 0x300, 64));
    takeAll();
    List<String> wakes = List.of("wake 1 0", "wake 0 0", "wake 2 0");
    assertEquals(NO_FRAME, frames.tryAllocateNear(0, 1, NONE));
    List<String> calls = told.takeCalls();
    assertEquals(wakes, calls.subList(0, 3));
    assertEquals(
        List.of("reclaim 1 0 1", "reclaim 0 0 1", "reclaim 2 0 1"), calls.subList(3, calls.size()));
    told.reclaims =
        () -> told.calls.getLast().startsWith("reclaim 0") ? 1 + frames.tryFree(0x101, 0) : 0;
    assertEquals(0x101, frames.tryAllocateNear(0, 1, NONE));
    calls = told.takeCalls();
    assertEquals(List.of("reclaim 1 0 1", "reclaim 0 0 1"), calls.subList(3, calls.size()));
  }

  @Test
  void aZoneThatIsTooSmallForARequestIsLeftAlone() {
    begin(TestZones.plan().part(0, ZoneType.DMA, 0x100, 4).part(0, ZoneType.NORMAL, 0x200, 64));
    takeAll();
    assertRefused(frames.tryAllocateNear(0, 5, NONE), "wake 1 3", "wake 0 3", "reclaim 1 3 5");
    assertRefused(
        frames.tryAllocateNear(0, 4, NONE),
        "wake 1 2",
        "wake 0 2",
        "reclaim 1 2 4",
        "reclaim 0 2 4");
  }

  @Test
  void nodesThatAPolicyShutsOutAreNeitherWokenNorReclaimed() {
    begin(TestZones.plan().part(0, ZoneType.NORMAL, 0x100, 64).part(1, ZoneType.NORMAL, 0x200, 64));
    takeAll();
    NumaPolicy second = NumaPolicy.bind(frames.topology(), 1);
    assertRefused(frames.tryAllocate(second, 0, 0, NONE), "wake 1 0", "reclaim 1 0 1");
    // Nor those that a limit shuts out, and of a preference both, nearest first.
    assertRefused(
        frames.tryAllocateFramesWithin(1, NONE, 1, 0x1FF, 0), "wake 0 0", "reclaim 0 0 1");
    NumaPolicy rather = NumaPolicy.preferredMany(frames.topology(), 1);
    assertRefused(
        frames.tryAllocate(rather, 0, 0, NONE),
        "wake 0 0",
        "wake 1 0",
        "reclaim 0 0 1",
        "reclaim 1 0 1");
  }

  @Test
  void nobodyReclaimsDeviceMemory() {
    begin(TestZones.plan().part(0, ZoneType.DEVICE, START, 64));
    assertEquals(START, frames.tryAllocateNear(0, 64, AllocationFlags.DEVICE));
    told.takeCalls();
    assertRefused(frames.tryAllocateNear(0, 4, AllocationFlags.DEVICE), "wake 0 2");
  }

  // ---- Compaction ----

  @Test
  void whereThereIsEnoughInPiecesTheseAreJoinedAndReclaimBeginsEarlier() {
    breakUp();
    zone.setWatermarks(126, 126, 150);
    told.compacts = () -> frames.tryFree(START + 8, 0) == 0;
    assertServed(START + 8, frames.tryAllocateOn(0, 1, NONE), "wake 0 1", "compact 0 1");
    assertEquals(1, zone.eventCount(Zone.Event.COMPACTION));
    assertEquals(1, zone.eventCount(Zone.Event.BOOST));
    assertEquals(75, zone.boostFrames());
    assertEquals(0, zone.eventCount(Zone.Event.DIRECT_RECLAIM));
  }

  @Test
  void aBoostIsOneAreaWhereThatIsLessThanHalfOfHigh() {
    // Without a reclaimer: a boost is the zone's own.
    try (TestZones large = TestZones.plan().part(0, ZoneType.NORMAL, START, 4096).build()) {
      Zone only = large.zone(0, ZoneType.NORMAL);
      only.setWatermarks(0, 0, 2000);
      assertEquals(START, large.frames().tryAllocateRange(START, 1, NONE));
      assertEquals(START + 2048, large.frames().tryAllocateRange(START + 2048, 1, NONE));
      assertEquals(NO_FRAME, large.frames().tryAllocateOn(0, 11, NONE));
      assertEquals(512, only.boostFrames());
    }
  }

  @Test
  void piecesAreJoinedOnceARequestWhateverComesOfIt() {
    breakUp();
    zone.setWatermarks(126, 126, 150);
    for (boolean answer : new boolean[] {false, true}) {
      told.compacts = () -> answer;
      assertRefused(frames.tryAllocateOn(0, 1, NONE), "wake 0 1", "compact 0 1");
    }
  }

  /// One frame too few: first that is mended, if it can be, and only then pieces are joined.
  @Test
  void piecesAreJoinedOnlyWhereFramesAreEnough() {
    breakUp();
    zone.setWatermarks(127, 127, 150);
    assertRefused(frames.tryAllocateOn(0, 1, NONE), "wake 0 1", "reclaim 0 1 1");
    assertEquals(0, zone.boostFrames());
    assertEquals(0, zone.eventCount(Zone.Event.COMPACTION));
    told.reclaims = () -> 1 + frames.tryFree(START, 0);
    assertServed(
        START, frames.tryAllocateOn(0, 1, NONE), "wake 0 1", "reclaim 0 1 1", "compact 0 1");
    assertEquals(1, zone.eventCount(Zone.Event.COMPACTION));
  }

  @Test
  void reclaimGoesOnAfterPiecesWereJoinedInVain() {
    breakUp();
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

  @Test
  void nothingIsJoinedForARequestInACertainPlace() {
    breakUp();
    zone.setWatermarks(126, 126, 150);
    assertRefused(frames.tryAllocateFramesWithin(2, NONE, 1, START + 300, 0));
    zone.setWatermarks(127, 127, 150);
    told.reclaims = () -> 1 + frames.tryFree(START, 0);
    assertTrue(frames.tryAllocateFramesWithin(2, NONE, 1, START + 300, 0) >= 0);
    assertEquals(List.of("wake 0 1", "reclaim 0 1 1"), told.takeCalls());
  }
}
