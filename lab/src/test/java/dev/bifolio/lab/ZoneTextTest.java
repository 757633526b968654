package dev.bifolio.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What `boot` tells people of zones, nodes and free blocks.
class ZoneTextTest {
  @TempDir Path folder;

  /// A machine of x86-64 with so many nodes of 64 MiB, and where the table says it, distances.
  private String[] nodes(int count, boolean distances, String... options) throws Exception {
    StringBuilder log = new StringBuilder();
    long end = 0x1_0000_0000L + count * 0x400_0000L - 1;
    log.append("BIOS-e820: [mem 0x100000000-0x%x] usable\n".formatted(end));
    for (int node = 0; node < count; node++) {
      long base = 0x1_0000_0000L + node * 0x400_0000L;
      log.append(
          "ACPI: SRAT: Node %d PXM %d [mem 0x%x-0x%x]\n"
              .formatted(node, node, base, base + 0x3ff_ffffL));
    }
    Path file = Files.writeString(folder.resolve("log" + count), log);
    String[] arguments = new String[options.length + (distances ? 4 : 2)];
    arguments[0] = "boot";
    arguments[1] = file.toString();
    if (distances) {
      arguments[2] = "--acpi";
      arguments[3] = slit(count).toString();
    }
    System.arraycopy(options, 0, arguments, arguments.length - options.length, options.length);
    return arguments;
  }

  private Path slit(int count) throws Exception {
    int byteSize = 44 + count * count;
    ByteBuffer table = ByteBuffer.allocate(byteSize).order(ByteOrder.LITTLE_ENDIAN);
    table.put("SLIT".getBytes(StandardCharsets.US_ASCII)).putInt(byteSize).put((byte) 1);
    table.putLong(36, count).position(44);
    for (int from = 0; from < count; from++) {
      for (int to = 0; to < count; to++) {
        table.put((byte) (from == to ? 10 : 20 + to));
      }
    }
    byte sum = 0;
    for (byte b : table.array()) {
      sum += b;
    }
    table.put(9, (byte) -sum);
    return Files.write(folder.resolve("slit" + count), table.array());
  }

  private static List<String> part(CommandRun run, String title) {
    assertEquals(0, run.exit(), run.err());
    List<String> lines = run.out().lines().toList();
    List<String> rest = lines.stream().dropWhile(line -> !line.startsWith(title)).toList();
    return rest.stream().takeWhile(line -> !line.isEmpty()).toList();
  }

  @Test
  void everyZoneWithMemoryHasARowWithItsCountsAndMarks() throws Exception {
    List<String> lines = part(CommandRun.of("boot"), "zones, in frames");
    Map<?, ?> json = CommandRun.of("boot", "--json").json().getFirst();
    int row = 2;
    for (Map<?, ?> zone : SharedData.objects(json, "zones")) {
      if (SharedData.number(zone, "present") > 0) {
        String expected = "     " + zone.get("node") + " " + zone.get("zone");
        for (String field : List.of("present", "managed", "free", "min", "low", "high")) {
          expected += " " + Numbers.count(SharedData.number(zone, field));
        }
        assertEquals(
            expected.strip().replaceAll(" +", " "), lines.get(row++).strip().replaceAll(" +", " "));
      }
    }
    assertEquals(4, row, "the phone has two zones with memory");
    List<?> protection = (List<?>) SharedData.objects(json, "zones").getFirst().get("protection");
    assertEquals(
        "  node 0 DMA keeps %s frames from requests for Normal, Movable"
            .formatted(Numbers.count(((Number) protection.get(2)).longValue())),
        lines.get(row));
    assertEquals(row + 1, lines.size());
  }

  @Test
  void freeBlocksStandByOrderAndZoneAndAreThoseOfTheJson() throws Exception {
    List<String> lines = part(CommandRun.of("boot"), "free blocks");
    assertEquals("free blocks               node 0      node 0", lines.get(0));
    assertEquals("                             DMA      Normal", lines.get(1));
    List<Map<?, ?>> zones =
        SharedData.objects(CommandRun.of("boot", "--json").json().getFirst(), "zones");
    List<?> dma = (List<?>) zones.get(0).get("freeBlocks");
    List<?> normal = (List<?>) zones.get(2).get("freeBlocks");
    int row = 2;
    for (int order = 0; order < dma.size(); order++) {
      if (!dma.get(order).equals(0) || !normal.get(order).equals(0)) {
        String line = lines.get(row++);
        assertTrue(line.startsWith("  order %2d ".formatted(order)), line);
        assertEquals(
            "%12s%12s  #".formatted(dma.get(order), normal.get(order)), line.substring(20, 47));
      }
    }
    assertEquals(row, lines.size());
    // The bars show shares of all free memory: here the two blocks of 2 GiB have more than half.
    assertTrue(lines.getLast().endsWith("  #################"), lines.getLast());
  }

  @Test
  void aZoneOfMovableFramesAndOneOfADeviceAreShownBesideTheOthers() throws Exception {
    CommandRun run = CommandRun.of("boot", "--movable", "2G", "--device", "0x2000000000+1G@3:gpu");
    List<String> lines = part(run, "zones, in frames");
    assertTrue(lines.get(4).startsWith("     0 Movable     524,288 "), lines.get(4));
    assertTrue(
        lines.get(5).startsWith("     3 Device      262,144     262,144     262,144 "),
        lines.get(5));
    assertEquals("  node 3 Device has device0 (gpu): 1 GiB at 0x2000000000", lines.getLast());
    assertFalse(run.out().contains("requests for Device"), run.out());
    assertEquals(
        "free blocks               node 0      node 0      node 0      node 3",
        part(run, "free blocks").getFirst());
  }

  @Test
  void manyNodesDoNotFloodTheTerminal() throws Exception {
    CommandRun run = CommandRun.of(nodes(20, true));
    List<String> zones = part(run, "zones, in frames");
    assertEquals(2 + 16 + 1, zones.size(), run.out());
    assertEquals("  … and 4 more zones (--json and --proc have them)", zones.getLast());
    List<String> blocks = part(run, "free blocks");
    assertEquals("  … and 16 more zones (--json and --proc have them)", blocks.getLast());
    assertEquals(
        "free blocks               node 0      node 1      node 2      node 3", blocks.getFirst());
    assertEquals(
        List.of("node distances: a table of 20 nodes (--json has it)"),
        part(run, "node distances"));
    assertEquals(
        100, // 20 nodes with five types of zones
        SharedData.objects(CommandRun.of(nodes(20, true, "--json")).json().getFirst(), "zones")
            .size());
  }

  @Test
  void distancesOfAFewNodesAreATable() throws Exception {
    CommandRun run = CommandRun.of(nodes(3, true));
    assertEquals(
        List.of(
            "node distances     0    1    2",
            "  from node   0   10   21   22",
            "  from node   1   20   10   22",
            "  from node   2   20   21   10"),
        part(run, "node distances"));
    assertFalse(CommandRun.of(nodes(3, false)).out().contains("distances"));
    assertEquals(13, part(CommandRun.of(nodes(12, true)), "node distances").size());
  }

  @Test
  void noLineIsWiderThanATerminalOfEightyColumns() throws Exception {
    for (String[] arguments :
        List.of(
            nodes(12, true),
            nodes(20, false),
            new String[] {"boot", "--movable", "1G", "--device", "0x2000000000+1T@1000"})) {
      CommandRun run = CommandRun.of(arguments);
      for (String title : List.of("zones, in frames", "node distances", "free blocks")) {
        for (String line : part(run, title)) {
          assertTrue(line.length() <= 80, line.length() + ": " + line);
        }
      }
    }
  }
}
