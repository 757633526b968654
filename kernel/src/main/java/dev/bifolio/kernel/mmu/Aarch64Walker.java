package dev.bifolio.kernel.mmu;

import dev.bifolio.kernel.table.PageFormat;
import org.jspecify.annotations.Nullable;

/// The walk of AArch64, stage 1 of EL1 and EL0, granule of 4 KiB, four levels. The manual counts
/// them from the root, 0, down to 3; here 1 is the lowest.
///
/// - Descriptors of tables may take rights away from all below: APTable, UXNTable, PXNTable.
/// - The kernel fetches nothing that the user may write, and with WXN nothing at all that is
///   writable; fetches of the user want UXN clear and nothing else.
/// - The access flag comes before rights; hardware sets it only with HA. With HD a page with DBM is
///   writable, and a store takes its AP\[2\] away: that is its dirty bit.
/// - Only 11 is a page at the lowest level, and there are no blocks at the root's: other values are
///   translation faults, as an empty entry is.
///
/// Source: Arm DDI 0487, D8.2 (walk), D8.3 (descriptors), D8.4 (rights), D8.5 (hardware updates),
/// D24.2 (ESR_EL1: ISS of instruction and data aborts).
final class Aarch64Walker extends HardwareWalker {
  private static final long TABLE_OR_PAGE = 1 << 1;
  private static final long AP_EL0 = 1 << 6;
  private static final long AP_READ_ONLY = 1 << 7;
  private static final long AF = 1 << 10;
  private static final long NG = 1 << 11;
  private static final long DBM = 1L << 51;
  private static final long PXN = 1L << 53;
  private static final long UXN = 1L << 54;
  private static final long PXN_TABLE = 1L << 59;
  private static final long UXN_TABLE = 1L << 60;
  private static final long AP_TABLE_NO_EL0 = 1L << 61;
  private static final long AP_TABLE_READ_ONLY = 1L << 62;

  private static final long ADDRESS = (1L << 48) - 4096;
  private static final int LARGEST_BLOCK_LEVEL = 3;

  // Classes of exceptions, and statuses of faults, to which the manual's level is added.
  private static final int FETCH_FROM_EL0 = 0x20;
  private static final int DATA_FROM_EL0 = 0x24;
  private static final int FROM_EL1 = 1;
  private static final int CLASS_SHIFT = 26;
  private static final int LONG_INSTRUCTION = 1 << 25;
  private static final int WRITES = 1 << 6;
  private static final int TRANSLATION = 0b00_0100;
  private static final int ACCESS_FLAG = 0b00_1000;
  private static final int PERMISSION = 0b00_1100;
  private static final int EXTERNAL = 0b01_0000;
  private static final int EXTERNAL_ON_WALK = 0b01_0100;

  private final long beyondLines;

  Aarch64Walker(PageFormat format, MmuBus bus) {
    super(format, bus);
    beyondLines = ADDRESS & -(1L << bus.physicalBits());
  }

  @Override
  long rootTable(long root) {
    return root & ADDRESS;
  }

  @Override
  @Nullable MmuFault problem(int level, long entry) {
    boolean isBlock = (entry & TABLE_OR_PAGE) == 0;
    if (isBlock && (level == 1 || level > LARGEST_BLOCK_LEVEL)) {
      return MmuFault.RESERVED;
    }
    long page = isBlock ? -pageByteSize(level) : -1;
    return (entry & beyondLines & page) != 0 ? MmuFault.ADDRESS_SIZE : null;
  }

  @Override
  boolean isLeaf(int level, long entry) {
    return level == 1 || (entry & TABLE_OR_PAGE) == 0;
  }

  @Override
  long table(long entry) {
    return entry & ADDRESS;
  }

