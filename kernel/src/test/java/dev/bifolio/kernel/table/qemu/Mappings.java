package dev.bifolio.kernel.table.qemu;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.function.IntUnaryOperator;

/// What is mapped, as ranges: the model. A page of 256 TiB is one range, as one of 4 KiB is.
final class Mappings {
  /// Addresses in a row that are mapped to addresses in a row.
  record Range(long virtual, long byteSize, long physical, int flags) {
    long end() {
      return virtual + byteSize;
    }

    boolean holds(long address) {
      return address - virtual >= 0 && address - virtual < byteSize;
    }

    long translate(long address) {
      return address - virtual + physical;
    }

    Range part(long from, long to) {
      return new Range(from, to - from, translate(from), flags);
    }
  }

  private final TreeMap<Long, Range> ranges = new TreeMap<>();

  boolean isFree(long at, long byteSize) {
    Map.Entry<Long, Range> before = ranges.floorEntry(at + byteSize - 1);
    return before == null || before.getValue().end() - 1 < at;
  }

  boolean isWhole(long at, long byteSize) {
    long end = at + byteSize;
    for (long next = at; next != end; ) {
      Range range = find(next);
      if (range == null) {
        return false;
      }
      next = range.end() - 1 >= end - 1 ? end : range.end();
    }
    return true;
  }

  void add(Range range) {
    ranges.put(range.virtual, range);
  }

  void remove(long at, long byteSize) {
    inside(at, byteSize).clear();
  }

  void change(long at, long byteSize, IntUnaryOperator flags) {
    inside(at, byteSize)
        .replaceAll((start, old) ->
            new Range(old.virtual, old.byteSize, old.physical, flags.applyAsInt(old.flags)));
  }

  /// Lets the whole of a range have what one part of it has.
  void changeTogether(long at, long byteSize, int mask) {
    NavigableMap<Long, Range> parts = inside(at, byteSize);
    int any = 0;
    for (Range part : parts.values()) {
      any |= part.flags & mask;
    }
    int together = any;
    change(at, byteSize, old -> old | together);
  }

  /// The ranges of a range, those at its borders cut.
  private NavigableMap<Long, Range> inside(long at, long byteSize) {
    cut(at);
    long last = at + byteSize - 1;
    if (last != -1) {
      cut(last + 1);
    }
    return ranges.subMap(at, true, last, true);
  }

  private void cut(long at) {
    Range range = find(at);
    if (range != null && range.virtual != at) {
      ranges.put(range.virtual, range.part(range.virtual, at));
      ranges.put(at, range.part(at, range.end()));
    }
  }

  /// The range that holds an address, or null.
  Range find(long address) {
    Map.Entry<Long, Range> before = ranges.floorEntry(address);
    return before != null && before.getValue().holds(address) ? before.getValue() : null;
  }

  List<Range> all() {
    return List.copyOf(ranges.values());
  }

  /// Puts ranges together that follow one another and say the same.
  ///
  /// @param ascending by virtual address, unsigned
  static List<Range> merge(List<Range> ascending) {
    List<Range> merged = new ArrayList<>();
    for (Range next : ascending) {
      Range last = merged.isEmpty() ? null : merged.getLast();
      if (last != null
          && last.end() == next.virtual
          && last.flags == next.flags
          && last.translate(next.virtual) == next.physical) {
        merged.removeLast();
        merged.add(
            new Range(last.virtual, last.byteSize + next.byteSize, last.physical, last.flags));
      } else {
        merged.add(next);
      }
    }
    return merged;
  }
}
