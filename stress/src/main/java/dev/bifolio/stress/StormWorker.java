package dev.bifolio.stress;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.HybridAllocator;
import dev.bifolio.kernel.unit.FrameRequestException;
import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayDeque;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// One thread of a [Storm]: asks for blocks, runs, huge blocks, wanted places and many frames at
/// once, frees its own and those that others sent it, splits some, calls caches back now and then,
/// and enters everything in the owner table. Some own a [FrameCache] and use it for single frames.
final class StormWorker {
  /// What was taken by one call, and how it is to be freed: a block of 2^order frames or a run, by
  /// its count; or a range of blocks.
  record Block(int owner, long pfn, int count, boolean isRange) {
    boolean isPowerOfTwo() {
      return !isRange && Integer.bitCount(count) == 1;
    }

    int order() {
      return Integer.numberOfTrailingZeros(count);
    }
  }

  private static final int LARGEST_ORDER = 10;
  private static final int MOST_IN_BULK = 80;

  private final Storm storm;
  private final HybridAllocator allocator;
  private final OwnerTable owners;
  private final UsageBound usage;
  private final int id;
  private final int owner;
  private final long liveLimit;
  private final ArrayDeque<Block> live = new ArrayDeque<>();
  private final long[] bulk = new long[MOST_IN_BULK + 1];
  private final SplitMix64 random;
  private final @Nullable StormCache cache;
  private long liveFrames;
  long operations;

  /// Requests that were served; a range counts as the blocks that it is carved into.
  long served;

  long exhausted;
  long freed;
  long refusedMistakes;

  /// @param ownsCache whether single frames go through a [FrameCache] of his own
  StormWorker(Storm storm, int id, long liveLimit, long seed, boolean ownsCache) {
    this.storm = storm;
    this.allocator = storm.allocator();
    this.owners = storm.owners();
    this.usage = storm.usage();
    this.id = id;
    this.owner = id + 1;
    this.liveLimit = liveLimit;
    random = new SplitMix64(seed * 0x9E3779B97F4A7C15L + id);
    cache = ownsCache ? new StormCache(storm, random) : null;
  }

  void run(long count) {
    while (operations < count) {
      step();
      operations++;
    }
  }

  @SuppressWarnings("ThreadPriorityCheck") // of virtual threads only as many run as there are CPUs
  private void step() {
    int dice = random.below(1024);
    if (dice == 0 && random.oneIn(16)) {
      allocator.drainCaches();
    } else if (dice < 2) {
      Thread.yield(); // virtual threads would go on until they have done
    } else if (dice < 24) {
      split();
    } else if (dice < 32) {
      mistake();
    } else if (dice < 96) {
      send();
    } else if (dice < 160) {
      receive();
    } else if (dice < 164 && !storm.singleFramesOnly()) {
      range();
    } else if (dice < 168) {
      bulk();
    } else if (dice < 172) {
      freeBulk();
    } else if (cache != null && dice < 176) {
      cache.turn();
    } else if (liveFrames < liveLimit && dice % 8 < 5) {
      request();
    } else {
      freeOne();
    }
  }

  // ---- Requests ----

  private void request() {
    int count = storm.singleFramesOnly() ? 1 : wantedCount();
    int order = Pages.framesToOrderUp(count);
    boolean isBlock = count == 1 << order;
    // A run begins as a block, and what it has too much is nobody's until it is given back.
    long freedBefore = usage.beginsToTake(id, 1L << order);
    long pfn = isBlock ? block(order) : allocator.tryAllocateFrames(count, flags());
    if (isExhausted(pfn, count)) {
      usage.foundNothing(id, 1L << order, count == 1, freedBefore);
      return;
    }
    if (isBlock && (pfn & (count - 1)) != 0) {
      throw new AssertionError("a block of " + count + " frames at 0x" + Long.toHexString(pfn));
    }
    usage.freed(id, (1L << order) - count);
    served++;
    own(pfn, count, false);
  }

  private long block(int order) {
    return order == 0 && cache != null && random.below(8) != 0
        ? cache.allocate()
        : allocator.tryAllocateOn(id, order, flags());
  }

  private int flags() {
    return random.below(AllocationFlags.FRAME_BITS + 1);
  }

  /// Mostly small blocks, each order half as often as the one below; runs of any count, and huge
  /// blocks.
  private int wantedCount() {
    return switch (random.below(64)) {
      case 0 -> 1 + random.below(1 << LARGEST_ORDER);
      case 1 -> random.oneIn(8) ? 512 << random.below(Storm.MAX_ORDER - 8) : 1;
      default ->
          1
              << Math.min(
                  Integer.numberOfTrailingZeros(random.below(1 << 20) | 1 << 20), LARGEST_ORDER);
    };
  }

  private boolean isExhausted(long answer, int count) {
    if (answer < HybridAllocator.NO_FRAME) {
      throw new AssertionError("a legal request of " + count + " frames was refused: " + answer);
    }
    exhausted += answer == HybridAllocator.NO_FRAME ? 1 : 0;
    return answer == HybridAllocator.NO_FRAME;
  }

  /// Asks for certain frames, and keeps the range, or the blocks that it is carved into.
  private void range() {
    int count = 1 + random.below(random.oneIn(8) ? 700 : 12);
    long start =
        storm.wholeStartPfn()
            + random.below((int) (storm.endPfn() - storm.wholeStartPfn()) - count);
    long freedBefore = usage.beginsToTake(id, count);
    if (isExhausted(allocator.tryAllocateRange(start, count, flags()), count)) {
      usage.foundNothing(id, count, false, freedBefore);
      return;
    }
    served += blocksIn(start, count);
    if (random.oneIn(2)) {
      own(start, count, true);
      return;
    }
    for (long pfn = start; pfn < start + count; ) {
      int order = Pages.largestOrderAt(pfn, start + count, Storm.MAX_ORDER);
      own(pfn, 1 << order, false);
      pfn += 1L << order;
    }
  }

