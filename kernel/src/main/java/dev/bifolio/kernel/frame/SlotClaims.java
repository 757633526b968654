package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.platform.Cpu;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.Pages;

/// What a slot does with its claim word and with the area that it has claimed: the cheapest way to
/// a single frame, and the protocol that keeps it honest.
///
/// ```
///             pop: a bit goes           free of a frame of this very word: a bit comes
///                  ^                         |
///   claim word   [ OPEN | word 5 | mask ] <--+
///                  ^ refill: free runs of exactly 1, then 2, then 4 … of the area's next word
///   area         RESERVED for this slot, until no free frame is left
/// ```
///
/// **Refill**, under the slot's lock. *Announce* the word with an empty mask, PENDING; from now on
/// a free of its frames comes to the claim word. *Take* its free runs, FREE to HEAD, by
/// compare-and-set of the frame word. *Open*: put them into the mask. A free that still saw no
/// claim fails at the frame word if it comes after the taking, because the word has changed. If it
/// comes before, and the same frame was freed through the claim word too, by mistake, then the
/// frame is FREE now although its bit came: therefore only bits whose frame is HEAD stay. (That one
/// mistaken free goes unseen; the frame has one owner all the same.)
///
/// **Leave.** First the claim word to NONE, if its mask is still empty; then the area word to FULL.
/// The other way round a frame that came in between would lie in a word to which no area leads.
///
/// **Drain.** First the state DRAINING: nothing comes and nothing goes, and the frames of the mask
/// count as cached still. Then HEAD to FREE, then NONE. There is no moment in which they look
/// allocated.
///
/// A free that finds the slot through the area word reads, in this order: frame word, area word,
/// claim word, area word again, frame word again; then changes the claim word from what it read.
/// The second look at the area word tells that the claim word was about this area; the second look
/// at the frame word, that the frame had not gone home before the word was announced.
///
/// Any thread; no Java objects. Pop and put: one compare-and-set each.
final class SlotClaims {
  /// There is no frame of this kind.
  static final long NONE = -1;

  /// Somebody else refills the slot.
  static final long BUSY = -2;

  /// Answers of [#free]: the frame is free now; it is cached already; not the claim word's
  /// business; something changed meanwhile.
  static final int FREED = 0;

  static final int CACHED = 1;
  static final int NOT_CLAIMED = 2;
  static final int AGAIN = 3;

  /// The bits of an area's first word in the plan, one for each level.
  private static final long WORD_IN_PLAN = 0x0001_0001_0001_0001L;

  private final Slots slots;
  private final Areas areas;

  SlotClaims(Slots slots, Areas areas) {
    this.slots = slots;
    this.areas = areas;
  }

  /// Takes a frame that waits in the claim word.
  ///
  /// @return the frame, or -1
  static long pop(long claim) {
    while (true) {
      long word = Memory.getLongVolatile(claim);
      if (ClaimWord.mask(word) == 0 || ClaimWord.state(word) != ClaimWord.OPEN) {
        return NONE;
      }
      long area = Memory.getLong(Slots.area(claim)) - 1;
      long next = ClaimWord.taken(word);
      if (Memory.compareAndSetLong(claim, word, next)) {
        countRound(claim, next);
        return frameAt(area, ClaimWord.wordInArea(word))
            + Integer.numberOfTrailingZeros(ClaimWord.mask(word));
      }
    }
  }

  private static void countRound(long claim, long word) {
    if (ClaimWord.wentRound(word)) {
      Memory.getAndAddLong(Slots.rounds(claim), 1);
    }
  }

  /// Takes a run from the slot's own area, which is in no bin, before a whole area is broken for
  /// it.
  ///
  /// @return its first frame, or -1 if there is none, or somebody else is at work in the slot
  long takeFromArea(long claim, int kind, FrameRuns runs, int frameCount) {
    if (Memory.getLongVolatile(Slots.area(claim)) == 0 || !Slots.tryLock(claim)) {
      return NONE;
    }
    long frame = NONE;
    long area = Memory.getLong(Slots.area(claim)) - 1;
    if (area >= 0 && AreaWord.kind(Memory.getLongVolatile(areas.areaWord(area))) == kind) {
      frame = runs.take(area, frameCount);
    }
    if (frame >= 0) {
      // What is left of the run that it came from is not in the plan.
      Memory.getAndBitwiseOrLong(areas.areaWord(area), AreaWord.DIRTY);
    }
    Slots.unlock(claim);
    return frame;
  }

