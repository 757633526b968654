package dev.bifolio.kernel.reclaim;

import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.frame.FrameMap;
import dev.bifolio.kernel.platform.Cpu;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.SortedRanges;
import org.jspecify.annotations.Nullable;

/// The agreement between those whose frames may be moved and those who move them: one word of
/// [FrameInfo] a block, changed by compare-and-set only.
///
/// An owner registers once, *adopts* each block when its content is written, *pins* it around each
/// access that must not be moved under, and *disowns* it before he frees it. Every one of these
/// names the item that the block holds; if the block holds something else by now, the answer is
/// false, and the owner looks again where his item is.
///
/// ```
/// long pfn = item.pfn();                       // the owner's one pointer
/// while (!movable.pin(pfn, me, item.index())) {
///   pfn = item.pfn();                          // it was moved meanwhile
/// }
/// ... read or write ...
/// movable.unpin(pfn, me, item.index());
/// ```
///
/// To disown a block before it is freed is the owner's duty, and nobody else's: the allocators do
/// not read these words. If he forgets it, the word outlives the block, and the block that comes to
/// lie there next is moved under its new owner. Such words are found by [#nextStray(FrameMap,
/// long)], which tests and reports ask of each bank while nobody is at work.
public final class MovableFrames {
  /*
   * Overview
   *
   * Problem. A frame may change its place only when nobody looks, the one pointer to it is changed
   * at the same time as the content, and a move that fails leaves no trace. Owners, readers and the
   * compaction are different threads; a lock for each frame would cost more than the frame.
   *
   * States of a block, by the word of its head frame:
   *
   *                    adopt                     pin                   pin
   *   ┌───────────────┐ ───► ┌──────────────────┐ ───► ┌─────────────┐ ───► …
   *   │ NOT MOVABLE   │      │ MOVABLE          │      │ PINNED x 1  │          up to 65534
   *   │ kind below 8  │ ◄─── │ kind 8…15, n = 0 │ ◄─── │ n = 1       │ ◄─── …
   *   └───────────────┘      └──────────────────┘      └─────────────┘
   *           ▲        disown  │ begin      ▲    unpin                unpin
   *           │                ▼            │
   *           │          ┌───────────────┐  │ abort: the same block, as if nothing had been
   *           │          │ MOVING        │──┤
   *           │          │ n = 65535     │  │ commit: the new block
   *           │          └───────────────┘  │
   *           └──── commit: the old block ──┘      (CAPTURED: it is the mover's now)
   *
   *   source  MOVABLE ── begin ─► MOVING ─ ─ copy, verify ─ ─ ─ ─ ─ relocate ─ ─ commit ─► CAPTURED
   *   target  the mover's ──────── mirror ─► MOVING ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ commit ─► MOVABLE
   *
   * The target is MOVING before the owner's pointer names it: whoever follows the new pointer too
   * early waits there, as everybody else waits at the source.
   *
   * Invariants
   *   I1  n counts the pins that were given and not taken back; a block with n > 0 never moves.
   *   I2  Between begin and commit or abort only the mover changes the two words, and no owner frees.
   *   I3  Kind, account and owner index never change while a block is MOVABLE, PINNED or MOVING; the
   *       account goes with the block.
   *   I4  Only the first frame of an allocated block is MOVABLE, PINNED or MOVING; nextStray finds
   *       others.
   *   I5  A block is named by exactly one item, and an item by one block, but between mirror and the
   *       end of commit or abort. Of its two blocks then at most one is not MOVING: in commit the
   *       target is MOVABLE one store before the source is CAPTURED, in abort the target is CAPTURED
   *       one store before the source is MOVABLE. So an item can be had at one place at most.
   *
   * Who may do what. adopt, disown: the owner of the block, one thread a block. pin, unpin: any
   * thread. begin, mirror, commit, abort: the mover, one thread a move. register: before the frames
   * are shared with other threads.
   *
   * Progress. pin and disown wait for a move that is under way: as long as a copy of the block and one
   * call of the owner take. After MOST_TURNS they answer false, so that nobody waits for ever for a
   * mover that lost its processor. tryPin and tryDisown never wait; who holds a lock that his relocate
   * takes may call only these. A mover never waits.
   *
   * Cost. One compare-and-set each, no Java objects.
   *
   * Rejected: a lock bit and a queue (Linux's folio lock, which sleeps: there is nobody to sleep
   * here); forwarding pointers (every reader would pay for them); a reference count without the item
   * (a late pin would hit another owner's frame).
   *
   * Sources: Linux Documentation/mm/page_migration.rst (isolate, lock, refuse if somebody holds a
   * reference, replace the mapping, copy; here the copy is first, so that it can be verified before
   * anything names it); Fraser, Practical Lock-Freedom, 2004 (marks in words).
   */

