package dev.bifolio.kernel.table;

import dev.bifolio.kernel.platform.Cpu;
import dev.bifolio.kernel.unit.Pages;

/// Walks tables without the lock.
///
/// Entries are stored with release, and a new table is filled before it is named, so a reader finds
/// what was or what is. Two things he must not find: a table that was freed and is something else
/// by now, and a page in the moment in which it is taken away only to be replaced (break before
/// make). The sequence changes with both; who sees that it changed while he walked, walks again.
final class TableReader {
  private final TableTree tree;
  private final SpaceWords words;
  private final PageFormat format;

  // What the format and the memory of the tables say, at hand.
  private final int topShift;
  private final int indexMask;
  private final int indexBits;
  private final long presentMask;
  private final long leafMask;
  private final boolean leafIsClear;
  private final int addressShift;
  private final long addressMask;
  private final boolean isWide;
  private final long physicalBase;
  private final long byteSize;
  private final long physToVirt;

  TableReader(TableTree tree, SpaceWords words) {
    this.tree = tree;
    this.words = words;
    this.format = tree.format;
    topShift = format.shift(format.levels());
    indexMask = format.entryCount() - 1;
    indexBits = format.indexBits;
    presentMask = format.presentMask;
    leafMask = format.leafMask;
    leafIsClear = format.leafIsClear;
    addressShift = format.addressShift;
    addressMask = (1L << format.physicalBits()) - Pages.PAGE_SIZE;
    isWide = format.entryByteSize() == Long.BYTES;
    physicalBase = tree.frames.physicalBase();
    byteSize = tree.frames.byteSize();
    physToVirt = tree.frames.physToVirt();
  }

  /// The page behind an address: a word of [MappedPage], or [AddressSpace#NOT_MAPPED].
  long lookup(long virtualAddress) {
    for (int turn = 0; ; turn++) {
      long before = words.sequence();
      if ((before & 1) == 0) {
        long found = walk(virtualAddress);
        if (words.sequence() == before) {
          return found;
        }
      }
      Cpu.await(turn);
    }
  }

  private long walk(long virtualAddress) {
    long table = words.root(format.rootOf(virtualAddress));
    for (int level = format.levels(); tree.isTable(table); level--) {
      long entry = tree.get(table, format.index(level, virtualAddress));
      if (!format.isPresent(entry)) {
        return AddressSpace.NOT_MAPPED;
      }
      if (format.isLeaf(level, entry)) {
        return MappedPage.of(level, format.address(level, entry), format.flags(level, entry));
      }
      table = format.address(0, entry);
    }
    return AddressSpace.NOT_MAPPED; // from a table that was freed meanwhile: the sequence tells
  }

  /// The physical address behind an address, or [AddressSpace#NOT_MAPPED].
  long translate(long virtualAddress) {
    for (int turn = 0; ; turn++) {
      long before = words.sequence();
      if ((before & 1) == 0) {
        long physical = translateOnce(virtualAddress);
        if (words.sequence() == before) {
          return physical;
        }
      }
      Cpu.await(turn);
    }
  }

  private long translateOnce(long virtualAddress) {
    // Into locals: after a load with acquire semantics, which each entry is, the compiler loads
    // fields again.
    boolean wide = isWide;
    long base = physicalBase;
    long end = byteSize;
    long toVirtual = physToVirt;
    int mask = indexMask;
    int bits = indexBits;
    long present = presentMask;
    long leaf = leafMask;
    boolean isLeafClear = leafIsClear;
    int toAddress = addressShift;
    long addresses = addressMask;
    long table = words.root(format.rootOf(virtualAddress));
    int shift = topShift;
    while (Long.compareUnsigned(table - base, end) < 0) {
      int index = (int) (virtualAddress >>> shift) & mask;
      long entry = TableTree.load(table + toVirtual, index, wide);
      if ((entry & present) == 0) {
        return AddressSpace.NOT_MAPPED;
      }
      if (shift == Pages.PAGE_SHIFT || ((entry & leaf) == 0) == isLeafClear) {
        long offset = (1L << shift) - 1;
        return ((entry << toAddress) & addresses & ~offset) | (virtualAddress & offset);
      }
      table = (entry << toAddress) & addresses;
      shift -= bits;
    }
    return AddressSpace.NOT_MAPPED;
  }

  /// The table of a level on the way to an address, or [AddressSpace#NOT_MAPPED].
  long tableAt(long virtualAddress, int wanted) {
    for (int turn = 0; ; turn++) {
      long before = words.sequence();
      if ((before & 1) == 0) {
        long found = tableAtOnce(virtualAddress, wanted);
        if (words.sequence() == before) {
          return found;
        }
      }
      Cpu.await(turn);
    }
  }

  private long tableAtOnce(long virtualAddress, int wanted) {
    long table = words.root(format.rootOf(virtualAddress));
    for (int level = format.levels(); tree.isTable(table); level--) {
      if (level == wanted) {
        return table;
      }
      long entry = tree.get(table, format.index(level, virtualAddress));
      if (!format.isPresent(entry) || format.isLeaf(level, entry)) {
        return AddressSpace.NOT_MAPPED;
      }
      table = format.address(0, entry);
    }
    return AddressSpace.NOT_MAPPED;
  }
}
