package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;
import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.testkit.SplitMix64;

/// Random requests on random maps against [FrameLedger], as many as one likes: `dev/properties`.
///
/// After each request the free, cached and used frames must add up to those of the ledger; a
/// request may fail only if there is no aligned free block; a mistake must be told as just the
/// error it is. Now and then, and at the end of each map, caches are emptied and the free blocks of
/// each order compared, counters compared, and everything validated. Mistakes are followed by a
/// comparison of the blocks as they are.
final class LongProperties {
  private static final long SMALLEST = 100;
  private static final long LARGEST = 20_000;

  private final AllocatorUnderTest subject;
  private final SplitMix64 random;
  private final int maxOrder;
  private final long startPfn;
  private final long frameCount;
  private final FrameAllocator allocator;
  private final FrameLedger ledger;
  private final long[] pfns = new long[64];
  private long operation;
  private long fillTarget;
  private long refusedFrees;

  private LongProperties(AllocatorUnderTest subject, long seed, Window metadata, long[] map) {
    this.subject = subject;
    random = new SplitMix64(~seed);
    maxOrder = (int) map[0];
    startPfn = map[1];
    frameCount = map[2];
    allocator = subject.uninitialised(maxOrder);
    subject.initialize(allocator, metadata.address(), Pages.pfnToAddress(startPfn), frameCount);
    ledger = new FrameLedger(maxOrder, startPfn, (int) frameCount);
  }

  /// `dev/properties [OPERATIONS [ALLOCATOR [SEED]]]`.
  public static void main(String[] arguments) throws WindowException {
    long operations = arguments.length > 0 ? Long.parseLong(arguments[0]) : 100_000_000L;
    String name = arguments.length > 1 ? arguments[1] : AllocatorUnderTest.NAMES.getLast();
    long seed = arguments.length > 2 ? Long.parseLong(arguments[2]) : 1;
    int maps = (int) Math.max(200, operations / 500_000);
    AllocatorUnderTest subject = AllocatorUnderTest.named(name);
    long begin = System.nanoTime();
    long[] sums = new long[3];
    long[] shares = shares(operations, maps, seed);
    for (int map = 0; map < maps; map++) {
      LongProperties one = run(subject, seed + map, shares[map]);
      sums[0] += one.ledger.served();
      sums[1] += one.ledger.failed();
      sums[2] += one.refusedFrees;
      if ((map + 1) % 20 == 0) {
        System.err.println("properties: " + (map + 1) + " of " + maps + " maps");
      }
    }
    System.out.println(
        "properties: %s, %,d operations over %d maps from seed %d held in %d s: %,d allocations, %,d failed or refused requests, %,d refused frees"
            .formatted(
                name,
                operations,
                maps,
                seed,
                (System.nanoTime() - begin) / 1_000_000_000L,
                sums[0],
                sums[1],
                sums[2]));
  }

  /// How many operations each map gets, in all just as many as asked for: fewer on the larger maps,
  /// where each comparison takes longer, by the square root of the length.
  private static long[] shares(long operations, int maps, long seed) {
    double[] weights = new double[maps];
    double sum = 0;
    for (int map = 0; map < maps; map++) {
      weights[map] = 1 / Math.sqrt((double) drawMap(new SplitMix64(seed + map))[2]);
      sum += weights[map];
    }
    long[] shares = new long[maps];
    double before = 0;
    for (int map = 0; map < maps; map++) {
      double after = map == maps - 1 ? sum : before + weights[map];
      shares[map] =
          Math.round((double) operations * (after / sum))
              - Math.round((double) operations * (before / sum));
      before = after;
    }
    return shares;
  }

  /// Runs one map.
  ///
  /// @throws AssertionError with seed, map and operation, if anything does not hold
  static LongProperties run(AllocatorUnderTest subject, long seed, long operations)
      throws WindowException {
    long[] map = drawMap(new SplitMix64(seed));
    try (Window metadata = Window.reserve(subject.metadataBytes(map[1], map[1] + map[2]))) {
      LongProperties one = new LongProperties(subject, seed, metadata, map);
      try {
        one.run(operations);
      } catch (AssertionError | RuntimeException e) {
        throw new AssertionError(
            "seed %d, operation %d: maximum order %d, %d frames from %d"
                .formatted(seed, one.operation, one.maxOrder, one.frameCount, one.startPfn),
            e);
      }
      return one;
    }
  }

