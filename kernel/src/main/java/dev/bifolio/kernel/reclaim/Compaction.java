package dev.bifolio.kernel.reclaim;

import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.frame.FrameMap;
import dev.bifolio.kernel.platform.Cpu;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.FrameSource;
import dev.bifolio.kernel.unit.Pages;

/// Puts the movable frames of one zone together, so that large blocks become free: on demand for an
/// order, in the background by steps, or for a certain range.
///
/// ```
/// compaction.wake(9);                                  // any thread: large blocks are wanted
/// while (compaction.step(1000)) { … }                  // background: up to 1000 moves a step
/// if (compaction.compact(9, 5000) == SUCCESS) { … }    // on demand
/// if (compaction.emptyRange(pfn, n, source, flags) == EMPTIED) { … frames.freeRange(pfn, n); }
/// ```
public final class Compaction {
  /*
   * Overview
   *
   * Problem. Frames that live long lie among those that were freed: after a while a quarter of the
   * memory in use keeps most areas of 2 MiB from being free. Frames whose owner can be told of another
   * place (MovableFrames) can be put together; the fewest moves, and no stop of anybody, are wanted.
   *
   *   before   │m . . . m . │. . . . m . │m m . m m m │p m m . m m │     . free  m movable  p pinned
   *              migrate scanner ─►                     ◄─ free scanner
   *   after    │. . . . . . │. . . . . . │m m m m m m │p m m m m m │
   *              sources: fewest live frames            targets: fullest areas
   *
   * A pass (CompactionPass) counts first, and plans by a histogram which units to empty and which areas
   * to fill (CompactionPlan); the migrate scanner goes up through the sources (RangeEvacuation), the free
   * scanner down through the targets (TargetScanner). Migration moves a block. A unit that is being
   * emptied is captured first, so that nobody allocates in it; when it is empty, or cannot be emptied,
   * or the call ends, all that is captured goes back.
   *
   * States: IDLE ─ wake, compact, p > 0 ─► COUNTING ─ no such block, a bad score ─► EMPTYING ─► IDLE, or
   * from COUNTING back to IDLE: what is wanted is there already. A pass may be left and taken up at any
   * block: its position is in the CompactionPass, and a unit that is half done is captured anew, as long
   * as it becomes emptier.
   *
   * Score. The part of the free memory, in per cent, that is not in free areas of 2 MiB: 0 is perfect,
   * 100 means that not one is left. Pieces of areas, at the ends of a bank, are left out. With
   * proactiveness p, a background pass that counted empties units when the score is above high =
   * min(low + 10, 100), until it is at low = max(100 - p, 5); between the two nothing happens, so that
   * it does not begin again for each area that is taken. p = 0: never.
   *
   * Deferral. A pass that gains nothing makes the next 1, 3, 7 … 63 attempts be left out (as long as the
   * order is not a smaller one); one that gains something, or had nothing to gain, clears that. What is
   * wanted and what is done before anybody asks are deferred apart.
   *
   * Invariants
   *   I1  Whatever happens, each item is in exactly one block, and the frames in use are as many as
   *       before: a move allocates one block and frees one of the same length.
   *   I2  Outside of a unit that is being emptied nothing is captured; outside of a call, nothing.
   *   I3  No target lies in the unit that is being emptied.
   *   I4  A pinned or unmovable block is never touched.
   *
   * Threads. Owners, allocations and frees of other threads go on. Of those who compact, one at a time:
   * a lock in a memory word; step and compact leave if it is taken or somebody waits for it, emptyRange
   * waits, but for one that an owner calls while he is asked to relocate: it is refused. With a BuddyAllocator below, only the thread that may use that allocator.
   *
   * Counts. What is captured or taken as a target is allocated and freed as by anybody else, and in the
   * statistics of the allocator: not to count it there would have its frees come before their
   * allocations. CompactionCounters.ownRequests says how much of them that is.
   *
   * Cost. Each unit gained costs its live frames in copies, the least there is for that gain; the count
   * some 5 µs an area. No Java objects after the constructor. The caller's budget bounds a step: a frame
   * moved is 1, an area looked at 4. Besides, a step that goes on with a unit looks at it and captures
   * it anew.
   *
   * Rejected: two fingers that meet (moves frames out of areas that are half full, and into areas that
   * are emptied next); targets from the allocator's own choice (the classic one has no areas; best fit
   * fills units that shall be emptied); to keep a unit captured between two steps (for others it is in
   * use for as long as nobody calls, and it can be 4 GiB); a list of candidates by live frames (memory,
   * and the histogram gives the same set); a score by counting free lists (the caches and the hybrid
   * allocator have none).
   *
   * Sources: Linux mm/compaction.c (scanners, defer_compaction, fragmentation_score_zone) and
   * Documentation/admin-guide/sysctl/vm.rst (compaction_proactiveness); Gorman and Whitcroft, The What,
   * The Why and the Where To of Anti-Fragmentation, OLS 2006.
   */

  /// What Linux begins with.
  public static final int DEFAULT_PROACTIVENESS = 20;