  /// How many owners can register.
  public static final int MAX_OWNERS = FrameInfo.MAX_KIND - FrameInfo.KIND_MOVABLE_FIRST + 1;

  /// The most pins that a block can have.
  public static final int MAX_PINS = FrameInfo.MAX_SHARES - 1;

  private static final int MOVING = FrameInfo.MAX_SHARES;
  private static final long ONE_PIN = FrameInfo.word(0, 0, 1, 0);
  private static final long ALL_PINS = FrameInfo.word(0, 0, MOVING, 0);

  /// How long a pin waits for a move: a copy of 2 MiB takes less than a tenth of it.
  private static final int MOST_TURNS = 10_000;

  private final FrameInfo[] planes;
  private final long[] startPfns;
  private final long[] endPfns;
  private final @Nullable MovableOwner[] owners = new @Nullable MovableOwner[MAX_OWNERS];
  private int ownerCount;
  private @Nullable FrameHeat heat;

  /// The agreement over some planes.
  ///
  /// @param planes by ascending frames, not overlapping; copied
  /// @throws IllegalArgumentException if they are in another order
  public MovableFrames(FrameInfo[] planes) {
    this.planes = new FrameInfo[planes.length];
    startPfns = new long[planes.length];
    endPfns = new long[planes.length];
    for (int i = 0; i < planes.length; i++) {
      if (i > 0 && planes[i].startPfn() < planes[i - 1].endPfn()) {
        throw new IllegalArgumentException("plane " + i + " begins before the end of the last one");
      }
      this.planes[i] = planes[i];
      startPfns[i] = planes[i].startPfn();
      endPfns[i] = planes[i].endPfn();
    }
  }

  /// Registers an owner. Before other threads use this object.
  ///
  /// @param owner who is asked to relocate
  /// @return his index, 0 … [#MAX_OWNERS] - 1, in ascending order
  /// @throws IllegalStateException if there are [#MAX_OWNERS] already
  public int register(MovableOwner owner) {
    if (ownerCount == MAX_OWNERS) {
      throw new IllegalStateException("there are " + MAX_OWNERS + " movable owners already");
    }
    owners[ownerCount] = owner;
    return ownerCount++;
  }

  /// Says who keeps how often blocks are used: it is told of blocks that are new, or move. Before
  /// other threads use this object.
  void setHeat(FrameHeat newHeat) {
    heat = newHeat;
  }

  // ---- For owners ----

  /// Makes a block movable. Its content is written; the caller owns it.
  ///
  /// @param pfn its first frame
  /// @param ownerIndex of [#register(MovableOwner)]
  /// @param item the owner's name for what the block holds, 0 … 2^32 - 1
  /// @throws IllegalArgumentException if there is no such owner, item or frame
  /// @throws IllegalStateException if the block is movable already, or of another kind
  public void adopt(long pfn, int ownerIndex, long item) {
    requireOwner(ownerIndex, item);
    FrameInfo plane = planeOf(pfn);
    while (true) {
      long word = plane.getAcquire(pfn);
      if (FrameInfo.kindOf(word) > FrameInfo.KIND_KERNEL) {
        throw wrong("adopt", pfn, word);
      }
      if (plane.compareAndSet(pfn, word, adopted(word, ownerIndex, item))) {
        if (heat != null) {
          heat.begin(pfn);
        }
        return;
      }
    }
  }

  private static long adopted(long word, int ownerIndex, long item) {
    int kind = FrameInfo.KIND_MOVABLE_FIRST + ownerIndex;
    return FrameInfo.word(kind, FrameInfo.accountOf(word), 0, item);
  }

  /// Ends what [#adopt(long, int, long)] began; the block stays where it is from now on. The
  /// account is kept.
  ///
  /// @param pfn its first frame
  /// @param ownerIndex who adopted it
  /// @param item as which
  /// @return false, and nothing has changed, if the item is not in this block any more, is being
  ///   moved, or is pinned: the owner looks again where it is
  /// @throws IllegalArgumentException if there is no such owner, item or frame
  public boolean disown(long pfn, int ownerIndex, long item) {
    for (int turn = 0; turn < MOST_TURNS; turn++) {
      if (tryDisown(pfn, ownerIndex, item)) {
        return true;
      }
      long word = wordOf(pfn);
      if (!holds(word, ownerIndex, item) || pinsOf(word) != 0) {
        return false;
      }
      Cpu.relax(turn);
    }
    return false;
  }

