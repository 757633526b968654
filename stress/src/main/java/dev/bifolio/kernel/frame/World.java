package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.Pages;
import java.util.function.LongSupplier;

/// A small machine for one race: the real allocator over real off-heap metadata, of a few areas.
///
/// A test begins from a state that its constructor makes, lets two actors race, and asks in the
/// end, alone, whether anything is lost. What it answers is 1 for yes and 0 for no.
class World extends Race {
  static final long NONE = HybridCore.NONE;
  static final int KIND = 0;

  private static final int CPUS = 2;

  final HybridAllocator allocator;
  final HybridCore core;
  private final int frameCount;

  /// One area.
  World() {
    this(1, CPUS);
  }

  World(int areaCount) {
    this(areaCount, CPUS);
  }

  World(int areaCount, int cpuCount) {
    super(HybridAllocator.metadataBytes(0, areaCount * (long) AreaWord.FRAMES, cpuCount));
    frameCount = areaCount * AreaWord.FRAMES;
    allocator = new HybridAllocator(20, cpuCount, words, 0, frameCount);
    core = allocator.core;
    allocator.addFrames(0, frameCount);
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
    for (int taken = AreaWord.FRAMES; taken < frameCount; taken += AreaWord.FRAMES) {
      must(0, 9);
    }
    for (int next = 8; next >= order; next--) {
      must(0, next);
    }
    core.callBack.all();
  }

  final int free(int cpu, long pfn, int order) {
    return yes(core.free(cpu, pfn, order));
  }

  /// Frees a run past the caches.
  final int freeRun(long pfn, int count) {
    return yes(core.freeRun(pfn, count));
  }

  final int split(long pfn, int count) {
    return yes(core.split(pfn, count));
  }

  final int drainSlot(int cpu) {
    return yes(core.claims.drain(core.slots.of(cpu, KIND)));
  }

  final long slot(int cpu) {
    return core.slots.claim(core.slots.of(cpu, KIND));
  }

  /// The frames in the claim word of a CPU.
  final int cached(int cpu) {
    return ClaimWord.mask(Memory.getLongVolatile(slot(cpu)));
  }

  /// The end of a test in which all was freed: whether all areas can be had as huge blocks.
  final int endedWhole() {
    boolean whole = true;
    for (int taken = 0; taken < frameCount; taken += AreaWord.FRAMES) {
      whole &= take(0, Pages.HUGE_ORDER) != NONE;
    }
    return ended(whole);
  }

  /// The end of a test in which so many frames are still free: whether just these can be had, one
  /// by one, each once, and none that is in use.
  final int endedWith(int freeFrames, long... inUse) {
    return ended(canTake(() -> take(0, 0), freeFrames, inUse));
  }

  /// Whether just so many frames can be had from somebody, each once, and none that is in use.
  final boolean canTake(LongSupplier from, int freeFrames, long... inUse) {
    boolean[] seen = new boolean[frameCount];
    boolean good = true;
    for (long pfn : inUse) {
      good &= !seen[(int) pfn];
      seen[(int) pfn] = true;
    }
    int count = 0;
    for (long pfn = from.getAsLong(); pfn != NONE; pfn = from.getAsLong()) {
      good &= !seen[(int) pfn];
      seen[(int) pfn] = true;
      count++;
    }
    return good && count == freeFrames;
  }
}
