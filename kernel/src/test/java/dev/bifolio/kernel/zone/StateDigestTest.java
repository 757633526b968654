package dev.bifolio.kernel.zone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.frame.FrameMap;
import dev.bifolio.kernel.frame.FrameStatistics;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.testkit.SplitMix64;
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

  @Test
  void theLastOfAllAccountsIsInTheDigest() throws Exception {
    int count = FrameInfo.MAX_ACCOUNT;
    try (TestZones zones = TestZones.plan().part(0, ZoneType.NORMAL, 0, 64).build();
        Window window = Window.reserve(AccountTree.byteSize(count))) {
      AccountTree accounts = new AccountTree(window.address(), count);
      StateDigest digest = new StateDigest(zones.frames().zones(), accounts);
      Set<Long> seen = new HashSet<>(Set.of(digest.now()));
      int last = 0;
      for (int i = 1; i <= count; i++) {
        last = accounts.open(AccountTree.ROOT, i, 0);
      }
      assertEquals(count, last);
      assertTrue(seen.add(digest.now()));
      assertTrue(accounts.tryCharge(last, 1));
      assertTrue(seen.add(digest.now()));
    }
  }

  /// What two programs must agree about whose digests are to be compared: each number of the state,
  /// in this order, goes as an increment into the state of the generator of the tests, whose next
  /// number is the digest so far.
  @Test
  void aDigestIsAFoldOverAllNumbersOfTheState() {
    TestZones.Plan plan = TestZones.plan().part(7, ZoneType.DMA32, 100, 12).classic(true);
    try (TestZones zones = plan.charged().build()) {
      ZonedFrames frames = zones.frames();
      Zone zone = zones.zone(7, ZoneType.DMA32);
      AccountTree accounts = zones.accounts();
      int account = accounts.open(AccountTree.ROOT, 30, 4);
      assertTrue(accounts.tryCharge(account, 6));
      assertTrue(accounts.tryRefund(account, 1));
      assertTrue(!accounts.tryCharge(account, 100));
      assertEquals(106, frames.tryAllocateRange(106, 2, 0));
      assertEquals(104, frames.tryAllocateRange(104, 1, 0));
      assertEquals(0, frames.tryFree(104, 0));
      assertTrue(frames.tryFree(104, 0) != 0);
      assertTrue(frames.tryAllocateRange(106, 1, 0) < 0);
      FrameInfo plane = frames.zones().plane(0);
      plane.put(101, 5);
      plane.put(111, 9);
      zone.setWatermarks(2, 3, 8);
      zone.setReserveCap(1);
      zone.boost(3);
      zone.addOffline(4);
      for (ZoneType type : ZoneType.values()) {
        zone.setLowmemReserve(type, 20 + type.index());
      }
      Zone.Event[] all = Zone.Event.values();
      for (int i = 0; i < all.length; i++) {
        zone.count(all[i], 40 + i);
      }
      // Node, type, span; present, managed, available; marks, boost, cap, offline.
      long[] ofZone = {7, 1, 100, 112, 8, 8, 10, 2, 6, 11, 3, 1, 4};
      long[] reserves = {20, 21, 22, 23, 24, 25};
      long[] events = {40, 41, 42, 43, 1 + 44, 45}; // there was one boost
      // Total, free, cached; requests, allocations, failures; frees, refused; splits, joins.
      FrameStatistics counts = zone.statistics();
      long[] ofCounts = {8, 10, 0, 3, 2, 1, 1, 1, counts.splits(), counts.coalesces()};
      long[] ofFrames = {
        stretch(FrameMap.FREE, 104),
        101,
        5,
        stretch(FrameMap.FREE, 106),
        stretch(FrameMap.HEAD, 108),
        stretch(FrameMap.FREE, 112),
        111,
        9
      };
      // Number, parent, limit, minimum, usage, held, peak, failed; the root's, and the account's.
      long[] root = {0, 0, AccountTree.NO_LIMIT, 0, 5, 5, 6, 0};
      long[] own = {account, 0, 30, 4, 5, 5, 6, 1};
      assertEquals(
          fold(ofZone, reserves, events, ofCounts, ofFrames, root, own), digest(zones).now());
    }
  }

  private static long stretch(int state, long endPfn) {
    return endPfn << 3 | state;
  }

  private static long fold(long[]... parts) {
    long digest = 0;
    for (long[] part : parts) {
      for (long number : part) {
        digest = new SplitMix64(digest + number).next();
      }
    }
    return digest;
  }
}
