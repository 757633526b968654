package dev.bifolio.lab;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.bifolio.kernel.firmware.Architecture;
import dev.bifolio.kernel.firmware.BootModule;
import dev.bifolio.kernel.firmware.DynamicReservation;
import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.firmware.MemoryRegion;
import dev.bifolio.kernel.firmware.ReservedRegion;
import dev.bifolio.kernel.unit.AddressRange;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// A memory map as the JSON object that the command line promises. Addresses and sizes are hex
/// strings where they are addresses and numbers where they are counts; unknown values are null.
final class MapJson {
  private static final JSON WRITER = JSON.std.with(JSON.Feature.WRITE_NULL_PROPERTIES);

  private MapJson() {}

  static Map<String, @Nullable Object> of(String file, MemoryMap map) {
    Map<String, @Nullable Object> json = new LinkedHashMap<>();
    Architecture architecture = map.architecture();
    AddressRange initrd = map.initrd();
    json.put("file", file);
    json.put("format", map.format());
    json.put("architecture", architecture == null ? null : architecture.label());
    json.put("memory", memory(map));
    List<Object> reserved = new ArrayList<>();
    for (int i = 0; i < map.reservedCount(); i++) {
      reserved.add(reserved(map.reserved(i)));
    }
    json.put("reserved", reserved);
    json.put("dynamicReserved", dynamicReserved(map));
    json.put("initrd", initrd == null ? null : range(initrd));
    json.put("commandLine", map.commandLine());
    json.put("distances", distances(map));
    json.put("modules", modules(map));
    List<String> warnings = new ArrayList<>();
    for (int i = 0; i < map.warningCount(); i++) {
      warnings.add(map.warning(i));
    }
    json.put("warnings", warnings);
    return json;
  }

  static Map<String, @Nullable Object> error(String file, InputException e) {
    Map<String, @Nullable Object> json = new LinkedHashMap<>();
    json.put("file", file);
    json.put("error", e.getMessage());
    json.put("offset", e.offset());
    return json;
  }

  /// One line of JSON.
  static String line(Map<String, @Nullable Object> json) {
    try {
      return WRITER.asString(json);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static Map<String, @Nullable Object> memory(MemoryRegion region) {
    Map<String, @Nullable Object> row = range(region.range());
    row.put("node", region.node() == MemoryRegion.NO_NODE ? null : region.node());
    row.put("hotpluggable", region.hotpluggable());
    return row;
  }

  static Map<String, @Nullable Object> reserved(ReservedRegion region) {
    Map<String, @Nullable Object> row = range(region.range());
    row.put("name", region.name());
    row.put("source", region.source().label());
    row.put("noMap", region.noMap());
    row.put("reusable", region.reusable());
    return row;
  }

  static Map<String, @Nullable Object> range(AddressRange range) {
    Map<String, @Nullable Object> row = new LinkedHashMap<>();
    row.put("base", AddressRange.hex(range.base()));
    row.put("size", byteCount(range.byteSize()));
    return row;
  }

  /// A byte size as a number; those of 2^63 and more keep their unsigned value.
  static Object byteCount(long byteSize) {
    return byteSize >= 0 ? byteSize : new java.math.BigInteger(Long.toUnsignedString(byteSize));
  }

  private static List<Object> memory(MemoryMap map) {
    List<Object> rows = new ArrayList<>();
    for (int i = 0; i < map.memoryCount(); i++) {
      rows.add(memory(map.memory(i)));
    }
    return rows;
  }

  private static List<Object> dynamicReserved(MemoryMap map) {
    List<Object> rows = new ArrayList<>();
    for (int i = 0; i < map.dynamicReservationCount(); i++) {
      DynamicReservation reservation = map.dynamicReservation(i);
      Map<String, @Nullable Object> row = new LinkedHashMap<>();
      row.put("name", reservation.name());
      row.put("size", byteCount(reservation.byteSize()));
      row.put(
          "alignment",
          reservation.byteAlignment() == 0 ? null : byteCount(reservation.byteAlignment()));
      List<Object> ranges = new ArrayList<>();
      for (AddressRange allowed : reservation.allowedRanges()) {
        ranges.add(range(allowed));
      }
      row.put("ranges", ranges);
      row.put("noMap", reservation.noMap());
      row.put("reusable", reservation.reusable());
      rows.add(row);
    }
    return rows;
  }

  private static @Nullable List<List<Integer>> distances(MemoryMap map) {
    if (map.distanceCount() == 0) {
      return null;
    }
    List<List<Integer>> rows = new ArrayList<>();
    for (int from = 0; from < map.distanceCount(); from++) {
      List<Integer> row = new ArrayList<>();
      for (int to = 0; to < map.distanceCount(); to++) {
        row.add(map.distance(from, to));
      }
      rows.add(row);
    }
    return rows;
  }

  private static List<Object> modules(MemoryMap map) {
    List<Object> rows = new ArrayList<>();
    for (int i = 0; i < map.moduleCount(); i++) {
      BootModule module = map.module(i);
      Map<String, @Nullable Object> row = new LinkedHashMap<>();
      row.put("base", AddressRange.hex(module.base()));
      row.put("size", byteCount(module.byteSize()));
      row.put("commandLine", module.commandLine());
      rows.add(row);
    }
    return rows;
  }
}
