package dev.bifolio.kernel.zone;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.unit.Pages;
import org.jspecify.annotations.Nullable;

/// The way of a request that the preferred zone did not serve at once.
///
/// ```
///   1  each zone, down to low                 ──> served
///   2  wake background reclaim where it is below low
///   3  each zone, down to min                 ──> served
///   4  EMERGENCY: each zone, down to the floor of the reserve ──> served, counted
///   5  count what is really there, once
///   6  unless NOWAIT: reclaim or compact zone by zone, and 3 after each that it helped; bounded
///   7  3 or 4 once more                       ──> served, or no frame
/// ```
///
/// *Each zone*: nodes nearest first from the home node, in a node from the highest type that the
/// request may have downwards. A zone is passed over if the request would leave less than the mark
/// and the lowmem reserve against its type; so low memory lasts for those who need it.
///
/// Any thread; holds no lock when it calls the [Reclaimer]; no Java objects.
final class ZoneSearch {
  /// How often a request reclaims before it fails, if every time frames come free.
  static final int MOST_ROUNDS = 16;

  /// Instead of the order of an alignment: the request is for no certain place.
  static final int ANYWHERE = -1;

  private static final int LOW = 0;
  private static final int MIN = 1;
  private static final int FLOOR = 2;

  /// What a boost adds: an area, as in Linux a page block.
  private static final long BOOST_FRAMES = Pages.orderToFrames(Pages.HUGE_ORDER);

  private final ZoneSet zones;
  private final NumaTopology topology;
  private Reclaimer reclaimer = Reclaimer.NONE;

  ZoneSearch(ZoneSet zones, NumaTopology topology) {
    this.zones = zones;
    this.topology = topology;
  }

  void setReclaimer(Reclaimer reclaimer) {
    this.reclaimer = reclaimer;
  }

  /// A request for frames.
  ///
  /// @param home the node from which the nearest are looked for
  /// @param policy which nodes may serve, null for all
  /// @param alignOrder the first frame is a multiple of 2^this; or [#ANYWHERE]
  /// @param maxPfn the last frame is at most this
  /// @return the first frame, or no frame, which is counted
  long find(
      int cpu,
      int home,
      @Nullable NumaPolicy policy,
      long frameCount,
      int flags,
      int alignOrder,
      long maxPfn) {
    long pfn = pass(LOW, cpu, home, policy, frameCount, flags, alignOrder, maxPfn);
    if (pfn >= 0) {
      return pfn;
    }
    wake(home, policy, frameCount, flags, alignOrder, maxPfn);
    pfn = pass(MIN, cpu, home, policy, frameCount, flags, alignOrder, maxPfn);
    boolean emergency = (flags & AllocationFlags.EMERGENCY) != 0;
    if (pfn < 0 && emergency) {
      pfn = pass(FLOOR, cpu, home, policy, frameCount, flags, alignOrder, maxPfn);
    }
    if (pfn >= 0) {
      return pfn;
    }
    recount(home, policy, flags, maxPfn);
    if ((flags & AllocationFlags.NOWAIT) == 0) {
      pfn = afterReclaim(cpu, home, policy, frameCount, flags, alignOrder, maxPfn);
    }
    int mark = emergency ? FLOOR : MIN;
    return pfn >= 0 ? pfn : pass(mark, cpu, home, policy, frameCount, flags, alignOrder, maxPfn);
  }

  // ---- The way through the zones ----

  private long pass(
      int mark,
      int cpu,
      int home,
      @Nullable NumaPolicy policy,
      long frameCount,
      int flags,
      int alignOrder,
      long maxPfn) {
    int highest = zones.highestType(flags);
    int steps = stepCount(home, flags);
    for (int walk = 0; walk < walkCount(policy); walk++) {
      for (int step = 0; step < steps; step++) {
        Zone zone = allowedAt(walk, home, step, highest, policy, maxPfn);
        if (zone != null) {
          long pfn = take(zone, mark, highest, cpu, frameCount, flags, alignOrder, maxPfn);
          if (pfn >= 0) {
            return pfn;
          }
        }
      }
    }
    return FrameAllocator.NO_FRAME;
  }