  /// Takes several frames out of an open claim word.
  ///
  /// @param word its value
  /// @return whether that was its value still
  static boolean take(long claim, long word, int frames) {
    long next = ClaimWord.taken(word, frames);
    if (!Memory.compareAndSetLong(claim, word, next)) {
      return false;
    }
    if (ClaimWord.operations(next) < ClaimWord.operations(word)) {
      Memory.getAndAddLong(Slots.rounds(claim), 1);
    }
    return true;
  }

  private static long frameAt(long area, int wordInArea) {
    return area * AreaWord.FRAMES + (long) wordInArea * UnitWord.UNITS;
  }

  /// Claims free frames and takes one of them.
  ///
  /// @param slot the slot's number, for the area words
  /// @param kind of the area that is wanted; the slot may have one already
  /// @return the frame, or [#NONE], or [#BUSY]
  long refill(int slot, int kind, boolean lend) {
    long claim = slots.claim(slot);
    if (!Slots.tryLock(claim)) {
      return BUSY;
    }
    long frame = refillLocked(claim, slot, kind, lend);
    Slots.unlock(claim);
    return frame;
  }

  private long refillLocked(long claim, int slot, int kind, boolean lend) {
    while (true) {
      long frame = pop(claim);
      if (frame != NONE) {
        return frame;
      }
      long area = Memory.getLong(Slots.area(claim)) - 1;
      if (area < 0) {
        long transit = Slots.transit(claim);
        area = lend ? areas.lend(kind, slot, transit) : areas.claim(kind, 0, slot, transit);
        if (area < 0) {
          return NONE;
        }
        Memory.putLongRelease(Slots.area(claim), area + 1);
        Transit.end(transit);
        plan(claim, area);
      }
      if (!claimNext(claim, area)) {
        leave(claim, area);
      }
    }
  }

  /// Notes which words of the area have runs of exactly 2^level frames: 16 bits a level.
  private void plan(long claim, long area) {
    long low = 0;
    long high = 0;
    for (int i = 0; i < AreaWord.WORDS; i++) {
      int free = UnitWord.free(Memory.getLongVolatile(areas.frameWord(frameAt(area, i))));
      if (free == -1) {
        high |= 1L << (16 + i);
        continue;
      }
      for (int level = 0; level < 5 && UnitWord.runs(free, level) != 0; level++) {
        if (UnitWord.exactRuns(free, level) != 0) {
          if (level < 4) {
            low |= 1L << (16 * level + i);
          } else {
            high |= 1L << i;
          }
        }
      }
    }
    Memory.putLong(Slots.planLow(claim), low);
    Memory.putLong(Slots.planHigh(claim), high);
  }

  /// Claims the next runs of the plan.
  ///
  /// @return false if the plan is done
  private boolean claimNext(long claim, long area) {
    long low = Memory.getLong(Slots.planLow(claim));
    long high = Memory.getLong(Slots.planHigh(claim));
    if ((low | high) == 0) {
      return false;
    }
    int bit = Long.numberOfTrailingZeros(low != 0 ? low : high);
    int level = (bit >>> 4) + (low != 0 ? 0 : 4);
    if (!claimWord(claim, area, bit & 15, level)) {
      return true; // a frame came back: that one first, and this word stays planned
    }
    if (low != 0) {
      low &= low - 1;
      Memory.putLong(Slots.planLow(claim), low);
    } else {
      high &= high - 1;
      Memory.putLong(Slots.planHigh(claim), high);
    }
    lookForRest(area, bit & 15, low, high);
    return true;
  }

  /// After the last runs of a word that are planned: a run that coalesced with a frame that
  /// somebody is just freeing is no longer what was planned. He will tell of it, but the run was
  /// free before, and must not be out of sight until then: the area is looked at again.
  private void lookForRest(long area, int wordInArea, long low, long high) {
    boolean done = ((low & WORD_IN_PLAN << wordInArea) | (high & WORD_IN_PLAN << wordInArea)) == 0;
    if (done
        && UnitWord.free(Memory.getLongVolatile(areas.frameWord(frameAt(area, wordInArea)))) != 0) {
      Memory.getAndBitwiseOrLong(areas.areaWord(area), AreaWord.DIRTY);
    }
  }

  /// Claims the runs of a word.
  ///
  /// @return false if the claim word was not empty after all; nothing has changed then
  private boolean claimWord(long claim, long area, int wordInArea, int level) {
    if (!changeIfEmpty(claim, ClaimWord.PENDING, wordInArea)) {
      return false;
    }
    long address = areas.frameWord(frameAt(area, wordInArea));
    while (true) {
      long value = Memory.getLongVolatile(address);
      int taken = UnitWord.exactUnits(UnitWord.free(value), level);
      if (taken == 0) {
        giveUp(claim, area, address);
        return true;
      }
      long next = value ^ UnitWord.both(taken);
      if (Memory.compareAndSetLong(address, value, next)) {
        open(claim, address, wordInArea, taken);
        Memory.putLong(Slots.refills(claim), Memory.getLong(Slots.refills(claim)) + 1);
        return true;
      }
    }
  }

