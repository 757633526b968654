package dev.bifolio.kernel.zone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameMap;
import dev.bifolio.kernel.frame.FrameStatistics;
import dev.bifolio.kernel.frame.ValidationReport;
import org.junit.jupiter.api.Test;

/// From a node, a type or a frame to its zone, and sums over all zones.
class ZoneSetTest {
  private static final int NONE = AllocationFlags.NONE;
  private static final int DMA = AllocationFlags.DMA;
  private static final int DMA32 = AllocationFlags.DMA32;
  private static final int HIGHMEM_OK = AllocationFlags.HIGHMEM_OK;
  private static final int MOVABLE_ZONE = AllocationFlags.MOVABLE_ZONE;
  private static final int DEVICE = AllocationFlags.DEVICE;

  /// Banks of two nodes by turns, and device memory.
  private static TestZones.Plan mixed() {
    return TestZones.plan()
        .part(1, ZoneType.NORMAL, 0x100, 64)
        .part(4, ZoneType.DMA, 0x200, 32)
        .part(1, ZoneType.NORMAL, 0x300, 16)
        .part(4, ZoneType.DEVICE, 0x400, 128)
        .part(1, ZoneType.DMA, 0x500, 8);
  }

  private static void assertHighest(ZoneSet set, int flags, ZoneType expected) {
    assertEquals(expected.index(), set.highestType(flags), () -> "flags " + flags);
    // What is not about zones makes no difference.
    int more = AllocationFlags.ZERO | AllocationFlags.LONG | AllocationFlags.NOWAIT;
    assertEquals(expected.index(), set.highestType(flags | more | AllocationFlags.charge(0xFFF)));
  }

  private static ZoneSet withTypes(TestZones.Plan plan, ZoneType... types) {
    for (ZoneType type : types) {
      plan.part(0, type, 0x100L * (1 + type.index()), 8);
    }
    try (TestZones zones = plan.build()) {
      return zones.frames().zones();
    }
  }

  @Test
  void theMostLimitedOfTheFlagsIsTheHighestType() {
    ZoneSet pc = withTypes(TestZones.plan(), ZoneType.DMA, ZoneType.DMA32, ZoneType.NORMAL);
    assertHighest(pc, NONE, ZoneType.NORMAL);
    assertHighest(pc, HIGHMEM_OK, ZoneType.HIGHMEM);
    assertHighest(pc, MOVABLE_ZONE, ZoneType.MOVABLE);
    assertHighest(pc, MOVABLE_ZONE | HIGHMEM_OK, ZoneType.MOVABLE);
    assertHighest(pc, DMA32, ZoneType.DMA32);
    assertHighest(pc, DMA32 | MOVABLE_ZONE, ZoneType.DMA32);
    assertHighest(pc, DMA, ZoneType.DMA);
    assertHighest(pc, DMA | DMA32, ZoneType.DMA);
    assertHighest(pc, DEVICE, ZoneType.DEVICE);
    assertHighest(pc, DEVICE | DMA, ZoneType.DEVICE);
  }

  @Test
  void whereAnArchitectureHasNoZoneSoLowTheLowestBelow4GibWillDo() {
    ZoneSet arm = withTypes(TestZones.plan(), ZoneType.DMA32, ZoneType.NORMAL);
    assertHighest(arm, DMA, ZoneType.DMA32);
    assertHighest(arm, DMA32, ZoneType.DMA32);
    ZoneSet old = withTypes(TestZones.plan(), ZoneType.DMA, ZoneType.NORMAL, ZoneType.HIGHMEM);
    assertHighest(old, DMA, ZoneType.DMA);
    assertHighest(old, DMA32, ZoneType.NORMAL);
    ZoneSet wide = withTypes(TestZones.plan(), ZoneType.DMA32, ZoneType.HIGHMEM);
    assertHighest(wide, DMA32, ZoneType.DMA32);
    ZoneSet plain = withTypes(TestZones.plan(), ZoneType.NORMAL);
    assertHighest(plain, DMA, ZoneType.DMA);
    assertHighest(plain, DMA32, ZoneType.DMA32);
  }

