package dev.bifolio.kernel.table.qemu;

import dev.bifolio.kernel.mmu.Mmu;
import dev.bifolio.kernel.table.PageFlags;

/// What a program may do with an address.
enum Access {
  LOAD(PageFlags.READ, Mmu.LOAD),
  STORE(PageFlags.WRITE, Mmu.STORE),
  FETCH(PageFlags.EXECUTE, Mmu.FETCH);

  /// What a page must allow.
  final int flag;

  /// What our own processor calls it.
  final int kind;

  Access(int flag, int kind) {
    this.flag = flag;
    this.kind = kind;
  }

  /// How a machine takes it.
  enum Answer {
    ALLOWED,
    /// The page is there and does not allow it.
    FORBIDDEN,
    /// There is no page.
    NOT_PRESENT,
    /// One of the two above: the machine does not say which.
    REFUSED;

    boolean agreesWith(Answer other) {
      return this == other
          || (this == REFUSED && other != ALLOWED)
          || (other == REFUSED && this != ALLOWED);
    }
  }
}
