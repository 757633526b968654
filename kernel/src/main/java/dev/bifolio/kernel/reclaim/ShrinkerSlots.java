package dev.bifolio.kernel.reclaim;

import dev.bifolio.kernel.platform.Memory;

/// The memory of the registered shrinkers, 128 bytes each: who is in them, what is due to them, and
/// what became of what they were asked.
///
/// ```
///   byte  0  state     EMPTY ──register──> LIVE ──unregister──> LEAVING ──last visitor──> EMPTY
///         8  visitors  threads that count or shrink: the Java object is used by them only
///        16  busy      the thread that shrinks, 0 if none
///        24  credit    frames due to be asked of it, 22 bits behind the point; may be negative
///        32  turns it is still passed over        40  turns it will be passed over next time
///        48  cost      56  calls     64  frames asked     72  frames freed     80  failures
///        88  empty-handed calls      96  calls that it put off
/// ```
///
/// A visitor counts itself in first and looks at the state then; who unregisters changes the state
/// first and looks at the visitors then. So one of the two sees the other, and a shrinker that has
/// gone is not touched again.
final class ShrinkerSlots {
  static final int COUNT = 64;

  static final int EMPTY = 0;
  static final int LIVE = 1;
  static final int LEAVING = 2;
  private static final int CLEARING = 3;

  static final int STATE = 0;
  static final int VISITORS = 8;
  static final int BUSY = 16;
  static final int CREDIT = 24;
  static final int PASS_LEFT = 32;
  static final int PASS_NEXT = 40;
  static final int COST = 48;
  static final int CALLS = 56;
  static final int ASKED = 64;
  static final int FREED = 72;
  static final int FAILURES = 80;
  static final int EMPTY_HANDED = 88;
  static final int LATER = 96;

  /// The longest a shrinker is passed over.
  static final long MOST_PASSED = 64;

  /// A credit stays within this, so that what once could not be asked does not pile up.
  static final long MOST_CREDIT = (1L << 10) << ShareRule.FRACTION_BITS;

  private static final long SLOT_BYTES = 128;

  private final long address;

  ShrinkerSlots(long address) {
    this.address = address;
  }

  static long byteSize() {
    return COUNT * SLOT_BYTES;
  }

  long get(int slot, int word) {
    return Memory.getLongVolatile(word(slot, word));
  }

  void add(int slot, int word, long delta) {
    Memory.getAndAddLong(word(slot, word), delta);
  }

  void put(int slot, int word, long value) {
    Memory.putLongRelease(word(slot, word), value);
  }

  /// Makes an empty slot ready for a shrinker. The caller has the lock of the registry.
  void prepare(int slot, int cost) {
    for (int word = BUSY; word < SLOT_BYTES; word += Long.BYTES) {
      Memory.putLong(word(slot, word), 0);
    }
    Memory.putLong(word(slot, COST), cost);
  }

  /// Counts a thread in.
  ///
  /// @return false if there is no shrinker; then it is not counted
  boolean visit(int slot) {
    add(slot, VISITORS, 1);
    if (get(slot, STATE) != LIVE) {
      add(slot, VISITORS, -1);
      return false;
    }
    return true;
  }

  /// Counts a thread out.
  void depart(int slot) {
    add(slot, VISITORS, -1);
  }

  /// Whether the caller is the one that empties a slot which is being left and has no visitors.
  boolean mayClear(int slot) {
    return get(slot, STATE) == LEAVING
        && get(slot, VISITORS) == 0
        && Memory.compareAndSetLong(word(slot, STATE), LEAVING, CLEARING);
  }

  boolean claim(int slot, long thread) {
    return Memory.compareAndSetLong(word(slot, BUSY), 0, thread);
  }

  void release(int slot) {
    put(slot, BUSY, 0);
  }

  /// Whether a shrinker is passed over this time, which uses one of its turns up.
  boolean passesOver(int slot) {
    long left = get(slot, PASS_LEFT);
    return left > 0 && Memory.compareAndSetLong(word(slot, PASS_LEFT), left, left - 1);
  }

  /// Was no use: passed over for twice as long as the last time.
  void passMore(int slot) {
    long next = Math.max(1, get(slot, PASS_NEXT));
    put(slot, PASS_LEFT, next);
    put(slot, PASS_NEXT, Math.min(2 * next, MOST_PASSED));
  }

  void passNoMore(int slot) {
    put(slot, PASS_LEFT, 0);
    put(slot, PASS_NEXT, 0);
  }

  /// Takes what was asked off the credit.
  void charge(int slot, long frames) {
    long charged = Math.min(frames, ShareRule.MOST_WANTED);
    add(slot, CREDIT, -(charged << ShareRule.FRACTION_BITS));
    long credit = get(slot, CREDIT);
    long kept = Math.clamp(credit, -MOST_CREDIT, MOST_CREDIT);
    if (kept != credit) {
      add(slot, CREDIT, kept - credit);
    }
  }

  private long word(int slot, int word) {
    return address + slot * SLOT_BYTES + word;
  }
}
