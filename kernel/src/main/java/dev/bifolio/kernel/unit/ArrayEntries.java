package dev.bifolio.kernel.unit;

/// The entries of an array that a request for many frames names.
public final class ArrayEntries {
  private ArrayEntries() {}

  /// Refuses entries that an array does not have.
  ///
  /// @param length of the array
  /// @param offset index of the first entry
  /// @param count how many entries
  /// @throws IndexOutOfBoundsException if it has not all of them, or one of the figures is negative
  public static void require(int length, int offset, int count) {
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
