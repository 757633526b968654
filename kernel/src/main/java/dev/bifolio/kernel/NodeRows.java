package dev.bifolio.kernel;

import dev.bifolio.kernel.boot.BankPlan;
import dev.bifolio.kernel.zone.Zone;
import dev.bifolio.kernel.zone.ZoneType;
import dev.bifolio.kernel.zone.ZonedFrames;

/// The rows of a [BootReport] about nodes and zones, read when the boot has ended.
final class NodeRows {
  private NodeRows() {}

  /// The nodes that have RAM, in ascending order; device memory is not counted.
  static BootReport.NodeRow[] of(BankPlan plan, ZonedFrames frames, int maxOrder) {
    int nodes = plan.nodeCount();
    long[] start = new long[nodes];
    long[] end = new long[nodes];
    long[] present = new long[nodes];
    int withRam = 0;
    for (int b = 0; b < plan.count() && !plan.isHeadroom(b); b++) {
      if (plan.isDevice(b)) {
        continue;
      }
      int n = plan.nodeIndex(b);
      withRam += present[n] == 0 ? 1 : 0;
      start[n] = present[n] == 0 ? plan.startPfn(b) : start[n];
      end[n] = plan.endPfn(b);
      present[n] += plan.presentFrames(b);
    }
    BootReport.NodeRow[] rows = new BootReport.NodeRow[withRam];
    int next = 0;
    for (int n = 0; n < nodes; n++) {
      if (present[n] != 0) {
        int id = plan.nodeId(n);
        rows[next++] =
            row(id, start[n], end[n], present[n], frames, frames.topology().indexOf(id), maxOrder);
      }
    }
    return rows;
  }

  private static BootReport.NodeRow row(
      int id, long start, long end, long present, ZonedFrames frames, int node, int maxOrder) {
    long managed = 0;
    long free = 0;
    long[] blocks = new long[maxOrder + 1];
    for (int type = 0; type < ZoneType.DEVICE.index(); type++) {
      Zone zone = frames.zones().at(node, ZoneRows.TYPES[type]);
      if (zone != null) {
        managed += zone.managedFrames();
        free += zone.freeFrames();
        for (int order = 0; order <= maxOrder; order++) {
          blocks[order] += zone.freeBlocks(order);
        }
      }
    }
    return new BootReport.NodeRow(id, start, end, present, managed, free, blocks);
  }
}
