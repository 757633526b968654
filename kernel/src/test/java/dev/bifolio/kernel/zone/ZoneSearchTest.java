package dev.bifolio.kernel.zone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameAllocator;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/// The way of a request through zones: marks, wake-ups, the order of nodes, and who counts it when
/// nobody serves it.
class ZoneSearchTest {
  private static final int NONE = AllocationFlags.NONE;
  private static final long NO_FRAME = FrameAllocator.NO_FRAME;

  private static TestZones.Plan twoZones() {
    return TestZones.plan()
        .part(0, ZoneType.DMA, 0x1000, 256)
        .part(0, ZoneType.NORMAL, 0x2000, 1024);
  }

  /// Takes single frames from the highest on, so that this many are left in the zone.
  private static void leave(ZonedFrames frames, Zone zone, long left) {
    for (long pfn = zone.endPfn() - 1; zone.availableFrames() > left; pfn--) {
      long taken = frames.tryAllocateRange(pfn, 1, NONE);
      assertTrue(taken == pfn || taken == NO_FRAME);
    }
    assertEquals(left, zone.availableFrames());
  }

  private static ToldReclaimer listen(ZonedFrames frames) {
    ToldReclaimer told = new ToldReclaimer();
    frames.setReclaimer(told);
    return told;
  }

  // ---- Marks ----

  @Test
  void aRequestBelowLowIsServedAndWakesTheZone() {
    try (TestZones zones = TestZones.plan().part(0, ZoneType.NORMAL, 0x1000, 1024).build()) {
      ZonedFrames frames = zones.frames();
      Zone zone = zones.zone(0, ZoneType.NORMAL);
      ToldReclaimer told = listen(frames);
      zone.setWatermarks(100, 200, 300);
      leave(frames, zone, 201);
      assertTrue(frames.tryAllocateOn(0, 0, NONE) >= 0);
      assertEquals(List.of(), told.takeCalls());
      assertTrue(frames.tryAllocateOn(0, 0, NONE) >= 0);
      assertEquals(List.of("wake 0 0"), told.takeCalls());
      assertTrue(frames.tryAllocateNear(0, 3, NONE) >= 0);
      assertEquals(List.of("wake 0 2"), told.takeCalls());
      assertEquals(2, zone.eventCount(Zone.Event.WAKE));
      leave(frames, zone, 102);
      assertEquals(NO_FRAME, frames.tryAllocateOn(0, 2, AllocationFlags.NOWAIT));
      assertTrue(frames.tryAllocateOn(0, 1, AllocationFlags.NOWAIT) >= 0);
      assertEquals(NO_FRAME, frames.tryAllocateOn(0, 0, AllocationFlags.NOWAIT));
      assertEquals(100, zone.availableFrames());
    }
  }

  /// The low zone is above its low mark, but keeps frames from requests for the other.
  @Test
  void onlyZonesBelowTheirLowMarkAreWoken() {
    try (TestZones zones = twoZones().build()) {
      ZonedFrames frames = zones.frames();
      Zone dma = zones.zone(0, ZoneType.DMA);
      Zone normal = zones.zone(0, ZoneType.NORMAL);
      ToldReclaimer told = listen(frames);
      normal.setWatermarks(10, 20, 1000);
      dma.setWatermarks(10, 20, 200);
      dma.setLowmemReserve(ZoneType.NORMAL, 150);
      leave(frames, normal, 20);
      leave(frames, dma, 21);
      assertTrue(frames.tryAllocateOn(0, 0, NONE) >= 0x2000);
      assertEquals(List.of("wake 1 0"), told.takeCalls());
      leave(frames, dma, 20);
      assertTrue(frames.tryAllocateOn(0, 0, NONE) >= 0x2000);
      assertEquals(List.of("wake 1 0", "wake 0 0"), told.takeCalls());
      // A run may be missing though there are frames enough: every zone is told.
      leave(frames, normal, 11);
      assertEquals(NO_FRAME, frames.tryAllocateOn(0, 1, AllocationFlags.NOWAIT));
      assertEquals(List.of("wake 1 1", "wake 0 1"), told.takeCalls());
    }
  }

