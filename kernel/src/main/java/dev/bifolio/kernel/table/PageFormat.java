package dev.bifolio.kernel.table;

/// How an architecture writes page tables: the shape of the tree, and the bits of an entry.
///
/// # Overview
///
/// A table is one frame of entries; an entry says nothing, names the table of the level below, or
/// is a *leaf* that maps a page of its level's size:
///
/// ```
///   virtual address   │ sign │ index 4 │ index 3 │ index 2 │ index 1 │ offset │
///                                │         │         │         │
///   root ────────────────────────┘         │         │         │        levels are counted from
///     table ───────────────────────────────┘         │         │        the page upwards: a leaf of
///       table, or a leaf of 1 GiB ───────────────────┘         │        level 1 is 4 KiB, of level
///         table, or a leaf of 2 MiB ───────────────────────────┘        2 is 2 MiB or 4 MiB
///           leaf of 4 KiB
/// ```
///
/// All that a walk needs is in fields, so that one loop serves every format; only what flags look
/// like is a method of the format:
///
/// - an entry is *present* if one of [#presentMask]'s bits is set;
/// - a present entry of level 2 and above is a leaf if one of [#leafMask]'s bits is set, or, where
///   [#leafIsClear], if none is;
/// - the address is the entry shifted up, with the bits below the page and above the physical
///   addresses taken off.
///
/// Immutable, any thread. Costs some instructions; no Java objects.
public abstract sealed class PageFormat permits X86Format, I386Format, Aarch64Format, RiscvFormat {
  /// No format has more levels.
  public static final int MAX_LEVELS = 5;

  private static final int PAGE_SHIFT = 12;

  private final String name;
  private final int levels;
  final int indexBits;
  private final int entryShift;
  private final int largestLeafLevel;
  private final int physicalBits;
  final int addressShift;
  final long presentMask;
  final long leafMask;
  final boolean leafIsClear;

  /// A format's shape.
  ///
  /// @param levels of tables
  /// @param indexBits bits of the address that one level takes
  /// @param entryShift binary logarithm of an entry's bytes
  /// @param largestLeafLevel the highest level that may have leaves
  /// @param physicalBits bits of a physical address
  /// @param addressShift how far the address is shifted down in an entry
  PageFormat(
      String name,
      int levels,
      int indexBits,
      int entryShift,
      int largestLeafLevel,
      int physicalBits,
      int addressShift,
      long presentMask,
      long leafMask,
      boolean leafIsClear) {
    this.name = name;
    this.levels = levels;
    this.indexBits = indexBits;
    this.entryShift = entryShift;
    this.largestLeafLevel = largestLeafLevel;
    this.physicalBits = physicalBits;
    this.addressShift = addressShift;
    this.presentMask = presentMask;
    this.leafMask = leafMask;
    this.leafIsClear = leafIsClear;
  }

  // ---- The tree ----

  /// The name on the command line.
  ///
  /// @return such as `x86_64`
  public final String name() {
    return name;
  }

  /// Levels of tables; the root is of this level.
  ///
  /// @return 2 … 5
  public final int levels() {
    return levels;
  }

  /// Entries of a table.
  ///
  /// @return 512 or 1024
  public final int entryCount() {
    return 1 << indexBits;
  }

  /// Bytes of an entry.
  ///
  /// @return 8 or 4
  public final int entryByteSize() {
    return 1 << entryShift;
  }

  /// Bytes that an entry of a level spans.
  ///
  /// @param level 1 … [#levels()]
  /// @return a power of two, 4096 or more
  public final long pageByteSize(int level) {
    return 1L << shift(level);
  }

  /// Binary logarithm of [#pageByteSize].
  final int shift(int level) {
    return PAGE_SHIFT + indexBits * (level - 1);
  }

  /// The highest level whose entries may map memory.
  ///
  /// @return 1 … [#levels()]
  public final int largestLeafLevel() {
    return largestLeafLevel;
  }

  /// Which entry of a table of some level an address goes through.
  ///
  /// @param level 1 … [#levels()]
  /// @param virtualAddress any
  /// @return 0 … [#entryCount()] - 1
  public final int index(int level, long virtualAddress) {
    return (int) (virtualAddress >>> shift(level)) & (entryCount() - 1);
  }

