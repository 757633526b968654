package dev.bifolio.kernel.virtual;

/// Where the pages of a backing come from and go to: a file, or a heap in tests.
///
/// Called without any lock of the backing, never twice at a time for the same page. May take long;
/// may allocate frames. Must not touch memory of a user space.
public interface PageStore {
  /// Reads a page. What lies behind the end of the store is zeros.
  ///
  /// @param byteOffset of the page, a multiple of 4096
  /// @param address of 4096 bytes that it goes to
  /// @return false if it failed; what the memory holds then does not matter
  boolean readPage(long byteOffset, long address);

  /// Writes a page. What lies behind the end of the store is not written.
  ///
  /// @param byteOffset of the page, a multiple of 4096
  /// @param address of its 4096 bytes
  /// @return false if it failed
  boolean writePage(long byteOffset, long address);
}
