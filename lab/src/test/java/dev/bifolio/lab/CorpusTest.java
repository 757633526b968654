package dev.bifolio.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/// The JSON of `map` over the corpus of real files against what other programs read from them.
class CorpusTest {
  @Test
  void everyDeviceTreeOfTheCorpusGivesTheMapThatLibfdtReads() throws Exception {
    Path folder = SharedData.folder("dtb");
    Map<String, Map<String, Object>> truth = new TreeMap<>();
    for (String line : Files.readAllLines(folder.resolve("truth.jsonl"))) {
      Map<String, Object> row = JSON.std.mapFrom(line);
      truth.put(folder.resolve((String) row.get("file")).toString(), row);
    }
    List<String> arguments = new ArrayList<>(List.of("map", "--json"));
    arguments.addAll(truth.keySet());
    CommandRun run = CommandRun.of(arguments.toArray(new String[0]));
    assertEquals(0, run.exit(), run.err());
    List<Map<String, Object>> maps = run.json();
    assertEquals(truth.size(), maps.size());
    for (Map<String, Object> map : maps) {
      String file = (String) map.get("file");
      Map<String, Object> expected = truth.get(file);
      assertEquals(memoryOf(expected), memory(map), file);
      assertEquals(reservedOf(expected), reserved(map), file);
      assertEquals(dynamicOf(expected), dynamic(map), file);
      assertEquals(initrdOf(expected), initrd(map), file);
      assertEquals(child(expected, "chosen").get("bootargs"), map.get("commandLine"), file);
      assertEquals(distancesOf(expected), distances(map), file);
    }
  }

  @Test
  void everyMultibootImageOfTheCorpusGivesTheMapThatItsFirmwareLogged() throws Exception {
    Path folder = SharedData.folder("multiboot");
    List<Path> files;
    try (var stream = Files.list(folder)) {
      files = stream.filter(file -> file.toString().endsWith(".json")).sorted().toList();
    }
    assertTrue(files.size() >= 6, "the corpus is not whole");
    for (Path file : files) {
      CommandRun run = CommandRun.of("map", "--json", file.toString());
      assertEquals(0, run.exit(), run.err());
      Map<String, Object> map = run.json().getFirst();
      Map<String, Object> description = JSON.std.mapFrom(Files.readString(file));
      Map<String, Object> decoded = child(description, "decoded_by_collector");
      assertEquals(description.get("protocol"), map.get("format"), file.toString());
      List<String> usable = new ArrayList<>();
      List<String> other = new ArrayList<>();
      for (Map<String, Object> entry : rows(decoded, "mmap")) {
        String row = row(number(entry.get("base")), number(entry.get("len")));
        (number(entry.get("type")) == 1 ? usable : other).add(row);
      }
      assertEquals(merged(usable), memory(map), file.toString());
      List<String> firmware = new ArrayList<>();
      for (Map<String, Object> region : rows(map, "reserved")) {
        if (region.get("source").equals("firmware")) {
          firmware.add(row(address(region.get("base")), number(region.get("size"))));
        }
      }
      other.sort(Comparator.naturalOrder());
      firmware.sort(Comparator.naturalOrder());
      assertTrue(firmware.containsAll(other), file + ": " + other + " in " + firmware);
      assertEquals(modulesOf(decoded), modules(map), file.toString());
      assertEquals(decoded.get("cmdline"), map.get("commandLine"), file.toString());
    }
  }

  private static List<String> memoryOf(Map<String, Object> truth) {
    List<String> rows = new ArrayList<>();
    for (Map<String, Object> node : rows(truth, "memory")) {
      boolean used =
          "memory".equals(node.get("device_type"))
              && number(node.get("depth")) == 1
              && (node.get("status") == null || node.get("status").toString().startsWith("ok"));
      for (List<?> range : used ? ranges(node, "reg") : List.<List<?>>of()) {
        if (number(range.get(1)) != 0) {
          rows.add(
              row(number(range.get(0)), number(range.get(1)))
                  + " node "
                  + node.get("numa_node_id")
                  + " "
                  + node.get("hotpluggable"));
        }
      }
    }
    return merged(rows);
  }

  /// Sorts rows `base+size rest` by base and merges neighbours with an equal rest.
  private static List<String> merged(List<String> rows) {
    TreeMap<Long, String[]> byBase = new TreeMap<>();
    for (String row : rows) {
      String[] parts = row.split("[+ ]", 3);
      byBase.put(
          Long.parseLong(parts[0]), new String[] {parts[1], parts.length > 2 ? parts[2] : ""});
    }
    List<String> result = new ArrayList<>();
    long base = 0;
    long end = -1;
    String rest = null;
    for (Map.Entry<Long, String[]> entry : byBase.entrySet()) {
      long byteSize = Long.parseLong(entry.getValue()[0]);
      if (rest != null && entry.getKey() <= end && rest.equals(entry.getValue()[1])) {
        end = Math.max(end, entry.getKey() + byteSize);
        result.removeLast();
      } else {
        base = entry.getKey();
        end = base + byteSize;
        rest = entry.getValue()[1];
      }
      result.add((row(base, end - base) + " " + rest).strip());
    }
    return result;
  }

  private static List<String> memory(Map<String, Object> map) {
    List<String> result = new ArrayList<>();
    for (Map<String, Object> region : rows(map, "memory")) {
      String row = row(address(region.get("base")), number(region.get("size")));
      boolean tree = map.get("format").equals("fdt");
      result.add(
          tree ? row + " node " + region.get("node") + " " + region.get("hotpluggable") : row);
    }
    return result;
  }

