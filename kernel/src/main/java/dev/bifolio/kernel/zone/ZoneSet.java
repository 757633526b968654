package dev.bifolio.kernel.zone;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.frame.FrameMap;
import dev.bifolio.kernel.frame.FrameStatistics;
import dev.bifolio.kernel.frame.ValidationReport;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.Pages;
import org.jspecify.annotations.Nullable;

/// All zones of a machine, and the way from a node, a type or a frame to its zone.
///
/// ```
///                DMA      DMA32    NORMAL   HIGHMEM  MOVABLE  DEVICE
///   node 0    [ zone 0 ][ zone 1 ][  -    ][  -    ][  -    ][  -    ]
///   node 1    [   -    ][ zone 2 ][ zone 3][  -    ][  -    ][  -    ]
/// ```
///
/// A zone stands here only if it has memory. Immutable but for the peak; any thread.
public final class ZoneSet {
  private static final int NONE = -1;

  /// The most frames that were seen in use at once, in a line of its own.
  static final int PEAK_BYTES = 64;

  /// The flags that limit zones, moved down, are an index of 0 … 31.
  private static final int LIMIT_SHIFT = 4;

  private static final int LIMIT_MASK = 31;

  private final long peak;
  private final Zone[] zones;
  private final int nodeCount;
  private final int[] zoneAt;
  private final BankSet banks;
  private final int[] zoneOfBank;
  private final int[] highest = new int[LIMIT_MASK + 1];

  /// Zones of banks.
  ///
  /// @param banks from the lowest to the highest
  /// @param types which types exist on this architecture
  /// @param address of [#PEAK_BYTES] zero bytes
  ZoneSet(ZoneBank[] banks, int[] nids, boolean[] types, long address) {
    peak = address;
    this.banks = new BankSet(banks);
    nodeCount = nids.length;
    zoneAt = new int[nodeCount * ZoneType.COUNT];
    zoneOfBank = new int[banks.length];
    int[] bankCounts = new int[zoneAt.length];
    int count = 0;
    for (ZoneBank bank : banks) {
      count += bankCounts[slot(bank)]++ == 0 ? 1 : 0;
    }
    zones = new Zone[count];
    ZoneBank[] bySlot = new ZoneBank[banks.length];
    int[] ends = new int[zoneAt.length];
    sort(banks, bankCounts, bySlot, ends);
    int next = 0;
    for (int slot = 0; slot < zoneAt.length; slot++) {
      zoneAt[slot] = NONE;
      if (bankCounts[slot] != 0) {
        ZoneBank[] own = new ZoneBank[bankCounts[slot]];
        System.arraycopy(bySlot, ends[slot] - own.length, own, 0, own.length);
        zones[next] = new Zone(next, nids[slot / ZoneType.COUNT], new BankSet(own));
        zoneAt[slot] = next++;
      }
    }
    for (int b = 0; b < banks.length; b++) {
      zoneOfBank[b] = zoneAt[slot(banks[b])];
    }
    for (int limits = 0; limits <= LIMIT_MASK; limits++) {
      highest[limits] = highestType(limits << LIMIT_SHIFT, types);
    }
  }

  private static int slot(ZoneBank bank) {
    return bank.nodeIndex() * ZoneType.COUNT + bank.type().index();
  }

  /// Puts the banks of a zone side by side, in linear time.
  private static void sort(ZoneBank[] all, int[] counts, ZoneBank[] bySlot, int[] ends) {
    int start = 0;
    for (int slot = 0; slot < counts.length; slot++) {
      ends[slot] = start;
      start += counts[slot];
    }
    for (ZoneBank bank : all) {
      bySlot[ends[slot(bank)]++] = bank;
    }
  }

  /// The highest type that a request may have, by its flags. Where an architecture has no zone as
  /// low as is asked for, the lowest that it has below 4 GiB will do, if it has one.
  private static int highestType(int flags, boolean[] types) {
    if ((flags & AllocationFlags.DEVICE) != 0) {
      return ZoneType.DEVICE.index();
    }
    if ((flags & AllocationFlags.DMA) != 0) {
      boolean narrow = types[ZoneType.DMA.index()] || !types[ZoneType.DMA32.index()];
      return (narrow ? ZoneType.DMA : ZoneType.DMA32).index();
    }
    if ((flags & AllocationFlags.DMA32) != 0) {
      // A kernel with high memory maps less than 4 GiB.
      boolean low = !types[ZoneType.DMA32.index()] && types[ZoneType.HIGHMEM.index()];
      return (low ? ZoneType.NORMAL : ZoneType.DMA32).index();
    }
    if ((flags & AllocationFlags.MOVABLE_ZONE) != 0) {
      return ZoneType.MOVABLE.index();
    }
    boolean high = (flags & AllocationFlags.HIGHMEM_OK) != 0;
    return (high ? ZoneType.HIGHMEM : ZoneType.NORMAL).index();
  }

  /// Refuses flags that contradict each other.
  static void requireClass(int flags) {
    int both = AllocationFlags.MOVABLE_ZONE | AllocationFlags.MOVABLE;
    if ((flags & both) == AllocationFlags.MOVABLE_ZONE) {
      throw new IllegalArgumentException("the movable zone is for movable frames only");
    }
  }

  /// The highest type that a request may have.
  int highestType(int flags) {
    return highest[flags >>> LIMIT_SHIFT & LIMIT_MASK];
  }

  /// How many zones have memory.
  ///
  /// @return 1 or more
  public int count() {
    return zones.length;
  }

  /// A zone, in the order of nodes and types.
  ///
  /// @param index 0 … [#count()] - 1
  /// @return the zone
  public Zone zone(int index) {
    return zones[index];
  }

