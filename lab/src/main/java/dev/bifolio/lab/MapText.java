package dev.bifolio.lab;

import dev.bifolio.kernel.firmware.Architecture;
import dev.bifolio.kernel.firmware.BootModule;
import dev.bifolio.kernel.firmware.DynamicReservation;
import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.firmware.MemoryRegion;
import dev.bifolio.kernel.firmware.ReservedRegion;
import dev.bifolio.kernel.unit.AddressRange;
import java.util.StringJoiner;

/// A memory map as text for people: plain, the same in a terminal and in a file.
final class MapText {
  private final StringBuilder out = new StringBuilder();

  private MapText() {}

  static String of(String file, MemoryMap map) {
    MapText text = new MapText();
    text.write(file, map);
    return text.out.toString();
  }

  /// One range as a row: bounds, size, and what there is to say of it.
  static String row(AddressRange range, String what) {
    String last = AddressRange.hex(range.last());
    return "  %18s .. %-18s %10s  %s"
        .formatted(AddressRange.hex(range.base()), last, Numbers.bytes(range.byteSize()), what)
        .stripTrailing();
  }

  private void write(String file, MemoryMap map) {
    Architecture architecture = map.architecture();
    line(
        printable(file)
            + ": "
            + map.format()
            + (architecture == null ? ", architecture not stated" : ", " + architecture.label()));
    if (map.loaderName() != null) {
      line("loader        " + printable(map.loaderName()));
    }
    if (map.commandLine() != null && !map.commandLine().isEmpty()) {
      line("command line  " + printable(map.commandLine()));
    }
    line(
        map.memoryCount() == 0
            ? "memory        none stated (for boot: --memory BASE+SIZE)"
            : "memory        "
                + Numbers.bytes(map.totalMemoryBytes())
                + " in "
                + plural(map.memoryCount(), "range"));
    for (int i = 0; i < map.memoryCount(); i++) {
      MemoryRegion region = map.memory(i);
      StringJoiner words = new StringJoiner(" ");
      if (region.node() != MemoryRegion.NO_NODE) {
        words.add("node " + region.node());
      }
      if (region.hotpluggable()) {
        words.add("hotpluggable");
      }
      line(row(region.range(), words.toString()));
    }
    if (map.reservedCount() > 0) {
      line("reserved      " + plural(map.reservedCount(), "range"));
    }
    for (int i = 0; i < map.reservedCount(); i++) {
      line(row(map.reserved(i).range(), describe(map.reserved(i))));
    }
    writeRest(map);
  }

  private void writeRest(MemoryMap map) {
    if (map.dynamicReservationCount() > 0) {
      line("to be placed  " + plural(map.dynamicReservationCount(), "reservation"));
    }
    for (int i = 0; i < map.dynamicReservationCount(); i++) {
      line("  " + describe(map.dynamicReservation(i)));
    }
    if (map.initrd() != null) {
      line("initrd");
      line(row(map.initrd(), ""));
    }
    if (map.moduleCount() > 0) {
      line("modules       " + map.moduleCount());
    }
    for (int i = 0; i < map.moduleCount(); i++) {
      BootModule module = map.module(i);
      line(
          module.byteSize() == 0
              ? "  " + AddressRange.hex(module.base()) + " empty"
              : row(
                  AddressRange.clipped(module.base(), module.byteSize()),
                  printable(module.commandLine())));
    }
    if (map.distanceCount() > 0) {
      line("distances");
    }
    for (int from = 0; from < map.distanceCount(); from++) {
      StringBuilder row = new StringBuilder("  node %2d:".formatted(from));
      for (int to = 0; to < map.distanceCount(); to++) {
        row.append("%5d".formatted(map.distance(from, to)));
      }
      line(row.toString());
    }
    for (int i = 0; i < map.warningCount(); i++) {
      line("warning: " + printable(map.warning(i)));
    }
  }

  static String describe(ReservedRegion region) {
    StringJoiner words = new StringJoiner(" ");
    words.add(region.source().label());
    if (!region.name().isEmpty() && !region.name().equals(region.source().label())) {
      words.add(printable(region.name()));
    }
    if (region.noMap()) {
      words.add("(no-map)");
    }
    if (region.reusable()) {
      words.add("(reusable)");
    }
    return words.toString();
  }

  private static String describe(DynamicReservation reservation) {
    StringJoiner words = new StringJoiner(" ");
    words.add(Numbers.bytes(reservation.byteSize()));
    words.add(printable(reservation.name()));
    if (reservation.byteAlignment() != 0) {
      words.add("aligned to " + Numbers.bytes(reservation.byteAlignment()));
    }
    for (AddressRange range : reservation.allowedRanges()) {
      words.add("in " + range);
    }
    if (reservation.noMap()) {
      words.add("(no-map)");
    }
    if (reservation.reusable()) {
      words.add("(reusable)");
    }
    return words.toString();
  }

  /// Text from an untrusted file without control characters: a terminal obeys those.
  static String printable(String text) {
    StringBuilder result = new StringBuilder(text.length());
    text.codePoints()
        .forEach(c -> {
          if (Character.isISOControl(c) || Character.getType(c) == Character.FORMAT) {
            result.append("\\x").append(Integer.toHexString(c));
          } else {
            result.appendCodePoint(c);
          }
        });
    return result.toString();
  }

  private static String plural(int count, String noun) {
    return count + " " + noun + (count == 1 ? "" : "s");
  }

  private void line(String text) {
    out.append(text).append('\n');
  }
}
