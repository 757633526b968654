package dev.bifolio.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;

/// One thread's load: blocks of 1 to 8 frames that it writes, reads and frees. What somebody else
/// writes or discards there shows.
final class HotLoad {
  private static final int MOST_BLOCKS = 600;

  private record Block(long pfn, int order, long value) {}

  private final Machine machine;
  private final SplitMix64 random;
  private final List<Block> blocks = new ArrayList<>();

  HotLoad(Machine machine, long seed) {
    this.machine = machine;
    random = new SplitMix64(seed);
  }

  void run(AtomicBoolean stop, AtomicReference<Throwable> failure) {
    try {
      while (!stop.get()) {
        step();
      }
      while (!blocks.isEmpty()) {
        free(0);
      }
    } catch (Throwable e) {
      failure.compareAndSet(null, e);
    }
  }

  private void step() {
    if (blocks.size() < MOST_BLOCKS && !random.oneIn(3)) {
      int order = random.below(4);
      long pfn = machine.tryAllocate(order, AllocationFlags.NOWAIT);
      if (pfn >= 0) {
        Block block = new Block(pfn, order, random.next() | 1);
        for (long frame = pfn; frame < pfn + (1L << order); frame++) {
          Memory.putLong(addressOf(frame), block.value + frame);
          Memory.putLong(addressOf(frame) + 4088, block.value - frame);
        }
        blocks.add(block);
      }
    } else if (!blocks.isEmpty()) {
      free(random.below(blocks.size()));
    }
  }

  private long addressOf(long pfn) {
    return machine.physToVirt(pfn << Pages.PAGE_SHIFT);
  }

  private void free(int index) {
    Block block = blocks.get(index);
    blocks.set(index, blocks.getLast());
    blocks.removeLast();
    for (long frame = block.pfn; frame < block.pfn + (1L << block.order); frame++) {
      assertEquals(block.value + frame, Memory.getLong(addressOf(frame)), "frame " + frame);
      assertEquals(block.value - frame, Memory.getLong(addressOf(frame) + 4088));
    }
    machine.free(block.pfn, block.order);
  }
}
