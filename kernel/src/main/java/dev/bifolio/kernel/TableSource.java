package dev.bifolio.kernel;

import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.unit.FrameSource;
import dev.bifolio.kernel.zone.ZonedFrames;

/// Frames of the zones for page tables: those of the node of the CPU that asks, and those of the
/// first CPU while the machine boots, so that a boot is the same wherever it runs.
final class TableSource implements FrameSource {
  private static final long TABLE = FrameInfo.word(FrameInfo.KIND_TABLE, 0, 0, 0);

  private final ZonedFrames frames;
  private boolean isBooting = true;

  TableSource(ZonedFrames frames) {
    this.frames = frames;
  }

  /// From now on each CPU gets what is near it. Before anybody else allocates.
  void endBoot() {
    isBooting = false;
  }

  @Override
  public long allocate(int order, int flags) {
    long pfn = isBooting ? frames.tryAllocateOn(0, order, flags) : frames.tryAllocate(order, flags);
    if (pfn >= 0) {
      infoOf(pfn).put(pfn, TABLE);
    }
    return pfn;
  }

  @Override
  public void free(long pfn, int order) {
    infoOf(pfn).put(pfn, 0);
    frames.free(pfn, order);
  }

  private FrameInfo infoOf(long pfn) {
    FrameInfo info = frames.zones().infoOf(pfn);
    if (info == null) {
      throw new IllegalStateException("a table outside of the machine's frames");
    }
    return info;
  }
}
