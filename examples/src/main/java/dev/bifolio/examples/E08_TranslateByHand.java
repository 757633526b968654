package dev.bifolio.examples;

import dev.bifolio.kernel.mmu.Mmu;
import dev.bifolio.kernel.mmu.MmuBus;
import dev.bifolio.kernel.mmu.MmuFault;
import dev.bifolio.kernel.mmu.Tlb;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;
import dev.bifolio.kernel.table.AddressSpace;
import dev.bifolio.kernel.table.FlushBatch;
import dev.bifolio.kernel.table.PageFlags;
import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.kernel.table.TableFrames;
import dev.bifolio.kernel.table.X86Format;

/// Lesson 8: one virtual address, translated by hand.
///
/// Page tables are bytes in memory, and a walk through them is four loads. Each takes nine bits of
/// the address as an index, finds an entry of eight bytes, and takes the next table's address out
/// of it:
///
/// ```
///   63 … 48   47 … 39   38 … 30   29 … 21   20 … 12   11 … 0
///   sign      index 4   index 3   index 2   index 1   offset
///                │         │         │         │         │
///   root ─> [ table ] ─> [ table ] ─> [ table ] ─> [ table ] ─> page + offset
/// ```
///
/// We do it with shifts and masks alone, ask the address space and the software MMU for their
/// opinion, and let the MMU store something: then an entry has changed that nobody of us wrote to.
/// Last, a page goes, and the MMU does not know.
public final class E08_TranslateByHand {
  private static final long BASE = 0x4443_0000L;
  private static final int FRAMES = 64;
  private static final long VIRTUAL = 0x1234_5000L;
  private static final long PHYSICAL = 0x4444_5000L;
  private static final long ADDRESS_BITS = 0x000F_FFFF_FFFF_F000L;

  private final PageFormat format = X86Format.LEVELS_4;
  private final long physToVirt;
  private final AddressSpace space;
  private final Tlb tlb = new Tlb(format, 16, 4);
  private final Mmu mmu;

  private E08_TranslateByHand(long memory, long words) {
    physToVirt = memory - BASE;
    long byteSize = FRAMES * 4096L;
    // Sixteen frames for tables are enough for a lesson; a machine asks its zones for them.
    TableFrames tables = new TableFrames(words, BASE, BASE, byteSize, physToVirt, 0);
    space = new AddressSpace(format, tables, words + TableFrames.BYTE_SIZE);
    mmu = new Mmu(format, new MmuBus(BASE, byteSize, physToVirt, 46), tlb);
  }

  /// Runs the lesson.
  ///
  /// @param arguments none
  /// @throws WindowException if this system reserves no memory
  public static void main(String[] arguments) throws WindowException {
    try (Window memory = Window.reserve(FRAMES * 4096L);
        Window words = Window.reserve(TableFrames.BYTE_SIZE + AddressSpace.BYTE_SIZE)) {
      new E08_TranslateByHand(memory.address(), words.address()).tell();
    }
  }

  private void tell() {
    boolean isOpen = space.open();
    int flags = PageFlags.READ | PageFlags.WRITE | PageFlags.USER;
    IO.println("Mapped: " + (isOpen ? space.map(VIRTUAL, PHYSICAL, 4096, flags) : "NO ROOT"));
    mmu.setSpace(space, 0);
    mmu.setUser(true);

    long address = VIRTUAL + 0x678;
    long byHand = translate(address);
    IO.println("By hand          0x%x".formatted(byHand));
    IO.println("The space says   0x%x".formatted(space.translate(address)));
    long[] entry = new long[1];
    long byMmu = mmu.trace(address, Mmu.LOAD, (level, table, index, bits) -> entry[0] = bits);
    IO.println("The MMU says     0x%x".formatted(byMmu));
    IO.println(entry[0] == leaf() ? "It saw the same last entry." : "IT SAW ANOTHER ENTRY");

    tellMarks(address);
    tellOldEntry(address);
  }

  /// Four loads, with shifts and masks alone.
  private long translate(long address) {
    long table = space.rootAddress(0);
    IO.println("0x%x, with the root at 0x%x:".formatted(address, table));
    for (int level = 4; level >= 1; level--) {
      long index = address >>> (12 + 9 * (level - 1)) & 511;
      long at = table + index * 8;
      long entry = Memory.getLong(at + physToVirt);
      IO.println(
          "  level %d  index %3d  entry at 0x%x: 0x%016x".formatted(level, index, at, entry));
      if ((entry & 1) == 0) {
        return AddressSpace.NOT_MAPPED; // not present
      }
      table = entry & ADDRESS_BITS;
    }
    return table + (address & 4095);
  }

  /// The entry of the page, as it is now.
  private long leaf() {
    long table = space.tableAt(VIRTUAL, 1);
    return Memory.getLong(table + (VIRTUAL >>> 12 & 511) * 8 + physToVirt);
  }

  /// Hardware tells in the entry that it has read and written.
  private void tellMarks(long address) {
    IO.println("Nobody has used the page:   0x%x".formatted(leaf()));
    mmu.loadLong(address);
    IO.println("After a load, accessed:     0x%x".formatted(leaf()));
    mmu.storeLong(address, 42);
    IO.println("After a store, dirty too:   0x%x".formatted(leaf()));
    long there = Memory.getLong(PHYSICAL + 0x678 + physToVirt);
    IO.println("And the memory holds " + there + ".");
  }

  /// Who changes tables has to say so.
  private void tellOldEntry(long address) {
    FlushBatch batch = new FlushBatch(FlushBatch.DEFAULT_LIMIT, null);
    IO.println("Unmapped: " + space.unmap(VIRTUAL, 4096, batch));
    IO.println("The space says   " + space.translate(address));
    IO.println("The MMU still loads " + mmu.loadLong(address) + ": it remembers.");
    for (int i = 0; i < batch.count(); i++) {
      tlb.flushPage(batch.address(i), 0);
    }
    // Only now may the tables be freed: a processor might have been in the middle of them.
    IO.println("Flushed, and " + space.flushed(batch) + " tables are free.");
    mmu.loadLong(address);
    IO.println(
        "The MMU faults: %s at level %d, error code %d, address 0x%x"
            .formatted(
                MmuFault.of(mmu.fault()),
                MmuFault.level(mmu.fault()),
                MmuFault.cause(mmu.fault()),
                mmu.faultAddress()));
  }
}
