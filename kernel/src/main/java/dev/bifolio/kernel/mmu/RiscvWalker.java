package dev.bifolio.kernel.mmu;

import dev.bifolio.kernel.table.PageFormat;
import org.jspecify.annotations.Nullable;

/// The walk of RISC-V: Sv39, Sv48 and Sv57.
///
/// - An entry with R or X is a leaf, at any level; W without R is reserved.
/// - Reserved are bits 63 (no Svnapot here) and 60…54; 62 and 61 without Svpbmt, and both of them
///   set with it; in an entry that names a table also those two, A, D and U; in a large page the
///   bits of the frame number below its size.
/// - The pages of the user are his alone to execute; SUM lets the kernel load and store them.
/// - A of the leaf, and D for a store, are set by hardware with ADUE, or fault.
/// - G in an entry that names a table makes all below global.
///
/// Source: The RISC-V Instruction Set Manual, volume II, 20240411: "Virtual address translation
/// process" of Sv32, Sv39 to Sv57; Svade and Svadu; Svpbmt; scause.
final class RiscvWalker extends HardwareWalker {
  private static final long R = 1 << 1;
  private static final long W = 1 << 2;
  private static final long X = 1 << 3;
  private static final long U = 1 << 4;
  private static final long G = 1 << 5;
  private static final long A = 1 << 6;
  private static final long D = 1 << 7;
  private static final long TYPE = 3L << 61;
  private static final long RESERVED = 1L << 63 | 0x7FL << 54;

  private static final int NUMBER_SHIFT = 10;
  private static final long NUMBER = (1L << 44) - 1;

  private static final int FETCH_PAGE_FAULT = 12;
  private static final int LOAD_PAGE_FAULT = 13;
  private static final int STORE_PAGE_FAULT = 15;
  private static final int FETCH_ACCESS_FAULT = 1;
  private static final int LOAD_ACCESS_FAULT = 5;
  private static final int STORE_ACCESS_FAULT = 7;

  RiscvWalker(PageFormat format, MmuBus bus) {
    super(format, bus);
  }

  @Override
  long rootTable(long root) {
    return root;
  }

  @Override
  @Nullable MmuFault problem(int level, long entry) {
    return isReserved(level, entry) ? MmuFault.RESERVED : null;
  }

  @Override
  boolean isLeaf(int level, long entry) {
    return (entry & (R | W | X)) != 0;
  }

  @Override
  long table(long entry) {
    return (entry >>> NUMBER_SHIFT & NUMBER) << 12;
  }

  @Override
  int below(int above, long entry) {
    return above | ((entry & G) != 0 ? Translation.GLOBAL : 0);
  }

  private boolean isReserved(int level, long entry) {
    if ((entry & RESERVED) != 0) {
      return true;
    }
    if (!isLeaf(level, entry)) {
      return level == 1 || (entry & (A | D | U | TYPE)) != 0;
    }
    long type = entry & TYPE;
    long below = (1L << (indexBits * (level - 1))) - 1;
    return type == TYPE
        || (type != 0 && !has(MmuControl.RISCV_PBMTE))
        || (entry & (R | W)) == W
        || (entry >>> NUMBER_SHIFT & below) != 0;
  }

  @Override
  long leaf(long at, int level, long entry, int above, int kind, boolean isUser, boolean isDry) {
    int rights = (entry & R) != 0 ? Translation.LOAD | Translation.DIRTY : Translation.DIRTY;
    rights |= (entry & W) != 0 ? Translation.STORE : 0;
    rights |= (entry & X) != 0 ? Translation.FETCH_KERNEL | Translation.FETCH_USER : 0;
    rights |= (entry & U) != 0 ? Translation.USER : 0;
    if (!Translation.allows(mask(kind, isUser), rights)) {
      return refusal(level, kind, isUser, rights);
    }
    long marked = entry | (kind == Mmu.STORE ? A | D : A);
    if (marked != entry && !has(MmuControl.RISCV_ADUE)) {
      MmuFault fault = (entry & A) == 0 ? MmuFault.ACCESS_FLAG : MmuFault.DIRTY_FLAG;
      return fault(fault, level, kind, isUser);
    }
    if (!isDry && marked != entry && !bus.change(at, entry, marked)) {
      return AGAIN;
    }
    if ((marked & D) == 0) {
      rights &= ~Translation.DIRTY;
    }
    boolean isGlobal = ((above & Translation.GLOBAL) | (entry & G)) != 0;
    return Translation.of(table(entry), level, rights, isGlobal);
  }

  @Override
  boolean allows(int kind, boolean isUser, int rights) {
    boolean isOfUser = (rights & Translation.USER) != 0;
    boolean isKept = kind == Mmu.FETCH || !has(MmuControl.RISCV_SUM);
    if (isUser ? !isOfUser : isOfUser && isKept) {
      return false;
    }
    return switch (kind) {
      case Mmu.FETCH -> (rights & Translation.FETCH_KERNEL) != 0;
      case Mmu.LOAD -> {
        int enough = has(MmuControl.RISCV_MXR) ? Translation.FETCH_KERNEL : 0;
        yield (rights & (Translation.LOAD | enough)) != 0;
      }
      default -> {
        int wanted = Translation.STORE | Translation.DIRTY;
        yield (rights & wanted) == wanted;
      }
    };
  }

  @Override
  int cause(MmuFault fault, int level, int kind, boolean isUser) {
    if (fault == MmuFault.TABLE_OUTSIDE || fault == MmuFault.OUTSIDE) {
      return switch (kind) {
        case Mmu.FETCH -> FETCH_ACCESS_FAULT;
        case Mmu.LOAD -> LOAD_ACCESS_FAULT;
        default -> STORE_ACCESS_FAULT;
      };
    }
    return switch (kind) {
      case Mmu.FETCH -> FETCH_PAGE_FAULT;
      case Mmu.LOAD -> LOAD_PAGE_FAULT;
      default -> STORE_PAGE_FAULT;
    };
  }
}
