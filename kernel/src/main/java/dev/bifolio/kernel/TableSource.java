package dev.bifolio.kernel;

import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.unit.FrameSource;
import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.kernel.zone.ZonedFrames;

/// Frames of the zones for page tables.
///
/// While the machine boots, they are cut from runs, each twice as long as the one before: a map may
/// have ten thousands of ranges, with a table for each and a bank for each, and a request for every
/// table would ask every bank. Runs are of the first CPU's node, so that a boot is the same
/// wherever it runs, and tables lie together. What is left of the last run goes back.
final class TableSource implements FrameSource {
  private static final long TABLE = FrameInfo.word(FrameInfo.KIND_TABLE, 0, 0, 0);
  private static final long NOTHING = -1;
  private static final long LONGEST_RUN = 1L << Pages.HUGE_ORDER;

  private final ZonedFrames frames;
  private final long maxPfn;
  private boolean isBooting = true;
  private long runFrames = 8;
  private long nextPfn;
  private long endPfn;

  /// Tables from zones.
  ///
  /// @param maxPfn the highest frame that may be a table; [Long#MAX_VALUE] if all may be that zones
  ///   give
  TableSource(ZonedFrames frames, long maxPfn) {
    this.frames = frames;
    this.maxPfn = maxPfn;
  }

  /// Gives back what was taken and not used. From now on each CPU gets what is near it. Before
  /// anybody else allocates.
  void endBoot() {
    isBooting = false;
    for (; nextPfn < endPfn; nextPfn++) {
      frames.free(nextPfn, 0);
    }
  }

  @Override
  public long allocate(int order, int flags) {
    long pfn = isBooting ? allocateAtBoot(flags) : allocateLater(order, flags);
    if (pfn >= 0) {
      infoOf(pfn).put(pfn, TABLE);
    }
    return pfn;
  }

  private long allocateLater(int order, int flags) {
    return maxPfn == Long.MAX_VALUE
        ? frames.tryAllocate(order, flags)
        : frames.tryAllocateFramesWithin(1, flags, 1, maxPfn, 0);
  }

  private long allocateAtBoot(int flags) {
    int node = frames.topology().nodeOfCpu(0);
    for (; nextPfn == endPfn && runFrames > 0; runFrames /= 2) {
      long pfn =
          maxPfn == Long.MAX_VALUE
              ? frames.tryAllocateNear(node, runFrames, flags)
              : frames.tryAllocateFramesWithin(runFrames, flags, 1, maxPfn, 0);
      if (pfn >= 0) {
        frames.splitFrames(pfn, runFrames);
        nextPfn = pfn;
        endPfn = pfn + runFrames;
        runFrames = Math.min(4 * runFrames, 2 * LONGEST_RUN);
      }
    }
    return nextPfn == endPfn ? NOTHING : nextPfn++;
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
