package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.platform.Memory;
import java.lang.foreign.Arena;
import java.util.concurrent.ConcurrentLinkedQueue;

/// A small machine for one race: the real allocator over real off-heap metadata, of a few areas.
///
/// A test begins from a state that its constructor makes, lets two actors race, and asks in the
/// end, alone, whether anything is lost. Millions of these are made in a run; their memory is used
/// again after [#ended].
class World {
  static final long NONE = HybridCore.NONE;
  static final int KIND = 0;

  /// Answer of [#ended] if nothing is wrong.
  static final int GOOD = 1;

  static final int LOST = 0;

  private static final int CPUS = 2;
  private static final long BLOCK_BYTES = 1 << 15;
  private static final ConcurrentLinkedQueue<Long> BLOCKS = new ConcurrentLinkedQueue<>();

  final HybridCore core = new HybridCore(CPUS);
  private final int areaCount;
  private final long block;

  World(int areaCount) {
    this.areaCount = areaCount;
    long endPfn = (long) areaCount * AreaWord.FRAMES;
    long byteSize = HybridCore.metadataBytes(0, endPfn, CPUS);
    if (byteSize > BLOCK_BYTES) {
      throw new IllegalArgumentException("metadata of " + byteSize + " bytes");
    }
    Long used = BLOCKS.poll();
    block = used == null ? Arena.global().allocate(BLOCK_BYTES, 64).address() : used;
    Memory.fill(block, byteSize, (byte) 0);
    core.attach(block, 0, endPfn);
    new HandOver(core.levels, core.areas).add(0, endPfn);
  }

  final long take(int cpu, int order) {
    return core.allocate(cpu, order, KIND);
  }

  /// Takes a block that must be there.
  final long must(int cpu, int order) {
    long pfn = take(cpu, order);
    if (pfn < 0) {
      throw new IllegalStateException("nothing of order " + order);
    }
    return pfn;
  }

  /// Takes all of the machine's frames but the last 2^order.
  final void leaveOnly(int order) {
    for (int i = 1; i < areaCount; i++) {
      must(0, 9);
    }
    for (int next = 8; next >= order; next--) {
      must(0, next);
    }
    core.callBack.all();
  }

  /// 1 if the block was freed, 0 if that was refused.
  final int free(int cpu, long pfn, int order) {
    return core.free(cpu, pfn, order) ? 1 : 0;
  }

  final long slot(int cpu) {
    return core.slots.claim(core.slots.of(cpu, KIND));
  }

  /// The frames in the claim word of a CPU.
  final int cached(int cpu) {
    return ClaimWord.mask(Memory.getLongVolatile(slot(cpu)));
  }

  /// How many single frames can be had.
  final int count() {
    int count = 0;
    while (take(0, 0) != NONE) {
      count++;
    }
    return count;
  }

  /// The end of a test in which all was freed: whether all areas can be had as huge blocks.
  final int endedWhole() {
    boolean whole = true;
    for (int i = 0; i < areaCount; i++) {
      whole &= take(0, 9) != NONE;
    }
    return ended(whole);
  }

  /// The end of a test in which so many frames are still free: whether just these can be had, one
  /// by one.
  final int endedWith(int freeFrames) {
    return ended(count() == freeFrames);
  }

  final int ended(boolean good) {
    BLOCKS.add(block);
    return good ? GOOD : LOST;
  }
}
