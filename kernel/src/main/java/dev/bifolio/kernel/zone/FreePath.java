package dev.bifolio.kernel.zone;

import dev.bifolio.kernel.frame.FrameInfo;
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

  /// A block of a legal order.
  void free(long pfn, int order) {
    Zone zone = charges == null ? zones.ofFrame(pfn) : null;
    if (zone == null) {
      freeFrames(pfn, Pages.orderToFrames(order));
    } else {
      zone.free(pfn, order);
    }
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
    long end = Math.min(startPfn + frameCount, zone.endPfn());
    FrameInfo info = infoOf(startPfn);
    int account = FrameInfo.accountOf(info.get(startPfn));
    if (charges == null || account == AccountTree.NOBODY) {
      long result = zone.memory.tryFreeRange(startPfn, frameCount);
      zone.gauge.add(result == 0 ? frameCount : 0);
      return result;
    }
    clearAll(info, startPfn, Math.min(end, info.endPfn()));
    long result = zone.memory.tryFreeRange(startPfn, frameCount);
    if (result == 0) {
      zone.gauge.add(frameCount);
      charges.refund(account, frameCount);
    } else {
      writeAll(info, startPfn, Math.min(end, info.endPfn()), account);
    }
    return result;
  }

  private void clearAll(FrameInfo info, long startPfn, long endPfn) {
    for (long pfn = startPfn; pfn < endPfn; pfn += Charges.blockAt(pfn, endPfn, maxOrder)) {
      Charges.clear(info, pfn);
    }
  }

  private void writeAll(FrameInfo info, long startPfn, long endPfn, int account) {
    for (long pfn = startPfn; pfn < endPfn; pfn += Charges.blockAt(pfn, endPfn, maxOrder)) {
      Charges.write(info, pfn, account);
    }
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
