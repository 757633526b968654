package dev.bifolio.kernel.reclaim;

/// What is behind the frames of a machine: the host, who can have it back while nobody uses them.
public interface HostMemory {
  /// Gives back what is behind some frames. They read as zero when they are used again.
  ///
  /// @param startPfn first frame, in nobody's hands but the caller's
  /// @param frameCount 1 or more
  void discard(long startPfn, long frameCount);
}
