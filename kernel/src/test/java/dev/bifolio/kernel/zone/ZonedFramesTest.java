package dev.bifolio.kernel.zone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;
import dev.bifolio.testkit.Behaviour;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ZonedFramesTest {
  private static final long MIB = 256;
  private static final int NONE = AllocationFlags.NONE;
  private static final int DMA = AllocationFlags.DMA;

  /// x86 with 16 MiB of DMA, 48 MiB of DMA32 and 16 MiB of NORMAL above 4 GiB.
  private static TestZones x86() {
    return TestZones.plan()
        .part(0, ZoneType.DMA, 0, 16 * MIB)
        .part(0, ZoneType.DMA32, 16 * MIB, 48 * MIB)
        .part(0, ZoneType.NORMAL, 4096 * MIB, 16 * MIB)
        .build();
  }

  private static List<Long> takeAll(ZonedFrames frames, int flags) {
    List<Long> pfns = new ArrayList<>();
    for (long pfn = frames.tryAllocateOn(0, 0, flags);
        pfn >= 0;
        pfn = frames.tryAllocateOn(0, 0, flags)) {
      pfns.add(pfn);
    }
    return pfns;
  }

  @Test
  @Behaviour({"86", "97"})
  void aRequestWithinALimitNeverLeavesItsZoneAndOthersAvoidItUntilTheRestIsGone() {
    try (TestZones zones = x86()) {
      ZonedFrames frames = zones.frames();
      List<Long> ordinary = takeAll(frames, NONE);
      assertEquals(80 * MIB, ordinary.size());
      assertTrue(ordinary.subList(0, (int) (16 * MIB)).stream().allMatch(p -> p >= 4096 * MIB));
      assertTrue(
          ordinary.subList((int) (16 * MIB), (int) (64 * MIB)).stream()
              .allMatch(p -> p >= 4096 && p < 64 * MIB));
      assertTrue(
          ordinary.subList((int) (64 * MIB), ordinary.size()).stream().allMatch(p -> p < 4096));
      assertEquals(FrameAllocator.NO_FRAME, frames.tryAllocateOn(0, 0, DMA));
      ordinary.forEach(pfn -> assertEquals(0, frames.tryFree(pfn, 0)));
      List<Long> dma = takeAll(frames, DMA);
      assertEquals(4096, dma.size());
      assertTrue(dma.stream().allMatch(p -> p < 4096));
      List<Long> dma32 = takeAll(frames, AllocationFlags.DMA32);
      assertEquals(48 * MIB, dma32.size());
      assertTrue(dma32.stream().allMatch(p -> p >= 4096 && p < 64 * MIB));
      assertEquals(16 * MIB, takeAll(frames, NONE).size());
    }
  }

  @Test
  void dmaNeverReachesBeyondItsZoneInAnyFormOfRequest() {
    try (TestZones zones = x86()) {
      ZonedFrames frames = zones.frames();
      for (int order = 0; order <= 12; order++) {
        long pfn = frames.tryAllocateOn(0, order, DMA);
        assertTrue(pfn < 4096, "order " + order);
        assertEquals(0, frames.tryFree(pfn, order));
      }
      assertEquals(FrameAllocator.NO_FRAME, frames.tryAllocateOn(0, 13, DMA));
      assertTrue(frames.tryAllocateFrames(3000, DMA) < 4096);
      assertEquals(FrameAllocator.NO_FRAME, frames.tryAllocateFrames(3000, DMA));
      assertTrue(frames.tryAllocateFramesWithin(8, DMA, 16, Long.MAX_VALUE, 0) < 4096);
      long[] pfns = new long[2000];
      int got = frames.allocateBulk(pfns, 0, pfns.length, DMA);
      assertEquals(4096 - 3000 - 8, got);
      for (int i = 0; i < got; i++) {
        assertTrue(pfns[i] < 4096);
      }
    }
  }

  @Test
  void deviceMemoryIsForThoseWhoNameItAndForNobodyElse() {
    try (TestZones zones =
        TestZones.plan()
            .part(0, ZoneType.NORMAL, 0, MIB)
            .part(0, ZoneType.MOVABLE, MIB, MIB)
            .part(0, ZoneType.DEVICE, 2 * MIB, MIB)
            .build()) {
      ZonedFrames frames = zones.frames();
      int[] limits = {NONE, DMA, AllocationFlags.DMA32, AllocationFlags.HIGHMEM_OK};
      for (int limit : limits) {
        for (int more :
            new int[] {
              0, AllocationFlags.EMERGENCY, AllocationFlags.NOWAIT, AllocationFlags.EXACT_NODE
            }) {
          List<Long> got = takeAll(frames, limit | more);
          assertTrue(got.stream().allMatch(p -> p < MIB), "flags " + (limit | more));
          got.forEach(pfn -> assertEquals(0, frames.tryFree(pfn, 0)));
        }
      }
      int movable = AllocationFlags.MOVABLE | AllocationFlags.MOVABLE_ZONE;
      List<Long> got = takeAll(frames, movable);
      assertEquals(2 * MIB, got.size());
      assertTrue(got.getFirst() >= MIB && got.stream().allMatch(p -> p < 2 * MIB));
      List<Long> device = takeAll(frames, AllocationFlags.DEVICE);
      assertEquals(MIB, device.size());
      assertTrue(device.stream().allMatch(p -> p >= 2 * MIB));
      long[] bulk = new long[4];
      assertEquals(0, frames.allocateBulk(bulk, 0, 4, NONE));
      assertEquals(
          FrameAllocator.NO_FRAME, frames.tryAllocateFramesWithin(1, NONE, 1, Long.MAX_VALUE, 0));
    }
  }

  @Test
  void theMovableZoneIsRefusedToWhatCannotMove() {
    try (TestZones zones = TestZones.plan().part(0, ZoneType.MOVABLE, 0, MIB).build()) {
      assertThrows(
          IllegalArgumentException.class,
          () -> zones.frames().tryAllocate(0, AllocationFlags.MOVABLE_ZONE));
      assertEquals(FrameAllocator.NO_FRAME, zones.frames().tryAllocate(0, AllocationFlags.MOVABLE));
    }
  }

  @Test
  void whereThereIsNoDmaZoneTheLowestBelow4GibServes() {
    try (TestZones zones =
        TestZones.plan()
            .part(0, ZoneType.DMA32, 0x80000, MIB)
            .part(0, ZoneType.NORMAL, 0x100000, MIB)
            .build()) {
      assertEquals(MIB, takeAll(zones.frames(), DMA).size());
      assertEquals(MIB, takeAll(zones.frames(), NONE).size());
    }
    try (TestZones zones = TestZones.plan().part(0, ZoneType.NORMAL, 0x100000, MIB).build()) {
      assertEquals(FrameAllocator.NO_FRAME, zones.frames().tryAllocate(0, DMA));
    }
  }

  @Test
  @Behaviour({"81", "83", "87"})
  void aRequestForANodeIsServedFromThereAndUnknownNodesAreRefused() {
    try (TestZones zones =
        TestZones.plan()
            .part(0, ZoneType.NORMAL, MIB, 16 * MIB)
            .part(1, ZoneType.NORMAL, 17 * MIB, 16 * MIB)
            .build()) {
      ZonedFrames frames = zones.frames();
      long first = frames.tryAllocateNear(0, 10, NONE);
      long second = frames.tryAllocateNear(1, 10, NONE);
      assertTrue(first >= MIB && first + 10 <= 17 * MIB);
      assertTrue(second >= 17 * MIB && second + 10 <= 33 * MIB);
      assertEquals(0, frames.tryFreeFrames(first, 10));
      assertEquals(0, frames.tryFreeFrames(second, 10));
      IllegalArgumentException refused =
          assertThrows(
              IllegalArgumentException.class, () -> NumaPolicy.exact(frames.topology(), 2));
      assertTrue(String.valueOf(refused.getMessage()).startsWith("Invalid NUMA node"));
      assertEquals(second, frames.tryAllocateNear(1, 10, NONE));
      // What somebody has cannot be reserved by a second one.
      assertEquals(FrameAllocator.NO_FRAME, frames.tryAllocateRange(second + 5, 10, NONE));
    }
  }

  @Test
  @Behaviour("102")
  void anEmptyNodeIsServedByTheNearestOne() {
    int[][] distances = {{10, 40, 20}, {40, 10, 20}, {20, 20, 10}};
    try (TestZones zones =
        TestZones.plan()
            .part(0, ZoneType.NORMAL, 0, MIB)
            .part(1, ZoneType.NORMAL, MIB, MIB)
            .part(2, ZoneType.NORMAL, 2 * MIB, MIB)
            .distances(distances)
            .cpus(0, 1, 2)
            .build()) {
      ZonedFrames frames = zones.frames();
      for (int i = 0; i < MIB; i++) {
        assertTrue(frames.tryAllocateOn(0, 0, NONE) < MIB);
      }
      long next = frames.tryAllocateOn(0, 0, NONE);
      assertTrue(next >= 2 * MIB, () -> "frame " + next);
      assertEquals(FrameAllocator.NO_FRAME, frames.tryAllocateOn(0, 0, AllocationFlags.EXACT_NODE));
      for (int i = 1; i < MIB; i++) {
        assertTrue(frames.tryAllocateOn(0, 0, NONE) >= 2 * MIB);
      }
      long last = frames.tryAllocateOn(0, 0, NONE);
      assertTrue(last >= MIB && last < 2 * MIB, () -> "frame " + last);
    }
  }

  @Test
  void theNodeIsThatOfTheCpu() {
    try (TestZones zones =
        TestZones.plan()
            .part(3, ZoneType.NORMAL, 0, MIB)
            .part(5, ZoneType.NORMAL, MIB, MIB)
            .cpus(3, 5, 5)
            .build()) {
      assertTrue(zones.frames().tryAllocateOn(0, 0, NONE) < MIB);
      assertTrue(zones.frames().tryAllocateOn(1, 0, NONE) >= MIB);
      assertTrue(zones.frames().tryAllocateOn(2, 0, NONE) >= MIB);
      assertTrue(zones.frames().tryAllocateOn(3, 0, NONE) < MIB);
    }
  }

  @Test
  void aPolicySaysWhereAndTurnsOnlyForWhatWasServed() {
    try (TestZones zones =
            TestZones.plan()
                .part(0, ZoneType.NORMAL, 0, MIB)
                .part(1, ZoneType.NORMAL, MIB, MIB)
                .part(2, ZoneType.NORMAL, 2 * MIB, MIB)
                .cpus(0, 1, 2)
                .build();
        TestZones others = x86()) {
      ZonedFrames frames = zones.frames();
      NumaTopology nodes = frames.topology();
      NumaPolicy turns = NumaPolicy.weightedInterleave(nodes, new int[] {0, 2}, new int[] {1, 2});
      long[] expected = {0, 2, 2, 0, 2, 2};
      for (long node : expected) {
        assertEquals(node, frames.tryAllocate(turns, 1, 0, NONE) / MIB);
        assertEquals(FrameError.INVALID_ORDER.code(), frames.tryAllocate(turns, 1, 21, NONE));
        assertEquals(FrameAllocator.NO_FRAME, frames.tryAllocate(turns, 1, 20, NONE));
      }
      NumaPolicy bound = NumaPolicy.bind(nodes, 1, 2);
      for (int i = 0; i < MIB; i++) {
        assertEquals(1, frames.tryAllocate(bound, 1, 0, NONE) / MIB);
      }
      for (int i = 0; i < MIB - 4; i++) {
        assertEquals(2, frames.tryAllocate(bound, 1, 0, NONE) / MIB);
      }
      assertEquals(FrameAllocator.NO_FRAME, frames.tryAllocate(bound, 1, 0, NONE));
      assertEquals(
          FrameAllocator.NO_FRAME, frames.tryAllocate(NumaPolicy.exact(nodes, 1), 0, 0, NONE));
      NumaPolicy many = NumaPolicy.preferredMany(nodes, 1, 2);
      assertEquals(0, frames.tryAllocate(many, 1, 0, NONE) / MIB);
      assertThrows(
          IllegalArgumentException.class, () -> others.frames().tryAllocate(many, 0, 0, NONE));
    }
  }

  @Test
  void aNodeWithoutMemoryUsesItsNeighbours() {
    try (TestZones zones =
        TestZones.plan().part(1, ZoneType.NORMAL, 0, MIB).node(0).cpus(0, 1).build()) {
      ZonedFrames frames = zones.frames();
      assertTrue(frames.tryAllocateOn(0, 0, NONE) >= 0);
      assertEquals(FrameAllocator.NO_FRAME, frames.tryAllocateOn(0, 0, AllocationFlags.EXACT_NODE));
      assertTrue(frames.tryAllocateOn(1, 0, AllocationFlags.EXACT_NODE) >= 0);
    }
  }

  @Test
  void ordinaryRequestsStopAtMinAndEmergencyRequestsAtTheCap() {
    try (TestZones zones = TestZones.plan().part(0, ZoneType.NORMAL, 0, 1024).build()) {
      ZonedFrames frames = zones.frames();
      Zone zone = zones.zone(0, ZoneType.NORMAL);
      zone.setWatermarks(100, 125, 150);
      zone.setReserveCap(40);
      assertEquals(924, takeAll(frames, NONE).size());
      assertEquals(100, zone.availableFrames());
      assertEquals(0, zone.reserveUsedFrames());
      List<Long> reserve = takeAll(frames, AllocationFlags.EMERGENCY);
      assertEquals(40, reserve.size());
      assertEquals(40, zone.reserveUsedFrames());
      assertEquals(40, zone.eventCount(Zone.Event.EMERGENCY_REQUEST));
      assertEquals(40, zone.eventCount(Zone.Event.EMERGENCY_FRAME));
      // What comes back fills the reserve before anybody else is served.
      for (int i = 0; i < 39; i++) {
        assertEquals(0, frames.tryFree(reserve.get(i), 0));
        assertEquals(FrameAllocator.NO_FRAME, frames.tryAllocate(0, NONE));
      }
      assertEquals(0, frames.tryFree(reserve.get(39), 0));
      assertEquals(FrameAllocator.NO_FRAME, frames.tryAllocate(0, NONE));
      assertEquals(0, frames.tryFree(zone.startPfn(), 0));
      assertTrue(frames.tryAllocate(0, NONE) >= 0);
    }
  }

  @Test
  void aRequestThatWouldRatherHaveAHigherZoneLeavesTheLowmemReserve() {
    try (TestZones zones = x86()) {
      ZonedFrames frames = zones.frames();
      Zone dma = zones.zone(0, ZoneType.DMA);
      dma.setWatermarks(10, 12, 15);
      dma.setLowmemReserve(ZoneType.NORMAL, 1000);
      dma.setLowmemReserve(ZoneType.DMA32, 500);
      assertEquals(64 * MIB + 4096 - 1010, takeAll(frames, NONE).size());
      assertEquals(500, takeAll(frames, AllocationFlags.DMA32).size());
      assertEquals(500, takeAll(frames, DMA).size());
      assertEquals(10, dma.availableFrames());
    }
  }

  @Test
  void aBoostRaisesLowAndHighByAtMostHalfOfHighAndEnds() {
    try (TestZones zones = TestZones.plan().part(0, ZoneType.NORMAL, 0, 8192).build()) {
      Zone zone = zones.zone(0, ZoneType.NORMAL);
      zone.setWatermarks(1000, 1250, 1500);
      zone.boost(500);
      assertEquals(1000, zone.minFrames());
      assertEquals(1750, zone.lowFrames());
      assertEquals(2000, zone.highFrames());
      zone.boost(500);
      assertEquals(750, zone.boostFrames());
      assertEquals(2, zone.eventCount(Zone.Event.BOOST));
      zone.boost(1);
      assertEquals(2, zone.eventCount(Zone.Event.BOOST));
      zone.endBoost();
      assertEquals(1250, zone.lowFrames());
      assertEquals(1500, zone.highFrames());
    }
  }

  @Test
  void impossibleSettingsAreRefusedAndChangeNothing() {
    try (TestZones zones = TestZones.plan().part(0, ZoneType.NORMAL, 0, 1024).build()) {
      Zone zone = zones.zone(0, ZoneType.NORMAL);
      zone.setWatermarks(10, 20, 30);
      assertThrows(IllegalArgumentException.class, () -> zone.setWatermarks(-1, 0, 0));
      assertThrows(IllegalArgumentException.class, () -> zone.setWatermarks(5, 4, 9));
      assertThrows(IllegalArgumentException.class, () -> zone.setWatermarks(5, 9, 8));
      assertThrows(IllegalArgumentException.class, () -> zone.setReserveCap(11));
      assertThrows(IllegalArgumentException.class, () -> zone.setReserveCap(-1));
      assertThrows(
          IllegalArgumentException.class, () -> zone.setLowmemReserve(ZoneType.NORMAL, -1));
      assertEquals(10, zone.minFrames());
      assertEquals(20, zone.lowFrames());
      assertEquals(30, zone.highFrames());
      assertEquals(10, zone.reserveCapFrames());
    }
  }

  @Test
  void anAccountIsChargedBeforeAndRefundedByWhoeverFrees() {
    try (TestZones zones = TestZones.plan().part(0, ZoneType.NORMAL, 0, 8192).charged().build()) {
      ZonedFrames frames = zones.frames();
      AccountTree accounts = zones.accounts();
      int account = accounts.open(AccountTree.ROOT, 100, 0);
      int flags = AllocationFlags.charge(account);
      long block = frames.tryAllocate(5, flags);
      assertEquals(32, accounts.usage(account));
      assertEquals(account, FrameInfo.accountOf(frames.zones().infoOf(block).get(block)));
      long run = frames.tryAllocateFrames(68, flags);
      assertEquals(100, accounts.usage(account));
      assertEquals(FrameAllocator.NO_FRAME, frames.tryAllocate(0, flags));
      assertTrue(frames.tryAllocate(0, NONE) >= 0);
      assertEquals(1, accounts.failedCharges(account));
      // A refused free leaves the charge.
      assertTrue(frames.tryFree(block, 4) < 0);
      assertEquals(100, accounts.usage(account));
      assertThrows(FrameRequestException.class, () -> frames.free(block, 6));
      assertEquals(100, accounts.usage(account));
      assertEquals(0, frames.tryFree(block, 5));
      assertEquals(68, accounts.usage(account));
      frames.splitFrames(run, 68);
      for (int i = 0; i < 68; i++) {
        frames.free(run + i, 0);
        assertEquals(67 - i, accounts.usage(account));
      }
      assertTrue(frames.tryFree(run, 0) < 0);
      assertEquals(0, frames.zones().infoOf(run).get(run));
    }
  }

  @Test
  void aRangeIsChargedAsAWholeAndRefundedAsAWholeOrByBlocks() {
    try (TestZones zones = TestZones.plan().part(0, ZoneType.NORMAL, 0, 8192).charged().build()) {
      ZonedFrames frames = zones.frames();
      AccountTree accounts = zones.accounts();
      int account = accounts.open(AccountTree.ROOT, 1000, 0);
      int flags = AllocationFlags.charge(account);
      assertEquals(101, frames.tryAllocateRange(101, 300, flags));
      assertEquals(300, accounts.usage(account));
      assertEquals(FrameAllocator.NO_FRAME, frames.tryAllocateRange(400, 2, flags));
      assertEquals(FrameAllocator.NO_FRAME, frames.tryAllocateRange(1000, 701, flags));
      assertEquals(FrameError.OUT_OF_RANGE.code(), frames.tryAllocateRange(8190, 4, flags));
      assertEquals(300, accounts.usage(account));
      assertEquals(0, frames.tryFree(101, 0));
      assertEquals(299, accounts.usage(account));
      assertTrue(frames.tryFreeRange(101, 300) < 0);
      assertEquals(299, accounts.usage(account));
      assertEquals(0, frames.tryFreeRange(102, 299));
      assertEquals(0, accounts.usage(account));
      assertEquals(8192, frames.zones().zone(0).availableFrames());
    }
  }

  @Test
  void aRangeOfSeveralAccountsRefundsEachOfThemAndARefusedOneNobody() {
    try (TestZones zones = TestZones.plan().part(0, ZoneType.NORMAL, 0, 8192).charged().build()) {
      ZonedFrames frames = zones.frames();
      AccountTree accounts = zones.accounts();
      int one = accounts.open(AccountTree.ROOT, 100, 0);
      int other = accounts.open(AccountTree.ROOT, 100, 0);
      assertEquals(101, frames.tryAllocateRange(101, 1, AllocationFlags.charge(one)));
      assertEquals(102, frames.tryAllocateRange(102, 2, AllocationFlags.charge(other)));
      assertEquals(104, frames.tryAllocateRange(104, 8, NONE));
      assertTrue(frames.tryFreeRange(101, 4) < 0);
      assertTrue(frames.tryFreeRange(101, 12) < 0);
      assertTrue(frames.tryFreeRange(101, 9000) < 0);
      assertEquals(1, accounts.usage(one));
      assertEquals(2, accounts.usage(other));
      assertEquals(0, FrameInfo.accountOf(frames.zones().infoOf(103).get(103)));
      assertEquals(0, frames.tryFreeRange(101, 11));
      assertEquals(0, accounts.usage(one));
      assertEquals(0, accounts.usage(other));
      assertEquals(8192, frames.zones().zone(0).availableFrames());
    }
  }

  @Test
  void aRequestThatIsRefusedLateIsNotCharged() {
    try (TestZones zones = TestZones.plan().part(0, ZoneType.NORMAL, 0, 8192).charged().build()) {
      ZonedFrames frames = zones.frames();
      int account = zones.accounts().open(AccountTree.ROOT, 100, 0);
      int flags = AllocationFlags.charge(account);
      frames.setReclaimer(
          new Reclaimer() {
            @Override
            public void wake(Zone zone, int order) {}

            @Override
            public long reclaim(Zone zone, int order, long wantedFrames) {
              throw new IllegalStateException("planted");
            }

            @Override
            public boolean compact(Zone zone, int order) {
              throw new IllegalStateException("planted");
            }
          });
      assertThrows(IllegalArgumentException.class, () -> frames.tryAllocateNear(1, 1, flags));
      assertThrows(IllegalArgumentException.class, () -> frames.tryAllocateNear(-1, 1, flags));
      frames.zones().zone(0).setWatermarks(8192, 8192, 8192);
      assertThrows(IllegalStateException.class, () -> frames.tryAllocate(0, flags));
      assertEquals(0, zones.accounts().usage(account));
    }
  }

  @Test
  void chargesWithoutAccountsAndOfUnknownAccountsAreRefused() {
    try (TestZones zones = TestZones.plan().part(0, ZoneType.NORMAL, 0, 1024).build()) {
      int flags = AllocationFlags.charge(1);
      assertThrows(IllegalArgumentException.class, () -> zones.frames().tryAllocate(0, flags));
      assertEquals(1024, zones.frames().zones().zone(0).availableFrames());
    }
    try (TestZones zones = TestZones.plan().part(0, ZoneType.NORMAL, 0, 1024).charged().build()) {
      int flags = AllocationFlags.charge(1);
      assertThrows(IllegalArgumentException.class, () -> zones.frames().tryAllocate(0, flags));
      assertEquals(1024, zones.frames().zones().zone(0).availableFrames());
    }
  }
}
