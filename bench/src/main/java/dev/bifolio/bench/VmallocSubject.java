package dev.bifolio.bench;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.heap.Vmalloc;
import dev.bifolio.kernel.heap.VmallocOutcome;
import dev.bifolio.kernel.heap.VmallocZones;
import dev.bifolio.kernel.mmu.ShootdownLog;
import dev.bifolio.kernel.platform.Cpu;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;
import dev.bifolio.kernel.table.AddressSpace;
import dev.bifolio.kernel.table.FlushBatch;
import dev.bifolio.kernel.table.Flusher;
import dev.bifolio.kernel.table.KernelLayout;
import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.kernel.table.TableFrames;
import dev.bifolio.kernel.table.X86Format;
import dev.bifolio.kernel.unit.FrameSource;
import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.kernel.zone.ZonedFrames;

/// The kernel's virtually contiguous memory, over zones of one node with real memory behind their
/// frames. Processors that run nothing are told what to forget.
final class VmallocSubject extends VirtualSubject {
  /// Frames, 256 MiB.
  private static final int FRAMES = 1 << VirtualRun.LOG2_FRAMES;

  private static final long START_PFN = Subject.START_PFN;

  private final ZonedSubject zones;
  private final Window window;
  private final Vmalloc vmalloc;

  private VmallocSubject(ZonedSubject zones, Window window) {
    this.zones = zones;
    this.window = window;
    long words = window.address();
    long tableWords = words + TableFrames.BYTE_SIZE;
    long ownWords = tableWords + AddressSpace.BYTE_SIZE;
    long logWords = ownWords + Vmalloc.BYTE_SIZE;
    Source source = new Source(zones.frames());
    long pool = Pages.pfnToAddress(source.allocate(4, AllocationFlags.LONG));
    long physical = Pages.pfnToAddress(START_PFN);
    long physToVirt = words + wordBytes() - physical;
    TableFrames tables =
        new TableFrames(
            words, pool, physical, Pages.framesToBytes(FRAMES), physToVirt, AllocationFlags.LONG);
    tables.setSource(source);
    PageFormat format = X86Format.LEVELS_4;
    AddressSpace space = new AddressSpace(format, tables, tableWords);
    vmalloc =
        new Vmalloc(
            ownWords,
            KernelLayout.of(format, physical, Pages.pfnToAddress(START_PFN + FRAMES)),
            space,
            new VmallocZones(zones.frames(), AllocationFlags.NONE),
            source,
            physToVirt,
            FlushBatch.DEFAULT_LIMIT,
            new Processors(new ShootdownLog(logWords, Cpu.count())));
    if (!space.open() || !vmalloc.open()) {
      throw new IllegalStateException("there is no memory for the first tables");
    }
  }

  private static long wordBytes() {
    long byteSize =
        TableFrames.BYTE_SIZE
            + AddressSpace.BYTE_SIZE
            + Vmalloc.BYTE_SIZE
            + ShootdownLog.byteSize(Cpu.count());
    return Pages.alignUp(byteSize);
  }

  static VmallocSubject create() {
    try {
      Window window = Window.reserve(wordBytes() + Pages.framesToBytes(FRAMES));
      return new VmallocSubject(ZonedSubject.create(Subject.Kind.ZONE, FRAMES), window);
    } catch (WindowException e) {
      throw new IllegalStateException(e.getMessage(), e);
    }
  }

  /// Frames of zones for tables and areas.
  private record Source(ZonedFrames frames) implements FrameSource {
    @Override
    public long allocate(int order, int flags) {
      return frames.tryAllocate(order, flags);
    }

    @Override
    public void free(long pfn, int order) {
      frames.free(pfn, order);
    }
  }

  /// Those that run the kernel.
  private record Processors(ShootdownLog log) implements Flusher {
    @Override
    public void flushPage(long virtualAddress) {
      log.flushPage(0, virtualAddress);
    }

    @Override
    public void flushAll(boolean globalToo) {
      log.flushAll(0, globalToo);
    }
  }

  @Override
  long allocate(long byteSize, boolean zeroed) {
    long address = vmalloc.allocate(byteSize, zeroed ? AllocationFlags.ZERO : AllocationFlags.NONE);
    if (address == Vmalloc.NO_MEMORY) {
      throw new IllegalStateException("there is no memory for " + byteSize + " bytes");
    }
    return address;
  }

  @Override
  void free(long address, long byteSize) {
    VmallocOutcome outcome = vmalloc.tryFree(address);
    if (outcome != VmallocOutcome.FREED) {
      throw new IllegalStateException("what was allocated was not freed: " + outcome);
    }
  }

  /// Frames that are free.
  long freeFrames() {
    zones.drain();
    return zones.frames().zones().freeFrames(0);
  }

  @Override
  public void close() {
    zones.close();
    window.close();
  }
}