  /// As [#disown(long, int, long)], but does not wait: for owners who hold a lock that they take to
  /// relocate, since a move that waits for the lock would be waited for.
  ///
  /// @param pfn its first frame
  /// @param ownerIndex who adopted it
  /// @param item as which
  /// @return false, and nothing has changed, if the item is not in this block any more, is being
  ///   moved, or is pinned: the owner lets his lock go and looks again where it is
  /// @throws IllegalArgumentException if there is no such owner, item or frame
  public boolean tryDisown(long pfn, int ownerIndex, long item) {
    requireOwner(ownerIndex, item);
    FrameInfo plane = planeOf(pfn);
    while (true) {
      long word = plane.getAcquire(pfn);
      if (!holds(word, ownerIndex, item) || FrameInfo.sharesOf(word) != 0) {
        return false;
      }
      long none = FrameInfo.word(FrameInfo.KIND_NONE, FrameInfo.accountOf(word), 0, 0);
      if (plane.compareAndSet(pfn, word, none)) {
        return true;
      }
    }
  }

  /// Holds a block where it is. Waits for a move that is under way.
  ///
  /// @param pfn its first frame
  /// @param ownerIndex who adopted it
  /// @param item as which
  /// @return false, and nothing has changed, if the item is not in this block any more, or the move
  ///   takes too long: the caller looks again where it is
  /// @throws IllegalArgumentException if there is no such owner, item or frame
  /// @throws IllegalStateException if it has [#MAX_PINS] pins
  public boolean pin(long pfn, int ownerIndex, long item) {
    for (int turn = 0; turn < MOST_TURNS; turn++) {
      if (tryPin(pfn, ownerIndex, item)) {
        return true;
      }
      if (!holds(wordOf(pfn), ownerIndex, item)) {
        return false;
      }
      Cpu.relax(turn);
    }
    return false;
  }

  /// As [#pin(long, int, long)], but does not wait: for owners who hold a lock that they take to
  /// relocate, since a move that waits for the lock would be waited for.
  ///
  /// @param pfn its first frame
  /// @param ownerIndex who adopted it
  /// @param item as which
  /// @return false, and nothing has changed, if the item is not in this block any more, or is being
  ///   moved: the caller lets his lock go and looks again where it is
  /// @throws IllegalArgumentException if there is no such owner, item or frame
  /// @throws IllegalStateException if it has [#MAX_PINS] pins
  public boolean tryPin(long pfn, int ownerIndex, long item) {
    requireOwner(ownerIndex, item);
    FrameInfo plane = planeOf(pfn);
    while (true) {
      long word = plane.getAcquire(pfn);
      if (!holds(word, ownerIndex, item) || isMoving(word)) {
        return false;
      }
      if (FrameInfo.sharesOf(word) == MAX_PINS) {
        throw wrong("pin", pfn, word);
      }
      if (plane.compareAndSet(pfn, word, word + ONE_PIN)) {
        return true;
      }
    }
  }

  /// Notes a use of a block, if anybody keeps how often blocks are used.
  ///
  /// @param pfn the first frame of a block that the caller has pinned
  void touch(long pfn) {
    if (heat != null) {
      heat.touch(pfn);
    }
  }

  /// Takes one pin back.
  ///
  /// @param pfn the first frame of a block that the caller has pinned
  /// @param ownerIndex who adopted it
  /// @param item as which
  /// @throws IllegalArgumentException if there is no such owner, item or frame
  /// @throws IllegalStateException if the block does not hold the item, or is not pinned
  public void unpin(long pfn, int ownerIndex, long item) {
    requireOwner(ownerIndex, item);
    FrameInfo plane = planeOf(pfn);
    while (true) {
      long word = plane.getAcquire(pfn);
      int pins = FrameInfo.sharesOf(word);
      if (!holds(word, ownerIndex, item) || pins == 0 || pins == MOVING) {
        throw wrong("unpin", pfn, word);
      }
      if (plane.compareAndSet(pfn, word, word - ONE_PIN)) {
        return;
      }
    }
  }

  /// Whether a word says that a block may be moved at all, now or later.
  ///
  /// @param word any
  /// @return true for MOVABLE, PINNED and MOVING
  public static boolean isMovable(long word) {
    return FrameInfo.kindOf(word) >= FrameInfo.KIND_MOVABLE_FIRST;
  }

  /// How many pins a word says there are.
  ///
  /// @param word of a movable block
  /// @return 0 … [#MAX_PINS]; 0 while it is being moved
  public static int pinsOf(long word) {
    int pins = FrameInfo.sharesOf(word);
    return pins == MOVING ? 0 : pins;
  }

  /// Whether a word says that a block is being moved.
  ///
  /// @param word any
  /// @return true for MOVING
  public static boolean isMoving(long word) {
    return isMovable(word) && FrameInfo.sharesOf(word) == MOVING;
  }

  /// The word of a frame, for whoever looks for something to move.
  ///
  /// @param pfn of a plane
  /// @return the word, with acquire semantics
  /// @throws IllegalArgumentException if no plane has the frame
  public long wordOf(long pfn) {
    return planeOf(pfn).getAcquire(pfn);
  }

