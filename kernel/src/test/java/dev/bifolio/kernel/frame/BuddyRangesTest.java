package dev.bifolio.kernel.frame;

/// [FrameAllocatorRanges] for the classic buddy allocator.
class BuddyRangesTest extends FrameAllocatorRanges {
  BuddyRangesTest() {
    super(new AllocatorUnderTest.Buddy());
  }
}
