package dev.bifolio.lab.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.firmware.AcpiTables;
import dev.bifolio.kernel.firmware.Architecture;
import dev.bifolio.kernel.firmware.ByteView;
import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.firmware.MemoryMapBuilder;
import dev.bifolio.kernel.firmware.MemoryMapException;
import dev.bifolio.kernel.firmware.ReservedRegion.Source;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.lab.MapRows;
import dev.bifolio.lab.SharedData;
import dev.bifolio.testkit.Behaviour;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class DmesgReaderTest {
  private static final String E820 =
      """
      [    0.000000] Linux version 6.12.1 (x86_64-linux-gnu-gcc)
      [    0.000000] Command line: console=ttyS0 quiet
      [    0.000000] BIOS-provided physical RAM map:
      [    0.000000] BIOS-e820: [mem 0x0000000000000000-0x000000000009fbff] usable
      [    0.000000] BIOS-e820: [mem 0x000000000009fc00-0x000000000009ffff] reserved
      [    0.000000] BIOS-e820: [mem 0x0000000000100000-0x000000003ffdefff] usable
      [    0.000000] BIOS-e820: [mem 0x000000003ffdf000-0x000000003ffeffff] ACPI data
      [    0.000000] BIOS-e820: [mem 0x000000003fff0000-0x000000003fffffff] ACPI NVS
      [    0.000000] BIOS-e820: [mem 0x0000000100000000-0x00000001ffffffff] persistent (type 7)
      [    0.000000] BIOS-e820: [mem 0x0000000200000000-0x0000000200000fff] type 20
      [    0.000000] e820: update [mem 0x00000000-0x00000fff] usable ==> reserved
      [    0.000000] RAMDISK: [mem 0x3fed4000-0x3ffcffff]
      [    0.000000] [mem 0x40000000-0xafffffff] available for PCI devices
      [    0.000000] Kernel command line: console=ttyS0 quiet more
      """;

  private static final String E820_MEMORY = "0x0+0x9fc00 0x100000+0x3fedf000";
  private static final String E820_RESERVED =
      "0x9fc00+0x400 reserved, 0x3ffdf000+0x11000 ACPI reclaimable, 0x3fff0000+0x10000 ACPI NVS, "
          + "0x100000000+0x100000000 persistent memory, 0x200000000+0x1000 type 20";

  private static void assertE820(MemoryMap map, String what) {
    assertEquals(E820_MEMORY, MapRows.memory(map), what);
    assertEquals(E820_RESERVED, MapRows.reserved(map, Source.FIRMWARE), what);
    assertEquals("console=ttyS0 quiet", map.commandLine(), what);
    assertEquals(new AddressRange(0x3fed4000, 0xfc000), map.initrd(), what);
    assertEquals(Architecture.X86_64, map.architecture(), what);
    assertEquals("dmesg", map.format(), what);
  }

  @Test
  @Behaviour({"90", "114"})
  void theE820MapOfALogIsRead() throws Exception {
    assertE820(DmesgReader.read(E820), "as it is");
  }

  @Test
  void stampsLevelsTasksDaemonsAndLineEndsDoNotMatter() throws Exception {
    assertE820(DmesgReader.read(E820.replace("\n", "\r\n")), "CRLF");
    assertE820(DmesgReader.read(E820.replace("[    0.000000] ", "")), "no stamp");
    assertE820(DmesgReader.read(E820.replace("[    0.", "<6>[    0.")), "level");
    assertE820(DmesgReader.read(E820.replace(" 0.000000] ", " 0.000000][    T0] ")), "task");
    assertE820(
        DmesgReader.read(E820.replace("[    0.000000] ", "Nov 21 09:02:51 host kernel: ")),
        "daemon");
    assertE820(
        DmesgReader.read(E820.replace("[    0.000000] ", "[Sat Nov 21 09:02:51 2026] ")), "date");
  }

  @Test
  void theOlderFormHasItsEndBehindTheRange() throws Exception {
    MemoryMap map =
        DmesgReader.read(
            """
            <6>[    0.000000]  BIOS-e820: 0000000000000000 - 000000000009fc00 (usable)
            <6>[    0.000000]  BIOS-e820: 000000000009fc00 - 00000000000a0000 (reserved)
            <6>[    0.000000]  BIOS-e820: 0000000000100000 - 0000000020000000 (usable)
             BIOS-e820: 0000000020000000 - 0000000020010000 (ACPI data)
            [    0.000000] SRAT: Node 0 PXM 0 0-a0000
            [    0.000000] SRAT: Node 1 PXM 4 a0000-20000000
            [    0.000000] RAMDISK: 37c6a000 - 37fef3a2
            """);
    assertEquals("0x0+0x9fc00 node 0 0x100000+0x1ff00000 node 1", MapRows.memory(map));
    assertEquals(
        "0x9fc00+0x400 reserved, 0x20000000+0x10000 ACPI reclaimable",
        MapRows.reserved(map, Source.FIRMWARE));
    assertEquals(new AddressRange(0x37c6a000, 0x3853a2), map.initrd());
  }

  @Test
  @Behaviour("91")
  void sratLinesGiveNodesAndHotPlug() throws Exception {
    MemoryMap map =
        DmesgReader.read(
            E820
                + """
                [    0.06] ACPI: SRAT: Node 0 PXM 0 [mem 0x00000000-0x0009ffff]
                [    0.06] ACPI: SRAT: Node 0 PXM 0 [mem 0x00100000-0x1fffffff]
                [    0.06] ACPI: SRAT: Node 1 PXM 1 [mem 0x20000000-0x3fffffff] hotplug
                [    0.06] ACPI: SRAT: Node 1 PXM 1 [mem 0x900000000-0x9ffffffff] hotplug
                [    0.08]   node   0: [mem 0x0000000000001000-0x000000000009efff]
                """);
    assertEquals(
        "0x0+0x9fc00 node 0 0x100000+0x1ff00000 node 0 0x20000000+0x1ffdf000 node 1 hot",
        MapRows.memory(map));
    assertTrue(MapRows.warnings(map).contains("[0x900000000, 0xa00000000) has no RAM"));
  }

  @Test
  void nodeRangesGiveNodesIfTheyNameMoreThanOne() throws Exception {
    String one = E820 + "[    0.08]   node   0: [mem 0x0000000000001000-0x000000003ffdefff]\n";
    assertEquals(E820_MEMORY, MapRows.memory(DmesgReader.read(one)));
    String two =
        E820
            + "[    0.08]   node   0: [mem 0x0000000000000000-0x000000000fffffff]\n"
            + "[    0.08]   node   1: [mem 0x0000000010000000-0x000000003ffdefff]\n";
    assertEquals(
        "0x0+0x9fc00 node 0 0x100000+0xff00000 node 0 0x10000000+0x2ffdf000 node 1",
        MapRows.memory(DmesgReader.read(two)));
  }

  @Test
  @Behaviour("90")
  void efiLinesOfAllAgesAreRead() throws Exception {
    MemoryMap map =
        DmesgReader.read(
            """
            [    0.0] Booting Linux on physical CPU 0x0000000000 [0x411fd070]
            [    0.0] efi: mem00: [Conventional|   |  |  |  |  |  |  |  |   |WB|WT|WC|UC] range=[0x0000000040000000-0x0000000040ffffff] (16MB)
            [    0.0] efi: mem01: [Loader Data |   |  |  |  |  |  |  |  |   |WB|WT|WC|UC] range=[0x0000000041000000-0x0000000041ffffff] (16MB)
            [    0.0] efi: mem02: [Boot Data|   |  |  |  |  |  |  |  |   |WB|WT|WC|UC] range=[0x0000000042000000-0x0000000042ffffff] (16MB)
            [    0.0] efi: mem03: [Conventional Memory|   |  |  |  |   |WB|WT|WC|UC] range=[0x0000000043000000-0x0000000044000000) (16MB)
            [    0.0] EFI: mem04: type=9, attr=0xf, range=[0x0000000044000000-0x0000000044001000) (0MB)
            [    0.0] efi: mem05: [Conventional|   |  |SP|  |  |  |  |  |   |WB|WT|WC|UC] range=[0x0000000050000000-0x0000000050000fff] (0MB)
            [    0.0] efi: mem06: [Runtime Code|RUN|  |  |  |  |  |  |  |   |WB|WT|WC|UC] range=[0x0000000060000000-0x0000000060000fff] (0MB)
            [    0.0] efi: memattr: Entry type should be RuntimeServiceCode/Data
            """);
    assertEquals("0x40000000+0x4000000", MapRows.memory(map));
    assertEquals(
        "0x41000000+0x1000000 loader data, 0x44000000+0x1000 ACPI reclaimable, "
            + "0x50000000+0x1000 specific purpose, 0x60000000+0x1000 runtime code",
        MapRows.reserved(map, Source.FIRMWARE));
    assertEquals(Architecture.AARCH64, map.architecture());
  }

  @Test
  void withoutFirmwareLinesTheNodeRangesAreTheMemory() throws Exception {
    MemoryMap map =
        DmesgReader.read(
            """
            [    0.0] Linux version 7.2.13 (riscv64-linux-gnu-gcc-16)
            [    0.0] OF: reserved mem: 0x0000000080000000..0x000000008007ffff (512 KiB) nomap non-reusable mmode_resv0@80000000
            [    0.0] OF: reserved mem: 0x0000000090000000..0x0000000090ffffff (16384 KiB) map reusable linux,cma
            [    0.0] OF: reserved mem: Reserved memory: No reserved-memory node in the DT
            [    0.0] Early memory node ranges
            [    0.0]   node   0: [mem 0x0000000080000000-0x000000009fffffff]
            [    0.0] Initmem setup node 0 [mem 0x0000000080000000-0x000000009fffffff]
            """);
    assertEquals("0x80000000+0x20000000 node 0", MapRows.memory(map));
    assertEquals(
        "0x80000000+0x80000 mmode_resv0@80000000, 0x90000000+0x1000000 linux,cma",
        MapRows.reserved(map, Source.RESERVED_MEMORY));
    assertTrue(map.reserved(0).noMap() && !map.reserved(0).reusable());
    assertTrue(!map.reserved(1).noMap() && map.reserved(1).reusable());
    assertEquals(Architecture.RISCV64, map.architecture());
  }

  @Test
  void ofTwoBootsInALogTheFirstCounts() throws Exception {
    MemoryMap map = DmesgReader.read(E820 + E820.replace("3ffdefff", "7fffffff"));
    assertEquals(E820_MEMORY, MapRows.memory(map));
    assertTrue(MapRows.warnings(map).contains("line 15: another boot begins"));
  }

  @Test
  void damagedLinesAreRefusedWithTheirNumber() {
    String[] damaged = {
      "BIOS-e820: [mem 0x0000000000000000-0x0000000000",
      "BIOS-e820: [mem 0x0000000000001000-0x0000000000000fff] usable",
      "BIOS-e820: [mem 0x1000_0x2000] usable",
      "BIOS-e820: [mem 0x1000-0x1fff]",
      "BIOS-e820: 0000000000000000 - 000000000009fc00",
      "BIOS-e820: 0000000000001000 - 0000000000001000 (usable)",
      "BIOS-e820: ",
      "ACPI: SRAT: Node x PXM 0 [mem 0x00000000-0x0009ffff]",
      "ACPI: SRAT: Node 0 PXM 0 [mem 0x00000000",
      "ACPI: SRAT: Node 99999999999 PXM 0 [mem 0x00000000-0x0009ffff]",
      "  node   0: [mem 0x0000000080000000]",
      "OF: reserved mem: 0x80000000..0x8007ffff 512 KiB",
      "OF: reserved mem: 0x80000000..0x8007ffff (512 KiB) nomap",
      "RAMDISK: [mem 0x1-",
      "efi: mem00: [Conventional|] range=[0x0-0xfff",
      "efi: mem00: [Conventional|] range=[0x0-0xffe] (0MB)",
      "efi: mem00: [Nonsense|] range=[0x0-0xfff] (0MB)",
      "efi: mem00: Conventional range=[0x0-0xfff] (0MB)",
      "efi: mem00: [Conventional|]",
    };
    for (String each : damaged) {
      String text = "[    0.000000] Linux version 6\n[    0.000000] " + each + "\nmore\n";
      MemoryMapException refused =
          assertThrows(MemoryMapException.class, () -> DmesgReader.read(text), each);
      assertEquals("line 2", refused.record(), each);
      assertEquals(31, refused.offset(), each);
    }
  }

  @Test
  void aTextWithoutAMapIsRefused() {
    assertThrows(MemoryMapException.class, () -> DmesgReader.read(""));
    assertThrows(MemoryMapException.class, () -> DmesgReader.read("[ 0.0] Linux version 6\n"));
    assertThrows(MemoryMapException.class, () -> DmesgReader.read(new byte[100]));
  }

  @Test
  void realLogsEqualWhatWasParsedFromThem() throws Exception {
    Path folder = SharedData.folder("boot");
    for (String name :
        List.of(
            "arm64-virt-numa2-1G-k72",
            "riscv64-virt-512M-k72",
            "x86-pc-512M-k612",
            "x86-q35-numa2-1G-k612")) {
      MemoryMap map = DmesgReader.read(SharedData.bytes(folder.resolve(name + ".log.xz")));
      Map<?, ?> truth = SharedData.json(folder.resolve(name + ".json"));
      assertEquals(((List<?>) truth.get("cmdline")).get(0), map.commandLine(), name);
      MemoryMapBuilder expected = new MemoryMapBuilder("truth");
      StringBuilder reserved = new StringBuilder();
      for (Map<?, ?> entry : SharedData.objects(truth, "e820")) {
        long start = SharedData.number(entry, "start");
        long byteSize = SharedData.number(entry, "end_inclusive") - start + 1;
        if ("usable".equals(entry.get("type"))) {
          expected.addMemory(start, byteSize, -1, false, "truth", 0);
        } else {
          reserved.append(reserved.isEmpty() ? "" : ", ").append(MapRows.range(start, byteSize));
          reserved.append(' ').append(entry.get("type"));
        }
      }
      boolean x86 = name.startsWith("x86");
      assertEquals(x86, expected.memoryCount() > 0, name);
      if (!x86) {
        for (Map<?, ?> entry : SharedData.objects(truth, "early_node_ranges")) {
          long start = SharedData.number(entry, "start");
          long byteSize = SharedData.number(entry, "end_inclusive") - start + 1;
          int node = (int) SharedData.number(entry, "node");
          expected.addMemory(start, byteSize, node, false, "truth", 0);
        }
      }
      MemoryMap withNodes = expected.build();
      if (name.contains("q35")) {
        byte[] srat = SharedData.bytes(folder.resolve(name + ".SRAT.bin"));
        withNodes = AcpiTables.read(ByteView.of(srat)).applyTo(withNodes);
      }
      assertEquals(MapRows.memory(withNodes), MapRows.memory(map), name);
      assertEquals(reserved.toString(), MapRows.reserved(map, Source.FIRMWARE), name);
      Architecture machine = map.architecture();
      assertNotNull(machine, name);
      String label = x86 ? "x86_64" : name.startsWith("arm") ? "aarch64" : "riscv64";
      assertEquals(label, machine.label(), name);
    }
  }

  @Test
  @Behaviour("91")
  void realAffinityTablesAgreeWithTheKernelThatBootedFromThem() throws Exception {
    Path folder = SharedData.folder("boot");
    String name = "x86-q35-numa2-1G-k612";
    Map<?, ?> truth = SharedData.json(folder.resolve(name + ".json"));
    AcpiTables tables =
        AcpiTables.read(
            ByteView.of(SharedData.bytes(folder.resolve(name + ".APIC.bin"))),
            ByteView.of(SharedData.bytes(folder.resolve(name + ".SRAT.bin"))),
            ByteView.of(SharedData.bytes(folder.resolve(name + ".SLIT.bin"))));
    List<String> lines = ((List<?>) truth.get("srat_lines")).stream().map(String::valueOf).toList();
    assertEquals(lines.size(), tables.affinityCount());
    for (int i = 0; i < lines.size(); i++) {
      AddressRange range = tables.affinity(i).range();
      int node = tables.affinity(i).node();
      assertEquals(
          lines.get(i),
          String.format(
              "Node %d PXM %d [mem 0x%08x-0x%08x]",
              node, tables.proximityDomain(node), range.base(), range.last()));
    }
    assertEquals(2, tables.processorCount());
    MemoryMap log = DmesgReader.read(SharedData.bytes(folder.resolve(name + ".log.xz")));
    MemoryMap map = tables.applyTo(log);
    Map<?, ?> distances = (Map<?, ?>) truth.get("node_distance");
    assertEquals(distances.size(), map.distanceCount());
    for (int from = 0; from < map.distanceCount(); from++) {
      List<?> row = (List<?>) distances.get(String.valueOf(from));
      for (int to = 0; to < map.distanceCount(); to++) {
        assertEquals(row.get(to), map.distance(from, to));
      }
    }
    assertEquals(
        "0x0+0x9fc00 node 0 0x100000+0x1ff00000 node 0 0x20000000+0x1ffdf000 node 1",
        MapRows.memory(map));
  }

  @Test
  void nodeNumbersAreBelow1024() throws Exception {
    MemoryMap map = DmesgReader.read("[0.0]   node 1023: [mem 0x1000-0x1fff]\n");
    assertEquals("0x1000+0x1000 node 1023", MapRows.memory(map));
    for (String node : new String[] {"1024", "999999", "1000000", "99999999999999999999"}) {
      for (String line :
          new String[] {
            "  node " + node + ": [mem 0x1000-0x1fff]",
            "ACPI: SRAT: Node " + node + " PXM 1 [mem 0x1000-0x1fff]",
            "SRAT: Node " + node + " PXM 1 1000-2000"
          }) {
        MemoryMapException refused =
            assertThrows(MemoryMapException.class, () -> DmesgReader.read("first\n" + line), line);
        assertEquals("line 2", refused.record(), line);
        assertEquals(6, refused.offset(), line);
        assertTrue(String.valueOf(refused.getMessage()).contains("not below 1024"), line);
      }
    }
  }

  @Test
  void datesOfEveryDayOfTheWeekArePassedOver() throws Exception {
    for (String day : new String[] {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}) {
      String stamp = "[" + day + " Jan  1 00:00:00 1970] ";
      MemoryMap map = DmesgReader.read(stamp + "BIOS-e820: [mem 0x1000-0x1fff] usable");
      assertEquals("0x1000+0x1000", MapRows.memory(map), day);
    }
  }
}
