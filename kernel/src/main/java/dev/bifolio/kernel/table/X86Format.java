package dev.bifolio.kernel.table;

/// x86-64 with four or five levels.
///
/// ```
///   63  62…59 58…52   51 … 12        11…9 8 7   6 5 4   3   2   1   0
///   XD  key   -       address        soft G PAT D A PCD PWT U/S R/W P     leaf of 4 KiB
///   XD  key   -       51…21 │ 0 │PAT soft G 1   D A PCD PWT U/S R/W P     leaf of 2 MiB, of 1 GiB 51…30
///   XD  -     -       address        -    - 0   - A PCD PWT U/S R/W P     table
/// ```
///
/// PWT and PCD choose among the memory types as the page attribute table has them after reset: 0
/// write-back, 1 write-through, 2 uncached unless a range register says otherwise, 3 uncached. What
/// is readable cannot be kept from being read by who may use it at all, so every leaf is readable.
/// XD counts once EFER.NXE is set.
///
/// Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 3A, 5.5 (tables
/// 5-15 to 5-20 in the edition of 2024) and 13.12.4 (page attribute table).
public final class X86Format extends PageFormat {
  /// Four levels, 48 bits.
  public static final X86Format LEVELS_4 = new X86Format("x86_64", 4);

  /// Five levels, 57 bits.
  public static final X86Format LEVELS_5 = new X86Format("x86_64-la57", 5);

  static final long PRESENT = 1;
  static final long WRITABLE = 1 << 1;
  static final long USER = 1 << 2;
  static final long PWT = 1 << 3;
  static final long PCD = 1 << 4;
  static final long ACCESSED = 1 << 5;
  static final long DIRTY = 1 << 6;
  static final long LARGE = 1 << 7;
  static final long GLOBAL = 1 << 8;
  static final long SOFT_COPY = 1 << 9;
  static final long SOFT = 1 << 10;
  private static final long NO_EXECUTE = 1L << 63;

  private X86Format(String name, int levels) {
    super(name, levels, 9, 3, 3, 52, 0, PRESENT, LARGE, false);
  }

  @Override
  public long table(long physicalAddress) {
    return physicalAddress | PRESENT | WRITABLE | USER | ACCESSED;
  }

  @Override
  public long leaf(int level, long physicalAddress, int flags) {
    long entry = physicalAddress | lowBits(level, flags);
    return (flags & PageFlags.EXECUTE) != 0 ? entry : entry | NO_EXECUTE;
  }

  /// The bits that both x86 formats have.
  static long lowBits(int level, int flags) {
    long bits = level > 1 ? PRESENT | LARGE : PRESENT;
    bits |= (flags & PageFlags.WRITE) != 0 ? WRITABLE : 0;
    bits |= (flags & PageFlags.USER) != 0 ? USER : 0;
    bits |= (flags & PageFlags.GLOBAL) != 0 ? GLOBAL : 0;
    bits |= (flags & PageFlags.ACCESSED) != 0 ? ACCESSED : 0;
    bits |= (flags & PageFlags.DIRTY) != 0 ? DIRTY : 0;
    bits |= (flags & PageFlags.COPY_ON_WRITE) != 0 ? SOFT_COPY : 0;
    bits |= (flags & PageFlags.SOFTWARE) != 0 ? SOFT : 0;
    return bits
        | switch (flags & PageFlags.MEMORY_TYPE) {
          case PageFlags.WRITE_THROUGH -> PWT;
          case PageFlags.UNCACHED -> PCD;
          case PageFlags.DEVICE -> PCD | PWT;
          default -> 0;
        };
  }

  @Override
  public int flags(int level, long entry) {
    return lowFlags(entry) | ((entry & NO_EXECUTE) == 0 ? PageFlags.EXECUTE : 0);
  }

  /// What the bits say that both x86 formats have.
  static int lowFlags(long entry) {
    int flags = PageFlags.READ;
    flags |= (entry & WRITABLE) != 0 ? PageFlags.WRITE : 0;
    flags |= (entry & USER) != 0 ? PageFlags.USER : 0;
    flags |= (entry & GLOBAL) != 0 ? PageFlags.GLOBAL : 0;
    flags |= (entry & ACCESSED) != 0 ? PageFlags.ACCESSED : 0;
    flags |= (entry & DIRTY) != 0 ? PageFlags.DIRTY : 0;
    flags |= (entry & SOFT_COPY) != 0 ? PageFlags.COPY_ON_WRITE : 0;
    flags |= (entry & SOFT) != 0 ? PageFlags.SOFTWARE : 0;
    flags |= (entry & PWT) != 0 ? PageFlags.WRITE_THROUGH : 0;
    return flags | ((entry & PCD) != 0 ? PageFlags.UNCACHED : 0);
  }

  @Override
  public int expressible(int flags) {
    return flags | PageFlags.READ;
  }
}
