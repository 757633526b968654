package dev.bifolio.kernel.frame;

/// [FrameAllocatorCounts] for the concurrent allocator.
class HybridCountsTest extends FrameAllocatorCounts {
  HybridCountsTest() {
    super(new AllocatorUnderTest.Hybrid());
  }
}
