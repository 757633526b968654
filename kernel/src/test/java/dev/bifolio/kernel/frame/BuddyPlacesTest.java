package dev.bifolio.kernel.frame;

/// [FrameAllocatorPlaces] for the classic buddy allocator.
class BuddyPlacesTest extends FrameAllocatorPlaces {
  BuddyPlacesTest() {
    super(new AllocatorUnderTest.Buddy());
  }
}
