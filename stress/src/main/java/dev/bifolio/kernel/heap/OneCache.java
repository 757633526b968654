package dev.bifolio.kernel.heap;

import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.frame.Race;
import dev.bifolio.kernel.unit.PageFrames;
import java.util.concurrent.atomic.AtomicInteger;

/// A cache of two objects a slab, for two CPUs, over four frames whose bytes nobody touches.
class OneCache extends Race implements PageFrames {
  static final long OBJECT_BYTES = 2048;

  private static final int FRAMES = 4;
  private static final long DIRECT = 1L << 40;
  private static final long INFO_BYTES = FrameInfo.byteSize(0, FRAMES);
  private static final long PAGES_BYTES = HeapPages.byteSize(0, 0);

  final SlabCache cache;

  /// What is free, a bit a frame.
  private final AtomicInteger free = new AtomicInteger((1 << FRAMES) - 1);

  /// Frames that were freed twice.
  private final AtomicInteger mistakes = new AtomicInteger();

  /// Empty slabs go back at once.
  OneCache() {
    super(1024 + SlabCaches.byteSize(2, 1, FRAMES));
    HeapMap map = new HeapMap(DIRECT, 0, new FrameInfo(words, 0, FRAMES));
    HeapPages pages = new HeapPages(words + INFO_BYTES, 0, 0, this, 0);
    if (INFO_BYTES + PAGES_BYTES > 1024) {
      throw new IllegalStateException("too small a block");
    }
    SlabCaches caches = new SlabCaches(words + 1024, map, pages, 2, 1, FRAMES);
    cache = caches.create(new SlabSpec("x", (int) OBJECT_BYTES, 8, 0, 0, 0, null));
  }

  // ---- Frames ----

  @Override
  public final long allocate(int order, int flags) {
    while (true) {
      int now = free.get();
      if (now == 0) {
        return -1;
      }
      if (free.compareAndSet(now, now & (now - 1))) {
        return Integer.numberOfTrailingZeros(now);
      }
    }
  }

  @Override
  public final void free(long pfn, int order) {
    int bit = 1 << pfn;
    if ((free.getAndAccumulate(bit, (now, freed) -> now | freed) & bit) != 0) {
      mistakes.incrementAndGet();
    }
  }

  @Override
  public final void split(long pfn, int order) {
    throw new IllegalStateException("there are no large pages");
  }

  // ---- What actors do ----

  final long must(int cpu) {
    long pointer = cache.allocate(cpu);
    if (pointer == SlabCache.NO_MEMORY) {
      throw new IllegalStateException("no object");
    }
    return pointer;
  }

  final int free(long pointer) {
    return yes(cache.tryFree(pointer).isFreed());
  }

  final int free(SlabOwner owner, long pointer) {
    return yes(owner.tryFree(pointer).isFreed());
  }

  // ---- The end ----

  /// Whether the structure is sound and just so many objects are in use.
  final boolean has(int liveObjects) {
    return cache.validate().isValid() && cache.statistics().activeObjects() == liveObjects;
  }

  /// The end of a test in which these objects are in use still: whether they are different ones,
  /// and all frames are free when they are freed.
  final int endedWith(long... inUse) {
    boolean good = has(inUse.length);
    for (long pointer : inUse) {
      good &= cache.tryFree(pointer).isFreed();
    }
    good &= cache.destroy() == 0 && free.get() == (1 << FRAMES) - 1 && mistakes.get() == 0;
    return ended(good);
  }
}