  /// How many nodes there are, those without memory counted.
  ///
  /// @return 1 or more
  public int nodeCount() {
    return nodeCount;
  }

  /// The zone of a node and type.
  ///
  /// @param nodeIndex 0 … [#nodeCount()] - 1
  /// @param type the type
  /// @return the zone, null if that node has no such memory
  public @Nullable Zone at(int nodeIndex, ZoneType type) {
    return at(nodeIndex, type.index());
  }

  @Nullable Zone at(int nodeIndex, int type) {
    int zone = zoneAt[nodeIndex * ZoneType.COUNT + type];
    return zone < 0 ? null : zones[zone];
  }

  /// The zone that a frame belongs to.
  ///
  /// @param pfn any
  /// @return the zone, null if no bank spans the frame
  public @Nullable Zone ofFrame(long pfn) {
    int bank = banks.indexOf(pfn);
    return bank < 0 ? null : zones[zoneOfBank[bank]];
  }

  /// The words for the layers above of the bank that a frame belongs to.
  ///
  /// @param pfn any
  /// @return the plane, null if no bank spans the frame
  public @Nullable FrameInfo infoOf(long pfn) {
    int bank = banks.indexOf(pfn);
    return bank < 0 ? null : banks.bank(bank).info();
  }

  /// What the frames of the bank are that a frame belongs to, or null.
  @Nullable FrameMap mapOf(long pfn) {
    int bank = banks.indexOf(pfn);
    return bank < 0 ? null : banks.map(bank);
  }

  /// The words for the layers above of one bank.
  ///
  /// @param bank 0 … the number of all banks - 1, from the lowest to the highest
  /// @return the plane
  public FrameInfo plane(int bank) {
    return banks.bank(bank).info();
  }

  /// The order of a count, where sums are by order.
  static int orderOf(long frameCount) {
    return Math.min(Pages.MAX_ORDER, Pages.framesToOrderUp(frameCount));
  }

  // ---- Sums ----

  /// Frames of RAM that are managed: those that are offline, and device memory, are not counted.
  ///
  /// @return a count
  public long managedFrames() {
    long sum = 0;
    for (Zone zone : zones) {
      sum += zone.type() == ZoneType.DEVICE ? 0 : zone.managedFrames();
    }
    return sum;
  }

  /// Free frames of a node, device memory not counted. A walk.
  ///
  /// @param nodeIndex a node, or -1 for all
  /// @return a count
  public long freeFrames(int nodeIndex) {
    long sum = 0;
    for (Zone zone : zones) {
      sum += isIn(zone, nodeIndex) ? zone.freeFrames() : 0;
    }
    return sum;
  }

  /// Frames in caches of a node, device memory not counted. A walk.
  ///
  /// @param nodeIndex a node, or -1 for all
  /// @return a count
  public long cachedFrames(int nodeIndex) {
    long sum = 0;
    for (Zone zone : zones) {
      sum += isIn(zone, nodeIndex) ? zone.cachedFrames() : 0;
    }
    return sum;
  }

  /// Free blocks of an order in a node, device memory not counted. A walk.
  ///
  /// @param nodeIndex a node, or -1 for all
  /// @param order legal for the allocators
  /// @return a count
  public long freeBlocks(int nodeIndex, int order) {
    long sum = 0;
    for (Zone zone : zones) {
      sum += isIn(zone, nodeIndex) ? zone.freeBlocks(order) : 0;
    }
    return sum;
  }

  private static boolean isIn(Zone zone, int nodeIndex) {
    return zone.type() != ZoneType.DEVICE && (nodeIndex < 0 || zone.nodeIndex() == nodeIndex);
  }

  /// Empties all caches.
  ///
  /// @return how many frames went home
  public long drainCaches() {
    long frames = 0;
    for (Zone zone : zones) {
      frames += zone.memory.drainCaches();
    }
    return frames;
  }

  /// What all zones count together, device memory too. A walk; exact when nobody allocates or
  /// frees.
  ///
  /// @return a snapshot
  public FrameStatistics statistics() {
    FrameStatistics sum = zones[0].statistics();
    for (int z = 1; z < zones.length; z++) {
      sum = ZoneStatistics.sum(sum, zones[z].statistics());
    }
    if (zones.length == 1 && zones[0].bankCount() == 1) {
      return sum;
    }
    sawUsed(sum.usedFrames());
    return ZoneStatistics.withPeak(sum, Memory.getLongVolatile(peak));
  }

  /// The peaks of zones do not happen at one moment, so the whole has its own.
  void sawUsed(long frameCount) {
    long most = Memory.getLongVolatile(peak);
    while (frameCount > most && !Memory.compareAndSetLong(peak, most, frameCount)) {
      most = Memory.getLongVolatile(peak);
    }
  }

  /// Sets the request counters to zero and the peak to the present use.
  public void resetCounters() {
    for (Zone zone : zones) {
      zone.memory.resetCounters();
    }
    Memory.putLongRelease(peak, 0);
    long _ = statistics().usedFrames();
  }

  /// Walks the metadata of all zones, see [FrameAllocator#validate()]. Needs quiescence.
  ///
  /// @param insideBlocks whether large blocks are looked into
  /// @return the report
  public ValidationReport validate(boolean insideBlocks) {
    long checked = 0;
    long problems = 0;
    StringBuilder text = new StringBuilder();
    for (Zone zone : zones) {
      ValidationReport one = zone.memory.validate(insideBlocks);
      checked += one.checkedFrames();
      problems += one.problemCount();
      text.append(one.problems());
    }
    return new ValidationReport(checked, problems, text.toString());
  }
}
