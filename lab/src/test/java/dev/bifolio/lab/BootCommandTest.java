package dev.bifolio.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.testkit.Behaviour;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BootCommandTest {
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
        number(frames, "managed") - number(frames, "heap"));
    Map<?, ?> heap = (Map<?, ?>) json.get("heap");
    assertEquals(64L << 20, number(heap, "size"));
    Map<?, ?> zone = (Map<?, ?>) ((List<?>) json.get("zones")).getFirst();
    long free = 0;
    List<?> blocks = (List<?>) zone.get("freeBlocks");
    for (int order = 0; order < blocks.size(); order++) {
      free += ((Number) Objects.requireNonNull(blocks.get(order))).longValue() << order;
    }
    assertEquals(number(frames, "free"), free);
    assertTrue(json.containsKey("pageTables"));
    assertNull(json.get("pageTables"));
  }

  @Test
  void theHybridAllocatorRunsTheMemoryUnlessTheBaselineIsAskedFor() throws Exception {
    Map<?, ?> hybrid = allocator("boot", "--json", "--cpus", "3");
    assertEquals("hybrid", hybrid.get("kind"));
    assertEquals(3, number(hybrid, "cpus"));
    Map<?, ?> classic = allocator("boot", "--json", "--allocator", "classic");
    assertEquals("classic", classic.get("kind"));
    assertEquals(0, number(classic, "cpus"));
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
