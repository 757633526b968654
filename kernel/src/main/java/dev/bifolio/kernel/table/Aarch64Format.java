package dev.bifolio.kernel.table;

/// AArch64, stage 1, granule of 4 KiB, 48 bits, two roots: TTBR0 has the addresses that begin with
/// zeros, TTBR1 those that begin with ones.
///
/// ```
///   63…59 58…55 54  53  52 51  50 … 48  47 … 12  11 10 9 8  7 6  5  4…2  1    0
///   -     soft  UXN PXN C  DBM 0        address  nG AF SH   AP   NS attr 1    1     page, level 1
///   -     soft  UXN PXN C  DBM 0        address  nG AF SH   AP   NS attr 0    1     block, levels 2 and 3
///   table attributes, 0                 address  0                       1    1     table
/// ```
///
/// AP\[2\] (bit 7) takes writes away, AP\[1\] (bit 6) lets EL0 in. Execution is for one of the two
/// modes: EL0 where it is let in, else EL1. The attribute index names a field of MAIR_EL1, which
/// has to be [#MAIR]. Normal memory is inner shareable. Whether it was written no bit tells without
/// hardware management (DBM); the software bit 55 says it.
///
/// Source: Arm Architecture Reference Manual for A-profile, DDI 0487, D8.3 (descriptor formats),
/// D8.4 (permissions), D8.16 (break before make) and D24.2 (MAIR_EL1).
public final class Aarch64Format extends PageFormat {
  /// The format.
  public static final Aarch64Format INSTANCE = new Aarch64Format();

  /// What MAIR_EL1 has to be: from field 0 on, write-back, Device-nGnRE, normal uncached,
  /// write-through.
  public static final long MAIR = 0xBB_44_04_FFL;

  private static final long VALID = 1;
  private static final long TABLE = 1 << 1;
  private static final int ATTRIBUTE_SHIFT = 2;
  private static final long EL0 = 1 << 6;
  private static final long READ_ONLY = 1 << 7;
  private static final long INNER_SHAREABLE = 3 << 8;
  private static final long ACCESSED = 1 << 10;
  private static final long NOT_GLOBAL = 1 << 11;
  private static final long PXN = 1L << 53;
  private static final long UXN = 1L << 54;
  private static final long SOFT_DIRTY = 1L << 55;
  private static final long SOFT_COPY = 1L << 56;
  private static final long SOFT = 1L << 57;

  private Aarch64Format() {
    super("aarch64", 4, 9, 3, 3, 48, 0, VALID, TABLE, true);
  }

  @Override
  public int rootCount() {
    return 2;
  }

  @Override
  public int rootOf(long virtualAddress) {
    return virtualAddress < 0 ? 1 : 0;
  }

  @Override
  long startOf(int root, int index) {
    return (long) index << shift(levels()) | (root == 1 ? -1L << 48 : 0);
  }

  @Override
  int kernelIndex() {
    return entryCount();
  }

  @Override
  public boolean isCanonical(long virtualAddress) {
    return virtualAddress >> 48 == 0 || virtualAddress >> 48 == -1;
  }

  @Override
  public boolean breaksBeforeMake() {
    return true;
  }

  @Override
  public long table(long physicalAddress) {
    return physicalAddress | TABLE | VALID;
  }

  @Override
  public long leaf(int level, long physicalAddress, int flags) {
    long entry = physicalAddress | (level == 1 ? TABLE | VALID : VALID);
    boolean user = (flags & PageFlags.USER) != 0;
    boolean execute = (flags & PageFlags.EXECUTE) != 0;
    entry |= user ? EL0 : 0;
    entry |= user && execute ? 0 : UXN;
    entry |= !user && execute ? 0 : PXN;
    entry |= (flags & PageFlags.WRITE) != 0 ? 0 : READ_ONLY;
    entry |= (flags & PageFlags.GLOBAL) != 0 ? 0 : NOT_GLOBAL;
    entry |= (flags & PageFlags.ACCESSED) != 0 ? ACCESSED : 0;
    entry |= (flags & PageFlags.DIRTY) != 0 ? SOFT_DIRTY : 0;
    entry |= (flags & PageFlags.COPY_ON_WRITE) != 0 ? SOFT_COPY : 0;
    entry |= (flags & PageFlags.SOFTWARE) != 0 ? SOFT : 0;
    return entry
        | switch (flags & PageFlags.MEMORY_TYPE) {
          case PageFlags.DEVICE -> 1 << ATTRIBUTE_SHIFT;
          case PageFlags.UNCACHED -> 2 << ATTRIBUTE_SHIFT | INNER_SHAREABLE;
          case PageFlags.WRITE_THROUGH -> 3 << ATTRIBUTE_SHIFT | INNER_SHAREABLE;
          default -> INNER_SHAREABLE;
        };
  }

  @Override
  public int flags(int level, long entry) {
    int flags = PageFlags.READ;
    boolean user = (entry & EL0) != 0;
    flags |= user ? PageFlags.USER : 0;
    flags |= (entry & (user ? UXN : PXN)) == 0 ? PageFlags.EXECUTE : 0;
    flags |= (entry & READ_ONLY) == 0 ? PageFlags.WRITE : 0;
    flags |= (entry & NOT_GLOBAL) == 0 ? PageFlags.GLOBAL : 0;
    flags |= (entry & ACCESSED) != 0 ? PageFlags.ACCESSED : 0;
    flags |= (entry & SOFT_DIRTY) != 0 ? PageFlags.DIRTY : 0;
    flags |= (entry & SOFT_COPY) != 0 ? PageFlags.COPY_ON_WRITE : 0;
    flags |= (entry & SOFT) != 0 ? PageFlags.SOFTWARE : 0;
    return flags
        | switch ((int) (entry >>> ATTRIBUTE_SHIFT) & 7) {
          case 1 -> PageFlags.DEVICE;
          case 2 -> PageFlags.UNCACHED;
          case 3 -> PageFlags.WRITE_THROUGH;
          default -> PageFlags.WRITE_BACK;
        };
  }

  @Override
  public int expressible(int flags) {
    return flags | PageFlags.READ;
  }
}
