package dev.bifolio.kernel.reclaim;

import dev.bifolio.kernel.platform.Cpu;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.platform.SpinLock;
import org.jspecify.annotations.Nullable;

/// The registered shrinkers, and the rule by which they share the work of giving frames back.
///
/// ```
///   shrink(nid, 12)                 count   cost   weight    credit      asked    freed
///     ┌─ round 1 ───────────────────────────────────────────────────────────────────────
///     │   page cache                  600     2      300      6.0           6        6
///     │   slabs                       400     4      100      2.0           2        0  done with
///     │   files                       200     1      200      4.0           4        4
///     ├─ round 2: the 2 that are missing are asked of the others
///     │   page cache                  594     2      297      1.2           2        2
///     │   files                       196     1      196      0.8    nothing is left to ask
///     └─────────────────────────────────────────────────────────────────────────────────
/// ```
///
/// A round gives every shrinker its share ([ShareRule]) as a credit, which it keeps over calls, and
/// asks the one with the largest credit first, each at most once, until what is wanted has been
/// asked; fractions of a frame are rounded up, and what is then left of a credit, or missing, is
/// carried over. So requests for one frame are shared as exactly as large ones. Who frees more than
/// it was asked has it taken off its credit.
///
/// What goes wrong is the shrinker's, not the caller's. One that throws, or says it freed what it
/// cannot have freed (more than it was asked *and* more than it had; below -1), is believed nothing
/// and reported; one that frees nothing though it counted frames is reported. Each is passed over
/// for 1, 2, 4 … 64 calls, until it frees something; but when all others together gave nothing, it
/// is asked after all, because a request is about to fail. One that answers -1 is left alone for
/// the rest of the call. Every `Throwable` counts as thrown by the shrinker and goes no further,
/// but for a `VirtualMachineError` other than `StackOverflowError`: that is the machine's trouble
/// and goes on to the caller, after it was written down.
///
/// **Invariants.** I1: at most one thread is in `shrink` of a shrinker at a time. I2: after
/// [#unregister] has answered true no thread is in the shrinker, nor will be. I3: a call ends after
/// at most 9 rounds, in each of which a shrinker is asked at most once, and waits at most 100 turns
/// for a row and 100 for those that others are in. I4: no lock is held while a shrinker runs. I5: a
/// call out of a shrinker (or its count), by the same thread, frees nothing and returns at once: a
/// shrinker may allocate.
///
/// **Threads.** Any thread, any time. 16 calls at a time ([ShrinkCalls]); more wait a little, and
/// then go away with nothing. A shrinker that another thread is in is left out of the first round,
/// and waited for in later ones. State is in memory words ([ShrinkerSlots]); the Java references
/// are published by the release store of the slot's state.
///
/// **What it cannot do.** A shrinker that blocks for ever keeps the thread that called it, and one
/// of the 16 rows: there is no way to take a thread out of foreign code. Other threads go round it.
///
/// **Rejected.** Asking in order of registration until enough is freed: the first pays for all.
/// Keeping what a shrinker could not give for its next time (Linux's `nr_deferred`): one that never
/// can would be asked for ever more; here a credit is paid when asked, given or not.
///
/// Cost: two passes over 64 words and one count a shrinker and round. No Java objects.
///
/// Sources: Linux `mm/shrinker.c` and `include/linux/shrinker.h` (counts, `seeks`, the round over
/// all shrinkers); "smooth weighted round robin" of nginx for credits that add up.
public final class Shrinkers {
  /// How many shrinkers there may be at a time.
  public static final int MOST_SHRINKERS = ShrinkerSlots.COUNT;

  private static final int ROUNDS = 8;
  private static final int FIRST_ROUND = 0;
  private static final long HEADER_BYTES = 64;

  /// Answers of a visit that were none of the shrinker's.
  private static final long WAS_BUSY = -2;

  private final SpinLock registration;
  private final long nestedCalls;
  private final ShrinkerSlots slots;
  private final ShrinkCalls calls;
  private final @Nullable Shrinker[] shrinkers = new Shrinker[MOST_SHRINKERS];
  private final String[] names = new String[MOST_SHRINKERS];
  private final String[] problems = new String[MOST_SHRINKERS];

