package dev.bifolio.kernel.frame;

/// [FrameAllocatorContract] for the concurrent allocator.
class HybridContractTest extends FrameAllocatorContract {
  HybridContractTest() {
    super(new AllocatorUnderTest.Hybrid());
  }
}
