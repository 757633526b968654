package dev.bifolio.kernel.table.qemu;

import java.io.IOException;

/// A machine of QEMU's, whose processor walks our tables.
interface Guest extends AutoCloseable {
  /// No page.
  long NOT_MAPPED = -1;

  /// Has the processor use the tables of a space.
  void enter(WalkedSpace space) throws IOException;

  /// Where the machine finds an address, whatever may be done there.
  ///
  /// @return the physical address, or [#NOT_MAPPED]
  long translate(long virtualAddress) throws IOException;

  /// What the machine is to say of an address: its own rules applied to what the page allows.
  ///
  /// @param range the model's, or null
  Access.Answer expected(Mappings.Range range, boolean isUser, Access access);

  /// Whether the machine can be made to access a physical address, and would tell only what its
  /// tables say.
  boolean mayTouch(Mappings.Range range, long physicalAddress);

  /// Has the processor access an address.
  Access.Answer access(long virtualAddress, boolean isUser, Access access) throws IOException;

  /// The control bits of the processor, as our own has them.
  ///
  /// @return of `MmuControl`
  int control();

  /// Compares all that the machine lists with all that is mapped.
  ///
  /// @return how many pages or ranges were compared
  int compareAll(WalkedSpace space) throws IOException;

  @Override
  void close() throws IOException;
}
