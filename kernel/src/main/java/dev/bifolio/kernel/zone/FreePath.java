package dev.bifolio.kernel.zone;

import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.frame.FrameMap;
import dev.bifolio.kernel.unit.AddressRange;
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
  private final int maxOrder;

  FreePath(ZoneSet zones, @Nullable Charges charges, int maxOrder) {
    this.zones = zones;
    this.charges = charges;
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
    FrameInfo info = charges == null ? null : infoOf(pfn);
    int account = info == null ? AccountTree.NOBODY : Charges.clear(info, pfn);
    long result = zone.memory.tryFreeFrames(pfn, frameCount);
    settle(zone, info, pfn, account, result == 0 ? frameCount : 0);
    return result;
  }

  void freeFrames(long pfn, long frameCount) {
    Zone zone = zones.ofFrame(pfn);
    if (zone == null) {
      zones.zone(0).memory.countRefusedFree();
      throw ZoneMemory.outside(pfn);
    }
    FrameInfo info = charges == null ? null : infoOf(pfn);
    int account = info == null ? AccountTree.NOBODY : Charges.clear(info, pfn);
    long freed = 0;
    try {
      zone.memory.freeFrames(pfn, frameCount);
      freed = frameCount;
    } finally {
      settle(zone, info, pfn, account, freed);
    }
  }

  /// After a free: refunds, or puts the account back if nothing was freed.
  private void settle(Zone zone, @Nullable FrameInfo info, long pfn, int account, long freed) {
    zone.gauge.add(freed);
    if (info != null && charges != null && account != AccountTree.NOBODY) {
      if (freed != 0) {
        charges.refund(account, freed);
      } else {
        Charges.write(info, pfn, account);
      }
    }
  }

  void freeBulk(long[] pfns, int offset, int count) {
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

  // ---- Ranges ----

  long tryFreeRange(long startPfn, long frameCount) {
    Zone zone = zones.ofFrame(startPfn);
    if (zone == null || frameCount < 1) {
      return zones.zone(0).memory.tryFreeRange(startPfn, frameCount);
    }
    if (charges == null || !isAllocated(startPfn, frameCount)) {
      long result = zone.memory.tryFreeRange(startPfn, frameCount); // or says what is wrong
      zone.gauge.add(result == 0 ? frameCount : 0);
      return result;
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

  /// Whether a range is allocated as just the blocks that a range is carved into.
  private boolean isAllocated(long startPfn, long frameCount) {
    FrameMap map = zones.mapOf(startPfn);
    if (map == null || frameCount > map.allocator().endPfn() - startPfn) {
      return false;
    }
    long end = startPfn + frameCount;
    for (long pfn = startPfn; pfn < end; ) {
      long next = pfn + Charges.blockAt(pfn, end, maxOrder);
      long found = map.stretchAt(pfn);
      if (FrameMap.stateOf(found) != FrameMap.HEAD || FrameMap.endOf(found) != next) {
        return false;
      }
      pfn = next;
    }
    return true;
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
