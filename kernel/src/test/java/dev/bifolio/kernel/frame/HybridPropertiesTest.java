package dev.bifolio.kernel.frame;

import org.junit.jupiter.api.Tag;

/// [FrameAllocatorProperties] for the concurrent allocator.
@Tag("slow")
class HybridPropertiesTest extends FrameAllocatorProperties {
  HybridPropertiesTest() {
    super(new AllocatorUnderTest.Hybrid());
  }
}
