package dev.bifolio.kernel.table;

import dev.bifolio.kernel.platform.Memory;

/// The words of an [AddressSpace]: where its roots are, what it counts, and the sequence by which
/// readers without the lock notice that they have to begin again.
///
/// ```
///   0 lock │ 8 sequence │ 16 root, 24 root 1 │ 32 tables │ 48 … 80 pages of level 1 … 5 │ 88 sharing spaces │ 96 … 127 pinned entries
/// ```
///
/// - *sequence*: odd while an entry is taken away only to be replaced, and 2 more when tables were
///   freed.
/// - *root*: physical address and 1, so that a word of zero is a space that is not open.
/// - *sharing spaces*: how many user spaces have copies of the root entries of the kernel half.
///   While there are any, none of these entries changes.
/// - *pinned entries*: a bit for each root entry of the kernel half whose table stays when it is
///   empty.
///
/// Written by who has the lock.
final class SpaceWords {
  static final int BYTE_SIZE = 128;
  static final int LOCK = 0;

  private static final int SEQUENCE = 8;
  private static final int ROOTS = 16;
  private static final int TABLES = 32;
  private static final int PAGES = 40;
  private static final int SHARING = 88;
  private static final int PINS = 96;

  private final PageFormat format;
  private final long address;

  SpaceWords(PageFormat format, long address) {
    this.format = format;
    this.address = address;
  }

  // ---- Roots ----

  boolean isOpen() {
    return Memory.getLong(address + ROOTS) != 0;
  }

  void setRoot(int root, long table) {
    Memory.putLongRelease(address + ROOTS + root * 8L, table | 1);
  }

  void clearRoots() {
    Memory.putLongRelease(address + ROOTS, 0);
    Memory.putLongRelease(address + ROOTS + 8, 0);
  }

  /// The table of a root, or [TableTree#NOTHING] of a space that is not open.
  long root(int root) {
    long word = Memory.getLong(address + ROOTS + root * 8L);
    return word == 0 ? TableTree.NOTHING : word & -2L;
  }

  // ---- The sequence ----

  long sequence() {
    return Memory.getLongVolatile(address + SEQUENCE);
  }

  /// Between two of these an entry is missing that is about to come back.
  void step() {
    Memory.getAndAddLong(address + SEQUENCE, 1);
  }

  /// Tables are about to be freed.
  void skip() {
    Memory.getAndAddLong(address + SEQUENCE, 2);
  }

  // ---- Counters ----

  long tables() {
    return Memory.getLongVolatile(address + TABLES);
  }

  void addTables(long delta) {
    add(address + TABLES, delta);
  }

  long pages(int level) {
    return Memory.getLongVolatile(address + PAGES + 8L * level);
  }

  void addPages(int level, long delta) {
    add(address + PAGES + 8L * level, delta);
  }

  /// Takes a walk's counts over.
  void add(long tables, long[] pages) {
    if (tables != 0) {
      addTables(tables);
    }
    for (int level = 1; level <= format.largestLeafLevel(); level++) {
      if (pages[level] != 0) {
        addPages(level, pages[level]);
      }
    }
  }

  private static void add(long word, long delta) {
    Memory.putLongRelease(word, Memory.getLong(word) + delta);
  }

  // ---- The kernel half ----

  long sharing() {
    return Memory.getLong(address + SHARING);
  }

  void addSharing(long delta) {
    add(address + SHARING, delta);
  }

  void pin(int rootIndex) {
    int bit = rootIndex - format.kernelIndex();
    long word = address + PINS + 8L * (bit / Long.SIZE);
    Memory.putLong(word, Memory.getLong(word) | 1L << bit);
  }

  void unpinAll() {
    for (int word = PINS; word < BYTE_SIZE; word += Long.BYTES) {
      Memory.putLong(address + word, 0);
    }
  }

  /// Whether other spaces have a copy of the entry of a root.
  boolean isFrozen(int level, int index) {
    return level == format.levels() && index >= format.kernelIndex() && sharing() != 0;
  }

  /// Whether the table behind an entry stays when it is empty.
  boolean isKept(int level, int index) {
    if (level != format.levels() || index < format.kernelIndex()) {
      return false;
    }
    int bit = index - format.kernelIndex();
    long pins = Memory.getLong(address + PINS + 8L * (bit / Long.SIZE));
    return sharing() != 0 || (pins >>> bit & 1) != 0;
  }
}
