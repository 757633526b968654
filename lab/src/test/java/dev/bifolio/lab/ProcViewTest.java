package dev.bifolio.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// `boot --proc` against the files of recorded machines, and against the JSON of the same boot.
class ProcViewTest {
  static List<String> names() {
    return LinuxRecord.NAMES;
  }

  private static CommandRun run(LinuxRecord linux, String... options) {
    List<String> arguments = new ArrayList<>(List.of("boot"));
    arguments.addAll(List.of(options));
    arguments.addAll(linux.arguments());
    CommandRun run = CommandRun.of(arguments.toArray(new String[0]));
    assertEquals(0, run.exit(), run.err());
    assertEquals("", run.err());
    return run;
  }

  @ParameterizedTest
  @MethodSource("names")
  void buddyInfoHasTheLinesOfLinuxAndTheBlocksOfTheBoot(String name) throws Exception {
    LinuxRecord linux = LinuxRecord.of(name);
    List<String> theirs = linux.file("/proc/buddyinfo").lines().toList();
    List<String> ours = run(linux, "--proc", "buddyinfo").out().lines().toList();
    assertEquals(theirs.size(), ours.size());
    List<Map<?, ?>> zones =
        new ArrayList<>(SharedData.objects(run(linux, "--json").json().getFirst(), "zones"));
    zones.removeIf(zone -> SharedData.number(zone, "present") == 0);
    for (int i = 0; i < ours.size(); i++) {
      // `Node 0, zone    DMA32 ` and eleven counts, each 6 wide with a space behind.
      String head = theirs.get(i).substring(0, 22);
      assertEquals(head, ours.get(i).substring(0, 22));
      Matcher counts =
          Pattern.compile("( {0,5}[0-9]{1,6} ){11}").matcher(ours.get(i).substring(22));
      assertTrue(counts.matches(), ours.get(i));
      assertEquals(theirs.get(i).length(), ours.get(i).length());
      long free = 0;
      for (int order = 0; order <= 10; order++) {
        int at = 22 + 7 * order;
        free += Long.parseLong(ours.get(i).substring(at, at + 6).strip()) << order;
      }
      assertEquals(SharedData.number(zones.get(i), "free"), free, ours.get(i));
    }
  }

  @ParameterizedTest
  @MethodSource("names")
  void zoneInfoHasTheLinesOfLinuxAndTheNumbersOfTheBoot(String name) throws Exception {
    LinuxRecord linux = LinuxRecord.of(name);
    String file = linux.file("/proc/zoneinfo");
    int cpuCount = 1 + (file.contains("    cpu: 1\n") ? 1 : 0);
    String view = name.endsWith("k612") ? "zoneinfo-6.12" : "zoneinfo";
    String ours = run(linux, "--proc", view, "--cpus", String.valueOf(cpuCount)).out();
    assertEquals(masked(file), masked(ours));
    Map<?, ?> json = run(linux, "--json", "--cpus", String.valueOf(cpuCount)).json().getFirst();
    List<String> parts = List.of(ours.split("(?m)^(?=Node )", -1));
    List<Map<?, ?>> zones = SharedData.objects(json, "zones");
    assertEquals(zones.size(), parts.size());
    for (int i = 0; i < zones.size(); i++) {
      String part = parts.get(i);
      for (String field : List.of("min", "low", "high", "spanned", "present", "managed")) {
        assertEquals(SharedData.number(zones.get(i), field), number(part, "        " + field));
      }
      assertEquals(SharedData.number(zones.get(i), "free"), number(part, "  pages free"));
      long gap = SharedData.number(zones.get(i), "low") - SharedData.number(zones.get(i), "min");
      assertEquals(SharedData.number(zones.get(i), "min") + 3 * gap, number(part, "        promo"));
      String protection = zones.get(i).get("protection").toString();
      assertTrue(
          part.contains("        protection: (" + protection.replaceAll("[\\[\\]]", "") + ")\n"),
          part);
    }
    assertTrue(!ours.contains("              count: 1"), "a boot ends with empty caches");
  }

  /// All numbers but those that do not depend on what a kernel keeps for itself.
  private static String masked(String text) {
    StringBuilder masked = new StringBuilder();
    for (String line : text.lines().toList()) {
      boolean same = line.matches("Node .*|    cpu: .*| +(spanned|present|start_pfn:) .*");
      masked.append(same ? line : line.replaceAll("\\b[0-9]+\\b", "N")).append('\n');
    }
    return masked.toString();
  }

  private static long number(String part, String name) {
    Matcher line = Pattern.compile("(?m)^" + name + " +([0-9]+)$").matcher(part);
    assertTrue(line.find(), name + " in " + part);
    return Long.parseLong(line.group(1));
  }

  @Test
  void everyCpuThatTheMachineHasIsListedWhateverItsAllocator() {
    for (String allocator : List.of("hybrid", "classic")) {
      CommandRun run =
          CommandRun.of("boot", "--proc", "zoneinfo", "--cpus", "3", "--allocator", allocator);
      assertEquals(0, run.exit(), run.err());
      assertTrue(run.out().startsWith("Node 0, zone      DMA\n"), run.out());
      // Two zones of the phone have memory.
      assertEquals(2, run.out().split("    cpu: 2\n", -1).length - 1);
      assertEquals(6, run.out().split("    cpu: ", -1).length - 1);
    }
  }

  @Test
  void aBootThatFailsPrintsNoDataAndOneLine() {
    CommandRun run = CommandRun.of("boot", "--proc", "zoneinfo", "--min-free", "9000000");
    assertEquals(2, run.exit());
    assertEquals("", run.out());
    assertTrue(run.err().contains("9000000 KiB are more than half of"), run.err());
    assertEquals(1, run.err().lines().count());
  }
}
