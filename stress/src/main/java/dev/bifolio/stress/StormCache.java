package dev.bifolio.stress;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameCache;
import dev.bifolio.testkit.SplitMix64;

/// The [FrameCache] of one thread of a [Storm], who drains it at times, closes it and opens
/// another, or hands it on to another thread for his. One thread at a time, as for the cache
/// itself.
final class StormCache {
  private final Storm storm;
  private final SplitMix64 random;
  private FrameCache cache;

  StormCache(Storm storm, SplitMix64 random) {
    this.storm = storm;
    this.random = random;
    cache = open();
  }

  private FrameCache open() {
    return storm.allocator().openCache(random.below(AllocationFlags.FRAME_BITS + 1));
  }

  /// A frame, or NO_FRAME.
  long allocate() {
    return cache.allocate();
  }

  long tryFree(long pfn) {
    return cache.tryFree(pfn);
  }

  /// Does something that owners do seldom.
  void turn() {
    switch (random.below(4)) {
      case 0 -> cache.drain();
      case 1 -> {
        cache.close();
        cache = open();
      }
      case 2 -> cache = storm.swap(cache);
      default -> {
        int cached = cache.cachedFrameCount();
        if (cached > 96 || cache.statistics().hits() < 0) {
          throw new AssertionError(cached + " cached, " + cache.statistics());
        }
      }
    }
  }

  void close() {
    cache.close();
    if (cache.cachedFrameCount() != 0) {
      throw new AssertionError("a closed cache has " + cache.cachedFrameCount() + " frames");
    }
  }
}
