package dev.bifolio.kernel.frame;

/// [FrameAllocatorContract] for the classic buddy allocator.
class BuddyContractTest extends FrameAllocatorContract {
  @Override
  FrameAllocator uninitialised(int maxOrder) {
    return new BuddyAllocator(maxOrder);
  }

  @Override
  void initialize(
      FrameAllocator allocator, long metadataAddress, long startAddress, long frameCount) {
    ((BuddyAllocator) allocator).initialize(metadataAddress, startAddress, frameCount);
  }

  @Override
  long metadataBytes(long startPfn, long endPfn) {
    return BuddyAllocator.metadataBytes(startPfn, endPfn);
  }
}
