package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.Pages;

/// The statistics of a hybrid allocator. Of a request that a cache serves nothing is counted but
/// what the caches' own words tell; other requests count in the words of the CPU's slot. How much
/// is free, cached or in use is never counted but walked ([FrameCensus]), and frees are what was
/// allocated and is not any more. So there are no two truths.
///
/// ```
///   control words   0 managed frames   1 refused requests   2 refused frees   3 most frames in use
///                   4 single frames made by splitting       5 … 25 blocks split, of each order
///                   40 … 60 requests that failed, of each order
/// ```
///
/// A reset keeps what the words said, and later answers are differences. Any thread may count; one
/// asks.
final class HybridCounts {
  static final int MANAGED = 0;

  private static final int REFUSED = 1;
  private static final int REFUSED_FREES = 2;
  static final int PEAK_USED = 3;
  static final int SINGLES_MADE = 4;
  static final int SPLIT = 5;

  /// Apart from the others, in lines of their own: a storm of failures must not slow down the rest.
  static final int FAILED = 40;

  private static final int ORDERS = Pages.MAX_ORDER + 1;

  /// The end of the words from 0 on.
  static final int WORDS = SPLIT + ORDERS;

  private static final int KINDS = AllocationFlags.KIND_COUNT;

  private final HybridCore core;
  private final long[] allocationsBefore = new long[ORDERS * KINDS];
  private final long[] failuresBefore = new long[ORDERS];
  private final long[] freesBefore = new long[ORDERS];
  private long refusedBefore;
  private long refusedFreesBefore;
  private long splitsBefore;
  private long coalescesBefore;

  HybridCounts(HybridCore core) {
    this.core = core;
  }

  // ---- Counting ----

  void refused() {
    if (core.isAttached()) {
      Memory.getAndAddLong(core.control(REFUSED), 1);
    }
  }

  void refusedFree() {
    if (core.isAttached()) {
      Memory.getAndAddLong(core.control(REFUSED_FREES), 1);
    }
  }

  /// Frames were handed over.
  ///
  /// @param takenBackBefore units taken back before; what was joined since is no coalescing
  void added(long frameCount, long takenBackBefore) {
    Memory.getAndAddLong(core.control(MANAGED), frameCount);
    coalescesBefore += takenBackUnits() - takenBackBefore;
  }

  void split(long frameCount) {
    Memory.getAndAddLong(core.control(SPLIT + Pages.framesToOrderUp(frameCount)), 1);
    Memory.getAndAddLong(core.control(SINGLES_MADE), frameCount);
  }

  /// A legal request found nothing.
  void failed(int order) {
    Memory.getAndAddLong(core.control(FAILED + order), 1);
  }

  /// Not even a single frame was left; but what a [FrameCache] has is not in use.
  void sawAllUsed() {
    for (int slot = core.slots.firstOwned(); slot < core.slots.count(); slot++) {
      if (Memory.getLongVolatile(Slots.owner(core.slots.claim(slot))) != 0) {
        return;
      }
    }
    sawUsed(managedFrames());
  }

  private void sawUsed(long frameCount) {
    long peak = read(PEAK_USED);
    while (frameCount > peak
        && !Memory.compareAndSetLong(core.control(PEAK_USED), peak, frameCount)) {
      peak = read(PEAK_USED);
    }
  }

  // ---- Asking ----

  long managedFrames() {
    return read(MANAGED);
  }

  private long read(int word) {
    return Memory.getLongVolatile(core.control(word));
  }

  long allocations(int order, int kind) {
    return allocationsEver(order, kind) - allocationsBefore[order * KINDS + kind];
  }

  long failures(int order) {
    return read(FAILED + order) - failuresBefore[order];
  }

  long frees(int order, FrameCensus census) {
    return freesEver(order, census) - freesBefore[order];
  }

  /// Blocks given back since the beginning: negative only if the words contradict each other.
  long freesEver(int order, FrameCensus census) {
    long allocated = order == 0 ? read(SINGLES_MADE) : 0;
    for (int kind = 0; kind < KINDS; kind++) {
      allocated += allocationsEver(order, kind);
    }
    return allocated - read(SPLIT + order) - census.liveBlocks(order);
  }