  @Test
  void aZoneThatHasPlentyIsToldOfRunsThatItHasNotInOnePiece() {
    try (TestZones zones = TestZones.plan().part(0, ZoneType.NORMAL, 0x1000, 1024).build()) {
      ZonedFrames frames = zones.frames();
      ToldReclaimer told = listen(frames);
      assertTrue(zones.zone(0, ZoneType.NORMAL).isPlenty());
      assertEquals(0x1200, frames.tryAllocateRange(0x1200, 1, NONE));
      assertEquals(NO_FRAME, frames.tryAllocateOn(0, 10, AllocationFlags.NOWAIT));
      assertEquals(List.of("wake 0 10"), told.takeCalls());
      // In a certain place more free frames would not help.
      assertEquals(NO_FRAME, frames.tryAllocateFramesWithin(512, NONE, 1, 0x1000, 0));
      assertEquals(List.of(), told.takeCalls());
    }
  }

  @Test
  void whatTheReserveGivesIsCountedAndWhatLeavesMinIsNot() {
    try (TestZones zones = TestZones.plan().part(0, ZoneType.NORMAL, 0x1000, 1024).build()) {
      ZonedFrames frames = zones.frames();
      Zone zone = zones.zone(0, ZoneType.NORMAL);
      int urgent = AllocationFlags.EMERGENCY | AllocationFlags.NOWAIT;
      zone.setWatermarks(100, 200, 300);
      zone.setReserveCap(10);
      leave(frames, zone, 102);
      assertTrue(frames.tryAllocateOn(0, 1, urgent) >= 0);
      assertEquals(0, zone.eventCount(Zone.Event.EMERGENCY_REQUEST));
      assertEquals(NO_FRAME, frames.tryAllocateOn(0, 4, urgent));
      assertEquals(0, zone.eventCount(Zone.Event.EMERGENCY_REQUEST));
      assertEquals(100, zone.availableFrames());
      assertTrue(frames.tryAllocateOn(0, 3, urgent) >= 0);
      assertEquals(1, zone.eventCount(Zone.Event.EMERGENCY_REQUEST));
      assertEquals(8, zone.eventCount(Zone.Event.EMERGENCY_FRAME));
      assertTrue(frames.tryAllocateOn(0, 1, urgent) >= 0);
      assertEquals(NO_FRAME, frames.tryAllocateOn(0, 0, urgent));
      assertEquals(10, zone.eventCount(Zone.Event.EMERGENCY_FRAME));
      assertEquals(10, zone.reserveUsedFrames());
    }
  }

  /// An emergency request keeps off the reserve of low memory, as others do.
  @Test
  void theLowmemReserveHoldsInAnEmergencyToo() {
    try (TestZones zones = twoZones().build()) {
      ZonedFrames frames = zones.frames();
      Zone dma = zones.zone(0, ZoneType.DMA);
      dma.setWatermarks(20, 30, 40);
      dma.setLowmemReserve(ZoneType.NORMAL, 100);
      leave(frames, zones.zone(0, ZoneType.NORMAL), 0);
      leave(frames, dma, 102);
      int urgent = AllocationFlags.EMERGENCY | AllocationFlags.NOWAIT;
      assertTrue(frames.tryAllocateOn(0, 1, urgent) >= 0);
      assertEquals(NO_FRAME, frames.tryAllocateOn(0, 0, urgent));
      assertEquals(100, dma.availableFrames());
    }
  }

  @Test
  void aRequestThatFindsNoPieceLeavesTheCounterAsItWas() {
    try (TestZones zones = TestZones.plan().part(0, ZoneType.NORMAL, 0x1000, 64).build()) {
      ZonedFrames frames = zones.frames();
      Zone zone = zones.zone(0, ZoneType.NORMAL);
      zone.setWatermarks(0, 0, 64);
      assertEquals(0x1020, frames.tryAllocateRange(0x1020, 1, NONE));
      assertEquals(NO_FRAME, frames.tryAllocateOn(0, 6, NONE));
      assertEquals(63, zone.availableFrames());
      assertEquals(NO_FRAME, frames.tryAllocateNear(0, 40, NONE));
      assertEquals(63, zone.availableFrames());
      assertEquals(NO_FRAME, frames.tryAllocateFramesWithin(40, NONE, 1, 0x1020, 0));
      assertEquals(63, zone.availableFrames());
      assertTrue(!zone.isPlenty());
    }
  }

  /// Others had frames on their way when somebody counted: no request fails for that.
  @Test
  void countersAreMendedBeforeARequestFails() {
    try (TestZones zones = TestZones.plan().part(0, ZoneType.NORMAL, 0x1000, 64).build()) {
      ZonedFrames frames = zones.frames();
      Zone zone = zones.zone(0, ZoneType.NORMAL);
      zone.setWatermarks(10, 10, 64);
      leave(frames, zone, 10);
      assertEquals(0, zone.memory.tryFreeFrames(0x1030, 1)); // the gauge is not told
      assertEquals(10, zone.availableFrames());
      assertTrue(frames.tryAllocateOn(0, 0, AllocationFlags.NOWAIT) >= 0);
      assertEquals(10, zone.availableFrames());
      assertEquals(10, zone.memory.availableFrames());
    }
  }