  /// The frames that came meanwhile are kept if they are HEAD *now*: a frame that left a magazine,
  /// or was made by splitting, after the taking is as good as any.
  private void open(long claim, long address, int wordInArea, int taken) {
    while (true) {
      long word = Memory.getLongVolatile(claim);
      int came = ClaimWord.mask(word);
      int mask = taken;
      if (came != 0) {
        mask |= came & UnitWord.heads(Memory.getLongVolatile(address));
      }
      if (change(claim, word, ClaimWord.OPEN, wordInArea, mask)) {
        return;
      }
    }
  }

  /// The announced word had nothing to take. Frames that came meanwhile go home.
  private void giveUp(long claim, long area, long address) {
    while (true) {
      long word = Memory.getLongVolatile(claim);
      int wordInArea = ClaimWord.wordInArea(word);
      int mask = ClaimWord.mask(word);
      int state = mask == 0 ? ClaimWord.NONE : ClaimWord.DRAINING;
      if (change(claim, word, state, wordInArea, mask)) {
        if (mask != 0) {
          sendHome(claim, address, mask);
          Memory.getAndBitwiseOrLong(areas.areaWord(area), AreaWord.DIRTY); // look again
        }
        return;
      }
    }
  }

  /// Lets the area go, if nothing came back to it.
  private void leave(long claim, long area) {
    if (!changeIfEmpty(claim, ClaimWord.NONE, 0)) {
      return;
    }
    long address = areas.areaWord(area);
    long word = Memory.getLongVolatile(address);
    if (!AreaWord.isDirty(word)) {
      // Only if the area names no slot any more: one that became dirty instead is the slot's still.
      if (Memory.compareAndSetLong(address, word, AreaWord.full(word))) {
        Memory.putLongRelease(Slots.area(claim), 0);
      }
      return;
    }
    if (Memory.compareAndSetLong(address, word, word & ~AreaWord.DIRTY)) {
      plan(claim, area);
    }
  }

  /// After a refill of a [FrameCache]: closes the claim word to all but its owner, who changes the
  /// mask by plain stores from now on.
  ///
  /// @return the word, DRAINING, or NONE if nothing is claimed
  long own(long claim) {
    while (true) {
      long word = Memory.getLongVolatile(claim);
      if (ClaimWord.state(word) != ClaimWord.OPEN) {
        return word;
      }
      int mask = ClaimWord.mask(word);
      change(claim, word, ClaimWord.DRAINING, ClaimWord.wordInArea(word), mask);
    }
  }

  // ---- Frees of others ----

  /// Frees a single frame of an area that a slot has claimed, if the slot's claim word is about the
  /// frame's word.
  ///
  /// @param claim the slot's claim word
  /// @param areaAddress of the area word
  /// @param frameAddress of the frame word
  /// @param value of the frame word, in which the frame is allocated
  /// @param area of the area word, which names the slot
  /// @return what came of it
  static int free(
      long claim, long areaAddress, long frameAddress, long frame, long value, long area) {
    long word = Memory.getLongVolatile(claim);
    if (!ClaimWord.claims(word, (int) (frame >>> 5) & 15)) {
      return NOT_CLAIMED;
    }
    if (!AreaWord.sameHolder(area, Memory.getLongVolatile(areaAddress))
        || Memory.getLongVolatile(frameAddress) != value) {
      return AGAIN;
    }
    long bit = 1L << (frame & 31);
    if ((word & bit) != 0) {
      return CACHED;
    }
    if (!ClaimWord.takesBits(word)) {
      return NOT_CLAIMED;
    }
    return Memory.compareAndSetLong(claim, word, word | bit) ? FREED : AGAIN;
  }

