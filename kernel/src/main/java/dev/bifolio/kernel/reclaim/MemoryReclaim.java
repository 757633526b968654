package dev.bifolio.kernel.reclaim;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.frame.HybridAllocator;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.FrameSource;
import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.kernel.zone.MemoryTiers;
import dev.bifolio.kernel.zone.PressureGauge;
import dev.bifolio.kernel.zone.PressureLevel;
import dev.bifolio.kernel.zone.Reclaimer;
import dev.bifolio.kernel.zone.Zone;
import dev.bifolio.kernel.zone.ZoneType;
import dev.bifolio.kernel.zone.ZonedFrames;
import org.jspecify.annotations.Nullable;

/// All that gives memory back or puts it together, over the zones of a machine: what a request in
/// need turns to, and what goes on in the background, step by step.
///
/// # Overview
///
/// ```
///   a request                      below low     below min             pieces too small
///      │                              │              │                       │
///      v                              v              v                       v
///   ZoneSearch ─────────────────>   wake          reclaim                 compact
///                                     │              │ at once, bounded      │ at once, bounded
///                                     v              v                       v
///   step(budget) ──> woken zones up to high: demote ─> Shrinkers      Compaction of the zone
///                ├─> compaction of each zone, on demand or proactive
///                └─> hot frames to fast memory, if there are tiers
/// ```
///
/// Nothing here has a thread: whoever owns the machine calls [#step], on a simulated clock or on a
/// thread of his own. A step asks the zones in turn, beginning where the last one ended, so that a
/// small budget reaches all of them.
///
/// States of a zone: *quiet*; *woken*, since a request left less than low; back to quiet when high
/// is reached, or when a step has brought this zone nothing: a later request that notices wakes it
/// again, the later the more often that happened, since shrinkers know nodes and not zones, and a
/// zone that holds nothing of theirs must not empty them. When a woken zone becomes quiet its boost
/// ends, and compaction is told of the largest block that was asked for.
///
/// - I1 No lock of an allocator or zone is held when a shrinker, an owner or a listener is called.
/// - I2 Direct work is bounded: one call shares out at most [#DIRECT_FRAMES] frames or what is
///   missing, if that is more, and moves at most [#DIRECT_MOVES] frames.
/// - I3 A shrinker that asks for memory has nobody shrunk, and an owner who does so while he is
///   asked to relocate has nothing compacted in that zone, so a request in there ends.
///
/// Any thread, but [#step] is for one at a time. No Java objects. Zones of classic allocators are
/// not compacted here: their lock is not ours to hold while owners are called.
///
/// Rejected: a list of pages by age here (the owners of frames know their use; shrinkers ask them);
/// waking a thread (there is none, and replay must not depend on one).
///
/// Sources: Linux, `mm/vmscan.c` (kswapd, direct reclaim) and `mm/compaction.c` (kcompactd);
/// Gorman, Understanding the Linux Virtual Memory Manager, ch. 10.
public final class MemoryReclaim implements Reclaimer {
  /// What a request asks for at least, so that it pays: Linux's `SWAP_CLUSTER_MAX`.
  public static final long DIRECT_FRAMES = 32;

  /// How many frames a request has moved at most before it fails.
  public static final long DIRECT_MOVES = 32_768;

  private static final long MOVES_AT_ONCE = 2048;

  /// Of a zone's words: the largest order asked for since it was woken, plus one; 0 if quiet.
  private static final long WOKEN = 0;

  /// How many steps in vain there were in a row, up to [#MOST_VAIN].
  private static final long VAIN = 8;

  /// Wake-ups that were left out since the last step in vain.
  private static final long PASSED_OVER = 16;

  private static final long MOST_VAIN = 6;
  private static final long ZONE_BYTES = 64;
  private static final long LEAST_COMPACTED_FRAMES = 2L << Pages.HUGE_ORDER;

  private final ZonedFrames frames;
  private final FrameInfo[] planes;
  private final long address;
  private final Shrinkers shrinkers;
  private final MovableFrames movable;
  private final Migration migration;
  private final PressureGauge pressure;
  private final @Nullable Compaction[] compactions;
  private final RangeTargets[] targets;
  private @Nullable TierMover tierMover;
  private @Nullable TierBalance tierBalance;
  private int nextZone;

