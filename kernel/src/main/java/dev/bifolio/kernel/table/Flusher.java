package dev.bifolio.kernel.table;

/// Makes the processors that may know translations of an address space forget them.
public interface Flusher {
  /// One page, whatever its size.
  ///
  /// @param virtualAddress any address of it
  void flushPage(long virtualAddress);

  /// All of the space.
  ///
  /// @param globalToo whether what is global is to go too
  void flushAll(boolean globalToo);
}
