package dev.bifolio.kernel.firmware;

import dev.bifolio.kernel.unit.AddressRange;

/// Puts ranges in order: a stable sort, and the flattening of overlapping memory ranges.
///
/// Both are O(n log n) whatever the input, because the input is hostile: 65,536 ranges in the worst
/// order must not take seconds.
final class RegionOrder {
  private RegionOrder() {}

  /// The permutation that sorts `keys` as unsigned numbers and leaves equal keys in their order.
  static int[] stableByUnsignedKey(long[] keys) {
    int count = keys.length;
    int[] from = new int[count];
    int[] to = new int[count];
    for (int i = 0; i < count; i++) {
      from[i] = i;
    }
    for (int width = 1; width < count; width *= 2) {
      for (int left = 0; left < count; left += 2 * width) {
        mergeRuns(keys, from, to, left, Math.min(left + width, count), 2 * width);
      }
      int[] swap = from;
      from = to;
      to = swap;
    }
    return from;
  }

  private static void mergeRuns(long[] keys, int[] from, int[] to, int left, int middle, int span) {
    int end = Math.min(left + span, from.length);
    int i = left;
    int j = middle;
    for (int k = left; k < end; k++) {
      boolean takeLeft =
          i < middle && (j >= end || Long.compareUnsigned(keys[from[i]], keys[from[j]]) <= 0);
      to[k] = takeLeft ? from[i++] : from[j++];
    }
  }

  /// Sorts and merges memory ranges. A sweep from the lowest address up holds the ranges that cover
  /// the cursor in a heap ordered by the position in which they were stated, so the one stated
  /// first owns the bytes.
  static MemoryRegion[] flatten(MemoryRegion[] stated, MemoryMapBuilder warnings) {
    long[] bases = new long[stated.length];
    for (int i = 0; i < stated.length; i++) {
      bases[i] = stated[i].range().base();
    }
    int[] byBase = stableByUnsignedKey(bases);
    MemoryRegion[] merged = new MemoryRegion[2 * stated.length];
    int mergedCount = 0;
    IndexHeap covering = new IndexHeap(stated.length);
    int next = 0;
    long cursor = 0;
    boolean done = false;
    while (!done) {
      while (!covering.isEmpty()
          && Long.compareUnsigned(stated[covering.least()].range().last(), cursor) < 0) {
        covering.removeLeast();
      }
      if (covering.isEmpty()) {
        if (next == byBase.length) {
          break;
        }
        cursor = bases[byBase[next]];
      }
      while (next < byBase.length && bases[byBase[next]] == cursor) {
        covering.add(byBase[next++]);
      }
      MemoryRegion owner = stated[covering.least()];
      long last = owner.range().last();
      if (next < byBase.length && Long.compareUnsigned(bases[byBase[next]], last) <= 0) {
        last = bases[byBase[next]] - 1;
      }
      mergedCount = append(merged, mergedCount, cursor, last, owner);
      done = last == -1L;
      cursor = last + 1;
    }
    MemoryRegion[] result = new MemoryRegion[mergedCount];
    System.arraycopy(merged, 0, result, 0, mergedCount);
    warnOfLosers(stated, result, warnings);
    return result;
  }

  /// Warns of each stated range that lost bytes to one of another kind: exactly those that do not
  /// lie whole in one range of their own kind, because equal neighbours are merged.
  private static void warnOfLosers(
      MemoryRegion[] stated, MemoryRegion[] merged, MemoryMapBuilder warnings) {
    for (MemoryRegion each : stated) {
      MemoryRegion holder = merged[holderOf(each.range().base(), merged)];
      boolean whole =
          Long.compareUnsigned(each.range().last(), holder.range().last()) <= 0
              || (holder.range().base() == 0 && holder.range().byteSize() == -1L);
      if (!whole || !sameKind(each, holder)) {
        warnings.addWarning(
            "memory range "
                + each.range()
                + " overlaps one stated earlier with another node or hotpluggable, which keeps the"
                + " common bytes");
      }
    }
  }

  /// The last range that does not begin behind `address`.
  private static int holderOf(long address, MemoryRegion[] merged) {
    int low = 0;
    int high = merged.length - 1;
    while (low < high) {
      int middle = (low + high + 1) >>> 1;
      if (Long.compareUnsigned(merged[middle].range().base(), address) <= 0) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low;
  }

  private static int append(
      MemoryRegion[] merged, int count, long base, long last, MemoryRegion owner) {
    if (count > 0
        && merged[count - 1].range().last() + 1 == base
        && sameKind(merged[count - 1], owner)) {
      long start = merged[count - 1].range().base();
      merged[count - 1] = region(start, last, owner);
      return count;
    }
    merged[count] = region(base, last, owner);
    return count + 1;
  }

  private static MemoryRegion region(long base, long last, MemoryRegion kind) {
    // All 2^64 bytes do not fit a size; one byte less is no loss on any machine.
    long byteSize = base == 0 && last == -1L ? -1L : last - base + 1;
    return new MemoryRegion(new AddressRange(base, byteSize), kind.node(), kind.hotpluggable());
  }

  private static boolean sameKind(MemoryRegion a, MemoryRegion b) {
    return a.node() == b.node() && a.hotpluggable() == b.hotpluggable();
  }

  /// A binary heap of small numbers.
  private static final class IndexHeap {
    private final int[] items;
    private int count;

    IndexHeap(int capacity) {
      items = new int[capacity];
    }

    boolean isEmpty() {
      return count == 0;
    }

    int least() {
      return items[0];
    }

    void add(int item) {
      int at = count++;
      while (at > 0 && items[(at - 1) / 2] > item) {
        items[at] = items[(at - 1) / 2];
        at = (at - 1) / 2;
      }
      items[at] = item;
    }

    void removeLeast() {
      int item = items[--count];
      int at = 0;
      while (2 * at + 1 < count) {
        int child = 2 * at + 1;
        if (child + 1 < count && items[child + 1] < items[child]) {
          child++;
        }
        if (items[child] >= item) {
          break;
        }
        items[at] = items[child];
        at = child;
      }
      items[at] = item;
    }
  }
}