  /// A registry without shrinkers.
  ///
  /// @param address of [#byteSize()] zero bytes, a multiple of 64
  /// @throws IllegalArgumentException if the address is not
  public Shrinkers(long address) {
    if ((address & 63) != 0 || address <= 0) {
      throw new IllegalArgumentException("expected an address that is a multiple of 64");
    }
    registration = new SpinLock(address);
    nestedCalls = address + 8;
    slots = new ShrinkerSlots(address + HEADER_BYTES);
    calls = new ShrinkCalls(address + HEADER_BYTES + ShrinkerSlots.byteSize());
  }

  /// The memory that a registry needs.
  ///
  /// @return bytes
  public static long byteSize() {
    return HEADER_BYTES + ShrinkerSlots.byteSize() + ShrinkCalls.byteSize();
  }

  /// Adds a shrinker. From a shrinker too.
  ///
  /// @param shrinker one that is not registered
  /// @return its number, 0 … [#MOST_SHRINKERS] - 1; -1 if there is no room
  /// @throws IllegalArgumentException if it is registered, or its cost is not 1 … 100
  public int register(Shrinker shrinker) {
    String name = shrinker.name();
    int cost = shrinker.cost();
    if (cost < 1 || cost > ShareRule.DEAREST) {
      throw new IllegalArgumentException(
          "shrinker "
              + name
              + ": expected a cost of 1 to "
              + ShareRule.DEAREST
              + ", found "
              + cost);
    }
    registration.lock();
    int slot;
    boolean isNew;
    try {
      isNew = find(shrinker) < 0;
      slot = isNew ? emptySlot() : -1;
      if (slot >= 0) {
        shrinkers[slot] = shrinker;
        names[slot] = name;
        problems[slot] = "";
        slots.prepare(slot, cost);
        slots.put(slot, ShrinkerSlots.STATE, ShrinkerSlots.LIVE);
      }
    } finally {
      registration.unlock();
    }
    if (!isNew) {
      throw new IllegalArgumentException("shrinker " + name + " is registered already");
    }
    return slot;
  }

  /// Takes a shrinker out: it is not asked again. Waits a bounded time for threads that are in it;
  /// called from the shrinker itself it cannot wait for its own end.
  ///
  /// @param shrinker one that is registered
  /// @return true if no thread is in it any more; false if one still is, the last of which takes it
  ///   out
  /// @throws IllegalArgumentException if it is not registered
  public boolean unregister(Shrinker shrinker) {
    registration.lock();
    int slot;
    try {
      slot = find(shrinker);
      if (slot >= 0) {
        slots.put(slot, ShrinkerSlots.STATE, ShrinkerSlots.LEAVING);
      }
    } finally {
      registration.unlock();
    }
    if (slot < 0) {
      throw new IllegalArgumentException("this shrinker is not registered");
    }
    return awaitDeparture(slot);
  }

  private boolean awaitDeparture(int slot) {
    for (int turn = 0; turn < ShrinkCalls.WAIT_TURNS; turn++) {
      clearIfLeft(slot);
      if (slots.get(slot, ShrinkerSlots.STATE) != ShrinkerSlots.LEAVING) {
        return true;
      }
      if (slots.get(slot, ShrinkerSlots.BUSY) == Cpu.threadId()) {
        return false;
      }
      ShrinkCalls.pause(turn);
    }
    return false;
  }

  /// Asks the shrinkers for frames, in proportion to what they hold over what it costs.
  ///
  /// The caller holds no lock of an allocator. See the class for what happens to shrinkers that
  /// fail, and to calls that come out of a shrinker.
  ///
  /// @param nid the node the frames should lie on, -1 for all nodes
  /// @param wantedFrames frames; 0 or less asks nobody
  /// @return frames that were freed; can be more than was wanted, if a shrinker gave more
  public long shrink(int nid, long wantedFrames) {
    if (wantedFrames <= 0) {
      return 0;
    }
    long thread = Cpu.threadId();
    if (calls.isInside(thread)) {
      Memory.getAndAddLong(nestedCalls, 1);
      return 0;
    }
    long row = calls.enter(thread);
    if (row == ShrinkCalls.NO_ROW) {
      return 0;
    }
    try {
      return rounds(row, nid, Math.min(wantedFrames, ShareRule.MOST_WANTED));
    } finally {
      ShrinkCalls.leave(row);
    }
  }