  @Test
  void theMovableZoneIsForMovableFrames() {
    ZoneSet.requireClass(NONE);
    ZoneSet.requireClass(AllocationFlags.MOVABLE);
    ZoneSet.requireClass(MOVABLE_ZONE | AllocationFlags.MOVABLE);
    assertThrows(IllegalArgumentException.class, () -> ZoneSet.requireClass(MOVABLE_ZONE));
  }

  @Test
  void zonesAreInTheOrderOfNodesAndTypesWhereverTheirBanksLie() {
    try (TestZones zones = mixed().node(9).build()) {
      ZoneSet set = zones.frames().zones();
      assertEquals(4, set.count());
      assertEquals(3, set.nodeCount());
      String[] names = {
        "Node 1, zone DMA", "Node 1, zone Normal", "Node 4, zone DMA", "Node 4, zone Device"
      };
      for (int z = 0; z < names.length; z++) {
        assertEquals(names[z], set.zone(z).toString());
        assertEquals(z, set.zone(z).index());
        assertSame(set.zone(z), set.at(set.zone(z).nodeIndex(), set.zone(z).type()));
      }
      assertNull(set.at(1, ZoneType.NORMAL));
      assertNull(set.at(2, ZoneType.DMA));
      assertNull(set.at(0, ZoneType.DEVICE));
      assertEquals(2, set.zone(1).bankCount());
      assertEquals(0x100, set.zone(1).startPfn());
      assertEquals(0x310, set.zone(1).endPfn());
    }
  }

  @Test
  void aFrameLeadsToItsZoneItsWordsAndItsState() {
    try (TestZones zones = mixed().build()) {
      ZoneSet set = zones.frames().zones();
      assertSame(set.zone(1), set.ofFrame(0x100));
      assertSame(set.zone(2), set.ofFrame(0x200));
      assertSame(set.zone(1), set.ofFrame(0x30F));
      assertSame(set.zone(3), set.ofFrame(0x400));
      assertSame(set.zone(0), set.ofFrame(0x507));
      long[] outside = {0, 0xFF, 0x140, 0x2FF, 0x310, 0x508, Long.MAX_VALUE};
      for (long pfn : outside) {
        assertNull(set.ofFrame(pfn));
        assertNull(set.infoOf(pfn));
        assertNull(set.mapOf(pfn));
      }
      long[] starts = {0x100, 0x200, 0x300, 0x400, 0x500};
      for (int bank = 0; bank < starts.length; bank++) {
        assertSame(set.plane(bank), set.infoOf(starts[bank]));
        assertEquals(starts[bank], set.plane(bank).startPfn());
        FrameMap map = set.mapOf(starts[bank]);
        assertNotNull(map);
        assertEquals(starts[bank], map.allocator().startPfn());
      }
    }
  }

  // ---- Sums ----

  @Test
  void sumsAreOfANodeOrAllAndWithoutDeviceMemory() {
    try (TestZones zones = mixed().build()) {
      ZoneSet set = zones.frames().zones();
      assertEquals(64 + 32 + 16 + 8, set.managedFrames());
      assertEquals(64 + 16 + 8, set.freeFrames(0));
      assertEquals(32, set.freeFrames(1));
      assertEquals(120, set.freeFrames(-1));
      assertEquals(1, set.freeBlocks(0, 3));
      assertEquals(1, set.freeBlocks(1, 5));
      assertEquals(0, set.freeBlocks(1, 7));
      assertEquals(0, set.freeBlocks(-1, 7));
      assertEquals(1, set.freeBlocks(-1, 6));
      long low = zones.frames().tryAllocateNear(0, 1, DMA);
      long far = zones.frames().tryAllocateNear(1, 1, DMA);
      long device = zones.frames().tryAllocateNear(1, 1, DEVICE);
      assertEquals(0, zones.frames().tryFree(low, 0));
      assertEquals(0, zones.frames().tryFree(far, 0));
      assertEquals(0, zones.frames().tryFree(device, 0));
      long own = set.zone(0).cachedFrames();
      long other = set.zone(2).cachedFrames();
      long devices = set.zone(3).cachedFrames();
      assertTrue(own > 0 && other > 0 && devices > 0);
      assertEquals(own, set.cachedFrames(0));
      assertEquals(other, set.cachedFrames(1));
      assertEquals(own + other, set.cachedFrames(-1));
      assertEquals(own + other + devices, set.drainCaches());
      assertEquals(0, set.cachedFrames(-1));
      set.zone(2).addOffline(4);
      assertEquals(116, set.managedFrames());
    }
  }

