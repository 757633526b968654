package dev.bifolio.kernel.zone;

import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.frame.FrameMap;
import dev.bifolio.kernel.frame.FrameStatistics;
import org.jspecify.annotations.Nullable;

/// One number for the state of all memory, to compare two runs by: equal runs have equal numbers.
///
/// It goes over the state of every frame, every word for the layers above, each zone's watermarks,
/// reserves and counts, and all accounts. Addresses, times and threads are not in it; how frames
/// lie in caches is, since later requests depend on it. Each number is mixed into the whole by the
/// finisher of SplitMix64, so order counts.
///
/// Needs quiescence. A walk over all frames that are there; meant for tests and replay.
///
/// Source: Steele, Lea, Flood, Fast Splittable Pseudorandom Number Generators, 2014, for the mixer.
public final class StateDigest {
  private static final long STEP = 0x9E37_79B9_7F4A_7C15L;

  private static final Zone.Event[] EVENTS = Zone.Event.values();
  private static final ZoneType[] TYPES = ZoneType.values();

  private final ZoneSet zones;
  private final @Nullable AccountTree accounts;
  private final FrameMap[] maps;
  private final FrameInfo[] planes;
  private long digest;

  /// A digest of zones, for one thread at a time.
  ///
  /// @param zones all zones
  /// @param accounts who is charged, null for nobody
  public StateDigest(ZoneSet zones, @Nullable AccountTree accounts) {
    this.zones = zones;
    this.accounts = accounts;
    int count = 0;
    for (int z = 0; z < zones.count(); z++) {
      count += zones.zone(z).bankCount();
    }
    maps = new FrameMap[count];
    planes = new FrameInfo[count];
    int next = 0;
    for (int z = 0; z < zones.count(); z++) {
      for (int b = 0; b < zones.zone(z).bankCount(); b++) {
        maps[next] = new FrameMap(zones.zone(z).bank(b).allocator());
        planes[next++] = zones.zone(z).bank(b).info();
      }
    }
  }

  /// The number for the state at this moment.
  ///
  /// @return any
  public long now() {
    digest = 0;
    for (int z = 0; z < zones.count(); z++) {
      addZone(zones.zone(z));
    }
    for (int b = 0; b < maps.length; b++) {
      addFrames(maps[b], planes[b]);
    }
    for (int account = 0; accounts != null && account <= FrameInfo.MAX_ACCOUNT; account++) {
      addAccount(accounts, account);
    }
    return digest;
  }

  private void add(long value) {
    long mixed = digest + STEP + value;
    mixed = (mixed ^ mixed >>> 30) * 0xBF58_476D_1CE4_E5B9L;
    mixed = (mixed ^ mixed >>> 27) * 0x94D0_49BB_1331_11EBL;
    digest = mixed ^ mixed >>> 31;
  }

  private void addZone(Zone zone) {
    add(zone.nid());
    add(zone.type().index());
    add(zone.startPfn());
    add(zone.endPfn());
    add(zone.presentFrames());
    add(zone.managedFrames());
    add(zone.availableFrames());
    add(zone.minFrames());
    add(zone.lowFrames());
    add(zone.highFrames());
    add(zone.boostFrames());
    add(zone.reserveCapFrames());
    add(zone.offlineFrames());
    for (ZoneType wanted : TYPES) {
      add(zone.lowmemReserveFrames(wanted));
    }
    for (Zone.Event event : EVENTS) {
      add(zone.eventCount(event));
    }
    addCounts(zone.statistics());
  }

  private void addCounts(FrameStatistics counts) {
    add(counts.totalFrames());
    add(counts.freeFrames());
    add(counts.cachedFrames());
    add(counts.requests());
    add(counts.allocations());
    add(counts.failures());
    add(counts.frees());
    add(counts.refusedFrees());
    add(counts.splits());
    add(counts.coalesces());
  }

  private void addFrames(FrameMap map, FrameInfo plane) {
    long pfn = plane.startPfn();
    while (pfn < plane.endPfn()) {
      long stretch = map.stretchAt(pfn);
      long end = Math.min(FrameMap.endOf(stretch), plane.endPfn());
      add(stretch);
      for (; pfn < end && FrameMap.stateOf(stretch) != FrameMap.ABSENT; pfn++) {
        long word = plane.get(pfn);
        if (word != 0) {
          add(pfn);
          add(word);
        }
      }
      pfn = end;
    }
  }

  private void addAccount(AccountTree tree, int account) {
    if (tree.isOpen(account)) {
      add(account);
      add(tree.parent(account));
      add(tree.limit(account));
      add(tree.minimum(account));
      add(tree.usage(account));
      add(tree.held(account));
      add(tree.peak(account));
      add(tree.failedCharges(account));
    }
  }
}
