package dev.bifolio.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.boot.BankPlan;
import dev.bifolio.kernel.boot.Memblock;
import dev.bifolio.kernel.firmware.ByteView;
import dev.bifolio.kernel.firmware.FdtReader;
import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.zone.ZoneType;
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
