package dev.bifolio.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Zones of recorded machines, booted by the command, against those that Linux showed.
///
/// Nodes, borders, spanned and present frames are equal. Managed frames are not, and cannot be: a
/// kernel keeps its own image and tables. Both counts are explained to the frame, zone by zone:
///
/// ```
///   ours     managed = present - reserved (firmware, initrd, tree) - mem_map
///   Linux    managed = present - reserved (memblock's list) + what it handed over later
/// ```
///
/// What Linux has in its list and we have not: the kernel image, 64 bytes for each frame, per-CPU
/// data, hash tables, page tables, the log buffer, bounce buffers. What it handed over later: the
/// initial RAM disk, code and data of the boot, contiguous areas for devices.
class BootRecordsTest {
  static List<String> names() {
    return LinuxRecord.NAMES;
  }

  /// What was booted already, by arguments.
  private static final Map<List<String>, Map<?, ?>> BOOTED = new HashMap<>();

  private static Map<?, ?> boot(List<String> arguments) throws Exception {
    Map<?, ?> known = BOOTED.get(arguments);
    if (known != null) {
      return known;
    }
    List<String> all = new ArrayList<>(List.of("boot", "--json"));
    all.addAll(arguments);
    CommandRun run = CommandRun.of(all.toArray(new String[0]));
    assertEquals(0, run.exit(), run.err());
    Map<?, ?> json = run.json().getFirst();
    BOOTED.put(arguments, json);
    return json;
  }

  private static List<String> rows(Map<?, ?> json, String start) {
    List<String> rows = new ArrayList<>();
    for (Map<?, ?> zone : SharedData.objects(json, "zones")) {
      rows.add(
          zone.get("node")
              + " "
              + zone.get("zone")
              + " from "
              + (zone.get(start) == null ? 0 : zone.get(start))
              + " spanned "
              + zone.get("spanned")
              + " present "
              + zone.get("present"));
    }
    return rows;
  }

  // ---- Ranges ----

  @ParameterizedTest
  @MethodSource("names")
  void zonesBeginSpanAndHoldWhatTheyDoInLinux(String name) throws Exception {
    LinuxRecord linux = LinuxRecord.of(name);
    List<String> expected = rows(linux.json(), "start_pfn");
    assertTrue(expected.size() >= 4, name);
    assertEquals(expected, rows(boot(linux.arguments()), "startPfn"), name);
    // The log of the same boot is another source of the same machine.
    assertEquals(expected, rows(boot(linux.logArguments()), "startPfn"), name);
  }

  @ParameterizedTest
  @MethodSource("names")
  void nodesHaveTheRangesAndDistancesThatTheyHaveInLinux(String name) throws Exception {
    LinuxRecord linux = LinuxRecord.of(name);
    List<String> expected = new ArrayList<>();
    for (Map<?, ?> range : SharedData.objects(linux.json(), "early_node_ranges")) {
      expected.add(
          range.get("node")
              + " "
              + SharedData.number(range, "start")
              + "-"
              + SharedData.number(range, "end_inclusive"));
    }
    Map<?, ?> json = boot(linux.arguments());
    List<String> ours = new ArrayList<>();
    for (Map<?, ?> range : SharedData.objects(json, "memory")) {
      Object node = range.get("node") == null ? 0 : range.get("node");
      long base = address(range.get("base"));
      ours.add(node + " " + base + "-" + (base + SharedData.number(range, "size") - 1));
    }
    assertEquals(expected, ours, name);
    Map<?, ?> distances = (Map<?, ?>) linux.json().get("node_distance");
    List<Object> table = new ArrayList<>();
    for (int node = 0; node < distances.size(); node++) {
      table.add(distances.get(String.valueOf(node)));
    }
    // A machine of one node need not say how far it is from itself.
    assertEquals(table.size() == 1 ? null : table, json.get("distances"), name);
  }

