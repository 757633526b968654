package dev.bifolio.kernel.boot;

import dev.bifolio.kernel.platform.Memory;

/// A sorted list of disjoint address ranges with attributes, in raw memory.
///
/// # Overview
///
/// Every change of a memblock list is one pass over the few regions it touches, the *window*. The
/// pass cuts each region of the window at the two borders of the change, decides for each piece
/// whether it stays, goes, or gets other attributes, fills gaps if the change adds, and sends the
/// pieces through one emitter that joins a piece to its predecessor if they touch and are equal:
///
/// ```
///  before    ┌── a ──┐   ┌── b ──┐┌── c ──┐          entry: base, end, attributes (24 bytes)
///  change         [ add x ................ )
///  pieces    ┌ a ┬ a ┬ x ┬── b ──┬─ c ┬ c ┬ x ┐
///  after     ┌── a ──┬ x ┬── b ──┬── c ───┬ x ┐      joined again where attributes are equal
/// ```
///
/// The pass runs twice: once counting only, which tells how much room is needed before anything
/// changes, and once writing. Writing overtakes reading by at most `excess` entries (found by the
/// first pass), so the window is first moved up by that many.
///
/// - I1 Entries are sorted; `base < end <= entry[i+1].base`, unsigned.
/// - I2 Entries that touch differ in attributes.
/// - I3 `totalBytes` is the sum of all sizes.
/// - I4 `end` is at most 2^64 - 1; the last byte of the address space belongs to no region, so that
///   no end ever wraps to zero.
///
/// One thread. Finding is O(log n); a change is O(window) and a block move of the tail. Reading is
/// open to all, changes to [Memblock] only.
public final class RegionList {
  /// Bytes of an entry.
  static final int ENTRY_BYTES = 24;

  /// The end of the address space as this list sees it, exclusive: 2^64 - 1, unsigned.
  static final long END_OF_SPACE = -1L;

  static final int ADD = 0;
  static final int REMOVE = 1;
  static final int CHANGE = 2;

  private static final int END = 8;
  private static final int ATTRIBUTES = 16;

  private long address;
  private int capacity;
  private int count;
  private long totalBytes;
  private int flagsEverSet;

  // The change under way: what it is, and the state of the emitter.
  private int change;
  private long changeBase;
  private long changeEnd;
  private long setBits;
  private long keepMask;
  private int windowStart;
  private int windowCount;
  private int excess;
  private int outCount;
  private boolean writing;
  private boolean pending;
  private long pendingBase;
  private long pendingEnd;
  private long pendingAttributes;

  RegionList(long address, int capacity) {
    this.address = address;
    this.capacity = capacity;
  }

  /// How many regions there are.
  ///
  /// @return 0 or more
  public int count() {
    return count;
  }

  /// How many regions fit before the list must grow.
  ///
  /// @return 128 or more
  public int capacity() {
    return capacity;
  }

  /// The sum of all sizes.
  ///
  /// @return bytes, unsigned
  public long totalBytes() {
    return totalBytes;
  }

  /// First byte of a region.
  ///
  /// @param index 0 … [#count()] - 1
  /// @return an address, unsigned
  public long base(int index) {
    return Memory.getLong(entry(index));
  }

  /// Behind the last byte of a region.
  ///
  /// @param index 0 … [#count()] - 1
  /// @return an address, unsigned, never 0
  public long end(int index) {
    return Memory.getLong(entry(index) + END);
  }

  /// The size of a region.
  ///
  /// @param index 0 … [#count()] - 1
  /// @return bytes, unsigned, not 0
  public long byteSize(int index) {
    return end(index) - base(index);
  }

  /// The NUMA node of a region.
  ///
  /// @param index 0 … [#count()] - 1
  /// @return its id or [Memblock#NO_NODE]
  public int node(int index) {
    return nodeOf(attributes(index));
  }

  /// The flags of a region.
  ///
  /// @param index 0 … [#count()] - 1
  /// @return bits of [Memblock]
  public int flags(int index) {
    return flagsOf(attributes(index));
  }

  /// Whether a range has a byte in common with a region; touching edges do not count.
  ///
  /// @param base first byte, unsigned
  /// @param byteSize bytes, unsigned; cut at the end of the address space
  /// @return true if they overlap
  public boolean overlaps(long base, long byteSize) {
    int index = firstEndingAbove(base);
    return byteSize != 0 && index < count && isBelow(base(index), clippedEnd(base, byteSize));
  }

  /// Whether a byte lies in a region.
  ///
  /// @param at an address, unsigned
  /// @return true if it does
  public boolean contains(long at) {
    int index = firstEndingAbove(at);
    return index < count && !isBelow(at, base(index));
  }

  long attributes(int index) {
    return Memory.getLong(entry(index) + ATTRIBUTES);
  }

  long address() {
    return address;
  }

  static long attributesOf(int node, int flags) {
    return (long) flags << 32 | (node & 0xFFFF_FFFFL);
  }

  static int nodeOf(long attributes) {
    return (int) attributes;
  }

  static int flagsOf(long attributes) {
    return (int) (attributes >>> 32);
  }

  static boolean isBelow(long a, long b) {
    return Long.compareUnsigned(a, b) < 0;
  }

  /// The end of a range, cut at the end of the address space.
  static long clippedEnd(long base, long byteSize) {
    long end = base + byteSize;
    return isBelow(end, base) ? END_OF_SPACE : end;
  }

