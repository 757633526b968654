package dev.bifolio.kernel.zone;

import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.frame.FrameMap;
import dev.bifolio.kernel.frame.HybridAllocator;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.ArrayEntries;
import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;
import dev.bifolio.kernel.unit.Pages;
import org.jspecify.annotations.Nullable;

/// The way of frames back to their zone, and of charges back to their account.
///
/// What is freed is counted by its zone's gauge, and refunded to whom the words of the frames name.
/// A free that is refused leaves both as they were; one of a frame that no zone has is counted by
/// the first.
final class FreePath {
  private final ZoneSet zones;
  private final @Nullable Charges charges;
  private final @Nullable HybridAllocator onlyUncharged;
  private final int maxOrder;

  /// The way back to these zones.
  ///
  /// @param onlyUncharged the only allocator, if it is for any thread and nobody is charged
  FreePath(
      ZoneSet zones,
      @Nullable Charges charges,
      @Nullable HybridAllocator onlyUncharged,
      int maxOrder) {
    this.zones = zones;
    this.charges = charges;
    this.onlyUncharged = onlyUncharged;
    this.maxOrder = maxOrder;
  }

  FrameInfo infoOf(long pfn) {
    FrameInfo info = zones.infoOf(pfn);
    if (info == null) {
      throw ZoneMemory.outside(pfn);
    }
    return info;
  }

  // ---- Blocks and runs ----

  long tryFree(long pfn, int order) {
    if (order < 0 || order > maxOrder) {
      zones.zone(0).memory.countRefusedFree();
      return FrameError.INVALID_ORDER.code();
    }
    return tryFreeFrames(pfn, Pages.orderToFrames(order));
  }

  long tryFreeFrames(long pfn, long frameCount) {
    Zone zone = zones.ofFrame(pfn);
    if (zone == null) {
      return zones.zone(0).memory.tryFreeFrames(pfn, frameCount); // which says what is wrong
    }
    int account = uncharge(pfn, frameCount);
    long result = zone.memory.tryFreeFrames(pfn, frameCount);
    settle(zone, account, frameCount, result == 0);
    return result;
  }

  void freeFrames(long pfn, long frameCount) {
    Zone zone = zones.ofFrame(pfn);
    if (zone == null) {
      zones.zone(0).memory.countRefusedFree();
      throw ZoneMemory.outside(pfn);
    }
    int account = uncharge(pfn, frameCount);
    boolean freed = false;
    try {
      zone.memory.freeFrames(pfn, frameCount);
      freed = true;
    } finally {
      settle(zone, account, frameCount, freed);
    }
  }

  /// Takes the account out of the word of a block, if a free of this length is right.
  private int uncharge(long pfn, long frameCount) {
    FrameMap map = charges == null ? null : zones.mapOf(pfn);
    return map == null || map.frameCountAt(pfn) != frameCount
        ? AccountTree.NOBODY
        : Charges.clear(infoOf(pfn), pfn);
  }

  private void settle(Zone zone, int account, long frameCount, boolean freed) {
    if (freed) {
      zone.gauge.add(frameCount);
    }
    if (account != AccountTree.NOBODY && charges != null) {
      charges.refund(account, frameCount);
    }
  }

  void freeBulk(long[] pfns, int offset, int count) {
    ArrayEntries.require(pfns.length, offset, count);
    if (onlyUncharged != null) {
      freeAtOnce(onlyUncharged, pfns, offset, count);
      return;
    }
    for (int i = offset; i < offset + count; i++) {
      long result = tryFreeFrames(pfns[i], 1);
      if (result != 0) {
        throw new FrameRequestException(
            FrameError.of(result),
            "entry "
                + i
                + ", frame "
                + AddressRange.hex(pfns[i])
                + ": expected an allocated single frame, found something else");
      }
    }
  }

  private void freeAtOnce(HybridAllocator allocator, long[] pfns, int offset, int count) {
    FreeGauge gauge = zones.zone(0).gauge;
    boolean all = false;
    try {
      allocator.freeBulk(pfns, offset, count);
      gauge.add(count);
      all = true;
    } finally {
      if (!all) {
        long _ = gauge.recount();
      }
    }
  }

  // ---- Ranges ----

  long tryFreeRange(long startPfn, long frameCount) {
    Zone zone = zones.ofFrame(startPfn);
    if (zone == null || frameCount < 1) {
      return zones.zone(0).memory.tryFreeRange(startPfn, frameCount);
    }
    FrameMap map = charges == null ? null : zones.mapOf(startPfn);
    if (map == null) {
      long result = zone.memory.tryFreeRange(startPfn, frameCount);
      zone.gauge.add(result == 0 ? frameCount : 0);
      return result;
    }
    FrameError mistake = mistakeIn(map, startPfn, frameCount);
    if (mistake != null) {
      zone.memory.countRefusedFree();
      return mistake.code();
    }
    // Each block may have been charged to somebody else. All of them have been looked at.
    long end = startPfn + frameCount;
    long result = 0;
    for (long pfn = startPfn; pfn < end && result == 0; ) {
      long block = Charges.blockAt(pfn, end, maxOrder);
      result = tryFreeFrames(pfn, block);
      pfn += block;
    }
    return result;
  }

  /// Notes who was charged for a range, at each of its blocks.
  void writeAll(long startPfn, long frameCount, int account) {
    long end = startPfn + frameCount;
    for (long pfn = startPfn; account != AccountTree.NOBODY && pfn < end; ) {
      Charges.write(infoOf(pfn), pfn, account);
      pfn += Charges.blockAt(pfn, end, maxOrder);
    }
  }

  /// What is wrong with a range that should be allocated as just the blocks it is carved into, by
  /// the first that is not; null if nothing is.
  private @Nullable FrameError mistakeIn(FrameMap map, long startPfn, long frameCount) {
    if (frameCount > map.allocator().endPfn() - startPfn) {
      return FrameError.OUT_OF_RANGE;
    }
    long end = startPfn + frameCount;
    for (long pfn = startPfn; pfn < end; ) {
      long block = Charges.blockAt(pfn, end, maxOrder);
      if (map.frameCountAt(pfn) != block) {
        return isAllThere(map, startPfn, end) ? errorAt(map, pfn) : FrameError.OUT_OF_RANGE;
      }
      pfn += block;
    }
    return null;
  }

  private static boolean isAllThere(FrameMap map, long startPfn, long endPfn) {
    for (long pfn = startPfn; pfn < endPfn; ) {
      long found = map.stretchAt(pfn);
      if (FrameMap.stateOf(found) == FrameMap.ABSENT) {
        return false;
      }
      pfn = FrameMap.endOf(found);
    }
    return true;
  }

  private static FrameError errorAt(FrameMap map, long pfn) {
    int state = map.stateAt(pfn);
    boolean isNobodys = state == FrameMap.FREE || state == FrameMap.CACHED;
    return isNobodys ? FrameError.NOT_ALLOCATED : FrameError.SIZE_MISMATCH;
  }

  // ---- Splitting ----

  void splitFrames(long pfn, long frameCount) {
    Zone zone = zones.ofFrame(pfn);
    if (zone == null) {
      throw ZoneMemory.outside(pfn);
    }
    zone.memory.splitFrames(pfn, frameCount);
    if (charges != null) {
      Charges.spread(infoOf(pfn), pfn, frameCount);
    }
  }
}
