package dev.bifolio.kernel.zone;

import dev.bifolio.kernel.frame.BuddyAllocator;
import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.frame.FrameProbe;
import dev.bifolio.kernel.frame.FrameStatistics;
import dev.bifolio.kernel.frame.HybridAllocator;
import dev.bifolio.kernel.platform.Cpu;
import dev.bifolio.kernel.platform.Memory;
import org.jspecify.annotations.Nullable;

/// The memory of one node that is of one type: its frames, its watermarks, and what it keeps back.
///
/// ```
///   frames nobody owns
///   managed ┤
///           │   every request is served
///   high    ┤ · · · · · · · · · · · · · · background reclaim stops
///   low     ┤ · · · · · · · · · · · · · · background reclaim begins
///           │   ordinary requests are served
///   min     ┤ ─────────────────────────── ordinary requests reclaim by themselves, or fail
///           │   the reserve: emergency requests only
///   floor   ┤ ─────────────────────────── nobody
/// ```
///
/// A request that would rather have had a higher zone must leave the *lowmem reserve* as well, so
/// that it does not eat what only this zone can serve. A *boost* raises low and high for a while,
/// when memory is there, but in too small pieces.
///
/// *present* frames are memory, *managed* ones were handed over to the allocators and are online;
/// *available* is what of that nobody owns: free, or in a cache from which it is called back before
/// a request fails.
///
/// ```
///   line 0   lock of the classic allocators
///   line 1   min, low, high, boost, cap of the reserve, offline frames
///   line 2   lowmem reserve against requests for each type
///   line 3   counts: emergency requests, frames they got; direct reclaims; wake-ups; boosts;
///            compactions
///   line 4…  the gauge
/// ```
///
/// Reading is for any thread and costs a load, but for counts that say that they are walks.
public final class Zone {
  private static final long LINE = 64;
  private static final long MIN = LINE;
  private static final long LOW = LINE + 8;
  private static final long HIGH = LINE + 16;
  private static final long BOOST = LINE + 24;
  private static final long CAP = LINE + 32;
  private static final long OFFLINE = LINE + 40;
  private static final long LOWMEM = 2 * LINE;
  private static final long COUNTS = 3 * LINE;
  private static final long GAUGE = 4 * LINE;

  /// The gauge counts words while there is more than a 256th above the marks, so that it seldom has
  /// to.
  private static final long MARGIN_SHARE = 256;

  /// What a zone counts of the requests that were not served at once.
  public enum Event {
    /// Requests that the reserve served.
    EMERGENCY_REQUEST(0),
    /// Frames that the reserve gave.
    EMERGENCY_FRAME(1),
    /// Times a request reclaimed by itself.
    DIRECT_RECLAIM(2),
    /// Times background reclaim was woken.
    WAKE(3),
    /// Times the watermarks were boosted.
    BOOST(4),
    /// Times a request asked for compaction.
    COMPACTION(5);

    private final int index;

    Event(int index) {
      this.index = index;
    }
  }

  private final int index;
  private final int nid;
  private final int nodeIndex;
  private final ZoneType type;
  private final long address;
  private final BankSet banks;
  final ZoneMemory memory;

  /// The allocator of the only bank, if there is one, and it is for any thread; null if not.
  final @Nullable HybridAllocator onlyAllocator;

  final @Nullable FrameProbe onlyBank;
  final FreeGauge gauge;

  /// A zone without watermarks.
  ///
  /// @param index its number among all zones
  Zone(int index, int nid, BankSet banks) {
    this.index = index;
    this.nid = nid;
    this.nodeIndex = banks.bank(0).nodeIndex();
    this.type = banks.bank(0).type();
    this.address = banks.bank(0).zoneAddress();
    this.banks = banks;
    this.onlyAllocator =
        banks.count() == 1 && banks.allocator(0) instanceof HybridAllocator hybrid ? hybrid : null;
    this.onlyBank = onlyAllocator == null ? null : new FrameProbe(onlyAllocator);
    this.memory =
        switch (banks.allocator(0)) {
          case HybridAllocator _ -> new ConcurrentMemory(banks);
          case BuddyAllocator _ -> new LockedMemory(banks, address);
        };
    this.gauge = new FreeGauge(address + GAUGE, banks.bank(0).cpuCount(), Cpu.isTold(), memory);
  }

  static long byteSize(int cpuCount) {
    return GAUGE + FreeGauge.byteSize(cpuCount);
  }

  // ---- What it is ----

  /// Its number among all zones of the machine that have memory.
  ///
  /// @return 0 or more
  public int index() {
    return index;
  }

  /// The id of its node.
  ///
  /// @return as the firmware says
  public int nid() {
    return nid;
  }

  /// The number of its node among all nodes, in ascending order of ids.
  ///
  /// @return 0 or more
  public int nodeIndex() {
    return nodeIndex;
  }

