package dev.bifolio.kernel.frame;

/// [FrameAllocatorLoads] for the classic buddy allocator.
class BuddyLoadsTest extends FrameAllocatorLoads {
  BuddyLoadsTest() {
    super(new AllocatorUnderTest.Buddy());
  }
}
