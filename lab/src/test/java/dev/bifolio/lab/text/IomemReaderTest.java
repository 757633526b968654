package dev.bifolio.lab.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.firmware.MemoryMapException;
import dev.bifolio.kernel.firmware.ReservedRegion.Source;
import dev.bifolio.lab.MapText;
import dev.bifolio.lab.SharedData;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class IomemReaderTest {
  @Test
  void memoryDevicesAndReservationsAreToldApart() throws Exception {
    MemoryMap map =
        IomemReader.read(
            """
            00000000-00000fff : Reserved
            00001000-0009fbff : System RAM
            000a0000-000bffff : PCI Bus 0000:00
            000f0000-000fffff : Reserved
              000f0000-000fffff : System ROM
            00100000-3ffdefff : System RAM
              21200000-221fffff : Kernel code
              22200000-22cbffff : Kernel rodata
              22e00000-230728bf : Kernel data
              238d8000-23dfffff : Kernel bss
              30000000-37ffffff : Crash kernel
              3f000000-3f0fffff : ramoops
              3ff00000-3fffffff : reserved
            3ffdf000-3ffeffff : ACPI Tables
            3fff0000-3fffffff : ACPI Non-volatile Storage
            b0000000-bfffffff : PCI ECAM 0000 [bus 00-ff]
              b0000000-bfffffff : Reserved
                b0000000-bfffffff : pnp 00:05
            100000000-1ffffffff : Persistent Memory
              100000000-13fffffff : dax0.0
                100000000-13fffffff : System RAM (kmem)
            fd00000000-ffffffffff : Reserved
            """);
    assertEquals("0x1000+0x9ec00 0x100000+0x3fedf000 0x100000000+0x40000000", MapText.memory(map));
    assertEquals(
        "0x21200000+0x1000000 Kernel code, 0x22200000+0xac0000 Kernel rodata, "
            + "0x22e00000+0x2728c0 Kernel data, 0x238d8000+0x528000 Kernel bss, "
            + "0x30000000+0x8000000 Crash kernel",
        MapText.reserved(map, Source.KERNEL));
    assertEquals(
        "0x0+0x1000 Reserved, 0xf0000+0x10000 Reserved, 0x3f000000+0x100000 ramoops, "
            + "0x3ff00000+0x100000 reserved, 0x3ffdf000+0x11000 ACPI Tables, "
            + "0x3fff0000+0x10000 ACPI Non-volatile Storage, 0xb0000000+0x10000000 Reserved, "
            + "0x100000000+0x100000000 Persistent Memory, 0xfd00000000+0x300000000 Reserved",
        MapText.reserved(map, Source.FIRMWARE));
    assertEquals("iomem", map.format());
    assertNull(map.architecture());
  }

  @Test
  void everythingBelowMemoryIsReservedHoweverDeep() throws Exception {
    MemoryMap map =
        IomemReader.read(
            """
            80000000-9fffffff : System RAM
              80202000-8259fa8f : Kernel image
                80202000-80fd39f9 : Kernel code
              8259fa90-825fffff : Reserved
            """);
    assertEquals(
        "0x80202000+0x239da90 Kernel image, 0x80202000+0xdd19fa Kernel code",
        MapText.reserved(map, Source.KERNEL));
    assertEquals("0x8259fa90+0x60570 Reserved", MapText.reserved(map, Source.FIRMWARE));
  }

  @Test
  void windowsLineEndsAndEmptyLinesAreTolerated() throws Exception {
    byte[] bytes =
        "00001000-00001fff : System RAM\r\n\r\n  00001000-000010ff : reserved\r\n"
            .getBytes(StandardCharsets.US_ASCII);
    MemoryMap map = IomemReader.read(bytes);
    assertEquals("0x1000+0x1000", MapText.memory(map));
    assertEquals("0x1000+0x100 reserved", MapText.reserved(map, Source.FIRMWARE));
  }

  @Test
  void hiddenAddressesAreRefusedWithAdvice() {
    MemoryMapException refused =
        assertThrows(
            MemoryMapException.class,
            () ->
                IomemReader.read(
                    "00000000-00000000 : System RAM\n  00000000-00000000 : Kernel code\n"));
    assertTrue(String.valueOf(refused.getMessage()).contains("only root sees them"));
  }

  @Test
  void damagedLinesAreRefusedWithTheirNumber() {
    String[] damaged = {
      "nonsense",
      "00002000 : System RAM",
      "00002000-00001000 : System RAM",
      "0000g000-00001000 : System RAM",
      "-00001000 : System RAM",
      "12345678901234567-22345678901234567 : System RAM",
      "      00002000-00002fff : too deep",
      "00002000-00002fff System RAM",
      "   ",
    };
    for (String each : damaged) {
      String text = "00001000-00001fff : System RAM\n" + each + "\n";
      if (each.isBlank()) {
        continue;
      }
      MemoryMapException refused =
          assertThrows(MemoryMapException.class, () -> IomemReader.read(text), each);
      assertEquals("line 2", refused.record(), each);
      assertEquals(31, refused.offset(), each);
    }
    assertThrows(MemoryMapException.class, () -> IomemReader.read(""));
  }

  @Test
  void theWholeAddressSpaceFits() throws Exception {
    MemoryMap map = IomemReader.read("0-ffffffffffffffff : System RAM");
    assertEquals("0x0+0xffffffffffffffff", MapText.memory(map));
  }

  @Test
  void realFilesAgreeWithTheMemoryThatTheirKernelSaw() throws Exception {
    Path folder = SharedData.folder("boot");
    Map<String, String> expected =
        Map.of(
            "arm64-virt-numa2-1G-k72", "0x40000000+0x40000000",
            "riscv64-virt-512M-k72", "0x80000000+0x20000000",
            "x86-pc-512M-k612", "0x1000+0x9ec00 0x100000+0x1fee0000",
            "x86-q35-numa2-1G-k612", "0x1000+0x9ec00 0x100000+0x3fedf000");
    for (Map.Entry<String, String> each : expected.entrySet()) {
      Map<?, ?> truth = SharedData.json(folder.resolve(each.getKey() + ".json"));
      List<String> lines = ((List<?>) truth.get("iomem")).stream().map(String::valueOf).toList();
      MemoryMap map = IomemReader.read(String.join("\n", lines));
      assertEquals(each.getValue(), MapText.memory(map), each.getKey());
      long reservedLines =
          lines.stream()
              .filter(line -> line.matches("(?i).*: reserved") || line.contains(": Kernel "))
              .count();
      assertEquals(reservedLines, map.reservedCount(), each.getKey());
    }
  }
}
