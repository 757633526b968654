package dev.bifolio.kernel.zone;

import dev.bifolio.kernel.frame.AllocationFlags;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Zones as their definitions read, in plain Java: which frames are owned is a set of bits, what is
/// available is counted from it, and a request goes through lists.
///
/// The model knows which zone serves, not which frame: who compares tells it the frame.
final class ZoneModel {
  private static final int LOW = 0;
  private static final int MIN = 1;
  private static final int FLOOR = 2;
  private static final int MOST_ROUNDS = 16;
  private static final int BOOST_FRAMES = 512;

  /// One zone.
  static final class Area {
    final int index;
    final int node;
    final ZoneType type;
    final List<TestZones.Part> banks = new ArrayList<>();
    final BitSet owned = new BitSet();
    final List<Long> cache = new ArrayList<>();
    final long[] lowmem = new long[ZoneType.COUNT];
    final Map<Zone.Event, Long> events = new EnumMap<>(Zone.Event.class);
    long total;

    /// Frames that were got by a call that goes on; which ones is not known yet.
    long pending;

    long min;
    long low;
    long high;
    long boost;
    long cap;

    Area(int index, int node, ZoneType type) {
      this.index = index;
      this.node = node;
      this.type = type;
    }

    long available() {
      return total - owned.cardinality() - pending;
    }

    private long base() {
      return banks.getFirst().startPfn();
    }

    void own(long pfn, long count) {
      int at = (int) (pfn - base());
      if (!owned.get(at, at + (int) count).isEmpty()) {
        throw new AssertionError("frame " + pfn + ": handed out twice");
      }
      owned.set(at, at + (int) count);
    }

    void release(long pfn, long count) {
      int at = (int) (pfn - base());
      if (owned.get(at, at + (int) count).cardinality() != count) {
        throw new AssertionError("frame " + pfn + ": not owned");
      }
      owned.clear(at, at + (int) count);
    }

    boolean isFree(long pfn, long count) {
      int at = (int) (pfn - base());
      int next = owned.nextSetBit(at);
      return next < 0 || next >= at + count;
    }

    /// Whether a naturally aligned block lies free in one bank.
    boolean hasBlock(long count) {
      if (count == 1) {
        return available() > 0;
      }
      for (TestZones.Part bank : banks) {
        long end = bank.startPfn() + bank.frameCount();
        long first = (bank.startPfn() + count - 1) / count * count;
        for (long pfn = first; pfn + count <= end; pfn += count) {
          if (isFree(pfn, count)) {
            return true;
          }
        }
      }
      return false;
    }

    void count(Zone.Event event, long times) {
      events.merge(event, times, Long::sum);
    }

    void boost(long frames) {
      long next = Math.min(high / 2, boost + frames);
      if (next > boost) {
        boost = next;
        count(Zone.Event.BOOST, 1);
      }
    }

    void setMarks(long newMin, long newLow, long newHigh) {
      min = newMin;
      low = newLow;
      high = newHigh;
      boost = 0;
      cap = newMin;
    }
  }

  /// What is asked for: how many frames, from nodes in an order, and which nodes reclaim in which.
  record Request(long count, int flags, List<Integer> candidates, List<Integer> reclaimed) {
    boolean has(int flag) {
      return (flags & flag) != 0;
    }

    long blockFrames() {
      long frames = 1;
      while (frames < count) {
        frames *= 2;
      }
      return frames;
    }
  }

  final List<Area> areas = new ArrayList<>();
  final List<String> calls = new ArrayList<>();

  /// Frames that one call of the reclaimer gives back at most.
  long generosity;

  /// How many calls for compaction say that they helped, before one says that it did not.
  int compactions;

  long failures;
  private final boolean[] types;

  ZoneModel(boolean[] types) {
    this.types = types;
  }

  @Nullable Area at(int node, ZoneType type) {
    for (Area area : areas) {
      if (area.node == node && area.type == type) {
        return area;
      }
    }
    return null;
  }

  Area areaOf(long pfn) {
    for (Area area : areas) {
      for (TestZones.Part bank : area.banks) {
        if (pfn >= bank.startPfn() && pfn < bank.startPfn() + bank.frameCount()) {
          return area;
        }
      }
    }
    throw new AssertionError("frame " + pfn + " is in no bank");
  }

  /// The types that may serve, from the best down.
  private List<ZoneType> typesFor(int flags) {
    if ((flags & AllocationFlags.DEVICE) != 0) {
      return List.of(ZoneType.DEVICE);
    }
    ZoneType highest = highestType(flags);
    List<ZoneType> list = new ArrayList<>();
    for (ZoneType type : ZoneType.values()) {
      if (type.compareTo(highest) <= 0) {
        list.addFirst(type);
      }
    }
    return list;
  }