  private static List<String> reservedOf(Map<String, Object> truth) {
    List<String> result = new ArrayList<>();
    for (List<?> range : ranges(truth, "memreserve")) {
      result.add(row(number(range.get(0)), number(range.get(1))) + " memreserve");
    }
    for (Map<String, Object> child : reservedChildren(truth)) {
      for (List<?> range : child.get("reg") == null ? List.<List<?>>of() : ranges(child, "reg")) {
        if (number(range.get(1)) != 0) {
          result.add(
              row(number(range.get(0)), number(range.get(1)))
                  + " reserved-memory "
                  + child.get("name")
                  + " "
                  + child.get("no_map")
                  + " "
                  + child.get("reusable"));
        }
      }
    }
    result.sort(Comparator.naturalOrder());
    return result;
  }

  private static List<String> reserved(Map<String, Object> map) {
    List<String> result = new ArrayList<>();
    for (Map<String, Object> region : rows(map, "reserved")) {
      String row =
          row(address(region.get("base")), number(region.get("size"))) + " " + region.get("source");
      boolean named = region.get("source").equals("reserved-memory");
      result.add(
          named
              ? row
                  + " "
                  + region.get("name")
                  + " "
                  + region.get("noMap")
                  + " "
                  + region.get("reusable")
              : row);
    }
    result.sort(Comparator.naturalOrder());
    return result;
  }

  private static List<String> dynamicOf(Map<String, Object> truth) {
    List<String> result = new ArrayList<>();
    for (Map<String, Object> child : reservedChildren(truth)) {
      if (child.get("reg") == null && child.get("size") != null && number(child.get("size")) != 0) {
        result.add(
            child.get("name")
                + " "
                + number(child.get("size"))
                + " "
                + child.get("alignment")
                + " "
                + (child.get("alloc_ranges") == null ? "[]" : child.get("alloc_ranges"))
                + child.get("no_map")
                + child.get("reusable"));
      }
    }
    return result;
  }

  private static List<String> dynamic(Map<String, Object> map) {
    List<String> result = new ArrayList<>();
    for (Map<String, Object> row : rows(map, "dynamicReserved")) {
      List<List<Long>> ranges = new ArrayList<>();
      for (Map<String, Object> range : rows(row, "ranges")) {
        ranges.add(List.of(address(range.get("base")), number(range.get("size"))));
      }
      result.add(
          row.get("name")
              + " "
              + number(row.get("size"))
              + " "
              + row.get("alignment")
              + " "
              + ranges
              + row.get("noMap")
              + row.get("reusable"));
    }
    return result;
  }

  private static String initrdOf(Map<String, Object> truth) {
    Map<String, Object> chosen = child(truth, "chosen");
    if (chosen.get("linux,initrd-start") == null || chosen.get("linux,initrd-end") == null) {
      return "none";
    }
    long start = number(chosen.get("linux,initrd-start"));
    return row(start, number(chosen.get("linux,initrd-end")) - start);
  }

  private static String initrd(Map<String, Object> map) {
    if (map.get("initrd") == null) {
      return "none";
    }
    Map<String, Object> range = child(map, "initrd");
    return row(address(range.get("base")), number(range.get("size")));
  }

  private static List<String> distancesOf(Map<String, Object> truth) {
    List<String> result = new ArrayList<>();
    if (truth.get("distance_map") != null) {
      for (List<?> triplet : ranges(child(truth, "distance_map"), "triplets")) {
        result.add(triplet.toString());
      }
    }
    result.sort(Comparator.naturalOrder());
    return result;
  }

  private static List<String> distances(Map<String, Object> map) {
    List<String> result = new ArrayList<>();
    if (map.get("distances") != null) {
      List<List<?>> table = ranges(map, "distances");
      for (int from = 0; from < table.size(); from++) {
        for (int to = 0; to < table.size(); to++) {
          result.add(List.of(from, to, table.get(from).get(to)).toString());
        }
      }
    }
    result.sort(Comparator.naturalOrder());
    return result;
  }

  private static List<String> modulesOf(Map<String, Object> decoded) {
    List<String> result = new ArrayList<>();
    for (Map<String, Object> module : rows(decoded, "modules")) {
      long start = number(module.get("start"));
      result.add(row(start, number(module.get("end")) - start) + " " + module.get("cmdline"));
    }
    return result;
  }

  private static List<String> modules(Map<String, Object> map) {
    List<String> result = new ArrayList<>();
    for (Map<String, Object> module : rows(map, "modules")) {
      result.add(
          row(address(module.get("base")), number(module.get("size")))
              + " "
              + module.get("commandLine"));
    }
    return result;
  }

  private static List<Map<String, Object>> reservedChildren(Map<String, Object> truth) {
    if (truth.get("reserved_memory") == null) {
      return List.of();
    }
    List<Map<String, Object>> used = new ArrayList<>();
    for (Map<String, Object> child : rows(child(truth, "reserved_memory"), "children")) {
      if (child.get("status") == null || child.get("status").toString().startsWith("ok")) {
        used.add(child);
      }
    }
    return used;
  }

  private static String row(long base, long byteSize) {
    return base + "+" + byteSize;
  }

  private static long address(Object hex) {
    return Long.parseUnsignedLong(hex.toString().substring(2), 16);
  }

  private static long number(Object value) {
    return ((Number) value).longValue();
  }

  @SuppressWarnings("unchecked")
  private static Map<String, Object> child(Map<String, Object> object, String name) {
    return object.get(name) == null ? Map.of() : (Map<String, Object>) object.get(name);
  }

  @SuppressWarnings("unchecked")
  private static List<Map<String, Object>> rows(Map<String, Object> object, String name) {
    return object.get(name) == null ? List.of() : (List<Map<String, Object>>) object.get(name);
  }

  @SuppressWarnings("unchecked")
  private static List<List<?>> ranges(Map<String, Object> object, String name) {
    return (List<List<?>>) object.get(name);
  }
}
