package dev.bifolio.kernel.unit;

/// Where whoever needs frames gets them and gives them back: caches, targets of a compaction, page
/// tables. So each of them runs on the zones of a machine and on a bare allocator alike. Any
/// thread, if the allocator behind it allows it.
public interface FrameSource {
  /// Allocates a block.
  ///
  /// @param order binary logarithm of its frames
  /// @param flags of the allocator behind it, `AllocationFlags` of package `frame`
  /// @return its first frame, a negative number if there is none
  long allocate(int order, int flags);

  /// Gives a block back.
  ///
  /// @param pfn its first frame
  /// @param order as it was allocated
  void free(long pfn, int order);
}
