package dev.bifolio.kernel.firmware;

import dev.bifolio.kernel.unit.AddressRange;

/// Gives the memory of one map the nodes of another: a sweep over both, sorted lists of ranges
/// without overlaps, in linear time.
///
/// ```
///   map           │   RAM    │hole│      RAM            │
///   affinities  │ node 0      │ node 0 │ node 1    │        │ node 1, hot-add area │
///   result        │ node 0   │    │ 0  │  1        │ -  │
/// ```
///
/// Affinity never makes memory. Bytes that no affinity covers keep what the map says of them, with
/// a warning.
public final class AcpiOverlay {
  private AcpiOverlay() {}

  /// Lays the nodes and hot-plug flags of one map's memory over that of another.
  ///
  /// @param map what is to get nodes; unchanged
  /// @param affinities ranges with their nodes, as the memory of a map
  /// @return a new map, otherwise like `map`
  /// @throws MemoryMapException if it has too many ranges
  public static MemoryMap apply(MemoryMap map, MemoryMap affinities) throws MemoryMapException {
    MemoryMapBuilder result = new MemoryMapBuilder(map);
    splitMemory(map, affinities, result);
    for (int i = 0; i < affinities.memoryCount(); i++) {
      warnIfWithoutRam(map, affinities.memory(i).range(), result);
    }
    return result.build();
  }

  /// Splits the memory of a map.
  ///
  /// @param map unchanged
  /// @param affinities ranges with their nodes, as the memory of a map
  /// @param result a copy of `map`; its memory is replaced
  /// @throws MemoryMapException if there are too many ranges
  static void splitMemory(MemoryMap map, MemoryMap affinities, MemoryMapBuilder result)
      throws MemoryMapException {
    for (int i = 0; i < affinities.warningCount(); i++) {
      result.addWarning(affinities.warning(i));
    }
    result.clearMemory();
    int first = 0;
    for (int i = 0; i < map.memoryCount(); i++) {
      MemoryRegion region = map.memory(i);
      long cursor = region.range().base();
      while (first < affinities.memoryCount()
          && Long.compareUnsigned(affinities.memory(first).range().last(), cursor) < 0) {
        first++;
      }
      splitRegion(region, affinities, first, result);
    }
  }

  /// Splits one range of RAM. `first` is the first affinity that does not end before it.
  private static void splitRegion(
      MemoryRegion region, MemoryMap affinities, int first, MemoryMapBuilder result)
      throws MemoryMapException {
    long cursor = region.range().base();
    long regionLast = region.range().last();
    for (int i = first; i < affinities.memoryCount(); i++) {
      MemoryRegion affinity = affinities.memory(i);
      if (Long.compareUnsigned(affinity.range().base(), regionLast) > 0) {
        break;
      }
      if (Long.compareUnsigned(affinity.range().base(), cursor) > 0) {
        addUncovered(region, cursor, affinity.range().base() - 1, result);
        cursor = affinity.range().base();
      }
      long last = affinity.range().last();
      if (Long.compareUnsigned(last, regionLast) > 0) {
        last = regionLast;
      }
      boolean hotpluggable = affinity.hotpluggable() || region.hotpluggable();
      add(cursor, last, affinity.node(), hotpluggable, result);
      if (last == regionLast) {
        return;
      }
      cursor = last + 1;
    }
    addUncovered(region, cursor, regionLast, result);
  }

  private static void addUncovered(
      MemoryRegion region, long base, long last, MemoryMapBuilder result)
      throws MemoryMapException {
    result.addWarning(
        "affinity: no entry covers "
            + AddressRange.hex(base)
            + " to "
            + AddressRange.hex(last)
            + "; its node is unknown");
    add(base, last, region.node(), region.hotpluggable(), result);
  }

  private static void add(
      long base, long last, int node, boolean hotpluggable, MemoryMapBuilder result)
      throws MemoryMapException {
    result.addMemory(base, last - base + 1, node, hotpluggable, "affinity", 0);
  }

  /// Notes a range of affinity that has no RAM at all: a slot for memory to come.
  ///
  /// @param map unchanged
  /// @param range what has a node
  /// @param result receives the warning
  static void warnIfWithoutRam(MemoryMap map, AddressRange range, MemoryMapBuilder result) {
    if (!holdsAnyOf(map, range)) {
      result.addWarning("affinity: " + range + " has no RAM; left for hot-add");
    }
  }

  private static boolean holdsAnyOf(MemoryMap map, AddressRange range) {
    int low = 0;
    int high = map.memoryCount();
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (Long.compareUnsigned(map.memory(middle).range().last(), range.base()) < 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low < map.memoryCount() && map.memory(low).range().overlaps(range);
  }
}
