package dev.bifolio.lab;

import dev.bifolio.kernel.BootLog;
import dev.bifolio.kernel.BootReport;
import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.firmware.MemoryRegion;
import dev.bifolio.kernel.firmware.ReservedRegion;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.Pages;
import org.jspecify.annotations.Nullable;

/// What `boot` shows to people: the steps as they happen, then the result as text and picture.
final class BootView implements BootLog {
  private final Console console;
  private final MemoryMap map;

  BootView(Console console, MemoryMap map) {
    this.console = console;
    this.map = map;
  }

  @Override
  public void line(String text) {
    console.out().println(MapText.printable(text));
    console.out().flush();
  }

  void print(BootReport report, ProofWorkload proof) {
    printFrames(report);
    console.out().print(ZoneText.of(report, map, console.terminal(), console.colour()));
    if (console.terminal() && report.nodes().length > 0) {
      console.out().println();
      console.out().print(picture(report).render(console.columnCount(), console.colour()));
    }
    printTables(report.pageTables());
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
                + Numbers.count(frames.tables())
                + " tables + "
                + Numbers.count(frames.free())
                + " free ("
                + Numbers.bytes(Pages.framesToBytes(frames.free()))
                + ")");
  }

  private void printTables(BootReport.@Nullable PageTables tables) {
    if (tables == null) {
      return;
    }
    boolean hasTwoRoots = tables.upperRoot() != BootReport.PageTables.NO_ROOT;
    String root = AddressRange.hex(tables.root());
    console.out().println();
    console.out().println("page tables: " + tables.describe());
    console
        .out()
        .println(
            "  "
                + (hasTwoRoots
                    ? "roots at " + root + " and " + AddressRange.hex(tables.upperRoot())
                    : "root at " + root)
                + ", "
                + AddressRange.hex(tables.directMapBase())
                + " is physical "
                + AddressRange.hex(tables.physicalBase()));
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
}
