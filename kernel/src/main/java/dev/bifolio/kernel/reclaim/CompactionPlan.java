package dev.bifolio.kernel.reclaim;

import dev.bifolio.kernel.unit.Pages;

/// Which units to empty and which areas to fill, from one count of all of them.
///
/// A *unit* is an aligned range of 2^order frames that shall become free; an *area* is a unit of
/// 512 frames, the smallest. Each falls into one of 513 bins by its live frames for each 512:
///
/// ```
///   bin      0   1 … T-1        T          T+1 … U-1    U … 511       512
///         ┌────┬─────────┬───────────────┬───────────┬─────────────┬──────┐
///         │free│ sources │ some of them  │  left     │ targets     │ full │
///         │    │  (all)  │ (edgeUnits)   │  alone    │ (areas)     │      │
///         └────┴─────────┴───────────────┴───────────┴─────────────┴──────┘
/// ```
///
/// No sorting is needed for the least number of moves: to gain k units, empty the k with the fewest
/// live frames, and a histogram says where they end. Each unit gained uses up as many free frames
/// as it has, so that k can be no more than the free frames in units that are not free, divided by
/// the size of a unit. U is as high as it can be for the frames that are to be moved: the fullest
/// areas are filled.
///
/// Areas in use that cannot be emptied are targets whatever their bin, as long as it is U or more:
/// nothing else will come of them. *Pieces* of areas, at the ends of a bank or beside a hole, are
/// targets always, and sources never.
///
/// One thread. 20 KiB of counters, made by the constructor.
final class CompactionPlan {
  private static final int BINS = (int) Pages.orderToFrames(Pages.HUGE_ORDER) + 1;

  private final long[] sources = new long[BINS];
  private final long[] sourceFrames = new long[BINS];
  private final long[] room = new long[BINS];
  private final long[] stuckRoom = new long[BINS];
  private int unitOrder = Pages.HUGE_ORDER;
  private long freeFrames;
  private long framesInFreeAreas;
  private long framesInFreeUnits;
  private long framesInPieces;
  private int sourceLimit;
  private long edgeUnits;
  private int targetFloor;
  private long chosenUnits;

  /// Forgets everything.
  void begin(int orderOfUnits) {
    unitOrder = orderOfUnits;
    freeFrames = 0;
    framesInFreeAreas = 0;
    framesInFreeUnits = 0;
    framesInPieces = 0;
    for (int bin = 0; bin < BINS; bin++) {
      sources[bin] = 0;
      sourceFrames[bin] = 0;
      room[bin] = 0;
      stuckRoom[bin] = 0;
    }
    sourceLimit = 0;
    edgeUnits = 0;
    targetFloor = BINS;
    chosenUnits = 0;
  }

  /// The bin of a unit with so many live frames.
  int binOf(long live) {
    return (int) ((live + unitAreas() - 1) >>> (unitOrder - Pages.HUGE_ORDER));
  }

  private long unitAreas() {
    return Pages.orderToFrames(unitOrder - Pages.HUGE_ORDER);
  }

  /// Counts an area, whole or not.
  void addArea(UnitLook look) {
    freeFrames += look.free();
    if (!look.isWhole()) {
      framesInPieces += look.free();
    } else if (look.live() == 0) {
      framesInFreeAreas += look.free();
    } else {
      room[(int) look.live()] += look.free();
      if (!look.canBeEmptied()) {
        stuckRoom[(int) look.live()] += look.free();
      }
    }
  }

  /// Counts a unit that is aligned and within one bank.
  void addUnit(UnitLook look) {
    if (look.live() == 0 && look.isWhole()) {
      framesInFreeUnits += look.free();
    } else if (look.canBeEmptied()) {
      int bin = binOf(look.live());
      sources[bin]++;
      sourceFrames[bin] += look.live();
    }
  }

  /// Frames that are free or cached.
  long freeFrames() {
    return freeFrames;
  }

  /// Those of them in areas without a live frame.
  long framesInFreeAreas() {
    return framesInFreeAreas;
  }

  /// Those of them that no free area can hold, since not all frames of their area were handed over.
  long framesInPieces() {
    return framesInPieces;
  }

  /// Chooses sources and targets.
  ///
  /// @param wantedUnits at most so many units shall be gained
  void choose(long wantedUnits) {
    long most = (freeFrames - framesInFreeUnits) >>> unitOrder;
    long left = Math.min(wantedUnits, most);
    long moves = 0;
    sourceLimit = 0;
    edgeUnits = 0;
    chosenUnits = 0;
    for (int bin = 1; bin < BINS - 1 && left > 0; bin++) {
      long units = Math.min(sources[bin], left);
      if (units > 0) {
        moves += sourceFrames[bin] * units / sources[bin];
        sourceLimit = bin;
        edgeUnits = units;
        chosenUnits += units;
        left -= units;
      }
    }
    targetFloor = floorFor(moves);
  }

  /// The highest bin from which on there is room for so many frames.
  private int floorFor(long frames) {
    long found = framesInPieces;
    int bin = BINS - 1;
    while (bin > 1 && found < frames) {
      bin--;
      found += isAreaSource(bin) ? stuckRoom[bin] : room[bin];
    }
    return bin;
  }

  private boolean isAreaSource(int bin) {
    return unitOrder == Pages.HUGE_ORDER && bin < sourceLimit;
  }

  /// Units that are to be gained.
  long chosenUnits() {
    return chosenUnits;
  }

  /// Whether a unit that was looked at just now is to be emptied.
  boolean isSource(UnitLook look) {
    if (!look.canBeEmptied() || look.live() == 0) {
      return false;
    }
    int bin = binOf(look.live());
    return bin < sourceLimit || (bin == sourceLimit && edgeUnits > 0);
  }

  /// A unit was emptied that had so many live frames when it was begun.
  void emptied(long live) {
    if (binOf(live) == sourceLimit) {
      edgeUnits--;
    }
  }

  /// Every unit that can be emptied is a source from now on: those that were chosen were blocked.
  void widen() {
    sourceLimit = BINS - 2;
    edgeUnits = Long.MAX_VALUE;
  }

  /// Whether an area that was looked at just now is to be filled.
  boolean isTarget(UnitLook look) {
    if (!look.isWhole()) {
      return look.free() > 0;
    }
    int bin = (int) look.live();
    boolean source = isAreaSource(bin) && look.canBeEmptied();
    return bin >= targetFloor && look.free() > 0 && !source;
  }

  /// Lets emptier areas be targets too, down to the sources; then, for units above an area, free
  /// ones.
  ///
  /// @return false if there is nothing more to allow
  boolean lowerFloor() {
    int lowest = unitOrder == Pages.HUGE_ORDER ? 1 : 0;
    if (targetFloor <= lowest) {
      return false;
    }
    targetFloor = targetFloor > 1 ? 1 : lowest;
    return true;
  }
}
