package dev.bifolio.kernel.mmu;

/// Why a memory management unit refused an access.
///
/// [Mmu#access] and its kin return a negative code, no object, for an access that faults. What is
/// in it:
///
/// ```
///   63   47 … 16            11 … 10  9      8       6…4     3 … 0
///   1    cause              kind     user   -       level   which of these
/// ```
public enum MmuFault {
  /// No address that the tables can have. On x86 a general protection fault with error code 0
  /// instead of a page fault.
  NOT_CANONICAL,
  /// An entry says nothing.
  NOT_PRESENT,
  /// An entry has bits that are reserved.
  RESERVED,
  /// The access flag is clear, and hardware does not set it.
  ACCESS_FLAG,
  /// The dirty bit is clear, and hardware does not set it.
  DIRTY_FLAG,
  /// An entry has an address beyond the address lines.
  ADDRESS_SIZE,
  /// The user touched a page that is the kernel's.
  KERNEL_ONLY,
  /// The kernel touched a page of the user, from which it is kept.
  USER_ONLY,
  /// Loads are not allowed.
  NO_LOAD,
  /// Stores are not allowed.
  NO_STORE,
  /// Fetches are not allowed.
  NO_FETCH,
  /// A table would lie where there is no memory.
  TABLE_OUTSIDE,
  /// The page lies where there is no memory.
  OUTSIDE;

  private static final MmuFault[] VALUES = values();

  private static final int LEVEL_SHIFT = 4;
  private static final long IS_USER = 1 << 9;
  private static final int KIND_SHIFT = 10;
  private static final int CAUSE_SHIFT = 16;

  @SuppressWarnings("EnumOrdinal") // a number inside of a code, which only this class reads
  final long code(int level, int kind, boolean isUser, int cause) {
    return Long.MIN_VALUE
        | (cause & 0xFFFF_FFFFL) << CAUSE_SHIFT
        | (long) kind << KIND_SHIFT
        | (isUser ? IS_USER : 0)
        | (long) level << LEVEL_SHIFT
        | ordinal();
  }

  /// Which fault a code is.
  ///
  /// @param code negative, from an [Mmu]
  /// @return the fault
  /// @throws IllegalArgumentException if `code` is none
  public static MmuFault of(long code) {
    int ordinal = (int) code & 15;
    if (code >= 0 || ordinal >= VALUES.length) {
      throw new IllegalArgumentException(code + " is not the code of a fault");
    }
    return VALUES[ordinal];
  }

  /// Where the walk ended.
  ///
  /// @param code as there
  /// @return the level of the entry at fault; 0 if no entry was looked at
  public static int level(long code) {
    return (int) (code >>> LEVEL_SHIFT) & 7;
  }

  /// What was tried.
  ///
  /// @param code as there
  /// @return [Mmu#LOAD], [Mmu#STORE] or [Mmu#FETCH]
  public static int kind(long code) {
    return (int) (code >>> KIND_SHIFT) & 3;
  }

  /// In which mode.
  ///
  /// @param code as there
  /// @return true for the user's
  public static boolean isUser(long code) {
    return (code & IS_USER) != 0;
  }

  /// The fault as the architecture reports it.
  ///
  /// - x86: the error code: bit 0 present, 1 store, 2 user, 3 reserved bits, 4 fetch. 0 where there
  ///   is no memory, of which no processor tells.
  /// - AArch64: ESR_EL1: class, and the fault's status with the level, 0 for the root.
  /// - RISC-V: scause: 12, 13 or 15 for a fetch, load or store; 1, 5 or 7 where there is no memory.
  ///
  /// @param code as there
  /// @return the number
  public static int cause(long code) {
    return (int) (code >>> CAUSE_SHIFT);
  }
}
