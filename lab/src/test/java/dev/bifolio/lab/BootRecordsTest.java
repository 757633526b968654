package dev.bifolio.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

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
    Map<?, ?> json = boot(linux.arguments());
    assertEquals(nodeRanges(linux.json()), memoryRanges(json), name);
    Map<?, ?> distances = (Map<?, ?>) linux.json().get("node_distance");
    List<Object> table = new ArrayList<>();
    for (int node = 0; node < distances.size(); node++) {
      table.add(distances.get(String.valueOf(node)));
    }
    // A machine of one node need not say how far it is from itself.
    assertEquals(table.size() == 1 ? null : table, json.get("distances"), name);
  }

  @ParameterizedTest
  @ValueSource(strings = {"arm64-memreserve", "arm64-static", "rv-multimem", "rv-numa3"})
  void treesThatWereGivenToAKernelGiveItsNodesAndZones(String name) throws Exception {
    Path folder = SharedData.folder("dt-semantics");
    Map<?, ?> truth = SharedData.json(folder.resolve(name + ".json"));
    Map<?, ?> json = boot(List.of(folder.resolve(name + ".seen-by-kernel.dtb").toString()));
    assertEquals(nodeRanges(truth), memoryRanges(json), name);
    Map<?, ?> ranges = (Map<?, ?>) truth.get("zone_ranges");
    for (Map.Entry<?, ?> range : ranges.entrySet()) {
      long start = Long.MAX_VALUE;
      long end = 0;
      int rows = 0;
      for (Map<?, ?> zone : SharedData.objects(json, "zones")) {
        rows += zone.get("zone").equals(range.getKey()) ? 1 : 0;
        if (zone.get("zone").equals(range.getKey()) && SharedData.number(zone, "present") > 0) {
          start = Math.min(start, SharedData.number(zone, "startPfn") << 12);
          end = Math.max(end, SharedData.number(zone, "endPfn") << 12);
        }
      }
      assertTrue(rows > 0, name + " has no zone " + range.getKey());
      assertEquals(
          String.valueOf(range.getValue()),
          end == 0 ? "null" : "[" + start + ", " + (end - 1) + "]",
          name + " " + range.getKey());
    }
  }

  /// What may not be mapped cuts Linux's list, so ranges of a node that touch are joined.
  private static List<String> nodeRanges(Map<?, ?> truth) {
    List<String> rows = new ArrayList<>();
    Map<?, ?> before = null;
    long start = 0;
    for (Map<?, ?> range : SharedData.objects(truth, "early_node_ranges")) {
      boolean joined =
          before != null
              && before.get("node").equals(range.get("node"))
              && SharedData.number(before, "end_inclusive") + 1
                  == SharedData.number(range, "start");
      if (joined) {
        rows.removeLast();
      } else {
        start = SharedData.number(range, "start");
      }
      rows.add(range.get("node") + " " + start + "-" + SharedData.number(range, "end_inclusive"));
      before = range;
    }
    return rows;
  }

  /// RAM as we use it; what names no node is on node 0.
  private static List<String> memoryRanges(Map<?, ?> json) {
    List<String> rows = new ArrayList<>();
    for (Map<?, ?> range : SharedData.objects(json, "memory")) {
      Object node = range.get("node") == null ? 0 : range.get("node");
      long base = address(range.get("base"));
      rows.add(node + " " + base + "-" + (base + SharedData.number(range, "size") - 1));
    }
    return rows;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"a64-numa-memless", "a64-numa2-dist", "a64-numa4-asymdist", "rv64-numa2-dist"})
  void treesOfNumaMachinesHaveTheirMemoryOnItsNodesCutAtFourGibibytes(String name)
      throws Exception {
    Path folder = SharedData.folder("dtb");
    String file = "qemu-7.2__" + name + ".dtb.gz";
    Map<String, Long> expected = new TreeMap<>();
    Set<Object> nodes = new TreeSet<>();
    for (String line : Files.readAllLines(folder.resolve("truth.jsonl"))) {
      Map<?, ?> truth = JSON.std.mapFrom(line);
      for (Map<?, ?> range :
          truth.get("file").equals(file)
              ? SharedData.objects(truth, "memory")
              : List.<Map<?, ?>>of()) {
        nodes.addAll((List<?>) truth.get("cpu_numa"));
        List<?> bounds = (List<?>) ((List<?>) range.get("reg")).getFirst();
        long start = ((Number) bounds.get(0)).longValue() >>> 12;
        long end = start + (((Number) bounds.get(1)).longValue() >>> 12);
        String low = range.get("numa_node_id") + (name.startsWith("rv") ? " DMA32" : " DMA");
        expected.merge(low, Math.min(end, 1 << 20) - Math.min(start, 1 << 20), Long::sum);
        expected.merge(
            range.get("numa_node_id") + " Normal",
            Math.max(end, 1 << 20) - Math.max(start, 1 << 20),
            Long::sum);
      }
    }
    expected.values().removeIf(count -> count == 0);
    assertTrue(!expected.isEmpty(), name);
    Map<String, Long> ours = new TreeMap<>();
    for (Map<?, ?> zone :
        SharedData.objects(boot(List.of(folder.resolve(file).toString())), "zones")) {
      ours.put(zone.get("node") + " " + zone.get("zone"), SharedData.number(zone, "present"));
    }
    // A node with CPUs and no memory has rows too, as it has in /proc/zoneinfo.
    assertEquals(nodes.size() * 5 - (name.startsWith("rv") ? nodes.size() : 0), ours.size(), name);
    ours.values().removeIf(count -> count == 0);
    assertEquals(expected, ours, name);
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