  private static int blocksIn(long start, int count) {
    int blocks = 0;
    for (long pfn = start; pfn < start + count; blocks++) {
      pfn += 1L << Pages.largestOrderAt(pfn, start + count, Storm.MAX_ORDER);
    }
    return blocks;
  }

  private void bulk() {
    int wanted = 1 + random.below(MOST_IN_BULK);
    if (liveFrames + wanted > liveLimit) {
      return;
    }
    long freedBefore = usage.beginsToTake(id, wanted);
    int got = allocator.allocateBulk(bulk, 0, wanted, flags());
    if (got < wanted) {
      exhausted++;
      usage.foundNothing(id, wanted - got, true, freedBefore);
    }
    served += got;
    for (int i = 0; i < got; i++) {
      own(bulk[i], 1, false);
    }
  }

  private void own(long pfn, int count, boolean isRange) {
    owners.take(owner, pfn, count);
    keep(new Block(owner, pfn, count, isRange));
  }

  private void keep(Block block) {
    if (random.oneIn(2)) {
      live.addFirst(block);
    } else {
      live.addLast(block);
    }
    liveFrames += block.count();
  }

  private @Nullable Block next() {
    Block block = live.pollFirst();
    if (block != null) {
      liveFrames -= block.count();
    }
    return block;
  }

  // ---- Frees ----

  private void freeOne() {
    Block block = next();
    if (block != null) {
      free(block);
    }
  }

  private void free(Block block) {
    owners.leave(block.owner(), block.pfn(), block.count());
    long result = tryFree(block);
    if (result != 0) {
      throw new AssertionError("a legal free of " + block + " was refused: " + result);
    }
    freed += block.isRange() ? blocksIn(block.pfn(), block.count()) : 1;
    usage.freed(id, block.count());
  }

  private long tryFree(Block block) {
    if (block.isRange()) {
      return allocator.tryFreeRange(block.pfn(), block.count());
    }
    if (!block.isPowerOfTwo()) {
      return allocator.tryFreeFrames(block.pfn(), block.count());
    }
    return block.count() == 1 && cache != null && random.below(8) != 0
        ? cache.tryFree(block.pfn())
        : allocator.tryFreeOn(id, block.pfn(), block.order());
  }

  /// Frees the single frames that come next, in order or not; now and then with a frame behind them
  /// that is none.
  private void freeBulk() {
    int count = 0;
    Block last = next();
    for (; last != null && last.count() == 1 && count < MOST_IN_BULK; last = next()) {
      owners.leave(last.owner(), last.pfn(), 1);
      bulk[count] = last.pfn();
      count++;
    }
    if (random.oneIn(2)) {
      Arrays.sort(bulk, 0, count); // many of a word at once
    }
    boolean mistaken = last != null && last.count() > 1;
    if (mistaken) {
      bulk[count] = last.pfn() + last.count() - 1;
      mistaken = !last.isRange();
    }
    freeEntries(count, mistaken);
    freed += count;
    usage.freed(id, count);
    if (last != null) {
      keep(last);
    }
  }

  private void freeEntries(int count, boolean mistaken) {
    try {
      allocator.freeBulk(bulk, 0, mistaken ? count + 1 : count);
    } catch (FrameRequestException e) {
      if (!mistaken || !e.getMessage().contains("0x" + Long.toHexString(bulk[count]))) {
        throw new AssertionError("a legal free of many was refused: " + e.getMessage(), e);
      }
      refusedMistakes++;
      return;
    }
    if (mistaken) {
      throw new AssertionError("a tail was freed: 0x" + Long.toHexString(bulk[count]));
    }
  }

  /// Frees an owned block as what it is not: half of it, or its second frame.
  private void mistake() {
    Block block = live.peekFirst();
    if (block == null || !block.isPowerOfTwo() || block.count() == 1) {
      return;
    }
    long result =
        random.oneIn(2)
            ? allocator.tryFreeOn(id, block.pfn(), block.order() - 1)
            : mistakenFreeOfOne(block.pfn() + 1);
    if (result == 0) {
      throw new AssertionError("a mistaken free of " + block + " succeeded");
    }
    refusedMistakes++;
  }

  private long mistakenFreeOfOne(long pfn) {
    return cache != null ? cache.tryFree(pfn) : allocator.tryFreeOn(id, pfn, 0);
  }

  private void split() {
    Block block = next();
    if (block == null) {
      return;
    }
    if (block.count() == 1 || block.count() > 64 || block.isRange()) {
      keep(block);
      return;
    }
    allocator.splitFrames(block.pfn(), block.count());
    for (int i = 0; i < block.count(); i++) {
      keep(new Block(block.owner(), block.pfn() + i, 1, false));
    }
  }

  // ---- The others ----

  private void send() {
    Block block = next();
    if (block != null && !storm.mailbox(random.below(storm.threadCount())).send(block)) {
      keep(block);
    }
  }

  private void receive() {
    Mailbox mailbox = storm.mailbox(id);
    for (Block block = mailbox.receive(); block != null; block = mailbox.receive()) {
      free(block);
    }
  }

  /// Frees all that is left, when the others have stopped.
  void clean() {
    receive();
    for (Block block = live.poll(); block != null; block = live.poll()) {
      free(block);
    }
    if (cache != null) {
      cache.close();
    }
  }
}
