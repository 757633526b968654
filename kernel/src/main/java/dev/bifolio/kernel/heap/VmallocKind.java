package dev.bifolio.kernel.heap;

import dev.bifolio.kernel.frame.AllocationFlags;

/// What an allocation of [Vmalloc] is, in the `int` that an area has for its backing.
///
/// ```
///   31  30  29 … 25  24 … 13   12     11 … 0
///    0   1     0     account   lazy   flags      the bits of AllocationFlags below its account
/// ```
///
/// Bit 30 makes it a backing and not anonymous memory, and no offset goes on from one area to the
/// next: so areas that touch stay apart.
final class VmallocKind {
  /// What frames that are mapped cannot be: they stay where they are until they are freed, and are
  /// ordinary memory.
  private static final int IMPOSSIBLE =
      AllocationFlags.MOVABLE
          | AllocationFlags.RECLAIMABLE
          | AllocationFlags.MOVABLE_ZONE
          | AllocationFlags.DEVICE;

  private static final int IS_AREA = 1 << 30;
  private static final int LOW_BITS = Vmalloc.LAZY - 1;
  private static final int ACCOUNT_SHIFT = 13;
  private static final int MAX_ACCOUNT = 0xFFF;

  private VmallocKind() {}

  /// The kind of a request.
  ///
  /// @throws IllegalArgumentException if flags mean nothing here
  static int of(int flags) {
    int possible = (AllocationFlags.ALL & ~IMPOSSIBLE) | Vmalloc.LAZY;
    if ((flags & ~possible) != 0) {
      throw new IllegalArgumentException(
          "flags " + Integer.toHexString(flags) + " are not for virtually contiguous memory");
    }
    return IS_AREA
        | AllocationFlags.accountOf(flags) << ACCOUNT_SHIFT
        | (flags & (Vmalloc.LAZY | LOW_BITS));
  }

  static boolean isLazy(int kind) {
    return (kind & Vmalloc.LAZY) != 0;
  }

  /// Flags for frames.
  static int flags(int kind) {
    return AllocationFlags.charge(kind >>> ACCOUNT_SHIFT & MAX_ACCOUNT) | (kind & LOW_BITS);
  }
}