  private static final int MOST_ATTEMPTS = 4;
  private static final int LEAST_LOW_SCORE = 5;
  private static final int HYSTERESIS = 10;

  private final MovableBanks banks;
  private final CompactionCounters counters;
  private final CompactionPass pass;
  private final RangeEvacuation evacuation;
  private final SourceTargets sourceTargets = new SourceTargets();
  private final CompactionDeferral demand = new CompactionDeferral();
  private final CompactionDeferral background = new CompactionDeferral();

  /// A compaction of a zone, with proactiveness 0.
  ///
  /// @param banks the memory of the zone, one bank or more
  /// @param migration who moves blocks, of planes that cover the banks
  /// @param address of [#byteSize()] zero bytes, a multiple of 8
  /// @throws IllegalArgumentException if there is no bank
  public Compaction(MovableBanks banks, Migration migration, long address) {
    if (banks.count() == 0) {
      throw new IllegalArgumentException("a zone without banks has nothing to compact");
    }
    this.banks = banks;
    counters = new CompactionCounters(address);
    pass = new CompactionPass(banks, migration, counters);
    evacuation = new RangeEvacuation(migration, banks.map(0));
  }

  /// Bytes for the lock, the setting and the counters.
  ///
  /// @return a multiple of 8
  public static long byteSize() {
    return CompactionCounters.byteSize();
  }

  /// What it did.
  ///
  /// @return live counters
  public CompactionCounters counters() {
    return counters;
  }

  // ---- Background ----

  /// Says how eagerly [#step(long)] keeps areas free before anybody asks. Any thread.
  ///
  /// @param percent 0 never … 100 always
  /// @throws IllegalArgumentException if it is not 0 … 100
  public void setProactiveness(int percent) {
    if (percent < 0 || percent > 100) {
      throw new IllegalArgumentException("proactiveness " + percent + " is not 0 … 100");
    }
    counters.store(CompactionCounters.PROACTIVENESS, percent);
  }

  /// The present setting.
  ///
  /// @return 0 … 100
  public int proactiveness() {
    return (int) counters.read(CompactionCounters.PROACTIVENESS);
  }

  /// A block of this order was wanted and not found: the next steps see to it. Cheap; any thread.
  ///
  /// @param order 0 … 20; of several, the largest counts
  /// @throws IllegalArgumentException if there is no such order
  public void wake(int order) {
    requireOrder(order);
    long address = counters.at(CompactionCounters.WANTED);
    long wanted = Memory.getLongVolatile(address);
    while (wanted < order + 1L && !Memory.compareAndSetLong(address, wanted, order + 1L)) {
      wanted = Memory.getLongVolatile(address);
    }
  }

  /// Does a bounded part of the background's work.
  ///
  /// @param budget in frames moved, 1 or more; the last unit of work may go beyond it a little
  /// @return whether there is more to do at once; false too while another thread compacts
  public boolean step(long budget) {
    if (!tryLock()) {
      return false;
    }
    try {
      if (!pass.isOpen() && !beginBackground()) {
        return false;
      }
      return advance(budget);
    } finally {
      unlock();
    }
  }

  private boolean beginBackground() {
    long address = counters.at(CompactionCounters.WANTED);
    long wanted = Memory.getLongVolatile(address);
    if (wanted > 0 && Memory.compareAndSetLong(address, wanted, 0)) {
      int order = (int) wanted - 1;
      if (mayTry(demand, order)) {
        pass.beginFor(order);
        return true;
      }
    }
    int percent = proactiveness();
    if (percent == 0 || !mayTry(background, Pages.HUGE_ORDER)) {
      return false;
    }
    int low = Math.max(100 - percent, LEAST_LOW_SCORE);
    pass.beginProactive(low, Math.min(low + HYSTERESIS, 100));
    return true;
  }

  private boolean mayTry(CompactionDeferral deferral, int order) {
    boolean deferred = deferral.isDeferred(order);
    if (deferred) {
      counters.deferred();
    }
    return !deferred;
  }

  /// Goes on with the open pass.
  ///
  /// @return whether it is still open
  private boolean advance(long budget) {
    boolean ended = false;
    try {
      pass.advance(budget);
      ended = true;
    } finally {
      if (!ended) {
        pass.abandon(); // something foreign threw: nothing stays captured
      }
    }
    if (pass.isOpen()) {
      return true;
    }
    boolean proactive = pass.order() < 0;
    CompactionDeferral deferral = proactive ? background : demand;
    int order = proactive ? Pages.HUGE_ORDER : pass.order();
    if (pass.isSuccess()) {
      deferral.succeeded(order);
    } else {
      deferral.failed(order);
    }
    return false;
  }

  private static void requireOrder(int order) {
    if (order < 0 || order > Pages.MAX_ORDER) {
      throw new IllegalArgumentException("order " + order + ", expected 0 … " + Pages.MAX_ORDER);
    }
  }

  // ---- On demand ----

