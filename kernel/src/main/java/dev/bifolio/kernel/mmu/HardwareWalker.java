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

  /// The bit that says in all formats that an entry says anything.
  private static final long PRESENT = 1;

  private static final int TABLE_BYTES = 4096;
  private static final int KINDS = 3;
  private static final int RIGHTS_COUNT = 64;

  final int levels;
  final int indexBits;
  private final int topShift;
  private final int entryByteSize;
  final MmuBus bus;
  int control;
  private final long[] masks = new long[2 * KINDS];

  HardwareWalker(PageFormat format, MmuBus bus) {
    this.levels = format.levels();
    this.indexBits = Integer.numberOfTrailingZeros(format.entryCount());
    this.topShift = Long.numberOfTrailingZeros(format.pageByteSize(levels));
    this.entryByteSize = format.entryByteSize();
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

  /// Bytes that an entry of a level spans.
  final long pageByteSize(int level) {
    return 1L << (12 + indexBits * (level - 1));
  }

  final boolean has(int controlBits) {
    return (control & controlBits) != 0;
  }

  /// Walks, and marks what it uses as accessed and dirty.
  ///
  /// @param root physical address of the root's table
  /// @param visitor is shown each entry, and nothing is marked then; null for a real access
  /// @return a [Translation], or the code of an [MmuFault]
  final long walk(
      long root, long virtualAddress, int kind, boolean isUser, @Nullable WalkVisitor visitor) {
    boolean isDry = visitor != null;
    long table = rootTable(root);
    int above = Translation.RIGHTS;
    int level = levels;
    int shift = topShift;
    while (true) {
      if (!bus.holds(table, TABLE_BYTES)) {
        return fault(MmuFault.TABLE_OUTSIDE, level, kind, isUser);
      }
      int index = (int) (virtualAddress >>> shift) & ((1 << indexBits) - 1);
      long at = table + (long) index * entryByteSize;
      long entry = entry(at);
      if (visitor != null) {
        visitor.step(level, table, index, entry);
      }
      if ((entry & PRESENT) == 0) {
        return fault(MmuFault.NOT_PRESENT, level, kind, isUser);
      }
      MmuFault problem = problem(level, entry);
      if (problem != null) {
        return fault(problem, level, kind, isUser);
      }
      if (isLeaf(level, entry)) {
        long word = leaf(at, level, entry, above, kind, isUser, isDry);
        if (word != AGAIN) {
          return word;
        }
      } else if (isDry || markTable(at, entry)) {
        above = below(above, entry);
        table = table(entry);
        level--;
        shift -= indexBits;
      }
    }
  }

  /// The entry at a physical address.
  long entry(long at) {
    return bus.entry(at);
  }

  /// The physical address of the table that a register with a root names.
  abstract long rootTable(long root);

  /// What is wrong with a present entry, whatever the access; null if it can be used.
  abstract @Nullable MmuFault problem(int level, long entry);

  /// Whether a present entry with nothing wrong names a page rather than a table.
  abstract boolean isLeaf(int level, long entry);

  /// The physical address of the table that an entry names.
  abstract long table(long entry);

  /// Marks an entry that names a table as used, where that is done.
  ///
  /// @return false if it changed meanwhile
  boolean markTable(long at, long entry) {
    return true;
  }

  /// What an entry that names a table leaves of what those above have left: bits of a
  /// [Translation], all rights at first.
  abstract int below(int above, long entry);

  /// The end of a walk: whether the page allows the access, and its marks.
  ///
  /// @param at physical address of its entry
  /// @param above what the tables above have left, as [#below] says
  /// @param isDry whether nothing is to be marked
  /// @return a [Translation], the code of an [MmuFault], or [#AGAIN]
  abstract long leaf(
      long at, int level, long entry, int above, int kind, boolean isUser, boolean isDry);

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
