package dev.bifolio.kernel.unit;

/// A source of frames for user memory: a large page is one block as long as it is mapped as one,
/// and single frames afterwards. Any thread, if the allocator behind it allows it.
public interface PageFrames extends FrameSource {
  /// Turns an allocated block into single frames, each of which is freed alone.
  ///
  /// @param pfn the block's first frame
  /// @param order as it was allocated
  void split(long pfn, int order);
}
