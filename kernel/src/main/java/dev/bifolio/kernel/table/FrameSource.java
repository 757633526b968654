package dev.bifolio.kernel.table;

/// Where the frames of tables come from and go.
public interface FrameSource {
  /// Asks for a block.
  ///
  /// @param order binary logarithm of its frames
  /// @param flags of the allocator that stands behind it, passed through
  /// @return the head frame, or a negative number if there is none
  long allocate(int order, int flags);

  /// Gives a block back.
  ///
  /// @param pfn the head frame
  /// @param order as it was asked for
  void free(long pfn, int order);
}