  // ---- Places ----

  @Test
  void aZoneThatBeginsAtTheLimitServesItsFirstFrame() {
    try (TestZones zones = twoZones().build()) {
      ZonedFrames frames = zones.frames();
      assertEquals(0x2000, lowest(frames, 0x2000));
      assertTrue(lowest(frames, 0x2000) < 0x2000);
      assertEquals(NO_FRAME, lowest(frames, 0xFFF));
      assertEquals(0x1080, frames.tryAllocateFramesWithin(1, NONE, 128, 0x1FFF, 0));
    }
  }

  private static long lowest(ZonedFrames frames, long maxPfn) {
    return frames.tryAllocateFramesWithin(1, NONE, 1, maxPfn, 0);
  }

  /// 0 is a frame like any other, on each part of the way that finds it.
  @Test
  void frameZeroIsServedOnEachPartOfTheWay() {
    int urgent = AllocationFlags.EMERGENCY;
    for (int way = 0; way < 4; way++) {
      try (TestZones zones = TestZones.plan().part(0, ZoneType.NORMAL, 0, 64).charged().build()) {
        ZonedFrames frames = zones.frames();
        Zone zone = zones.zone(0, ZoneType.NORMAL);
        int account = zones.accounts().open(AccountTree.ROOT, 10, 0);
        int flags = AllocationFlags.charge(account) | (way == 2 ? urgent : 0);
        zone.setWatermarks(way == 2 ? 1 : 0, way == 0 ? 0 : 1, 64);
        leave(frames, zone, way == 3 ? 0 : 1);
        if (way == 3) {
          listen(frames).reclaims = () -> 1 + frames.tryFree(0, 0);
        }
        assertEquals(0, frames.tryAllocateOn(0, 0, flags), "way " + way);
        assertEquals(1, zones.accounts().usage(account));
        assertEquals(0, zone.availableFrames());
        assertEquals(way == 3 ? 1 : 0, zone.eventCount(Zone.Event.DIRECT_RECLAIM));
        assertEquals(way == 2 ? 1 : 0, zone.eventCount(Zone.Event.EMERGENCY_REQUEST));
      }
    }
  }

  // ---- Device memory ----

  private static List<Integer> deviceOrder(ZonedFrames frames, int home, int flags) {
    List<Integer> nodes = new ArrayList<>();
    List<Long> taken = new ArrayList<>();
    while (true) {
      long pfn = frames.tryAllocateNear(home, 64, AllocationFlags.DEVICE | flags);
      if (pfn < 0) {
        break;
      }
      taken.add(pfn);
      Zone zone = frames.zones().ofFrame(pfn);
      nodes.add(zone == null ? -1 : zone.nid());
    }
    taken.forEach(pfn -> frames.freeFrames(pfn, 64));
    return nodes;
  }

  /// Nodes 0, 2 and 3 have RAM, 1 and 4 have not; all but 3 have device memory.
  @Test
  void deviceMemoryIsTakenFromHomeThenInTheOrderOfNodesThenFromThoseWithoutRam() {
    int[][] distances = {
      {10, 20, 40, 30, 20},
      {20, 10, 30, 40, 50},
      {40, 20, 10, 30, 20},
      {30, 20, 30, 10, 20},
      {20, 20, 20, 20, 10}
    };
    TestZones.Plan plan = TestZones.plan().distances(distances).withoutRam(1).withoutRam(4);
    for (int nid = 0; nid < 5; nid++) {
      if (nid == 0 || nid == 2 || nid == 3) {
        plan.part(nid, ZoneType.NORMAL, 0x1000L * (nid + 1), 64);
      }
      if (nid != 3) {
        plan.part(nid, ZoneType.DEVICE, 0x1000L * (nid + 1) + 64, 64);
      }
    }
    try (TestZones zones = plan.build()) {
      ZonedFrames frames = zones.frames();
      assertEquals(List.of(0, 2, 1, 4), deviceOrder(frames, 0, NONE));
      assertEquals(List.of(1, 0, 2, 4), deviceOrder(frames, 1, NONE));
      assertEquals(List.of(2, 0, 1, 4), deviceOrder(frames, 2, NONE));
      assertEquals(List.of(0, 2, 1, 4), deviceOrder(frames, 3, NONE));
      assertEquals(List.of(4, 0, 2, 1), deviceOrder(frames, 4, NONE));
      for (int nid = 0; nid < 5; nid++) {
        List<Integer> own = nid == 3 ? List.of() : List.of(nid);
        assertEquals(own, deviceOrder(frames, nid, AllocationFlags.EXACT_NODE));
      }
    }
  }