  private ZoneType highestType(int flags) {
    if ((flags & AllocationFlags.DEVICE) != 0) {
      return ZoneType.DEVICE;
    }
    if ((flags & AllocationFlags.DMA) != 0) {
      boolean hasNone = !types[ZoneType.DMA.index()] && types[ZoneType.DMA32.index()];
      return hasNone ? ZoneType.DMA32 : ZoneType.DMA;
    }
    if ((flags & AllocationFlags.DMA32) != 0) {
      return ZoneType.DMA32;
    }
    if ((flags & AllocationFlags.MOVABLE_ZONE) != 0) {
      return ZoneType.MOVABLE;
    }
    return (flags & AllocationFlags.HIGHMEM_OK) != 0 ? ZoneType.HIGHMEM : ZoneType.NORMAL;
  }

  private List<Area> zonelist(List<Integer> nodes, int flags) {
    List<Area> list = new ArrayList<>();
    for (int node : nodes) {
      for (ZoneType type : typesFor(flags)) {
        Area area = at(node, type);
        if (area != null) {
          list.add(area);
        }
      }
    }
    return list;
  }

  /// The zone that serves, or null. Cached frames that were given back are not owned afterwards.
  @Nullable Area serve(Request request) {
    Area area = search(request);
    failures += area == null ? 1 : 0;
    return area;
  }

  private @Nullable Area search(Request request) {
    Area area = first(request, LOW);
    if (area != null) {
      return area;
    }
    for (Area each : zonelist(request.reclaimed, request.flags)) {
      each.count(Zone.Event.WAKE, 1);
      calls.add("wake " + each.index + " " + orderOf(request));
    }
    area = first(request, MIN);
    boolean emergency = request.has(AllocationFlags.EMERGENCY);
    if (area == null && emergency) {
      area = first(request, FLOOR);
    }
    int rounds = request.has(AllocationFlags.NOWAIT) ? 0 : MOST_ROUNDS;
    for (; area == null && rounds > 0 && helps(request); rounds--) {
      area = first(request, MIN);
    }
    return area == null ? first(request, emergency ? FLOOR : MIN) : area;
  }

  private static int orderOf(Request request) {
    return Long.numberOfTrailingZeros(request.blockFrames());
  }

  private long markOf(Area area, Request request, int mark) {
    long frames =
        switch (mark) {
          case LOW -> area.low + area.boost;
          case MIN -> area.min;
          default -> area.min - area.cap;
        };
    return frames + area.lowmem[highestType(request.flags).index()];
  }

  private @Nullable Area first(Request request, int mark) {
    for (Area area : zonelist(request.candidates, request.flags)) {
      boolean passes = area.available() - request.count >= markOf(area, request, mark);
      if (passes && area.hasBlock(request.blockFrames())) {
        if (mark == FLOOR) {
          area.count(Zone.Event.EMERGENCY_REQUEST, 1);
          area.count(Zone.Event.EMERGENCY_FRAME, request.count);
        }
        return area;
      }
    }
    return null;
  }

  private boolean helps(Request request) {
    for (Area area : zonelist(request.reclaimed, request.flags)) {
      if (area.total >= request.count && relieve(area, request)) {
        return true;
      }
    }
    return false;
  }

  private boolean relieve(Area area, Request request) {
    long missing = request.count + markOf(area, request, MIN) - area.available();
    if (missing > 0) {
      area.count(Zone.Event.DIRECT_RECLAIM, 1);
      calls.add("reclaim " + area.index + " " + orderOf(request) + " " + missing);
      return giveBack(area, missing) > 0;
    }
    if (request.count == 1) {
      return false;
    }
    area.boost(BOOST_FRAMES);
    area.count(Zone.Event.COMPACTION, 1);
    calls.add("compact " + area.index + " " + orderOf(request));
    return compactions-- > 0;
  }

  private long giveBack(Area area, long wanted) {
    long freed = 0;
    for (; freed < Math.min(wanted, generosity) && !area.cache.isEmpty(); freed++) {
      area.release(area.cache.removeLast(), 1);
    }
    return freed;
  }

  /// Many single frames: all from the preferred zone if it has them above low, else one by one.
  List<Area> serveBulk(Request one, int count) {
    List<Area> got = new ArrayList<>();
    boolean plain = (one.flags & ~AllocationFlags.FRAME_BITS) == 0;
    List<Area> list = zonelist(one.candidates, AllocationFlags.NONE);
    if (plain && !list.isEmpty()) {
      Area best = list.getFirst();
      if (best.available() - count >= markOf(best, one, LOW)) {
        for (int i = 0; i < count; i++) {
          got.add(best);
        }
      }
    }
    return got;
  }
}
