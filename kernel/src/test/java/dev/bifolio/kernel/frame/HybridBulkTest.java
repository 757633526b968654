package dev.bifolio.kernel.frame;

/// [FrameAllocatorBulk] for the concurrent allocator.
class HybridBulkTest extends FrameAllocatorBulk {
  HybridBulkTest() {
    super(new AllocatorUnderTest.Hybrid());
  }
}
