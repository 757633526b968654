package dev.bifolio.kernel.heap;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.frame.HybridAllocator;
import dev.bifolio.kernel.mmu.Mmu;
import dev.bifolio.kernel.mmu.MmuBus;
import dev.bifolio.kernel.mmu.ShootdownLog;
import dev.bifolio.kernel.mmu.Tlb;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;
import dev.bifolio.kernel.table.AddressSpace;
import dev.bifolio.kernel.table.FlushBatch;
import dev.bifolio.kernel.table.Flusher;
import dev.bifolio.kernel.table.KernelLayout;
import dev.bifolio.kernel.table.TableFrames;
import dev.bifolio.kernel.table.X86Format;
import dev.bifolio.kernel.unit.FrameSource;
import dev.bifolio.kernel.zone.AccountTree;
import dev.bifolio.kernel.zone.NumaTopology;
import dev.bifolio.kernel.zone.ZoneBank;
import dev.bifolio.kernel.zone.ZoneType;
import dev.bifolio.kernel.zone.ZonedFrames;

/// Two zones of real memory, ordinary and high, with accounts, tables and a [Vmalloc] over them.
final class ZonedMemory implements FrameSource, Flusher, AutoCloseable {
  static final long FIRST = 1L << 18;
  static final int CPUS = 4;

  private static final long OWN_BYTES = 1L << 20;

  final ZonedFrames frames;
  final AccountTree accounts;
  final long highFirst;
  final long end;
  final AddressSpace space;
  final Vmalloc vmalloc;

  private final Window window;
  private final long physToVirt;
  private final ShootdownLog log;
  private long ownUsed;

  ZonedMemory(int ordinaryFrames, int highFrames) {
    highFirst = FIRST + ordinaryFrames;
    end = highFirst + highFrames;
    try {
      window = Window.reserve(OWN_BYTES + ((end - FIRST) << 12));
    } catch (WindowException e) {
      throw new IllegalStateException(e);
    }
    physToVirt = window.address() + OWN_BYTES - (FIRST << 12);
    boolean[] types = new boolean[ZoneType.COUNT];
    types[ZoneType.NORMAL.index()] = true;
    types[ZoneType.HIGHMEM.index()] = true;
    ZoneBank[] banks = {
      bank(ZoneType.NORMAL, FIRST, highFirst), bank(ZoneType.HIGHMEM, highFirst, end)
    };
    accounts = new AccountTree(own(AccountTree.byteSize(8)), 8);
    NumaTopology topology =
        new NumaTopology(new int[] {0}, new boolean[] {true}, null, new int[CPUS]);
    frames = new ZonedFrames(banks, topology, types, accounts, own(ZonedFrames.BYTE_SIZE));
    frames.addFrames(FIRST + TableFrames.POOL_FRAMES, highFirst);
    frames.addFrames(highFirst, end);
    long physical = FIRST << 12;
    TableFrames tables =
        new TableFrames(
            own(TableFrames.BYTE_SIZE),
            physical,
            physical,
            (end - FIRST) << 12,
            physToVirt,
            AllocationFlags.NOWAIT);
    tables.setSource(this);
    space = new AddressSpace(X86Format.LEVELS_4, tables, own(AddressSpace.BYTE_SIZE));
    assertTrue(space.open());
    log = new ShootdownLog(own(ShootdownLog.byteSize(CPUS)), CPUS);
    vmalloc =
        new Vmalloc(
            own(Vmalloc.BYTE_SIZE),
            KernelLayout.of(X86Format.LEVELS_4, 0, end << 12),
            space,
            new VmallocZones(frames, AllocationFlags.HIGHMEM_OK),
            this,
            physToVirt,
            FlushBatch.DEFAULT_LIMIT,
            this);
    assertTrue(vmalloc.open());
  }

  private ZoneBank bank(ZoneType type, long startPfn, long endPfn) {
    long count = endPfn - startPfn;
    HybridAllocator allocator =
        new HybridAllocator(
            20,
            CPUS,
            own(HybridAllocator.metadataBytes(startPfn, endPfn, CPUS)),
            startPfn << 12,
            count);
    FrameInfo info = new FrameInfo(own(FrameInfo.byteSize(startPfn, endPfn)), startPfn, endPfn);
    return new ZoneBank(allocator, info, 0, type, count, CPUS, own(ZoneBank.byteSize(CPUS)));
  }

  private long own(long byteSize) {
    long at = window.address() + ownUsed;
    ownUsed += byteSize + 127 & -128;
    assertTrue(ownUsed <= OWN_BYTES);
    return at;
  }

  Mmu processor(int cpu) {
    MmuBus bus = new MmuBus(FIRST << 12, (end - FIRST) << 12, physToVirt, 46);
    Mmu mmu = new Mmu(X86Format.LEVELS_4, bus, new Tlb(X86Format.LEVELS_4, 16, 4), log, cpu);
    mmu.setSpace(space, 0);
    return mmu;
  }

  /// The word of a frame for the layers above.
  long word(long pfn) {
    FrameInfo info = frames.zones().infoOf(pfn);
    if (info == null) {
      throw new AssertionError("no such frame");
    }
    return info.getAcquire(pfn);
  }

  /// Frames that are free, those in caches among them.
  long free() {
    frames.zones().drainCaches();
    return frames.zones().freeFrames(0);
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
  public void flushPage(long virtualAddress) {
    log.flushPage(0, virtualAddress);
  }

  @Override
  public void flushAll(boolean globalToo) {
    log.flushAll(0, globalToo);
  }

  @Override
  public void close() {
    window.close();
  }
}
