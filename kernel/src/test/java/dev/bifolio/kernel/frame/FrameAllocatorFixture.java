package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;
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

  private final List<Window> windows = new ArrayList<>();

  private final AllocatorUnderTest subject;

  FrameAllocatorFixture(AllocatorUnderTest subject) {
    this.subject = subject;
  }

  FrameAllocator uninitialised(int maxOrder) {
    return subject.uninitialised(maxOrder);
  }

  void initialize(FrameAllocator allocator, long metadata, long startAddress, long frameCount) {
    subject.initialize(allocator, metadata, startAddress, frameCount);
  }

  long metadataBytes(long startPfn, long endPfn) {
    return subject.metadataBytes(startPfn, endPfn);
  }

  @AfterEach
  void closeWindows() {
    windows.forEach(Window::close);
    windows.clear();
  }

  long metadataFor(long startPfn, long endPfn) {
    try {
      Window window = Window.reserve(metadataBytes(startPfn, endPfn));
      windows.add(window);
      return window.address();
    } catch (WindowException e) {
      throw new AssertionError(e);
    }
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

  /// Free blocks per order, and with them all that can be seen of the free memory from outside.
  static List<Long> freeBlocks(FrameAllocator allocator) {
    List<Long> blocks = new ArrayList<>();
    for (int order = 0; order <= allocator.maxOrder(); order++) {
      blocks.add(allocator.freeBlockCount(order));
    }
    return blocks;
  }

  static long framesInFreeBlocks(FrameAllocator allocator) {
    long frames = 0;
    for (int order = 0; order <= allocator.maxOrder(); order++) {
      frames += allocator.freeBlockCount(order) << order;
    }
    return frames;
  }

  /// The request throws `error`, its `try` form returns the code of `error`, and neither changes
  /// anything that can be seen.
  static void assertRefused(
      FrameAllocator allocator, FrameError error, Executable plain, LongSupplier tried) {
    List<Long> blocks = freeBlocks(allocator);
    long free = allocator.freeFrameCount();
    FrameRequestException thrown = assertThrows(FrameRequestException.class, plain);
    assertEquals(error, thrown.error(), thrown.getMessage());
    assertTrue(thrown.getMessage().startsWith(error.text() + ": "), thrown.getMessage());
    assertEquals(error.code(), tried.getAsLong());
    assertEquals(blocks, freeBlocks(allocator));
    assertEquals(free, allocator.freeFrameCount());
    allocator.assertValid();
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
