package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.unit.Pages;

/// Requests for less than an area, past what waits in caches: the slot's claim word is filled
/// again, or a run is taken from an area that is claimed for that. Areas of the wanted kind come
/// first, then one borrowed from above, then those of other kinds.
///
/// Any thread; no Java objects.
final class SmallRequests {
  private static final long NONE = -1;

  private final Slots slots;
  private final Areas areas;
  private final FrameRuns runs;
  private final SlotClaims claims;

  SmallRequests(Slots slots, Areas areas, FrameRuns runs, SlotClaims claims) {
    this.slots = slots;
    this.areas = areas;
    this.runs = runs;
    this.claims = claims;
  }

  /// A block or run of less than an area, without calling back.
  ///
  /// @return its first frame counted from the base, or negative
  long take(int slot, long claim, int frameCount) {
    int kind = slots.kindOf(slot);
    long frame = frameCount == 1 ? refill(slot, kind) : NONE;
    return frame < 0 && (frameCount > 1 || frame == SlotClaims.BUSY)
        ? takeFromAreas(claim, kind, frameCount)
        : frame;
  }

  /// Claims free frames for a slot and takes one of them.
  ///
  /// @return the frame counted from the base, or negative
  long refill(int slot, int kind) {
    long frame = claims.refill(slot, kind, false);
    if (frame == NONE) {
      frame = claims.refill(slot, kind, true);
    }
    for (int other = 0; frame == NONE && other < AllocationFlags.KIND_COUNT; other++) {
      frame = other == kind ? NONE : claims.refill(slot, other, false);
    }
    return frame;
  }

  private long takeFromAreas(long claim, int kind, int frameCount) {
    long transit = Slots.transit(claim);
    long frame = takeFromKind(kind, frameCount, transit);
    if (frame < 0) {
      frame = claims.takeFromArea(claim, kind, runs, frameCount);
    }
    if (frame < 0) {
      long area = areas.lend(kind, AreaWord.NO_SLOT, transit);
      if (area >= 0) {
        frame = runs.take(area, frameCount);
        areas.settle(area);
        Transit.end(transit);
      }
    }
    for (int other = 0; frame < 0 && other < AllocationFlags.KIND_COUNT; other++) {
      frame = other == kind ? NONE : takeFromKind(other, frameCount, transit);
    }
    if (frame >= 0) {
      int order = Pages.framesToOrderUp(frameCount);
      HybridCore.count(claim, order);
      Magazines.noteLast(claim, order, frame);
    }
    return frame;
  }

  private long takeFromKind(int kind, int frameCount, long transit) {
    int firstBin = AreaWord.firstBin(Pages.framesToOrderUp(frameCount));
    while (true) {
      long area = areas.claim(kind, firstBin, AreaWord.NO_SLOT, transit);
      if (area < 0) {
        return NONE;
      }
      long frame = runs.take(area, frameCount);
      areas.settle(area);
      Transit.end(transit);
      if (frame >= 0) {
        return frame;
      }
    }
  }
}
