package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.Pages;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;

/// Metadata and wired parts for the tests of what a hybrid allocator is made of.
abstract class HybridParts {
  /// Bytes behind all metadata that nobody may touch.
  static final long GUARD_BYTES = 4096;

  private final ZeroedWindows windows = new ZeroedWindows();

  @AfterEach
  void closeWindows() {
    windows.close();
  }

  /// Zero bytes with as many zeros behind them as [#GUARD_BYTES].
  long zeros(long byteSize) {
    return windows.reserve(byteSize + GUARD_BYTES);
  }

  static boolean areZeros(long address, long byteSize) {
    for (long at = address; at < address + byteSize; at += Long.BYTES) {
      if (Memory.getLong(at) != 0) {
        return false;
      }
    }
    return true;
  }

  /// The parts over a span of which nothing is managed yet.
  HybridCore span(int cpuCount, long startPfn, long endPfn) {
    HybridCore core = new HybridCore(cpuCount);
    core.attach(zeros(HybridCore.metadataBytes(startPfn, endPfn, cpuCount)), startPfn, endPfn);
    return core;
  }

  /// The parts over a span that is free.
  HybridCore memory(int cpuCount, long startPfn, long endPfn) {
    HybridCore core = span(cpuCount, startPfn, endPfn);
    assertEquals(endPfn - startPfn, handOver(core, startPfn, endPfn));
    return core;
  }

  static long handOver(HybridCore core, long startPfn, long endPfn) {
    return new HandOver(core.levels, core.areas).add(startPfn, endPfn);
  }

  static FrameCensus census(HybridCore core, long startPfn, long endPfn) {
    return new FrameCensus(core.states, Pages.MAX_ORDER, startPfn, endPfn);
  }

  /// Free blocks of each order, and of cached and used frames the number.
  static List<Long> picture(HybridCore core, long startPfn, long endPfn) {
    FrameCensus census = census(core, startPfn, endPfn);
    List<Long> picture = new ArrayList<>();
    for (int order = 0; order <= Pages.MAX_ORDER; order++) {
      picture.add(census.freeBlocks(order));
    }
    picture.add(census.cachedFrames());
    picture.add(census.usedFrames());
    return picture;
  }

  /// Calls back until there is nothing more to call back.
  static void callBackAll(HybridCore core) {
    for (int turn = 0; core.callBack.all(); turn++) {
      assertTrue(turn < 10, "calling back finds something again and again");
    }
  }

  /// Borrows an area and keeps it, as a claimer does that has noted it.
  static long lend(Areas areas, int kind, int slot) {
    return keep(areas, areas.lend(kind, slot, areas.transit()));
  }

  /// Claims an area and keeps it.
  static long claim(Areas areas, int kind, int firstBin, int slot) {
    return keep(areas, areas.claim(kind, firstBin, slot, areas.transit()));
  }

  private static long keep(Areas areas, long area) {
    if (area >= 0) {
      Transit.end(areas.transit());
    }
    assertTrue(
        Transit.isQuiet(Memory.getLong(areas.transit())), "who finds nothing leaves nothing");
    return area;
  }

  /// The word of an area, which is counted from the first area of the span.
  static long areaWord(HybridCore core, long area) {
    return Memory.getLongVolatile(core.areas.areaWord(area));
  }

  /// The word of a frame, which is counted from the first frame of the first area.
  static long frameWord(HybridCore core, long frame) {
    return Memory.getLongVolatile(core.areas.frameWord(frame));
  }

  static void setFrameWord(HybridCore core, long frame, long value) {
    Memory.putLong(core.areas.frameWord(frame), value);
  }
}
