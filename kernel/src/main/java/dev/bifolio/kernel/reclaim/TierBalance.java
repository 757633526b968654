package dev.bifolio.kernel.reclaim;

import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.zone.MemoryTiers;
import dev.bifolio.kernel.zone.Zone;
import dev.bifolio.kernel.zone.ZoneType;
import dev.bifolio.kernel.zone.ZonedFrames;

/// Puts what is used most into the fastest memory, in the background: hot blocks of slow memory
/// change places with cold ones of fast memory.
///
/// # Overview
///
/// A hand goes over all zones. In one turn it counts the movable frames by their heat; the *cut* is
/// the heat from which on all of them fit into the fastest tier. In the next turn it promotes what
/// it finds above the cut in slower tiers, and makes room with what is at the cut or below it.
///
/// ```
///   frames
///     ▲  █
///     │  █ █                                          ┌── these fit into the fastest tier
///     │  █ █ █ █                                      │
///     │  █ █ █ █ █ █ █ ▒ ▒ ▒ ▒ ▒ ▒ ▒ ▒ ▒ ▒ ▒ ▒ ▒ ▒ ▒ ▒
///     └──0─────────────┴────────────────────────── 63 ──> heat
///                     cut        >= 8: the next turn halves what it passes
/// ```
///
/// Halving is for all frames in one turn, so that they can be compared, and depends on use alone,
/// not on time: whoever calls [#step] often does not forget faster. It begins when the cut has
/// grown so high that blocks on both sides of it differ by more than chance.
///
/// - I1 A block is promoted into room above the promo mark, or for one that leaves that node and is
///   colder by [#MARGIN] at least; so blocks of equal heat never change places. A turn that halves
///   promotes nothing, since it cannot compare.
/// - I2 A step costs its budget, whatever it finds.
///
/// One thread at a time; owners, requests and [TierMover#demote] may go on meanwhile. No Java
/// objects.
///
/// Rejected: promotion at the first touch (a scan of much memory once would empty the fast tier); a
/// fixed heat from which on a block is hot (depends on how often steps and touches come); exact
/// order (sorting; the histogram gives the same set but for ties).
///
/// Sources: Lee et al., MEMTIS, SOSP 2023 (the cut from a histogram and the capacity); Raybuck et
/// al., HeMem, SOSP 2021 (counts, cooling, migration in the background); Linux,
/// `kernel/sched/fair.c` (`numa_hint_fault_latency`: a threshold that adapts).
public final class TierBalance {
  /// A hot block is warmer than the one it displaces by so much.
  static final int MARGIN = 2;

  /// The cut from which on all counts are halved.
  static final int COOLED_CUT = 8;

  /// A block is not promoted unless it is warmer than that.
  static final int LEAST_CUT = 2;

  /// Frames that are looked at for the price of one that is moved.
  static final long LOOKS = 64;

  private static final int MOST_VICTIM_LOOKS = 1024;

  private final ZonedFrames frames;
  private final MemoryTiers tiers;
  private final TierMover mover;
  private final MovableFrames movable;
  private final FrameHeat heat;
  private final long[] histogram = new long[FrameHeat.MAX_HEAT + 1];

  /// By zone: where the next block to displace is looked for.
  private final long[] victimHands;

  /// By node: frames that it can take in, counted at the beginning of a step.
  private final long[] rooms;

  private int zoneIndex;
  private int bank;
  private long pfn;
  private long fastFrames;
  private boolean cooling;
  private int cut = FrameHeat.MAX_HEAT;
  private long turns;
  private long left;

  /// A balance that knows nothing yet.
  ///
  /// @param frames the zones
  /// @param mover who moves blocks
  /// @param movable the agreement with their owners
  public TierBalance(ZonedFrames frames, TierMover mover, MovableFrames movable) {
    this.frames = frames;
    this.tiers = mover.tiers();
    this.mover = mover;
    this.movable = movable;
    heat = mover.heat();
    victimHands = new long[frames.zones().count()];
    rooms = new long[frames.topology().nodeCount()];
    pfn = frames.zones().zone(0).bank(0).info().startPfn();
  }

  /// Does a bounded part of a turn.
  ///
  /// @param budget in frames moved, 1 or more; [#LOOKS] frames that are looked at count as one
  public void step(long budget) {
    if (tiers.nextSlower(tiers.fastest()) == MemoryTiers.NONE) {
      return;
    }
    left = budget * LOOKS;
    for (int node = 0; node < rooms.length; node++) {
      rooms[node] = mover.room(node, isFast(node));
    }
    while (left > 0) {
      Zone zone = frames.zones().zone(zoneIndex);
      FrameInfo plane = zone.bank(bank).info();
      if (pfn >= plane.endPfn() || zone.type() == ZoneType.DEVICE) {
        nextBank(zone);
      } else {
        visit(zone, plane);
      }
    }
  }

