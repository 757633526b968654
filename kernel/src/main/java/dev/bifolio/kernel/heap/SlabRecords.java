package dev.bifolio.kernel.heap;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.platform.SpinLock;

/// What is known of each slab, out of line: records in memory of their own, so that objects fill
/// their frames and a stray store into an object cannot break the heap.
///
/// ```
///   byte  0  state:  life 63…32 | cache 31…16 | units 15…8 | list 7…0
///                                                             list and cache 0: there is no slab
///         8  place:  first frame 63…20 | colour, bytes 19…0
///        16  links:  next 63…32 | previous 31…0              records, 0 is none
///        24  owner:  row + 1 63…32 | free objects 31…0       0: nobody owns a row; see SlabOwner
///        32  rows:   8 bytes each, see SlabRow
/// ```
///
/// A record takes as many units of 64 bytes as its rows need: one for up to 128 objects. Its number
/// is that of its first unit; a frame's `FrameInfo` has it. Units once used for a record of some
/// length are used for such records only, so whoever has the number of a slab that is no more reads
/// and compares words of the same meaning.
///
/// ```
///   header:  0 lock   8 first unit never used   16 records in use   64 … free records, a list
///                                                                    for each count of units
/// ```
///
/// - R1 A life goes up when a slab is made; state, place and rows belong together if the state has
///   the same life and a list before and after they were read.
/// - R2 The place changes only while the list is 0.
///
/// Any thread; taking and giving back a record under a lock.
final class SlabRecords {
  /// No record.
  static final long NONE = 0;

  private static final int UNIT_BYTES = 64;
  private static final int ROWS = 32;
  private static final int MOST_UNITS = 17;

  private static final long NEXT_UNIT = 8;
  private static final long IN_USE = 16;
  private static final long HEADS = 64;

  /// The header, and unit 0, which stays zero.
  private static final long FIRST = 256;

  private static final int LIFE_SHIFT = 32;
  private static final int CACHE_SHIFT = 16;
  private static final long CACHE_MASK = 0xFFFF;
  private static final int UNITS_SHIFT = 8;
  private static final long UNITS_MASK = 0xFF;
  private static final long LIST_MASK = 0xFF;
  private static final int FRAME_SHIFT = 20;
  private static final long COLOUR_MASK = (1L << FRAME_SHIFT) - 1;
  private static final int LINK_SHIFT = 32;
  private static final long LINK_MASK = 0xFFFF_FFFFL;

  private final long address;
  private final long unitCount;
  private final SpinLock lock;

  /// Records in zeroed memory.
  ///
  /// @param address a multiple of 64
  /// @param unitCount how many units there are
  SlabRecords(long address, long unitCount) {
    this.address = address;
    this.unitCount = unitCount;
    lock = new SpinLock(address);
  }

  static long byteSize(long unitCount) {
    return FIRST + (unitCount + 1) * UNIT_BYTES;
  }

  static int unitsFor(int rows) {
    return (ROWS + rows * Long.BYTES + UNIT_BYTES - 1) / UNIT_BYTES;
  }

  // ---- Records come and go ----

  /// Takes a record, whose words are as the last user left them.
  ///
  /// @return its number, or [#NONE]
  long allocate(int units) {
    if (units > MOST_UNITS) {
      throw new IllegalArgumentException("a record of " + units + " units");
    }
    long head = address + HEADS + units * (long) Long.BYTES;
    lock.lock();
    long record = Memory.getLong(head);
    if (record != NONE) {
      Memory.putLong(head, next(record));
    } else {
      long unused = Memory.getLong(address + NEXT_UNIT);
      if (unused + units <= unitCount) {
        record = unused + 1;
        Memory.putLongRelease(at(record), (long) units << UNITS_SHIFT);
        Memory.putLongRelease(address + NEXT_UNIT, unused + units);
      }
    }
    if (record != NONE) {
      addInUse(1);
    }
    lock.unlock();
    return record;
  }

  /// Gives back a record that is on no list.
  void free(long record, int units) {
    long head = address + HEADS + units * (long) Long.BYTES;
    lock.lock();
    link(record, Memory.getLong(head), NONE);
    Memory.putLong(head, record);
    addInUse(-1);
    lock.unlock();
  }

  private void addInUse(long count) {
    Memory.putLongRelease(address + IN_USE, inUse() + count);
  }

  /// Records that slabs have.
  long inUse() {
    return Memory.getLongAcquire(address + IN_USE);
  }

  /// Whether there can be a record of that number.
  boolean isRecord(long record) {
    return record > NONE && record <= Memory.getLongAcquire(address + NEXT_UNIT);
  }

  /// The record behind another one, in use or not: for walks over all of them.
  ///
  /// @param record a record, or [#NONE] for the first
  /// @return its number, or [#NONE] if there is none
  long after(long record) {
    long units = record == NONE ? 1 : state(at(record)) >>> UNITS_SHIFT & UNITS_MASK;
    return isRecord(record + units) ? record + units : NONE;
  }

  // ---- Their words ----

  long at(long record) {
    return address + FIRST + record * UNIT_BYTES;
  }

  /// The word of a row, by its number among the words behind [#at] 0: what a claim says.
  long rowAt(long rowNumber) {
    return address + FIRST + rowNumber * Long.BYTES;
  }

  long rowNumber(long row) {
    return (row - address - FIRST) / Long.BYTES;
  }

  static long row(long slab, int index) {
    return slab + ROWS + (long) index * Long.BYTES;
  }

  static long state(long slab) {
    return Memory.getLongVolatile(slab);
  }

  /// The state of a slab of which there is none, or none any more, when it is made.
  static long nextLife(long state, int cache) {
    return (state + (1L << LIFE_SHIFT)) | ((long) cache << CACHE_SHIFT);
  }

  /// The state without its list.
  static long withoutList(long state) {
    return state & ~LIST_MASK;
  }

  /// The state of a slab that is no more.
  static long ended(long state) {
    return state & ~(LIST_MASK | (CACHE_MASK << CACHE_SHIFT));
  }

  static int cacheOf(long state) {
    return (int) (state >>> CACHE_SHIFT & CACHE_MASK);
  }

  static int listOf(long state) {
    return (int) (state & LIST_MASK);
  }

  /// Whether two states are of one life of one slab, wherever it is listed.
  static boolean sameLife(long state, long other) {
    return ((state ^ other) & ~LIST_MASK) == 0;
  }

  /// Stores a state that only the caller may change, ordered before every load that follows.
  static void setState(long slab, long state) {
    while (!Memory.compareAndSetLong(slab, state(slab), state)) {
      // The first try succeeds: there is one writer.
    }
  }

  static void setPlace(long slab, long pfn, int colourBytes) {
    Memory.putLong(slab + 8, pfn << FRAME_SHIFT | colourBytes);
  }

  static long placeOf(long slab) {
    return Memory.getLong(slab + 8);
  }

  static long frameOf(long place) {
    return place >>> FRAME_SHIFT;
  }

  static int colourOf(long place) {
    return (int) (place & COLOUR_MASK);
  }

  /// The first object's distance from the pointer of frame 0.
  static long offsetOf(long place) {
    return (place >>> FRAME_SHIFT << 12) + (place & COLOUR_MASK);
  }

  static long ownerWord(long slab) {
    return slab + 24;
  }

  long next(long record) {
    return Memory.getLong(at(record) + 16) >>> LINK_SHIFT;
  }

  long previous(long record) {
    return Memory.getLong(at(record) + 16) & LINK_MASK;
  }

  void link(long record, long next, long previous) {
    Memory.putLong(at(record) + 16, next << LINK_SHIFT | previous);
  }
}
