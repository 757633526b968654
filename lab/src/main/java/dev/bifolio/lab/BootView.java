package dev.bifolio.lab;

import dev.bifolio.kernel.BootLog;
import dev.bifolio.kernel.BootReport;
import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.firmware.MemoryRegion;
import dev.bifolio.kernel.firmware.ReservedRegion;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.Pages;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// What `boot` shows: the steps as they happen, then the result as text and picture, or all of it
/// as one JSON object.
final class BootView implements BootLog {
  private static final int BAR_CELLS = 32;

  private final Console console;
  private final String file;
  private final MemoryMap map;

  BootView(Console console, String file, MemoryMap map) {
    this.console = console;
    this.file = file;
    this.map = map;
  }

  /// How long the parts took.
  record Timings(long readNanos, long bootNanos, long proofNanos) {}

  @Override
  public void line(String text) {
    console.out().println(MapText.printable(text));
    console.out().flush();
  }

  void print(BootReport report, ProofWorkload proof) {
    printFrames(report);
    printFreeBlocks(report);
    if (console.terminal() && report.nodes().length > 0) {
      console.out().println();
      console.out().print(picture(report).render(console.columnCount(), console.colour()));
    }
    console.out().println();
    console
        .out()
        .println(
            proof.problem() == null
                ? "proof: "
                    + Numbers.count(proof.operationCount())
                    + " operations, "
                    + proof.failureCount()
                    + " without memory, "
                    + Numbers.count(proof.checkedFrameCount())
                    + " frames validated;\n"
                    + "       no frame owned twice, none from a reservation, all given back"
                : "proof FAILED: " + proof.problem());
    console.out().flush();
  }

  private void printFrames(BootReport report) {
    BootReport.Frames frames = report.frames();
    console.out().println();
    console
        .out()
        .println(
            "frames: "
                + Numbers.count(frames.present())
                + " present = "
                + Numbers.count(frames.reserved())
                + " reserved + "
                + Numbers.count(frames.memMap())
                + " mem_map + "
                + Numbers.count(frames.heap())
                + " heap + "
                + Numbers.count(frames.free())
                + " free ("
                + Numbers.bytes(Pages.framesToBytes(frames.free()))
                + ")");
  }

  private void printFreeBlocks(BootReport report) {
    for (BootReport.NodeRow node : report.nodes()) {
      long[] blocks = node.freeBlocks();
      console.out().println();
      console
          .out()
          .println(
              "free blocks of node %d (%s free)"
                  .formatted(node.node(), Numbers.bytes(Pages.framesToBytes(node.free()))));
      for (int order = 0; order < blocks.length; order++) {
        if (blocks[order] == 0) {
          continue;
        }
        long frames = blocks[order] << order;
        int cells = (int) Math.ceilDiv(frames * BAR_CELLS, node.free());
        console
            .out()
            .println(
                "  order %2d %9s  %8s  %s"
                    .formatted(
                        order,
                        Numbers.bytes(Pages.orderToBytes(order)),
                        Numbers.count(blocks[order]),
                        bar(cells)));
      }
    }
  }

  private String bar(int cells) {
    String text = (console.terminal() ? "█" : "#").repeat(cells);
    return console.colour() ? "\u001b[38;5;71m" + text + "\u001b[0m" : text;
  }

  private MemoryPicture picture(BootReport report) {
    BootReport.NodeRow[] nodes = report.nodes();
    long start = Long.MAX_VALUE;
    long end = 0;
    for (BootReport.NodeRow node : nodes) {
      start = Math.min(start, Pages.pfnToAddress(node.startPfn()));
      end = Math.max(end, Pages.pfnToAddress(node.endPfn()));
    }
    MemoryPicture picture = new MemoryPicture(AddressRange.ofBounds(start, end));
    for (MemoryRegion region : report.memory()) {
      picture.paint(region.range(), MemoryPicture.Kind.FREE);
    }
    for (BootReport.MemMapSection section : report.memMapSections()) {
      picture.paint(section.range(), MemoryPicture.Kind.MEM_MAP);
    }
    picture.paint(report.heap(), MemoryPicture.Kind.HEAP);
    for (ReservedRegion region : report.reservations()) {
      picture.paintWhereFree(region.range(), kind(region));
    }
    return picture;
  }

  private static MemoryPicture.Kind kind(ReservedRegion region) {
    if (region.noMap()) {
      return MemoryPicture.Kind.NO_MAP;
    }
    return switch (region.source()) {
      case KERNEL -> MemoryPicture.Kind.KERNEL;
      case INITRD, MODULE -> MemoryPicture.Kind.INITRD;
      case FDT, BOOT_INFO -> MemoryPicture.Kind.BOOT;
      case MEMRESERVE, RESERVED_MEMORY, FIRMWARE -> MemoryPicture.Kind.RESERVED;
    };
  }

