package dev.bifolio.kernel.zone;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.frame.FrameProbe;
import dev.bifolio.kernel.frame.HybridAllocator;
import dev.bifolio.kernel.frame.PlacedRequests;
import dev.bifolio.kernel.platform.Cpu;
import dev.bifolio.kernel.unit.ArrayEntries;
import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.Pages;
import org.jspecify.annotations.Nullable;

/// All frames of a machine, by node and type: who may have memory from where, and how much of it is
/// kept back.
///
/// # Overview
///
/// Frames differ by what reaches them (an old device only the lowest 16 MiB), by how far they are
/// (another node's memory is slower), and by whom they are kept for. So each node's memory of each
/// [ZoneType] is a [Zone] with allocators and watermarks of its own, and a request goes through
/// them in order:
///
/// ```
///   request ── the flags: highest type ──┐
///           ── the CPU: its node ────────┼─> zones, nearest node first, highest type first
///           ── a NumaPolicy ─────────────┘      │
///   served  <── the first that keeps its low watermark          (one load and store of the CPU's)
///                                               │ none
///                                               v
///                                         ZoneSearch: min, reserve, reclaim, compaction
/// ```
///
/// A free finds its zone by the frame number and needs to be told nothing.
///
/// - I1 A frame belongs to one bank, a bank to one zone, a zone to one node and type. Frames that
///   are reserved or not there are in no allocator.
/// - I2 A request gets frames of its highest type or of one below it; DEVICE gets DEVICE alone, and
///   nothing else does.
/// - I3 An account is charged before frames are looked for, and refunded when none are found or
///   when the frames are freed, by whomever.
/// - I4 A request that no zone serves is one failure, counted by the zone that it preferred; by the
///   first of all, if none may serve it.
///
/// Arguments of tries are checked as by [FrameAllocator]. Any thread, but for handing memory over.
///
/// Cost above a bare allocator: a load and a store of a line of the CPU's, two loads for zone and
/// mode; no shared write while memory is plenty. Rejected: lists of zones, n² for n nodes.
///
/// Sources: Gorman, Understanding the Linux Virtual Memory Manager, 2004, ch. 2 and 6; Linux,
/// `Documentation/mm/physical_memory.rst` and `mm/page_alloc.c` for the order of the steps.
public final class ZonedFrames {
  /// Bytes of memory that it needs beside those of its banks.
  public static final int BYTE_SIZE = ZoneSet.PEAK_BYTES;

  /// Frees find the CPU by themselves, if they have to.
  private static final int ANY_CPU = -1;

  /// Flags that the quick way does not know.
  private static final int SLOW_FLAGS = AllocationFlags.ALL & ~AllocationFlags.FRAME_BITS;

  private final ZoneSet zones;
  private final NumaTopology topology;
  private final ZoneSearch search;
  private final FreePath frees;
  private final @Nullable Charges charges;
  private final int maxOrder;

  /// The zone that a request without limits prefers, by node; null for a node that has none.
  private final @Nullable Zone[] preferred;

  /// The highest type of such a request.
  private final int ordinaryType;

  /// The zone that such a request prefers where there is one node.
  private final @Nullable Zone home;

  /// The quick way of one node with one hybrid bank that has all orders, since each load more on
  /// the way to a word costs; null elsewhere. The way back is null too if blocks may be charged.
  private final @Nullable FrameProbe onlyBank;

  private final @Nullable HybridAllocator onlyUncharged;
  private final FreeGauge firstGauge;
  private final long firstMode;

