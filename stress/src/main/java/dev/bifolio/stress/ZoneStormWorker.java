package dev.bifolio.stress;

import dev.bifolio.kernel.Machine;
import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.zone.NumaPolicy;
import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.List;

/// One thread of a [ZoneStorm]: blocks that stay where they are, items that may be moved, pages of
/// caches; with accounts, policies, limits and emergencies.
final class ZoneStormWorker {
  private record Block(long pfn, int count, boolean isRun) {}

  private static final int ALL_BLOCKS = 5000;
  private static final int MOST_ORDER = 5;

  private final ZoneStorm storm;
  private final Machine machine;
  private final OwnerTable owners;
  private final StormItems items;
  private final SplitMix64 random;
  private final NumaPolicy policy;
  private final int owner;
  private final int firstItem;
  private final int mostBlocks;
  private final List<Block> blocks = new ArrayList<>();
  private final long[] bulk = new long[64];
  private boolean isGrowing = true;
  long served;
  long exhausted;

  ZoneStormWorker(ZoneStorm storm, int id, int threadCount, long seed) {
    this.storm = storm;
    machine = storm.machine();
    owners = storm.owners();
    items = storm.items();
    random = new SplitMix64(seed * 0x9E37_79B9_7F4A_7C15L + id);
    owner = id + 1;
    mostBlocks = ALL_BLOCKS / threadCount;
    firstItem = id * ZoneStorm.ITEMS_EACH;
    policy = NumaPolicy.interleave(machine.frames().topology(), 0, 1);
  }

  void run(long count) {
    for (long i = 0; i < count && !storm.hasFailed(); i++) {
      step();
    }
  }

  private void step() {
    isGrowing ^= random.oneIn(3000);
    int dice = random.below(100);
    if (dice < 25) {
      page();
    } else if (dice < 50) {
      item(firstItem + random.below(ZoneStorm.ITEMS_EACH));
    } else if (dice < 52) {
      bulk();
    } else if (dice < (isGrowing ? 82 : 68) && blocks.size() < mostBlocks) {
      block();
    } else if (!blocks.isEmpty()) {
      free(blocks.remove(random.below(blocks.size())));
    }
  }

  private void note(boolean isServed) {
    served += isServed ? 1 : 0;
    exhausted += isServed ? 0 : 1;
  }

  private void page() {
    note(storm.pages(random.below(2)).touch(random.below(ZoneStorm.PAGES), random.oneIn(4)));
  }

  private int flags() {
    int flags = random.oneIn(3) ? AllocationFlags.charge(storm.account(random)) : 0;
    flags |= random.oneIn(10) ? AllocationFlags.EMERGENCY : 0;
    flags |= random.oneIn(5) ? AllocationFlags.NOWAIT : 0;
    flags |= random.oneIn(12) ? AllocationFlags.DMA : 0;
    return flags | (random.oneIn(12) ? AllocationFlags.EXACT_NODE : 0);
  }

  private void item(int item) {
    if (!items.isEmpty(item)) {
      if (random.oneIn(isGrowing ? 16 : 4)) {
        items.remove(item);
      } else {
        items.visit(item, random.oneIn(2));
      }
      return;
    }
    int order = random.oneIn(3) ? random.below(4) : 0;
    long pfn = machine.tryAllocate(order, flags() | AllocationFlags.MOVABLE);
    note(pfn >= 0);
    if (pfn >= 0) {
      items.put(item, pfn, order);
    }
  }

  private void block() {
    boolean isRun = random.oneIn(8);
    int order = random.oneIn(200) ? 9 : random.below(MOST_ORDER + 1);
    int count = isRun ? 1 + random.below(40) : 1 << order;
    long pfn;
    if (isRun) {
      pfn = machine.tryAllocateFrames(count, flags());
    } else if (random.oneIn(2)) {
      pfn = machine.tryAllocate(order, flags());
    } else {
      pfn = machine.frames().tryAllocate(policy, random.below(4), order, flags());
    }
    note(pfn >= 0);
    if (pfn >= 0) {
      owners.take(owner, pfn, count);
      keep(new Block(pfn, count, isRun));
    }
  }

  /// Some are split at once.
  private void keep(Block block) {
    if (block.count == 1 || block.count > 32 || !random.oneIn(6)) {
      blocks.add(block);
      return;
    }
    machine.splitFrames(block.pfn, block.count);
    for (int i = 0; i < block.count; i++) {
      blocks.add(new Block(block.pfn + i, 1, false));
    }
  }

  private void bulk() {
    int got = machine.allocateBulk(bulk, 0, 1 + random.below(bulk.length), 0);
    for (int i = 0; i < got; i++) {
      owners.take(owner, bulk[i], 1);
    }
    if (random.oneIn(2)) {
      for (int i = 0; i < got; i++) {
        owners.leave(owner, bulk[i], 1);
      }
      machine.freeBulk(bulk, 0, got);
    } else {
      for (int i = 0; i < got; i++) {
        blocks.add(new Block(bulk[i], 1, false));
      }
    }
  }

  private void free(Block block) {
    owners.leave(owner, block.pfn, block.count);
    if (block.isRun) {
      machine.freeFrames(block.pfn, block.count);
    } else {
      machine.free(block.pfn, Integer.numberOfTrailingZeros(block.count));
    }
  }

  /// Frees all that is left, when the others have stopped.
  void clean() {
    blocks.forEach(this::free);
    for (int i = 0; i < ZoneStorm.ITEMS_EACH; i++) {
      if (!items.isEmpty(firstItem + i)) {
        items.remove(firstItem + i);
      }
    }
  }
}
