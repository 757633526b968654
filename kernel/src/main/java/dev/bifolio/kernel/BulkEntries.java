package dev.bifolio.kernel;

/// The entries of an array that a request for many frames names.
final class BulkEntries {
  private BulkEntries() {}

  /// Refuses entries that an array does not have.
  ///
  /// @throws IndexOutOfBoundsException if it has not all of them
  static void require(int length, int offset, int count) {
    if (offset < 0 || count < 0 || count > length - offset) {
      throw new IndexOutOfBoundsException(
          "expected entries of an array of "
              + length
              + ", found "
              + count
              + " entries from index "
              + offset);
    }
  }
}