  /// What reaches it.
  ///
  /// @return the type
  public ZoneType type() {
    return type;
  }

  /// Its first frame of memory.
  ///
  /// @return a pfn
  public long startPfn() {
    return banks.startPfn();
  }

  /// Behind its last frame of memory.
  ///
  /// @return a pfn
  public long endPfn() {
    return banks.endPfn();
  }

  /// Frames of memory, reserved ones counted, without those that are offline.
  ///
  /// @return a count; 0 for a zone that memory can be added to
  public long presentFrames() {
    return banks.presentFrames() - offlineFrames();
  }

  /// Frames that were handed over to the allocators, without those that are offline.
  ///
  /// @return a count
  public long managedFrames() {
    return banks.managedFrames() - offlineFrames();
  }

  /// How many banks it is made of.
  ///
  /// @return 1 or more
  public int bankCount() {
    return banks.count();
  }

  /// A bank, from the lowest to the highest.
  ///
  /// @param bank 0 … [#bankCount()] - 1
  /// @return the bank
  public ZoneBank bank(int bank) {
    return banks.bank(bank);
  }

  // ---- What is free ----

  /// Frames that nobody owns, by the counter that watermark checks use where there is one, else by
  /// a count, see [FrameTally].
  ///
  /// @return a count; exact when nobody allocates or frees
  public long availableFrames() {
    return gauge.available();
  }

  /// Whether there is more than any mark or reserve asks for, so that nothing needs to be checked.
  /// One load; false near the marks, whatever is there. Marks that were just raised show after the
  /// next request.
  ///
  /// @return true if memory is plenty
  public boolean isPlenty() {
    return gauge.isPlenty();
  }

  /// Counts what is available, and mends the counter that watermark checks use: for who had frames
  /// in his hands while others may have counted, and gave them back past the gauge.
  ///
  /// @return frames; exact when nobody allocates or frees
  public long recount() {
    return gauge.recount();
  }

  /// Frames that are free, without those in caches. A walk.
  ///
  /// @return a count
  public long freeFrames() {
    return banks.freeFrames();
  }

  /// Frames in caches. A walk.
  ///
  /// @return a count
  public long cachedFrames() {
    return banks.cachedFrames();
  }

  /// Free blocks of an order. A walk.
  ///
  /// @param order 0 … [Pages#MAX_ORDER], at most the largest that the allocators have
  /// @return a count
  public long freeBlocks(int order) {
    return banks.freeBlocks(order);
  }

  /// What its banks count; frames that are offline are neither there nor used. A walk.
  ///
  /// @return a snapshot
  public FrameStatistics statistics() {
    return ZoneStatistics.without(memory.statistics(), offlineFrames());
  }

  /// Empties the caches of its banks.
  ///
  /// @return how many frames went home
  public long drainCaches() {
    return memory.drainCaches();
  }

  // ---- Watermarks ----

  /// What ordinary requests leave.
  ///
  /// @return frames
  public long minFrames() {
    return Memory.getLongVolatile(address + MIN);
  }

  /// Below it background reclaim begins, the boost counted.
  ///
  /// @return frames
  public long lowFrames() {
    return Memory.getLongVolatile(address + LOW) + boostFrames();
  }

  /// At it background reclaim stops, the boost counted.
  ///
  /// @return frames
  public long highFrames() {
    return Memory.getLongVolatile(address + HIGH) + boostFrames();
  }

  /// How much low and high are raised now.
  ///
  /// @return frames
  public long boostFrames() {
    return Memory.getLongVolatile(address + BOOST);
  }

  /// Sets the watermarks; the boost ends. The cap of the reserve stays all of min if it was, else
  /// as it was, at most min.
  ///
  /// @param minFrames 0 or more
  /// @param lowFrames at least `minFrames`
  /// @param highFrames at least `lowFrames`
  /// @throws IllegalArgumentException if they are not in order; nothing has changed then
  public void setWatermarks(long minFrames, long lowFrames, long highFrames) {
    if (minFrames < 0 || lowFrames < minFrames || highFrames < lowFrames) {
      throw new IllegalArgumentException(
          "watermarks out of order: min "
              + minFrames
              + ", low "
              + lowFrames
              + ", high "
              + highFrames);
    }
    boolean isWhole = reserveCapFrames() == this.minFrames();
    long cap = isWhole ? minFrames : Math.min(reserveCapFrames(), minFrames);
    Memory.putLongRelease(address + MIN, minFrames);
    Memory.putLongRelease(address + CAP, cap);
    Memory.putLongRelease(address + LOW, lowFrames);
    Memory.putLongRelease(address + HIGH, highFrames);
    Memory.putLongRelease(address + BOOST, 0);
    tellGauge();
  }