  /// Reclaim over zones, which turn to it from now on.
  ///
  /// @param frames the zones
  /// @param copier what happens to the bytes of frames that move
  /// @param verify whether each copy is compared with the original before anything names it
  /// @param address of [#byteSize(int)] zero bytes, a multiple of 64
  public MemoryReclaim(ZonedFrames frames, FrameCopier copier, boolean verify, long address) {
    this.frames = frames;
    int zones = frames.zones().count();
    long next = address;
    shrinkers = new Shrinkers(next);
    next += Pages.alignUp(Shrinkers.byteSize(), ZONE_BYTES);
    planes = new FrameInfo[bankCount(frames)];
    for (int b = 0; b < planes.length; b++) {
      planes[b] = frames.zones().plane(b);
    }
    movable = new MovableFrames(planes);
    migration = new Migration(movable, copier, verify, next);
    next += Pages.alignUp(Migration.byteSize(), ZONE_BYTES);
    pressure = new PressureGauge(next, zones);
    next += PressureGauge.byteSize(zones);
    compactions = new Compaction[zones];
    targets = new RangeTargets[zones];
    for (int z = 0; z < zones; z++) {
      Zone zone = frames.zones().zone(z);
      targets[z] = new RangeTargets(frames, zone);
      if (isCompacted(zone)) {
        compactions[z] = new Compaction(new MovableBanks(zone), migration, next);
      }
      next += Pages.alignUp(Compaction.byteSize(), ZONE_BYTES);
    }
    this.address = next;
    frames.setReclaimer(this);
  }

  /// Bytes of memory that it needs.
  ///
  /// @param zoneCount how many zones have memory
  /// @return a multiple of 64
  public static long byteSize(int zoneCount) {
    return Pages.alignUp(Shrinkers.byteSize(), ZONE_BYTES)
        + Pages.alignUp(Migration.byteSize(), ZONE_BYTES)
        + PressureGauge.byteSize(zoneCount)
        + zoneCount * (Pages.alignUp(Compaction.byteSize(), ZONE_BYTES) + ZONE_BYTES);
  }

  private static int bankCount(ZonedFrames frames) {
    int count = 0;
    for (int z = 0; z < frames.zones().count(); z++) {
      count += frames.zones().zone(z).bankCount();
    }
    return count;
  }

  private static boolean isCompacted(Zone zone) {
    return zone.bank(0).allocator() instanceof HybridAllocator
        && zone.endPfn() - zone.startPfn() >= LEAST_COMPACTED_FRAMES;
  }

  // ---- Its parts ----

  /// Who can give frames back.
  ///
  /// @return the registry
  public Shrinkers shrinkers() {
    return shrinkers;
  }

  /// Who can have frames moved.
  ///
  /// @return the agreement, over all memory
  public MovableFrames movable() {
    return movable;
  }

  /// Who moves frames.
  ///
  /// @return the mover, with its counters
  public Migration migration() {
    return migration;
  }

  /// Who is told how short memory is.
  ///
  /// @return the gauge; zones have their [Zone#index()] there
  public PressureGauge pressure() {
    return pressure;
  }

  /// The compaction of a zone.
  ///
  /// @param zone of these zones
  /// @return null for a zone with classic allocators, or of less than two areas
  public @Nullable Compaction compaction(Zone zone) {
    return compactions[zone.index()];
  }

  /// Begins to move frames between fast and slow memory: cold ones down under pressure, and hot
  /// ones up in steps. Before other threads use this object, and before frames are adopted.
  ///
  /// @param tiers which memory is fast
  /// @param heatAddress of [#tierByteSize] zero bytes, a multiple of 64
  /// @return the mover, which demotes from now on
  public TierMover startTiers(MemoryTiers tiers, long heatAddress) {
    FrameHeat heat = new FrameHeat(planes, heatAddress);
    long words = heatAddress + FrameHeat.byteSize(planes);
    TierMover mover = new TierMover(frames, tiers, migration, heat, this, words);
    tierMover = mover;
    tierBalance = new TierBalance(frames, mover, movable);
    return mover;
  }

  /// The same by distances, with words in frames of these zones, which stay taken.
  ///
  /// @param physicalToVirtual what is added to a physical address, in bytes; may wrap around
  /// @return the mover; null, and nothing has changed, if there is no memory for the words
  public @Nullable TierMover startTiers(long physicalToVirtual) {
    long frameCount = Pages.bytesToFramesUp(tierByteSize());
    long pfn = frames.tryAllocateFrames(frameCount, AllocationFlags.LONG);
    if (pfn < 0) {
      return null;
    }
    long words = Pages.pfnToAddress(pfn) + physicalToVirtual;
    Memory.fill(words, Pages.framesToBytes(frameCount), (byte) 0);
    return startTiers(new MemoryTiers(frames.topology()), words);
  }