  FrameStatistics snapshot(FrameCensus census) {
    long allocations = 0;
    long failures = read(REFUSED) - refusedBefore;
    long frees = 0;
    for (int order = 0; order < ORDERS; order++) {
      for (int kind = 0; kind < KINDS; kind++) {
        allocations += allocations(order, kind);
      }
      failures += failures(order);
      frees += frees(order, census);
    }
    sawUsed(census.usedFrames());
    return new FrameStatistics(
        managedFrames(),
        census.freeFrames(),
        census.cachedFrames(),
        read(PEAK_USED),
        allocations + failures,
        allocations,
        failures,
        frees,
        read(REFUSED_FREES) - refusedFreesBefore,
        lentUnits() - splitsBefore,
        takenBackUnits() - coalescesBefore,
        FrameStatistics.NOT_KEPT,
        FrameStatistics.NOT_KEPT);
  }

  void resetRequests(FrameCensus census) {
    for (int order = 0; order < ORDERS; order++) {
      for (int kind = 0; kind < KINDS; kind++) {
        allocationsBefore[order * KINDS + kind] = allocationsEver(order, kind);
      }
      failuresBefore[order] = read(FAILED + order);
      freesBefore[order] = freesEver(order, census);
    }
    refusedBefore = read(REFUSED);
    refusedFreesBefore = read(REFUSED_FREES);
    splitsBefore = lentUnits();
    coalescesBefore = takenBackUnits();
    Memory.putLongRelease(core.control(PEAK_USED), census.usedFrames());
  }

  // ---- What the words say ----

  /// Requests served since the beginning, of one order and kind.
  private long allocationsEver(int order, int kind) {
    long sum = 0;
    for (int cpu = 0; cpu < core.slots.cpuCount(); cpu++) {
      long claim = core.slots.claim(core.slots.of(cpu, kind));
      sum += Memory.getLongVolatile(Slots.taken(claim, order));
      if (order < Slots.CACHED_ORDERS) {
        sum += Magazines.taken(Memory.getLongVolatile(Slots.header(claim, order)));
      }
      if (order == 0) {
        sum += core.claims.allocations(claim) + Memory.getLongVolatile(Slots.retired(claim));
      }
    }
    return order == 0 ? sum + allocationsOfOwners(kind) : sum;
  }

  private long allocationsOfOwners(int kind) {
    long sum = 0;
    for (int slot = core.slots.firstOwned(); slot < core.slots.count(); slot++) {
      long claim = core.slots.claim(slot);
      if (Memory.getLongVolatile(Slots.owner(claim)) == kind + 1) {
        sum += allocationsIn(claim);
      }
    }
    return sum;
  }

  /// Single frames from the claim word and the magazine of a slot.
  private long allocationsIn(long claim) {
    long header = Memory.getLongVolatile(Slots.header(claim, 0));
    return core.claims.allocations(claim) + Magazines.taken(header);
  }

  // ---- Caches ----

  /// What the caches of the CPUs and of owners did.
  CacheStatistics caches() {
    long served = 0;
    long past = 0;
    long refills = 0;
    for (int kind = 0; kind < KINDS; kind++) {
      for (int order = 0; order < Slots.CACHED_ORDERS; order++) {
        served += allocationsEver(order, kind);
      }
    }
    for (int slot = 0; slot < core.slots.count(); slot++) {
      long claim = core.slots.claim(slot);
      refills += Memory.getLongVolatile(Slots.refills(claim));
      for (int order = 0; order < Slots.CACHED_ORDERS; order++) {
        past += Memory.getLongVolatile(Slots.taken(claim, order));
      }
    }
    return new CacheStatistics(served - past - refills, past + refills, refills, wentHome());
  }

  /// Units that a level lent to the one below: blocks cut into 32, or into 512 frames.
  private long lentUnits() {
    return core.levels[0].lentCount() + core.levels[1].lentCount() + core.levels[2].lentCount();
  }

  /// Units that came back whole.
  long takenBackUnits() {
    return core.levels[0].takenBackCount()
        + core.levels[1].takenBackCount()
        + core.levels[2].takenBackCount();
  }

  /// Frames that went home from caches since the beginning.
  long wentHome() {
    long frames = 0;
    for (int slot = 0; slot < core.slots.count(); slot++) {
      frames += Memory.getLongVolatile(Slots.wentHome(core.slots.claim(slot)));
    }
    return frames;
  }
}
