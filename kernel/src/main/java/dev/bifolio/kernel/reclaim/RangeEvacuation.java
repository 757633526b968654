package dev.bifolio.kernel.reclaim;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameMap;
import dev.bifolio.kernel.platform.Cpu;
import dev.bifolio.kernel.unit.Pages;

/// Empties one range of frames, step by step: captures what is free in it, moves what is movable
/// out of it, and holds all of it in the end.
///
/// ```
///  look and capture   │ m │ . . │ m m │ .  .  . │      m movable, . free, # captured, X somebody's
///                     │ m │ # # │ m m │ #  #  # │      nobody can allocate here any more
///  move               │ # │ # # │ # # │ #  #  # │      EMPTIED
///                     │ # │ # # │ X m │ #  #  # │      BLOCKED: release; places changed, no more
/// ```
///
/// What is captured is allocated, and says so in its FrameInfo word: the evacuation needs no list.
/// A frame that is found free again, cached, or on its way is left for the next round; there are
/// [#MOST_ROUNDS], with the caches called back between them.
///
/// One thread at a time; other threads may allocate, free, pin and adopt meanwhile. No Java
/// objects. Cost: two looks at each block of the range, one free or one move for each.
final class RangeEvacuation {
  /// How often the range is gone through.
  static final int MOST_ROUNDS = 6;

  /// How many targets within the range are put aside before there seem to be no others.
  private static final int MOST_TARGETS = 64;

  /// How long a block that is held is waited for: spins, and a few turns that give way.
  private static final int MOST_TURNS = 80;

  private static final long NONE = -1;

  private final MovableFrames movable;
  private final Migration migration;
  private FrameMap map;
  private long startPfn;
  private long endPfn;
  private long cursor;
  private int round;
  private boolean leftover;
  private long spent;
  private long requests;
  private long blockedPfn = NONE;

  /// An evacuation of nothing, which has any bank's map until [#begin].
  RangeEvacuation(Migration migration, FrameMap anyMap) {
    this.migration = migration;
    movable = migration.movable();
    map = anyMap;
  }

  /// Chooses a range. Nothing changes yet.
  void begin(FrameMap mapOfBank, long start, long end) {
    map = mapOfBank;
    startPfn = start;
    endPfn = end;
    cursor = start;
    round = 0;
    leftover = false;
    blockedPfn = NONE;
  }

  /// Whether a range was begun and is neither released nor handed over.
  boolean isOpen() {
    return startPfn < endPfn;
  }

  /// The frame that was in the way, or -1.
  long blockedPfn() {
    return blockedPfn;
  }

  /// How much of the budget the last [#advance] used, at least.
  long spent() {
    return spent;
  }

  /// Blocks that were allocated since the last call, captured ones and targets.
  long takeRequests() {
    long taken = requests;
    requests = 0;
    return taken;
  }

  /// Goes on until it is done or the budget is used up, but not before something has moved.
  ///
  /// @param budget in frames moved; a stretch that is looked at after the capture costs a sixteenth
  EvacuationOutcome advance(TargetFrames targets, long budget) {
    spent = 0;
    long looks = 0;
    while (spent == 0 || spent + (looks >>> 4) < budget) {
      if (cursor >= endPfn) {
        if (round > 0 && !leftover) {
          return EvacuationOutcome.EMPTIED;
        }
        if (round == MOST_ROUNDS) {
          return EvacuationOutcome.RACED;
        }
        nextRound();
      }
      looks += round > 0 ? 1 : 0;
      EvacuationOutcome outcome = visit(targets);
      if (outcome != EvacuationOutcome.UNDER_WAY) {
        return outcome;
      }
    }
    return EvacuationOutcome.UNDER_WAY;
  }

  /// The first round only captures, and looks whether anything is in the way.
  private void nextRound() {
    if (leftover) {
      map.allocator().drainCaches();
    }
    round++;
    leftover = false;
    cursor = startPfn;
  }

  private EvacuationOutcome visit(TargetFrames targets) {
    long pfn = cursor;
    long found = map.stretchAt(pfn);
    long end = FrameMap.endOf(found);
    int state = FrameMap.stateOf(found);
    cursor = Math.min(end, endPfn);
    if (state == FrameMap.HEAD) {
      return end > endPfn ? blockedBy(pfn) : visitBlock(targets, pfn, end);
    }
    if (state == FrameMap.FREE) {
      capture(pfn, cursor);
    } else if (state == FrameMap.TAIL && pfn == startPfn && round == 0) {
      return blockedBy(pfn);
    } else {
      leftover = true;
    }
    return EvacuationOutcome.UNDER_WAY;
  }

