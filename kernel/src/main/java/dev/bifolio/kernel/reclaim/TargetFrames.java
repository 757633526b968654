package dev.bifolio.kernel.reclaim;

/// Where the frames come from that movable blocks are moved to.
interface TargetFrames {
  long NONE = -1;

  /// Allocates a run of just this length.
  ///
  /// @return its first frame, or a negative number
  long take(long frameCount);

  /// Takes a run back that was not used.
  void giveBack(long pfn, long frameCount);
}
