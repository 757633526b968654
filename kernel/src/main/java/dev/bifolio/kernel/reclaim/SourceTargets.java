package dev.bifolio.kernel.reclaim;

import dev.bifolio.kernel.unit.FrameSource;
import dev.bifolio.kernel.unit.Pages;
import org.jspecify.annotations.Nullable;

/// Targets from wherever a source has them. Blocks only: a source knows no other lengths.
final class SourceTargets implements TargetFrames {
  private @Nullable FrameSource source;
  private int flags;

  /// Uses this source from now on.
  void use(FrameSource newSource, int newFlags) {
    source = newSource;
    flags = newFlags;
  }

  @Override
  public long take(long frameCount) {
    boolean isBlock = Long.bitCount(frameCount) == 1;
    return isBlock && source != null
        ? source.allocate(Pages.framesToOrderUp(frameCount), flags)
        : NONE;
  }

  @Override
  public void giveBack(long pfn, long frameCount) {
    if (source != null) {
      source.free(pfn, Pages.framesToOrderUp(frameCount));
    }
  }
}
