package dev.bifolio.kernel.virtual;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.Pages;

/// The program break: the end of one area that begins at a base and is moved up and down by bytes,
/// the oldest way of a process to get memory.
///
/// ```
///   base              break        limit
///    ├──────────────────┼──┬ ─ ─ ─ ─ ┤
///    │ area, in pages      │
/// ```
///
/// The area has all pages of which the break has a byte. For who has the lock of the space; which
/// pages are mapped is the business of [UserSpace].
///
/// Source: `brk` in Linux `mm/mmap.c`.
public final class ProgramBreak {
  /// Bytes of memory that it needs.
  public static final int BYTE_SIZE = 8;

  private static final int FLAGS = AreaFlags.READ | AreaFlags.WRITE;

  private final long address;
  private final VirtualAreas areas;
  private final long base;
  private final long limit;

  /// A break that is at its base where memory is zero.
  ///
  /// @param address of [#BYTE_SIZE] bytes, zero or of such a break, a multiple of 8
  /// @param areas of the space
  /// @param base where the area begins, a multiple of 4096
  /// @param limit the highest break, not below the base
  /// @throws IllegalArgumentException if base and limit are not such
  public ProgramBreak(long address, VirtualAreas areas, long base, long limit) {
    if ((base & Pages.PAGE_MASK) != 0
        || base < areas.floor()
        || limit < base
        || limit > areas.ceiling()) {
      throw new IllegalArgumentException("no break from " + base + " to " + limit);
    }
    this.address = address;
    this.areas = areas;
    this.base = base;
    this.limit = limit;
  }

  /// Moves the break.
  ///
  /// @param to the new break, any byte from the base to the limit
  /// @return what came of it
  public BreakOutcome moveTo(long to) {
    if (to < base || to > limit) {
      return BreakOutcome.OUT_OF_LIMITS;
    }
    long end = Pages.alignUp(current());
    long newEnd = Pages.alignUp(to);
    if (newEnd > end) {
      switch (areas.insert(end, newEnd, FLAGS, VirtualAreas.ANONYMOUS, 0)) {
        case OVERLAPS -> {
          return BreakOutcome.OVERLAPS;
        }
        case NO_MEMORY -> {
          return BreakOutcome.NO_MEMORY;
        }
        case NOT_A_RANGE -> {
          return BreakOutcome.OUT_OF_LIMITS;
        }
        case INSERTED -> {}
      }
    } else if (newEnd < end && areas.remove(newEnd, end) != RemoveOutcome.REMOVED) {
      return BreakOutcome.NO_MEMORY;
    }
    Memory.putLong(address, to - base);
    return BreakOutcome.MOVED;
  }

  /// Where the break is after a fork: where the other one is, whose area has been copied.
  void follow(ProgramBreak other) {
    Memory.putLong(address, Memory.getLong(other.address));
  }

  /// There is no area any more.
  void forget() {
    Memory.putLong(address, 0);
  }

  /// Moves the break back to its base.
  ///
  /// @return what came of it
  public BreakOutcome reset() {
    return moveTo(base);
  }

  /// Where the break is.
  ///
  /// @return an address
  public long current() {
    return base + Memory.getLong(address);
  }

  /// Where it begins.
  ///
  /// @return a multiple of 4096
  public long base() {
    return base;
  }

  /// How far it may go.
  ///
  /// @return an address
  public long limit() {
    return limit;
  }
}
