package dev.bifolio.kernel.table;

/// Makes the processors that may know translations of an address space forget them. Called with the
/// lock of the space held, and in the middle of a break before make: it must not come back to the
/// space, not even for a look, which would wait for the break to end.
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