  @Override
  int below(int above, long entry) {
    int rights = above;
    rights &= (entry & AP_TABLE_NO_EL0) != 0 ? ~Translation.USER : -1;
    rights &= (entry & AP_TABLE_READ_ONLY) != 0 ? ~Translation.STORE : -1;
    rights &= (entry & UXN_TABLE) != 0 ? ~Translation.FETCH_USER : -1;
    rights &= (entry & PXN_TABLE) != 0 ? ~Translation.FETCH_KERNEL : -1;
    return rights;
  }

  @Override
  long leaf(long at, int level, long entry, int above, int kind, boolean isUser, boolean isDry) {
    if ((entry & AF) == 0 && !has(MmuControl.ARM_HA)) {
      return fault(MmuFault.ACCESS_FLAG, level, kind, isUser);
    }
    boolean isManaged = (entry & DBM) != 0 && has(MmuControl.ARM_HD) && has(MmuControl.ARM_HA);
    int rights = above & rights(entry, isManaged, above);
    if (!Translation.allows(mask(kind, isUser), rights)) {
      return refusal(level, kind, isUser, rights);
    }
    long marked = entry | AF;
    if (kind == Mmu.STORE && isManaged) {
      marked &= ~AP_READ_ONLY;
    }
    if (!isDry && marked != entry && !bus.change(at, entry, marked)) {
      return AGAIN;
    }
    if (isManaged && (marked & AP_READ_ONLY) != 0) {
      rights &= ~Translation.DIRTY;
    }
    long page = entry & ADDRESS & -pageByteSize(level);
    return Translation.of(page, level, rights, (entry & NG) == 0);
  }

  /// The rights of a leaf. Whether it may be fetched from depends on who may write it.
  private int rights(long entry, boolean isManaged, int above) {
    int rights = Translation.LOAD | Translation.DIRTY;
    boolean isWritable = (entry & AP_READ_ONLY) == 0 || isManaged;
    rights |= isWritable ? Translation.STORE : 0;
    rights |= (entry & AP_EL0) != 0 ? Translation.USER : 0;
    int both = rights & above;
    boolean writes = (both & Translation.STORE) != 0;
    boolean userWrites = writes && (both & Translation.USER) != 0;
    boolean noneWritable = has(MmuControl.ARM_WXN);
    if ((entry & PXN) == 0 && !userWrites && !(noneWritable && writes)) {
      rights |= Translation.FETCH_KERNEL;
    }
    if ((entry & UXN) == 0 && !(noneWritable && userWrites)) {
      rights |= Translation.FETCH_USER;
    }
    return rights;
  }

  @Override
  boolean allows(int kind, boolean isUser, int rights) {
    if (kind == Mmu.FETCH) {
      return (rights & (isUser ? Translation.FETCH_USER : Translation.FETCH_KERNEL)) != 0;
    }
    boolean isOfUser = (rights & Translation.USER) != 0;
    if (isUser ? !isOfUser : isOfUser && has(MmuControl.ARM_PAN)) {
      return false;
    }
    int wanted = kind == Mmu.LOAD ? Translation.LOAD : Translation.STORE | Translation.DIRTY;
    return (rights & wanted) == wanted;
  }

  @Override
  int cause(MmuFault fault, int level, int kind, boolean isUser) {
    int fromRoot = levels - level;
    int status =
        switch (fault) {
          case NOT_CANONICAL -> TRANSLATION;
          case NOT_PRESENT, RESERVED -> TRANSLATION + fromRoot;
          case ADDRESS_SIZE -> fromRoot;
          case ACCESS_FLAG -> ACCESS_FLAG + fromRoot;
          case TABLE_OUTSIDE -> EXTERNAL_ON_WALK + fromRoot;
          case OUTSIDE -> EXTERNAL;
          default -> PERMISSION + fromRoot;
        };
    int from = kind == Mmu.FETCH ? FETCH_FROM_EL0 : DATA_FROM_EL0;
    from += isUser ? 0 : FROM_EL1;
    return from << CLASS_SHIFT | LONG_INSTRUCTION | (kind == Mmu.STORE ? WRITES : 0) | status;
  }
}
