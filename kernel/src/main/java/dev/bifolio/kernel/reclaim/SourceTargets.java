package dev.bifolio.kernel.reclaim;

import dev.bifolio.kernel.unit.Pages;

/// Targets from wherever a source has them. Blocks only: a source knows no other lengths.
final class SourceTargets implements TargetFrames {
  private FrameSource source;
  private int flags;

  SourceTargets(FrameSource source, int flags) {
    this.source = source;
    this.flags = flags;
  }

  /// Uses another source from now on.
  SourceTargets of(FrameSource newSource, int newFlags) {
    source = newSource;
    flags = newFlags;
    return this;
  }

  @Override
  public long take(long frameCount) {
    boolean isBlock = Long.bitCount(frameCount) == 1;
    return isBlock ? source.allocate(Pages.framesToOrderUp(frameCount), flags) : NONE;
  }

  @Override
  public void giveBack(long pfn, long frameCount) {
    source.free(pfn, Pages.framesToOrderUp(frameCount));
  }
}