  private static long[] drawMap(SplitMix64 random) {
    int maxOrder = random.oneIn(4) ? random.below(21) : 9 + random.below(4);
    long start = random.oneIn(4) ? random.below(2000) : random.below(1L << 40);
    if (random.oneIn(3)) {
      start &= -512;
    }
    double share = random.below(1001) / 1000.0;
    long frames = Math.round(SMALLEST * Math.pow((double) LARGEST / SMALLEST, share));
    return new long[] {maxOrder, start, frames};
  }

  private void run(long operations) {
    addSome();
    for (operation = 0; operation < operations; operation++) {
      if (operation % 4096 == 0) {
        fillTarget = ledger.managedFrames() * random.below(11) / 10;
      }
      step();
      compareSums();
      if (random.oneIn(2048)) {
        compareAll();
      }
    }
    for (int slot = ledger.pick(random); slot >= 0; slot = ledger.pick(random)) {
      free(ledger.startOf(slot), ledger.framesOf(slot));
    }
    compareAll();
  }

  /// All of the span, or all but a few holes.
  private void addSome() {
    long from = startPfn;
    for (int holes = random.below(6); holes > 0 && from < startPfn + frameCount; holes--) {
      long to = random.between(from, startPfn + frameCount);
      add(from, to);
      from = to + 1 + random.below(random.oneIn(2) ? 3 : 600);
    }
    add(Math.min(from, startPfn + frameCount - 1), startPfn + frameCount);
  }

  private void add(long from, long to) {
    same(ledger.add(from, to), allocator.addFrames(from, to));
  }

  // ---- Requests ----

  private void step() {
    int kind = random.below(1000);
    if (kind < 20) {
      mistake();
    } else if (kind < 22) {
      rare();
    } else if (kind < 40) {
      placed();
    } else if (ledger.managedFrames() - ledger.freeFrames() < fillTarget
        ? kind < 700
        : kind < 350) {
      take(flags());
    } else {
      int slot = ledger.pick(random);
      if (slot >= 0) {
        free(ledger.startOf(slot), ledger.framesOf(slot));
      }
    }
  }

  private void take(int flags) {
    int draw = random.below(100);
    if (draw < 85) {
      int order = draw < 60 ? 0 : Math.min(maxOrder, random.below(draw < 83 ? 5 : 21));
      ledger.taken(subject.tryAllocateOn(allocator, random.below(4), order, flags), 1L << order);
    } else if (draw < 99) {
      long count = drawCount();
      ledger.taken(allocator.tryAllocateFrames(count, flags), count);
    } else {
      int count = random.below(pfns.length);
      int got = allocator.allocateBulk(pfns, 0, count, flags);
      for (int i = 0; i < got; i++) {
        ledger.taken(pfns[i], 1);
      }
      if (got < count) {
        ledger.taken(FrameAllocator.NO_FRAME, 1);
      }
    }
  }

  private void placed() {
    long count = drawCount();
    long place = startPfn + random.below(frameCount);
    switch (random.below(3)) {
      case 0 -> {
        long alignment = 1L << random.below(Math.min(maxOrder, 10) + 1);
        long maxPfn = random.oneIn(4) ? Long.MAX_VALUE : place;
        ledger.takenWithin(
            allocator.tryAllocateFramesWithin(count, flags(), alignment, maxPfn, 0),
            count,
            alignment,
            maxPfn);
      }
      case 1 ->
          same(
              ledger.expectedRange(place, count),
              allocator.tryAllocateRange(place, count, flags()));
      default -> {
        int slot = ledger.pick(random);
        if (slot >= 0) {
          long start = ledger.startOf(slot);
          noteFree(ledger.expectedFreeRange(start, count), allocator.tryFreeRange(start, count));
        }
      }
    }
  }