  private EvacuationOutcome blockedBy(long pfn) {
    blockedPfn = pfn;
    return EvacuationOutcome.BLOCKED;
  }

  private void capture(long pfn, long end) {
    if (!map.takeNow(pfn, end - pfn, AllocationFlags.MOVABLE)) {
      leftover = true;
      return;
    }
    int maxOrder = map.allocator().maxOrder();
    for (long head = pfn; head < end; ) {
      movable.capture(head);
      requests++;
      head += Pages.orderToFrames(Pages.largestOrderAt(head, end, maxOrder));
    }
  }

  private EvacuationOutcome visitBlock(TargetFrames targets, long pfn, long end) {
    if (movable.isCaptured(pfn)) {
      return EvacuationOutcome.UNDER_WAY;
    }
    if (!comesLoose(pfn)) {
      return refusedOrRaced(pfn, end);
    }
    if (round == 0) {
      return EvacuationOutcome.UNDER_WAY;
    }
    if (!movable.begin(pfn)) {
      leftover = true;
      return EvacuationOutcome.UNDER_WAY;
    }
    return moveOut(targets, pfn);
  }

  /// Whether a block may be moved: it can be pinned for the moment of an access, or be on its way
  /// between its allocation and its adoption, which is worth a short wait.
  private boolean comesLoose(long pfn) {
    for (int turn = 0; turn < MOST_TURNS; turn++) {
      long word = movable.wordOf(pfn);
      if (MovableFrames.isMovable(word) && MovableFrames.pinsOf(word) == 0) {
        return true;
      }
      Cpu.relax(turn);
    }
    return false;
  }

  /// A block that is not movable is in the way, unless it was freed since it was looked at: the
  /// word is older than the block, or the other way round.
  private EvacuationOutcome refusedOrRaced(long pfn, long end) {
    long now = map.stretchAt(pfn);
    if (FrameMap.stateOf(now) == FrameMap.HEAD && FrameMap.endOf(now) == end) {
      return blockedBy(pfn);
    }
    leftover = true;
    return EvacuationOutcome.UNDER_WAY;
  }

  /// The block is MOVING: its length is certain now.
  private EvacuationOutcome moveOut(TargetFrames targets, long pfn) {
    long frameCount = map.frameCountAt(pfn);
    if (frameCount == 0 || frameCount > endPfn - pfn) {
      movable.abort(pfn, NONE);
      return blockedBy(pfn);
    }
    cursor = pfn + frameCount;
    long target = NONE;
    try {
      target = takeTarget(targets, frameCount);
    } finally {
      if (target < 0) {
        movable.abort(pfn, NONE); // even if a foreign source threw
      }
    }
    if (target < 0) {
      return EvacuationOutcome.NO_TARGET;
    }
    if (migration.moveBegun(pfn, target, frameCount) != MigrationOutcome.MOVED) {
      movable.forget(target);
      targets.giveBack(target, frameCount);
      return blockedBy(pfn);
    }
    spent += frameCount;
    return EvacuationOutcome.UNDER_WAY;
  }

  /// A target within the range itself was freed by somebody after the capture. It goes back to
  /// where it came from, which may count it, and is captured like everything else here.
  private long takeTarget(TargetFrames targets, long frameCount) {
    for (int turn = 0; turn < MOST_TARGETS; turn++) {
      long target = targets.take(frameCount);
      requests += target < 0 ? 0 : 1;
      if (target < startPfn || target >= endPfn) {
        return target;
      }
      targets.giveBack(target, frameCount);
      map.allocator().drainCaches();
      capture(target, target + frameCount);
    }
    return NONE;
  }

  /// Frees all that is captured in the range. Nothing is open afterwards.
  void release() {
    for (long pfn = startPfn; pfn < endPfn; ) {
      long found = map.stretchAt(pfn);
      long end = FrameMap.endOf(found);
      if (FrameMap.stateOf(found) == FrameMap.HEAD && movable.isCaptured(pfn)) {
        movable.forget(pfn);
        map.freeNow(pfn, end - pfn);
      }
      pfn = end;
    }
    startPfn = endPfn;
  }
}
