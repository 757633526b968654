package dev.bifolio.kernel.frame;

/// [FrameAllocatorTorture] for the classic buddy allocator.
class BuddyTortureTest extends FrameAllocatorTorture {
  BuddyTortureTest() {
    super(new AllocatorUnderTest.Buddy());
  }
}
