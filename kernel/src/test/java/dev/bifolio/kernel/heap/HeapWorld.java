package dev.bifolio.kernel.heap;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.frame.ZeroedWindows;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.Pages;

/// A heap on real memory: some frames kept for it, more beyond, pointers that are not addresses of
/// this JVM.
final class HeapWorld implements AutoCloseable {
  static final long DIRECT = 0xffff_8880_0000_0000L;
  static final long START_PFN = 0x40010;
  static final int REGION_FRAMES = 40;
  static final int CPUS = 2;

  private static final int MOST_CACHES = 24;

  final ZeroedWindows windows = new ZeroedWindows();
  final long endPfn;
  final HeapFrames frames;
  final FrameInfo info;
  final HeapMap map;
  final HeapPages pages;
  final SlabCaches caches;

  HeapWorld(int frameCount) {
    this(frameCount, REGION_FRAMES, 4096);
  }

  HeapWorld(int frameCount, int regionFrames, int slabCount) {
    endPfn = START_PFN + regionFrames + frameCount;
    frames = new HeapFrames(START_PFN + regionFrames, endPfn);
    long ram = windows.reserve((endPfn - START_PFN) * Pages.PAGE_SIZE);
    info = new FrameInfo(windows.reserve(FrameInfo.byteSize(START_PFN, endPfn)), START_PFN, endPfn);
    long firstPointer = DIRECT + START_PFN * 4096;
    map = new HeapMap(DIRECT, ram - firstPointer, info);
    long region = START_PFN + regionFrames;
    pages =
        new HeapPages(
            windows.reserve(HeapPages.byteSize(START_PFN, region)), START_PFN, region, frames, 0);
    long bytes = SlabCaches.byteSize(CPUS, MOST_CACHES, slabCount);
    caches = new SlabCaches(windows.reserve(bytes), map, pages, CPUS, MOST_CACHES, slabCount);
  }

  SlabCache cache(int objectBytes) {
    return caches.create(new SlabSpec("objects-" + objectBytes, objectBytes, 8));
  }

  static SlabSpec spec(int objectBytes, int order, int emptyLimit) {
    return new SlabSpec("objects-" + objectBytes, objectBytes, 8, order, 0, emptyLimit, null);
  }

  void putLong(long pointer, long value) {
    Memory.putLong(map.hostOf(pointer), value);
  }

  long getLong(long pointer) {
    return Memory.getLong(map.hostOf(pointer));
  }

  /// All frames that slabs have.
  long usedFrames() {
    return pages.regionUsedFrames() + pages.sourceUsedFrames();
  }

  void assertValid(SlabCache cache) {
    assertEquals("", cache.validate().problems());
  }

  /// That nothing is left of a cache whose objects are all free.
  void assertGone(SlabCache cache) {
    assertValid(cache);
    assertEquals(0, cache.destroy());
    assertEquals(0, usedFrames());
    assertEquals(0, frames.usedFrames());
    assertEquals(0, caches.records.inUse());
    for (long pfn = START_PFN; pfn < endPfn; pfn++) {
      assertEquals(0, info.get(pfn), "frame " + Long.toHexString(pfn));
    }
  }

  @Override
  public void close() {
    windows.close();
  }
}
