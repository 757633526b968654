package dev.bifolio.kernel.reclaim;

/// What a migration does with the bytes of a block. [MappedCopier] copies them; a simulation of
/// memory that is not there leaves them alone. Any thread.
public interface FrameCopier {
  /// Copies the bytes of some frames.
  ///
  /// @param fromPfn the first frame to read
  /// @param toPfn the first frame to write; the two runs do not overlap
  /// @param frameCount 1 or more
  void copy(long fromPfn, long toPfn, long frameCount);

  /// Whether two runs of frames hold the same bytes.
  ///
  /// @param aPfn the first frame of one
  /// @param bPfn the first frame of the other
  /// @param frameCount 1 or more
  /// @return true if every byte is the same
  boolean isSame(long aPfn, long bPfn, long frameCount);
}
