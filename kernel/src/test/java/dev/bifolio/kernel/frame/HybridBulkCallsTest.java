package dev.bifolio.kernel.frame;

/// [FrameAllocatorBulk] for the concurrent allocator.
class HybridBulkCallsTest extends FrameAllocatorBulk {
  HybridBulkCallsTest() {
    super(new AllocatorUnderTest.Hybrid());
  }
}
