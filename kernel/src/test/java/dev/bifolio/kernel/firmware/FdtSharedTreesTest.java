package dev.bifolio.kernel.firmware;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Real trees against what libfdt and dtc read in them.
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class FdtSharedTreesTest {
  @Test
  void everyRealTreeGivesItsGroundTruth() throws IOException, MemoryMapException {
    Path folder = FdtTrees.shared("dtb");
    int count = 0;
    for (String line : Files.readAllLines(folder.resolve("truth.jsonl"))) {
      Map<String, Object> truth = JSON.std.mapFrom(line);
      String file = text(truth.get("file"));
      MemoryMap map = FdtBlob.read(FdtTrees.bytes(folder.resolve(file)));
      assertEquals(expectedMemory(truth), FdtTrees.memory(map), file);
      assertEquals(expectedReserved(truth), FdtTrees.reserved(map), file);
      assertEquals(expectedDynamic(truth), FdtTrees.dynamic(map), file);
      assertChosen(truth, map, file);
      assertEquals(expectedDistances(truth), FdtTrees.distances(map), file);
      assertEquals(expectedArchitecture(file), map.architecture(), file);
      assertWarnings(map, file);
      count++;
    }
    assertTrue(count >= 38, count + " trees");
  }

  @Test
  void whatLibfdtAcceptsIsReadAndWhatBothRefuseIsRefused() throws IOException {
    Path folder = FdtTrees.shared("dtb-malformed");
    int read = 0;
    int refused = 0;
    for (String line : Files.readAllLines(folder.resolve("verdicts.jsonl"))) {
      Map<String, Object> verdict = JSON.std.mapFrom(line);
      String file = text(verdict.get("file"));
      byte[] blob = Files.readAllBytes(folder.resolve(file));
      boolean accepted = "OK".equals(verdict.get("libfdt"));
      if (accepted) {
        HostileInput.assertWellFormed(mapOf(blob, file));
        read++;
      } else if (number(verdict.get("dtc_rc")) != 0) {
        MemoryMapException e =
            assertThrows(MemoryMapException.class, () -> FdtBlob.read(blob), file);
        assertTrue(e.offset() >= 0 && e.offset() <= Math.max(40, blob.length), e.getMessage());
        refused++;
      }
    }
    assertTrue(read > 15 && refused > 30, read + " read, " + refused + " refused");
  }

  @Test
  void borderlineTreesLeaveWarnings() throws IOException, MemoryMapException {
    Path folder = FdtTrees.shared("dtb-malformed");
    for (String file : List.of("mem-wrap", "cells-0-size", "rsv-wrap", "deep-20000")) {
      MemoryMap map = FdtBlob.read(Files.readAllBytes(folder.resolve(file + ".dtb")));
      assertFalse(FdtTrees.warnings(map).isEmpty(), file);
    }
    String good = FdtTrees.text(FdtBlob.read(Files.readAllBytes(folder.resolve("good.dtb"))));
    for (String file : List.of("good-v16", "good-pad-64k")) {
      MemoryMap map = FdtBlob.read(Files.readAllBytes(folder.resolve(file + ".dtb")));
      assertEquals(good, FdtTrees.text(map), file);
    }
  }

  @Test
  void treesWhoseMeaningLinuxShowedAreReadAsTheyStand() throws IOException, MemoryMapException {
    Path folder = FdtTrees.shared("dt-semantics");
    MemoryMap multi = FdtBlob.read(Files.readAllBytes(folder.resolve("rv-multimem.dtb")));
    // Linux has the same three ranges but for the last, which it cut to whole pages.
    assertEquals(
        List.of("[0x80000000, 0x90000000)", "[0x98000000, 0xa1000000)", "[0xb0000000, 0xbfff0000)"),
        FdtTrees.memory(multi));
    MemoryMap numa = FdtBlob.read(Files.readAllBytes(folder.resolve("rv-numa3.dtb")));
    assertEquals(
        List.of(
            "[0x80000000, 0x90000000) node 0",
            "[0x90000000, 0xa0000000) node 1",
            "[0xa0000000, 0xb0000000) node 2",
            "[0xb0000000, 0xc0000000) node 1"),
        FdtTrees.memory(numa));
    assertEquals(
        List.of(List.of(10, 20, 30), List.of(20, 10, 40), List.of(30, 40, 10)),
        FdtTrees.distances(numa));
    MemoryMap fixed = FdtBlob.read(Files.readAllBytes(folder.resolve("arm64-static.dtb")));
    assertEquals(
        List.of(
            "[0x50000000, 0x50200000) reserved-memory 'a@50000000'",
            "[0x52000000, 0x52100000) reserved-memory 'b@52000000' no-map"),
        FdtTrees.reserved(fixed));
    MemoryMap block = FdtBlob.read(Files.readAllBytes(folder.resolve("arm64-memreserve.dtb")));
    assertEquals(
        List.of(
            "[0x48000000, 0x48100000) memreserve ''",
            "[0x48080000, 0x48180000) memreserve ''",
            "[0x4a000800, 0x4a001100) memreserve ''",
            "[0x90000000, 0x90001000) memreserve ''"),
        FdtTrees.reserved(block));
  }

  private static MemoryMap mapOf(byte[] blob, String file) {
    try {
      return FdtBlob.read(blob);
    } catch (MemoryMapException e) {
      throw new AssertionError(file + " is refused: " + e.getMessage(), e);
    }
  }

  /// Independent of the map's own rules: the real trees have no overlapping memory.
  private static List<String> expectedMemory(Map<String, Object> truth) {
    record Range(long base, long end, String kind) {}
    List<Range> ranges = new ArrayList<>();
    for (Map<String, Object> node : maps(truth.get("memory"))) {
      if (!isAvailable(node) || number(node.get("depth")) != 1) {
        continue;
      }
      String kind =
          (node.get("numa_node_id") == null ? "" : " node " + node.get("numa_node_id"))
              + (Boolean.TRUE.equals(node.get("hotpluggable")) ? " hotpluggable" : "");
      for (List<?> pair : lists(node.get("reg"))) {
        long base = number(pair.get(0));
        if (number(pair.get(1)) != 0) {
          ranges.add(new Range(base, base + number(pair.get(1)), kind));
        }
      }
    }
    ranges.sort(Comparator.comparingLong(Range::base));
    List<Range> merged = new ArrayList<>();
    for (Range each : ranges) {
      Range last = merged.isEmpty() ? null : merged.getLast();
      if (last != null && last.end() == each.base() && last.kind().equals(each.kind())) {
        merged.set(merged.size() - 1, new Range(last.base(), each.end(), each.kind()));
      } else {
        assertTrue(last == null || last.end() <= each.base(), "memory of a real tree overlaps");
        merged.add(each);
      }
    }
    return merged.stream().map(each -> range(each.base(), each.end()) + each.kind()).toList();
  }

  private static List<String> expectedReserved(Map<String, Object> truth) {
    record Entry(long base, String text) {}
    List<Entry> entries = new ArrayList<>();
    for (List<?> pair : lists(truth.get("memreserve"))) {
      long base = number(pair.get(0));
      entries.add(new Entry(base, range(base, base + number(pair.get(1))) + " memreserve ''"));
    }
    for (Map<String, Object> child : reservedChildren(truth)) {
      for (List<?> pair : lists(child.get("reg"))) {
        long base = number(pair.get(0));
        if (isAvailable(child) && number(pair.get(1)) != 0) {
          String text =
              range(base, base + number(pair.get(1)))
                  + " reserved-memory '"
                  + child.get("name")
                  + "'"
                  + flags(child);
          entries.add(new Entry(base, text));
        }
      }
    }
    entries.sort(Comparator.comparingLong(Entry::base));
    return entries.stream().map(Entry::text).toList();
  }

  private static List<String> expectedDynamic(Map<String, Object> truth) {
    List<String> lines = new ArrayList<>();
    for (Map<String, Object> child : reservedChildren(truth)) {
      if (!isAvailable(child) || child.get("reg") != null || child.get("size") == null) {
        continue;
      }
      List<String> ranges = new ArrayList<>();
      for (List<?> pair : lists(child.get("alloc_ranges"))) {
        long base = number(pair.get(0));
        ranges.add(range(base, base + number(pair.get(1))));
      }
      long alignment = child.get("alignment") == null ? 0 : number(child.get("alignment"));
      lines.add(
          child.get("name")
              + " 0x"
              + Long.toHexString(number(child.get("size")))
              + " align 0x"
              + Long.toHexString(alignment)
              + " in "
              + ranges
              + flags(child)
              + (Boolean.TRUE.equals(child.get("linux_cma_default")) ? " cma" : ""));
    }
    return lines;
  }

  private static void assertChosen(Map<String, Object> truth, MemoryMap map, String file) {
    Map<?, ?> chosen = truth.get("chosen") instanceof Map<?, ?> m ? m : Map.of();
    assertEquals(chosen.get("bootargs"), map.commandLine(), file);
    String initrd = null;
    if (chosen.get("linux,initrd-start") != null) {
      initrd =
          range(number(chosen.get("linux,initrd-start")), number(chosen.get("linux,initrd-end")));
    }
    assertEquals(initrd, map.initrd() == null ? null : String.valueOf(map.initrd()), file);
  }

  private static List<List<Integer>> expectedDistances(Map<String, Object> truth) {
    List<List<Integer>> rows = new ArrayList<>();
    if (truth.get("distance_map") instanceof Map<?, ?> stated) {
      List<List<?>> triplets = lists(stated.get("triplets"));
      long side = 0;
      for (List<?> each : triplets) {
        side = Math.max(side, 1 + Math.max(number(each.get(0)), number(each.get(1))));
      }
      for (int from = 0; from < side; from++) {
        List<Integer> row = new ArrayList<>();
        for (int to = 0; to < side; to++) {
          row.add(distance(triplets, from, to));
        }
        rows.add(row);
      }
    }
    return rows;
  }

  private static int distance(List<List<?>> triplets, int from, int to) {
    Integer back = null;
    for (List<?> each : triplets) {
      if (number(each.get(0)) == from && number(each.get(1)) == to) {
        return (int) number(each.get(2));
      }
      if (number(each.get(0)) == to && number(each.get(1)) == from) {
        back = (int) number(each.get(2));
      }
    }
    return back != null ? back : from == to ? 10 : 20;
  }

  private static Architecture expectedArchitecture(String file) {
    if (file.contains("armhf__") || file.contains("__a32-")) {
      return Architecture.ARM;
    }
    if (file.contains("__rv32-")) {
      return Architecture.RISCV32;
    }
    return file.contains("riscv64__") || file.contains("__rv64-")
        ? Architecture.RISCV64
        : Architecture.AARCH64;
  }

  /// A real tree may have odd corners, but none that makes us leave out memory.
  private static void assertWarnings(MemoryMap map, String file) {
    for (String warning : FdtTrees.warnings(map)) {
      assertTrue(
          warning.contains("usable-memory-range")
              || warning.contains("empty reservation")
              || warning.contains("looked for below the root"),
          file + ": " + warning);
    }
  }

  private static boolean isAvailable(Map<String, Object> node) {
    Object status = node.get("status");
    return status == null || status.equals("okay") || status.equals("ok");
  }

  private static String flags(Map<String, Object> child) {
    return (Boolean.TRUE.equals(child.get("no_map")) ? " no-map" : "")
        + (Boolean.TRUE.equals(child.get("reusable")) ? " reusable" : "");
  }

  private static List<Map<String, Object>> reservedChildren(Map<String, Object> truth) {
    return truth.get("reserved_memory") instanceof Map<?, ?> node
        ? maps(node.get("children"))
        : List.of();
  }

  private static String range(long base, long end) {
    return "[0x" + Long.toHexString(base) + ", 0x" + Long.toHexString(end) + ")";
  }

  private static String text(Object value) {
    assertNotNull(value);
    return value.toString();
  }

  private static long number(Object value) {
    assertNotNull(value);
    return ((Number) value).longValue();
  }

  private static List<List<?>> lists(Object value) {
    List<List<?>> result = new ArrayList<>();
    if (value instanceof List<?> items) {
      for (Object each : items) {
        result.add((List<?>) each);
      }
    }
    return result;
  }

  private static List<Map<String, Object>> maps(Object value) {
    List<Map<String, Object>> result = new ArrayList<>();
    if (value instanceof List<?> items) {
      for (Object each : items) {
        Map<String, Object> entry = new java.util.LinkedHashMap<>();
        ((Map<?, ?>) each).forEach((k, v) -> entry.put(k.toString(), v));
        result.add(entry);
      }
    }
    return result;
  }
}
