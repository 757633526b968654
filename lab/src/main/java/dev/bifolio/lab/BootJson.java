package dev.bifolio.lab;

import dev.bifolio.kernel.BootReport;
import dev.bifolio.kernel.DeviceMemory;
import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.firmware.MemoryRegion;
import dev.bifolio.kernel.firmware.ReservedRegion;
import dev.bifolio.kernel.unit.AddressRange;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// A boot as the JSON object that the command line promises: the map's, with what the boot made of
/// it. `zones` has a row for each node and each type of zone that the machine has, in this order,
/// with memory or without; `protection` is by type, in the order of these rows. `devices` says what
/// lies in DEVICE zones, sorted by base. `pageTables` is null for a machine without; `pages` in it
/// has a number for each size that the format has, by the names that `tables` takes, and `root1`,
/// the upper half's, is null where one root has both halves.
final class BootJson {
  private BootJson() {}

  /// How long the parts took.
  record Timings(long readNanos, long bootNanos, long proofNanos) {}

  /// One line of JSON.
  static String line(
      String file, MemoryMap map, BootReport report, ProofWorkload proof, Timings timings) {
    Map<String, @Nullable Object> json = MapJson.of(file, map);
    json.put("architecture", report.architecture() == null ? null : report.architecture().label());
    List<Object> memory = new ArrayList<>();
    for (MemoryRegion region : report.memory()) {
      memory.add(MapJson.memory(region));
    }
    json.put("memory", memory);
    List<Object> reserved = new ArrayList<>();
    for (ReservedRegion region : report.reservations()) {
      reserved.add(MapJson.reserved(region));
    }
    json.put("reserved", reserved);
    json.put("initrd", initrd(report));
    json.put("warnings", List.of(report.warnings()));
    json.put("frames", frames(report.frames()));
    json.put("allocator", allocator(report.allocator()));
    json.put("memMap", memMap(report));
    Map<String, @Nullable Object> heap = MapJson.range(report.heap());
    heap.put("frames", report.frames().heap());
    json.put("heap", heap);
    json.put("zones", zones(report));
    json.put("devices", devices(report));
    json.put("pageTables", pageTables(report));
    json.put("timings", timings(report, timings));
    Map<String, @Nullable Object> proved = new LinkedHashMap<>();
    proved.put("operations", proof.operationCount());
    proved.put("failures", proof.failureCount());
    proved.put("validatedFrames", proof.checkedFrameCount());
    proved.put("problem", proof.problem());
    json.put("proof", proved);
    return MapJson.line(json);
  }

  private static @Nullable Object initrd(BootReport report) {
    for (ReservedRegion region : report.reservations()) {
      if (region.source() == ReservedRegion.Source.INITRD) {
        return MapJson.range(region.range());
      }
    }
    return null;
  }

  private static Map<String, @Nullable Object> frames(BootReport.Frames frames) {
    Map<String, @Nullable Object> row = new LinkedHashMap<>();
    row.put("total", frames.total());
    row.put("present", frames.present());
    row.put("reserved", frames.reserved());
    row.put("memMap", frames.memMap());
    row.put("managed", frames.managed());
    row.put("heap", frames.heap());
    row.put("tables", frames.tables());
    row.put("free", frames.free());
    row.put("cached", frames.cached());
    return row;
  }

  private static Map<String, @Nullable Object> allocator(BootReport.Allocator allocator) {
    Map<String, @Nullable Object> row = new LinkedHashMap<>();
    row.put("kind", allocator.kind().name().toLowerCase(Locale.ROOT));
    row.put("cpus", allocator.cpuCount());
    row.put("size", allocator.byteSize());
    row.put("zoneSize", allocator.zoneByteSize());
    row.put("frameInfoSize", allocator.infoByteSize());
    return row;
  }

