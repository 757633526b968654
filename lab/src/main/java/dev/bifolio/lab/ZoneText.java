package dev.bifolio.lab;

import dev.bifolio.kernel.BootReport;
import dev.bifolio.kernel.BootReport.ZoneRow;
import dev.bifolio.kernel.DeviceMemory;
import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.kernel.zone.ZoneType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// Zones, distances and free blocks of a booted machine as text for people, 80 columns wide:
///
/// ```
/// zones, in frames
///   node zone        present     managed        free      min      low     high
///      0 DMA         524,288     485,643     485,643      677    1,162    1,647
///   node 0 DMA keeps 6,127 frames from requests for Normal, Movable
/// ```
///
/// Only zones with memory are shown, and of many only the first; JSON and `--proc` have all.
final class ZoneText {
  private static final int MAX_ZONES = 16;
  private static final int MAX_BLOCK_COLUMNS = 4;
  private static final int MAX_DISTANCES = 12;
  private static final int COLUMNS = 80;
  private static final int MAX_BAR_CELLS = 32;

  private final StringBuilder out = new StringBuilder();
  private final List<ZoneRow> zones = new ArrayList<>();
  private final List<ZoneType> types = new ArrayList<>();
  private final boolean terminal;
  private final boolean colour;

  private ZoneText(BootReport report, boolean terminal, boolean colour) {
    this.terminal = terminal;
    this.colour = colour;
    for (ZoneRow zone : report.zones()) {
      if (zone.present() > 0) {
        zones.add(zone);
      }
      if (!types.contains(zone.type())) {
        types.add(zone.type());
      }
    }
  }

  /// The text, an empty line before each part.
  static String of(BootReport report, MemoryMap map, boolean terminal, boolean colour) {
    ZoneText text = new ZoneText(report, terminal, colour);
    text.writeZones(report);
    text.writeDistances(map);
    text.writeFreeBlocks();
    return text.out.toString();
  }

  // ---- Zones ----

  private void writeZones(BootReport report) {
    out.append('\n');
    line("zones, in frames");
    row("node zone", "present", "managed", "free", "min", "low", "high");
    for (ZoneRow zone : shown(MAX_ZONES)) {
      row(
          "%4d %s".formatted(zone.node(), zone.type().label()),
          Numbers.count(zone.present()),
          Numbers.count(zone.managed()),
          Numbers.count(zone.free()),
          Numbers.count(zone.min()),
          Numbers.count(zone.low()),
          Numbers.count(zone.high()));
    }
    writeMore(MAX_ZONES);
    for (ZoneRow zone : shown(MAX_ZONES)) {
      writeProtection(zone);
    }
    writeDevices(report.devices());
  }

  private void writeDevices(DeviceMemory[] devices) {
    for (DeviceMemory device : Arrays.copyOf(devices, Math.min(MAX_ZONES, devices.length))) {
      line(
          "  node %d Device has %s (%s): %s at %s"
              .formatted(
                  device.node(),
                  device.name(),
                  device.kind().name().toLowerCase(Locale.ROOT),
                  Numbers.bytes(device.range().byteSize()),
                  AddressRange.hex(device.range().base())));
    }
    if (devices.length > MAX_ZONES) {
      line("  … and " + (devices.length - MAX_ZONES) + " more devices (--json has them)");
    }
  }

  private void row(
      String zone,
      String present,
      String managed,
      String free,
      String min,
      String low,
      String high) {
    line(
        "  %-12s %11s %11s %11s %8s %8s %8s"
            .formatted(zone, present, managed, free, min, low, high));
  }

  /// What a zone keeps from requests that could go to higher types; equal counts in one line.
  private void writeProtection(ZoneRow zone) {
    Map<Long, String> requests = new LinkedHashMap<>();
    long[] protection = zone.protection();
    for (int i = 0; i < protection.length; i++) {
      // Requests for device memory get nothing else.
      if (protection[i] > 0 && types.get(i) != ZoneType.DEVICE) {
        requests.merge(protection[i], types.get(i).label(), (one, other) -> one + ", " + other);
      }
    }
    requests.forEach((frames, labels) ->
        line(
            "  %s keeps %s frames from requests for %s"
                .formatted(name(zone), Numbers.count(frames), labels)));
  }

  private static String name(ZoneRow zone) {
    return "node " + zone.node() + " " + zone.type().label();
  }

  // ---- Distances ----

  private void writeDistances(MemoryMap map) {
    int count = map.distanceCount();
    if (count == 0) {
      return;
    }
    out.append('\n');
    if (count > MAX_DISTANCES) {
      line("node distances: a table of " + count + " nodes (--json has it)");
      return;
    }
    StringBuilder head = new StringBuilder("node distances ");
    for (int to = 0; to < count; to++) {
      head.append("%5d".formatted(to));
    }
    line(head.toString());
    for (int from = 0; from < count; from++) {
      StringBuilder row = new StringBuilder("  from node %3d".formatted(from));
      for (int to = 0; to < count; to++) {
        row.append("%5d".formatted(map.distance(from, to)));
      }
      line(row.toString());
    }
  }

  // ---- Free blocks ----

  private void writeFreeBlocks() {
    List<ZoneRow> columns = shown(MAX_BLOCK_COLUMNS);
    long free = 0;
    int orderCount = 0;
    StringBuilder nodes = new StringBuilder();
    StringBuilder labels = new StringBuilder();
    for (ZoneRow zone : columns) {
      free += zone.free();
      orderCount = Math.max(orderCount, zone.freeBlocks().length);
      nodes.append("%12s".formatted("node " + zone.node()));
      labels.append("%12s".formatted(zone.type().label()));
    }
    out.append('\n');
    line("%-20s%s".formatted("free blocks", nodes));
    line(" ".repeat(20) + labels);
    for (int order = 0; order < orderCount; order++) {
      writeOrder(columns, order, free);
    }
    writeMore(MAX_BLOCK_COLUMNS);
  }

  private void writeOrder(List<ZoneRow> columns, int order, long free) {
    StringBuilder row =
        new StringBuilder(
            "  order %2d %9s".formatted(order, Numbers.bytes(Pages.orderToBytes(order))));
    long blocks = 0;
    for (ZoneRow zone : columns) {
      long count = zone.freeBlocks()[order];
      blocks += count;
      row.append("%12s".formatted(Numbers.count(count)));
    }
    if (blocks > 0) {
      int cells = Math.min(MAX_BAR_CELLS, COLUMNS - row.length() - 2);
      line(row + "  " + bar((int) Math.ceilDiv((blocks << order) * cells, free)));
    }
  }

  private String bar(int cells) {
    String text = (terminal ? "█" : "#").repeat(cells);
    return colour ? "\u001b[38;5;71m" + text + "\u001b[0m" : text;
  }

  // ---- Lines ----

  private List<ZoneRow> shown(int most) {
    return zones.subList(0, Math.min(most, zones.size()));
  }

  private void writeMore(int most) {
    if (zones.size() > most) {
      line("  … and " + (zones.size() - most) + " more zones (--json and --proc have them)");
    }
  }

  private void line(String text) {
    out.append(text).append('\n');
  }
}
