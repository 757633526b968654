package dev.bifolio.bench;

import dev.bifolio.kernel.mmu.Mmu;
import dev.bifolio.kernel.mmu.Tlb;
import dev.bifolio.kernel.table.Aarch64Format;
import dev.bifolio.kernel.table.AddressSpace;
import dev.bifolio.kernel.table.FlushBatch;
import dev.bifolio.kernel.table.MapOutcome;
import dev.bifolio.kernel.table.PageFlags;
import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.kernel.table.RiscvFormat;
import dev.bifolio.kernel.table.UnmapOutcome;
import dev.bifolio.kernel.table.X86Format;
import dev.bifolio.kernel.unit.Pages;

/// An address space whose tables are frames of a hybrid allocator, in real memory. What is mapped
/// is not. After as many pages as a batch keeps singly the space is told that all processors have
/// flushed, as a kernel would.
final class SpaceSubject extends TableSubject {
  private static final int FLAGS =
      PageFlags.READ | PageFlags.WRITE | PageFlags.USER | PageFlags.ACCESSED | PageFlags.DIRTY;

  private final TableMemory memory;
  private final AddressSpace space;
  private final FlushBatch batch = new FlushBatch(FlushBatch.DEFAULT_LIMIT, null);

  private SpaceSubject(PageFormat format, TableMemory memory) {
    this.memory = memory;
    space = new AddressSpace(format, memory.tables(), memory.take(AddressSpace.BYTE_SIZE));
    if (!space.open()) {
      throw new IllegalStateException("there is no memory for the root");
    }
  }

  static SpaceSubject create(Kind kind, int tableFrames) {
    return new SpaceSubject(format(kind), TableMemory.create(tableFrames));
  }

  /// The format that a kind is named after.
  static PageFormat format(Kind kind) {
    return switch (kind) {
      case X86_64 -> X86Format.LEVELS_4;
      case AARCH64 -> Aarch64Format.INSTANCE;
      case SV48 -> RiscvFormat.SV48;
      case HASH_MAP, FLAT -> throw new IllegalArgumentException(kind + " has no format");
    };
  }

  @Override
  void mapPage(long virtualAddress, long physicalAddress) {
    require(space.map(virtualAddress, physicalAddress, Pages.PAGE_SIZE, FLAGS, 1));
  }

  @Override
  void unmapPage(long virtualAddress) {
    require(space.unmapAny(virtualAddress, Pages.PAGE_SIZE, true, batch));
    if (batch.count() == FlushBatch.DEFAULT_LIMIT) {
      long _ = space.flushed(batch);
    }
  }

  @Override
  void mapRange(long virtualAddress, long physicalAddress, long byteSize, boolean largest) {
    require(
        largest
            ? space.map(virtualAddress, physicalAddress, byteSize, FLAGS)
            : space.map(virtualAddress, physicalAddress, byteSize, FLAGS, 1));
  }

  @Override
  void unmapRange(long virtualAddress, long byteSize) {
    require(space.unmap(virtualAddress, byteSize, batch));
    long _ = space.flushed(batch);
  }

  @Override
  long translate(long virtualAddress) {
    return space.translate(virtualAddress);
  }

  /// A processor that walks the tables, and remembers pages in a TLB.
  Mmu processor(int tlbSets, int tlbWays) {
    PageFormat format = space.format();
    Mmu processor = new Mmu(format, memory.bus(format), new Tlb(format, tlbSets, tlbWays));
    processor.setSpace(space, 1);
    processor.setUser(true);
    return processor;
  }

  private static void require(MapOutcome outcome) {
    if (outcome != MapOutcome.MAPPED) {
      throw new IllegalStateException("a page that is free was not mapped: " + outcome);
    }
  }

  private static void require(UnmapOutcome outcome) {
    if (outcome != UnmapOutcome.DONE) {
      throw new IllegalStateException("a page that is mapped was not unmapped: " + outcome);
    }
  }

  @Override
  public void close() {
    memory.close();
  }
}
