package dev.bifolio.kernel.frame;

import java.util.List;

/// What a suite over [FrameAllocator] must know of one kind of allocator.
interface AllocatorUnderTest {
  /// The names of all kinds, for the command line; the default comes last.
  List<String> NAMES = List.of("classic", "hybrid");

  /// The kind with a name.
  static AllocatorUnderTest named(String name) {
    return switch (name) {
      case "classic" -> new Buddy();
      case "hybrid" -> new Hybrid();
      default ->
          throw new IllegalArgumentException("no allocator " + name + ", there are " + NAMES);
    };
  }

  /// An allocator that knows no memory yet.
  FrameAllocator uninitialised(int maxOrder);

  /// Tells it where its metadata are and which span they describe.
  void initialize(
      FrameAllocator allocator, long metadataAddress, long startAddress, long frameCount);

  /// Bytes of zeros that it needs for a span.
  long metadataBytes(long startPfn, long endPfn);

  /// Whether freed frames may wait in caches.
  boolean hasCaches();

  /// The most frames that may wait in caches at once.
  default long cachedFramesAtMost(long managedFrames) {
    return 0;
  }

  /// Whether the peak is exact at any time, and not only the most that was seen.
  boolean exactPeak();

  /// Whether each halving of a block is a split and each join of two halves a coalesce.
  boolean exactSplits();

  /// [FrameAllocator#tryAllocate] as though on another CPU, where that makes a difference.
  default long tryAllocateOn(FrameAllocator allocator, int cpu, int order, int flags) {
    return allocator.tryAllocate(order, flags);
  }

  /// [FrameAllocator#tryFree] as though on another CPU, where that makes a difference.
  default long tryFreeOn(FrameAllocator allocator, int cpu, long pfn, int order) {
    return allocator.tryFree(pfn, order);
  }

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

    @Override
    public boolean hasCaches() {
      return false;
    }

    @Override
    public boolean exactPeak() {
      return true;
    }

    @Override
    public boolean exactSplits() {
      return true;
    }
  }

  /// The concurrent one, with caches for two CPUs.
  final class Hybrid implements AllocatorUnderTest {
    private static final int CPUS = 2;

    @Override
    public FrameAllocator uninitialised(int maxOrder) {
      return new HybridAllocator(maxOrder, CPUS);
    }

    @Override
    public void initialize(
        FrameAllocator allocator, long metadataAddress, long startAddress, long frameCount) {
      ((HybridAllocator) allocator).initialize(metadataAddress, startAddress, frameCount);
    }

    @Override
    public long metadataBytes(long startPfn, long endPfn) {
      return HybridAllocator.metadataBytes(startPfn, endPfn, CPUS);
    }

    @Override
    public boolean hasCaches() {
      return true;
    }

    @Override
    public long cachedFramesAtMost(long managedFrames) {
      return CPUS * AllocationFlags.KIND_COUNT * 32L + managedFrames / 64;
    }

    @Override
    public boolean exactPeak() {
      return false;
    }

    @Override
    public boolean exactSplits() {
      return false;
    }

    @Override
    public long tryAllocateOn(FrameAllocator allocator, int cpu, int order, int flags) {
      return ((HybridAllocator) allocator).tryAllocateOn(cpu, order, flags);
    }

    @Override
    public long tryFreeOn(FrameAllocator allocator, int cpu, long pfn, int order) {
      return ((HybridAllocator) allocator).tryFreeOn(cpu, pfn, order);
    }
  }
}