  private long rounds(long row, int nid, long wanted) {
    long freed = 0;
    for (int round = FIRST_ROUND; round < ROUNDS && freed < wanted; round++) {
      long sum = count(row, nid, round == FIRST_ROUND);
      if (sum == 0) {
        break;
      }
      freed += round(row, nid, wanted - freed, sum, round != FIRST_ROUND);
    }
    if (freed == 0 && ShrinkCalls.putOff(row) != 0) {
      ShrinkCalls.admitPutOff(row);
      long sum = count(row, nid, false);
      if (sum != 0) {
        freed = round(row, nid, wanted, sum, true);
      }
    }
    return freed;
  }

  /// Writes down what each shrinker has; the sum of their weights.
  private long count(long row, int nid, boolean isFirst) {
    long sum = 0;
    for (int slot = 0; slot < MOST_SHRINKERS; slot++) {
      long counted = 0;
      boolean waits = ShrinkCalls.isDone(row, slot) || ShrinkCalls.isPutOff(row, slot);
      if (!waits && slots.get(slot, ShrinkerSlots.STATE) != 0) {
        if (isFirst && slots.passesOver(slot)) {
          ShrinkCalls.setPutOff(row, slot);
        } else {
          counted = countOf(slot, nid);
        }
      }
      ShrinkCalls.setCount(row, slot, counted);
      if (counted > 0) {
        sum += ShareRule.weight(counted, slots.get(slot, ShrinkerSlots.COST));
      }
    }
    return sum;
  }

  private long countOf(int slot, int nid) {
    Shrinker shrinker = enter(slot);
    if (shrinker == null) {
      return 0;
    }
    try {
      long counted = shrinker.countFrames(nid);
      if (counted < 0) {
        fail(slot, "counted " + counted + " frames");
      }
      return counted;
    } catch (Throwable e) {
      fail(slot, thrownText("count", e));
      throwIfFatal(e);
      return 0;
    } finally {
      leave(slot);
    }
  }

  /// One round: shares out what is wanted, asks each at most once.
  private long round(long row, int nid, long wanted, long sum, boolean mayWait) {
    long pending = 0;
    for (int slot = 0; slot < MOST_SHRINKERS; slot++) {
      if (ShrinkCalls.count(row, slot) > 0) {
        pending |= 1L << slot;
        slots.add(slot, ShrinkerSlots.CREDIT, shareOf(row, slot, wanted, sum));
      }
    }
    long freed = 0;
    long left = wanted;
    while (left > 0 && pending != 0) {
      int slot = richest(pending);
      pending &= ~(1L << slot);
      long credit = slots.get(slot, ShrinkerSlots.CREDIT);
      long asked = Math.min(ShareRule.framesOf(credit), left);
      long got = ask(row, slot, nid, asked, mayWait);
      if (got == WAS_BUSY) {
        slots.add(slot, ShrinkerSlots.CREDIT, -shareOf(row, slot, wanted, sum));
      } else {
        slots.charge(slot, Math.max(asked, got));
        freed += got;
        left -= Math.max(asked, got);
      }
    }
    return freed;
  }

  private long shareOf(long row, int slot, long wanted, long sum) {
    long cost = slots.get(slot, ShrinkerSlots.COST);
    long weight = ShareRule.weight(ShrinkCalls.count(row, slot), cost);
    return ShareRule.share(wanted, Math.min(weight, sum), sum);
  }

  private int richest(long pending) {
    int richest = Long.numberOfTrailingZeros(pending);
    long most = slots.get(richest, ShrinkerSlots.CREDIT);
    for (long rest = pending & (pending - 1); rest != 0; rest &= rest - 1) {
      int slot = Long.numberOfTrailingZeros(rest);
      long credit = slots.get(slot, ShrinkerSlots.CREDIT);
      if (credit > most) {
        most = credit;
        richest = slot;
      }
    }
    return richest;
  }

  /// Asks one shrinker, if no other thread is in it.
  private long ask(long row, int slot, int nid, long asked, boolean mayWait) {
    Shrinker shrinker = enter(slot);
    if (shrinker == null) {
      ShrinkCalls.setDone(row, slot);
      return 0;
    }
    try {
      while (!slots.claim(slot, Cpu.threadId())) {
        if (!mayWait) {
          return WAS_BUSY;
        }
        if (!ShrinkCalls.mayWait(row)) {
          ShrinkCalls.setDone(row, slot);
          return WAS_BUSY;
        }
      }
      long freed;
      try {
        freed = run(shrinker, row, slot, nid, asked);
      } finally {
        slots.release(slot);
      }
      if (freed < asked) {
        ShrinkCalls.setDone(row, slot);
      }
      return freed;
    } finally {
      leave(slot);
    }
  }

