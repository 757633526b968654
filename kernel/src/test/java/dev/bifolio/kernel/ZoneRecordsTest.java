package dev.bifolio.kernel;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.bifolio.kernel.boot.BankPlan;
import dev.bifolio.kernel.boot.Memblock;
import dev.bifolio.kernel.boot.RegionList;
import dev.bifolio.kernel.firmware.ByteView;
import dev.bifolio.kernel.firmware.FdtReader;
import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.zone.ZoneType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Zones of real machines, as Linux set them up, against ours: types, starts, spanned and present
/// frames of every zone of every node, all equal.
class ZoneRecordsTest {
  private static void compare(String name, MemoryMap map) throws Exception {
    try (Window storage = Window.reserve(Memblock.storageByteSize(512))) {
      Memblock memblock = new Memblock(storage.address(), 512, 0);
      BootOptions options = BootOptions.DEFAULTS;
      RamSpan.of(map, options, map.architecture()).addTo(memblock, new BootNotes(BootLog.SILENT));
      ZoneBorders borders = ZoneBorders.of(map, map.architecture(), memblock.memory(), options);
      BankPlan plan = new BankPlan(memblock.memory(), borders);
      ZoneSpans spans = new ZoneSpans(plan, borders);
      int compared = 0;
      for (Map<?, ?> zone : BootRecords.zones(name)) {
        ZoneType type = BootRecords.type(zone);
        int node = plan.nodeIndexOf((int) BootRecords.number(zone, "node"));
        String what = name + " node " + zone.get("node") + " " + type;
        assertTrue(borders.exists(type), what);
        assertEquals(BootRecords.number(zone, "spanned"), spans.spannedFrames(node, type), what);
        assertEquals(BootRecords.number(zone, "present"), spans.presentFrames(node, type), what);
        Object start = zone.get("start_pfn");
        assertEquals(
            start == null ? 0 : BootRecords.number(zone, "start_pfn"),
            spans.startPfn(node, type),
            what);
        compared++;
      }
      int types = 0;
      for (ZoneType type : ZoneType.values()) {
        types += borders.exists(type) ? 1 : 0;
      }
      assertEquals(compared, types * spans.nodeCount(), name);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        BootRecords.PC,
        BootRecords.PC_TWO_NODES,
        BootRecords.ARM64_TWO_NODES,
        BootRecords.RISCV64
      })
  void zonesOfARecordedMachineAreThoseOfLinux(String name) throws Exception {
    compare(name, BootRecords.map(name));
  }

  /// Trees that were given to a kernel, with its verdict; and the recorded machines again.
  @ParameterizedTest
  @ValueSource(
      strings = {
        "dt-semantics/arm64-memreserve",
        "dt-semantics/arm64-static",
        "dt-semantics/rv-multimem",
        "dt-semantics/rv-numa3",
        "boot/" + BootRecords.PC,
        "boot/" + BootRecords.PC_TWO_NODES,
        "boot/" + BootRecords.ARM64_TWO_NODES,
        "boot/" + BootRecords.RISCV64
      })
  void rangesOfNodesAndZonesAreThoseOfLinux(String path) throws Exception {
    Map<?, ?> truth = JSON.std.mapFrom(new String(BootRecords.bytes(path + ".json"), UTF_8));
    MemoryMap map =
        path.startsWith("boot/")
            ? BootRecords.map(path.substring(5))
            : FdtReader.read(ByteView.of(BootRecords.bytes(path + ".seen-by-kernel.dtb")));
    try (Window storage = Window.reserve(Memblock.storageByteSize(512))) {
      Memblock memblock = new Memblock(storage.address(), 512, 0);
      RamSpan.of(map, BootOptions.DEFAULTS, map.architecture())
          .addTo(memblock, new BootNotes(BootLog.SILENT));
      RegionList memory = memblock.memory();
      List<String> ours = new ArrayList<>();
      for (int i = 0; i < memory.count(); i++) {
        ours.add(memory.node(i) + ": " + memory.base(i) + "-" + (memory.end(i) - 1));
      }
      assertEquals(nodeRanges(truth), ours, path);
      ZoneBorders borders = ZoneBorders.of(map, map.architecture(), memory, BootOptions.DEFAULTS);
      ZoneSpans spans = new ZoneSpans(new BankPlan(memory, borders), borders);
      Map<?, ?> ranges = (Map<?, ?>) truth.get("zone_ranges");
      for (ZoneType type : ZoneType.values()) {
        if (ranges.containsKey(type.label())) {
          Object range = ranges.get(type.label());
          assertEquals(String.valueOf(range), zoneRange(spans, type), path + " " + type);
        }
      }
    }
  }

  /// A range that may not be mapped splits Linux's list, so ranges that touch are joined.
  private static List<String> nodeRanges(Map<?, ?> truth) {
    List<String> ranges = new ArrayList<>();
    String joined = "";
    long end = -1;
    for (Map<?, ?> range : BootRecords.objects(truth, "early_node_ranges")) {
      String from = range.get("node") + ": " + range.get("start") + "-";
      boolean joins =
          end + 1 == BootRecords.number(range, "start")
              && joined.startsWith(range.get("node") + ": ");
      if (joins) {
        ranges.removeLast();
      } else {
        joined = from;
      }
      end = BootRecords.number(range, "end_inclusive");
      ranges.add(joined + end);
    }
    return ranges;
  }

  private static String zoneRange(ZoneSpans spans, ZoneType type) {
    long start = Long.MAX_VALUE;
    long end = 0;
    for (int n = 0; n < spans.nodeCount(); n++) {
      if (spans.spannedFrames(n, type) > 0) {
        start = Math.min(start, spans.startPfn(n, type));
        end = Math.max(end, spans.startPfn(n, type) + spans.spannedFrames(n, type));
      }
    }
    return end == 0 ? "null" : "[" + (start << 12) + ", " + ((end << 12) - 1) + "]";
  }

  @Test
  void aRaspberryPi4HasDmaToOneGibibyteAndDma32ToFour() throws Exception {
    byte[] tree = BootRecords.bytes("dtb/linux-7.2.13-arm64__broadcom__bcm2711-rpi-4-b.dtb");
    MemoryMap map = FdtReader.read(ByteView.of(tree));
    try (Window storage = Window.reserve(Memblock.storageByteSize(64))) {
      Memblock memblock = new Memblock(storage.address(), 64, 0);
      assertTrue(memblock.add(0, 8L << 30, 0, 0));
      ZoneBorders borders =
          ZoneBorders.of(map, map.architecture(), memblock.memory(), BootOptions.DEFAULTS);
      assertEquals(1 << 18, borders.endPfn(ZoneType.DMA.index()));
      assertEquals(1 << 20, borders.endPfn(ZoneType.DMA32.index()));
    }
  }
}
