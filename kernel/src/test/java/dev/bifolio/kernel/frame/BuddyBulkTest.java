package dev.bifolio.kernel.frame;

/// [FrameAllocatorBulk] for the classic allocator.
class BuddyBulkTest extends FrameAllocatorBulk {
  BuddyBulkTest() {
    super(new AllocatorUnderTest.Buddy());
  }
}
