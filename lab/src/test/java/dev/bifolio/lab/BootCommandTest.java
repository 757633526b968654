package dev.bifolio.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.testkit.Behaviour;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BootCommandTest {
  private static final List<String> ZONE_FIELDS =
      List.of(
          "node",
          "zone",
          "startPfn",
          "endPfn",
          "spanned",
          "present",
          "managed",
          "free",
          "min",
          "low",
          "high",
          "freeBlocks",
          "protection");

  @TempDir Path folder;

  @Test
  void withoutAFileThePhoneBootsAndIsProved() {
    CommandRun run = CommandRun.of("boot");
    assertEquals(0, run.exit(), run.err());
    assertEquals("", run.err());
    assertTrue(run.out().contains("reserved: [0xfac00000, 0xfb5e3400)"), run.out());
    assertTrue(run.out().contains("heap: "), run.out());
    assertTrue(run.out().contains("order 19     2 GiB"), run.out());
    assertTrue(run.out().contains("no frame owned twice"), run.out());
    assertFalse(run.out().contains("\u001b"), "colours belong on a terminal");
    assertFalse(run.out().contains("one cell ="), "the picture belongs on a terminal");
  }

  @Test
  @Behaviour({"107", "109", "110"})
  void theJsonIsTheContractsAndItsNumbersAddUp() throws Exception {
    CommandRun run = CommandRun.of("boot", "--json");
    assertEquals(0, run.exit(), run.err());
    List<Map<String, Object>> lines = run.json();
    assertEquals(1, lines.size());
    Map<String, Object> json = lines.getFirst();
    assertEquals(
        List.of(
            "file",
            "format",
            "architecture",
            "memory",
            "reserved",
            "dynamicReserved",
            "initrd",
            "commandLine",
            "distances",
            "modules",
            "warnings",
            "frames",
            "allocator",
            "memMap",
            "heap",
            "zones",
            "devices",
            "pageTables",
            "timings",
            "proof"),
        List.copyOf(json.keySet()));
    assertEquals("aarch64", json.get("architecture"));
    Map<?, ?> frames = (Map<?, ?>) json.get("frames");
    assertEquals(8L << 30 >> 12, number(frames, "present"));
    assertEquals(
        number(frames, "managed"),
        number(frames, "present") - number(frames, "reserved") - number(frames, "memMap"));
    assertEquals(
        number(frames, "free") + number(frames, "cached"),
        number(frames, "managed") - number(frames, "heap") - number(frames, "tables"));
    Map<?, ?> heap = (Map<?, ?>) json.get("heap");
    assertEquals(64L << 20, number(heap, "size"));
    long free = 0;
    List<String> zones = new ArrayList<>();
    for (Map<?, ?> zone : SharedData.objects(json, "zones")) {
      assertEquals(ZONE_FIELDS, List.copyOf(zone.keySet()));
      zones.add(zone.get("node") + " " + zone.get("zone"));
      List<?> blocks = (List<?>) Objects.requireNonNull(zone.get("freeBlocks"));
      assertEquals(21, blocks.size());
      long inBlocks = 0;
      for (int order = 0; order < blocks.size(); order++) {
        inBlocks += ((Number) Objects.requireNonNull(blocks.get(order))).longValue() << order;
      }
      assertEquals(number(zone, "free"), inBlocks);
      assertEquals(number(zone, "spanned"), number(zone, "endPfn") - number(zone, "startPfn"));
      assertEquals(5, ((List<?>) Objects.requireNonNull(zone.get("protection"))).size());
      free += inBlocks;
    }
    assertEquals(List.of("0 DMA", "0 DMA32", "0 Normal", "0 Movable", "0 Device"), zones);
    assertEquals(number(frames, "free"), free);
  }

  @Test
  void aBootEndsWithThePermanentTables() throws Exception {
    CommandRun run = CommandRun.of("boot", "--json");
    Map<?, ?> json = run.json().getFirst();
    Map<?, ?> tables = (Map<?, ?>) Objects.requireNonNull(json.get("pageTables"));
    assertEquals(
        List.of(
            "architecture",
            "root",
            "root1",
            "tables",
            "size",
            "pages",
            "directMap",
            "physicalBase",
            "temporary",
            "fromAllocator"),
        List.copyOf(tables.keySet()));
    assertEquals("aarch64", tables.get("architecture"));
    assertTrue(String.valueOf(tables.get("root")).matches("0x[0-9a-f]+000"), tables.toString());
    assertTrue(String.valueOf(tables.get("root1")).matches("0x[0-9a-f]+000"), tables.toString());
    assertNotEquals(tables.get("root"), tables.get("root1"));
    assertEquals(4096 * number(tables, "tables"), number(tables, "size"));
    assertEquals(number((Map<?, ?>) json.get("frames"), "tables"), number(tables, "tables"));
    assertEquals("0xffff000000000000", tables.get("directMap"));
    Map<?, ?> pages = (Map<?, ?>) Objects.requireNonNull(tables.get("pages"));
    assertEquals(List.of("4k", "2m", "1g"), List.copyOf(pages.keySet()));
    // All RAM but what must not be mapped, and the image of 40 MiB a second time.
    long bytes = number(pages, "4k") + (number(pages, "2m") << 9) + (number(pages, "1g") << 18);
    assertEquals((8L << 18) - unmappedFrames(json) + (40 << 8), bytes);
    assertTrue(number(tables, "temporary") > 2, tables.toString());
    String text = CommandRun.of("boot").out();
    assertTrue(text.contains("page tables: aarch64, " + tables.get("tables") + " tables"), text);
    assertTrue(text.contains(pages.get("2m") + " of 2 MiB, "), text);
    assertTrue(
        text.contains("roots at " + tables.get("root") + " and " + tables.get("root1")), text);
  }

  private static long unmappedFrames(Map<?, ?> json) {
    long frames = 0;
    for (Map<?, ?> region : SharedData.objects(json, "reserved")) {
      if (Boolean.TRUE.equals(region.get("noMap"))) {
        long base = Long.decode((String) Objects.requireNonNull(region.get("base")));
        frames += ((base + number(region, "size") + 4095) >> 12) - (base >> 12);
      }
    }
    return frames;
  }

  @Test
  void aMachineOfAnUnknownArchitectureHasNoTables() throws Exception {
    CommandRun run = CommandRun.of("boot", "--json", "--arch", "riscv32");
    assertNull(run.json().getFirst().get("pageTables"));
    String text = CommandRun.of("boot", "--arch", "riscv32").out();
    assertTrue(text.contains("tables: none, there is no format of riscv32"), text);
    assertFalse(text.contains("page tables:"), text);
    for (String arch : List.of("x86_64", "riscv64")) {
      String other = CommandRun.of("boot", "--arch", arch).out();
      String name = arch.equals("riscv64") ? "sv39" : arch;
      assertTrue(other.contains("page tables: " + name + ", "), other);
    }
  }

  @Test
  void theHybridAllocatorRunsTheMemoryUnlessTheBaselineIsAskedFor() throws Exception {
    Map<?, ?> hybrid = allocator("boot", "--json", "--cpus", "3");
    assertEquals("hybrid", hybrid.get("kind"));
    assertEquals(3, number(hybrid, "cpus"));
    Map<?, ?> classic = allocator("boot", "--json", "--allocator", "classic");
    assertEquals("classic", classic.get("kind"));
    assertEquals(0, number(classic, "cpus"));
    assertTrue(number(hybrid, "zoneSize") > 0, hybrid.toString());
    assertTrue(number(hybrid, "zoneSize") < 64 << 10, hybrid.toString());
    assertTrue(20 * number(hybrid, "size") < number(classic, "size"), hybrid + " " + classic);
    assertEquals(number(hybrid, "frameInfoSize"), number(classic, "frameInfoSize"));
    String log = CommandRun.of("boot").out();
    assertTrue(log.contains("\nallocator: hybrid, caches for 8 CPUs, "), log);
    log = CommandRun.of("boot", "--allocator", "classic").out();
    assertTrue(log.contains("\nallocator: classic, no caches, "), log);
  }

  private static Map<?, ?> allocator(String... arguments) throws Exception {
    CommandRun run = CommandRun.of(arguments);
    assertEquals(0, run.exit(), run.err());
    return (Map<?, ?>) Objects.requireNonNull(run.json().getFirst().get("allocator"));
  }

  @Test
  void theSameSeedGivesTheSameProof() throws Exception {
    Object first = CommandRun.of("boot", "--json", "--seed", "7").json().getFirst().get("proof");
    Object second = CommandRun.of("boot", "--json", "--seed", "7").json().getFirst().get("proof");
    assertEquals(first, second);
  }

  @Test
  @Behaviour("106")
  void aTreeWithoutMemoryBootsWithTheLoadersPartAndFailsWithoutIt() throws Exception {
    Path tree = SharedData.folder("dtb");
    String oriole = tree.resolve("linux-7.2.13-arm64__exynos__google__gs101-oriole.dtb").toString();
    CommandRun without = CommandRun.of("boot", oriole);
    assertEquals(2, without.exit());
    assertTrue(without.err().contains("No RAM regions found in DTB"), without.err());
    assertEquals(1, without.err().lines().count());
    CommandRun with =
        CommandRun.of(
            "boot", oriole, "--json", "--memory", "0x80000000+2G", "--memory", "0x880000000+6G");
    assertEquals(0, with.exit(), with.err());
    Map<?, ?> frames = (Map<?, ?>) with.json().getFirst().get("frames");
    assertEquals(8L << 30 >> 12, number(frames, "present"));
    assertEquals(2, ((List<?>) with.json().getFirst().get("memory")).size());
  }

  @ParameterizedTest
  @CsvSource({
    "--memory, 0x1000",
    "--memory, 0+0",
    "--arch, vax",
    "--allocator, none",
    "--cpus, 0",
    "--cpus, 5000",
    "--cpus, many",
    "--seed, x",
    "--kernel, here",
    "--headroom, -1",
    "--movable, -1",
    "--movable, some",
    "--min-free, -1",
    "--min-free, 2147483648",
    "--min-free, 1M",
    "--device, 0x2000000000",
    "--device, 0x2000000001+4K",
    "--device, 0x2000000000+1M@",
    "--device, 0x2000000000+1M@1024",
    "--device, 0x2000000000+1M:card",
    "--device, 0x2000000000+1M:",
    "--device, 0x2000000000+1M:gpu@1",
    "--device, 0xffffffffffff0000+64K",
    "--proc, meminfo",
    "--headroom, 0xffffffffffffffff",
    "--entry-size, 7",
    "--format, elf"
  })
  void aBadOptionIsToldInItsOwnWordsWithExitCodeTwo(String option, String value) {
    CommandRun run = CommandRun.of("boot", option, value);
    assertEquals(2, run.exit());
    assertTrue(run.err().contains(option), run.err());
    assertEquals(1, run.err().lines().count(), run.err());
    assertTrue(run.err().startsWith("bifolio: "), run.err());
    assertTrue(run.err().contains("bifolio help boot"), run.err());
  }

  @Test
  void jsonAndProcTogetherAreRefused() {
    CommandRun run = CommandRun.of("boot", "--json", "--proc", "buddyinfo");
    assertEquals(2, run.exit());
    assertEquals("", run.out());
    assertEquals("bifolio: either --json or --proc, not both (see bifolio help boot)\n", run.err());
  }

  @Test
  void theOptionsOfTheZonesReachTheMachine() throws Exception {
    List<Map<?, ?>> plain = zones();
    // 4 MiB, each zone with memory its share of it, in whole frames.
    List<Map<?, ?>> fixed = zones("--min-free", "4096");
    assertEquals(1023, number(fixed.get(0), "min") + number(fixed.get(2), "min"));
    List<Map<?, ?>> huge = zones("--huge-pages");
    assertTrue(number(huge.get(2), "min") > 3 * number(plain.get(2), "min"), huge.toString());
    List<Map<?, ?>> none = zones("--min-free", "0");
    assertEquals(0, number(none.get(2), "high"));
    List<Map<?, ?>> movable = zones("--movable", "1G");
    assertEquals(1 << 18, number(movable.get(3), "present"));
    assertEquals(0, number(plain.get(3), "present"));
    List<Map<?, ?>> device = zones("--device", "0x2000000000+16M@5", "--device", "0x3000000000+8M");
    assertEquals(10, device.size());
    assertEquals(5, number(device.get(9), "node"));
    assertEquals(0x2000000L, number(device.get(9), "startPfn"));
    assertEquals(4096, number(device.get(9), "free"));
    assertEquals(2048, number(device.get(4), "free"));
  }

  private static List<Map<?, ?>> zones(String... options) throws Exception {
    List<String> arguments = new ArrayList<>(List.of("boot", "--json"));
    arguments.addAll(List.of(options));
    CommandRun run = CommandRun.of(arguments.toArray(new String[0]));
    assertEquals(0, run.exit(), run.err());
    return SharedData.objects(run.json().getFirst(), "zones");
  }

  @Test
  void whatIsSaidOfDeviceMemoryIsKept() throws Exception {
    CommandRun run =
        CommandRun.of(
            "boot",
            "--json",
            "--device",
            "0x3000000000+8M@5:persistent",
            "--device",
            "0x2000000000+16M:gpu");
    assertEquals(0, run.exit(), run.err());
    List<Map<?, ?>> devices = SharedData.objects(run.json().getFirst(), "devices");
    assertEquals(
        List.of(
            Map.of(
                "base",
                "0x2000000000",
                "size",
                16 << 20,
                "node",
                0,
                "kind",
                "gpu",
                "name",
                "device1"),
            Map.of(
                "base",
                "0x3000000000",
                "size",
                8 << 20,
                "node",
                5,
                "kind",
                "persistent",
                "name",
                "device0")),
        devices);
  }

  @Test
  void deviceMemoryThatLiesInRamIsRefusedInOneLine() {
    CommandRun run = CommandRun.of("boot", "--proc", "buddyinfo", "--device", "0x90000000+1M");
    assertEquals(2, run.exit());
    assertEquals(1, run.err().lines().count(), run.err());
    assertTrue(run.err().contains("overlaps RAM"), run.err());
  }

  @Test
  void aRefusedFileIsOneLineAndOneJsonObject() throws Exception {
    Path file = Files.writeString(folder.resolve("x.dtb"), "not a tree");
    CommandRun text = CommandRun.of("boot", file.toString());
    assertEquals(2, text.exit());
    assertEquals(1, text.err().lines().count());
    assertTrue(text.err().startsWith("bifolio: " + file + ": "), text.err());
    CommandRun json = CommandRun.of("boot", "--json", file.toString());
    assertEquals(2, json.exit());
    assertEquals(List.of("file", "error", "offset"), List.copyOf(json.json().getFirst().keySet()));
  }

  @Test
  void aMachineTooSmallForAKernelIsRefused() throws Exception {
    Path file =
        Files.writeString(folder.resolve("log"), "BIOS-e820: [mem 0x100000-0x10fffff] usable\n");
    CommandRun run = CommandRun.of("boot", file.toString());
    assertEquals(2, run.exit());
    assertTrue(run.err().contains("Insufficient memory for kernel"), run.err());
  }

  @Test
  void aTebibyteBootsAndAHeadroomIsRoomOnly() throws Exception {
    Path file =
        Files.writeString(folder.resolve("log"), "BIOS-e820: [mem 0x0-0xffffffffff] usable\n");
    CommandRun run = CommandRun.of("boot", "--json", "--headroom", "1T", file.toString());
    assertEquals(0, run.exit(), run.err());
    Map<?, ?> frames = (Map<?, ?>) run.json().getFirst().get("frames");
    assertEquals(1L << 40 >> 12, number(frames, "total"));
    // A PC's first frame, and those from 640 KiB to 1 MiB, are no RAM whatever the map says.
    assertEquals((1L << 40 >> 12) - 97, number(frames, "present"));
  }

  private static long number(Map<?, ?> object, String name) {
    return ((Number) Objects.requireNonNull(object.get(name))).longValue();
  }
}
