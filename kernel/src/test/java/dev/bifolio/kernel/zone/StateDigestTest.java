package dev.bifolio.kernel.zone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameInfo;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

/// Equal states have equal digests wherever they lie, and each part of a state is in them.
class StateDigestTest {
  private static TestZones zones() {
    return TestZones.plan()
        .part(0, ZoneType.DMA, 0, 300)
        .part(0, ZoneType.NORMAL, 512, 700)
        .part(1, ZoneType.NORMAL, 2048, 1000)
        .charged()
        .build();
  }

  private static StateDigest digest(TestZones zones) {
    return new StateDigest(zones.frames().zones(), zones.accounts());
  }

  @Test
  void twoMemoriesWithOneHistoryHaveOneDigest() {
    try (TestZones one = zones();
        TestZones two = zones()) {
      StateDigest first = digest(one);
      StateDigest second = digest(two);
      for (int i = 0; i < 40; i++) {
        assertEquals(first.now(), second.now());
        assertEquals(first.now(), first.now());
        int order = i % 4;
        long pfn = one.frames().tryAllocateOn(0, order, 0);
        assertEquals(pfn, two.frames().tryAllocateOn(0, order, 0));
        if (i % 3 == 0) {
          assertEquals(one.frames().tryFree(pfn, order), two.frames().tryFree(pfn, order));
        }
      }
    }
  }

  @Test
  void eachChangeGivesAnotherDigest() {
    try (TestZones zones = zones()) {
      ZonedFrames frames = zones.frames();
      Zone zone = zones.zone(1, ZoneType.NORMAL);
      AccountTree accounts = zones.accounts();
      int account = accounts.open(0, 100, 10);
      FrameInfo plane = frames.zones().plane(2);
      Runnable[] changes = {
        () -> zone.setWatermarks(1, 2, 3),
        () -> zone.setWatermarks(2, 2, 3),
        () -> zone.setWatermarks(2, 2, 4),
        () -> zone.setReserveCap(1),
        () -> zone.boost(1),
        zone::endBoost,
        () -> zone.setLowmemReserve(ZoneType.MOVABLE, 5),
        () -> zone.setLowmemReserve(ZoneType.DEVICE, 5),
        () -> zone.addOffline(1),
        () -> zone.count(Zone.Event.COMPACTION, 1),
        () -> zone.count(Zone.Event.WAKE, 1),
        () -> plane.put(2048, 1),
        () -> plane.put(3047, 1),
        () -> plane.put(3047, 2),
        () -> frames.tryAllocateRange(3000, 1, 0),
        () -> frames.tryFree(3000, 0),
        () -> frames.tryAllocateRange(3001, 1, 0),
        () -> accounts.tryCharge(account, 1),
        () -> accounts.setLimit(account, 101),
        () -> accounts.setMinimum(account, 11),
        () -> accounts.tryCharge(account, 1000),
        () -> accounts.open(account, 50, 0),
        () -> frames.tryAllocateOn(0, 0, AllocationFlags.DMA),
        () -> frames.tryFree(3001, 1),
      };
      StateDigest digest = digest(zones);
      Set<Long> seen = new HashSet<>(Set.of(digest.now()));
      for (int i = 0; i < changes.length; i++) {
        changes[i].run();
        assertTrue(seen.add(digest.now()), "change " + i + " is not in the digest");
      }
    }
  }

  @Test
  void memoryWithoutAccountsHasADigest() {
    try (TestZones zones = TestZones.plan().part(0, ZoneType.NORMAL, 0, 64).build()) {
      StateDigest digest = new StateDigest(zones.frames().zones(), null);
      long before = digest.now();
      assertTrue(zones.frames().tryAllocateOn(0, 0, 0) >= 0);
      assertTrue(before != digest.now());
    }
  }
}
