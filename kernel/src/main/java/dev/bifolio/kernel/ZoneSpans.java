package dev.bifolio.kernel;

import dev.bifolio.kernel.boot.BankPlan;
import dev.bifolio.kernel.zone.ZoneType;

/// What each zone of each node spans, and how much memory is in it.
///
/// ```
///   node           ├── RAM ──┤      hole      ├── RAM ──┤
///   borders                      DMA32 │ NORMAL
///   spanned        ├────── DMA32 ──────┼───── NORMAL ───┤
/// ```
///
/// As in Linux (zone_spanned_pages_in_node) a zone spans what lies between its borders of all that
/// the node spans, so a hole over a border is in the spans of both, and *present* is what is RAM:
/// `present <= spanned`. The MOVABLE zone of a node begins where [ZoneBorders] says and reaches to
/// the node's end. Headroom is no memory yet. A DEVICE zone spans the node's device memory from the
/// first range to the last.
///
/// One thread makes it, at boot; any may read it.
final class ZoneSpans {
  private final int nodeCount;
  private final long[] startPfn;
  private final long[] endPfn;
  private final long[] presentFrames;

  ZoneSpans(BankPlan plan, ZoneBorders borders) {
    nodeCount = plan.nodeCount();
    int zones = nodeCount * ZoneType.COUNT;
    startPfn = new long[zones];
    endPfn = new long[zones];
    presentFrames = new long[zones];
    long[] nodeStart = new long[nodeCount];
    long[] nodeEnd = new long[nodeCount];
    for (int b = 0; b < plan.count() && !plan.isHeadroom(b); b++) {
      int n = plan.nodeIndex(b);
      int zone = n * ZoneType.COUNT + plan.zoneType(b);
      presentFrames[zone] += plan.presentFrames(b);
      if (plan.isDevice(b)) {
        startPfn[zone] = endPfn[zone] == 0 ? plan.startPfn(b) : startPfn[zone];
        endPfn[zone] = plan.endPfn(b);
      } else {
        nodeStart[n] = nodeEnd[n] == 0 ? plan.startPfn(b) : nodeStart[n];
        nodeEnd[n] = plan.endPfn(b);
      }
    }
    for (int n = 0; n < nodeCount; n++) {
      span(borders, n, plan.nodeId(n), nodeStart[n], nodeEnd[n]);
    }
  }

  private void span(ZoneBorders borders, int nodeIndex, int id, long start, long end) {
    long movable = borders.movableStartPfn(id);
    int first = nodeIndex * ZoneType.COUNT;
    for (int type = 0; type < ZoneType.MOVABLE.index(); type++) {
      long low = Math.max(start, borders.startPfn(type));
      long high = Math.min(Math.min(end, movable), borders.endPfn(type));
      set(first + type, low, high);
    }
    set(first + ZoneType.MOVABLE.index(), Math.max(start, movable), end);
  }

  private void set(int zone, long start, long end) {
    if (start < end) {
      startPfn[zone] = start;
      endPfn[zone] = end;
    }
  }

  /// How many nodes there are, RAM or only device memory in them.
  int nodeCount() {
    return nodeCount;
  }

  /// The first frame a zone spans, 0 if it spans none.
  long startPfn(int nodeIndex, ZoneType type) {
    return startPfn[nodeIndex * ZoneType.COUNT + type.index()];
  }

  /// Frames a zone spans.
  long spannedFrames(int nodeIndex, ZoneType type) {
    int zone = nodeIndex * ZoneType.COUNT + type.index();
    return endPfn[zone] - startPfn[zone];
  }

  /// Frames of memory in a zone.
  long presentFrames(int nodeIndex, ZoneType type) {
    return presentFrames[nodeIndex * ZoneType.COUNT + type.index()];
  }
}