  /// Finds a word that its owner left behind: it says that a block is movable, or is being moved,
  /// where no allocated block begins. A breach is seen as long as the frame is free, waits in a
  /// cache, or lies within another block.
  ///
  /// Exact when nobody allocates, frees or moves. A load for each frame.
  ///
  /// @param map of a bank that lies in one of the planes
  /// @param fromPfn where the search begins; one above the last answer for the next one
  /// @return the lowest such frame of the bank from there on, or -1
  /// @throws IllegalArgumentException if no plane has one of the frames
  public long nextStray(FrameMap map, long fromPfn) {
    long endPfn = map.allocator().endPfn();
    for (long pfn = Math.max(fromPfn, map.allocator().startPfn()); pfn < endPfn; pfn++) {
      if (isMovable(wordOf(pfn)) && map.stateAt(pfn) != FrameMap.HEAD) {
        return pfn;
      }
    }
    return -1;
  }

  // ---- For movers ----

  /// Begins a move: from now on owners wait.
  ///
  /// @return whether the block was MOVABLE, and is MOVING now
  boolean begin(long pfn) {
    FrameInfo plane = planeOf(pfn);
    long word = plane.getAcquire(pfn);
    return isMovable(word)
        && FrameInfo.sharesOf(word) == 0
        && plane.compareAndSet(pfn, word, word | ALL_PINS);
  }

  /// Makes the target, which is the mover's, look as the source does, MOVING.
  void mirror(long fromPfn, long toPfn) {
    store(toPfn, wordOf(fromPfn));
  }

  /// The target is MOVABLE, and the source is in the mover's hands.
  void commit(long fromPfn, long toPfn) {
    if (heat != null) {
      heat.carry(fromPfn, toPfn);
    }
    store(toPfn, wordOf(toPfn) & ~ALL_PINS);
    store(fromPfn, captured());
  }

  /// The source is MOVABLE as before. The target, if there was one already, is in the mover's
  /// hands.
  ///
  /// @param toPfn or -1
  void abort(long fromPfn, long toPfn) {
    if (toPfn >= 0) {
      store(toPfn, captured());
    }
    store(fromPfn, wordOf(fromPfn) & ~ALL_PINS);
  }

  /// Who is asked to relocate what is MOVING here.
  MovableOwner ownerOf(long word) {
    MovableOwner owner = owners[FrameInfo.kindOf(word) - FrameInfo.KIND_MOVABLE_FIRST];
    if (owner == null) {
      throw new IllegalStateException("no owner is registered for kind " + FrameInfo.kindOf(word));
    }
    return owner;
  }

  /// Marks a block that its mover has allocated.
  void capture(long pfn) {
    store(pfn, captured());
  }

  /// Nothing is known of a block any more: before it is freed, or handed on.
  void forget(long pfn) {
    store(pfn, 0);
  }

  boolean isCaptured(long pfn) {
    return FrameInfo.kindOf(wordOf(pfn)) == FrameInfo.KIND_CAPTURED;
  }

  private static long captured() {
    return FrameInfo.KIND_CAPTURED;
  }

  /// Nobody else changes the word of a frame that is the mover's, or MOVING: the compare-and-set is
  /// for its order, and fails only when somebody broke the agreement.
  private void store(long pfn, long word) {
    FrameInfo plane = planeOf(pfn);
    long found = plane.getAcquire(pfn);
    if (!plane.compareAndSet(pfn, found, word)) {
      throw wrong("move", pfn, plane.getAcquire(pfn));
    }
  }

  private static boolean holds(long word, int ownerIndex, long item) {
    return FrameInfo.kindOf(word) == FrameInfo.KIND_MOVABLE_FIRST + ownerIndex
        && FrameInfo.ownerOf(word) == item;
  }

  private void requireOwner(int ownerIndex, long item) {
    if (ownerIndex < 0 || ownerIndex >= ownerCount || item < 0 || item > FrameInfo.MAX_OWNER) {
      throw new IllegalArgumentException(
          "no item " + item + " of movable owner " + ownerIndex + ": there are " + ownerCount);
    }
  }

  private FrameInfo planeOf(long pfn) {
    int plane = SortedRanges.indexOf(startPfns, endPfns, planes.length, pfn);
    if (plane < 0) {
      throw new IllegalArgumentException("no plane has frame " + AddressRange.hex(pfn));
    }
    return planes[plane];
  }

  private static IllegalStateException wrong(String what, long pfn, long word) {
    String state =
        isMoving(word) ? "being moved" : isMovable(word) ? "movable" : "not known as movable";
    return new IllegalStateException(
        "cannot "
            + what
            + " frame "
            + AddressRange.hex(pfn)
            + ": it is "
            + state
            + ", of kind "
            + FrameInfo.kindOf(word)
            + ", item "
            + FrameInfo.ownerOf(word)
            + ", with "
            + FrameInfo.sharesOf(word)
            + " pins");
  }
}
