package dev.bifolio.bench;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameCache;
import dev.bifolio.kernel.frame.HybridAllocator;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;

/// The hybrid allocator with a [FrameCache] for each thread: single frames go through it, all other
/// blocks past it.
final class OwnedCacheSubject extends Subject {
  private final Window metadata;
  private final long metadataBytes;
  private final HybridAllocator frames;
  private final FrameCache cache;

  private OwnedCacheSubject(Window metadata, long metadataBytes, HybridAllocator frames) {
    this.metadata = metadata;
    this.metadataBytes = metadataBytes;
    this.frames = frames;
    cache = frames.openCache(AllocationFlags.NONE);
  }

  static OwnedCacheSubject create(long frameCount) {
    long byteSize = HybridSubject.byteSize(frameCount);
    try {
      Window metadata = Window.reserve(byteSize);
      return new OwnedCacheSubject(
          metadata, byteSize, HybridSubject.allocator(metadata, frameCount));
    } catch (WindowException e) {
      throw new IllegalStateException(e.getMessage(), e);
    }
  }

  @Override
  long allocate(int order) {
    return order == 0 ? cache.allocate() : allocate(order, AllocationFlags.NONE);
  }

  @Override
  long allocate(int order, int flags) {
    long pfn = frames.allocate(order, flags);
    return pfn == NO_FRAME ? allocateAfterDraining(order, flags) : pfn;
  }

  /// What the cache asks of others it must do itself.
  private long allocateAfterDraining(int order, int flags) {
    cache.drain();
    return frames.allocate(order, flags);
  }

  @Override
  void free(long pfn, int order) {
    if (order == 0) {
      cache.free(pfn);
    } else {
      frames.free(pfn, order);
    }
  }

  @Override
  Subject handle() {
    return new OwnedCacheSubject(metadata, metadataBytes, frames);
  }

  @Override
  void closeHandle() {
    cache.close();
  }

  @Override
  void drain() {
    cache.drain();
    frames.drainCaches();
  }

  @Override
  int maxOrder() {
    return frames.maxOrder();
  }

  @Override
  long metadataBytes() {
    return metadataBytes;
  }

  @Override
  public void close() {
    cache.close();
    metadata.close();
  }
}
