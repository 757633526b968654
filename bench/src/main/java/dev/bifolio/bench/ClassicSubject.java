package dev.bifolio.bench;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.BuddyAllocator;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;
import dev.bifolio.kernel.unit.Pages;

/// The classic buddy allocator, called directly: without the lock that a machine puts around it.
final class ClassicSubject extends Subject {
  private final Window metadata;
  private final long metadataBytes;
  private final BuddyAllocator frames;

  private ClassicSubject(Window metadata, long metadataBytes, long frameCount) {
    this.metadata = metadata;
    this.metadataBytes = metadataBytes;
    long startAddress = Pages.pfnToAddress(START_PFN);
    this.frames = new BuddyAllocator(Pages.MAX_ORDER, metadata.address(), startAddress, frameCount);
    frames.addFrames(START_PFN, START_PFN + frameCount);
  }

  static ClassicSubject create(long frameCount) {
    long byteSize = BuddyAllocator.metadataBytes(START_PFN, START_PFN + frameCount);
    try {
      return new ClassicSubject(Window.reserve(byteSize), byteSize, frameCount);
    } catch (WindowException e) {
      throw new IllegalStateException(e.getMessage(), e);
    }
  }

  @Override
  long allocate(int order) {
    return frames.allocate(order, AllocationFlags.NONE);
  }

  @Override
  void free(long pfn, int order) {
    frames.free(pfn, order);
  }

  @Override
  int allocateBulk(long[] pfns, int offset, int count) {
    return frames.allocateBulk(pfns, offset, count, AllocationFlags.NONE);
  }

  @Override
  void freeBulk(long[] pfns, int offset, int count) {
    frames.freeBulk(pfns, offset, count);
  }

  @Override
  void drain() {
    // It keeps no frames aside.
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
    metadata.close();
  }
}
