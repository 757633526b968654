package dev.bifolio.kernel.table;

/// RISC-V Sv39, Sv48 and Sv57: three to five levels, leaves at each of them.
///
/// ```
///   63 62…61 60…54 53 … 10                9…8  7 6 5 4 3 2 1 0
///   N  PBMT  0     frame number           soft D A G U X W R V     leaf: R, W or X
///   0  0     0     frame number           -    0 0 0 0 0 0 0 1     table
/// ```
///
/// W without R is reserved. Memory types need Svpbmt: 0 as the machine says of the place, 1 normal
/// uncached, 2 device; without it these bits are reserved and every leaf has the type of its place.
/// Write-through there is none: it becomes uncached.
///
/// Source: The RISC-V Instruction Set Manual, volume II, privileged architecture 20240411, 10.3 to
/// 10.6 (Sv32 to Sv57), 12 (Svpbmt).
public final class RiscvFormat extends PageFormat {
  /// Three levels, 39 bits.
  public static final RiscvFormat SV39 = new RiscvFormat("sv39", 3, false);

  /// Four levels, 48 bits.
  public static final RiscvFormat SV48 = new RiscvFormat("sv48", 4, false);

  /// Five levels, 57 bits.
  public static final RiscvFormat SV57 = new RiscvFormat("sv57", 5, false);

  /// Sv39 with Svpbmt.
  public static final RiscvFormat SV39_SVPBMT = new RiscvFormat("sv39", 3, true);

  /// Sv48 with Svpbmt.
  public static final RiscvFormat SV48_SVPBMT = new RiscvFormat("sv48", 4, true);

  /// Sv57 with Svpbmt.
  public static final RiscvFormat SV57_SVPBMT = new RiscvFormat("sv57", 5, true);

  private static final long VALID = 1;
  private static final long READ = 1 << 1;
  private static final long WRITE = 1 << 2;
  private static final long EXECUTE = 1 << 3;
  private static final long USER = 1 << 4;
  private static final long GLOBAL = 1 << 5;
  private static final long ACCESSED = 1 << 6;
  private static final long DIRTY = 1 << 7;
  private static final long SOFT_COPY = 1 << 8;
  private static final long SOFT = 1 << 9;
  private static final int TYPE_SHIFT = 61;

  private final boolean hasMemoryTypes;

  private RiscvFormat(String name, int levels, boolean hasMemoryTypes) {
    super(name, levels, 9, 3, levels, 56, 2, VALID, READ | WRITE | EXECUTE, false);
    this.hasMemoryTypes = hasMemoryTypes;
  }

  @Override
  public long table(long physicalAddress) {
    return addressBits(physicalAddress) | VALID;
  }

  @Override
  public long leaf(int level, long physicalAddress, int flags) {
    long entry = addressBits(physicalAddress) | VALID;
    entry |= (flags & PageFlags.READ) != 0 ? READ : 0;
    entry |= (flags & PageFlags.WRITE) != 0 ? READ | WRITE : 0;
    entry |= (flags & PageFlags.EXECUTE) != 0 ? EXECUTE : 0;
    entry |= (flags & PageFlags.USER) != 0 ? USER : 0;
    entry |= (flags & PageFlags.GLOBAL) != 0 ? GLOBAL : 0;
    entry |= (flags & PageFlags.ACCESSED) != 0 ? ACCESSED : 0;
    entry |= (flags & PageFlags.DIRTY) != 0 ? DIRTY : 0;
    entry |= (flags & PageFlags.COPY_ON_WRITE) != 0 ? SOFT_COPY : 0;
    entry |= (flags & PageFlags.SOFTWARE) != 0 ? SOFT : 0;
    return switch (expressible(flags) & PageFlags.MEMORY_TYPE) {
      case PageFlags.UNCACHED -> entry | 1L << TYPE_SHIFT;
      case PageFlags.DEVICE -> entry | 2L << TYPE_SHIFT;
      default -> entry;
    };
  }

  @Override
  public int flags(int level, long entry) {
    int flags = (entry & READ) != 0 ? PageFlags.READ : 0;
    flags |= (entry & WRITE) != 0 ? PageFlags.WRITE : 0;
    flags |= (entry & EXECUTE) != 0 ? PageFlags.EXECUTE : 0;
    flags |= (entry & USER) != 0 ? PageFlags.USER : 0;
    flags |= (entry & GLOBAL) != 0 ? PageFlags.GLOBAL : 0;
    flags |= (entry & ACCESSED) != 0 ? PageFlags.ACCESSED : 0;
    flags |= (entry & DIRTY) != 0 ? PageFlags.DIRTY : 0;
    flags |= (entry & SOFT_COPY) != 0 ? PageFlags.COPY_ON_WRITE : 0;
    flags |= (entry & SOFT) != 0 ? PageFlags.SOFTWARE : 0;
    return flags
        | switch ((int) (entry >>> TYPE_SHIFT) & 3) {
          case 1 -> PageFlags.UNCACHED;
          case 2 -> PageFlags.DEVICE;
          default -> PageFlags.WRITE_BACK;
        };
  }

  @Override
  public int expressible(int flags) {
    int all = (flags & PageFlags.WRITE) != 0 ? flags | PageFlags.READ : flags;
    if (!hasMemoryTypes) {
      return all & ~PageFlags.MEMORY_TYPE;
    }
    return (all & PageFlags.MEMORY_TYPE) == PageFlags.WRITE_THROUGH
        ? (all & ~PageFlags.MEMORY_TYPE) | PageFlags.UNCACHED
        : all;
  }
}
