package dev.bifolio.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.firmware.Architecture;
import dev.bifolio.kernel.firmware.BootModule;
import dev.bifolio.kernel.firmware.DynamicReservation;
import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.firmware.MemoryRegion;
import dev.bifolio.kernel.firmware.ReservedRegion;
import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.testkit.SplitMix64;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// Which frames a boot may hand out, computed from the map alone: intervals in a tree, big integers
/// for the addresses, nothing of the kernel's own code.
final class BootModel {
  private static final BigInteger PAGE = BigInteger.valueOf(4096);

  /// Frames that may be handed out: start to exclusive end.
  final TreeMap<Long, Long> allowed = new TreeMap<>();

  long presentFrames;

  /// The model of a boot. Where boot itself found places, the report says where; that those are
  /// legal is checked elsewhere.
  static BootModel of(MemoryMap map, BootOptions options, BootReport report) {
    Architecture architecture = report.architecture();
    BootModel model = presentOf(map, options, architecture);
    boolean isPc = architecture == Architecture.X86_64 || architecture == Architecture.I386;
    model.presentFrames = model.count();
    for (int i = 0; i < map.reservedCount(); i++) {
      ReservedRegion region = map.reserved(i);
      if (region.source() != ReservedRegion.Source.INITRD || options.initrd() == null) {
        model.exclude(region.range());
      }
    }
    for (int i = 0; i < map.moduleCount(); i++) {
      BootModule module = map.module(i);
      if (module.byteSize() > 0) {
        model.exclude(new AddressRange(module.base(), module.byteSize()));
      }
    }
    AddressRange initrd = options.initrd() == null ? map.initrd() : options.initrd();
    for (AddressRange range : new AddressRange[] {options.kernel(), options.fdt(), initrd}) {
      if (range != null) {
        model.exclude(range);
      }
    }
    if (isPc) {
      model.remove(0, 256);
      model.remove(0xFEE00, 0xFEE01);
    }
    for (ReservedRegion region : placedByBoot(map, options, report)) {
      model.exclude(region.range());
    }
    return model;
  }

  /// The frames of RAM that the machine can use, reserved ones too.
  static BootModel presentOf(
      MemoryMap map, BootOptions options, @Nullable Architecture architecture) {
    BootModel model = new BootModel();
    model.addRam(map, options, architecture == Architecture.I386);
    if (architecture == Architecture.X86_64 || architecture == Architecture.I386) {
      model.remove(0, 1);
      model.remove(160, 256);
    }
    return model;
  }

  private void addRam(MemoryMap map, BootOptions options, boolean cutAt4Gib) {
    for (int i = 0; i < map.memoryCount(); i++) {
      MemoryRegion region = map.memory(i);
      add(inwardStart(region.range()), inwardEnd(region.range()));
    }
    for (AddressRange range : options.loaderMemory()) {
      add(inwardStart(range), inwardEnd(range));
    }
    if (cutAt4Gib) {
      remove(1L << 20, Long.MAX_VALUE);
    }
  }

  private static List<ReservedRegion> placedByBoot(
      MemoryMap map, BootOptions options, BootReport report) {
    List<ReservedRegion> placed = new ArrayList<>();
    for (ReservedRegion region : report.reservations()) {
      for (int i = 0; i < map.dynamicReservationCount(); i++) {
        DynamicReservation dynamic = map.dynamicReservation(i);
        if (dynamic.name().equals(region.name())
            && dynamic.byteSize() == region.range().byteSize()) {
          placed.add(region);
        }
      }
      if (options.fdtByteSize() > 0 && region.source() == ReservedRegion.Source.FDT) {
        placed.add(region);
      }
      if (region.name().equals("table pool")) {
        placed.add(region);
      }
    }
    return placed;
  }

  static BigInteger unsigned(long value) {
    return new BigInteger(Long.toUnsignedString(value));
  }

  private static long inwardStart(AddressRange range) {
    return unsigned(range.base()).add(PAGE).subtract(BigInteger.ONE).divide(PAGE).longValue();
  }

  private static long inwardEnd(AddressRange range) {
    return unsigned(range.base()).add(unsigned(range.byteSize())).divide(PAGE).longValue();
  }

  void exclude(AddressRange range) {
    BigInteger end = unsigned(range.base()).add(unsigned(range.byteSize()));
    remove(
        unsigned(range.base()).divide(PAGE).longValue(),
        end.add(PAGE).subtract(BigInteger.ONE).divide(PAGE).longValue());
  }

