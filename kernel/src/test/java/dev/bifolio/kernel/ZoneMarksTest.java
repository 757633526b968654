package dev.bifolio.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.firmware.Architecture;
import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.zone.LowmemReserve;
import dev.bifolio.kernel.zone.WatermarkRule;
import dev.bifolio.kernel.zone.Watermarks;
import dev.bifolio.kernel.zone.Zone;
import dev.bifolio.kernel.zone.ZoneType;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/// The marks and protections that real kernels computed, from their own counts, to the frame.
///
/// A kernel computes them early in its boot, when its initial RAM disk and its init code are not
/// free yet, and the record shows the counts of its end. What was freed in between is in the log,
/// or between the ranges of the record, and is taken off the node it lies in.
class ZoneMarksTest {
  private static final int SCALE = WatermarkRule.DEFAULT_SCALE_FACTOR;

  /// One boot: its zones, and how many frames of which node were freed after the computation.
  private record Boot(String name, List<Map<?, ?>> zones, int node, long freedLater) {
    long managed(Map<?, ?> zone) {
      long end = BootRecords.number(zone, "managed");
      boolean changed = BootRecords.number(zone, "node") == node && end > 4096;
      return changed ? end - freedLater : end;
    }

    long lowMemory() {
      long sum = 0;
      for (Map<?, ?> zone : zones) {
        sum += WatermarkRule.isLowMemory(BootRecords.type(zone)) ? managed(zone) : 0;
      }
      return sum;
    }

    /// Whether all marks are those of the record; if not, the first that is not.
    String compare(long minFreeKib) {
      long low = lowMemory();
      for (Map<?, ?> zone : zones) {
        long min = WatermarkRule.min(BootRecords.type(zone), managed(zone), low, minFreeKib);
        long gap = WatermarkRule.gap(managed(zone), low, minFreeKib, SCALE);
        if (min != BootRecords.number(zone, "min")
            || min + gap != BootRecords.number(zone, "low")
            || min + 2 * gap != BootRecords.number(zone, "high")) {
          return zone + " but min " + min + " gap " + gap;
        }
      }
      return "";
    }

    void compareProtections() {
      for (Map<?, ?> zone : zones) {
        List<?> expected = (List<?>) zone.get("protection");
        int at = 0;
        for (Map<?, ?> request : zones) {
          if (request.get("node").equals(zone.get("node"))) {
            long protection =
                LowmemReserve.protection(
                    BootRecords.type(zone), BootRecords.type(request), counts(zone));
            assertEquals(
                ((Number) expected.get(at)).longValue(), protection, name + " " + zone + at);
            at++;
          }
        }
        assertEquals(expected.size(), at, name);
      }
    }

    private long[] counts(Map<?, ?> of) {
      long[] counts = new long[ZoneType.COUNT];
      for (Map<?, ?> zone : zones) {
        if (zone.get("node").equals(of.get("node"))) {
          counts[BootRecords.type(zone).index()] = managed(zone);
        }
      }
      return counts;
    }
  }

  /// Frames that a log says were freed once the marks stood: all such lines behind that of the
  /// available memory.
  private static long freedInLog(String name) throws Exception {
    String log = BootRecords.log(name);
    Matcher line = Pattern.compile("\\] Freeing .* memory: (\\d+)K").matcher(log);
    long kib = 0;
    int from = log.indexOf("] Memory: ");
    assertTrue(from > 0, name);
    for (int at = from; line.find(at); at = line.end()) {
      kib += Long.parseLong(line.group(1));
    }
    return kib / 4;
  }

  @Test
  void halfAGibibyteOfAPcWithoutHugePages() throws Exception {
    String name = BootRecords.PC;
    Boot boot = new Boot(name, BootRecords.zones(name), 0, freedInLog(name));
    assertEquals("", boot.compare(WatermarkRule.minFreeKib(boot.lowMemory())));
    boot.compareProtections();
  }

  @Test
  void halfAGibibyteOfRiscv() throws Exception {
    String name = BootRecords.RISCV64;
    Boot boot = new Boot(name, BootRecords.zones(name), 0, freedInLog(name));
    assertEquals("", boot.compare(WatermarkRule.minFreeKib(boot.lowMemory())));
    boot.compareProtections();
  }

