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
///   5  unless NOWAIT: reclaim or compact, and 3 again; bounded, and only while it helps
///   6  count what is really there, and 3 or 4 once more ──> served, or no frame
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

  /// The shape of a request that may lie anywhere.
  static final int ANYWHERE = -1;

  private static final int BOUNDARY_SHIFT = 8;
  private static final int NO_BOUNDARY = 255;

  private static final int LOW = 0;
  private static final int MIN = 1;
  private static final int FLOOR = 2;

  /// Half of an area: from this order on, pieces are a matter of compaction.
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

  /// How frames must lie, in one number.
  ///
  /// @param alignmentFrames a power of two
  /// @param boundaryFrames a power of two, or 0 for none
  static int shape(long alignmentFrames, long boundaryFrames) {
    int boundary = boundaryFrames == 0 ? NO_BOUNDARY : Long.numberOfTrailingZeros(boundaryFrames);
    return Long.numberOfTrailingZeros(alignmentFrames) | boundary << BOUNDARY_SHIFT;
  }

  private static long alignmentFrames(int shape) {
    return 1L << (shape & 0xFF);
  }

  private static long boundaryFrames(int shape) {
    int boundary = shape >>> BOUNDARY_SHIFT;
    return boundary == NO_BOUNDARY ? 0 : 1L << boundary;
  }

  /// A request for frames.
  ///
  /// @param home the node from which the nearest are looked for
  /// @param policy which nodes may serve, null for all
  /// @param shape how they must lie, see [#shape], or [#ANYWHERE]
  /// @param maxPfn the last frame is at most this
  /// @return the first frame, or no frame, which is counted
  long find(
      int cpu,
      int home,
      @Nullable NumaPolicy policy,
      long frameCount,
      int flags,
      int shape,
      long maxPfn) {
    long pfn = pass(LOW, cpu, home, policy, frameCount, flags, shape, maxPfn);
    if (pfn >= 0) {
      return pfn;
    }
    wake(home, policy, frameCount, flags);
    pfn = pass(MIN, cpu, home, policy, frameCount, flags, shape, maxPfn);
    boolean emergency = (flags & AllocationFlags.EMERGENCY) != 0;
    if (pfn < 0 && emergency) {
      pfn = pass(FLOOR, cpu, home, policy, frameCount, flags, shape, maxPfn);
    }
    if (pfn < 0 && (flags & AllocationFlags.NOWAIT) == 0) {
      pfn = afterReclaim(cpu, home, policy, frameCount, flags, shape, maxPfn);
    }
    if (pfn < 0) {
      recount(home, policy, flags);
      int mark = emergency ? FLOOR : MIN;
      pfn = pass(mark, cpu, home, policy, frameCount, flags, shape, maxPfn);
    }
    return pfn;
  }

  // ---- One way through the zones ----

  private long pass(
      int mark,
      int cpu,
      int home,
      @Nullable NumaPolicy policy,
      long frameCount,
      int flags,
      int shape,
      long maxPfn) {
    int highest = zones.highestType(flags);
    int lowest = ZoneSet.lowestType(highest);
    int nodes = nodeCount(home, flags);
    for (int sets = 0; sets < setCount(policy); sets++) {
      for (int n = 0; n < nodes; n++) {
        int node = topology.fallback(home, n);
        for (int type = highest; type >= lowest && allows(policy, node, sets); type--) {
          Zone zone = zones.at(node, type);
          if (zone != null && zone.startPfn() <= maxPfn) {
            long pfn = take(zone, mark, highest, cpu, frameCount, flags, shape, maxPfn);
            if (pfn >= 0) {
              return pfn;
            }
          }
        }
      }
    }
    return FrameAllocator.NO_FRAME;
  }

  private int nodeCount(int home, int flags) {
    if ((flags & AllocationFlags.EXACT_NODE) == 0) {
      return topology.memoryNodeCount();
    }
    return topology.hasMemory(home) ? 1 : 0;
  }

  private static int setCount(@Nullable NumaPolicy policy) {
    return policy == null ? 1 : policy.walkCount();
  }

  private static boolean allows(@Nullable NumaPolicy policy, int node, int set) {
    return policy == null || policy.allows(set, node);
  }

  private static long take(
      Zone zone,
      int mark,
      int highest,
      int cpu,
      long frameCount,
      int flags,
      int shape,
      long maxPfn) {
    long frames = markOf(zone, mark) + zone.lowmemReserve(highest);
    if (!zone.gauge.takeAbove(cpu, frameCount, frames)) {
      return FrameAllocator.NO_FRAME;
    }
    long pfn =
        shape == ANYWHERE
            ? zone.memory.takeFrames(cpu, frameCount, flags)
            : zone.memory.takeWithin(
                cpu, frameCount, flags, alignmentFrames(shape), maxPfn, boundaryFrames(shape));
    if (pfn < 0) {
      zone.gauge.add(frameCount);
    } else if (mark == FLOOR) {
      zone.count(Zone.Event.EMERGENCY_REQUEST, 1);
      zone.count(Zone.Event.EMERGENCY_FRAME, frameCount);
    }
    return pfn;
  }

  private static long markOf(Zone zone, int mark) {
    return switch (mark) {
      case LOW -> zone.lowFrames();
      case MIN -> zone.minFrames();
      default -> zone.minFrames() - zone.reserveCapFrames();
    };
  }

  // ---- What a request does before it fails ----

  private void wake(int home, @Nullable NumaPolicy policy, long frameCount, int flags) {
    int highest = zones.highestType(flags);
    for (int n = 0; n < nodeCount(home, flags); n++) {
      int node = topology.fallback(home, n);
      for (int type = highest; type >= ZoneSet.lowestType(highest); type--) {
        Zone zone = zones.at(node, type);
        if (zone != null && mayServe(policy, node)) {
          zone.count(Zone.Event.WAKE, 1);
          reclaimer.wake(zone, ZoneSet.orderOf(frameCount));
        }
      }
    }
  }

  private static boolean mayServe(@Nullable NumaPolicy policy, int node) {
    boolean may = policy == null;
    for (int set = 0; policy != null && set < policy.walkCount(); set++) {
      may |= policy.allows(set, node);
    }
    return may;
  }

  private long afterReclaim(
      int cpu,
      int home,
      @Nullable NumaPolicy policy,
      long frameCount,
      int flags,
      int shape,
      long maxPfn) {
    for (int round = 0; round < MOST_ROUNDS; round++) {
      if (!helps(home, policy, frameCount, flags, maxPfn)) {
        return FrameAllocator.NO_FRAME;
      }
      long pfn = pass(MIN, cpu, home, policy, frameCount, flags, shape, maxPfn);
      if (pfn >= 0) {
        return pfn;
      }
    }
    return FrameAllocator.NO_FRAME;
  }

  /// Has frames given back where there are too few, and pieces joined where there are enough, in
  /// the first zone where that helps.
  ///
  /// @return whether anything came of it
  private boolean helps(
      int home, @Nullable NumaPolicy policy, long frameCount, int flags, long maxPfn) {
    int highest = zones.highestType(flags);
    for (int n = 0; n < nodeCount(home, flags); n++) {
      int node = topology.fallback(home, n);
      for (int type = highest; type >= ZoneSet.lowestType(highest); type--) {
        Zone zone = zones.at(node, type);
        if (zone != null
            && mayServe(policy, node)
            && fits(zone, frameCount, maxPfn)
            && relieve(zone, frameCount, zone.minFrames() + zone.lowmemReserve(highest))) {
          return true;
        }
      }
    }
    return false;
  }

  private static boolean fits(Zone zone, long frameCount, long maxPfn) {
    return zone.managedFrames() >= frameCount && zone.startPfn() <= maxPfn;
  }

  private boolean relieve(Zone zone, long frameCount, long mark) {
    long missing = frameCount + mark - zone.availableFrames();
    int order = ZoneSet.orderOf(frameCount);
    if (missing > 0) {
      zone.count(Zone.Event.DIRECT_RECLAIM, 1);
      return reclaimer.reclaim(zone, order, missing) > 0;
    }
    if (frameCount == 1) {
      return false;
    }
    zone.boost(BOOST_FRAMES);
    zone.count(Zone.Event.COMPACTION, 1);
    return reclaimer.compact(zone, order);
  }

  private void recount(int home, @Nullable NumaPolicy policy, int flags) {
    int highest = zones.highestType(flags);
    for (int n = 0; n < nodeCount(home, flags); n++) {
      int node = topology.fallback(home, n);
      for (int type = highest; type >= ZoneSet.lowestType(highest); type--) {
        Zone zone = zones.at(node, type);
        if (zone != null && mayServe(policy, node)) {
          long _ = zone.gauge.recount();
        }
      }
    }
  }
}