  /// How many roots a space has: two where the halves of the addresses have one each.
  ///
  /// @return 1 or 2
  public int rootCount() {
    return 1;
  }

  /// Which root an address goes through.
  ///
  /// @param virtualAddress canonical
  /// @return 0 … [#rootCount()] - 1
  public int rootOf(long virtualAddress) {
    return 0;
  }

  /// The first address that goes through an entry of a root.
  ///
  /// @param root 0 … [#rootCount()] - 1
  /// @param index 0 … [#entryCount()] - 1
  /// @return a canonical address
  long startOf(int root, int index) {
    int unused = Long.SIZE - shift(levels) - indexBits;
    return (long) index << shift(levels) << unused >> unused;
  }

  /// The first entry of the only root that belongs to the kernel, in all spaces alike; where the
  /// kernel has a root of its own, [#entryCount()].
  int kernelIndex() {
    return entryCount() / 2;
  }

  /// The exclusive end of the addresses that are the user's.
  ///
  /// @return a multiple of the largest page
  public final long userEnd() {
    return (long) kernelIndex() << shift(levels);
  }

  /// Whether an address belongs to the kernel, in all spaces alike.
  ///
  /// @param virtualAddress canonical
  /// @return true for the upper half, or what stands for it
  public boolean isKernelHalf(long virtualAddress) {
    return virtualAddress < 0;
  }

  /// Whether an address is one that the tables can have: the bits above the highest index are as
  /// the format wants them.
  ///
  /// @param virtualAddress any
  /// @return true if it is canonical
  public boolean isCanonical(long virtualAddress) {
    int unused = Long.SIZE - shift(levels) - indexBits;
    return virtualAddress << unused >> unused == virtualAddress;
  }

  /// Whether a page must be gone from all processors before something of another size takes its
  /// place.
  ///
  /// @return true where the architecture wants *break before make*
  public boolean breaksBeforeMake() {
    return false;
  }

  /// Physical addresses are below two to this.
  ///
  /// @return 32 … 56
  public final int physicalBits() {
    return physicalBits;
  }

  // ---- Entries ----

  /// Whether an entry says anything.
  ///
  /// @param entry any
  /// @return false if an access through it faults as not present
  public final boolean isPresent(long entry) {
    return (entry & presentMask) != 0;
  }

  /// Whether a present entry maps memory rather than name a table.
  ///
  /// @param level of its table, 1 … [#levels()]
  /// @param entry present
  /// @return true for a leaf
  public final boolean isLeaf(int level, long entry) {
    return level == 1 || ((entry & leafMask) == 0) == leafIsClear;
  }

  /// The physical address in a present entry: of the table below, or of the page.
  ///
  /// @param level of its table; 0 for an entry that names a table, whatever its level
  /// @param entry present
  /// @return a multiple of 4096, and of the page's size for a leaf
  public final long address(int level, long entry) {
    int low = level <= 1 ? PAGE_SHIFT : shift(level);
    long frame = (entry << addressShift) & ((1L << physicalBits) - 1);
    return frame >>> low << low;
  }

  /// An address as an entry has it.
  final long addressBits(long physicalAddress) {
    return physicalAddress >>> addressShift;
  }

  /// An entry that names a table.
  ///
  /// @param physicalAddress of the table, a multiple of 4096 below 2^[#physicalBits()]
  /// @return the entry, which allows all that the leaves below allow
  public abstract long table(long physicalAddress);

  /// A leaf.
  ///
  /// @param level 1 … [#largestLeafLevel()]
  /// @param physicalAddress a multiple of the level's page size below 2^[#physicalBits()]
  /// @param flags [PageFlags]
  /// @return the entry
  public abstract long leaf(int level, long physicalAddress, int flags);

  /// What a leaf allows.
  ///
  /// @param level of its table
  /// @param entry a leaf
  /// @return [PageFlags]
  public abstract int flags(int level, long entry);

  /// What becomes of flags in this format: the nearest that it can say, never with a store allowed
  /// that was not asked for, nor user mode let in.
  ///
  /// @param flags [PageFlags], legal
  /// @return what [#flags] tells of a leaf with these
  public abstract int expressible(int flags);

  @Override
  public final String toString() {
    return name;
  }
}
