package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.platform.Cpu;
import dev.bifolio.kernel.platform.Memory;

/// The magazines: for each slot and each order up to 8 a stack of blocks that were freed here and
/// wait for the next request. Behind the claim word, and as honest: a block in a magazine is cached
/// in its frame word, so that freeing it again is refused.
///
/// ```
///   header, one word:   bit 63 locked | bits 16 … 62 blocks ever taken out | bits 0 … 15 blocks here
/// ```
///
/// A magazine is never flushed: when it is full, frees go home, each for the price of one
/// compare-and-set. And it takes only blocks of areas that are nearly full, which best fit would
/// fill up next anyway; a cache that takes any block hands out the last freed one instead of the
/// best one, and placement falls to that of a plain last-in-first-out list (ADR 0005). But a block
/// of an order above 0 that is the last one which was handed out here is always taken, for callers
/// that ask and free in turn.
///
/// The lock is tried, never waited for: who does not get it goes past the magazine. A push holds it
/// while it turns HEAD into cached by compare-and-set, the proof of the free; a pop turns cached
/// into HEAD when the block is out of the stack already and nobody else's.
///
/// Any thread; no Java objects.
final class Magazines {
  private static final long NONE = -1;
  private static final long LOCKED = 1L << 63;
  private static final long COUNT = 0xFFFF;
  private static final long TAKEN_ONE = 1L << 16;

  /// An entry has 32 bits: what lies beyond 16 TiB goes home.
  private static final long LARGEST_FRAME = 0xFFFF_FFFFL;

  private final Slots slots;
  private final Areas areas;
  private final FrameRuns runs;
  private final SlotClaims claims;

  Magazines(Slots slots, Areas areas, FrameRuns runs, SlotClaims claims) {
    this.slots = slots;
    this.areas = areas;
    this.runs = runs;
    this.claims = claims;
  }

  static int count(long header) {
    return (int) (header & COUNT);
  }

  static long taken(long header) {
    return unlocked(header) >>> 16;
  }

  /// A header without its lock.
  static long unlocked(long header) {
    return header & ~LOCKED;
  }

  /// Takes a block out.
  ///
  /// @return its first frame, or -1
  long pop(long claim, int order) {
    long frame = takeOut(claim, order, TAKEN_ONE);
    if (frame >= 0) {
      flip(frame);
      noteLast(claim, order, frame);
    }
    return frame;
  }

  private long takeOut(long claim, int order, long counted) {
    long address = Slots.header(claim, order);
    long header = Memory.getLongVolatile(address);
    if (count(header) == 0 || header < 0) {
      return NONE;
    }
    if (!Memory.compareAndSetLong(address, header, header | LOCKED)) {
      return NONE;
    }
    int last = count(header) - 1;
    long frame = Memory.getInt(slots.entry(claim, order, last)) & LARGEST_FRAME;
    Memory.putLongRelease(address, header - 1 + counted);
    return frame;
  }

  /// Sends home all blocks of a slot's magazines. Gives way to others at work, for a bounded time.
  ///
  /// @return whether there was any
  boolean drain(long claim) {
    boolean any = false;
    for (int order = 0; order < Slots.CACHED_ORDERS; order++) {
      for (int turn = 0; turn < 1000 && count(header(claim, order)) != 0; ) {
        Transit.begin(Slots.transit(claim));
        long frame = takeOut(claim, order, 0);
        if (frame >= 0) {
          runs.freeCached(frame, order);
          Memory.getAndAddLong(Slots.wentHome(claim), 1L << order);
        }
        Transit.end(Slots.transit(claim));
        any = true;
        if (frame < 0) {
          Cpu.relax(turn++);
        }
      }
    }
    return any;
  }

  private static long header(long claim, int order) {
    return Memory.getLongVolatile(Slots.header(claim, order));
  }

  /// Frees an allocated block into a magazine, if it wants the block.
  ///
  /// @param area the word of the block's area
  /// @return whether it did; the block is unchanged if not
  boolean push(long claim, int order, long frame, long area) {
    return push(claim, order, frame, area, slots.capacity(order));
  }

  boolean push(long claim, int order, long frame, long area, int capacity) {
    long address = Slots.header(claim, order);
    long header = Memory.getLongVolatile(address);
    int count = count(header);
    if (count >= capacity || !admits(claim, order, frame, area) || frame > LARGEST_FRAME) {
      return false;
    }
    if (header < 0 || !Memory.compareAndSetLong(address, header, header | LOCKED)) {
      return false;
    }
    boolean mine = hide(frame, order);
    if (mine && order >= 5 && !runs.endsBehind(frame, 1 << order)) {
      flip(frame); // it was of another length, or is by now
      mine = false;
    }
    if (mine && order == 0 && claims.holds(frame)) {
      flip(frame); // freed by another and taken by a refill, after the look at the area word
      mine = false;
    }
    if (mine) {
      Memory.putInt(slots.entry(claim, order, count), (int) frame);
    }
    Memory.putLongRelease(address, mine ? header + 1 : header);
    return mine;
  }

  private static boolean admits(long claim, int order, long frame, long area) {
    return !AreaWord.isPartial(area)
        && (AreaWord.isNearlyFull(area)
            || (order > 0 && Memory.getInt(Slots.last(claim, order)) == (int) frame + 1));
  }

  /// A block was handed out: if the very same is freed next, it is kept.
  static void noteLast(long claim, int order, long frame) {
    if (order > 0 && order < Slots.CACHED_ORDERS) {
      Memory.putInt(Slots.last(claim, order), (int) frame + 1);
    }
  }

  /// HEAD to cached, if that block is allocated.
  private boolean hide(long frame, int order) {
    long address = areas.frameWord(frame);
    int index = (int) frame & 31;
    while (true) {
      long value = Memory.getLongVolatile(address);
      boolean proved =
          order < 5 ? UnitWord.isBlock(value, index, order) : value == UnitWord.ONE_BLOCK;
      if (!proved) {
        return false;
      }
      if (Memory.compareAndSetLong(address, value, value | UnitWord.cached(index))) {
        return true;
      }
    }
  }

  /// Cached to HEAD, of a block that only the caller has.
  private void flip(long frame) {
    long address = areas.frameWord(frame);
    while (true) {
      long value = Memory.getLongVolatile(address);
      long next = value ^ UnitWord.cached((int) frame & 31);
      if (Memory.compareAndSetLong(address, value, next)) {
        return;
      }
    }
  }
}
