package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;
import dev.bifolio.kernel.unit.Pages;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.function.Executable;

/// Hybrid allocators and what the tests of [FrameCache] ask of them.
abstract class OwnedCaches extends HybridParts {
  static final long NO_FRAME = FrameAllocator.NO_FRAME;
  static final int NONE = AllocationFlags.NONE;

  private final List<HybridAllocator> allocators = new ArrayList<>();

  @AfterEach
  void validate() {
    allocators.forEach(OwnedCaches::assertSound);
  }

  HybridAllocator allocatorOf(long startPfn, long frameCount, int cpuCount) {
    long bytes = HybridAllocator.metadataBytes(startPfn, startPfn + frameCount, cpuCount);
    long address = Pages.pfnToAddress(startPfn);
    HybridAllocator allocator =
        new HybridAllocator(Pages.MAX_ORDER, cpuCount, zeros(bytes), address, frameCount);
    allocators.add(allocator);
    return allocator;
  }

  /// So many areas, all of their frames free, for one CPU.
  HybridAllocator areas(int areaCount) {
    long start = 0x12345L << Pages.HUGE_ORDER;
    long frameCount = (long) areaCount << Pages.HUGE_ORDER;
    HybridAllocator allocator = allocatorOf(start, frameCount, 1);
    assertEquals(frameCount, allocator.addFrames(start, start + frameCount));
    return allocator;
  }

  /// The claim word of the cache that was opened as the `number`th one.
  static long claim(HybridAllocator allocator, int number) {
    return allocator.core.slots.claim(allocator.core.slots.firstOwned() + number);
  }

  static int slotCount(HybridAllocator allocator) {
    return Slots.ownedCount(allocator.core.slots.cpuCount());
  }

  static long take(FrameCache cache) {
    long pfn = cache.allocate();
    assertNotEquals(NO_FRAME, pfn);
    return pfn;
  }

  static long take(FrameAllocator allocator, int order) {
    long pfn = allocator.allocate(order, NONE);
    assertNotEquals(NO_FRAME, pfn);
    return pfn;
  }

  static long[] takeMany(FrameAllocator allocator, int count) {
    long[] pfns = new long[count];
    assertEquals(count, allocator.allocateBulk(pfns, 0, count, NONE));
    return pfns;
  }

  /// A huge block as single frames, all of them in use: its area is full, and nobody's.
  static long fullArea(HybridAllocator allocator) {
    long block = take(allocator, Pages.HUGE_ORDER);
    allocator.splitBlock(block, Pages.HUGE_ORDER);
    return block;
  }

  static long inUse(HybridAllocator allocator) {
    return allocator.statistics().usedFrames();
  }

  /// Nothing contradicts anything else.
  static void assertSound(HybridAllocator allocator) {
    ValidationReport report = allocator.validate();
    assertTrue(report.isValid(), report.toString());
    FrameStatistics statistics = allocator.statistics();
    assertEquals(allocator.managedFrameCount(), statistics.totalFrames());
    assertEquals(allocator.freeFrameCount(), statistics.freeFrames());
    assertEquals(allocator.cachedFrameCount(), statistics.cachedFrames());
    assertEquals(
        statistics.totalFrames(),
        statistics.freeFrames() + statistics.cachedFrames() + statistics.usedFrames());
    long allocations = 0;
    long frees = 0;
    for (int order = 0; order <= allocator.maxOrder(); order++) {
      for (int kind = 0; kind < AllocationFlags.KIND_COUNT; kind++) {
        allocations += allocator.allocationCount(order, kind);
      }
      frees += allocator.freeCount(order);
    }
    assertEquals(allocations, statistics.allocations());
    assertEquals(frees, statistics.frees());
  }

  /// All caches closed: everything is in as few blocks as can be.
  static void assertWhole(HybridAllocator allocator) {
    allocator.drainCaches();
    assertEquals(0, allocator.cachedFrameCount());
    assertEquals(allocator.managedFrameCount(), allocator.freeFrameCount());
    assertEquals(
        allocator.managedFrameCount() >> 9,
        allocator.freeBlockCount(9)
            + 2 * allocator.freeBlockCount(10)
            + 4 * allocator.freeBlockCount(11)
            + 8 * allocator.freeBlockCount(12));
    assertSound(allocator);
  }

  /// All that can be seen of a memory and of its caches.
  static List<Object> picture(HybridAllocator allocator, FrameCache cache) {
    List<Object> picture = new ArrayList<>();
    for (int order = 0; order <= allocator.maxOrder(); order++) {
      picture.add(allocator.freeBlockCount(order));
      picture.add(allocator.freeCount(order));
      picture.add(allocator.allocationCount(order, 0));
    }
    picture.add(allocator.freeFrameCount());
    picture.add(allocator.cachedFrameCount());
    picture.add(cache.cachedFrameCount());
    picture.add(cache.statistics());
    picture.add(allocator.cacheStatistics());
    for (int slot = 0; slot < allocator.core.slots.count(); slot++) {
      long claim = allocator.core.slots.claim(slot);
      picture.add(Memory.getLong(claim));
      picture.add(Memory.getLong(Slots.header(claim, 0)));
    }
    return picture;
  }

  /// The free is refused by the cache, in both styles, and nothing changes.
  static void assertRefused(
      HybridAllocator allocator, FrameCache cache, FrameError error, long pfn) {
    assertRefused(allocator, cache, error, () -> cache.free(pfn), () -> cache.tryFree(pfn));
  }

  /// The free is refused by the allocator, in every form that can name a single frame.
  static void assertRefusedElsewhere(
      HybridAllocator allocator, FrameCache cache, FrameError error, long pfn) {
    assertRefused(
        allocator, cache, error, () -> allocator.free(pfn, 0), () -> allocator.tryFree(pfn, 0));
    assertRefused(
        allocator,
        cache,
        error,
        () -> allocator.freeFrames(pfn, 1),
        () -> allocator.tryFreeFrames(pfn, 1));
    assertRefused(
        allocator,
        cache,
        error,
        () -> allocator.freeRange(pfn, 1),
        () -> allocator.tryFreeRange(pfn, 1));
    assertRefused(
        allocator,
        cache,
        error,
        () -> allocator.freeBulk(new long[] {pfn}, 0, 1),
        () -> allocator.tryFreeOn(3, pfn, 0));
  }

  private static void assertRefused(
      HybridAllocator allocator,
      FrameCache cache,
      FrameError error,
      Executable plain,
      LongSupplier tried) {
    List<Object> before = picture(allocator, cache);
    long refused = allocator.statistics().refusedFrees();
    FrameRequestException thrown = assertThrows(FrameRequestException.class, plain);
    assertEquals(error, thrown.error(), thrown.getMessage());
    assertEquals(error.code(), tried.getAsLong());
    assertEquals(refused + 2, allocator.statistics().refusedFrees());
    assertEquals(before, picture(allocator, cache));
    assertSound(allocator);
  }
}
