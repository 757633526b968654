package dev.bifolio.kernel.table;

/// Told of pages that no processor can reach any more, so that their frames may be freed.
public interface PageReceiver {
  /// A page was unmapped or replaced, and all processors have flushed it. Called with the lock of
  /// the space held; must not come back to the space.
  ///
  /// @param physicalAddress of its first byte
  /// @param level its size
  /// @param flags what it allowed, and whether it was accessed and written, to the last
  void unmapped(long physicalAddress, int level, int flags);
}
