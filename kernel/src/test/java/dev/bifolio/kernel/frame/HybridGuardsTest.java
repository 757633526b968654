package dev.bifolio.kernel.frame;

/// [FrameAllocatorGuards] for the concurrent allocator.
class HybridGuardsTest extends FrameAllocatorGuards {
  HybridGuardsTest() {
    super(new AllocatorUnderTest.Hybrid());
  }
}
