package dev.bifolio.kernel.reclaim;

import dev.bifolio.kernel.platform.Memory;

/// A set of frames as ranges, in memory words: disjoint, ascending, none touching the next.
///
/// ```
///   address   [ count │ start │ end │ start │ end │ … ]
/// ```
///
/// For one thread at a time; no Java objects. O(ranges).
final class HotRanges {
  private static final long FIRST = Long.BYTES;
  private static final long RANGE_BYTES = 2L * Long.BYTES;

  private final long address;
  private final int capacity;

  /// An empty set.
  ///
  /// @param address of [#byteSize] zero bytes, a multiple of 8
  /// @param capacity the most ranges, 1 or more
  HotRanges(long address, int capacity) {
    this.address = address;
    this.capacity = capacity;
  }

  static long byteSize(int capacity) {
    return FIRST + capacity * RANGE_BYTES;
  }

  int count() {
    return (int) Memory.getLong(address);
  }

  long startPfn(int range) {
    return Memory.getLong(address + FIRST + range * RANGE_BYTES);
  }

  long endPfn(int range) {
    return Memory.getLong(address + FIRST + range * RANGE_BYTES + Long.BYTES);
  }

  private void put(int range, long startPfn, long endPfn) {
    Memory.putLong(address + FIRST + range * RANGE_BYTES, startPfn);
    Memory.putLong(address + FIRST + range * RANGE_BYTES + Long.BYTES, endPfn);
  }

  /// The range that ends at a frame or behind it, [#count()] if none does.
  private int firstEndingAt(long pfn) {
    int range = 0;
    while (range < count() && endPfn(range) < pfn) {
      range++;
    }
    return range;
  }

  /// The range that holds all of these frames, -1 if none does.
  int rangeWith(long startPfn, long endPfn) {
    int range = firstEndingAt(endPfn);
    return range < count() && startPfn(range) <= startPfn ? range : -1;
  }

  /// Whether any of these frames is in the set.
  boolean intersects(long startPfn, long endPfn) {
    int range = firstEndingAt(startPfn + 1);
    return range < count() && startPfn(range) < endPfn;
  }

  /// Whether there is room for one more range: then anything can be added or removed once.
  boolean hasRoom() {
    return count() < capacity;
  }

  /// Adds frames of which none is in the set.
  ///
  /// @return false if there is no room; nothing has changed then
  boolean add(long startPfn, long endPfn) {
    int range = firstEndingAt(startPfn);
    boolean joinsLower = range < count() && endPfn(range) == startPfn;
    int above = joinsLower ? range + 1 : range;
    boolean joinsUpper = above < count() && startPfn(above) == endPfn;
    if (joinsLower) {
      put(range, startPfn(range), joinsUpper ? endPfn(above) : endPfn);
      if (joinsUpper) {
        close(above);
      }
      return true;
    }
    if (joinsUpper) {
      put(above, startPfn, endPfn(above));
      return true;
    }
    return open(range) && write(range, startPfn, endPfn);
  }

  private boolean write(int range, long startPfn, long endPfn) {
    put(range, startPfn, endPfn);
    return true;
  }

  /// Removes frames that are all in one range.
  ///
  /// @return false if there is no room for what is left; nothing has changed then
  boolean remove(long startPfn, long endPfn) {
    int range = rangeWith(startPfn, endPfn);
    long low = startPfn(range);
    long high = endPfn(range);
    if (low == startPfn && high == endPfn) {
      close(range);
      return true;
    }
    if (low == startPfn) {
      return write(range, endPfn, high);
    }
    if (high == endPfn) {
      return write(range, low, startPfn);
    }
    return open(range + 1) && write(range, low, startPfn) && write(range + 1, endPfn, high);
  }

  /// Makes room for a range before others.
  private boolean open(int range) {
    if (!hasRoom()) {
      return false;
    }
    for (int i = count(); i > range; i--) {
      put(i, startPfn(i - 1), endPfn(i - 1));
    }
    Memory.putLong(address, count() + 1L);
    return true;
  }

  private void close(int range) {
    for (int i = range + 1; i < count(); i++) {
      put(i - 1, startPfn(i), endPfn(i));
    }
    Memory.putLong(address, count() - 1L);
  }
}
