package dev.bifolio.kernel.frame;

/// [FrameAllocatorGuards] for the classic buddy allocator.
class BuddyGuardsTest extends FrameAllocatorGuards {
  BuddyGuardsTest() {
    super(new AllocatorUnderTest.Buddy());
  }
}
