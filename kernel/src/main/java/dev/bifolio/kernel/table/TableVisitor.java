package dev.bifolio.kernel.table;

/// Told of what [AddressSpace#walk] finds: a table before what is below it, all by ascending
/// addresses. Called with the lock of the space held; must not come back to the space.
public interface TableVisitor {
  /// A table.
  ///
  /// @param level of the table
  /// @param virtualAddress the first that goes through it
  /// @param physicalAddress of the table
  void table(int level, long virtualAddress, long physicalAddress);

  /// A page.
  ///
  /// @param level its size
  /// @param virtualAddress its first
  /// @param physicalAddress its first
  /// @param flags [PageFlags]
  void page(int level, long virtualAddress, long physicalAddress, int flags);
}
