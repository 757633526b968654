package dev.bifolio.kernel.frame;

/// [FrameAllocatorLoads] for the concurrent allocator.
class HybridLoadsTest extends FrameAllocatorLoads {
  HybridLoadsTest() {
    super(new AllocatorUnderTest.Hybrid());
  }
}
