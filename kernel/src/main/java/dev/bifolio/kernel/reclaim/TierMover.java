package dev.bifolio.kernel.reclaim;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.kernel.zone.MemoryTiers;
import dev.bifolio.kernel.zone.Reclaimer;
import dev.bifolio.kernel.zone.Zone;
import dev.bifolio.kernel.zone.ZoneBank;
import dev.bifolio.kernel.zone.ZoneType;
import dev.bifolio.kernel.zone.ZonedFrames;

/// Moves blocks between fast and slow memory: cold ones down when a zone is short of frames, others
/// up when somebody asks.
///
/// # Overview
///
/// ```
///   tier 0   node 0 ─┐ demote: cold ones          node 1 ─┐     ▲
///                    │                                    │     │ promote: to the nearest of the
///   tier 1           └──────> node 2 <────────────────────┘     │ fastest tier that has room
///                              │                                │
///   tier 2                     └──────> node 3 ─────────────────┘
/// ```
///
/// To demote, a sample of the zone says how warm its coldest frames are, and a hand goes on from
/// where it stood and moves what is no warmer:
///
/// ```
///   zone   │ 0 9 . 3 │ 0 1 7 X │ 4 0 2 . │ 8 8 0 1 │      heat of movable blocks, X pinned
///            ^     ^     ^ sampled         ▲ hand, claimed by the window
///   sample ──> coldest 1/64, or as many as are wanted ──> limit 0 ──> move those with heat <= 0
///   too few in reach: limit of the coldest 1/16, 1/4, all
/// ```
///
/// - I1 A target zone keeps low and its lowmem reserve after a demotion, its promo mark ([#promo])
///   after a promotion; so neither takes what others were promised, nor wakes anybody. A slower
///   node that has no room is woken, so that it demotes in its turn.
/// - I2 What is pinned, of no owner, longer than [#MOST_FRAMES], or refused by its owner stays.
/// - I3 A call ends: at most [#MOST_ROUNDS] sweeps of at most [#MOST_LOOKS] frames a target node.
/// - I4 The account goes with the block; what is freed here is charged to nobody.
///
/// Any thread; nobody waits for anybody, and no lock is held while an owner is asked. An owner who
/// requests frames may be asked to relocate some before he has them, so he requests under no lock
/// that he takes for that, as with compaction. No Java objects. Cost: a sample is [#SAMPLES] loads,
/// then a look at each frame that the hand passes, and a copy for each that moves.
///
/// Rejected: lists by age, as Linux has them (two links a frame and a lock for what a scan of one
/// byte a frame answers); the coldest of all by sorting (a sweep of the zone for each request).
///
/// Sources: Linux, `mm/vmscan.c` (`demote_folio_list`: the nearest node of the next tier, then any
/// slower one) and `mm/migrate.c`; Maruf et al., TPP, ASPLOS 2023 (demotion as reclaim, promotion
/// above a mark of its own).
public final class TierMover {
  /// Not promoted: no faster memory exists.
  public static final long ALREADY_FAST = -1;

  /// Not promoted: the frame is no movable block's first, or the block is too long.
  public static final long NOT_MOVABLE = -2;

  /// Not promoted: pinned, or being moved.
  public static final long HELD = -3;

  /// Not promoted: no faster node has room above its promo mark.
  public static final long NO_ROOM = -4;

  /// Not promoted: the owner refused, or the copy was not like the original.
  public static final long REFUSED = -5;

  /// The longest block that is moved.
  public static final long MOST_FRAMES = Pages.orderToFrames(Pages.HUGE_ORDER);

  static final int SAMPLES = 4096;
  static final int MOST_ROUNDS = 4;
  static final long MOST_LOOKS = 65_536;

  private static final int FLAGS =
      AllocationFlags.MOVABLE
          | AllocationFlags.MOVABLE_ZONE
          | AllocationFlags.NOWAIT
          | AllocationFlags.EXACT_NODE;

  private static final long WINDOW = 512;
  private static final int FIRST_SHARE = 64;
  private static final int SHARE_STEP = 4;

  // Words of a zone.
  private static final long HAND = 0;
  private static final long LIMIT = 8;
  static final long LOCK = 16;
  private static final long DEMOTED = 24;
  private static final long PROMOTED = 32;
  private static final long FAILED = 40;
  private static final long HISTOGRAM = 64;
  private static final long ZONE_BYTES = HISTOGRAM + (FrameHeat.MAX_HEAT + 1L) * Long.BYTES;