  /// The zone that a request would like best, whatever is left there: the first on its way.
  ///
  /// @return null if no zone may serve it
  @Nullable Zone preferred(int home, @Nullable NumaPolicy policy, int flags, long maxPfn) {
    int highest = zones.highestType(flags);
    for (int walk = 0; walk < walkCount(policy); walk++) {
      for (int step = 0; step < stepCount(home, flags); step++) {
        Zone zone = allowedAt(walk, home, step, highest, policy, maxPfn);
        if (zone != null) {
          return zone;
        }
      }
    }
    return null;
  }

  /// How many steps the way has, with those where there is no zone.
  private int stepCount(int home, int flags) {
    return nodeCount(home, flags) * typeCount(zones.highestType(flags));
  }

  /// The zone at a step of the way: nodes in their order, in each from the highest type downwards.
  private @Nullable Zone zoneAt(int home, int step, int highest) {
    int types = typeCount(highest);
    int node = nodeAt(home, step / types, highest);
    return node < 0 ? null : zones.at(node, highest - step % types);
  }

  /// How many types a request may have: device memory is alone.
  private static int typeCount(int highest) {
    return highest == ZoneType.DEVICE.index() ? 1 : highest + 1;
  }

  private static int walkCount(@Nullable NumaPolicy policy) {
    return policy == null ? 1 : policy.walkCount();
  }

  /// The zone at a step, if it may serve in a walk.
  private @Nullable Zone allowedAt(
      int walk, int home, int step, int highest, @Nullable NumaPolicy policy, long maxPfn) {
    Zone zone = zoneAt(home, step, highest);
    return zone != null
            && zone.startPfn() <= maxPfn
            && (policy == null || policy.allows(walk, zone.nodeIndex()))
        ? zone
        : null;
  }

  /// The zone at a step, if it may serve in any walk.
  private @Nullable Zone candidateAt(
      int home, int step, int highest, @Nullable NumaPolicy policy, long maxPfn) {
    for (int walk = 0; walk < walkCount(policy); walk++) {
      Zone zone = allowedAt(walk, home, step, highest, policy, maxPfn);
      if (zone != null) {
        return zone;
      }
    }
    return null;
  }

  private int nodeCount(int home, int flags) {
    if ((flags & AllocationFlags.EXACT_NODE) != 0) {
      return isDevice(flags) || topology.hasMemory(home) ? 1 : 0;
    }
    int withRam = topology.memoryNodeCount();
    return isDevice(flags) ? 1 + withRam + topology.nodeCount() : withRam;
  }

  private static boolean isDevice(int flags) {
    return (flags & AllocationFlags.DEVICE) != 0;
  }

  /// A node of the order. Device memory may lie in nodes without RAM, which no order has: the home
  /// node comes first, then the order, then those nodes by their ids.
  ///
  /// @return -1 if nothing is at this position
  private int nodeAt(int home, int position, int highest) {
    if (highest != ZoneType.DEVICE.index()) {
      return topology.fallback(home, position);
    }
    if (position == 0) {
      return home;
    }
    int withRam = topology.memoryNodeCount();
    int node = position <= withRam ? topology.fallback(home, position - 1) : position - 1 - withRam;
    boolean wasThere = node == home || (position > withRam && topology.hasMemory(node));
    return wasThere ? -1 : node;
  }

  private static long take(
      Zone zone,
      int mark,
      int highest,
      int cpu,
      long frameCount,
      int flags,
      int alignOrder,
      long maxPfn) {
    long reserve = zone.lowmemReserve(highest);
    boolean ordinary =
        zone.gauge.takeAbove(
            cpu, frameCount, (mark == LOW ? zone.lowFrames() : zone.minFrames()) + reserve);
    if (!ordinary
        && (mark != FLOOR || !zone.gauge.takeAbove(cpu, frameCount, floor(zone) + reserve))) {
      return FrameAllocator.NO_FRAME;
    }
    long pfn =
        alignOrder == ANYWHERE
            ? zone.memory.takeFrames(cpu, frameCount, flags)
            : zone.memory.takeWithin(cpu, frameCount, flags, 1L << alignOrder, maxPfn);
    if (pfn < 0) {
      zone.gauge.add(frameCount);
    } else if (!ordinary) {
      zone.count(Zone.Event.EMERGENCY_REQUEST, 1);
      zone.count(Zone.Event.EMERGENCY_FRAME, frameCount);
    }
    return pfn;
  }

