package dev.bifolio.kernel.reclaim;

import dev.bifolio.kernel.platform.Memory;

/// The pages that a [PageCache] has, in memory words: a hash table without chains, the entries it
/// points to, and the hand that goes round over them.
///
/// ```
///   header, 64 bytes    first free entry + 1 | entries ever used | hand | pages | held pages
///
///   entry, 24 bytes     page
///                       frame; the next free entry + 1 if the entry is free
///                       bits 32 … 63 file | 8 … 23 pins | 3 dirty | 2 referenced | 0 … 1 state
///
///   table, 4 bytes a place, a power of two, at least twice the entries:   entry + 1, 0 is nothing
///
///     place   … 17   18   19   20   21 …        a page is at the place its hash says or in the
///               ┌────┬────┬────┬────┬────┐      unbroken row behind it; when one is taken out,
///               │  4 │  9 │  2 │  7 │  0 │      those behind it that may close the gap
///               └────┴────┴────┴────┴────┘
/// ```
///
/// Every call is made under the lock of the cache, but for the counts. No Java objects; all-zero
/// memory is an empty index. Costs are those of linear probing at half load: two to three loads.
///
/// **The hash.** A long row would be walked under the lock, so whoever chooses page numbers must
/// not be able to choose rows. A product alone can be undone: the multiples of the multiplier's
/// inverse all have the same upper bits. So bits are mixed down before each product and after it,
/// twice, with the file between the two; and a seed comes in at the front. Who knows the seed can
/// still find pages of one row by trying, so against those who may choose very many pages it is to
/// be kept from them. Where a page is in the table never shows in what the cache does.
///
/// Sources: Knuth, The Art of Computer Programming 3, 6.4, algorithms L and R; Crosby and Wallach,
/// Denial of Service via Algorithmic Complexity Attacks, 2003; Steele, Lea and Flood, Fast
/// Splittable Pseudorandom Number Generators, 2014 (shift, multiply, shift).
final class PageIndex {
  static final int MOST_ENTRIES = 1 << 28;

  static final int FREE = 0;

  /// Its bytes are on their way from the backing; nobody else may use the frame.
  static final int READING = 1;

  /// Its bytes are there.
  static final int READY = 2;

  /// As ready, and its bytes are on their way to the backing.
  static final int WRITING = 3;

  /// As many as the word of a movable frame can count.
  static final int MOST_PINS = 0xFFFE;

  private static final int PIN_BITS = 0xFFFF;

  private static final long STATE = 3;
  private static final long REFERENCED = 1 << 2;
  private static final long DIRTY = 1 << 3;
  private static final int PIN_SHIFT = 8;
  private static final long ONE_PIN = 1L << PIN_SHIFT;
  private static final int FILE_SHIFT = 32;

  private static final long FRESH = 8;
  private static final long HAND = 16;
  private static final long PAGES = 24;
  private static final long HELD = 32;
  private static final long HEADER_BYTES = 64;
  private static final long ENTRY_BYTES = 24;
  private static final long FRAME = 8;
  private static final long META = 16;

  private final long address;
  private final int capacity;
  private final long table;
  private final int mask;
  private final long seed;

  PageIndex(long address, int capacity, long seed) {
    this.address = address;
    this.capacity = capacity;
    this.seed = seed;
    table = address + HEADER_BYTES + capacity * ENTRY_BYTES;
    mask = places(capacity) - 1;
  }

  static long byteSize(int capacity) {
    return HEADER_BYTES + capacity * ENTRY_BYTES + (long) places(capacity) * Integer.BYTES;
  }

  /// The address, if it is legal.
  ///
  /// @throws IllegalArgumentException if it is not
  static long legalAddress(long address) {
    if ((address & 7) != 0 || address <= 0) {
      throw new IllegalArgumentException("expected an address that is a multiple of 8");
    }
    return address;
  }

  /// The capacity, if it is legal.
  ///
  /// @throws IllegalArgumentException if it is not
  static int legalCapacity(int capacity) {
    if (capacity < 1 || capacity > MOST_ENTRIES) {
      throw new IllegalArgumentException(
          "expected a capacity of 1 to " + MOST_ENTRIES + " pages, found " + capacity);
    }
    return capacity;
  }

  /// A seed for a cache that was given none, so that caches differ and every run is the same.
  static long defaultSeed(int capacity, int nid) {
    return mix((long) capacity << 32 ^ nid);
  }

  private static int places(int capacity) {
    return Integer.highestOneBit(capacity) << 2;
  }

  int capacity() {
    return capacity;
  }

  /// How many entries were ever used: all pages are in entries below. Any thread.
  int entryCount() {
    return (int) Memory.getLongVolatile(address + FRESH);
  }

  /// Pages in the index. Any thread.
  long pageCount() {
    return Memory.getLongVolatile(address + PAGES);
  }

  /// Pages with pins. Any thread.
  long heldCount() {
    return Memory.getLongVolatile(address + HELD);
  }

  /// The entry of a page, or -1.
  int find(int file, long page) {
    for (int place = home(file, page); ; place = (place + 1) & mask) {
      int entry = at(place) - 1;
      if (entry < 0 || isOf(entry, file, page)) {
        return entry;
      }
    }
  }

