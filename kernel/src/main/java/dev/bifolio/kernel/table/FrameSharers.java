package dev.bifolio.kernel.table;

/// Counts how many mappings share a frame. Any thread.
public interface FrameSharers {
  /// One more mapping.
  ///
  /// @param pfn a frame with one mapping or more
  /// @return false, and nothing has changed, if no more can be counted
  boolean add(long pfn);

  /// One mapping less.
  ///
  /// @param pfn a frame with one mapping or more
  /// @return true if that was the last: the frame is the caller's to free
  boolean drop(long pfn);

  /// How many mappings there are, at this moment.
  ///
  /// @param pfn a frame with one mapping or more
  /// @return 1 if nobody shares it
  long count(long pfn);
}