  private final ZonedFrames frames;
  private final MemoryTiers tiers;
  private final Migration migration;
  private final MovableFrames movable;
  private final FrameHeat heat;
  private final Reclaimer reclaimer;
  private final long address;

  /// By zone: what its frames are.
  private final MovableBanks[] banks;

  /// A mover.
  ///
  /// @param frames the zones
  /// @param tiers of their nodes
  /// @param migration who moves blocks
  /// @param heat how much they are used
  /// @param reclaimer who is woken for a slower zone that has no room
  /// @param address of [#byteSize(int)] zero bytes, a multiple of 64
  public TierMover(
      ZonedFrames frames,
      MemoryTiers tiers,
      Migration migration,
      FrameHeat heat,
      Reclaimer reclaimer,
      long address) {
    this.frames = frames;
    this.tiers = tiers;
    this.migration = migration;
    this.movable = migration.movable();
    this.heat = heat;
    this.reclaimer = reclaimer;
    this.address = address;
    banks = new MovableBanks[frames.zones().count()];
    for (int z = 0; z < banks.length; z++) {
      banks[z] = new MovableBanks(frames.zones().zone(z));
    }
    movable.setHeat(heat);
  }

  /// Bytes for hands, samples and counts.
  ///
  /// @param zoneCount how many zones have memory
  /// @return a multiple of 64
  public static long byteSize(int zoneCount) {
    return zoneCount * ZONE_BYTES;
  }

  /// Which memory is fast.
  ///
  /// @return as given
  public MemoryTiers tiers() {
    return tiers;
  }

  /// How much blocks are used. Owners [touch][FrameHeat#touch] what they use.
  ///
  /// @return as given
  public FrameHeat heat() {
    return heat;
  }

  // ---- Demotion ----

  /// Moves the coldest movable frames of a zone to memory that is slower. Called under no lock.
  ///
  /// @param zone that is short of frames
  /// @param wantedFrames how many, 1 or more
  /// @return how many frames left the zone; 0 if there is nothing slower, or no room there
  public long demote(Zone zone, long wantedFrames) {
    if (zone.type() == ZoneType.DEVICE) {
      return 0;
    }
    int from = zone.nodeIndex();
    long moved = 0;
    int tier = tiers.nextSlower(tiers.tierOf(from));
    for (; tier != MemoryTiers.NONE && moved < wantedFrames; tier = tiers.nextSlower(tier)) {
      int p = tiers.nextOf(from, tier, 0);
      for (; p != MemoryTiers.NONE && moved < wantedFrames; p = tiers.nextOf(from, tier, p + 1)) {
        moved += demoteTo(frames.topology().fallback(from, p), zone, wantedFrames - moved);
      }
    }
    return moved;
  }

  private long demoteTo(int target, Zone zone, long wanted) {
    long room = room(target, false);
    if (room < wanted) {
      wake(target);
    }
    long possible = Math.min(room, wanted);
    long moved = 0;
    int share = FIRST_SHARE;
    for (int round = 0; round < MOST_ROUNDS && moved < possible; round++) {
      int limit = coldest(zone, possible - moved, share);
      moved += sweep(zone, target, limit, possible - moved);
      share /= SHARE_STEP;
    }
    return moved;
  }

  private void wake(int node) {
    for (int z = 0; z < banks.length; z++) {
      Zone zone = frames.zones().zone(z);
      if (zone.nodeIndex() == node && zone.type() != ZoneType.DEVICE) {
        reclaimer.wake(zone, 0);
      }
    }
  }

  /// How warm the coldest blocks are, by a sample.
  ///
  /// @param share one in so many is cold, if that is more than are wanted; at most 1: all are
  /// @return a heat; while another thread takes a sample, that of the last one
  private int coldest(Zone zone, long wanted, int share) {
    long words = wordsOf(zone);
    if (share <= 1) {
      return FrameHeat.MAX_HEAT;
    }
    if (!Memory.compareAndSetLong(words + LOCK, 0, 1)) {
      return (int) Memory.getLongVolatile(words + LIMIT);
    }
    Memory.fill(words + HISTOGRAM, ZONE_BYTES - HISTOGRAM, (byte) 0);
    long stride = 1 + (zone.presentFrames() - 1) / SAMPLES;
    long found = sample(zone, words + HISTOGRAM, stride);
    long quota = Math.max(1 + (wanted - 1) / stride, found / share);
    int limit = 0;
    long sum = Memory.getLong(words + HISTOGRAM);
    while (sum < quota && limit < FrameHeat.MAX_HEAT) {
      limit++;
      sum += Memory.getLong(words + HISTOGRAM + (long) limit * Long.BYTES);
    }
    Memory.putLongRelease(words + LIMIT, limit);
    Memory.putLongRelease(words + LOCK, 0);
    return limit;
  }

