package dev.bifolio.kernel.frame;

/// What a suite over [FrameAllocator] must know of one kind of allocator.
interface AllocatorUnderTest {
  /// An allocator that knows no memory yet.
  FrameAllocator uninitialised(int maxOrder);

  /// Tells it where its metadata are and which span they describe.
  void initialize(
      FrameAllocator allocator, long metadataAddress, long startAddress, long frameCount);

  /// Bytes of zeros that it needs for a span.
  long metadataBytes(long startPfn, long endPfn);

  /// The classic one.
  final class Buddy implements AllocatorUnderTest {
    @Override
    public FrameAllocator uninitialised(int maxOrder) {
      return new BuddyAllocator(maxOrder);
    }

    @Override
    public void initialize(
        FrameAllocator allocator, long metadataAddress, long startAddress, long frameCount) {
      ((BuddyAllocator) allocator).initialize(metadataAddress, startAddress, frameCount);
    }

    @Override
    public long metadataBytes(long startPfn, long endPfn) {
      return BuddyAllocator.metadataBytes(startPfn, endPfn);
    }
  }
}