  private static Map<String, @Nullable Object> memMap(BootReport report) {
    List<Object> sections = new ArrayList<>();
    for (BootReport.MemMapSection section : report.memMapSections()) {
      Map<String, @Nullable Object> row = MapJson.range(section.range());
      row.put("node", section.node());
      row.put("banks", section.bankCount());
      sections.add(row);
    }
    Map<String, @Nullable Object> row = new LinkedHashMap<>();
    row.put("base", AddressRange.hex(report.memMapSections()[0].range().base()));
    row.put("size", report.memMapByteSize());
    row.put("sections", sections);
    return row;
  }

  /// A zone's row. One without memory has as many zeros in `freeBlocks` as the others have orders.
  private static Map<String, @Nullable Object> zone(BootReport.ZoneRow zone, int orderCount) {
    Map<String, @Nullable Object> row = new LinkedHashMap<>();
    row.put("node", zone.node());
    row.put("zone", zone.type().label());
    row.put("startPfn", zone.startPfn());
    row.put("endPfn", zone.endPfn());
    row.put("spanned", zone.spanned());
    row.put("present", zone.present());
    row.put("managed", zone.managed());
    row.put("free", zone.free());
    row.put("min", zone.min());
    row.put("low", zone.low());
    row.put("high", zone.high());
    row.put("freeBlocks", numbers(Arrays.copyOf(zone.freeBlocks(), orderCount)));
    row.put("protection", numbers(zone.protection()));
    return row;
  }

  private static List<Object> zones(BootReport report) {
    int orderCount = 0;
    for (BootReport.ZoneRow zone : report.zones()) {
      orderCount = Math.max(orderCount, zone.freeBlocks().length);
    }
    List<Object> zones = new ArrayList<>();
    for (BootReport.ZoneRow zone : report.zones()) {
      zones.add(zone(zone, orderCount));
    }
    return zones;
  }

  private static List<Object> devices(BootReport report) {
    List<Object> devices = new ArrayList<>();
    for (DeviceMemory device : report.devices()) {
      Map<String, @Nullable Object> row = MapJson.range(device.range());
      row.put("node", device.node());
      row.put("kind", device.kind().name().toLowerCase(Locale.ROOT));
      row.put("name", device.name());
      devices.add(row);
    }
    return devices;
  }

  private static @Nullable Object pageTables(BootReport report) {
    BootReport.PageTables tables = report.pageTables();
    if (tables == null) {
      return null;
    }
    boolean hasTwoRoots = tables.upperRoot() != BootReport.PageTables.NO_ROOT;
    Map<String, @Nullable Object> row = new LinkedHashMap<>();
    row.put("architecture", tables.format());
    row.put("root", AddressRange.hex(tables.root()));
    row.put("root1", hasTwoRoots ? AddressRange.hex(tables.upperRoot()) : null);
    row.put("tables", tables.tables());
    row.put("size", tables.byteSize());
    Map<String, @Nullable Object> pages = new LinkedHashMap<>();
    long[] counts = tables.pages();
    long[] sizes = tables.pageByteSizes();
    for (int i = 0; i < counts.length; i++) {
      pages.put(Numbers.pageSize(sizes[i]), counts[i]);
    }
    row.put("pages", pages);
    row.put("directMap", AddressRange.hex(tables.directMapBase()));
    row.put("physicalBase", AddressRange.hex(tables.physicalBase()));
    row.put("temporary", tables.temporaryTables());
    row.put("fromAllocator", tables.fromAllocator());
    return row;
  }

  private static List<Long> numbers(long[] values) {
    return Arrays.stream(values).boxed().toList();
  }

  private static Map<String, @Nullable Object> timings(BootReport report, Timings timings) {
    Map<String, @Nullable Object> row = new LinkedHashMap<>();
    row.put("readNanos", timings.readNanos());
    row.put("bootNanos", timings.bootNanos());
    row.put("proofNanos", timings.proofNanos());
    Map<String, @Nullable Object> steps = new LinkedHashMap<>();
    for (BootReport.Step step : report.steps()) {
      steps.put(step.name(), step.nanos());
    }
    row.put("steps", steps);
    return row;
  }
}
