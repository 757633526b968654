package dev.bifolio.kernel.frame;

/// [FrameAllocatorCounts] for the classic buddy allocator.
class BuddyCountsTest extends FrameAllocatorCounts {
  BuddyCountsTest() {
    super(new AllocatorUnderTest.Buddy());
  }
}