  /// Counts movable blocks by their heat, beginning at the hand's place within a stride, so that
  /// samples differ.
  private long sample(Zone zone, long histogram, long stride) {
    long found = 0;
    long offset = Memory.getLongVolatile(wordsOf(zone) + HAND) % stride;
    for (int b = 0; b < zone.bankCount(); b++) {
      FrameInfo plane = zone.bank(b).info();
      for (long pfn = plane.startPfn() + offset; pfn < plane.endPfn(); pfn += stride) {
        if (mayMove(plane.getAcquire(pfn))) {
          long slot = histogram + (long) heat.heatOf(pfn) * Long.BYTES;
          Memory.putLong(slot, Memory.getLong(slot) + 1);
          found++;
        }
      }
    }
    return found;
  }

  static boolean mayMove(long word) {
    return MovableFrames.isMovable(word) && FrameInfo.sharesOf(word) == 0;
  }

  /// Moves what is no warmer than a limit, in windows from the hand on, once around at most.
  private long sweep(Zone zone, int target, int limit, long wanted) {
    long most = Math.min(zone.endPfn() - zone.startPfn(), MOST_LOOKS);
    long moved = 0;
    for (long looks = 0; looks < most && moved < wanted; looks += WINDOW) {
      long start = claim(zone);
      int bank = banks[zone.index()].bankOf(start);
      FrameInfo plane = zone.bank(bank).info();
      long end = Math.min(start + WINDOW, plane.endPfn());
      for (long pfn = start; pfn < end && moved < wanted; pfn++) {
        if (mayMove(plane.getAcquire(pfn)) && heat.heatOf(pfn) <= limit) {
          long frameCount = frameCountAt(zone, pfn);
          if (frameCount <= wanted - moved && moveTo(zone, pfn, target) >= 0) {
            countFrames(zone, DEMOTED, frameCount);
            moved += frameCount;
          }
        }
      }
    }
    return moved;
  }

  /// The hand of a zone goes on by a window, or to the next bank.
  ///
  /// @return where it stood: a frame of a bank
  private long claim(Zone zone) {
    long word = wordsOf(zone) + HAND;
    while (true) {
      long now = Memory.getLongVolatile(word);
      long start = Math.max(now, zone.startPfn());
      int b = 0;
      while (b < zone.bankCount() && zone.bank(b).info().endPfn() <= start) {
        b++;
      }
      ZoneBank bank = zone.bank(b == zone.bankCount() ? 0 : b);
      long first = b == zone.bankCount() ? zone.startPfn() : start;
      first = Math.max(first, bank.info().startPfn());
      if (Memory.compareAndSetLong(word, now, first + WINDOW)) {
        return first;
      }
    }
  }

  // ---- Promotion ----

  /// Moves a block to the nearest node of the fastest tier that has room. Not for a thread that
  /// holds a lock that the block's owner takes to relocate it.
  ///
  /// @param pfn its first frame
  /// @return its new first frame; or [#ALREADY_FAST], [#NOT_MOVABLE], [#HELD], [#NO_ROOM] or
  ///   [#REFUSED], and it stays where it is
  /// @throws IllegalArgumentException if there is no such frame
  public long promote(long pfn) {
    Zone zone = frames.zones().ofFrame(pfn);
    if (zone == null) {
      throw new IllegalArgumentException("no zone has frame " + AddressRange.hex(pfn));
    }
    int own = tiers.tierOf(zone.nodeIndex());
    int tier = tiers.fastest();
    if (tier == own) {
      return ALREADY_FAST;
    }
    long frameCount = frameCountAt(zone, pfn);
    long word = movable.wordOf(pfn);
    if (!MovableFrames.isMovable(word) || frameCount == 0 || frameCount > MOST_FRAMES) {
      return NOT_MOVABLE;
    }
    int from = zone.nodeIndex();
    for (; tier != own; tier = tiers.nextSlower(tier)) {
      int p = tiers.nextOf(from, tier, 0);
      for (; p != MemoryTiers.NONE; p = tiers.nextOf(from, tier, p + 1)) {
        int target = frames.topology().fallback(from, p);
        if (room(target, true) >= frameCount) {
          return promoteTo(zone, pfn, target);
        }
      }
    }
    return NO_ROOM;
  }