  /// Bytes of memory that tiers need.
  ///
  /// @return a multiple of 64
  public long tierByteSize() {
    return FrameHeat.byteSize(planes) + TierMover.byteSize(frames.zones().count());
  }

  /// Who moves frames between fast and slow memory.
  ///
  /// @return null before [#startTiers]
  public @Nullable TierMover tiers() {
    return tierMover;
  }

  /// Who puts hot frames into fast memory.
  ///
  /// @return null before [#startTiers]
  public @Nullable TierBalance tierBalance() {
    return tierBalance;
  }

  // ---- For requests ----

  @Override
  public void wake(Zone zone, int order) {
    long word = wokenWord(zone);
    long now = Memory.getLongVolatile(word);
    if (now == 0 && isPassedOver(zone)) {
      observe(zone);
      return;
    }
    while (now < order + 1L && !Memory.compareAndSetLong(word, now, order + 1L)) {
      now = Memory.getLongVolatile(word);
    }
    observe(zone);
  }

  /// After steps in vain, 1, 3, 7 … 63 wake-ups are left out.
  private boolean isPassedOver(Zone zone) {
    long vain = Memory.getLongVolatile(zoneWord(zone, VAIN));
    return vain != 0 && Memory.getAndAddLong(zoneWord(zone, PASSED_OVER), 1) < (1L << vain) - 1;
  }

  private long wokenWord(Zone zone) {
    return zoneWord(zone, WOKEN);
  }

  private long zoneWord(Zone zone, long offset) {
    return address + zone.index() * ZONE_BYTES + offset;
  }

  private void observe(Zone zone) {
    if (zone.isPlenty() && pressure.level(zone.index()) == PressureLevel.NONE) {
      return; // without a count
    }
    PressureLevel _ =
        pressure.observe(
            zone.index(),
            zone.availableFrames(),
            zone.minFrames(),
            zone.lowFrames(),
            zone.highFrames());
  }

  @Override
  public long reclaim(Zone zone, int order, long wantedFrames) {
    observe(zone);
    return giveBack(zone, Math.max(wantedFrames, DIRECT_FRAMES));
  }

  /// Frames leave a zone for a slower node, or its node as a whole.
  private long giveBack(Zone zone, long wantedFrames) {
    TierMover slower = tierMover;
    long demoted = slower == null ? 0 : slower.demote(zone, wantedFrames);
    return demoted >= wantedFrames
        ? demoted
        : demoted + shrinkers.shrink(zone.nid(), wantedFrames - demoted);
  }

  @Override
  public boolean compact(Zone zone, int order) {
    Compaction compaction = compactions[zone.index()];
    if (compaction == null) {
      return false;
    }
    CompactionOutcome outcome = CompactionOutcome.UNDER_WAY;
    for (long moved = 0;
        outcome == CompactionOutcome.UNDER_WAY && moved < DIRECT_MOVES;
        moved += MOVES_AT_ONCE) {
      outcome = compaction.compact(order, MOVES_AT_ONCE);
    }
    long _ = zone.recount(); // which a request may have done while frames were captured
    return outcome == CompactionOutcome.SUCCESS;
  }

  // ---- In the background ----

  /// Does a bounded part of the background's work: one zone's, then the next one's.
  ///
  /// @param budget in frames given back or moved, 1 or more; the last unit of work may go beyond it
  /// @return whether there is more to do at once
  public boolean step(long budget) {
    int zones = compactions.length;
    long left = budget;
    boolean more = false;
    for (int i = 0; i < zones && left > 0; i++) {
      Zone zone = frames.zones().zone(nextZone);
      nextZone = nextZone + 1 == zones ? 0 : nextZone + 1;
      left -= refill(zone, left);
      Compaction compaction = compactions[zone.index()];
      if (left > 0 && compaction != null) {
        long moved = compaction.counters().framesMoved();
        boolean goesOn = compaction.step(left);
        moved = compaction.counters().framesMoved() - moved;
        more |= goesOn;
        left -= moved;
        if (goesOn || moved != 0) {
          long _ = zone.recount(); // which a request may have done while frames were captured
        }
      }
      more |= isWoken(zone);
    }
    if (left > 0 && tierBalance != null) {
      tierBalance.step(left); // which is never done, so it does not ask for more
    }
    return more;
  }

  /// Whether background reclaim has work in a zone.
  ///
  /// @param zone of these zones
  /// @return true from a wake-up until high is reached or nothing can be given back
  public boolean isWoken(Zone zone) {
    return Memory.getLongVolatile(wokenWord(zone)) != 0;
  }

