package dev.bifolio.kernel.table;

import dev.bifolio.kernel.platform.Memory;

/// The bytes of the tables of one format: loads and stores of entries, and a stock of zeroed tables
/// that are paid for before anything is changed.
///
/// ```
///   stock ──> table ──> table ──> table ──> nothing        each one's first word names the next
/// ```
///
/// Tables are named by their physical address. An entry is stored with release and loaded with
/// acquire semantics, so who finds a table through an entry finds its zeros too. The stock is for
/// who has the space's lock; entries may be loaded by any thread.
final class TableTree {
  /// No table.
  static final long NOTHING = -1;

  /// How far to look to each side of an entry, before a table is read through, for one that is
  /// present: neighbours are the likeliest.
  private static final int NEAR = 4;

  /// The end of a list: not present, and no table's address.
  private static final long END = 2;

  private static final long INT_MASK = 0xFFFF_FFFFL;

  final PageFormat format;
  final TableFrames frames;
  private final long physToVirt;
  private final boolean isWide;
  private long stock = NOTHING;

  TableTree(PageFormat format, TableFrames frames) {
    this.format = format;
    this.frames = frames;
    this.physToVirt = frames.physToVirt();
    this.isWide = format.entryByteSize() == Long.BYTES;
  }

  // ---- Entries ----

  long get(long table, int index) {
    return load(table + physToVirt, index, isWide);
  }

  /// An entry of a table at a virtual address.
  ///
  /// @param isWide whether entries have 8 bytes; else they have 4
  static long load(long tableAddress, int index, boolean isWide) {
    return isWide
        ? Memory.getLongAcquire(tableAddress + (long) index * Long.BYTES)
        : Memory.getIntAcquire(tableAddress + (long) index * Integer.BYTES) & INT_MASK;
  }

  void set(long table, int index, long entry) {
    long at = table + physToVirt;
    if (isWide) {
      Memory.putLongRelease(at + (long) index * Long.BYTES, entry);
    } else {
      Memory.putIntRelease(at + (long) index * Integer.BYTES, (int) entry);
    }
  }

  /// Changes an entry if it still is as expected; a processor may have set a bit meanwhile.
  boolean compareAndSet(long table, int index, long expected, long entry) {
    long at = table + physToVirt;
    return isWide
        ? Memory.compareAndSetLong(at + (long) index * Long.BYTES, expected, entry)
        : Memory.compareAndSetInt(at + (long) index * Integer.BYTES, (int) expected, (int) entry);
  }

  /// Takes an entry away.
  ///
  /// @return what it was, to the last bit that a processor has set
  long clear(long table, int index) {
    while (true) {
      long entry = get(table, index);
      if (compareAndSet(table, index, entry, 0)) {
        return entry;
      }
    }
  }

  /// Whether no entry of a table is present.
  ///
  /// @param near an index whose neighbours are looked at first
  boolean isEmpty(long table, int near) {
    int count = format.entryCount();
    int from = Math.max(0, near - NEAR);
    int to = Math.min(count, near + NEAR + 1);
    return isClear(table, from, to) && isClear(table, to, count) && isClear(table, 0, from);
  }

  private boolean isClear(long table, int from, int to) {
    for (int index = from; index < to; index++) {
      if (format.isPresent(get(table, index))) {
        return false;
      }
    }
    return true;
  }

  // ---- Tables ----

  /// Whether a table may lie at an address; elsewhere nothing can be read.
  boolean isTable(long table) {
    return frames.contains(table);
  }

  /// Lays in tables for what is about to be done; there are none before. They are taken in the
  /// order in which they came, so tables lie as a walk meets them where frames come in order.
  ///
  /// @return false, and there are none, if there is no memory for all of them
  boolean stockUp(long tableCount) {
    long end = NOTHING;
    for (long i = 0; i < tableCount; i++) {
      long table = frames.allocate();
      if (table == TableFrames.NO_TABLE) {
        giveStockBack();
        return false;
      }
      retire(table, NOTHING);
      if (end == NOTHING) {
        stock = table;
      } else {
        retire(end, table);
      }
      end = table;
    }
    return true;
  }

  /// A table that was laid in, all zeros.
  long takeFromStock() {
    long table = stock;
    if (table == NOTHING) {
      throw new IllegalStateException("more tables are needed than were counted");
    }
    stock = next(table);
    Memory.putLong(table + physToVirt, 0);
    return table;
  }

  /// Gives back what was laid in.
  void giveStockBack() {
    while (stock != NOTHING) {
      frames.free(takeFromStock());
    }
  }

  /// Puts a table that nothing names any more in front of a list.
  ///
  /// @param rest the list, or [#NOTHING]
  /// @return the list
  long retire(long table, long rest) {
    Memory.putLongRelease(table + physToVirt, rest == NOTHING ? END : rest);
    return table;
  }

  private long next(long table) {
    long next = Memory.getLong(table + physToVirt);
    return next == END ? NOTHING : next;
  }

  /// Frees a list.
  ///
  /// @return how many tables it had
  long freeAll(long list) {
    long count = 0;
    for (long table = list; table != NOTHING; count++) {
      long next = next(table);
      frames.free(table);
      table = next;
    }
    return count;
  }
}