  /// The first region whose end is above an address: the one that holds it, or the next one.
  int firstEndingAbove(long at) {
    int low = 0;
    int high = count;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (isBelow(at, end(middle))) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }

  /// The first region that begins at or above an address.
  int firstAtOrAbove(long at) {
    int low = 0;
    int high = count;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (isBelow(base(middle), at)) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /// Whether any of some flags was ever set, even if no region has it any more: most machines never
  /// set one, and a search that asks for it can be left out.
  boolean anyFlags(int flags) {
    return (flagsEverSet & flags) != 0;
  }

  /// Prepares a change and says how many entries the list must have room for while it is made.
  ///
  /// @param keep the attribute bits that a CHANGE leaves alone
  /// @param set the attributes of added bytes, or the bits that a CHANGE sets
  int prepare(int newChange, long base, long end, long keep, long set) {
    change = newChange;
    changeBase = base;
    changeEnd = end;
    keepMask = keep;
    setBits = set;
    // Neighbours that only touch belong to the window, since the change may join them.
    windowStart = base == 0 ? 0 : firstEndingAbove(base - 1);
    int windowEnd = windowStart;
    while (windowEnd < count && !isBelow(end, base(windowEnd))) {
      windowEnd++;
    }
    windowCount = windowEnd - windowStart;
    excess = 0;
    writing = false;
    pass(windowStart);
    excess = Math.max(excess, outCount - windowCount);
    return count + excess;
  }

  /// Makes the prepared change; the list must have the room that [#prepare] named.
  void commit() {
    move(windowStart, windowStart + excess, count - windowStart);
    writing = true;
    pass(windowStart + excess);
    int tailFrom = windowStart + windowCount;
    move(tailFrom + excess, windowStart + outCount, count - tailFrom);
    count += outCount - windowCount;
  }

  /// Moves the list to larger storage.
  void relocate(long newAddress, int newCapacity) {
    Memory.copy(address, newAddress, (long) count * ENTRY_BYTES);
    address = newAddress;
    capacity = newCapacity;
  }

  /// Rounds every region inward to an alignment and drops what vanishes.
  void trim(long byteAlignment) {
    long mask = byteAlignment - 1;
    int out = 0;
    totalBytes = 0;
    for (int i = 0; i < count; i++) {
      long base = (base(i) + mask) & ~mask;
      long end = end(i) & ~mask;
      if (!isBelow(base, base(i)) && isBelow(base, end)) {
        put(out++, base, end, attributes(i));
        totalBytes += end - base;
      }
    }
    count = out;
  }

  /// One pass over the window, whose entries are at `from` now.
  private void pass(int from) {
    outCount = 0;
    pending = false;
    long cursor = changeBase;
    for (int i = 0; i < windowCount; i++) {
      long base = base(from + i);
      long end = end(from + i);
      long attributes = attributes(from + i);
      if (writing) {
        totalBytes -= end - base;
      }
      if (change == ADD && isBelow(cursor, base)) {
        emit(cursor, base, setBits);
      }
      cutAndEmit(base, end, attributes);
      cursor = max(cursor, min(end, changeEnd));
      excess = Math.max(excess, outCount - (i + 1));
    }
    if (change == ADD && isBelow(cursor, changeEnd)) {
      emit(cursor, changeEnd, setBits);
    }
    flush();
  }

  /// Sends on what remains of one region: the part below the change, the part in it, and the part
  /// above.
  private void cutAndEmit(long base, long end, long attributes) {
    if (isBelow(base, changeBase)) {
      emit(base, min(end, changeBase), attributes);
    }
    long insideBase = max(base, changeBase);
    long insideEnd = min(end, changeEnd);
    if (change != REMOVE && isBelow(insideBase, insideEnd)) {
      emit(
          insideBase, insideEnd, change == CHANGE ? (attributes & keepMask) | setBits : attributes);
    }
    if (isBelow(changeEnd, end)) {
      emit(max(base, changeEnd), end, attributes);
    }
  }

  private void emit(long base, long end, long attributes) {
    if (pending && pendingEnd == base && pendingAttributes == attributes) {
      pendingEnd = end;
      return;
    }
    flush();
    pending = true;
    pendingBase = base;
    pendingEnd = end;
    pendingAttributes = attributes;
  }

  private void flush() {
    if (!pending) {
      return;
    }
    if (writing) {
      put(windowStart + outCount, pendingBase, pendingEnd, pendingAttributes);
      totalBytes += pendingEnd - pendingBase;
    }
    outCount++;
    pending = false;
  }

  private void put(int index, long base, long end, long attributes) {
    long entry = entry(index);
    flagsEverSet |= flagsOf(attributes);
    Memory.putLong(entry, base);
    Memory.putLong(entry + END, end);
    Memory.putLong(entry + ATTRIBUTES, attributes);
  }

  private void move(int from, int to, int entryCount) {
    if (from != to && entryCount > 0) {
      Memory.copy(entry(from), entry(to), (long) entryCount * ENTRY_BYTES);
    }
  }

  private long entry(int index) {
    return address + (long) index * ENTRY_BYTES;
  }

  static long min(long a, long b) {
    return isBelow(b, a) ? b : a;
  }

  static long max(long a, long b) {
    return isBelow(a, b) ? b : a;
  }
}
