package dev.bifolio.lab.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.lab.SharedData;
import dev.bifolio.lab.text.ProcText.Release;
import dev.bifolio.lab.text.ProcZone.PageSet;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProcTextTest {
  private static ProcZone zone(int node, String label, long present, Long... freeBlocks) {
    return new ProcZone(
        node,
        label,
        7,
        1,
        2,
        3,
        4,
        5,
        present,
        present,
        present,
        List.of(0L, 6L),
        List.of(freeBlocks),
        8,
        List.of(new PageSet(9, 10, 11)));
  }

  @Test
  void onlyZonesWithMemoryHaveALineInBuddyInfo() {
    assertEquals(
        "Node 0, zone    DMA32      1      0      2      0      0      0      0      0      0"
            + "      0      0 \n",
        ProcText.buddyInfo(List.of(zone(0, "DMA", 0, 5L), zone(0, "DMA32", 9, 1L, 0L, 2L))));
  }

  @Test
  void blocksAboveOrderTenAreShownAsBlocksOfOrderTen() {
    Long[] blocks = Collections.nCopies(21, 0L).toArray(new Long[0]);
    blocks[9] = 2L;
    blocks[10] = 3L;
    blocks[11] = 1L;
    blocks[20] = 1L;
    String line = ProcText.buddyInfo(List.of(zone(3, "Normal", 1, blocks)));
    assertTrue(line.startsWith("Node 3, zone   Normal      0 "), line);
    assertTrue(line.endsWith("      2   1029 \n"), line);
    String text = ProcText.zoneInfo(List.of(zone(3, "Normal", 1, blocks)), Release.LINUX_7_2);
    long frames = 2 * 512 + 3 * 1024 + 2048 + (1 << 20);
    assertTrue(text.contains("      nr_free_pages_blocks " + frames + "\n"), text);
  }

  @Test
  void anEmptyZoneHasTheShortForm() {
    assertEquals(
        """
        Node 1, zone  Movable
          pages free     7
                boost    1
                min      2
                low      3
                high     4
                promo    5
                spanned  0
                present  0
                managed  0
                cma      0
                protection: (0, 6)
        """,
        ProcText.zoneInfo(List.of(zone(1, "Movable", 0)), Release.LINUX_6_12));
  }

  @Test
  void aNodesCountersStandInFrontOfItsFirstZoneWithMemory() {
    String text =
        ProcText.zoneInfo(
            List.of(
                zone(0, "DMA", 0), zone(0, "DMA32", 1), zone(0, "Normal", 1), zone(1, "DMA", 1)),
            Release.LINUX_6_12);
    assertEquals(2, text.split("  per-node stats\n", -1).length - 1);
    assertTrue(text.contains("Node 0, zone    DMA32\n  per-node stats\n"), text);
    assertTrue(text.contains("Node 1, zone      DMA\n  per-node stats\n"), text);
    assertTrue(text.contains("      nr_free_pages 7\n"), text);
    assertTrue(
        text.contains(
            """
                cpu: 0
                          count: 9
                          high:  10
                          batch: 11
            """),
        text);
    assertTrue(text.endsWith("  start_pfn:           8\n"), text);
  }

  // ---- The records of real machines ----

  @ParameterizedTest
  @CsvSource({
    "x86-pc-512M-k612, LINUX_6_12",
    "x86-q35-numa2-1G-k612, LINUX_6_12",
    "arm64-virt-numa2-1G-k72, LINUX_7_2",
    "riscv64-virt-512M-k72, LINUX_7_2",
  })
  void whatIsReadFromARecordIsPrintedAsTheRecordHasIt(String name, Release release)
      throws Exception {
    byte[] log = SharedData.bytes(SharedData.folder("boot").resolve(name + ".log.xz"));
    String all = new String(log, StandardCharsets.UTF_8).replace("\r\n", "\n");
    String buddyInfo = section(all, "buddyinfo");
    String zoneInfo = section(all, "zoneinfo");
    List<ProcZone> zones = zones(zoneInfo, buddyInfo);
    assertTrue(zones.size() >= 4, name);
    // Blocks per order, names and spaces: to the byte.
    assertEquals(buddyInfo, ProcText.buddyInfo(zones), name);
    // What our machines have is compared with its numbers, the rest without.
    assertEquals(withoutForeign(zoneInfo), withoutForeign(ProcText.zoneInfo(zones, release)), name);
  }

  private static String section(String log, String name) {
    String begin = "=====BEGIN /proc/" + name + "\n";
    int start = log.indexOf(begin) + begin.length();
    return log.substring(start, log.indexOf("=====END /proc/" + name, start));
  }

  private static String withoutForeign(String text) {
    Pattern foreign =
        Pattern.compile(
            "^( {6}(?!nr_free_pages )[a-z_]+ +| {8}cma +|  vm stats threshold: "
                + "| +high_m(?:in|ax): |  (?:reserved|free)_highatomic: +)[0-9]+$",
            Pattern.MULTILINE);
    return foreign.matcher(text).replaceAll("$1N");
  }

  private static List<ProcZone> zones(String zoneInfo, String buddyInfo) {
    List<ProcZone> zones = new ArrayList<>();
    for (String part : zoneInfo.split("(?m)^(?=Node )", -1)) {
      Matcher head = Pattern.compile("Node (\\d+), zone +(\\w+)\n").matcher(part);
      if (head.find()) {
        zones.add(zone(part, Integer.parseInt(head.group(1)), head.group(2), buddyInfo));
      }
    }
    return zones;
  }

  private static ProcZone zone(String part, int node, String label, String buddyInfo) {
    String[] protection = find(part, "protection: \\((.*)\\)").split(", ", -1);
    String blocks = find(buddyInfo, "Node " + node + ", zone +" + label + " (.*) ");
    List<PageSet> cpus = new ArrayList<>();
    Matcher cpu =
        Pattern.compile("cpu: \\d+\n +count: +(\\d+)\n +high: +(\\d+)\n +batch: +(\\d+)")
            .matcher(part);
    while (cpu.find()) {
      cpus.add(
          new PageSet(
              Long.parseLong(cpu.group(1)),
              Long.parseLong(cpu.group(2)),
              Long.parseLong(cpu.group(3))));
    }
    return new ProcZone(
        node,
        label,
        number(part, "pages free"),
        number(part, "boost"),
        number(part, "min"),
        number(part, "low"),
        number(part, "high"),
        number(part, "promo"),
        number(part, "spanned"),
        number(part, "present"),
        number(part, "managed"),
        numbers(protection),
        blocks.isEmpty() ? List.of() : numbers(blocks.strip().split(" +", -1)),
        part.contains("start_pfn") ? number(part, "start_pfn:") : 0,
        cpus);
  }

  private static List<Long> numbers(String[] texts) {
    List<Long> numbers = new ArrayList<>();
    for (String text : texts) {
      numbers.add(Long.parseLong(text));
    }
    return numbers;
  }

  private static long number(String part, String name) {
    return Long.parseLong(find(part, "(?m)^ +" + name + " +(\\d+)$"));
  }

  private static String find(String text, String pattern) {
    Matcher matcher = Pattern.compile(pattern).matcher(text);
    return matcher.find() ? matcher.group(1) : "";
  }
}