  /// Zones of banks, without watermarks.
  ///
  /// @param banks with frames or not yet, from the lowest to the highest, at least one
  /// @param topology the nodes of the banks, by index
  /// @param types which types exist on this architecture, memory or not, by ordinal
  /// @param accounts who may be charged; null for nobody
  /// @param address of [#BYTE_SIZE] zero bytes, a multiple of 64
  public ZonedFrames(
      ZoneBank[] banks,
      NumaTopology topology,
      boolean[] types,
      @Nullable AccountTree accounts,
      long address) {
    this.topology = topology;
    int[] nids = new int[topology.nodeCount()];
    for (int n = 0; n < nids.length; n++) {
      nids[n] = topology.nid(n);
    }
    zones = new ZoneSet(banks, nids, types, address);
    search = new ZoneSearch(zones, topology);
    charges = accounts == null ? null : new Charges(accounts);
    maxOrder = banks[0].allocator().maxOrder();
    ordinaryType = zones.highestType(AllocationFlags.NONE);
    preferred = new Zone[nids.length];
    for (int n = 0; n < nids.length; n++) {
      preferred[n] = firstZone(n);
    }
    home = preferred.length == 1 ? preferred[0] : null;
    HybridAllocator only =
        banks.length == 1 && banks[0].allocator() instanceof HybridAllocator h ? h : null;
    boolean quick = home != null && maxOrder == Pages.MAX_ORDER;
    onlyBank = only != null && quick ? new FrameProbe(only) : null;
    onlyUncharged = charges == null ? only : null;
    frees = new FreePath(zones, charges, onlyUncharged, maxOrder);
    firstGauge = zones.zone(0).gauge;
    firstMode = firstGauge.modeAddress();
  }

  private @Nullable Zone firstZone(int node) {
    for (int type = ordinaryType; type >= 0; type--) {
      Zone zone = zones.at(node, type);
      if (zone != null) {
        return zone;
      }
    }
    return null;
  }

  /// Says who reclaims. Before that, and by default, nobody does.
  ///
  /// @param reclaimer what requests turn to that find no memory
  public void setReclaimer(Reclaimer reclaimer) {
    search.setReclaimer(reclaimer);
  }

  // ---- Allocation ----

  /// A block, near the CPU that asks.
  ///
  /// @param order 0 … [#maxOrder()]
  /// @param flags [AllocationFlags]
  /// @return the head frame, or the code of a FrameError
  public long tryAllocate(int order, int flags) {
    // As in tryAllocateOn, which would be one call more: the compiler inlines only so deep.
    int cpu = Cpu.current();
    FrameProbe bank = onlyBank;
    if (bank != null
        && (flags & SLOW_FLAGS) == 0
        && Integer.compareUnsigned(order, Pages.MAX_ORDER) <= 0
        && firstGauge.takeFar(cpu, 1L << order)) {
      long pfn = bank.takeBlock(cpu, order, flags);
      if (pfn >= 0) {
        return pfn;
      }
    }
    return tryAllocateOn(cpu, order, flags);
  }

  /// A block, near a CPU, from its caches and allowances: for replay and tests.
  ///
  /// @param cpu 0 or more; where there are fewer CPUs, several share
  /// @param order 0 … [#maxOrder()]
  /// @param flags [AllocationFlags]
  /// @return the head frame, or the code of a FrameError
  public long tryAllocateOn(int cpu, int order, int flags) {
    if (order < 0 || order > maxOrder) {
      return refuse(FrameError.INVALID_ORDER);
    }
    FrameProbe bank = onlyBank;
    long frameCount = 1L << order;
    long pfn = FrameAllocator.NO_FRAME;
    if (bank != null && (flags & SLOW_FLAGS) == 0 && firstGauge.takeFar(cpu, frameCount)) {
      pfn = bank.takeBlock(cpu, order, flags);
    } else {
      Zone zone = home != null ? home : preferred[topology.nodeOfCpu(cpu)];
      if (zone != null && (flags & SLOW_FLAGS) == 0) {
        bank = zone.onlyBank;
        pfn =
            bank != null && zone.gauge.takeFar(cpu, frameCount)
                ? bank.takeBlock(cpu, order, flags)
                : zone.takeDownToLow(cpu, order, flags, ordinaryType);
      }
    }
    if (pfn >= 0) {
      return pfn;
    }
    int node = topology.nodeOfCpu(cpu);
    return charged(cpu, node, null, frameCount, flags, ZoneSearch.ANYWHERE, Long.MAX_VALUE);
  }