  private static long floor(Zone zone) {
    return zone.minFrames() - zone.reserveCapFrames();
  }

  // ---- What a request does before it fails ----

  /// Zones below low, and those that have frames enough, but perhaps in too small pieces.
  private void wake(
      int home,
      @Nullable NumaPolicy policy,
      long frameCount,
      int flags,
      int alignOrder,
      long maxPfn) {
    int highest = zones.highestType(flags);
    for (int step = 0; step < stepCount(home, flags); step++) {
      Zone zone = candidateAt(home, step, highest, policy, maxPfn);
      if (zone != null && isWorthWaking(zone, frameCount, alignOrder)) {
        zone.count(Zone.Event.WAKE, 1);
        reclaimer.wake(zone, ZoneSet.orderOf(frameCount));
      }
    }
  }

  private static boolean isWorthWaking(Zone zone, long frameCount, int alignOrder) {
    boolean inPieces = frameCount > 1 && alignOrder == ANYWHERE;
    return inPieces || (!zone.isPlenty() && zone.availableFrames() < zone.lowFrames() + frameCount);
  }

  /// Mends counters that others made wrong by what was on its way: so no request fails for that.
  private void recount(int home, @Nullable NumaPolicy policy, int flags, long maxPfn) {
    int highest = zones.highestType(flags);
    for (int step = 0; step < stepCount(home, flags); step++) {
      Zone zone = candidateAt(home, step, highest, policy, maxPfn);
      if (zone != null && !zone.isPlenty()) {
        long _ = zone.recount();
      }
    }
  }

  /// Has frames given back where there are too few, and pieces joined where there are enough, zone
  /// by zone; and again, as long as that helps any zone.
  private long afterReclaim(
      int cpu,
      int home,
      @Nullable NumaPolicy policy,
      long frameCount,
      int flags,
      int alignOrder,
      long maxPfn) {
    int highest = zones.highestType(flags);
    boolean helped = highest != ZoneType.DEVICE.index(); // nobody gives device memory back
    for (int round = 0; round < MOST_ROUNDS && helped; round++) {
      helped = false;
      for (int step = 0; step < stepCount(home, flags); step++) {
        Zone zone = candidateAt(home, step, highest, policy, maxPfn);
        if (zone != null
            && zone.managedFrames() >= frameCount
            && relieve(zone, highest, frameCount, round == 0 && alignOrder == ANYWHERE)) {
          helped = true;
          long pfn = pass(MIN, cpu, home, policy, frameCount, flags, alignOrder, maxPfn);
          if (pfn >= 0) {
            return pfn;
          }
        }
      }
    }
    return FrameAllocator.NO_FRAME;
  }

  /// Tries to help one zone.
  ///
  /// @param joins whether pieces may be joined: once a request, and not for one in a certain place
  /// @return whether the zone has more frames than before, or larger blocks
  private boolean relieve(Zone zone, int highest, long frameCount, boolean joins) {
    long available = zone.availableFrames();
    long missing = frameCount + zone.minFrames() + zone.lowmemReserve(highest) - available;
    int order = ZoneSet.orderOf(frameCount);
    boolean more = false;
    if (missing > 0) {
      zone.count(Zone.Event.DIRECT_RECLAIM, 1);
      // What came back in other zones is of no use here.
      more = reclaimer.reclaim(zone, order, missing) > 0 && zone.recount() > available;
    }
    if (frameCount == 1 || !joins || (missing > 0 && !more)) {
      return more;
    }
    zone.boost(BOOST_FRAMES);
    zone.count(Zone.Event.COMPACTION, 1);
    return reclaimer.compact(zone, order) || more;
  }
}