  // ---- Failures ----

  private static List<Long> failures(ZonedFrames frames) {
    List<Long> counts = new ArrayList<>();
    for (int z = 0; z < frames.zones().count(); z++) {
      counts.add(frames.zones().zone(z).statistics().failures());
    }
    return counts;
  }

  @Test
  void aFailureIsCountedByTheZoneThatTheRequestPreferred() {
    try (TestZones zones =
        TestZones.plan()
            .part(0, ZoneType.DMA, 0x100, 64)
            .part(0, ZoneType.NORMAL, 0x200, 64)
            .part(0, ZoneType.DEVICE, 0x300, 64)
            .part(1, ZoneType.NORMAL, 0x400, 64)
            .part(1, ZoneType.MOVABLE, 0x500, 64)
            .node(2)
            .build()) {
      ZonedFrames frames = zones.frames();
      int movable = AllocationFlags.MOVABLE | AllocationFlags.MOVABLE_ZONE;
      assertEquals(NO_FRAME, frames.tryAllocateNear(0, 65, AllocationFlags.DMA));
      assertEquals(List.of(1L, 0L, 0L, 0L, 0L), failures(frames));
      assertEquals(NO_FRAME, frames.tryAllocateNear(0, 65, NONE));
      assertEquals(List.of(1L, 1L, 0L, 0L, 0L), failures(frames));
      assertEquals(NO_FRAME, frames.tryAllocateNear(1, 65, AllocationFlags.DEVICE));
      assertEquals(List.of(1L, 1L, 1L, 0L, 0L), failures(frames));
      assertEquals(NO_FRAME, frames.tryAllocateNear(1, 65, NONE));
      assertEquals(List.of(1L, 1L, 1L, 1L, 0L), failures(frames));
      assertEquals(NO_FRAME, frames.tryAllocateNear(1, 65, movable));
      assertEquals(List.of(1L, 1L, 1L, 1L, 1L), failures(frames));
      // A node without memory prefers its neighbour's, a limited place what lies low enough.
      assertEquals(NO_FRAME, frames.tryAllocateNear(2, 65, movable));
      assertEquals(List.of(1L, 2L, 1L, 1L, 1L), failures(frames));
      assertEquals(NO_FRAME, frames.tryAllocateFramesWithin(65, NONE, 1, 0x1FF, 0));
      assertEquals(List.of(2L, 2L, 1L, 1L, 1L), failures(frames));
      assertEquals(5 + 2, frames.zones().statistics().failures());
    }
  }

  @Test
  void aPolicyNamesTheZoneThatCountsAFailureAndTheFirstCountsWhatNoneMayServe() {
    try (TestZones zones =
        TestZones.plan()
            .part(0, ZoneType.NORMAL, 0x200, 64)
            .part(1, ZoneType.DMA, 0x300, 64)
            .part(1, ZoneType.NORMAL, 0x400, 64)
            .cpus(0, 1)
            .build()) {
      ZonedFrames frames = zones.frames();
      NumaTopology nodes = frames.topology();
      NumaPolicy second = NumaPolicy.bind(nodes, 1);
      assertEquals(NO_FRAME, frames.tryAllocate(second, 0, 7, NONE));
      assertEquals(List.of(0L, 0L, 1L), failures(frames));
      NumaPolicy rather = NumaPolicy.preferredMany(nodes, 1);
      assertEquals(NO_FRAME, frames.tryAllocate(rather, 0, 7, NONE));
      assertEquals(List.of(0L, 0L, 2L), failures(frames));
      NumaPolicy first = NumaPolicy.bind(nodes, 0);
      assertEquals(NO_FRAME, frames.tryAllocate(first, 1, 7, AllocationFlags.DMA));
      assertEquals(List.of(1L, 0L, 2L), failures(frames));
      assertEquals(NO_FRAME, frames.tryAllocate(second, 1, 7, AllocationFlags.DMA));
      assertEquals(List.of(1L, 1L, 2L), failures(frames));
    }
  }
}
