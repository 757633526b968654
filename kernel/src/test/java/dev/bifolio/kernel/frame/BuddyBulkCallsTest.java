package dev.bifolio.kernel.frame;

/// [FrameAllocatorBulk] for the classic allocator.
class BuddyBulkCallsTest extends FrameAllocatorBulk {
  BuddyBulkCallsTest() {
    super(new AllocatorUnderTest.Buddy());
  }
}
