package dev.bifolio.kernel.firmware;

import static dev.bifolio.kernel.firmware.MultibootBytes.memoryOf;
import static dev.bifolio.kernel.firmware.MultibootBytes.reservedOf;
import static dev.bifolio.kernel.firmware.MultibootBytes.warningsOf;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.firmware.ReservedRegion.Source;
import dev.bifolio.testkit.Behaviour;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class Multiboot2ReaderTest {
  private static final long INFO = 0x100158;

  private final MultibootBytes tags = new MultibootBytes();

  private static MultibootBytes payload() {
    return new MultibootBytes();
  }

  private static MultibootBytes map(int entryByteSize, long... basesSizesAndTypes) {
    MultibootBytes map = payload().u32(entryByteSize, 0);
    for (int i = 0; i < basesSizesAndTypes.length; i += 3) {
      int start = map.byteCount();
      map.u64(basesSizesAndTypes[i], basesSizesAndTypes[i + 1]).u32(basesSizesAndTypes[i + 2]);
      map.padTo(start + entryByteSize);
    }
    return map;
  }

  private static MultibootBytes efiMap(long... typesBasesAndPages) {
    MultibootBytes map = payload().u32(48, 1);
    for (int i = 0; i < typesBasesAndPages.length; i += 3) {
      map.u32(typesBasesAndPages[i], 0)
          .u64(typesBasesAndPages[i + 1], 0, typesBasesAndPages[i + 2], 15, 0);
    }
    return map;
  }

  private static MemoryMap read(byte[] information) throws Exception {
    return Multiboot2Reader.read(ByteView.at(INFO, information), INFO);
  }

  private MemoryMap read() throws Exception {
    return read(tags.asInformation());
  }

  @Test
  @Behaviour("113")
  void entriesAreSteppedByTheEntrySizeAndKeepTheirUpperAddressBits() throws Exception {
    tags.tag(6, map(40, 0, 0x9fc00, 1, 0x9fc00, 0x400, 2, 0x1_0000_0000L, 0x4000_0000L, 1));
    MemoryMap map = read();
    assertEquals("0x0+0x9fc00 0x100000000+0x40000000", memoryOf(map));
    assertEquals("0x9fc00+0x400 reserved", reservedOf(map, Source.FIRMWARE));
    assertEquals("multiboot2", map.format());
    assertEquals(Architecture.X86_64, map.architecture());
  }

  @Test
  @Behaviour("114")
  void everyKindOfRangeIsCovered() throws Exception {
    tags.tag(3, payload().u32(0x200000, 0x200005).text("m0"));
    tags.tag(6, map(24, 0, 4096, 1, 4096, 4096, 3, 8192, 4096, 4, 12288, 4096, 5, 16384, 4096, 20));
    tags.tag(8, payload().u64(0xFD00_0000L).u32(4096, 1024, 768).u8(32, 1, 0, 0));
    MemoryMap map = read();
    assertEquals("0x0+0x1000", memoryOf(map));
    assertEquals(
        "0x1000+0x1000 ACPI reclaimable, 0x2000+0x1000 ACPI NVS, 0x3000+0x1000 unusable, "
            + "0x4000+0x1000 type 20, 0xfd000000+0x300000 framebuffer",
        reservedOf(map, Source.FIRMWARE));
    assertEquals(new BootModule(0x200000, 5, "m0"), map.module(0));
    assertEquals("", reservedOf(map, Source.MODULE));
  }

  @Test
  void stringsModulesAndTheInformationItselfAreFound() throws Exception {
    tags.tag(1, payload().text("console=ttyS0 quiet"));
    tags.tag(2, payload().text("GRUB 2.06"));
    tags.tag(3, payload().u32(0x1000, 0x1001).text(""));
    tags.tag(3, payload().u32(0x2000, 0x2000).text("a b c"));
    tags.tag(6, map(24, 0, 0x9fc00, 1));
    byte[] information = tags.asInformation();
    MemoryMap map = read(information);
    assertEquals("console=ttyS0 quiet", map.commandLine());
    assertEquals("GRUB 2.06", map.loaderName());
    assertEquals(new BootModule(0x1000, 1, ""), map.module(0));
    assertEquals(new BootModule(0x2000, 0, "a b c"), map.module(1));
    assertEquals(
        "0x100158+0x" + Integer.toHexString(information.length) + " Multiboot information",
        reservedOf(map, Source.BOOT_INFO));
    assertEquals(0, map.warningCount(), warningsOf(map));
  }

  @Test
  void memoryComesFromTheMapThenFromEfiThenFromTheSizes() throws Exception {
    MultibootBytes sizes = payload().u32(640, 7192);
    MultibootBytes efi = efiMap(7, 0x100000, 16, 4, 0x200000, 16, 2, 0x300000, 1);
    MultibootBytes full = map(24, 0x100000, 0x20000000, 1);
    tags.tag(4, sizes);
    assertEquals("0x0+0xa0000 0x100000+0x706000", memoryOf(read()));
    MultibootBytes withEfi = payload().tag(4, sizes).tag(17, efi);
    MemoryMap fromEfi = read(withEfi.asInformation());
    assertEquals("0x100000+0x10000 0x200000+0x10000 0x300000+0x1000", memoryOf(fromEfi));
    assertEquals("0x300000+0x1000 loader data", reservedOf(fromEfi, Source.FIRMWARE));
    MultibootBytes withMap = payload().tag(4, sizes).tag(17, efi).tag(6, full);
    MemoryMap fromMap = read(withMap.asInformation());
    assertEquals("0x100000+0x20000000", memoryOf(fromMap));
    assertEquals("", reservedOf(fromMap, Source.FIRMWARE));
    MultibootBytes emptyMap = payload().tag(6, map(24)).tag(4, sizes);
    assertEquals("0x0+0xa0000 0x100000+0x706000", memoryOf(read(emptyMap.asInformation())));
  }

  @Test
  @Behaviour({"90", "114"})
  void whatBootServicesHoldIsReservedWhileTheyRun() throws Exception {
    MultibootBytes efi = efiMap(7, 0x100000, 16, 3, 0x200000, 1, 4, 0x300000, 1);
    MemoryMap over = read(payload().tag(17, efi).asInformation());
    assertEquals("0x100000+0x10000 0x200000+0x1000 0x300000+0x1000", memoryOf(over));
    assertEquals("", reservedOf(over, Source.FIRMWARE));
    String held = "0x200000+0x1000 boot services, 0x300000+0x1000 boot services";
    MemoryMap running = read(payload().tag(17, efi).tag(18, payload()).asInformation());
    assertEquals(memoryOf(over), memoryOf(running));
    assertEquals(held, reservedOf(running, Source.FIRMWARE));
    MultibootBytes full = map(24, 0x100000, 0x20000000, 1);
    MemoryMap both = read(payload().tag(18, payload()).tag(6, full).tag(17, efi).asInformation());
    assertEquals("0x100000+0x20000000", memoryOf(both));
    assertEquals(held, reservedOf(both, Source.FIRMWARE));
  }

  @Test
  void theCopyOfTheAcpiRootPointerIsChecked() throws Exception {
    byte[] root =
        new MultibootBytes()
            .raw("RSD PTR ".getBytes(StandardCharsets.US_ASCII))
            .padTo(20)
            .toBytes();
    int sum = 0;
    for (byte each : root) {
      sum += each;
    }
    root[8] = (byte) -sum;
    MultibootBytes full = map(24, 0, 0x1000, 1);
    MemoryMap good = read(payload().tag(6, full).tag(14, payload().raw(root)).asInformation());
    assertEquals(0, good.warningCount(), warningsOf(good));
    MultibootBytes extended = payload().raw(root).padTo(36);
    MemoryMap goodNew = read(payload().tag(6, full).tag(15, extended).asInformation());
    assertEquals(0, goodNew.warningCount(), warningsOf(goodNew));
    MultibootBytes wrongEnd = payload().raw(root).padTo(35).u8(1);
    assertEquals(
        "ACPI root pointer: wrong sum\n",
        warningsOf(read(payload().tag(6, full).tag(15, wrongEnd).asInformation())));
    root[0] = 'X';
    assertEquals(
        "ACPI root pointer: wrong signature\n",
        warningsOf(read(payload().tag(6, full).tag(14, payload().raw(root)).asInformation())));
  }

  @Test
  void unknownTagsArePassedOverAndAMissingEndLeavesAWarning() throws Exception {
    tags.tag(77, payload().u8(1, 2, 3)).tag(6, map(24, 0, 0x1000, 1)).tag(0xFFFF, payload());
    assertEquals("0x0+0x1000", memoryOf(read()));
    byte[] whole = payload().tag(6, map(24, 0, 0x1000, 1)).asInformation();
    byte[] noEnd = MultibootBytes.first(whole, whole.length - 8);
    noEnd[0] = (byte) noEnd.length;
    assertEquals("Multiboot information: no end tag\n", warningsOf(read(noEnd)));
  }

  @Test
  void impossibleTagsAreRefusedWhereTheyAre() {
    byte[] good = payload().tag(6, map(24, 0, 0x1000, 1)).asInformation();
    int[][] patches = {
      {12, 0}, {12, 7}, {12, 255}, {16, 0}, {16, 23}, {16, 25}, {0, 0}, {0, 7}, {0, 255}, {12, 15}
    };
    for (int[] patch : patches) {
      byte[] bad = good.clone();
      bad[patch[0]] = (byte) patch[1];
      MemoryMapException refused =
          assertThrows(
              MemoryMapException.class, () -> read(bad), "byte " + patch[0] + " = " + patch[1]);
      assertTrue(refused.offset() >= INFO && refused.offset() < INFO + good.length);
    }
    MemoryMapException odd =
        assertThrows(
            MemoryMapException.class, () -> Multiboot2Reader.read(ByteView.at(4, good), 4));
    assertEquals(4, odd.offset());
  }

  @Test
  void shortTagsOfEveryKindAreRefused() {
    int[] kinds = {3, 4, 8, 14, 15, 17};
    for (int kind : kinds) {
      byte[] information = payload().tag(kind, payload().u8(1, 2, 3, 4)).asInformation();
      assertThrows(MemoryMapException.class, () -> read(information), "tag " + kind);
    }
  }

  @Test
  void aTotalSizeBeyondTheCapIsRefused() {
    byte[] huge = new MultibootBytes().u32(0xFFFF_FFF8L, 0).u32(0, 8).toBytes();
    assertEquals(INFO, assertThrows(MemoryMapException.class, () -> read(huge)).offset());
  }
}