  // ---- Managed frames ----

  @ParameterizedTest
  @MethodSource("names")
  void ourManagedFramesArePresentOnesWithoutReservationsAndMemMap(String name) throws Exception {
    Map<?, ?> json = boot(LinuxRecord.of(name).arguments());
    BitSet reserved = frames(SharedData.objects(json, "reserved"));
    BitSet memMap = frames(SharedData.objects((Map<?, ?>) json.get("memMap"), "sections"));
    assertTrue(!reserved.intersects(memMap), name);
    int compared = 0;
    for (Map<?, ?> zone : SharedData.objects(json, "zones")) {
      BitSet own = present(json, zone);
      assertEquals(SharedData.number(zone, "present"), own.cardinality(), zone.toString());
      own.andNot(reserved);
      own.andNot(memMap);
      assertEquals(SharedData.number(zone, "managed"), own.cardinality(), zone.toString());
      compared += own.isEmpty() ? 0 : 1;
    }
    assertTrue(compared > 0, name);
  }

  @ParameterizedTest
  @MethodSource("names")
  void managedFramesDifferFromLinuxsByWhatItsBootLogListsAndNoFrameMore(String name)
      throws Exception {
    LinuxRecord linux = LinuxRecord.of(name);
    Map<?, ?> json = boot(linux.arguments());
    List<Map<?, ?>> zones = SharedData.objects(json, "zones");
    List<Map<?, ?>> theirs = SharedData.objects(linux.json(), "zones");
    BitSet list = linux.kept();
    BitSet areas = linux.contiguousAreas();
    BitSet ours = frames(SharedData.objects(json, "reserved"));
    ours.or(frames(SharedData.objects((Map<?, ?>) json.get("memMap"), "sections")));
    long keptInAll = 0;
    long freedInAll = 0;
    for (int i = 0; i < zones.size(); i++) {
      BitSet kept = present(json, zones.get(i));
      BitSet ourShare = (BitSet) kept.clone();
      kept.and(list);
      ourShare.and(ours);
      keptInAll += kept.cardinality();
      kept.andNot(areas);
      long difference =
          SharedData.number(zones.get(i), "managed") - SharedData.number(theirs.get(i), "managed");
      // Boot code, boot data and the initial RAM disk: only their sum is in the log.
      long freed = kept.cardinality() - ourShare.cardinality() - difference;
      assertTrue(freed >= 0 && freed <= kept.cardinality(), theirs.get(i) + " freed " + freed);
      freedInAll += freed;
    }
    assertEquals(linux.hasSum() ? linux.freedLater(false) : 0, freedInAll, name);
    if (linux.hasSum()) {
      assertEquals(linux.keptBySum(), keptInAll - linux.freedLater(true), name);
    }
  }

  // ---- Frames of JSON ----

  private static BitSet frames(List<Map<?, ?>> ranges) {
    BitSet frames = new BitSet();
    for (Map<?, ?> range : ranges) {
      long start = address(range.get("base"));
      long end = start + SharedData.number(range, "size");
      if (end < 1L << 36) { // what a PC's firmware reserves far above its RAM
        frames.set((int) (start >>> 12), (int) ((end + 4095) >>> 12));
      }
    }
    return frames;
  }

  private static BitSet present(Map<?, ?> json, Map<?, ?> zone) {
    BitSet span = new BitSet();
    span.set((int) SharedData.number(zone, "startPfn"), (int) SharedData.number(zone, "endPfn"));
    List<Map<?, ?>> memory = new ArrayList<>(SharedData.objects(json, "memory"));
    boolean nodes = memory.stream().anyMatch(range -> range.get("node") != null);
    memory.removeIf(range -> nodes && !range.get("node").equals(zone.get("node")));
    span.and(frames(memory));
    return span;
  }

  private static long address(Object hex) {
    return Long.parseUnsignedLong(hex.toString().substring(2), 16);
  }
}
