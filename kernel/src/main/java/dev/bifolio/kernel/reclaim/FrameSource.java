package dev.bifolio.kernel.reclaim;

/// Where the classes of this package get frames and give them back, so that each of them runs on
/// the zones of a machine and on a bare allocator alike. Any thread, if the allocator behind it
/// allows it.
public interface FrameSource {
  /// Allocates a block.
  ///
  /// @param order its order
  /// @param flags bits of [dev.bifolio.kernel.frame.AllocationFlags]
  /// @return its first frame, a negative number if there is none
  long allocate(int order, int flags);

  /// Gives a block back.
  ///
  /// @param pfn its first frame
  /// @param order its order
  void free(long pfn, int order);
}
