package dev.bifolio.bench;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.HybridAllocator;
import dev.bifolio.kernel.platform.Cpu;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;
import dev.bifolio.kernel.unit.Pages;

/// The hybrid allocator through its public calls, which ask for the current CPU.
final class HybridSubject extends Subject {
  private final Window metadata;
  private final long metadataBytes;
  private final HybridAllocator frames;

  private HybridSubject(Window metadata, long metadataBytes, long frameCount) {
    this.metadata = metadata;
    this.metadataBytes = metadataBytes;
    this.frames = allocator(metadata, frameCount);
  }

  /// An allocator of so many free frames.
  static HybridAllocator allocator(Window metadata, long frameCount) {
    long startAddress = Pages.pfnToAddress(START_PFN);
    HybridAllocator frames =
        new HybridAllocator(
            Pages.MAX_ORDER, Cpu.count(), metadata.address(), startAddress, frameCount);
    frames.addFrames(START_PFN, START_PFN + frameCount);
    return frames;
  }

  static long byteSize(long frameCount) {
    return HybridAllocator.metadataBytes(START_PFN, START_PFN + frameCount, Cpu.count());
  }

  static HybridSubject create(long frameCount) {
    long byteSize = byteSize(frameCount);
    try {
      return new HybridSubject(Window.reserve(byteSize), byteSize, frameCount);
    } catch (WindowException e) {
      throw new IllegalStateException(e.getMessage(), e);
    }
  }

  @Override
  long allocate(int order) {
    return frames.allocate(order, AllocationFlags.NONE);
  }

  @Override
  long allocate(int order, int flags) {
    return frames.allocate(order, flags);
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
    metadata.close();
  }
}