  /// Whether a frame that was just made FREE in its word was not cached at that moment.
  ///
  /// A cached frame is HEAD, as an allocated one is. So a double free that is held up after its
  /// look at the area word, while the frame is freed by another and then taken by a refill, finds
  /// the frame word as it was. Only then an open claim word has the bit of a frame that is FREE:
  /// the bit is taken back, and the frame is free in earnest.
  boolean isHonest(long frame) {
    int wordInArea = (int) (frame >>> 5) & 15;
    long bit = 1L << (frame & 31);
    while (true) {
      long area = Memory.getLongVolatile(areas.areaWord(frame >>> Pages.HUGE_ORDER));
      if (AreaWord.slot(area) < 0) {
        return true;
      }
      long claim = slots.claim(AreaWord.slot(area));
      long word = Memory.getLongVolatile(claim);
      if ((word & bit) == 0
          || ClaimWord.state(word) != ClaimWord.OPEN
          || ClaimWord.wordInArea(word) != wordInArea) {
        return true;
      }
      long value = Memory.getLongVolatile(areas.frameWord(frame));
      long now = Memory.getLongVolatile(areas.areaWord(frame >>> Pages.HUGE_ORDER));
      if ((UnitWord.free(value) & (int) bit) == 0 || !AreaWord.sameHolder(area, now)) {
        return true;
      }
      int mask = ClaimWord.mask(word) ^ (int) bit;
      long next = ClaimWord.next(word, ClaimWord.OPEN, wordInArea, mask);
      if (Memory.compareAndSetLong(claim, word, next)) {
        countRound(claim, next);
        Memory.getAndAddLong(Slots.undone(claim), 1);
        return false;
      }
    }
  }

  /// Whether a single frame waits in the claim word of a slot that has its area.
  boolean holds(long frame) {
    long area = Memory.getLongVolatile(areas.areaWord(frame >>> Pages.HUGE_ORDER));
    if (AreaWord.slot(area) < 0) {
      return false;
    }
    long word = Memory.getLongVolatile(slots.claim(AreaWord.slot(area)));
    return ClaimWord.claims(word, (int) (frame >>> 5) & 15) && (word >>> (frame & 31) & 1) != 0;
  }

  // ---- Draining ----

  /// Sends home the frames of a claim word and lets its area go. Waits for the slot's lock, for a
  /// bounded time.
  ///
  /// @return whether there may have been anything to drain
  boolean drain(int slot) {
    long claim = slots.claim(slot);
    if (Memory.getLongVolatile(Slots.area(claim)) == 0) {
      return false;
    }
    for (int turn = 0; !Slots.tryLock(claim); turn++) {
      if (turn == 1000) {
        return true;
      }
      Cpu.relax(turn);
    }
    long area = Memory.getLong(Slots.area(claim)) - 1;
    if (area >= 0) {
      Transit.begin(Slots.transit(claim));
      drainWord(claim, area);
      Memory.putLongRelease(Slots.area(claim), 0);
      areas.settle(area);
      Transit.end(Slots.transit(claim));
    }
    Slots.unlock(claim);
    return true;
  }

  private void drainWord(long claim, long area) {
    while (true) {
      long word = Memory.getLongVolatile(claim);
      if (ClaimWord.state(word) == ClaimWord.NONE) {
        return;
      }
      int mask = ClaimWord.mask(word);
      int wordInArea = ClaimWord.wordInArea(word);
      if (change(claim, word, ClaimWord.DRAINING, wordInArea, mask)) {
        sendHome(claim, areas.frameWord(frameAt(area, wordInArea)), mask);
        return;
      }
    }
  }

  private void sendHome(long claim, long address, int mask) {
    while (true) {
      long value = Memory.getLongVolatile(address);
      long next = value ^ UnitWord.both(mask & UnitWord.heads(value));
      if (Memory.compareAndSetLong(address, value, next)) {
        break;
      }
    }
    Memory.getAndAddLong(Slots.wentHome(claim), Integer.bitCount(mask));
    long word = Memory.getLongVolatile(claim);
    while (!change(claim, word, ClaimWord.NONE, 0, 0)) {
      word = Memory.getLongVolatile(claim);
    }
  }

  private static boolean changeIfEmpty(long claim, int state, int wordInArea) {
    while (true) {
      long word = Memory.getLongVolatile(claim);
      if (ClaimWord.mask(word) != 0) {
        return false;
      }
      if (change(claim, word, state, wordInArea, 0)) {
        return true;
      }
    }
  }

  /// A change of state, counted apart: what is left of the operations are allocations. The caller
  /// has the slot's lock, or owns the slot, and so alone writes the count.
  private static boolean change(long claim, long word, int state, int wordInArea, int mask) {
    long next = ClaimWord.next(word, state, wordInArea, mask);
    if (!Memory.compareAndSetLong(claim, word, next)) {
      return false;
    }
    countRound(claim, next);
    Memory.putLongRelease(Slots.changes(claim), Memory.getLong(Slots.changes(claim)) + 1);
    return true;
  }

  /// Allocations through the claim word since the beginning.
  long allocations(long claim) {
    long rounds = Memory.getLongVolatile(Slots.rounds(claim));
    long operations = ClaimWord.operations(Memory.getLongVolatile(claim));
    long others =
        Memory.getLongVolatile(Slots.changes(claim)) + Memory.getLongVolatile(Slots.undone(claim));
    return (rounds << ClaimWord.OPERATION_BITS) + operations - others;
  }
}
