package dev.bifolio.kernel.heap;

import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.platform.SpinLock;
import dev.bifolio.kernel.unit.Pages;
import org.jspecify.annotations.Nullable;

/// All slab caches of a heap, and what they share: the source of frames, the map of pointers, and
/// the records of slabs.
///
/// ```
///   memory:  lock | records of slabs | one block for each cache: lists, counters, slots of the CPUs
/// ```
///
/// The block of a cache that was destroyed is not used again: whoever still has the cache finds it
/// closed, and never in the words of another.
///
/// Any thread.
public final class SlabCaches {
  private static final long RECORDS = 64;

  final HeapMap map;
  final HeapPages pages;
  final SlabRecords records;
  final int cpuCount;

  private final SpinLock lock;
  private final long blocks;
  private final @Nullable SlabCache[] caches;
  private int made;

  /// No caches yet.
  ///
  /// @param address of so many zero bytes as [#byteSize] says, a multiple of 64
  /// @param map of the frames that `pages` gives
  /// @param pages where slabs come from
  /// @param cpuCount how many CPUs get slots of their own, 1 or more
  /// @param cacheCount how many caches there can be, ever
  /// @param slabCount how many slabs there can be at a time, of up to 128 objects; larger ones
  ///   count as up to 17
  public SlabCaches(
      long address, HeapMap map, HeapPages pages, int cpuCount, int cacheCount, long slabCount) {
    if (cpuCount < 1 || cacheCount < 1 || slabCount < 1) {
      throw new IllegalArgumentException(
          cpuCount + " CPUs, " + cacheCount + " caches, " + slabCount + " slabs");
    }
    this.map = map;
    this.pages = pages;
    this.cpuCount = cpuCount;
    lock = new SpinLock(address);
    records = new SlabRecords(address + RECORDS, slabCount);
    blocks = address + blocksOffset(slabCount);
    caches = new SlabCache[cacheCount];
  }

  /// Bytes of memory for the caches.
  ///
  /// @param cpuCount as in the constructor
  /// @param cacheCount as in the constructor
  /// @param slabCount as in the constructor
  /// @return a multiple of 64
  public static long byteSize(int cpuCount, int cacheCount, long slabCount) {
    return blocksOffset(slabCount) + cacheCount * SlabCache.byteSize(cpuCount);
  }

  private static long blocksOffset(long slabCount) {
    return Pages.alignUp(RECORDS + SlabRecords.byteSize(slabCount), SlabClaims.SLOT_BYTES);
  }

  /// Makes a cache. It takes no memory until somebody allocates.
  ///
  /// @param spec what it should be
  /// @return the cache
  /// @throws IllegalArgumentException if not one object fits into a slab
  /// @throws IllegalStateException if there are as many caches as there can be
  public SlabCache create(SlabSpec spec) {
    SlabGeometry geometry = new SlabGeometry(spec);
    lock.lock();
    int index = made < caches.length ? made++ : -1;
    lock.unlock();
    if (index < 0) {
      throw new IllegalStateException("all " + caches.length + " caches are made");
    }
    long block = blocks + index * SlabCache.byteSize(cpuCount);
    SlabCache cache = new SlabCache(this, spec, geometry, index + 1, block);
    caches[index] = cache;
    return cache;
  }

  /// The cache from whose slabs a pointer is.
  ///
  /// @param pointer any
  /// @return the cache, or null if the pointer is of no slab
  public @Nullable SlabCache cacheOf(long pointer) {
    long record = recordOf(pointer);
    if (record == SlabRecords.NONE) {
      return null;
    }
    int cache = SlabRecords.cacheOf(SlabRecords.state(records.at(record)));
    return cache == 0 ? null : caches[cache - 1];
  }

  /// The record of the slab in whose frames a pointer is; 0 if there is none.
  long recordOf(long pointer) {
    long info = map.infoOf(map.pfnOf(pointer));
    return FrameInfo.kindOf(info) == FrameInfo.KIND_SLAB
        ? FrameInfo.ownerOf(info)
        : SlabRecords.NONE;
  }

  /// The header of `/proc/slabinfo` and a line for each cache.
  ///
  /// @return lines
  public String slabinfo() {
    StringBuilder text = new StringBuilder(SlabStatistics.SLABINFO_HEADER);
    for (SlabCache cache : caches) {
      if (cache != null && !cache.isDestroyed()) {
        text.append(cache.statistics().slabinfoLine()).append('\n');
      }
    }
    return text.toString();
  }
}