  private boolean isFast(int node) {
    return tiers.tierOf(node) == tiers.fastest();
  }

  private void nextBank(Zone zone) {
    left--;
    bank++;
    if (bank == zone.bankCount()) {
      bank = 0;
      zoneIndex++;
    }
    if (zoneIndex == frames.zones().count()) {
      zoneIndex = 0;
      endTurn();
    }
    pfn = frames.zones().zone(zoneIndex).bank(bank).info().startPfn();
  }

  private void visit(Zone zone, FrameInfo plane) {
    long at = pfn++;
    left--;
    long word = plane.getAcquire(at);
    if (!MovableFrames.isMovable(word)) {
      return;
    }
    long frameCount = Math.max(1, mover.frameCountAt(zone, at));
    int found = heat.heatOf(at);
    if (cooling) {
      heat.cool(at);
    }
    histogram[heat.heatOf(at)] += frameCount;
    if (isFast(zone.nodeIndex())) {
      fastFrames += frameCount;
    } else if (!cooling && found > cut && TierMover.mayMove(word)) {
      promote(zone, at, found, frameCount);
    }
    pfn = at + frameCount;
  }

  /// Finds the cut. What is pinned counts: where it is, it stays.
  private void endTurn() {
    long room = fastFrames;
    for (int node = 0; node < frames.topology().nodeCount(); node++) {
      room += isFast(node) ? mover.room(node, true) : 0;
    }
    int next = FrameHeat.MAX_HEAT;
    long warmer = histogram[next];
    while (next > LEAST_CUT && warmer <= room) {
      next--;
      warmer += histogram[next];
    }
    cut = next;
    cooling = !cooling && cut >= COOLED_CUT;
    fastFrames = 0;
    turns++;
    for (int h = 0; h < histogram.length; h++) {
      histogram[h] = 0;
    }
  }

  // ---- Up ----

  private void promote(Zone zone, long hot, int found, long frameCount) {
    int from = zone.nodeIndex();
    int p = tiers.nextOf(from, tiers.fastest(), 0);
    for (; p != MemoryTiers.NONE; p = tiers.nextOf(from, tiers.fastest(), p + 1)) {
      int target = frames.topology().fallback(from, p);
      if (rooms[target] >= frameCount || (frameCount == 1 && displace(target, found - MARGIN))) {
        left -= frameCount * LOOKS;
        if (mover.promoteTo(zone, hot, target) >= 0) {
          rooms[target] -= frameCount;
          rooms[from] += frameCount;
        }
        return;
      }
    }
  }

  /// Moves one frame out of a node that is no warmer than a limit, nor than the cut.
  private boolean displace(int node, int limit) {
    for (int z = 0; z < victimHands.length; z++) {
      Zone zone = frames.zones().zone(z);
      if (zone.nodeIndex() == node
          && zone.type() != ZoneType.DEVICE
          && displaceFrom(zone, Math.min(limit, cut))) {
        return true;
      }
    }
    return false;
  }

  private boolean displaceFrom(Zone zone, int limit) {
    long span = zone.endPfn() - zone.startPfn();
    long hand = victimHands[zone.index()];
    for (long looks = Math.min(span, MOST_VICTIM_LOOKS); looks > 0; looks--) {
      hand = hand + 1 >= span ? 0 : hand + 1;
      left--;
      long victim = zone.startPfn() + hand;
      if (frames.zones().ofFrame(victim) == zone
          && TierMover.mayMove(movable.wordOf(victim))
          && heat.heatOf(victim) <= limit
          && demote(zone, victim)) {
        left -= LOOKS;
        victimHands[zone.index()] = hand;
        return true;
      }
    }
    victimHands[zone.index()] = hand;
    return false;
  }

  /// Moves one frame to the nearest slower node that has room.
  private boolean demote(Zone zone, long victim) {
    int from = zone.nodeIndex();
    int tier = tiers.nextSlower(tiers.tierOf(from));
    for (; tier != MemoryTiers.NONE; tier = tiers.nextSlower(tier)) {
      int p = tiers.nextOf(from, tier, 0);
      for (; p != MemoryTiers.NONE; p = tiers.nextOf(from, tier, p + 1)) {
        int target = frames.topology().fallback(from, p);
        if (rooms[target] > 0) {
          boolean moved = mover.demoteOne(zone, victim, target);
          rooms[from] += moved ? 1 : 0;
          rooms[target] -= moved ? 1 : 0;
          return moved;
        }
      }
    }
    return false;
  }

  // ---- What it knows ----

  /// What is warmer fits into the fastest tier, by the last turn.
  ///
  /// @return a heat; the largest before the first turn has ended
  public int cut() {
    return cut;
  }

  /// How often the hand went over all zones.
  ///
  /// @return a count
  public long turns() {
    return turns;
  }
}
