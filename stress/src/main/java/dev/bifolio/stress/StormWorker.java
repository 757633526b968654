package dev.bifolio.stress;

import dev.bifolio.kernel.frame.HybridAllocator;
import dev.bifolio.kernel.unit.Pages;
import java.util.ArrayDeque;
import java.util.Queue;

/// One thread of a [Storm]: asks for blocks, runs, huge blocks and wanted places, frees its own and
/// those that others sent it, splits some, calls caches back now and then, and enters everything in
/// the owner table.
final class StormWorker {
  /// A block of 2^order frames (`count` a power of two) or a run of `count` frames.
  record Block(int owner, long pfn, int count) {}

  private static final int KINDS = 6;
  private static final int LARGEST_ORDER = 10;

  private final Storm storm;
  private final HybridAllocator allocator;
  private final OwnerTable owners;
  private final int id;
  private final long liveLimit;
  private final ArrayDeque<Block> live = new ArrayDeque<>();
  private long random;
  private long liveFrames;
  long operations;

  /// Requests that were served; a range counts as the blocks that it is carved into.
  long served;

  long exhausted;
  long freed;
  long refusedMistakes;

  StormWorker(Storm storm, int id, long liveLimit, long seed) {
    this.storm = storm;
    this.allocator = storm.allocator();
    this.owners = storm.owners();
    this.id = id;
    this.liveLimit = liveLimit;
    random = seed * 0x9E3779B97F4A7C15L + id;
  }

  private int below(int bound) {
    random += 0x9E3779B97F4A7C15L;
    long z = random;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return (int) Math.floorMod(z ^ (z >>> 31), (long) bound);
  }

  void run(long count) {
    while (operations < count) {
      step();
      operations++;
    }
  }

  private void step() {
    int dice = below(1024);
    if (dice == 0 && below(16) == 0) {
      allocator.drainCaches();
    } else if (dice < 24) {
      split();
    } else if (dice < 32) {
      mistake();
    } else if (dice < 96) {
      send();
    } else if (dice < 160) {
      receive();
    } else if (dice < 164) {
      range();
    } else if (liveFrames < liveLimit && dice % 2 == 0) {
      request();
    } else {
      freeOne();
    }
  }

  private void request() {
    int flags = below(KINDS);
    int count = wantedCount();
    boolean isBlock = Integer.bitCount(count) == 1;
    long pfn =
        isBlock
            ? allocator.tryAllocateOn(id, Integer.numberOfTrailingZeros(count), flags)
            : allocator.tryAllocateFrames(count, flags);
    if (isExhausted(pfn, count)) {
      return;
    }
    if (isBlock && (pfn & (count - 1)) != 0) {
      throw new AssertionError("a block of " + count + " frames at 0x" + Long.toHexString(pfn));
    }
    owners.take(id + 1, pfn, count);
    served++;
    keep(new Block(id + 1, pfn, count));
  }

  /// Mostly small blocks, each order half as often as the one below; runs of any count, and huge
  /// blocks.
  private int wantedCount() {
    return switch (below(64)) {
      case 0 -> 1 + below(1 << LARGEST_ORDER);
      case 1 -> below(8) == 0 ? 512 << below(Storm.MAX_ORDER - 8) : 1;
      default ->
          1 << Math.min(Integer.numberOfTrailingZeros(below(1 << 20) | 1 << 20), LARGEST_ORDER);
    };
  }

  private boolean isExhausted(long answer, int count) {
    if (answer < HybridAllocator.NO_FRAME) {
      throw new AssertionError("a legal request of " + count + " frames was refused: " + answer);
    }
    exhausted += answer == HybridAllocator.NO_FRAME ? 1 : 0;
    return answer == HybridAllocator.NO_FRAME;
  }

  /// Asks for certain frames, and keeps the blocks that the range is carved into.
  private void range() {
    int count = 1 + below(below(8) == 0 ? 700 : 12);
    long start =
        storm.wholeStartPfn() + below((int) (storm.endPfn() - storm.wholeStartPfn()) - count);
    if (isExhausted(allocator.tryAllocateRange(start, count, below(KINDS)), count)) {
      return;
    }
    owners.take(id + 1, start, count);
    for (long pfn = start; pfn < start + count; ) {
      int order = Pages.largestOrderAt(pfn, start + count, Storm.MAX_ORDER);
      keep(new Block(id + 1, pfn, 1 << order));
      served++;
      pfn += 1L << order;
    }
  }

  private void keep(Block block) {
    if (below(2) == 0) {
      live.addFirst(block);
    } else {
      live.addLast(block);
    }
    liveFrames += block.count();
  }

  private void freeOne() {
    Block block = live.pollFirst();
    if (block != null) {
      liveFrames -= block.count();
      free(block);
    }
  }

  private void free(Block block) {
    owners.leave(block.owner(), block.pfn(), block.count());
    long result =
        Integer.bitCount(block.count()) == 1
            ? allocator.tryFreeOn(id, block.pfn(), Integer.numberOfTrailingZeros(block.count()))
            : allocator.tryFreeFrames(block.pfn(), block.count());
    if (result != 0) {
      throw new AssertionError("a legal free of " + block + " was refused: " + result);
    }
    freed++;
  }

  /// Frees an owned block as what it is not: twice as long, or its second frame.
  private void mistake() {
    Block block = live.peekFirst();
    if (block == null || Integer.bitCount(block.count()) != 1 || block.count() == 1) {
      return;
    }
    int order = Integer.numberOfTrailingZeros(block.count());
    long result =
        below(2) == 0
            ? allocator.tryFreeOn(id, block.pfn(), order - 1)
            : allocator.tryFreeOn(id, block.pfn() + 1, 0);
    if (result == 0) {
      throw new AssertionError("a mistaken free of " + block + " succeeded");
    }
    refusedMistakes++;
  }

  private void split() {
    Block block = live.pollFirst();
    if (block == null) {
      return;
    }
    liveFrames -= block.count();
    if (block.count() == 1 || block.count() > 64) {
      keep(block);
      return;
    }
    allocator.splitFrames(block.pfn(), block.count());
    for (int i = 0; i < block.count(); i++) {
      keep(new Block(block.owner(), block.pfn() + i, 1));
    }
  }

  private void send() {
    Block block = live.pollFirst();
    if (block != null) {
      liveFrames -= block.count();
      storm.mailbox(below(storm.threadCount())).add(block);
    }
  }

  private void receive() {
    Queue<Block> mailbox = storm.mailbox(id);
    for (Block block = mailbox.poll(); block != null; block = mailbox.poll()) {
      free(block);
    }
  }

  /// Frees all that is left, when the others have stopped.
  void clean() {
    receive();
    for (Block block = live.poll(); block != null; block = live.poll()) {
      free(block);
    }
  }
}