  @Test
  void thePeakIsTheMostThatWasSeenInUseAtOnce() {
    try (TestZones zones = mixed().classic(true).build()) {
      ZonedFrames frames = zones.frames();
      ZoneSet set = frames.zones();
      assertEquals(0, set.statistics().peakUsedFrames());
      assertEquals(0x100, frames.tryAllocateRange(0x100, 64, NONE));
      assertEquals(64, set.statistics().peakUsedFrames());
      assertEquals(0, frames.tryFreeRange(0x100, 64));
      assertEquals(0x400, frames.tryAllocateRange(0x400, 32, NONE));
      FrameStatistics counts = set.statistics();
      assertEquals(64, counts.peakUsedFrames()); // not 64 and 32
      assertEquals(248, counts.totalFrames());
      assertEquals(2, counts.allocations());
      set.sawUsed(64);
      set.sawUsed(63);
      assertEquals(64, set.statistics().peakUsedFrames());
      set.sawUsed(100);
      assertEquals(100, set.statistics().peakUsedFrames());
      set.resetCounters();
      assertEquals(32, set.statistics().peakUsedFrames());
      assertEquals(0, set.statistics().requests());
    }
  }

  /// A single bank keeps its own peak, and it is the whole.
  @Test
  void anOnlyBankTellsItsPeak() {
    try (TestZones zones = TestZones.plan().part(0, ZoneType.DMA, 0x100, 64).classic(true).build();
        TestZones two =
            TestZones.plan()
                .part(0, ZoneType.DMA, 0x100, 64)
                .part(0, ZoneType.DMA, 0x200, 64)
                .classic(true)
                .build()) {
      for (TestZones each : new TestZones[] {zones, two}) {
        assertEquals(0x100, each.frames().tryAllocateRange(0x100, 64, NONE));
        assertEquals(0, each.frames().tryFreeRange(0x100, 64));
      }
      assertEquals(64, zones.frames().zones().statistics().peakUsedFrames());
      // Of several nobody looked while they were in use.
      assertEquals(0, two.frames().zones().statistics().peakUsedFrames());
    }
  }

  @Test
  void aReportIsOverAllZones() {
    try (TestZones zones = mixed().classic(true).build()) {
      ZoneSet set = zones.frames().zones();
      long checked = 0;
      for (int z = 0; z < set.count(); z++) {
        checked += set.zone(z).memory.validate(true).checkedFrames();
      }
      ValidationReport good = set.validate(true);
      assertTrue(good.isValid());
      assertEquals(checked, good.checkedFrames());
      // Taken past the zones, whose counters do not hear of it.
      assertTrue(set.zone(0).bank(0).allocator().tryAllocate(0, NONE) >= 0);
      assertTrue(set.zone(2).bank(0).allocator().tryAllocate(1, NONE) >= 0);
      ValidationReport bad = set.validate(false);
      assertEquals(2, bad.problemCount());
      assertEquals(
          """
          the banks have 7 free frames, the zone counts 8
          the banks have 30 free frames, the zone counts 32
          """,
          bad.problems());
    }
  }

  @Test
  void theOrderOfACountIsRoundedUpToTheLargestAtMost() {
    assertEquals(0, ZoneSet.orderOf(1));
    assertEquals(1, ZoneSet.orderOf(2));
    assertEquals(2, ZoneSet.orderOf(3));
    assertEquals(20, ZoneSet.orderOf(1L << 20));
    assertEquals(20, ZoneSet.orderOf(1L << 30));
  }
}