  /// The kernel lies in node 1, and so does the disk; and huge pages are on, which ask for more.
  @Test
  void twoNodesOfAPcWithHugePages() throws Exception {
    String name = BootRecords.PC_TWO_NODES;
    Boot boot = new Boot(name, BootRecords.zones(name), 1, freedInLog(name));
    long low = boot.lowMemory();
    long first = WatermarkRule.minFreeKib(low);
    // What Linux takes a 20th of are the frames above the high marks that stand until then.
    long usable = low;
    int populated = 0;
    for (Map<?, ?> zone : boot.zones()) {
      long managed = boot.managed(zone);
      long gap = WatermarkRule.gap(managed, low, first, SCALE);
      if (managed > 0) {
        usable -= WatermarkRule.min(BootRecords.type(zone), managed, low, first) + 2 * gap;
        populated++;
      }
    }
    assertEquals(3, populated);
    long huge = WatermarkRule.minFreeKibForHugeBlocks(usable, populated);
    assertEquals("", boot.compare(huge));
    boot.compareProtections();
  }

  /// Its log has lost the lines of what was freed. The disk has 256 frames, and between kernel code
  /// and data there is a range of init code that is not reserved any more. Beside that derivation,
  /// all counts that are exact for all marks are searched: it must be among them, and they few.
  @Test
  void twoNodesOfArm64WithHugePages() throws Exception {
    String name = BootRecords.ARM64_TWO_NODES;
    Map<?, ?> json = BootRecords.json(name);
    long derived = 256 + initFrames(json);
    List<Long> exact = new ArrayList<>();
    for (long freed = 0; freed < 4096; freed++) {
      Boot boot = new Boot(name, BootRecords.zones(name), 0, freed);
      long huge = WatermarkRule.minFreeKibForHugeBlocks(boot.lowMemory(), 2);
      if (boot.compare(huge).isEmpty()) {
        exact.add(freed);
      }
    }
    assertTrue(exact.contains(derived), derived + " is not in " + exact);
    assertTrue(exact.size() < 50, exact.toString());
    new Boot(name, BootRecords.zones(name), 0, derived).compareProtections();
  }

  private static long initFrames(Map<?, ?> json) {
    List<Map<?, ?>> reserved = BootRecords.objects(json, "memblock_reserved");
    long codeEnd = BootRecords.number(reserved.get(0), "end_inclusive") + 1;
    return (BootRecords.number(reserved.get(1), "start") - codeEnd) >>> 12;
  }

  @Test
  void moreThanCountsCanHoldCannotBeKeptFree() throws Exception {
    for (long kib : new long[] {-2, 1L << 31, Long.MAX_VALUE}) {
      assertThrows(IllegalArgumentException.class, () -> BootOptions.DEFAULTS.withMinFreeKib(kib));
    }
    MemoryMap map = Maps.e820(Architecture.X86_64).ram(4 * Maps.GIB, 1L << 40).build();
    try (Machine machine = Machine.boot(map, BootOptions.DEFAULTS, BootLog.SILENT)) {
      Watermarks marks = machine.watermarks();
      marks.setMinFree(Integer.MAX_VALUE, false);
      assertThrows(IllegalArgumentException.class, () -> marks.setMinFree(1L << 31, false));
      assertThrows(IllegalArgumentException.class, () -> marks.setMinFree(-2, false));
      assertEquals(Integer.MAX_VALUE, marks.minFreeKib());
      // More than there is: refused as a whole, and nothing has changed.
      Zone zone = machine.zones().zone(0);
      long min = zone.minFrames();
      assertThrows(IllegalArgumentException.class, marks::apply);
      assertEquals(min, zone.minFrames());
      marks.setMinFree(400L << 20, false);
      marks.apply();
      assertEquals(400L << 18, zone.minFrames());
    }
    BootOptions most = BootOptions.DEFAULTS.withMinFreeKib(513L << 20);
    BootException refused =
        assertThrows(BootException.class, () -> Machine.boot(map, most, BootLog.SILENT));
    assertTrue(String.valueOf(refused.getMessage()).contains("more than half"));
  }
}