  /// Raises low and high, because a request found frames enough, but not in one piece: background
  /// work is to begin earlier. As Linux does with `watermark_boost_factor`, at most by half of
  /// high.
  ///
  /// @param frameCount by how much, 0 or more
  public void boost(long frameCount) {
    long most = Memory.getLongVolatile(address + HIGH) / 2;
    long now = boostFrames();
    long next = Math.min(most, now + frameCount);
    if (next > now && Memory.compareAndSetLong(address + BOOST, now, next)) {
      count(Event.BOOST, 1);
      tellGauge();
    }
  }

  /// Ends the boost, once background work has done what it could.
  public void endBoost() {
    if (boostFrames() != 0) {
      Memory.putLongRelease(address + BOOST, 0);
      tellGauge();
    }
  }

  /// What a request leaves here that would rather have had a zone of another type.
  ///
  /// @param wanted the highest type that the request may have
  /// @return frames
  public long lowmemReserveFrames(ZoneType wanted) {
    return lowmemReserve(wanted.index());
  }

  long lowmemReserve(int wanted) {
    return Memory.getLongVolatile(address + LOWMEM + (long) wanted * Long.BYTES);
  }

  /// Sets the lowmem reserve.
  ///
  /// @param wanted the highest type of the requests that it concerns
  /// @param frameCount 0 or more
  /// @throws IllegalArgumentException if it is negative
  public void setLowmemReserve(ZoneType wanted, long frameCount) {
    if (frameCount < 0) {
      throw new IllegalArgumentException("a reserve of " + frameCount + " frames");
    }
    Memory.putLongRelease(address + LOWMEM + (long) wanted.index() * Long.BYTES, frameCount);
    tellGauge();
  }

  private void tellGauge() {
    long reserve = 0;
    for (int t = 0; t < ZoneType.COUNT; t++) {
      reserve = Math.max(reserve, lowmemReserve(t));
    }
    gauge.setFarMark(highFrames() + reserve, banks.managedFrames() / MARGIN_SHARE);
  }

  // ---- Frames ----

  /// A block that leaves low, for a request whose highest type is given; order and flags are legal.
  ///
  /// @return the head frame, or no frame, not counted
  long takeDownToLow(int cpu, int order, int flags, int highest) {
    long frameCount = 1L << order;
    if (!gauge.takeAbove(cpu, frameCount, lowFrames() + lowmemReserve(highest))) {
      return FrameAllocator.NO_FRAME;
    }
    FrameProbe bank = onlyBank;
    long pfn = bank != null ? bank.takeBlock(cpu, order, flags) : memory.take(cpu, order, flags);
    if (pfn < 0) {
      gauge.add(frameCount);
    }
    return pfn;
  }

  // ---- The reserve ----

  /// How many frames emergency requests may take below min.
  ///
  /// @return frames, at most min
  public long reserveCapFrames() {
    return Memory.getLongVolatile(address + CAP);
  }

  /// Sets how many frames emergency requests may take below min.
  ///
  /// @param frameCount 0 … [#minFrames()]; the default is all
  /// @throws IllegalArgumentException if it is outside
  public void setReserveCap(long frameCount) {
    if (frameCount < 0 || frameCount > minFrames()) {
      throw new IllegalArgumentException(
          "a cap of " + frameCount + " frames, expected 0 … " + minFrames());
    }
    Memory.putLongRelease(address + CAP, frameCount);
  }

  /// Frames of the reserve that are gone: what comes back fills it first, because no ordinary
  /// request is served before it is full.
  ///
  /// @return 0 … [#minFrames()]
  public long reserveUsedFrames() {
    return Math.max(0, minFrames() - availableFrames());
  }

  /// Somebody has taken frames from the allocators of this zone by himself: they count as used.
  ///
  /// @param frameCount how many more are in use now, 0 or more
  public void tookRange(long frameCount) {
    gauge.spend(frameCount);
  }

  /// Somebody has given frames back to the allocators of this zone by himself.
  ///
  /// @param frameCount how many fewer are in use now, 0 or more
  public void gaveRange(long frameCount) {
    gauge.add(frameCount);
  }

  // ---- Offline memory ----

  /// Frames that were taken out of use; they are not managed.
  ///
  /// @return a count
  public long offlineFrames() {
    return Memory.getLongVolatile(address + OFFLINE);
  }

  /// Frames go offline, or come back.
  ///
  /// @param frameCount how many; negative when they come back
  public void addOffline(long frameCount) {
    Memory.getAndAddLong(address + OFFLINE, frameCount);
  }

  // ---- Counts ----

  void count(Event event, long times) {
    Memory.getAndAddLong(address + COUNTS + (long) event.index * Long.BYTES, times);
  }

  /// How often something happened since the zone was made.
  ///
  /// @param event what
  /// @return a count
  public long eventCount(Event event) {
    return Memory.getLongVolatile(address + COUNTS + (long) event.index * Long.BYTES);
  }

  /// As in `/proc/buddyinfo`, for messages.
  @Override
  public String toString() {
    return "Node " + nid + ", zone " + type.label();
  }
}
