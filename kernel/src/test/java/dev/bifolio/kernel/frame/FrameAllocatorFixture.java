package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;
import dev.bifolio.kernel.unit.Pages;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.function.Executable;

/// What the suites over [FrameAllocator] need from the allocator they run on, and their helpers.
abstract class FrameAllocatorFixture {
  static final long NO_FRAME = FrameAllocator.NO_FRAME;

  private final ZeroedWindows windows = new ZeroedWindows();
  private final List<FrameAllocator> allocators = new ArrayList<>();

  final AllocatorUnderTest subject;

  FrameAllocatorFixture(AllocatorUnderTest subject) {
    this.subject = subject;
  }

  FrameAllocator uninitialised(int maxOrder) {
    return subject.uninitialised(maxOrder);
  }

  void initialize(FrameAllocator allocator, long metadata, long startAddress, long frameCount) {
    subject.initialize(allocator, metadata, startAddress, frameCount);
    allocators.add(allocator);
  }

  long metadataBytes(long startPfn, long endPfn) {
    return subject.metadataBytes(startPfn, endPfn);
  }

  /// Whatever a test did, it leaves sound allocators behind. The classic one takes its quick walk:
  /// some of these memories are terabytes, and the other reads a descriptor for each frame.
  @AfterEach
  void validateAndClose() {
    try {
      for (FrameAllocator allocator : allocators) {
        ValidationReport report =
            subject.hasCaches() ? allocator.validate() : allocator.validateBlocks();
        assertTrue(report.isValid(), report.toString());
      }
    } finally {
      closeWindows();
    }
  }

  /// The metadata of an allocator were changed behind its back: it is not validated at the end.
  void forget(FrameAllocator allocator) {
    assertTrue(allocators.remove(allocator));
  }

  /// Forgets all allocators and their metadata.
  void closeWindows() {
    allocators.clear();
    windows.close();
  }

  long metadataFor(long startPfn, long endPfn) {
    return windows.reserve(metadataBytes(startPfn, endPfn));
  }

  /// An allocator of a span of which no frame is managed yet.
  FrameAllocator spanOf(int maxOrder, long startPfn, long frameCount) {
    FrameAllocator allocator = uninitialised(maxOrder);
    long metadata = metadataFor(startPfn, startPfn + frameCount);
    initialize(allocator, metadata, Pages.pfnToAddress(startPfn), frameCount);
    return allocator;
  }

  /// An allocator with all frames of its span free.
  FrameAllocator memoryOf(int maxOrder, long startPfn, long frameCount) {
    FrameAllocator allocator = spanOf(maxOrder, startPfn, frameCount);
    assertEquals(frameCount, allocator.addFrames(startPfn, startPfn + frameCount));
    return allocator;
  }

  FrameAllocator memoryOf(long frameCount) {
    return memoryOf(Pages.MAX_ORDER, 0, frameCount);
  }

  static long allocate(FrameAllocator allocator, int order) {
    return allocator.allocate(order, AllocationFlags.NONE);
  }

  static long allocateFrames(FrameAllocator allocator, long frameCount) {
    return allocator.allocateFrames(frameCount, AllocationFlags.NONE);
  }

  /// Frames that are not in use: free, or waiting in a cache.
  static long notInUse(FrameAllocator allocator) {
    return allocator.freeFrameCount() + allocator.cachedFrameCount();
  }

  /// Free blocks per order, and with them all that can be seen of the free memory from outside.
  /// Caches are emptied first.
  static List<Long> freeBlocks(FrameAllocator allocator) {
    allocator.drainCaches();
    return blocksAsTheyAre(allocator);
  }

  /// Free blocks of an order when all caches are empty.
  static long freeBlocks(FrameAllocator allocator, int order) {
    allocator.drainCaches();
    return allocator.freeBlockCount(order);
  }

  static List<Long> blocksAsTheyAre(FrameAllocator allocator) {
    List<Long> blocks = new ArrayList<>();
    for (int order = 0; order <= allocator.maxOrder(); order++) {
      blocks.add(allocator.freeBlockCount(order));
    }
    return blocks;
  }

  /// Frames in the free blocks when all caches are empty.
  static long framesInFreeBlocks(FrameAllocator allocator) {
    allocator.drainCaches();
    return framesInBlocksAsTheyAre(allocator);
  }

  static long framesInBlocksAsTheyAre(FrameAllocator allocator) {
    long frames = 0;
    for (int order = 0; order <= allocator.maxOrder(); order++) {
      frames += allocator.freeBlockCount(order) << order;
    }
    return frames;
  }

  /// Free, cached and used frames add up, and two ways to count each agree.
  static void assertConserved(FrameAllocator allocator) {
    FrameStatistics statistics = allocator.statistics();
    assertEquals(allocator.managedFrameCount(), statistics.totalFrames());
    assertEquals(allocator.freeFrameCount(), statistics.freeFrames());
    assertEquals(allocator.cachedFrameCount(), statistics.cachedFrames());
    assertEquals(statistics.freeFrames(), framesInBlocksAsTheyAre(allocator));
    assertEquals(
        statistics.totalFrames(),
        statistics.freeFrames() + statistics.cachedFrames() + statistics.usedFrames());
  }

  /// Does something that must leave the memory as it is, block by block. Caches are not emptied for
  /// the comparison: that would hide what was done to them.
  static void assertChangesNothing(FrameAllocator allocator, Executable action) {
    List<Long> blocks = blocksAsTheyAre(allocator);
    long free = allocator.freeFrameCount();
    long cached = allocator.cachedFrameCount();
    long used = allocator.statistics().usedFrames();
    assertDoesNotThrow(action);
    assertEquals(blocks, blocksAsTheyAre(allocator));
    assertEquals(free, allocator.freeFrameCount());
    assertEquals(cached, allocator.cachedFrameCount());
    assertEquals(used, allocator.statistics().usedFrames());
    allocator.assertValid();
  }

  /// The request throws `error`, its `try` form returns the code of `error`, and neither changes
  /// anything that can be seen.
  static void assertRefused(
      FrameAllocator allocator, FrameError error, Executable plain, LongSupplier tried) {
    assertChangesNothing(
        allocator,
        () -> {
          FrameRequestException thrown = assertThrows(FrameRequestException.class, plain);
          assertEquals(error, thrown.error(), thrown.getMessage());
          assertTrue(thrown.getMessage().startsWith(error.text() + ": "), thrown.getMessage());
          assertEquals(error.code(), tried.getAsLong());
        });
  }

  static void assertFreeRefused(FrameAllocator allocator, FrameError error, long pfn, int order) {
    assertRefused(
        allocator, error, () -> allocator.free(pfn, order), () -> allocator.tryFree(pfn, order));
  }

  static void assertFreeFramesRefused(
      FrameAllocator allocator, FrameError error, long pfn, long frameCount) {
    assertRefused(
        allocator,
        error,
        () -> allocator.freeFrames(pfn, frameCount),
        () -> allocator.tryFreeFrames(pfn, frameCount));
  }
}