  /// Adds a page that is not there, READING and with one pin.
  ///
  /// @return its entry, or -1 if all are in use
  int insert(int file, long page, long frame) {
    int entry = takeEntry();
    if (entry < 0) {
      return entry;
    }
    int place = home(file, page);
    while (at(place) != 0) {
      place = (place + 1) & mask;
    }
    putAt(place, entry + 1);
    Memory.putLong(entry(entry), page);
    Memory.putLong(entry(entry) + FRAME, frame);
    Memory.putLong(entry(entry) + META, ((long) file << FILE_SHIFT) | ONE_PIN | READING);
    count(PAGES, 1);
    count(HELD, 1);
    return entry;
  }

  private int takeEntry() {
    long first = Memory.getLong(address);
    if (first != 0) {
      int entry = (int) first - 1;
      Memory.putLong(address, Memory.getLong(entry(entry) + FRAME));
      return entry;
    }
    long fresh = Memory.getLong(address + FRESH);
    if (fresh == capacity) {
      return -1;
    }
    Memory.putLongRelease(address + FRESH, fresh + 1);
    return (int) fresh;
  }

  /// Takes a page out, pinned or not.
  void remove(int entry) {
    int gap = home(file(entry), page(entry));
    while (at(gap) != entry + 1) {
      gap = (gap + 1) & mask;
    }
    for (int place = (gap + 1) & mask; at(place) != 0; place = (place + 1) & mask) {
      int other = at(place) - 1;
      int home = home(file(other), page(other));
      if (((place - home) & mask) >= ((place - gap) & mask)) {
        putAt(gap, other + 1);
        gap = place;
      }
    }
    putAt(gap, 0);
    if (pins(entry) != 0) {
      count(HELD, -1);
    }
    count(PAGES, -1);
    Memory.putLong(entry(entry) + META, FREE);
    Memory.putLong(entry(entry) + FRAME, Memory.getLong(address));
    Memory.putLong(address, entry + 1L);
  }

  /// The entry the hand points at, of those ever used, of which there must be one; the hand goes
  /// on.
  int underHand() {
    long entry = Memory.getLong(address + HAND);
    Memory.putLong(address + HAND, entry + 1 == entryCount() ? 0 : entry + 1);
    return (int) entry;
  }

  boolean isOf(int entry, int file, long page) {
    return file(entry) == file && page(entry) == page;
  }

  long page(int entry) {
    return Memory.getLong(entry(entry));
  }

  int file(int entry) {
    return (int) (meta(entry) >> FILE_SHIFT);
  }

  long frame(int entry) {
    return Memory.getLong(entry(entry) + FRAME);
  }

  void setFrame(int entry, long frame) {
    Memory.putLong(entry(entry) + FRAME, frame);
  }

  int state(int entry) {
    return (int) (meta(entry) & STATE);
  }

  void setState(int entry, int state) {
    setMeta(entry, (meta(entry) & ~STATE) | state);
  }

  boolean isReferenced(int entry) {
    return (meta(entry) & REFERENCED) != 0;
  }

  void setReferenced(int entry, boolean referenced) {
    setMeta(entry, referenced ? meta(entry) | REFERENCED : meta(entry) & ~REFERENCED);
  }

  boolean isDirty(int entry) {
    return (meta(entry) & DIRTY) != 0;
  }

  void setDirty(int entry, boolean dirty) {
    setMeta(entry, dirty ? meta(entry) | DIRTY : meta(entry) & ~DIRTY);
  }

  int pins(int entry) {
    return (int) (meta(entry) >>> PIN_SHIFT) & PIN_BITS;
  }

  void pin(int entry) {
    if (pins(entry) == 0) {
      count(HELD, 1);
    }
    setMeta(entry, meta(entry) + ONE_PIN);
  }

  void unpin(int entry) {
    setMeta(entry, meta(entry) - ONE_PIN);
    if (pins(entry) == 0) {
      count(HELD, -1);
    }
  }

  private long meta(int entry) {
    return Memory.getLong(entry(entry) + META);
  }

  private void setMeta(int entry, long meta) {
    Memory.putLong(entry(entry) + META, meta);
  }

  private void count(long word, long delta) {
    Memory.putLongRelease(address + word, Memory.getLong(address + word) + delta);
  }

  /// Where the row of a page begins.
  int home(int file, long page) {
    long first = mix(page ^ seed);
    return (int) mix(first + file * 0xC2B2_AE3D_27D4_EB4FL) & mask;
  }

  private static long mix(long bits) {
    long product = (bits ^ (bits >>> 32)) * 0x9E37_79B9_7F4A_7C15L;
    return product ^ (product >>> 29);
  }

  private long entry(int entry) {
    return address + HEADER_BYTES + entry * ENTRY_BYTES;
  }

  private int at(int place) {
    return Memory.getInt(table + (long) place * Integer.BYTES);
  }

  private void putAt(int place, int value) {
    Memory.putInt(table + (long) place * Integer.BYTES, value);
  }
}
