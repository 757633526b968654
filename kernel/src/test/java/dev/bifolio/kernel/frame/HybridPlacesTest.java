package dev.bifolio.kernel.frame;

/// [FrameAllocatorPlaces] for the concurrent allocator.
class HybridPlacesTest extends FrameAllocatorPlaces {
  HybridPlacesTest() {
    super(new AllocatorUnderTest.Hybrid());
  }
}
