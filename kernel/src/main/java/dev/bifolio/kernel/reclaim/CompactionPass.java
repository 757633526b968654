package dev.bifolio.kernel.reclaim;

import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.frame.FrameMap;
import dev.bifolio.kernel.unit.Pages;

/// One way through a zone: first the count, then the migrate scanner, which goes up through memory
/// and empties the units that the plan chose.
///
/// ```
///   begin ─► COUNTING ─► choose ─► EMPTYING ──► DONE
///               │  a block is there   │    ▲ │ wished-for units gained, or no targets left
///               └──────────► DONE     └────┘ next unit; at the end once more, wider, if blocked
/// ```
///
/// Between two calls nothing is captured: a unit that is half done is let go, and begun anew by the
/// next call, if fewer live frames are in it than when it was begun last. So the pass ends,
/// whatever others allocate there meanwhile.
///
/// One thread; no Java objects after the constructor.
final class CompactionPass {
  private static final int DONE = 0;
  private static final int COUNTING = 1;
  private static final int EMPTYING = 2;

  /// What a look at an area costs of a budget that is counted in frames moved.
  private static final long LOOK_COST = 4;

  private static final long AREA = Pages.orderToFrames(Pages.HUGE_ORDER);

  private final MovableBanks banks;
  private final CompactionCounters counters;
  private final CompactionPlan plan = new CompactionPlan();
  private final TargetScanner targets;
  private final RangeEvacuation evacuation;
  private final UnitLook unitLook;
  private final UnitLook areaLook;
  private int state = DONE;
  private int order;
  private int unitOrder = Pages.HUGE_ORDER;
  private int lowScore;
  private int highScore;
  private long wishedUnits;
  private long gainedUnits;
  private boolean failures;
  private boolean widened;
  private boolean found;
  private boolean attempted;
  private int bank;
  private long cursor;

  /// What was live in the present unit when the plan was asked.
  private long unitLive;

  /// What is live in it at most if it is worth going on.
  private long mostLive;

  /// Whether the unit before the cursor was let go half done.
  private boolean halfDone;

  CompactionPass(MovableBanks banks, Migration migration, CompactionCounters counters) {
    this.banks = banks;
    this.counters = counters;
    MovableFrames movable = migration.movable();
    targets = new TargetScanner(banks, plan, movable);
    evacuation = new RangeEvacuation(migration, banks.map(0));
    unitLook = new UnitLook(movable);
    areaLook = new UnitLook(movable);
  }

  /// A pass that ends when a block of this order is free.
  void beginFor(int wantedOrder) {
    begin(wantedOrder, 1);
  }

  /// A pass for whole areas, if the score is above one mark, until it is at the other or below.
  void beginProactive(int low, int high) {
    begin(Pages.NO_ORDER, Long.MAX_VALUE);
    lowScore = low;
    highScore = high;
  }

  private void begin(int wantedOrder, long units) {
    order = wantedOrder;
    unitOrder = Math.max(Pages.HUGE_ORDER, wantedOrder);
    wishedUnits = units;
    gainedUnits = 0;
    failures = false;
    widened = false;
    found = false;
    attempted = false;
    halfDone = false;
    plan.begin(unitOrder);
    restart();
    state = COUNTING;
  }

  private void restart() {
    bank = 0;
    cursor = firstUnit();
  }

  private long firstUnit() {
    return Pages.alignDown(banks.map(bank).allocator().startPfn(), unitFrames());
  }

  private long unitFrames() {
    return Pages.orderToFrames(unitOrder);
  }

  boolean isOpen() {
    return state != DONE;
  }

  /// The order that the pass is for, -1 for a proactive one.
  int order() {
    return order;
  }

  /// Whether a block of the order was free, or became so; of a proactive pass, whether any unit
  /// did, or none had to.
  boolean isSuccess() {
    return found || gainedUnits > 0 || !attempted;
  }

  /// Gives up what is captured. The pass is over.
  void abandon() {
    if (evacuation.isOpen()) {
      evacuation.release();
    }
    state = DONE;
  }

  /// Goes on until it is done or the budget is used up. Nothing is captured afterwards.
  ///
  /// @param budget in frames moved; to begin a unit anew costs nothing of it, so that something
  ///   moves in each call
  void advance(long budget) {
    if (halfDone) {
      halfDone = false;
      reopen();
    }
    long left = budget;
    while (left > 0 && state != DONE) {
      left -= state == COUNTING ? countUnit() : emptyOn(left);
    }
    if (evacuation.isOpen()) {
      evacuation.release();
      halfDone = true;
    }
  }

  // ---- Counting ----