  /// Tries to make a block of an order free. A pass for something else that is under way is given
  /// up; one for the same order is taken up.
  ///
  /// @param order 0 … 20
  /// @param budget in frames moved, 1 or more; the last unit of work may go beyond it a little
  /// @return what came of it; after [CompactionOutcome#UNDER_WAY] the same call goes on
  /// @throws IllegalArgumentException if there is no such order
  public CompactionOutcome compact(int order, long budget) {
    requireOrder(order);
    if (!tryLock()) {
      return CompactionOutcome.BUSY;
    }
    try {
      if (!pass.isOpen() || pass.order() != order) {
        pass.abandon();
        if (!mayTry(demand, order)) {
          return CompactionOutcome.DEFERRED;
        }
        pass.beginFor(order);
      }
      if (advance(budget)) {
        return CompactionOutcome.UNDER_WAY;
      }
      return pass.isSuccess() ? CompactionOutcome.SUCCESS : CompactionOutcome.NO_GAIN;
    } finally {
      unlock();
    }
  }

  // ---- A certain range ----

  /// Moves everything out of a range and allocates it, as [FrameAllocator#allocateRange] does, to
  /// be given back with [FrameAllocator#freeRange]. If that cannot be, nothing has changed but the
  /// places of movable frames. Not bounded by a budget: every live frame of the range is moved.
  ///
  /// @param startPfn first frame
  /// @param frameCount 1 or more
  /// @param targets where the blocks are moved to; its planes must be those of the migration
  /// @param flags [dev.bifolio.kernel.frame.AllocationFlags] for targets and range
  /// @return what came of it; see [#blockedPfn()]
  public EvacuationOutcome emptyRange(
      long startPfn, long frameCount, FrameSource targets, int flags) {
    int bank = banks.bankOf(startPfn);
    if (bank < 0 || frameCount < 1 || !isManaged(banks.map(bank), startPfn, frameCount)) {
      return EvacuationOutcome.OUT_OF_RANGE;
    }
    if (counters.read(CompactionCounters.LOCK) == Cpu.threadId()) {
      return EvacuationOutcome.RACED; // out of an owner who is asked to relocate
    }
    lock();
    try {
      sourceTargets.use(targets, flags);
      return emptyLocked(banks.map(bank), startPfn, frameCount, flags);
    } finally {
      if (evacuation.isOpen()) {
        evacuation.release(); // something foreign threw: nothing stays captured
      }
      unlock();
    }
  }

  private EvacuationOutcome emptyLocked(FrameMap map, long startPfn, long frameCount, int flags) {
    for (int attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      map.allocator().drainCaches(); // else what a CPU keeps of the range is its first target
      evacuation.begin(map, startPfn, startPfn + frameCount);
      EvacuationOutcome outcome = EvacuationOutcome.UNDER_WAY;
      while (outcome == EvacuationOutcome.UNDER_WAY) {
        outcome = evacuation.advance(sourceTargets, Long.MAX_VALUE);
        counters.moved(evacuation.spent());
        counters.requested(evacuation.takeRequests());
      }
      evacuation.release();
      if (outcome != EvacuationOutcome.EMPTIED) {
        counters.store(CompactionCounters.BLOCKED_PFN, evacuation.blockedPfn());
        return outcome;
      }
      // Captured were pieces; the caller gets the blocks that a range is carved into.
      if (takeWhole(map, startPfn, frameCount, flags)) {
        return EvacuationOutcome.EMPTIED;
      }
    }
    return EvacuationOutcome.RACED;
  }

  /// Not by the allocator's own request, which waits for others as long as they are at work.
  private static boolean takeWhole(FrameMap map, long startPfn, long frameCount, int flags) {
    if (map.takeNow(startPfn, frameCount, flags)) {
      return true;
    }
    map.allocator().drainCaches();
    return map.takeNow(startPfn, frameCount, flags);
  }

  private static boolean isManaged(FrameMap map, long startPfn, long frameCount) {
    FrameAllocator allocator = map.allocator();
    if (frameCount > allocator.endPfn() - startPfn) {
      return false;
    }
    for (long pfn = startPfn; pfn < startPfn + frameCount; ) {
      long found = map.stretchAt(pfn);
      boolean absent = FrameMap.stateOf(found) == FrameMap.ABSENT;
      if (absent && !allocator.isManaged(pfn)) {
        return false;
      }
      pfn = absent ? pfn + 1 : FrameMap.endOf(found);
    }
    return true;
  }

  /// The frame that was in the way of the last [#emptyRange] that failed.
  ///
  /// @return its pfn, or -1 if it failed for another reason
  public long blockedPfn() {
    return counters.read(CompactionCounters.BLOCKED_PFN);
  }

  /// For who can come back later: lets those go first who wait.
  private boolean tryLock() {
    return counters.read(CompactionCounters.WAITING) == 0 && takeLock();
  }

  private void lock() {
    counters.add(CompactionCounters.WAITING, 1);
    for (int turn = 0; !takeLock(); turn++) {
      Cpu.relax(turn);
    }
    counters.add(CompactionCounters.WAITING, -1);
  }

  private boolean takeLock() {
    return Memory.compareAndSetLong(counters.at(CompactionCounters.LOCK), 0, Cpu.threadId());
  }

  private void unlock() {
    counters.store(CompactionCounters.LOCK, 0);
  }
}
