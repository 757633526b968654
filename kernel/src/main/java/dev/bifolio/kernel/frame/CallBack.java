package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.platform.Cpu;
import dev.bifolio.kernel.platform.Memory;

/// What stands between a request that found nothing and its failure: all that is cached, reserved
/// or open is called back, and what is on its way is waited for, for a bounded time. So a failure
/// is true: there was no memory for the request, cached or not.
///
/// Any thread; no Java objects. Costs a few loads a slot when there is nothing to call back.
final class CallBack {
  /// How often a request looks again before it fails, when others are at work all the time.
  private static final int MOST_ROUNDS = 1000;

  /// How often before it takes others who do not move for threads without a processor.
  private static final int PATIENT_ROUNDS = 64;

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

  /// The sum of all transit words.
  long activity() {
    long sum = Memory.getLongVolatile(areas.transit());
    for (int slot = 0; slot < slots.count(); slot++) {
      sum += Memory.getLongVolatile(Slots.transit(slots.claim(slot)));
    }
    for (UnitLevel level : levels) {
      sum += level.transit();
    }
    return sum;
  }

  /// Whether a request that found nothing may say so: nothing was there to be called back, and
  /// nothing on its way, now or since `before`. If not, it looks again.
  ///
  /// @param before the activity before the request looked
  /// @param own how much of it is the request's own
  /// @param round how often it has looked before
  boolean mayFail(long before, int own, int round) {
    if (round >= MOST_ROUNDS) {
      return true;
    }
    if (all()) {
      return false;
    }
    boolean stands = activity() == before;
    if (stands && Transit.isQuiet(before - own)) {
      return true;
    }
    if (stands && round >= PATIENT_ROUNDS) {
      // Somebody who does not move has lost his processor, for milliseconds perhaps.
      Cpu.rest();
    } else {
      Cpu.relax(round); // others move: they get what is missed here
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
