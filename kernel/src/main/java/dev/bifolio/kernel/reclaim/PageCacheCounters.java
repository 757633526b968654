package dev.bifolio.kernel.reclaim;

import dev.bifolio.kernel.platform.Memory;

/// What a [PageCache] counts. Reading is for any thread; counting is done under the cache's lock.
public final class PageCacheCounters {
  static final int HITS = 8;
  static final int MISSES = 16;
  static final int EVICTIONS = 24;
  static final int WRITES = 32;
  static final int FAILED_READS = 40;
  static final int FAILED_WRITES = 48;

  private final long address;

  /// Counters behind the cache's lock word.
  PageCacheCounters(long address) {
    this.address = address;
  }

  /// Calls of [PageCache#get] that found their page.
  ///
  /// @return calls so far
  public long hits() {
    return read(HITS);
  }

  /// Calls of [PageCache#get] that had the backing read their page, or try to.
  ///
  /// @return calls so far
  public long misses() {
    return read(MISSES);
  }

  /// Pages that were given up by second chance.
  ///
  /// @return pages so far
  public long evictions() {
    return read(EVICTIONS);
  }

  /// Pages that were written.
  ///
  /// @return pages so far
  public long writes() {
    return read(WRITES);
  }

  /// Reads that failed.
  ///
  /// @return reads so far
  public long failedReads() {
    return read(FAILED_READS);
  }

  /// Writes that failed.
  ///
  /// @return writes so far
  public long failedWrites() {
    return read(FAILED_WRITES);
  }

  private long read(int word) {
    return Memory.getLongVolatile(address + word);
  }

  void count(int word) {
    Memory.putLongRelease(address + word, Memory.getLong(address + word) + 1);
  }
}