  /// A block from where a policy says.
  ///
  /// @param policy of the caller, who is the only one to use it now, unless it is shareable
  /// @param cpu whose node is the current one, 0 or more
  /// @param order 0 … [#maxOrder()]
  /// @param flags [AllocationFlags]
  /// @return the head frame, or the code of a FrameError
  /// @throws IllegalArgumentException if the policy was made for another topology
  public long tryAllocate(NumaPolicy policy, int cpu, int order, int flags) {
    if (order < 0 || order > maxOrder) {
      return refuse(FrameError.INVALID_ORDER);
    }
    if (!policy.fits(topology)) {
      throw new IllegalArgumentException("the policy was made for the nodes of another machine");
    }
    int home = policy.homeOf(topology.nodeOfCpu(cpu));
    long count = 1L << order;
    long pfn = charged(cpu, home, policy, count, flags, ZoneSearch.ANYWHERE, Long.MAX_VALUE);
    if (pfn >= 0) {
      policy.advance();
    }
    return pfn;
  }

  /// A run of an exact count, near the CPU that asks.
  ///
  /// @param frameCount 1 … 2^[#maxOrder()]
  /// @param flags [AllocationFlags]
  /// @return the first frame, or the code of a FrameError
  public long tryAllocateFrames(long frameCount, int flags) {
    return tryAllocateNear(topology.nodeOfCpu(Cpu.current()), frameCount, flags);
  }

  /// A run of a node, or of no other place.
  ///
  /// @param nodeIndex 0 … the number of nodes - 1
  /// @param frameCount 1 … 2^[#maxOrder()]
  /// @param flags [AllocationFlags]; with EXACT_NODE no other node serves
  /// @return the first frame, or the code of a FrameError
  /// @throws IllegalArgumentException if there is no such node
  public long tryAllocateNear(int nodeIndex, long frameCount, int flags) {
    if (frameCount <= 0) {
      return refuse(FrameError.ZERO_ALLOCATION);
    }
    if (frameCount > Pages.orderToFrames(maxOrder)) {
      return refuse(FrameError.TOO_LARGE);
    }
    if (nodeIndex < 0 || nodeIndex >= topology.nodeCount()) {
      throw new IllegalArgumentException("there is no node with the index " + nodeIndex);
    }
    int cpu = Cpu.current();
    return charged(cpu, nodeIndex, null, frameCount, flags, ZoneSearch.ANYWHERE, Long.MAX_VALUE);
  }

  /// A run in a certain place, see [FrameAllocator#allocateFramesWithin].
  ///
  /// @param frameCount as there
  /// @param flags [AllocationFlags]
  /// @param alignmentFrames as there
  /// @param maxPfn as there
  /// @param boundaryFrames as there
  /// @return the first frame, or the code of a FrameError
  public long tryAllocateFramesWithin(
      long frameCount, int flags, long alignmentFrames, long maxPfn, long boundaryFrames) {
    long mistake = PlacedRequests.mistakeIn(frameCount, alignmentFrames, boundaryFrames, maxOrder);
    if (mistake != 0) {
      return refuse(FrameError.of(mistake));
    }
    // A run lies in a multiple of the next power of two, and so crosses no legal boundary.
    int alignOrder = Pages.framesToOrderUp(alignmentFrames);
    int cpu = Cpu.current();
    return charged(cpu, topology.nodeOfCpu(cpu), null, frameCount, flags, alignOrder, maxPfn);
  }

