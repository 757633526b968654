package dev.bifolio.kernel.frame;

/// [FrameAllocatorProperties] for the concurrent allocator.
class HybridPropertiesTest extends FrameAllocatorProperties {
  HybridPropertiesTest() {
    super(new AllocatorUnderTest.Hybrid());
  }
}
