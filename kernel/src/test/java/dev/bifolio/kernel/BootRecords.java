package dev.bifolio.kernel;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.bifolio.kernel.firmware.AcpiTables;
import dev.bifolio.kernel.firmware.Architecture;
import dev.bifolio.kernel.firmware.ByteView;
import dev.bifolio.kernel.firmware.FdtReader;
import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.firmware.MemoryMapBuilder;
import dev.bifolio.kernel.zone.ZoneType;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Assumptions;
import org.tukaani.xz.XZInputStream;

/// Boots of Linux that were recorded: what its firmware said, and what it made of that.
final class BootRecords {
  static final String PC = "x86-pc-512M-k612";
  static final String PC_TWO_NODES = "x86-q35-numa2-1G-k612";
  static final String ARM64_TWO_NODES = "arm64-virt-numa2-1G-k72";
  static final String RISCV64 = "riscv64-virt-512M-k72";

  private BootRecords() {}

  /// A file of the shared data; the test is left out if they are not there.
  static byte[] bytes(String path) throws Exception {
    Path root = Path.of(System.getProperty("bifolio.root", "."));
    Path file = root.resolve("../shared/data").resolve(path).normalize();
    Assumptions.assumeTrue(Files.exists(file), "left out: there is no " + file);
    try (InputStream raw = Files.newInputStream(file);
        InputStream in =
            path.endsWith(".xz")
                ? new XZInputStream(raw)
                : path.endsWith(".gz") ? new GZIPInputStream(raw) : raw) {
      return in.readAllBytes();
    }
  }

  static Map<String, Object> json(String name) throws Exception {
    return JSON.std.mapFrom(new String(bytes("boot/" + name + ".json"), StandardCharsets.UTF_8));
  }

  static String log(String name) throws Exception {
    return new String(bytes("boot/" + name + ".log.xz"), StandardCharsets.UTF_8);
  }

  static List<Map<?, ?>> objects(Map<?, ?> top, String field) {
    return ((List<?>) top.get(field)).stream().<Map<?, ?>>map(each -> (Map<?, ?>) each).toList();
  }

  static List<Map<?, ?>> zones(String name) throws Exception {
    return objects(json(name), "zones");
  }

  static long number(Map<?, ?> object, String field) {
    return ((Number) object.get(field)).longValue();
  }

  static ZoneType type(Map<?, ?> zone) {
    for (ZoneType type : ZoneType.values()) {
      if (type.label().equals(zone.get("zone"))) {
        return type;
      }
    }
    throw new AssertionError("no type of " + zone);
  }

  /// What the firmware said: the device tree, or the E820 map and the ACPI tables.
  static MemoryMap map(String name) throws Exception {
    if (!name.startsWith("x86")) {
      return FdtReader.read(ByteView.of(bytes("boot/" + name + ".fdt.bin.gz")));
    }
    MemoryMapBuilder map = new MemoryMapBuilder("e820").architecture(Architecture.X86_64);
    for (Map<?, ?> entry : objects(json(name), "firmware_memmap")) {
      long start = number(entry, "start");
      if ("System RAM".equals(entry.get("type"))) {
        map.addMemory(start, number(entry, "end_inclusive") - start + 1, -1, false, name, 0);
      }
    }
    return name.contains("numa")
        ? AcpiTables.read(
                ByteView.of(bytes("boot/" + name + ".SRAT.bin")),
                ByteView.of(bytes("boot/" + name + ".SLIT.bin")))
            .applyTo(map.build())
        : map.build();
  }
}
