package dev.bifolio.kernel;

import dev.bifolio.kernel.boot.BankPlan;
import dev.bifolio.kernel.zone.NumaTopology;
import dev.bifolio.kernel.zone.WatermarkRule;
import dev.bifolio.kernel.zone.Zone;
import dev.bifolio.kernel.zone.ZoneType;
import dev.bifolio.kernel.zone.ZonedFrames;
import org.jspecify.annotations.Nullable;

/// The rows of a [BootReport] about zones: for each node every type that the machine has, with
/// memory or without, as in `/proc/zoneinfo`.
final class ZoneRows {
  /// By [ZoneType#index()].
  static final ZoneType[] TYPES = ZoneType.values();

  private ZoneRows() {}

  static BootReport.ZoneRow[] of(
      BankPlan plan, ZoneSpans spans, ZoneBorders borders, ZonedFrames frames, int maxOrder) {
    int types = 0;
    for (ZoneType type : TYPES) {
      types += borders.exists(type) ? 1 : 0;
    }
    NumaTopology topology = frames.topology();
    BootReport.ZoneRow[] rows = new BootReport.ZoneRow[types * topology.nodeCount()];
    int next = 0;
    for (int n = 0; n < topology.nodeCount(); n++) {
      int id = topology.nid(n);
      for (ZoneType type : TYPES) {
        if (borders.exists(type)) {
          rows[next++] = row(id, plan.nodeIndexOf(id), type, spans, borders, frames, maxOrder);
        }
      }
    }
    return rows;
  }

  private static BootReport.ZoneRow row(
      int id,
      int planIndex,
      ZoneType type,
      ZoneSpans spans,
      ZoneBorders borders,
      ZonedFrames frames,
      int maxOrder) {
    Zone zone = frames.zones().at(frames.topology().indexOf(id), type);
    long[] blocks = new long[zone == null ? 0 : maxOrder + 1];
    for (int order = 0; order < blocks.length && zone != null; order++) {
      blocks[order] = zone.freeBlocks(order);
    }
    // A node of CPUs alone is in no plan.
    long start = planIndex < 0 ? 0 : spans.startPfn(planIndex, type);
    return new BootReport.ZoneRow(
        id,
        type,
        start,
        planIndex < 0 ? 0 : start + spans.spannedFrames(planIndex, type),
        planIndex < 0 ? 0 : spans.presentFrames(planIndex, type),
        zone == null ? 0 : zone.managedFrames(),
        zone == null ? 0 : zone.freeFrames(),
        zone == null ? emptyMark(type) : zone.minFrames(),
        zone == null ? emptyMark(type) : zone.lowFrames(),
        zone == null ? emptyMark(type) : zone.highFrames(),
        protection(zone, borders),
        blocks);
  }

  /// What the rule gives a zone without memory.
  private static long emptyMark(ZoneType type) {
    return WatermarkRule.min(type, 0, 0, 0);
  }

  private static long[] protection(@Nullable Zone zone, ZoneBorders borders) {
    int count = 0;
    for (ZoneType type : TYPES) {
      count += borders.exists(type) ? 1 : 0;
    }
    long[] frames = new long[count];
    int next = 0;
    for (ZoneType type : TYPES) {
      if (borders.exists(type)) {
        frames[next++] = zone == null ? 0 : zone.lowmemReserveFrames(type);
      }
    }
    return frames;
  }
}
