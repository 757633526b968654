package dev.bifolio.kernel.heap;

import dev.bifolio.kernel.platform.Memory;

/// What each CPU allocates from: one row of a slab that it has claimed. Its free objects are the
/// CPU's magazine, and the row's word, which says so, is the only place where that is written.
///
/// ```
///   slot of a CPU, 64 bytes:   0 claim: tag 63…32 | row number 31…0      0: none
///                              8 pointer of the row's first object
///                             16 record of the slab                     0: none
/// ```
///
/// *Pop*: read the claim and the pointer, then the row; if the tags agree, take the lowest free
/// object by compare-and-set. If that succeeds, the row's tag had not gone up, so the claim was
/// good and the pointer was its own. *Let go*, under the cache's lock: the row's tag goes up, by
/// compare-and-set from a word with no free object; if one came back meanwhile, the row is kept.
/// Then the next row of the slab, or, if none has a free object, another slab.
///
/// Pop: any thread, one compare-and-set, no lock. The rest: for the holder of the cache's lock.
final class SlabClaims {
  /// A slot, a cache line.
  static final int SLOT_BYTES = 64;

  /// No object, in place of a pointer.
  static final long NONE = -1;

  private static final long ROW_MASK = 0xFFFF_FFFFL;

  private final SlabRecords records;
  private final SlabLists lists;
  private final SlabGeometry geometry;
  private final long directBase;

  SlabClaims(SlabRecords records, SlabLists lists, SlabGeometry geometry, long directBase) {
    this.records = records;
    this.lists = lists;
    this.geometry = geometry;
    this.directBase = directBase;
  }

  /// Takes an object of the claimed row.
  ///
  /// @return its pointer, or [#NONE]
  long pop(long slot) {
    while (true) {
      long claim = Memory.getLongVolatile(slot);
      long pointer = Memory.getLong(slot + 8);
      long row = records.rowAt(claim & ROW_MASK);
      long word = Memory.getLongVolatile(row);
      if (SlabRow.free(word) == 0 || !SlabRow.sameTag(word, claim)) {
        return NONE;
      }
      if (Memory.compareAndSetLong(row, word, word & (word - 1))) {
        return pointer + (long) Long.numberOfTrailingZeros(word) * geometry.stride;
      }
    }
  }

  static long recordOf(long slot) {
    return Memory.getLong(slot + 16);
  }

  static long claimOf(long slot) {
    return Memory.getLongVolatile(slot);
  }

  static long rowOf(long claim) {
    return claim & ROW_MASK;
  }

  static long pointerOf(long slot) {
    return Memory.getLong(slot + 8);
  }

  /// Sees to it that a slot has a row with a free object.
  ///
  /// @return false if the cache has no such row that is not in other hands
  boolean claimRow(long slot) {
    while (true) {
      long record = recordOf(slot);
      if (record != SlabRecords.NONE) {
        if (!letRowGo(slot, false) || claimRowOf(slot, record)) {
          return true;
        }
        Memory.putLong(slot + 16, SlabRecords.NONE);
        lists.settle(record);
      }
      record = lists.claimFullest();
      if (record == SlabRecords.NONE) {
        return false;
      }
      Memory.putLong(slot + 16, record);
    }
  }

  /// Gives a slot a slab that was just made.
  void give(long slot, long record) {
    Memory.putLong(slot + 16, record);
    claimRowOf(slot, record);
  }

  private boolean claimRowOf(long slot, long record) {
    long slab = records.at(record);
    for (int index = 0; index < geometry.rows; index++) {
      long row = SlabRecords.row(slab, index);
      long word = Memory.getLongVolatile(row);
      if (SlabRow.free(word) != 0) {
        Memory.putLong(slot + 8, pointerOfRow(slab, index));
        Memory.putLongRelease(slot, SlabRow.tag(word) | records.rowNumber(row));
        return true;
      }
    }
    return false;
  }

  long pointerOfRow(long slab, int index) {
    long first = directBase + SlabRecords.offsetOf(SlabRecords.placeOf(slab));
    return first + (long) index * SlabRow.OBJECTS * geometry.stride;
  }

  /// Ends the right to a row.
  ///
  /// @param always also if it has a free object
  /// @return false if it is kept
  private boolean letRowGo(long slot, boolean always) {
    long claim = claimOf(slot);
    if (claim == 0) {
      return true;
    }
    long row = records.rowAt(rowOf(claim));
    while (true) {
      long word = Memory.getLongVolatile(row);
      if (SlabRow.free(word) != 0 && !always) {
        return false;
      }
      if (Memory.compareAndSetLong(row, word, SlabRow.next(word, SlabRow.free(word)))) {
        Memory.putLongRelease(slot, 0);
        return true;
      }
    }
  }

  /// Takes a slot's slab away from it.
  void drain(long slot) {
    long record = recordOf(slot);
    if (record != SlabRecords.NONE) {
      boolean _ = letRowGo(slot, true);
      Memory.putLong(slot + 16, SlabRecords.NONE);
      lists.settle(record);
    }
  }
}
