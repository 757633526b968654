package dev.bifolio.kernel.boot;

/// Where a memblock has room: memory, less what must not be mapped, less what is reserved.
///
/// Searches walk the memory regions from one end, and inside each the gaps between reservations
/// from the same end; the first gap that holds the aligned request wins. Regions outside of the
/// bounds are not looked at: binary searches find the first and the last. A gap never reaches from
/// one memory region into the next, which is why no request straddles nodes. O(n) of both lists at
/// worst; nothing is changed. One thread.
final class FreeSpace {
  private final RegionList memory;
  private final RegionList reserved;
  private long foundBase;
  private long foundEnd;
  private int foundNode = Memblock.NO_NODE;

  FreeSpace(RegionList memory, RegionList reserved) {
    this.memory = memory;
    this.reserved = reserved;
  }

  long foundBase() {
    return foundBase;
  }

  long foundEnd() {
    return foundEnd;
  }

  int foundNode() {
    return foundNode;
  }

  /// Finds the lowest free range that ends above `from`, cut there.
  boolean next(long from, int node) {
    return next(from, RegionList.END_OF_SPACE, node);
  }

  /// Finds the lowest free range between two addresses, cut at both; looks at nothing outside.
  boolean next(long from, long to, int node) {
    for (int m = memory.firstEndingAbove(from);
        m < memory.count() && RegionList.isBelow(memory.base(m), to);
        m++) {
      long low = RegionList.max(memory.base(m), from);
      long high = RegionList.min(memory.end(m), to);
      if (isUsable(m, node, 0) && nextGap(low, high)) {
        foundNode = memory.node(m);
        return true;
      }
    }
    return false;
  }

  /// Finds room by the order of tries that [Memblock] documents.
  long find(
      long byteSize,
      long alignment,
      long min,
      long max,
      int node,
      boolean exactNode,
      boolean bottomUp) {
    long found = Memblock.NO_ADDRESS;
    if (memory.anyFlags(Memblock.MIRROR)) {
      found = findNear(byteSize, alignment, min, max, node, exactNode, bottomUp, Memblock.MIRROR);
    }
    if (found == Memblock.NO_ADDRESS) {
      found = findNear(byteSize, alignment, min, max, node, exactNode, bottomUp, 0);
    }
    return found;
  }

  /// Finds room between two bounds that both hold.
  long find(long byteSize, long alignment, long min, long max, boolean bottomUp) {
    return findBetween(byteSize, alignment, min, max, Memblock.NO_NODE, bottomUp, 0);
  }

  private long findNear(
      long byteSize,
      long alignment,
      long min,
      long max,
      int node,
      boolean exactNode,
      boolean bottomUp,
      int flags) {
    long found = findBetween(byteSize, alignment, min, max, node, bottomUp, flags);
    if (found == Memblock.NO_ADDRESS && min != 0) {
      found = findBetween(byteSize, alignment, 0, max, node, bottomUp, flags);
    }
    if (found == Memblock.NO_ADDRESS && node != Memblock.NO_NODE && !exactNode) {
      found = findNear(byteSize, alignment, min, max, Memblock.NO_NODE, true, bottomUp, flags);
    }
    return found;
  }

  private long findBetween(
      long byteSize, long alignment, long min, long max, int node, boolean bottomUp, int flags) {
    if (!RegionList.isBelow(min, max)) {
      return Memblock.NO_ADDRESS;
    }
    int first = memory.firstEndingAbove(min);
    int end = memory.firstAtOrAbove(max);
    for (int i = first; i < end; i++) {
      int m = bottomUp ? i : first + end - 1 - i;
      if (isUsable(m, node, flags)) {
        long low = RegionList.max(memory.base(m), min);
        long high = RegionList.min(memory.end(m), max);
        long found =
            bottomUp
                ? findUpwards(byteSize, alignment, low, high)
                : findDownwards(byteSize, alignment, low, high);
        if (found != Memblock.NO_ADDRESS) {
          return found;
        }
      }
    }
    return Memblock.NO_ADDRESS;
  }

  private long findUpwards(long byteSize, long alignment, long low, long high) {
    long from = low;
    while (RegionList.isBelow(from, high) && nextGap(from, high)) {
      long start = (foundBase + (alignment - 1)) & -alignment;
      if (!RegionList.isBelow(start, foundBase)
          && RegionList.isBelow(start, foundEnd)
          && !RegionList.isBelow(foundEnd - start, byteSize)) {
        return start;
      }
      from = foundEnd;
    }
    return Memblock.NO_ADDRESS;
  }

  private long findDownwards(long byteSize, long alignment, long low, long high) {
    long gapEnd = high;
    int r = reserved.firstEndingAbove(high);
    if (r == reserved.count() || !RegionList.isBelow(reserved.base(r), high)) {
      r--;
    }
    while (RegionList.isBelow(low, gapEnd)) {
      long gapBase = r < 0 ? low : RegionList.max(low, RegionList.min(reserved.end(r), gapEnd));
      if (!RegionList.isBelow(gapEnd - gapBase, byteSize)) {
        long start = (gapEnd - byteSize) & -alignment;
        if (!RegionList.isBelow(start, gapBase)) {
          return start;
        }
      }
      if (r < 0) {
        return Memblock.NO_ADDRESS;
      }
      gapEnd = RegionList.min(gapEnd, reserved.base(r));
      r--;
    }
    return Memblock.NO_ADDRESS;
  }

  /// The lowest range without reservation between two addresses that are memory.
  private boolean nextGap(long from, long end) {
    long base = from;
    for (int r = reserved.firstEndingAbove(base); RegionList.isBelow(base, end); r++) {
      if (r == reserved.count() || RegionList.isBelow(base, reserved.base(r))) {
        foundBase = base;
        foundEnd = r == reserved.count() ? end : RegionList.min(end, reserved.base(r));
        return true;
      }
      base = reserved.end(r);
    }
    return false;
  }

  private boolean isUsable(int index, int node, int flags) {
    int have = memory.flags(index);
    return (have & Memblock.NOMAP) == 0
        && (have & flags) == flags
        && (node == Memblock.NO_NODE || memory.node(index) == node);
  }
}
