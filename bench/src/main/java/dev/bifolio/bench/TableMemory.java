package dev.bifolio.bench;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.frame.HybridAllocator;
import dev.bifolio.kernel.mmu.MmuBus;
import dev.bifolio.kernel.platform.Cpu;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;
import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.kernel.table.TableFrames;
import dev.bifolio.kernel.unit.PageFrames;
import dev.bifolio.kernel.unit.Pages;

/// Real memory for page tables and pages: frames of a hybrid allocator, and words before them. It
/// lies on huge pages of the operating system if there are such, since all of it will be written.
///
/// ```
///   words for whoever wants some │ metadata │ FrameInfo │ frames: pool of tables │ all others
/// ```
final class TableMemory implements PageFrames, AutoCloseable {
  private static final long WORD_BYTES = 4 * Pages.PAGE_SIZE;
  private static final int LINE = 64;
  private static final long START_PFN = Subject.START_PFN;

  private final Window window;
  private final HybridAllocator frames;
  private final FrameInfo info;
  private final long endPfn;
  private final long physToVirt;
  private final TableFrames tables;
  private long nextWord;

  private TableMemory(Window window, int frameCount) {
    this.window = window;
    endPfn = START_PFN + frameCount;
    nextWord = window.address();
    long metadata = window.address() + WORD_BYTES;
    long infos = metadata + metadataBytes(frameCount);
    long physical = Pages.pfnToAddress(START_PFN);
    physToVirt = infos + infoBytes(frameCount) - physical;
    frames = new HybridAllocator(Pages.MAX_ORDER, Cpu.count(), metadata, physical, frameCount);
    frames.addFrames(START_PFN + TableFrames.POOL_FRAMES, endPfn);
    info = new FrameInfo(infos, START_PFN, endPfn);
    tables =
        new TableFrames(
            take(TableFrames.BYTE_SIZE),
            physical,
            physical,
            Pages.framesToBytes(frameCount),
            physToVirt,
            AllocationFlags.NONE);
    tables.setSource(this);
  }

  static TableMemory create(int frameCount) {
    long byteSize =
        WORD_BYTES
            + metadataBytes(frameCount)
            + infoBytes(frameCount)
            + Pages.framesToBytes(frameCount);
    try {
      Window window = Window.reserve(byteSize);
      window.preferHugePages(window.address(), window.byteSize());
      return new TableMemory(window, frameCount);
    } catch (WindowException e) {
      throw new IllegalStateException(e.getMessage(), e);
    }
  }

  private static long metadataBytes(int frameCount) {
    return Pages.alignUp(
        HybridAllocator.metadataBytes(START_PFN, START_PFN + frameCount, Cpu.count()),
        Pages.PAGE_SIZE);
  }

  private static long infoBytes(int frameCount) {
    return Pages.alignUp(FrameInfo.byteSize(START_PFN, START_PFN + frameCount), Pages.PAGE_SIZE);
  }

  /// The address of zeroed words.
  long take(long byteSize) {
    long address = nextWord;
    nextWord += Pages.alignUp(byteSize, LINE);
    if (nextWord > window.address() + WORD_BYTES) {
      throw new IllegalStateException("there are no more words");
    }
    return address;
  }

  /// Frames for tables.
  TableFrames tables() {
    return tables;
  }

  FrameInfo info() {
    return info;
  }

  long physToVirt() {
    return physToVirt;
  }

  /// The memory as a processor sees it.
  MmuBus bus(PageFormat format) {
    long base = Pages.pfnToAddress(START_PFN);
    return new MmuBus(
        base, Pages.framesToBytes(endPfn - START_PFN), physToVirt, format.physicalBits());
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
  public void split(long pfn, int order) {
    frames.splitBlock(pfn, order);
  }

  @Override
  public void close() {
    window.close();
  }
}