  void add(long start, long end) {
    if (start < end) {
      remove(start, end);
      allowed.put(start, end);
    }
  }

  void remove(long start, long end) {
    Map.Entry<Long, Long> below = allowed.floorEntry(start);
    if (below != null && below.getValue() > start) {
      long belowEnd = below.getValue();
      allowed.put(below.getKey(), start);
      if (below.getKey() == start) {
        allowed.remove(start);
      }
      if (belowEnd > end) {
        allowed.put(end, belowEnd);
      }
    }
    Map.Entry<Long, Long> inside = allowed.ceilingEntry(start);
    while (inside != null && inside.getKey() < end) {
      allowed.remove(inside.getKey());
      if (inside.getValue() > end) {
        allowed.put(end, inside.getValue());
      }
      inside = allowed.ceilingEntry(start);
    }
  }

  long count() {
    long sum = 0;
    for (Map.Entry<Long, Long> each : allowed.entrySet()) {
      sum += each.getValue() - each.getKey();
    }
    return sum;
  }

  /// Takes frames out; fails if one of them is not there (any more).
  void take(long start, long end) {
    long at = start;
    while (at < end) {
      Map.Entry<Long, Long> below = allowed.floorEntry(at);
      assertTrue(
          below != null && below.getValue() > at,
          "frame 0x" + Long.toHexString(at) + " must not be handed out");
      long to = Math.min(end, below.getValue());
      remove(at, to);
      at = to;
    }
  }

  /// Checks a whole machine against the model: the report's sums, and by allocating everything.
  static void check(MemoryMap map, BootOptions options, Machine machine, long seed) {
    BootReport report = machine.report();
    BootReport.Frames frames = report.frames();
    BootModel model = of(map, options, report);
    assertEquals(model.presentFrames, frames.present());
    assertEquals(model.presentFrames - model.count(), frames.reserved());
    assertEquals(frames.present() - frames.reserved() - frames.memMap(), frames.managed());
    assertEquals(frames.managed() - frames.heap() - frames.tables(), frames.free());
    assertEquals(0, frames.cached(), "a boot ends with empty caches");
    assertEquals(frames.free(), machine.freeFrameCount());
    assertEquals(frames.managed(), machine.managedFrameCount());
    for (BootReport.MemMapSection section : report.memMapSections()) {
      model.take(section.range().base() >>> 12, section.range().end() >>> 12);
    }
    model.take(report.heap().base() >>> 12, report.heap().end() >>> 12);
    long tables = 0;
    for (long pfn : KernelTablesModel.check(map, options, machine)) {
      model.take(pfn, pfn + 1);
      tables++;
    }
    assertEquals(frames.tables(), tables);
    assertEquals(frames.free(), model.count());
    allocateEverything(machine, model, seed);
    machine.assertValid();
  }

  private static void allocateEverything(Machine machine, BootModel model, long seed) {
    SplitMix64 random = new SplitMix64(seed);
    List<long[]> blocks = new ArrayList<>();
    int order = machine.maxOrder();
    for (int i = 0; order >= 0; i++) {
      int wanted = i < 2_000 ? random.below(12) : order;
      wanted = Math.min(wanted, machine.maxOrder());
      long pfn = machine.allocate(wanted, AllocationFlags.HIGHMEM_OK);
      if (pfn >= 0) {
        model.take(pfn, pfn + (1L << wanted));
        blocks.add(new long[] {pfn, wanted});
      } else if (i >= 2_000) {
        order--;
      }
    }
    assertEquals(0, machine.freeFrameCount());
    assertEquals(0, machine.cachedFrameCount());
    assertEquals(0, model.count());
    machine.assertValid();
    for (long[] block : blocks) {
      machine.free(block[0], (int) block[1]);
    }
    long free = machine.report().frames().free();
    assertEquals(free, machine.freeFrameCount() + machine.cachedFrameCount());
    machine.drainCaches();
    assertEquals(0, machine.cachedFrameCount());
    assertEquals(free, machine.freeFrameCount());
    for (BootReport.NodeRow row : machine.report().nodes()) {
      for (int o = 0; o <= machine.maxOrder(); o++) {
        assertEquals(
            row.freeBlocks()[o], machine.freeBlockCount(row.node(), o), "blocks of order " + o);
      }
    }
  }
}