  /// Goes towards high in a woken zone.
  ///
  /// @return what it cost
  private long refill(Zone zone, long budget) {
    long woken = Memory.getLongVolatile(wokenWord(zone));
    if (woken == 0) {
      if (pressure.level(zone.index()) != PressureLevel.NONE) {
        observe(zone);
      }
      return 0;
    }
    long before = zone.availableFrames();
    long wanted = Math.min(zone.highFrames() - before, budget);
    long freed = wanted > 0 ? giveBack(zone, wanted) : 0;
    long after = zone.availableFrames();
    boolean reached = after >= zone.highFrames();
    // Frames that came back elsewhere are of no use here. Others may take as fast as we give; a
    // zone that stands still has nothing to give.
    boolean inVain = !reached && (freed == 0 || after == before);
    if (reached || inVain) {
      rest(zone, woken, inVain);
    }
    observe(zone);
    return Math.max(0, wanted);
  }

  private void rest(Zone zone, long woken, boolean inVain) {
    long vain = zoneWord(zone, VAIN);
    Memory.putLongRelease(vain, inVain ? Math.min(MOST_VAIN, Memory.getLongVolatile(vain) + 1) : 0);
    Memory.putLongRelease(zoneWord(zone, PASSED_OVER), 0);
    if (!Memory.compareAndSetLong(wokenWord(zone), woken, 0)) {
      return; // a larger block was asked for meanwhile
    }
    zone.endBoost();
    Compaction compaction = compactions[zone.index()];
    if (woken > 1 && compaction != null) {
      compaction.wake((int) woken - 1);
    }
  }

  // ---- A certain range ----

  /// Moves everything out of a range of one bank and takes it, whatever watermarks say; it is freed
  /// by [ZonedFrames#tryFreeRange]. If that cannot be, nothing has changed but the places of
  /// movable frames.
  ///
  /// @param startPfn first frame
  /// @param frameCount 1 or more
  /// @return what came of it; with classic allocators nothing is moved, and what is in use blocks
  public EvacuationOutcome takeRange(long startPfn, long frameCount) {
    Zone zone = frames.zones().ofFrame(startPfn);
    if (zone == null || frameCount < 1) {
      return EvacuationOutcome.OUT_OF_RANGE;
    }
    Compaction compaction = compactions[zone.index()];
    if (compaction == null) {
      long taken = frames.tryAllocateRange(startPfn, frameCount, AllocationFlags.LONG);
      return taken >= 0
          ? EvacuationOutcome.EMPTIED
          : taken == FrameAllocator.NO_FRAME
              ? EvacuationOutcome.BLOCKED
              : EvacuationOutcome.OUT_OF_RANGE;
    }
    EvacuationOutcome outcome =
        compaction.emptyRange(startPfn, frameCount, targets[zone.index()], AllocationFlags.MOVABLE);
    if (outcome == EvacuationOutcome.EMPTIED) {
      zone.tookRange(frameCount);
    }
    long _ = zone.recount(); // a request for a target may have counted what was captured as used
    return outcome;
  }

  /// Targets for what lies in a range that is emptied: near it, in zones that reach as far, and
  /// without reclaim, since that might want to move the same frames. For each frame that moves, one
  /// becomes free in the zone of the range, of which its gauge is not told: it is told here.
  private record RangeTargets(ZonedFrames frames, Zone zone) implements FrameSource {
    @Override
    public long allocate(int order, int flags) {
      int all = flags | limit(zone.type()) | AllocationFlags.NOWAIT;
      long pfn = frames.tryAllocateNear(zone.nodeIndex(), Pages.orderToFrames(order), all);
      if (pfn >= 0) {
        zone.gaveRange(Pages.orderToFrames(order));
      }
      return pfn;
    }

    /// Where frames may go that lie in a zone: what they were asked for is not known any more.
    private static int limit(ZoneType type) {
      return switch (type) {
        case DMA -> AllocationFlags.DMA;
        case DMA32 -> AllocationFlags.DMA32;
        case NORMAL -> AllocationFlags.NONE;
        case HIGHMEM -> AllocationFlags.HIGHMEM_OK;
        case MOVABLE -> AllocationFlags.MOVABLE_ZONE;
        case DEVICE -> AllocationFlags.DEVICE;
      };
    }

    @Override
    public void free(long pfn, int order) {
      zone.tookRange(Pages.orderToFrames(order));
      frames.free(pfn, order);
    }
  }
}