  private long charged(
      int cpu,
      int home,
      @Nullable NumaPolicy policy,
      long frameCount,
      int flags,
      int alignOrder,
      long maxPfn) {
    ZoneSet.requireClass(flags);
    int account = AllocationFlags.accountOf(flags);
    Charges who = account == AccountTree.NOBODY ? null : Charges.require(charges);
    long pfn = FrameAllocator.NO_FRAME;
    if (who == null || who.tryCharge(account, frameCount)) {
      try {
        pfn = search.find(cpu, home, policy, frameCount, flags, alignOrder, maxPfn);
      } finally {
        if (pfn < 0 && who != null) {
          who.refund(account, frameCount);
        }
      }
    }
    if (pfn < 0) {
      Zone zone = search.preferred(home, policy, flags, maxPfn);
      boolean placed = alignOrder != ZoneSearch.ANYWHERE;
      return exhausted(zone == null ? zones.zone(0) : zone, frameCount, placed);
    }
    if (who != null) {
      Charges.write(frees.infoOf(pfn), pfn, account);
    }
    return pfn;
  }

  private static long exhausted(Zone zone, long frameCount, boolean placed) {
    zone.memory.countFailure(frameCount, placed);
    return FrameAllocator.NO_FRAME;
  }

  private long refuse(FrameError error) {
    zones.zone(0).memory.countRefusal();
    return error.code();
  }

  /// Just these frames, whatever watermarks say, see [FrameAllocator#allocateRange].
  ///
  /// @param startPfn first frame
  /// @param frameCount 1 or more
  /// @param flags [AllocationFlags]
  /// @return `startPfn`, or the code of a FrameError
  public long tryAllocateRange(long startPfn, long frameCount, int flags) {
    Zone zone = zones.ofFrame(startPfn);
    if (zone == null || frameCount < 1) {
      return refuse(frameCount < 1 ? FrameError.ZERO_ALLOCATION : FrameError.OUT_OF_RANGE);
    }
    int account = AllocationFlags.accountOf(flags);
    Charges who = account == AccountTree.NOBODY ? null : Charges.require(charges);
    if (who != null && !who.tryCharge(account, frameCount)) {
      return exhausted(zone, frameCount, true);
    }
    long result = zone.memory.takeRange(Cpu.current(), startPfn, frameCount, flags);
    if (result >= 0) {
      zone.gauge.spend(frameCount);
      frees.writeAll(startPfn, frameCount, account);
      return result;
    }
    if (who != null) {
      who.refund(account, frameCount);
    }
    return result == FrameAllocator.NO_FRAME
        ? exhausted(zone, frameCount, true)
        : refuse(FrameError.of(result));
  }

  /// Up to `count` single frames near the CPU that asks, see [FrameAllocator#allocateBulk].
  ///
  /// @param pfns where the frames are put
  /// @param offset index of the first entry
  /// @param count entries to fill
  /// @param flags [AllocationFlags]
  /// @return how many entries were filled
  /// @throws IndexOutOfBoundsException if the array has not all of them
  public int allocateBulk(long[] pfns, int offset, int count, int flags) {
    ArrayEntries.require(pfns.length, offset, count);
    int cpu = Cpu.current();
    Zone zone = preferred[topology.nodeOfCpu(cpu)];
    int got = 0;
    if (zone != null
        && (flags & SLOW_FLAGS) == 0
        && zone.gauge.takeAbove(cpu, count, zone.lowFrames() + zone.lowmemReserve(ordinaryType))) {
      got = zone.memory.takeBulk(cpu, pfns, offset, count, flags);
      zone.gauge.add(count - got);
    }
    for (; got < count; got++) {
      long pfn = tryAllocateOn(cpu, 0, flags);
      if (pfn < 0) {
        break;
      }
      pfns[offset + got] = pfn;
    }
    return got;
  }

  // ---- Free ----

  /// Frees a block, wherever it is from.
  ///
  /// @param pfn the head frame
  /// @param order the order it was allocated with
  /// @return 0, or the code of a FrameError
  public long tryFree(long pfn, int order) {
    HybridAllocator bank = onlyUncharged;
    if (bank == null) {
      return frees.tryFree(pfn, order);
    }
    long result = bank.tryFreeOn(ANY_CPU, pfn, order);
    if (result == 0 && !FreeGauge.isFar(firstMode)) {
      firstGauge.add(1L << order);
    }
    return result;
  }

