package dev.bifolio.kernel.mmu;

import dev.bifolio.kernel.table.PageFormat;
import org.jspecify.annotations.Nullable;

/// The walk of x86: two, four or five levels.
///
/// - An access must be allowed at every level: R/W and U/S must be set in all entries on the way,
///   XD in none.
/// - Entries on the way get their accessed bit as they are used; the leaf gets accessed and dirty
///   once the access is allowed.
/// - Reserved are the bits from the last address line to 51, bit 63 without NXE, PS in the upper
///   two levels, and the bits of a large page below its size but for PAT. In a page of 4 MiB bits
///   20…13 are bits 39…32 of its address (PSE-36), as far as there are address lines.
///
/// Source: Intel SDM volume 3A, 5.3 and 5.5 (entries), 5.6 (rights), 5.7 (error code), 5.8
/// (accessed and dirty).
final class X86Walker extends HardwareWalker {
  private static final long RW = 1 << 1;
  private static final long US = 1 << 2;
  private static final long A = 1 << 5;
  private static final long D = 1 << 6;
  private static final long PS = 1 << 7;
  private static final long G = 1 << 8;
  private static final long XD = 1L << 63;

  private static final int LARGE_PAT_BIT = 12;
  private static final int LINES_32 = 32;
  private static final int RESERVED_END = 52;

  private final boolean isShort;
  private final int largestLeafLevel;
  private final long tableAddress;
  private final long[] leafReserved = new long[PageFormat.MAX_LEVELS + 1];
  private final long[] tableReserved = new long[PageFormat.MAX_LEVELS + 1];

  X86Walker(PageFormat format, MmuBus bus) {
    super(format, bus);
    isShort = format.entryByteSize() == Integer.BYTES;
    largestLeafLevel = isShort ? 2 : 3;
    tableAddress = (1L << Math.min(isShort ? LINES_32 : RESERVED_END, bus.physicalBits())) - 4096;
  }

  @Override
  void configure(int bits) {
    super.configure(bits);
    long always = has(MmuControl.X86_NXE) ? 0 : XD;
    always |= bits(bus.physicalBits(), RESERVED_END);
    for (int level = 1; level <= levels; level++) {
      if (isShort) {
        int lines = Math.min(bus.physicalBits(), 40) - LINES_32;
        leafReserved[level] = level == 1 ? 0 : bits(LARGE_PAT_BIT + 1 + lines, 22);
      } else {
        int shift = 12 + indexBits * (level - 1);
        leafReserved[level] = always | (level == 1 ? 0 : bits(LARGE_PAT_BIT + 1, shift));
        tableReserved[level] = always | (level > largestLeafLevel ? PS : 0);
      }
    }
  }

  /// Ones from a bit up to another, exclusive.
  private static long bits(int from, int to) {
    return from >= to ? 0 : (1L << to) - (1L << from);
  }

  @Override
  long entry(long at) {
    return isShort ? bus.shortEntry(at) : bus.entry(at);
  }

  @Override
  long rootTable(long root) {
    return root & tableAddress;
  }

  @Override
  @Nullable MmuFault problem(int level, long entry) {
    long reserved = isLeaf(level, entry) ? leafReserved[level] : tableReserved[level];
    return (entry & reserved) != 0 ? MmuFault.RESERVED : null;
  }

  @Override
  boolean isLeaf(int level, long entry) {
    return level == 1 || ((entry & PS) != 0 && level <= largestLeafLevel);
  }

  @Override
  long table(long entry) {
    return entry & tableAddress;
  }

  @Override
  boolean markTable(long at, long entry) {
    return (entry & A) != 0 || change(at, entry, entry | A);
  }

  @Override
  int below(int above, long entry) {
    return above & rights(entry);
  }

  @Override
  long leaf(long at, int level, long entry, int above, int kind, boolean isUser, boolean isDry) {
    int rights = above & rights(entry);
    if (!Translation.allows(mask(kind, isUser), rights)) {
      return refusal(level, kind, isUser, rights);
    }
    long marked = entry | (kind == Mmu.STORE ? A | D : A);
    if (!isDry && marked != entry && !change(at, entry, marked)) {
      return AGAIN;
    }
    if ((marked & D) == 0) {
      rights &= ~Translation.DIRTY;
    }
    boolean isGlobal = (entry & G) != 0 && has(MmuControl.X86_PGE);
    return Translation.of(page(level, entry), level, rights, isGlobal);
  }

  private long page(int level, long entry) {
    long page = entry & tableAddress & -pageByteSize(level);
    if (isShort && level == 2) {
      page |= (entry >>> (LARGE_PAT_BIT + 1) & 0xFF) << LINES_32;
    }
    return page;
  }

  /// What an entry leaves of the rights.
  private static int rights(long entry) {
    int rights = Translation.LOAD | Translation.DIRTY;
    rights |= (entry & RW) != 0 ? Translation.STORE : 0;
    rights |= (entry & US) != 0 ? Translation.USER : 0;
    rights |= (entry & XD) == 0 ? Translation.FETCH_KERNEL | Translation.FETCH_USER : 0;
    return rights;
  }

  private boolean change(long at, long from, long to) {
    return isShort ? bus.changeShort(at, from, to) : bus.change(at, from, to);
  }

  @Override
  boolean allows(int kind, boolean isUser, int rights) {
    boolean isOfUser = (rights & Translation.USER) != 0;
    if (isUser && !isOfUser) {
      return false;
    }
    if (kind == Mmu.FETCH) {
      boolean isKept = !isUser && isOfUser && has(MmuControl.X86_SMEP);
      return (rights & Translation.FETCH_KERNEL) != 0 && !isKept;
    }
    if (!isUser && isOfUser && has(MmuControl.X86_SMAP) && !has(MmuControl.X86_AC)) {
      return false;
    }
    if (kind == Mmu.LOAD) {
      return (rights & Translation.LOAD) != 0;
    }
    boolean isAllowed = (rights & Translation.STORE) != 0 || (!isUser && !has(MmuControl.X86_WP));
    return isAllowed && (rights & Translation.DIRTY) != 0;
  }

  @Override
  int cause(MmuFault fault, int level, int kind, boolean isUser) {
    return switch (fault) {
      case NOT_CANONICAL, TABLE_OUTSIDE, OUTSIDE -> 0;
      default -> {
        int code = fault == MmuFault.NOT_PRESENT ? 0 : 1;
        code |= kind == Mmu.STORE ? 1 << 1 : 0;
        code |= isUser ? 1 << 2 : 0;
        code |= fault == MmuFault.RESERVED ? 1 << 3 : 0;
        boolean tells = has(MmuControl.X86_NXE | MmuControl.X86_SMEP);
        yield code | (kind == Mmu.FETCH && tells ? 1 << 4 : 0);
      }
    };
  }
}
