package dev.bifolio.kernel.reclaim;

import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.frame.FrameMap;
import dev.bifolio.kernel.unit.SortedRanges;
import dev.bifolio.kernel.zone.Zone;

/// The memory of one zone as a compaction sees it: its banks, each with a map of what its frames
/// are. Immutable.
public final class MovableBanks {
  private final FrameMap[] maps;
  private final long[] startPfns;
  private final long[] endPfns;

  /// The banks of a zone.
  ///
  /// @param banks initialised allocators by ascending frames, not overlapping; copied
  /// @throws IllegalArgumentException if they are in another order
  public MovableBanks(FrameAllocator[] banks) {
    maps = new FrameMap[banks.length];
    startPfns = new long[banks.length];
    endPfns = new long[banks.length];
    for (int i = 0; i < banks.length; i++) {
      if (i > 0 && banks[i].startPfn() < banks[i - 1].endPfn()) {
        throw new IllegalArgumentException("bank " + i + " begins before the end of the last one");
      }
      maps[i] = new FrameMap(banks[i]);
      startPfns[i] = banks[i].startPfn();
      endPfns[i] = banks[i].endPfn();
    }
  }

  /// The banks of a zone, as it has them.
  MovableBanks(Zone zone) {
    FrameAllocator[] banks = new FrameAllocator[zone.bankCount()];
    for (int b = 0; b < banks.length; b++) {
      banks[b] = zone.bank(b).allocator();
    }
    this(banks);
  }

  int count() {
    return maps.length;
  }

  FrameMap map(int bank) {
    return maps[bank];
  }

  /// The bank whose span holds a frame, or -1.
  int bankOf(long pfn) {
    return SortedRanges.indexOf(startPfns, endPfns, maps.length, pfn);
  }
}
