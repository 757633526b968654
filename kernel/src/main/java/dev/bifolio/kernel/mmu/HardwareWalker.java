package dev.bifolio.kernel.mmu;

import dev.bifolio.kernel.table.PageFormat;
import org.jspecify.annotations.Nullable;

/// Walks page tables as an architecture's manual says that its hardware does, and knows what its
/// entries and control bits allow.
///
/// A second opinion on [PageFormat] and [AddressSpace][dev.bifolio.kernel.table.AddressSpace]: it
/// takes the shape of the tree from the format, but reads each bit of an entry for itself, checks
/// what is reserved, and sets accessed and dirty bits by compare-and-set. Whatever the tables hold,
/// it ends after as many steps as there are levels, and looks at no byte that is not memory.
///
/// One thread, that of its [Mmu]. No Java objects after the constructor.
abstract sealed class HardwareWalker permits X86Walker, Aarch64Walker, RiscvWalker {
  /// An entry changed between the look and the mark: look again.
  static final long AGAIN = 0;

  private static final int KINDS = 3;
  private static final int RIGHTS_COUNT = 64;

  final int levels;
  final int indexBits;
  final int topShift;
  final MmuBus bus;
  int control;
  private final long[] masks = new long[2 * KINDS];

  HardwareWalker(PageFormat format, MmuBus bus) {
    this.levels = format.levels();
    this.indexBits = Integer.numberOfTrailingZeros(format.entryCount());
    this.topShift = Long.numberOfTrailingZeros(format.pageByteSize(levels));
    this.bus = bus;
  }

  /// Takes over control bits.
  void configure(int bits) {
    control = bits;
    for (int kind = 0; kind < KINDS; kind++) {
      masks[kind] = maskOf(kind, false);
      masks[kind + KINDS] = maskOf(kind, true);
    }
  }

  private long maskOf(int kind, boolean isUser) {
    long mask = 0;
    for (int rights = 0; rights < RIGHTS_COUNT; rights++) {
      mask |= allows(kind, isUser, rights) ? 1L << rights : 0;
    }
    return mask;
  }

  /// The rights with which an access is allowed without another look at the tables, as
  /// [Translation#allows] wants them.
  final long mask(int kind, boolean isUser) {
    return masks[isUser ? kind + KINDS : kind];
  }

  final boolean has(int controlBits) {
    return (control & controlBits) != 0;
  }

  /// Walks, and marks what it uses as accessed and dirty.
  ///
  /// @param root physical address of the root's table
  /// @param visitor is shown each entry, and nothing is marked then; null for a real access
  /// @return a [Translation], or the code of an [MmuFault]
  abstract long walk(
      long root, long virtualAddress, int kind, boolean isUser, @Nullable WalkVisitor visitor);

  /// Whether an access is allowed; never without any rights. A store only where it is noted already
  /// that the page is dirty.
  abstract boolean allows(int kind, boolean isUser, int rights);

  /// What the architecture says of a fault.
  abstract int cause(MmuFault fault, int level, int kind, boolean isUser);

  final long fault(MmuFault fault, int level, int kind, boolean isUser) {
    return fault.code(level, kind, isUser, cause(fault, level, kind, isUser));
  }

  /// The fault for an access that rights do not allow.
  final long refusal(int level, int kind, boolean isUser, int rights) {
    boolean isOfUser = (rights & Translation.USER) != 0;
    MmuFault fault;
    if (isUser && !isOfUser) {
      fault = MmuFault.KERNEL_ONLY;
    } else if (!isUser && isOfUser && allows(kind, false, rights & ~Translation.USER)) {
      fault = MmuFault.USER_ONLY;
    } else {
      fault =
          switch (kind) {
            case Mmu.LOAD -> MmuFault.NO_LOAD;
            case Mmu.STORE -> MmuFault.NO_STORE;
            default -> MmuFault.NO_FETCH;
          };
    }
    return fault(fault, level, kind, isUser);
  }
}
