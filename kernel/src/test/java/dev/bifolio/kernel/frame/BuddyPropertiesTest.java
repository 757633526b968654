package dev.bifolio.kernel.frame;

/// [FrameAllocatorProperties] for the classic buddy allocator.
class BuddyPropertiesTest extends FrameAllocatorProperties {
  BuddyPropertiesTest() {
    super(new AllocatorUnderTest.Buddy());
  }
}
