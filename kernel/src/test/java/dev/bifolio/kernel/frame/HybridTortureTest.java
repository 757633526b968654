package dev.bifolio.kernel.frame;

/// [FrameAllocatorTorture] for the concurrent allocator.
class HybridTortureTest extends FrameAllocatorTorture {
  HybridTortureTest() {
    super(new AllocatorUnderTest.Hybrid());
  }
}
