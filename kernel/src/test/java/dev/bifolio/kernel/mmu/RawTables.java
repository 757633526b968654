package dev.bifolio.kernel.mmu;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;
import dev.bifolio.kernel.table.Aarch64Format;
import dev.bifolio.kernel.table.I386Format;
import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.kernel.table.RiscvFormat;
import dev.bifolio.kernel.table.X86Format;
import org.jspecify.annotations.Nullable;

/// Some frames of memory, all zeros, in which a test writes the bytes of page tables by hand.
final class RawTables implements AutoCloseable {
  /// Where the memory begins.
  static final long BASE = 1L << 30;

  static final int FRAMES = 64;

  final PageFormat format;
  final MmuBus bus;
  private final Window window;

  RawTables(PageFormat format) {
    this(format, format.physicalBits());
  }

  RawTables(PageFormat format, int physicalBits) {
    this.format = format;
    try {
      window = Window.reserve(FRAMES * 4096L);
    } catch (WindowException e) {
      throw new IllegalStateException(e);
    }
    bus = new MmuBus(BASE, FRAMES * 4096L, window.address() - BASE, physicalBits);
  }

  /// A unit whose root, or roots, is the first frame.
  Mmu mmu(@Nullable Tlb tlb) {
    Mmu mmu = new Mmu(format, bus, tlb);
    mmu.setRoots(frame(0), frame(0), 0);
    return mmu;
  }

  static long frame(int number) {
    return BASE + number * 4096L;
  }

  long get(long table, int index) {
    long at = table + (long) index * format.entryByteSize() + bus.physToVirt();
    return format.entryByteSize() == 8 ? Memory.getLong(at) : Memory.getInt(at) & 0xFFFF_FFFFL;
  }

  void set(long table, int index, long entry) {
    long at = table + (long) index * format.entryByteSize() + bus.physToVirt();
    if (format.entryByteSize() == 8) {
      Memory.putLongRelease(at, entry);
    } else {
      Memory.putIntRelease(at, (int) entry);
    }
  }

  /// An entry that names a table, as few bits of it set as may be.
  long tableEntry(long physical) {
    return switch (format) {
      case X86Format _, I386Format _ -> physical | 0x7;
      case Aarch64Format _ -> physical | 0x3;
      case RiscvFormat _ -> physical >>> 2 | 0x1;
    };
  }

  /// Puts an entry where the walk of an address finds it: the table of level n is frame `levels -
  /// n`.
  void put(long virtualAddress, int level, long entry) {
    for (int above = format.levels(); above > level; above--) {
      set(table(above), format.index(above, virtualAddress), tableEntry(table(above - 1)));
    }
    set(table(level), format.index(level, virtualAddress), entry);
  }

  long at(long virtualAddress, int level) {
    return get(table(level), format.index(level, virtualAddress));
  }

  long table(int level) {
    return frame(format.levels() - level);
  }

  long word(long physical) {
    return Memory.getLong(physical + bus.physToVirt());
  }

  void setWord(long physical, long value) {
    Memory.putLong(physical + bus.physToVirt(), value);
  }

  @Override
  public void close() {
    window.close();
  }
}
