package dev.bifolio.bench;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.HybridAllocator;
import dev.bifolio.kernel.platform.Cpu;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;
import dev.bifolio.kernel.table.Aarch64Format;
import dev.bifolio.kernel.table.AddressSpace;
import dev.bifolio.kernel.table.FlushBatch;
import dev.bifolio.kernel.table.MapOutcome;
import dev.bifolio.kernel.table.PageFlags;
import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.kernel.table.RiscvFormat;
import dev.bifolio.kernel.table.TableFrames;
import dev.bifolio.kernel.table.UnmapOutcome;
import dev.bifolio.kernel.table.X86Format;
import dev.bifolio.kernel.unit.FrameSource;
import dev.bifolio.kernel.unit.Pages;

/// An address space whose tables are frames of a hybrid allocator, in real memory. What is mapped
/// is not: no processor looks. After as many pages as a batch keeps singly the space is told that
/// all processors have flushed, as a kernel would.
final class SpaceSubject extends TableSubject implements FrameSource {
  private static final int FLAGS = PageFlags.READ | PageFlags.WRITE | PageFlags.USER;
  private static final int LINE = 64;
  private static final long START_PFN = Subject.START_PFN;

  private final Window window;
  private final HybridAllocator frames;
  private final AddressSpace space;
  private final FlushBatch batch = new FlushBatch(FlushBatch.DEFAULT_LIMIT, null);

  private SpaceSubject(PageFormat format, Window window, int tableFrames) {
    this.window = window;
    long end = START_PFN + tableFrames;
    frames =
        new HybridAllocator(
            Pages.MAX_ORDER,
            Cpu.count(),
            window.address(),
            Pages.pfnToAddress(START_PFN),
            tableFrames);
    frames.addFrames(START_PFN + TableFrames.POOL_FRAMES, end);
    long words = window.address() + metadataBytes(tableFrames);
    long memory = words + wordBytes();
    long physical = Pages.pfnToAddress(START_PFN);
    TableFrames tables =
        new TableFrames(
            words,
            physical,
            physical,
            Pages.framesToBytes(tableFrames),
            memory - physical,
            AllocationFlags.NONE);
    tables.setSource(this);
    space = new AddressSpace(format, tables, words + TableFrames.BYTE_SIZE);
    if (!space.open()) {
      throw new IllegalStateException("there is no memory for the root");
    }
  }

  static SpaceSubject create(Kind kind, int tableFrames) {
    long byteSize = metadataBytes(tableFrames) + wordBytes() + Pages.framesToBytes(tableFrames);
    try {
      return new SpaceSubject(format(kind), Window.reserve(byteSize), tableFrames);
    } catch (WindowException e) {
      throw new IllegalStateException(e.getMessage(), e);
    }
  }

  private static PageFormat format(Kind kind) {
    return switch (kind) {
      case X86_64 -> X86Format.LEVELS_4;
      case AARCH64 -> Aarch64Format.INSTANCE;
      case SV48 -> RiscvFormat.SV48;
      case HASH_MAP, FLAT -> throw new IllegalArgumentException(kind + " has no format");
    };
  }

  private static long metadataBytes(int tableFrames) {
    long byteSize = HybridAllocator.metadataBytes(START_PFN, START_PFN + tableFrames, Cpu.count());
    return Pages.alignUp(byteSize, Pages.PAGE_SIZE);
  }

  /// A page: the memory behind it begins with a frame.
  private static long wordBytes() {
    return Pages.alignUp(TableFrames.BYTE_SIZE + AddressSpace.BYTE_SIZE + LINE, Pages.PAGE_SIZE);
  }

  @Override
  public long allocate(int order, int flags) {
    return frames.tryAllocate(order, flags);
  }

  @Override
  public void free(long pfn, int order) {
    frames.free(pfn, order);
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
    window.close();
  }
}
