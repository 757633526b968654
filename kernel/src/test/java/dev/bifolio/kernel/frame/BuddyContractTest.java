package dev.bifolio.kernel.frame;

/// [FrameAllocatorContract] for the classic buddy allocator.
class BuddyContractTest extends FrameAllocatorContract {
  BuddyContractTest() {
    super(new AllocatorUnderTest.Buddy());
  }
}
