package dev.bifolio.lab.input;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.firmware.ByteView;
import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.firmware.MemoryMapBuilder;
import dev.bifolio.kernel.firmware.MemoryMapException;
import dev.bifolio.kernel.firmware.ReservedRegion.Source;
import dev.bifolio.lab.MapRows;
import dev.bifolio.lab.SharedData;
import dev.bifolio.testkit.Behaviour;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MemoryImageTest {
  @TempDir Path folder;

  private static List<Path> realImages() throws Exception {
    try (Stream<Path> files = Files.list(SharedData.folder("multiboot"))) {
      return files.filter(each -> each.toString().endsWith(".json")).sorted().toList();
    }
  }

  @Test
  @Behaviour("113")
  void realImagesEqualTheirGroundTruth() throws Exception {
    List<Path> images = realImages();
    assertEquals(6, images.size());
    for (Path each : images) {
      assertEqualsTruth(SharedData.json(each), MemoryImage.read(each).readMap(), each.toString());
    }
  }

  private static void assertEqualsTruth(Map<?, ?> description, MemoryMap map, String what)
      throws Exception {
    Map<?, ?> truth = (Map<?, ?>) description.get("decoded_by_collector");
    assertEquals(description.get("protocol"), map.format(), what);
    assertEquals(truth.get("cmdline"), map.commandLine(), what);
    assertEquals(truth.get("loader"), map.loaderName(), what);
    List<Map<?, ?>> modules = SharedData.objects(truth, "modules");
    assertEquals(modules.size(), map.moduleCount(), what);
    for (int i = 0; i < modules.size(); i++) {
      long start = SharedData.number(modules.get(i), "start");
      assertEquals(start, map.module(i).base(), what);
      assertEquals(SharedData.number(modules.get(i), "end") - start, map.module(i).byteSize());
      assertEquals(modules.get(i).get("cmdline"), map.module(i).commandLine(), what);
    }
    MemoryMapBuilder expected = new MemoryMapBuilder("truth");
    StringBuilder reserved = new StringBuilder();
    for (Map<?, ?> entry : SharedData.objects(truth, "mmap")) {
      long base = SharedData.number(entry, "base");
      long byteSize = SharedData.number(entry, "len");
      if (SharedData.number(entry, "type") == 1) {
        expected.addMemory(base, byteSize, -1, false, "truth", 0);
      } else {
        reserved.append(MapRows.range(base, byteSize)).append(' ');
      }
    }
    assertEquals(MapRows.memory(expected.build()), MapRows.memory(map), what);
    String stated =
        MapRows.reserved(map, Source.FIRMWARE)
            .replaceAll("(0x\\w+\\+0x\\w+) framebuffer(, )?", "")
            .replaceAll("(reserved|ACPI reclaimable|ACPI NVS|type \\d+)(, )?", "");
    assertEquals(reserved.toString(), stated, what);
    assertEquals(0, map.warningCount(), what + ": " + MapRows.warnings(map));
    assertInformationIsReserved(description, map, what);
  }

  /// The address that the loader put into EBX must not be handed out.
  private static void assertInformationIsReserved(
      Map<?, ?> description, MemoryMap map, String what) {
    long info = SharedData.number((Map<?, ?>) description.get("regs"), "ebx");
    boolean found = false;
    for (int i = 0; i < map.reservedCount(); i++) {
      found |=
          map.reserved(i).source() == Source.BOOT_INFO && map.reserved(i).range().contains(info);
    }
    assertTrue(found, what);
  }

  @Test
  void theEfiMapInARealImageEqualsItsGroundTruth() throws Exception {
    Path file = SharedData.folder("multiboot").resolve("mb2-grubefi-q35-512M-mods.json");
    MemoryImage image = MemoryImage.read(file);
    // Turned into a tag of no meaning, the memory map leaves the stage to the EFI map.
    Map<?, ?> truth = (Map<?, ?>) SharedData.json(file).get("decoded_by_collector");
    long at = image.infoAddress() + 8;
    for (Map<?, ?> tag : SharedData.objects(truth, "tags")) {
      if (SharedData.number(tag, "type") == 6) {
        break;
      }
      at += SharedData.number(tag, "size") + 7 & -8;
    }
    MemoryMap map =
        new MemoryImage(image.protocol(), new Patched(image.memory(), at, 66), image.infoAddress())
            .readMap();
    MemoryMapBuilder expected = new MemoryMapBuilder("truth");
    int reservedCount = 1;
    for (Map<?, ?> entry : SharedData.objects(truth, "efi_mmap")) {
      long type = SharedData.number(entry, "type");
      long byteSize = SharedData.number(entry, "pages") * 4096;
      if ((type >= 1 && type <= 4) || type == 7) {
        expected.addMemory(SharedData.number(entry, "phys"), byteSize, -1, false, "truth", 0);
      }
      if (type < 3 || (type > 4 && type != 7)) {
        reservedCount++;
      }
    }
    assertTrue(expected.memoryCount() > 80);
    assertEquals(MapRows.memory(expected.build()), MapRows.memory(map));
    assertEquals(reservedCount, map.reservedCount());
    assertTrue(MapRows.reserved(map, Source.FIRMWARE).contains("loader data"));
  }

  /// One byte changed.
  private record Patched(ByteView inner, long place, int value) implements ByteView {
    @Override
    public boolean isReadable(long address, long byteCount) {
      return inner.isReadable(address, byteCount);
    }

    @Override
    public int byteAt(long address) {
      return address == place ? value : inner.byteAt(address);
    }
  }

  private MemoryImage parse(String json) throws Exception {
    return MemoryImage.of(json.getBytes(StandardCharsets.UTF_8), folder);
  }

  private void writeBin(int byteSize) throws Exception {
    byte[] bytes = new byte[byteSize];
    for (int i = 0; i < byteSize; i++) {
      bytes[i] = (byte) i;
    }
    Files.write(folder.resolve("a.bin"), bytes);
  }

  private static String description(String segments) {
    return "{\"protocol\":\"multiboot1\",\"regs\":{\"ebx\":\"0x10000\"},\"bin\":\"a.bin\","
        + "\"segments\":["
        + segments
        + "]}";
  }

  @Test
  void segmentsAreFoundByAddressAndMayTouch() throws Exception {
    writeBin(100);
    MemoryImage image =
        parse(
            description(
                "{\"phys\":\"0x2000\",\"len\":10,\"file_offset\":50},"
                    + "{\"phys\":4096,\"len\":16,\"file_offset\":0},"
                    + "{\"phys\":8202,\"len\":5,\"file_offset\":0}"));
    assertEquals(0x10000, image.infoAddress());
    assertEquals("multiboot1", image.protocol());
    assertEquals(15, image.memory().byteAt(0x100f));
    assertEquals(59, image.memory().byteAt(0x2009));
    assertEquals(0, image.memory().byteAt(0x200a));
    assertTrue(image.memory().isReadable(0x2000, 15));
    assertFalse(image.memory().isReadable(0x2000, 16));
    assertFalse(image.memory().isReadable(0x1000, 17));
    assertFalse(image.memory().isReadable(0xfff, 1));
    assertFalse(image.memory().isReadable(0x1000, -1L));
    assertTrue(image.memory().isReadable(0x5000, 0));
    assertThrows(IndexOutOfBoundsException.class, () -> image.memory().byteAt(0x1010));
  }

  @Test
  void wrongDescriptionsAreRefusedInOneLine() throws Exception {
    writeBin(100);
    String segment = "{\"phys\":4096,\"len\":16,\"file_offset\":0}";
    String good = description(segment);
    assertEquals(1, parse(good).memory().byteAt(4097));
    String[] bad = {
      "",
      "null",
      "[]",
      "{",
      "{\"protocol\":",
      "[".repeat(5000),
      good.replace("multiboot1", "multiboot3"),
      good.replace("regs", "registers"),
      good.replace("ebx", "eax"),
      good.replace("0x10000", "0x1000000000"),
      good.replace("\"0x10000\"", "-1"),
      good.replace("a.bin", "none.bin"),
      good.replace("a.bin", "../a.bin"),
      good.replace("a.bin", "/dev/zero"),
      good.replace("a.bin", "."),
      good.replace("a.bin", "a\\nb"),
      good.replace("a.bin", "a\\u2028b\\r"),
      good.replace("a.bin", "a\\u0000b"),
      good.replace("\"a.bin\"", "7"),
      good.replace("segments", "pieces"),
      good.replace("[", "7,\"x\":["),
      description("7"),
      description("{\"phys\":4096,\"len\":16}"),
      description("{\"phys\":4096,\"len\":101,\"file_offset\":0}"),
      description("{\"phys\":4096,\"len\":1,\"file_offset\":100}"),
      description("{\"phys\":4096,\"len\":-1,\"file_offset\":0}"),
      description("{\"phys\":4096,\"len\":16,\"file_offset\":-1}"),
      description("{\"phys\":4096,\"len\":0,\"file_offset\":0}"),
      description("{\"phys\":-4096,\"len\":16,\"file_offset\":0}"),
      description("{\"phys\":1.5,\"len\":16,\"file_offset\":0}"),
      description("{\"phys\":18446744073709551616,\"len\":16,\"file_offset\":0}"),
      description("{\"phys\":18446744073709551615,\"len\":2,\"file_offset\":0}"),
      description(segment + "," + segment.replace("4096", "4111")),
    };
    for (String each : bad) {
      MemoryMapException refused = assertThrows(MemoryMapException.class, () -> parse(each), each);
      String message = String.valueOf(refused.getMessage());
      assertEquals(1, message.split("\\R", -1).length, message);
      assertFalse(message.contains("Source"), message);
      assertFalse(message.contains("StreamRead"), message);
    }
    assertThrows(MemoryMapException.class, () -> MemoryImage.read(folder.resolve("no.json")));
    assertThrows(MemoryMapException.class, () -> MemoryImage.read(folder));
  }

  @Test
  void theLastByteOfTheAddressSpaceCanBeRead() throws Exception {
    writeBin(100);
    MemoryImage image =
        parse(description("{\"phys\":18446744073709551614,\"len\":2,\"file_offset\":7}"));
    assertEquals(8, image.memory().byteAt(-1L));
    assertFalse(image.memory().isReadable(-1L, 2));
  }

  private String refusalOf(String json) {
    MemoryMapException refused = assertThrows(MemoryMapException.class, () -> parse(json), json);
    return String.valueOf(refused.getMessage());
  }

  @Test
  void brokenJsonIsRefusedAtItsPlace() {
    MemoryMapException refused =
        assertThrows(MemoryMapException.class, () -> parse("{\"protocol\": \n nothing}"));
    assertEquals("description", refused.record());
    assertTrue(refused.offset() > 12 && refused.offset() <= 23, () -> "" + refused.offset());
    String message = refusalOf("{\"protocol\": [1, 2");
    assertTrue(message.contains("not JSON: Unexpected end-of-input"), message);
  }

  @Test
  void otherJsonIsNoDescription() {
    for (String json : new String[] {"{}", "{\"name\": 7}"}) {
      String message = refusalOf(json);
      assertTrue(
          message.contains("is JSON, but not a description of a Multiboot image (no protocol)"),
          message);
    }
  }

  @Test
  void noLinkLeadsOutOfTheFolder(@TempDir Path elsewhere) throws Exception {
    writeBin(100);
    Path outside = Files.write(elsewhere.resolve("outside.bin"), new byte[100]);
    String good = description("{\"phys\":4096,\"len\":16,\"file_offset\":0}");
    Files.createSymbolicLink(folder.resolve("out"), outside);
    Files.createSymbolicLink(folder.resolve("folder"), elsewhere);
    Files.createSymbolicLink(folder.resolve("in"), Path.of("a.bin"));
    Files.createSymbolicLink(folder.resolve("self"), Path.of("self"));
    for (String name : new String[] {"out", "folder/outside.bin"}) {
      String message = refusalOf(good.replace("a.bin", name));
      assertTrue(message.contains("a link out of the folder"), message);
    }
    String message = refusalOf(good.replace("a.bin", "self"));
    assertTrue(message.contains("no such file: self"), message);
    assertEquals(1, parse(good.replace("a.bin", "in")).memory().byteAt(4097));
    // The folder itself may be reached through a link.
    Path link = Files.createSymbolicLink(elsewhere.resolve("images"), folder);
    Files.writeString(folder.resolve("a.json"), good);
    assertEquals(1, MemoryImage.read(link.resolve("a.json")).memory().byteAt(4097));
  }
}