  /// Frees a run.
  ///
  /// @param pfn the first frame
  /// @param frameCount the count it was allocated with
  /// @return 0, or the code of a FrameError
  public long tryFreeFrames(long pfn, long frameCount) {
    return frees.tryFreeFrames(pfn, frameCount);
  }

  /// Frees a range, see [FrameAllocator#freeRange].
  ///
  /// @param startPfn its first frame
  /// @param frameCount the count it was allocated with
  /// @return 0, or the code of a FrameError
  public long tryFreeRange(long startPfn, long frameCount) {
    return frees.tryFreeRange(startPfn, frameCount);
  }

  /// Frees a block or says what is wrong.
  ///
  /// @param pfn the head frame
  /// @param order legal, the order it was allocated with
  /// @throws dev.bifolio.kernel.unit.FrameRequestException if no such block is allocated
  public void free(long pfn, int order) {
    HybridAllocator bank = onlyUncharged;
    if (bank != null && bank.tryFreeOn(ANY_CPU, pfn, order) == 0) {
      if (!FreeGauge.isFar(firstMode)) {
        firstGauge.add(1L << order);
      }
      return;
    }
    Zone zone = charges == null ? zones.ofFrame(pfn) : null;
    if (bank != null) {
      throw FrameProbe.mistake(bank, pfn, order);
    } else if (zone != null && zone.onlyAllocator != null) {
      zone.onlyAllocator.free(pfn, order);
      zone.gauge.add(1L << order);
    } else {
      frees.freeFrames(pfn, Pages.orderToFrames(order));
    }
  }

  /// Frees a run or says what is wrong.
  ///
  /// @param pfn the first frame
  /// @param frameCount the count it was allocated with
  /// @throws dev.bifolio.kernel.unit.FrameRequestException if no such run is allocated
  public void freeFrames(long pfn, long frameCount) {
    frees.freeFrames(pfn, frameCount);
  }

  /// Frees single frames in one call, see [FrameAllocator#freeBulk]: stops at the first mistake.
  ///
  /// @param pfns the frames, left as they are
  /// @param offset index of the first entry
  /// @param count entries to free
  /// @throws IndexOutOfBoundsException if the array has not all of them
  /// @throws dev.bifolio.kernel.unit.FrameRequestException for the first entry that is no allocated
  ///   single frame; its message names the index
  public void freeBulk(long[] pfns, int offset, int count) {
    frees.freeBulk(pfns, offset, count);
  }

  /// Turns an allocated run into single frames, each freed with order 0.
  ///
  /// @param pfn the run's first frame
  /// @param frameCount the count it was allocated with
  /// @throws dev.bifolio.kernel.unit.FrameRequestException if no such run is allocated
  public void splitFrames(long pfn, long frameCount) {
    frees.splitFrames(pfn, frameCount);
  }

  /// Hands frames over to the bank that spans them; nobody may allocate or free meanwhile.
  ///
  /// @param startPfn first frame
  /// @param endPfn exclusive end, in the same bank
  /// @return how many frames were new
  public long addFrames(long startPfn, long endPfn) {
    Zone zone = zones.ofFrame(startPfn);
    if (zone == null) {
      throw ZoneMemory.outside(startPfn);
    }
    long added = zone.memory.addFrames(startPfn, endPfn);
    zone.gauge.add(added);
    return added;
  }

  // ---- What there is ----

  /// The largest order of a block.
  ///
  /// @return 0 … [Pages#MAX_ORDER]
  public int maxOrder() {
    return maxOrder;
  }

  /// The nodes and their distances.
  ///
  /// @return as given
  public NumaTopology topology() {
    return topology;
  }

  /// The zones, and sums over them.
  ///
  /// @return the zones that have memory
  public ZoneSet zones() {
    return zones;
  }
}
