package dev.bifolio.kernel.frame;

/// [FrameAllocatorRanges] for the concurrent allocator.
class HybridRangesTest extends FrameAllocatorRanges {
  HybridRangesTest() {
    super(new AllocatorUnderTest.Hybrid());
  }
}
