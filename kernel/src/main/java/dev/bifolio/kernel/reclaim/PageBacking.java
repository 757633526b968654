package dev.bifolio.kernel.reclaim;

/// Where the pages of a [PageCache] come from and go to: files, or a heap in tests.
///
/// Called without any lock of the cache, from the thread that wants the page or memory; never twice
/// at a time for the same page. May take long; may allocate. It must not ask the cache for pages.
public interface PageBacking {
  /// Reads a page.
  ///
  /// @param file the file
  /// @param page the page of the file, 0 or more
  /// @param toAddress where its bytes go, a page of memory
  /// @return false if it failed; what the memory holds then does not matter
  boolean read(int file, long page, long toAddress);

  /// Writes a page.
  ///
  /// @param file the file
  /// @param page the page of the file, 0 or more
  /// @param fromAddress where its bytes are, a page of memory
  /// @return false if it failed
  boolean write(int file, long page, long fromAddress);
}
