package dev.bifolio.kernel.virtual;

import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.kernel.unit.Pages;

/// What the addresses of a user space are for.
///
/// @param floor the lowest address that an area may have, a multiple of 4096, 0 or more
/// @param ceiling exclusive end of the highest, a multiple of 4096 in the user's half
/// @param breakBase where the program break begins, a multiple of 4096
/// @param breakLimit how far it may go
/// @param stackByteSize how large an area that grows down may become
public record UserLayout(
    long floor, long ceiling, long breakBase, long breakLimit, long stackByteSize) {
  /// Nothing is mapped below, so that the fields of a null pointer's object fault too.
  private static final long LOWEST = 64 * Pages.KIB;

  private static final long STACK_BYTES = 8 * Pages.MIB;

  /// The usual one of a format: all of the user's half but its first 64 KiB and its last page, of
  /// which an eighth, behind the first, is for the break. (The page behind is the kernel's or is no
  /// address at all; nobody is to run on into it.)
  ///
  /// @param format of the tables
  public UserLayout(PageFormat format) {
    this(
        LOWEST,
        format.userEnd() - Pages.PAGE_SIZE,
        format.userEnd() / 8,
        format.userEnd() / 4,
        STACK_BYTES);
  }
}
