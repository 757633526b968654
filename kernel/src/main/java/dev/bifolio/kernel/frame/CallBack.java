package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.platform.Cpu;
import dev.bifolio.kernel.platform.Memory;

/// What stands between a request that found nothing and its failure: all that is cached, reserved
/// or open is called back, and what is on its way is waited for. So a failure is true: there was no
/// memory for the request, cached or not. But who finds others at work in every one of 5000 looks
/// gives up as well, because nobody waits for ever: after some 10 ms if they move, after a third of
/// a second if one of them does not run.
///
/// Any thread; no Java objects. Costs some 30 loads a slot when there is nothing to call back.
final class CallBack {
  /// How often a request looks again before it fails, when others are at work all the time.
  private static final int MOST_ROUNDS = 5000;

  /// How often it looks before it sleeps, when something is on its way and does not move.
  private static final int ROUNDS_AWAKE = 100;

  /// Spreads the changes of magazines over the upper half of the sum, so that they do not cancel.
  private static final long SPREAD = 0x9E37_79B9_7F4A_7C15L;

  private final UnitLevel[] levels;
  private final Areas areas;
  private final Slots slots;
  private final SlotClaims claims;
  private final Magazines magazines;

  CallBack(UnitLevel[] levels, Areas areas, Slots slots, SlotClaims claims, Magazines magazines) {
    this.levels = levels;
    this.areas = areas;
    this.slots = slots;
    this.claims = claims;
    this.magazines = magazines;
  }

  /// The sum of all transit words, and in its upper half what every push to a magazine and every
  /// pop changes: while a request looks at one after the other, a block could be taken from the one
  /// that comes and another one put into the one that went by.
  long activity() {
    long sum = Memory.getLongVolatile(areas.transit());
    for (int slot = 0; slot < slots.count(); slot++) {
      long claim = slots.claim(slot);
      sum += Memory.getLongVolatile(Slots.transit(claim));
      int orders = slot < slots.firstOwned() ? Slots.CACHED_ORDERS : 1;
      for (int order = 0; order < orders; order++) {
        long header = Memory.getLongVolatile(Slots.header(claim, order));
        sum += (Magazines.unlocked(header) * SPREAD) << 32;
      }
    }
    for (UnitLevel level : levels) {
      sum += level.transit();
    }
    return sum;
  }

  /// Whether a request that found nothing may say so: nothing was there to be called back, and
  /// nothing on its way, now or since `before`. If not, it looks again.
  ///
  /// @param before the activity before the request looked; the request has nothing on its way
  /// @param round how often it has looked before
  boolean mayFail(long before, int round) {
    if (round >= MOST_ROUNDS) {
      return true;
    }
    if (all()) {
      return false;
    }
    boolean moved = activity() != before;
    if (!moved && Transit.isQuiet(before)) {
      return true;
    }
    if (moved || round < ROUNDS_AWAKE) {
      Cpu.relax(round);
    } else {
      Cpu.rest();
    }
    return false;
  }

  /// Sends home what is cached, lets reserved areas go, and closes open words.
  ///
  /// @return whether there may have been anything
  boolean all() {
    boolean any = false;
    for (int slot = 0; slot < slots.firstOwned(); slot++) {
      any |= claims.drain(slot);
      any |= magazines.drain(slots.claim(slot));
    }
    for (int slot = slots.firstOwned(); slot < slots.count(); slot++) {
      any |= fromOwner(slots.claim(slot));
    }
    for (UnitLevel level : levels) {
      any |= level.drain();
    }
    return any;
  }

  /// The magazine of a [FrameCache] is within reach; for its claim word the owner is asked.
  private boolean fromOwner(long claim) {
    if (Memory.getLongVolatile(Slots.owner(claim)) == 0) {
      return false;
    }
    if (Memory.getLongVolatile(Slots.area(claim)) != 0
        && Memory.getLongVolatile(Slots.recall(claim)) == 0) {
      Memory.putLongRelease(Slots.recall(claim), 1);
    }
    return magazines.drain(claim);
  }
}