  /// Splits, drained caches, frames handed over late.
  private void rare() {
    int slot = ledger.pick(random);
    if (random.oneIn(4)) {
      long from = startPfn + random.below(frameCount);
      add(from, Math.min(startPfn + frameCount, from + 1 + random.below(8)));
    } else if (random.oneIn(3)) {
      same(allocator.cachedFrameCount(), allocator.drainCaches());
    } else if (slot >= 0) {
      long pfn = ledger.startOf(slot);
      long count = ledger.framesOf(slot);
      ledger.split(slot);
      allocator.splitFrames(pfn, count);
    }
  }

  private void free(long pfn, long count) {
    long result =
        Long.bitCount(count) == 1 && !random.oneIn(8)
            ? subject.tryFreeOn(allocator, random.below(4), pfn, Long.numberOfTrailingZeros(count))
            : allocator.tryFreeFrames(pfn, count);
    same(0, ledger.expectedFree(pfn, count));
    same(0, result);
  }

  /// A free that is probably wrong, or an illegal request.
  private void mistake() {
    long[] before = random.oneIn(16) ? blocksAsTheyAre() : null;
    int slot = ledger.pick(random);
    long pfn = startPfn - 2 + random.below(frameCount + 4);
    long count = random.oneIn(2) ? 1L << random.below(maxOrder + 1) : drawCount();
    long result;
    if (random.oneIn(8)) {
      result = allocator.tryAllocateFrames(random.oneIn(2) ? 0 : (1L << maxOrder) + 1, 0);
      same(
          1,
          result == FrameError.ZERO_ALLOCATION.code() || result == FrameError.TOO_LARGE.code()
              ? 1
              : 0);
      ledger.refused();
    } else {
      if (slot >= 0 && random.oneIn(2)) {
        pfn = ledger.startOf(slot) + random.below(2);
      }
      result = ledger.expectedFree(pfn, count);
      noteFree(
          result,
          Long.bitCount(count) == 1
              ? subject.tryFreeOn(
                  allocator, random.below(4), pfn, Long.numberOfTrailingZeros(count))
              : allocator.tryFreeFrames(pfn, count));
    }
    if (before != null && result != 0) {
      long[] after = blocksAsTheyAre();
      for (int order = 0; order <= maxOrder; order++) {
        same(before[order], after[order]);
      }
    }
  }

  private void noteFree(long expected, long found) {
    same(expected, found);
    refusedFrees += found == 0 ? 0 : 1;
  }

  private long drawCount() {
    long most = Math.min(1L << maxOrder, random.oneIn(8) ? frameCount : 40);
    return 1 + random.below(most);
  }

  private int flags() {
    return random.oneIn(2) ? AllocationFlags.NONE : random.below(16) & ~AllocationFlags.ZERO;
  }

  // ---- Comparisons ----

  private void compareSums() {
    FrameStatistics statistics = allocator.statistics();
    same(ledger.managedFrames(), statistics.totalFrames());
    same(ledger.freeFrames(), statistics.freeFrames() + statistics.cachedFrames());
    same(ledger.managedFrames() - ledger.freeFrames(), statistics.usedFrames());
  }

  private void compareAll() {
    FrameStatistics statistics = allocator.statistics();
    same(statistics.freeFrames(), allocator.freeFrameCount());
    same(statistics.cachedFrames(), allocator.cachedFrameCount());
    same(ledger.served(), statistics.allocations());
    same(ledger.failed(), statistics.failures());
    same(refusedFrees, statistics.refusedFrees());
    allocator.assertValid();
    allocator.drainCaches();
    same(0, allocator.cachedFrameCount());
    for (int order = 0; order <= maxOrder; order++) {
      same(ledger.freeBlocks(order), allocator.freeBlockCount(order));
    }
    same(ledger.freeRuns(), allocator.freeRunCount());
    allocator.assertValid();
  }

  private long[] blocksAsTheyAre() {
    long[] blocks = new long[maxOrder + 1];
    for (int order = 0; order <= maxOrder; order++) {
      blocks[order] = allocator.freeBlockCount(order);
    }
    return blocks;
  }

  private static void same(long expected, long found) {
    if (expected != found) {
      throw new AssertionError("expected " + expected + ", found " + found);
    }
  }
}
