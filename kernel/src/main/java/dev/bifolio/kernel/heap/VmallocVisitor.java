package dev.bifolio.kernel.heap;

/// Told of what [Vmalloc] has given out.
public interface VmallocVisitor {
  /// One allocation, by rising addresses. Called under the lock of the [Vmalloc]: must not come
  /// back to it.
  ///
  /// @param address as it was given out
  /// @param byteSize usable, a multiple of 4096, without the guard
  /// @param isLazy whether its pages come when they are touched
  void allocated(long address, long byteSize, boolean isLazy);
}
