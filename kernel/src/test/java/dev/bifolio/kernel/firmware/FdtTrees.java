package dev.bifolio.kernel.firmware;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Assumptions;

/// Where the tests' device trees are, and maps as text.
final class FdtTrees {
  private static final String[] FIXTURES = {
    "virt",
    "virt-v3",
    "virt-v16",
    "virt-padded",
    "numa",
    "reservations",
    "dynamic",
    "cells-1-1",
    "memory-kinds",
    "windows",
    "riscv32"
  };

  private FdtTrees() {}

  static byte[] fixture(String name) {
    try (InputStream in = FdtTrees.class.getResourceAsStream("/fdt/" + name + ".dtb")) {
      if (in == null) {
        throw new IllegalArgumentException("no fixture " + name);
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static List<byte[]> fixtures() {
    List<byte[]> all = new ArrayList<>();
    for (String name : FIXTURES) {
      all.add(fixture(name));
    }
    return all;
  }

  static Path repository() {
    return Path.of(System.getProperty("bifolio.root", "."));
  }

  /// A folder of the shared data; the test is left out if it is not there.
  static Path shared(String folder) {
    Path path = repository().resolve("../shared/data").resolve(folder);
    Assumptions.assumeTrue(
        Files.isDirectory(path), "left out: the shared data are not there (" + path + ")");
    return path;
  }

  static byte[] bytes(Path file) throws IOException {
    if (!file.toString().endsWith(".gz")) {
      return Files.readAllBytes(file);
    }
    try (InputStream in = new GZIPInputStream(Files.newInputStream(file))) {
      return in.readAllBytes();
    }
  }

  static List<String> memory(MemoryMap map) {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < map.memoryCount(); i++) {
      MemoryRegion each = map.memory(i);
      lines.add(
          each.range()
              + (each.node() == MemoryRegion.NO_NODE ? "" : " node " + each.node())
              + (each.hotpluggable() ? " hotpluggable" : ""));
    }
    return lines;
  }

  static List<String> reserved(MemoryMap map) {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < map.reservedCount(); i++) {
      ReservedRegion each = map.reserved(i);
      lines.add(
          each.range()
              + " "
              + each.source().label()
              + " '"
              + each.name()
              + "'"
              + (each.noMap() ? " no-map" : "")
              + (each.reusable() ? " reusable" : ""));
    }
    return lines;
  }

  static List<String> dynamic(MemoryMap map) {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < map.dynamicReservationCount(); i++) {
      DynamicReservation each = map.dynamicReservation(i);
      lines.add(
          each.name()
              + " 0x"
              + Long.toHexString(each.byteSize())
              + " align 0x"
              + Long.toHexString(each.byteAlignment())
              + " in "
              + List.of(each.allowedRanges())
              + (each.noMap() ? " no-map" : "")
              + (each.reusable() ? " reusable" : "")
              + (each.defaultCma() ? " cma" : ""));
    }
    return lines;
  }

  static List<List<Integer>> distances(MemoryMap map) {
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

  static List<String> warnings(MemoryMap map) {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < map.warningCount(); i++) {
      lines.add(map.warning(i));
    }
    return lines;
  }

  /// Everything a map says, so that two maps can be compared.
  static String text(MemoryMap map) {
    return map.architecture()
        + "\n"
        + memory(map)
        + "\n"
        + reserved(map)
        + "\n"
        + dynamic(map)
        + "\n"
        + map.initrd()
        + "\n"
        + map.commandLine()
        + "\n"
        + distances(map)
        + "\n"
        + warnings(map);
  }
}