  /// Counts the next unit, and its areas.
  ///
  /// @return what it cost
  private long countUnit() {
    if (!findUnit()) {
      endCounting();
      return 1;
    }
    FrameMap map = banks.map(bank);
    FrameAllocator allocator = map.allocator();
    long end = cursor + unitFrames();
    long areas = countAreas(map, cursor, end);
    if (cursor >= allocator.startPfn() && end <= allocator.endPfn()) {
      unitLook.look(map, cursor, end);
      plan.addUnit(unitLook);
      found |= order >= 0 && unitLook.freeOrder() >= order;
    }
    cursor = end;
    counters.scanned(areas);
    if (found) {
      finish();
    }
    return areas * LOOK_COST;
  }

  /// Counts the areas of a unit that the bank has frames of.
  ///
  /// @return how many
  private long countAreas(FrameMap map, long start, long end) {
    long areas = 0;
    for (long area = start; area < end; area += AREA) {
      if (area + AREA > map.allocator().startPfn() && area < map.allocator().endPfn()) {
        areaLook.look(map, area, area + AREA);
        plan.addArea(areaLook);
        found |= order >= 0 && areaLook.freeOrder() >= order;
        areas++;
      }
    }
    return areas;
  }

  /// Goes to the next bank if this one is through.
  ///
  /// @return false at the end of memory
  private boolean findUnit() {
    while (cursor >= banks.map(bank).allocator().endPfn()) {
      if (bank + 1 == banks.count()) {
        return false;
      }
      bank++;
      cursor = firstUnit();
    }
    return true;
  }

  private void endCounting() {
    int score = scoreOf(framesForAreas(), plan.framesInFreeAreas());
    counters.scored(score);
    if (order < 0) {
      wishedUnits = score > highScore ? unitsTo(lowScore) : 0;
    }
    if (wishedUnits == 0) {
      finish();
      return;
    }
    attempted = true;
    plan.choose(wishedUnits);
    for (int i = 0; i < banks.count(); i++) {
      banks.map(i).allocator().drainCaches();
    }
    targets.begin();
    restart();
    state = EMPTYING;
    if (plan.chosenUnits() == 0) {
      finish();
    }
  }

  private long framesForAreas() {
    return plan.freeFrames() - plan.framesInPieces();
  }

  /// How much of the free memory is not in whole areas, in per cent.
  static int scoreOf(long freeFrames, long framesInFreeAreas) {
    return freeFrames == 0 ? 0 : (int) (100 * (freeFrames - framesInFreeAreas) / freeFrames);
  }

  private long unitsTo(int score) {
    long wanted = (framesForAreas() * (100 - score) + 99) / 100 - plan.framesInFreeAreas();
    return Math.max(0, (wanted + AREA - 1) / AREA);
  }

  // ---- Emptying ----

  private long emptyOn(long budget) {
    if (!evacuation.isOpen()) {
      return openNext();
    }
    EvacuationOutcome outcome = evacuation.advance(targets, budget);
    counters.moved(evacuation.spent());
    counters.requested(evacuation.takeRequests());
    long areas = targets.takeLooks();
    counters.scanned(areas);
    if (outcome != EvacuationOutcome.UNDER_WAY) {
      evacuation.release();
      ended(outcome);
    }
    return Math.max(1, evacuation.spent()) + areas * LOOK_COST;
  }

  private void ended(EvacuationOutcome outcome) {
    if (outcome == EvacuationOutcome.EMPTIED) {
      gainedUnits++;
      plan.emptied(unitLive);
      counters.gained(unitFrames() / AREA);
    } else {
      failures = true;
      counters.failed();
    }
    boolean enough = gainedUnits == Math.min(wishedUnits, plan.chosenUnits());
    if (enough || targets.isExhausted()) {
      finish();
    }
  }

  /// Looks for the next unit that is to be emptied.
  ///
  /// @return what it cost
  private long openNext() {
    if (!findUnit()) {
      if (failures && !widened) {
        widened = true;
        plan.widen();
        restart();
      } else {
        finish();
      }
      return 1;
    }
    FrameMap map = banks.map(bank);
    long end = cursor + unitFrames();
    if (cursor >= map.allocator().startPfn() && end <= map.allocator().endPfn()) {
      unitLook.look(map, cursor, end);
      if (plan.isSource(unitLook)) {
        unitLive = unitLook.live();
        mostLive = unitLive;
        open(map, cursor, end);
      }
    }
    cursor = end;
    counters.scanned(unitFrames() / AREA);
    return unitFrames() / AREA * LOOK_COST;
  }

  private void open(FrameMap map, long start, long end) {
    evacuation.begin(map, start, end);
    targets.avoid(start, end);
  }

  /// Begins the unit before the cursor anew, if that leads on.
  private void reopen() {
    FrameMap map = banks.map(bank);
    long start = cursor - unitFrames();
    unitLook.look(map, start, cursor);
    counters.scanned(unitFrames() / AREA);
    if (unitLook.live() <= mostLive) {
      mostLive = unitLook.live() - 1;
      open(map, start, cursor);
    } else {
      ended(EvacuationOutcome.RACED);
    }
  }

  private void finish() {
    state = DONE;
    counters.passed(attempted && !isSuccess());
  }
}