  /// Moves a block up, and counts it.
  ///
  /// @return as [#promote]
  long promoteTo(Zone zone, long pfn, int target) {
    long frameCount = frameCountAt(zone, pfn);
    long result = moveTo(zone, pfn, target);
    if (result >= 0) {
      countFrames(zone, PROMOTED, frameCount);
    }
    return result;
  }

  /// Moves one frame down, whatever its heat.
  ///
  /// @return whether it moved
  boolean demoteOne(Zone zone, long pfn, int target) {
    if (frameCountAt(zone, pfn) != 1 || moveTo(zone, pfn, target) < 0) {
      return false;
    }
    countFrames(zone, DEMOTED, 1);
    return true;
  }

  // ---- One block ----

  /// How long the block is that begins at a frame; 0 if none does.
  long frameCountAt(Zone zone, long pfn) {
    MovableBanks maps = banks[zone.index()];
    return maps.map(maps.bankOf(pfn)).frameCountAt(pfn);
  }

  /// The target first, so that the owner waits only for the copy; then the block is held, and must
  /// be as long as it was.
  private long moveTo(Zone zone, long pfn, int target) {
    long frameCount = frameCountAt(zone, pfn);
    if (frameCount == 0 || frameCount > MOST_FRAMES) {
      return NOT_MOVABLE;
    }
    long to = frames.tryAllocateNear(target, frameCount, FLAGS);
    if (to < 0) {
      return NO_ROOM;
    }
    if (!movable.begin(pfn)) {
      frames.freeFrames(to, frameCount);
      return HELD;
    }
    if (frameCountAt(zone, pfn) != frameCount) {
      movable.abort(pfn, -1);
      frames.freeFrames(to, frameCount);
      return HELD;
    }
    boolean moved = migration.moveBegun(pfn, to, frameCount) == MigrationOutcome.MOVED;
    long left = moved ? pfn : to;
    movable.forget(left);
    frames.freeFrames(left, frameCount);
    countFrames(zone, FAILED, moved ? 0 : 1);
    return moved ? to : REFUSED;
  }

  /// How many frames the zones of a node can take in.
  ///
  /// @param up whether they come from slower memory
  long room(int node, boolean up) {
    long sum = 0;
    for (int z = 0; z < banks.length; z++) {
      Zone zone = frames.zones().zone(z);
      if (zone.nodeIndex() == node && zone.type() != ZoneType.DEVICE) {
        long mark = up ? promo(zone) : zone.lowFrames();
        mark += zone.lowmemReserveFrames(ZoneType.MOVABLE);
        sum += Math.max(0, zone.availableFrames() - mark);
      }
    }
    return sum;
  }

  /// The mark that promotion respects: as far above high as high is above low, as in Linux; so what
  /// is promoted does not make others be demoted.
  ///
  /// @param zone a zone
  /// @return frames
  public static long promo(Zone zone) {
    long high = zone.highFrames();
    return high + (high - zone.lowFrames());
  }

  // ---- Counts ----

  private long wordsOf(Zone zone) {
    return address + zone.index() * ZONE_BYTES;
  }

  private void countFrames(Zone zone, long word, long frameCount) {
    if (frameCount != 0) {
      Memory.getAndAddLong(wordsOf(zone) + word, frameCount);
    }
  }

  /// Frames that left a zone for slower memory.
  ///
  /// @param zone of these zones
  /// @return a count since the beginning
  public long demotedFrames(Zone zone) {
    return Memory.getLongVolatile(wordsOf(zone) + DEMOTED);
  }

  /// Frames that left a zone for faster memory.
  ///
  /// @param zone of these zones
  /// @return a count since the beginning
  public long promotedFrames(Zone zone) {
    return Memory.getLongVolatile(wordsOf(zone) + PROMOTED);
  }

  /// Blocks of a zone whose move was begun and rolled back.
  ///
  /// @param zone of these zones
  /// @return a count since the beginning
  public long failedMoves(Zone zone) {
    return Memory.getLongVolatile(wordsOf(zone) + FAILED);
  }
}