  private long run(Shrinker shrinker, long row, int slot, int nid, long asked) {
    slots.add(slot, ShrinkerSlots.CALLS, 1);
    slots.add(slot, ShrinkerSlots.ASKED, asked);
    long answer;
    try {
      answer = shrinker.shrink(nid, asked);
    } catch (Throwable e) {
      fail(slot, thrownText("shrink", e));
      throwIfFatal(e);
      return 0;
    }
    long most = Math.max(asked, ShrinkCalls.count(row, slot));
    if (answer > most || answer < -1) {
      fail(slot, "asked for " + asked + " frames it answered " + answer);
      return 0;
    }
    if (answer > 0) {
      slots.add(slot, ShrinkerSlots.FREED, answer);
      slots.passNoMore(slot);
      return answer;
    }
    if (answer == 0) {
      slots.add(slot, ShrinkerSlots.EMPTY_HANDED, 1);
      problems[slot] = "asked for " + asked + " frames it freed none";
      slots.passMore(slot);
    } else {
      slots.add(slot, ShrinkerSlots.LATER, 1);
    }
    return 0;
  }

  private void fail(int slot, String problem) {
    slots.add(slot, ShrinkerSlots.FAILURES, 1);
    problems[slot] = problem;
    slots.passMore(slot);
  }

  private static void throwIfFatal(Throwable thrown) {
    if (thrown instanceof VirtualMachineError fatal && !(thrown instanceof StackOverflowError)) {
      throw fatal;
    }
  }

  /// What a throwable says of itself is foreign code too.
  private static String thrownText(String what, Throwable thrown) {
    try {
      return what + " threw " + thrown;
    } catch (Throwable e) {
      throwIfFatal(e);
      return what + " threw something that cannot say what it is";
    }
  }

  private @Nullable Shrinker enter(int slot) {
    if (slots.visit(slot)) {
      return shrinkers[slot];
    }
    // Who left last may have seen this thread's look for a visit.
    clearIfLeft(slot);
    return null;
  }

  private void leave(int slot) {
    slots.depart(slot);
    clearIfLeft(slot);
  }

  private void clearIfLeft(int slot) {
    if (slots.mayClear(slot)) {
      shrinkers[slot] = null;
      slots.put(slot, ShrinkerSlots.STATE, ShrinkerSlots.EMPTY);
    }
  }

  /// The slot of a live shrinker. The caller has the lock, so that none becomes live meanwhile.
  @SuppressWarnings("ReferenceEquality") // equals() would be foreign code under the lock
  private int find(Shrinker shrinker) {
    for (int slot = 0; slot < MOST_SHRINKERS; slot++) {
      if (slots.get(slot, ShrinkerSlots.STATE) == ShrinkerSlots.LIVE
          && shrinkers[slot] == shrinker) {
        return slot;
      }
    }
    return -1;
  }

  private int emptySlot() {
    for (int slot = 0; slot < MOST_SHRINKERS; slot++) {
      if (slots.get(slot, ShrinkerSlots.STATE) == ShrinkerSlots.EMPTY) {
        return slot;
      }
    }
    return -1;
  }

  /// Frames that all shrinkers together say they could give back.
  ///
  /// @param nid the node they lie on, -1 for all nodes
  /// @return an estimate, 0 or more; a shrinker that fails to count counts for none
  public long countFrames(int nid) {
    long frames = 0;
    for (int slot = 0; slot < MOST_SHRINKERS; slot++) {
      frames += Math.clamp(countOf(slot, nid), 0, ShareRule.MOST_COUNTED);
    }
    return frames;
  }

  /// Calls of [#shrink] that came out of a shrinker and were turned away.
  ///
  /// @return calls so far
  public long nestedCallCount() {
    return Memory.getLongVolatile(nestedCalls);
  }

  /// What became of what a shrinker was asked.
  ///
  /// @param number as [#register] gave it
  /// @return its figures, which may be of different moments while it is at work; null if there is
  ///   no such shrinker
  /// @throws IllegalArgumentException if there can be no such number
  public @Nullable ShrinkerReport report(int number) {
    if (number < 0 || number >= MOST_SHRINKERS) {
      throw new IllegalArgumentException(
          "expected a number of 0 to " + (MOST_SHRINKERS - 1) + ", found " + number);
    }
    return slots.get(number, ShrinkerSlots.STATE) == ShrinkerSlots.LIVE
        ? ShrinkerReport.of(slots, number, names[number], problems[number])
        : null;
  }
}
