package dev.bifolio.kernel;

import dev.bifolio.kernel.boot.Memblock;
import dev.bifolio.kernel.boot.RegionList;
import dev.bifolio.kernel.firmware.NodeIds;
import dev.bifolio.kernel.unit.Pages;

/// From which frame on the memory of each node is MOVABLE.
///
/// Two wishes can be stated, and the lower frame of the two holds for a node:
///
/// 1. *So many bytes*, the same share from the top of each node. Only RAM of the highest type that
///    has any can give (Linux: find_usable_zone_for_movable), so that what narrow devices reach
///    stays as it is. What a node has too little for, the others give. Starts are rounded up to
///    areas of 512 frames, so there is at most what was asked for. A wish for all RAM, or more, is
///    none: something must stay for what cannot move. Linux spreads what stays, not what moves, so
///    its nodes differ where their RAM does.
/// 2. *What may be taken away*: from the first hotpluggable frame of a node, rounded down to an
///    area, everything (Linux: movable_node). The node with the lowest frame of RAM is left out,
///    for a kernel must begin somewhere.
///
/// O(n log n) in the regions of RAM, whatever the firmware says.
final class MovableSplit {
  private static final long NONE = Long.MAX_VALUE;
  private static final long AREA_FRAMES = 512;

  private final NodeIds nodes;
  private final long[] startPfn;

  /// Splits the nodes of a machine.
  ///
  /// @param memory RAM, sorted, in whole frames
  /// @param options for the two wishes
  /// @param lowestPfn where the highest type with RAM begins
  MovableSplit(RegionList memory, BootOptions options, long lowestPfn) {
    int[] ids = new int[memory.count()];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = memory.node(i);
    }
    nodes = new NodeIds(ids, ids.length);
    startPfn = new long[nodes.count()];
    for (int n = 0; n < startPfn.length; n++) {
      startPfn[n] = NONE;
    }
    long wanted = Pages.bytesToFramesUp(options.movableByteSize());
    if (wanted > 0 && wanted < memory.totalBytes() >>> Pages.PAGE_SHIFT) {
      takeShares(memory, wanted, lowestPfn);
    }
    if (options.movableHotplug()) {
      takeHotpluggable(memory);
    }
  }

  // ---- So many bytes ----

  private void takeShares(RegionList memory, long wanted, long lowestPfn) {
    long[] left = new long[startPfn.length];
    for (int i = 0; i < memory.count(); i++) {
      left[nodes.indexOf(memory.node(i))] += frames(memory, i, lowestPfn);
    }
    long share = share(left, wanted);
    for (int n = 0; n < left.length; n++) {
      left[n] = Math.min(left[n], share);
    }
    for (int i = memory.count() - 1; i >= 0; i--) {
      int n = nodes.indexOf(memory.node(i));
      long taken = Math.min(left[n], frames(memory, i, lowestPfn));
      if (taken > 0) {
        left[n] -= taken;
        setStart(n, memory, i, taken);
      }
    }
  }

  private void setStart(int n, RegionList memory, int region, long taken) {
    long end = memory.end(region) >>> Pages.PAGE_SHIFT;
    long start = Pages.alignUp(end - taken, AREA_FRAMES);
    startPfn[n] = start < end ? start : startPfn[n];
  }

  /// Frames of a region at or above a frame.
  private static long frames(RegionList memory, int region, long lowestPfn) {
    long start = Math.max(lowestPfn, memory.base(region) >>> Pages.PAGE_SHIFT);
    return Math.max(0, (memory.end(region) >>> Pages.PAGE_SHIFT) - start);
  }

  /// The least share of each node with which all together give what is wanted, or all they have.
  private static long share(long[] most, long wanted) {
    long low = 0;
    long high = wanted;
    while (low < high) {
      long middle = (low + high) >>> 1;
      long sum = 0;
      for (long each : most) {
        sum += Math.min(each, middle);
      }
      if (sum >= wanted) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }

  // ---- What may be taken away ----

  private void takeHotpluggable(RegionList memory) {
    for (int i = memory.count() - 1; i >= 0; i--) {
      boolean hotpluggable = (memory.flags(i) & Memblock.HOTPLUG) != 0;
      if (hotpluggable && memory.node(i) != memory.node(0)) {
        int n = nodes.indexOf(memory.node(i));
        long start = Pages.alignDown(memory.base(i) >>> Pages.PAGE_SHIFT, AREA_FRAMES);
        startPfn[n] = Math.min(startPfn[n], start);
      }
    }
  }

  // ---- Answers ----

  /// The first MOVABLE frame of a node, [Long#MAX_VALUE] if there is none.
  long startPfn(int node) {
    int n = nodes.indexOf(node);
    return n < 0 ? NONE : startPfn[n];
  }

  boolean isAny() {
    for (long start : startPfn) {
      if (start != NONE) {
        return true;
      }
    }
    return false;
  }
}
