package dev.bifolio.kernel.heap;

import dev.bifolio.kernel.platform.Memory;

/// The lists of one cache's slabs. Each slab is in exactly one, which its state names; of the last
/// two only the lengths are kept, since nobody looks for a slab there, and to link a slab that is
/// full would touch two others that nobody needs.
///
/// ```
///   1 … 8    partial: 1 has the fewest free objects, up to an eighth of them; 8 the most
///   9        empty: every object is free
///   10       full: none is
///   11       claimed: a CPU or an owner allocates from it
///
///            claim                       the last free object is gone
///   1 … 9 ─────────> claimed ──────────────────────────────> full
///     ^                                                       │
///     └────────────── the first object is freed ──────────────┘
/// ```
///
/// Frees do not move a slab from one partial list to another: a list is what the slab had free *at
/// least* when it was put there. Whoever looks for the fullest slab looks at the lists in order,
/// and first moves on what has more free by now. So a slab is claimed only if none is fuller by its
/// eighth, and a free costs nothing for it.
///
/// - L1 Only slabs that are claimed lose free objects; so a slab in list *i* has at least as many
///   free as list *i* says.
/// - L2 A slab that is in no claim and has a free object is not in the full list for longer than
///   somebody is about to move it: who puts it there looks at its rows afterwards, who frees into
///   it looks at its state afterwards.
/// - L3 A slab all of whose objects are free is empty, claimed, or about to be moved, likewise.
///
/// For the holder of the cache's lock, but for the counts.
final class SlabLists {
  static final int NONE = 0;
  static final int PARTIAL = 1;
  static final int PARTIAL_COUNT = 8;
  static final int EMPTY = 9;
  static final int FULL = 10;
  static final int CLAIMED = 11;
  static final int COUNT = 12;

  /// Heads and counts.
  static final long BYTE_SIZE = 2L * COUNT * Long.BYTES;

  private static final long COUNTS = (long) COUNT * Long.BYTES;

  private final long address;
  private final SlabRecords records;
  private final SlabGeometry geometry;

  SlabLists(long address, SlabRecords records, SlabGeometry geometry) {
    this.address = address;
    this.records = records;
    this.geometry = geometry;
  }

  long first(int list) {
    return Memory.getLong(address + (long) list * Long.BYTES);
  }

  long count(int list) {
    return Memory.getLongAcquire(address + COUNTS + (long) list * Long.BYTES);
  }

  /// Slabs in all lists.
  long slabCount() {
    long sum = 0;
    for (int list = PARTIAL; list < COUNT; list++) {
      sum += count(list);
    }
    return sum;
  }

  private void setFirst(int list, long record) {
    Memory.putLong(address + (long) list * Long.BYTES, record);
  }

  private void addCount(int list, int delta) {
    Memory.putLongRelease(address + COUNTS + (long) list * Long.BYTES, count(list) + delta);
  }

  /// Puts a slab that is in no list into one, in front.
  ///
  /// @param state its life and cache; the list is added
  void insert(long record, long state, int list) {
    if (list <= EMPTY) {
      long head = first(list);
      records.link(record, head, SlabRecords.NONE);
      if (head != SlabRecords.NONE) {
        records.link(head, records.next(head), record);
      }
      setFirst(list, record);
    }
    addCount(list, 1);
    SlabRecords.setState(records.at(record), state | list);
  }

  private void unlink(long record, int list) {
    addCount(list, -1);
    if (list > EMPTY) {
      return;
    }
    long next = records.next(record);
    long previous = records.previous(record);
    if (next != SlabRecords.NONE) {
      records.link(next, records.next(next), previous);
    }
    if (previous != SlabRecords.NONE) {
      records.link(previous, next, records.previous(previous));
    } else {
      setFirst(list, next);
    }
  }

  void move(long record, int list) {
    long state = SlabRecords.state(records.at(record));
    int from = SlabRecords.listOf(state);
    if (from != list) {
      unlink(record, from);
      insert(record, SlabRecords.withoutList(state), list);
    }
  }

  /// Ends the life of a slab in the empty list: from now on every free of its objects is refused.
  void remove(long record) {
    long slab = records.at(record);
    long state = SlabRecords.state(slab);
    unlink(record, SlabRecords.listOf(state));
    SlabRecords.setState(slab, SlabRecords.ended(state));
    for (int row = 0; row < geometry.rows; row++) {
      SlabRow.set(SlabRecords.row(slab, row), 0);
    }
  }

  /// The free objects of a slab, those of its owner too.
  int freeObjects(long slab) {
    int free = Integer.bitCount((int) Memory.getLongVolatile(SlabRecords.ownerWord(slab)));
    for (int row = 0; row < geometry.rows; row++) {
      free += Integer.bitCount(SlabRow.free(Memory.getLongVolatile(SlabRecords.row(slab, row))));
    }
    return free;
  }

  /// The list of a slab that nobody claims.
  int listFor(int free) {
    if (free == 0) {
      return FULL;
    }
    return free == geometry.objects
        ? EMPTY
        : PARTIAL + (free - 1) * PARTIAL_COUNT / geometry.objects;
  }

  /// Puts a slab that nobody claims, or nobody any more, where it belongs. Looks again until what
  /// it saw before it moved the slab is what is there afterwards.
  void settle(long record) {
    long slab = records.at(record);
    int list = listFor(freeObjects(slab));
    while (true) {
      move(record, list);
      int now = listFor(freeObjects(slab));
      if (now == list) {
        return;
      }
      list = now;
    }
  }

  /// Claims the fullest slab that has a free object.
  ///
  /// @return its record, or 0
  long claimFullest() {
    for (int list = PARTIAL; list <= EMPTY; list++) {
      for (long record = first(list); record != SlabRecords.NONE; record = first(list)) {
        if (list == EMPTY || listFor(freeObjects(records.at(record))) == list) {
          move(record, CLAIMED);
          return record;
        }
        settle(record);
      }
    }
    return SlabRecords.NONE;
  }
}