  void printJson(BootReport report, ProofWorkload proof, Timings timings) {
    Map<String, @Nullable Object> json = MapJson.of(file, map);
    json.put("architecture", report.architecture() == null ? null : report.architecture().label());
    List<Object> memory = new ArrayList<>();
    for (MemoryRegion region : report.memory()) {
      memory.add(MapJson.memory(region));
    }
    json.put("memory", memory);
    List<Object> reserved = new ArrayList<>();
    for (ReservedRegion region : report.reservations()) {
      reserved.add(MapJson.reserved(region));
    }
    json.put("reserved", reserved);
    json.put("initrd", initrd(report));
    json.put("warnings", List.of(report.warnings()));
    json.put("frames", frames(report.frames()));
    json.put("allocator", allocator(report.allocator()));
    json.put("memMap", memMap(report));
    Map<String, @Nullable Object> heap = MapJson.range(report.heap());
    heap.put("frames", report.frames().heap());
    json.put("heap", heap);
    List<Object> zones = new ArrayList<>();
    for (BootReport.NodeRow node : report.nodes()) {
      zones.add(zone(node));
    }
    json.put("zones", zones);
    json.put("pageTables", null);
    json.put("timings", timings(report, timings));
    Map<String, @Nullable Object> proved = new LinkedHashMap<>();
    proved.put("operations", proof.operationCount());
    proved.put("failures", proof.failureCount());
    proved.put("validatedFrames", proof.checkedFrameCount());
    proved.put("problem", proof.problem());
    json.put("proof", proved);
    console.out().println(MapJson.line(json));
    console.out().flush();
  }

  private static @Nullable Object initrd(BootReport report) {
    for (ReservedRegion region : report.reservations()) {
      if (region.source() == ReservedRegion.Source.INITRD) {
        return MapJson.range(region.range());
      }
    }
    return null;
  }

  private static Map<String, @Nullable Object> frames(BootReport.Frames frames) {
    Map<String, @Nullable Object> row = new LinkedHashMap<>();
    row.put("total", frames.total());
    row.put("present", frames.present());
    row.put("reserved", frames.reserved());
    row.put("memMap", frames.memMap());
    row.put("managed", frames.managed());
    row.put("heap", frames.heap());
    row.put("free", frames.free());
    row.put("cached", frames.cached());
    return row;
  }

  private static Map<String, @Nullable Object> allocator(BootReport.Allocator allocator) {
    Map<String, @Nullable Object> row = new LinkedHashMap<>();
    row.put("kind", allocator.kind().name().toLowerCase(Locale.ROOT));
    row.put("cpus", allocator.cpuCount());
    row.put("size", allocator.byteSize());
    row.put("frameInfoSize", allocator.infoByteSize());
    return row;
  }

  private static Map<String, @Nullable Object> memMap(BootReport report) {
    List<Object> sections = new ArrayList<>();
    for (BootReport.MemMapSection section : report.memMapSections()) {
      Map<String, @Nullable Object> row = MapJson.range(section.range());
      row.put("node", section.node());
      row.put("banks", section.bankCount());
      sections.add(row);
    }
    Map<String, @Nullable Object> row = new LinkedHashMap<>();
    row.put("base", AddressRange.hex(report.memMapSections()[0].range().base()));
    row.put("size", report.memMapByteSize());
    row.put("sections", sections);
    return row;
  }

  /// A node's row. Zones come with a later version; until then a node is one zone without a name.
  private static Map<String, @Nullable Object> zone(BootReport.NodeRow node) {
    Map<String, @Nullable Object> row = new LinkedHashMap<>();
    row.put("node", node.node());
    row.put("zone", null);
    row.put("startPfn", node.startPfn());
    row.put("endPfn", node.endPfn());
    row.put("spanned", node.spanned());
    row.put("present", node.present());
    row.put("managed", node.managed());
    row.put("free", node.free());
    row.put("min", null);
    row.put("low", null);
    row.put("high", null);
    List<Long> blocks = new ArrayList<>();
    for (long count : node.freeBlocks()) {
      blocks.add(count);
    }
    row.put("freeBlocks", blocks);
    return row;
  }

  private static Map<String, @Nullable Object> timings(BootReport report, Timings timings) {
    Map<String, @Nullable Object> row = new LinkedHashMap<>();
    row.put("readNanos", timings.readNanos());
    row.put("bootNanos", timings.bootNanos());
    row.put("proofNanos", timings.proofNanos());
    Map<String, @Nullable Object> steps = new LinkedHashMap<>();
    for (BootReport.Step step : report.steps()) {
      steps.put(step.name(), step.nanos());
    }
    row.put("steps", steps);
    return row;
  }
}
