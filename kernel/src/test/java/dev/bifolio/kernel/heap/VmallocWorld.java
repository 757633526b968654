package dev.bifolio.kernel.heap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.mmu.Mmu;
import dev.bifolio.kernel.mmu.MmuBus;
import dev.bifolio.kernel.mmu.ShootdownLog;
import dev.bifolio.kernel.mmu.Tlb;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;
import dev.bifolio.kernel.table.AddressSpace;
import dev.bifolio.kernel.table.FlushBatch;
import dev.bifolio.kernel.table.Flusher;
import dev.bifolio.kernel.table.KernelLayout;
import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.kernel.table.TableFrames;
import dev.bifolio.kernel.unit.FrameSource;
import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// A kernel's tables and a [Vmalloc] over frames in disorder, which are counted, can be made to
/// fail, and hold rubbish when they are free. Processors look at the same bytes.
final class VmallocWorld implements VmallocFrames, FrameSource, Flusher, AutoCloseable {
  static final long PAGE = 4096;
  static final long RUBBISH = 0xA5A5_A5A5_A5A5_A5A5L;

  private static final long BASE = 1L << 30;
  private static final long OWN_BYTES = 1 << 16;
  private static final int CPUS = 4;

  final PageFormat format;
  final KernelLayout layout;
  final AddressSpace space;
  final Vmalloc vmalloc;
  final TableFrames tables;
  final long physToVirt;

  /// What was done, in order, where a test wants to know.
  final List<String> events = new ArrayList<>();

  boolean writesEvents;

  private final Window window;
  private final ShootdownLog log;
  private final MmuBus bus;
  private final Deque<Long> free = new ArrayDeque<>();
  private final Set<Long> out = new HashSet<>();
  private final int frameCount;
  private long ownUsed;
  private long requests;
  private long failing = Long.MAX_VALUE;
  private long left = Long.MAX_VALUE;

  /// A world that is open.
  VmallocWorld(PageFormat format, int frameCount) {
    this.format = format;
    this.frameCount = frameCount;
    long byteSize = (TableFrames.POOL_FRAMES + frameCount) * PAGE;
    try {
      window = Window.reserve(OWN_BYTES + byteSize);
    } catch (WindowException e) {
      throw new IllegalStateException(e);
    }
    physToVirt = window.address() + OWN_BYTES - BASE;
    bus = new MmuBus(BASE, byteSize, physToVirt, format.physicalBits());
    fillInDisorder();
    tables = new TableFrames(own(TableFrames.BYTE_SIZE), BASE, BASE, byteSize, physToVirt, 0);
    tables.setSource(this);
    space = new AddressSpace(format, tables, own(AddressSpace.BYTE_SIZE));
    assertTrue(space.open());
    log = new ShootdownLog(own(ShootdownLog.byteSize(CPUS)), CPUS);
    layout = KernelLayout.of(format, BASE, BASE + byteSize);
    vmalloc = another(this);
    assertTrue(vmalloc.open());
  }

  private void fillInDisorder() {
    long[] pfns = new long[frameCount];
    Arrays.setAll(pfns, i -> (BASE >>> 12) + TableFrames.POOL_FRAMES + i);
    new SplitMix64(5).shuffle(pfns);
    for (long pfn : pfns) {
      Memory.fill(at(pfn), PAGE, (byte) RUBBISH);
      free.add(pfn);
    }
  }

  /// One more for the same space, not open.
  Vmalloc another(VmallocFrames frames) {
    long words = own(Vmalloc.BYTE_SIZE);
    return new Vmalloc(
        words, layout, space, frames, this, physToVirt, FlushBatch.DEFAULT_LIMIT, this);
  }

  /// Zeroed words that are no frames.
  long own(long byteSize) {
    long at = window.address() + ownUsed;
    ownUsed += byteSize + 127 & -128;
    assertTrue(ownUsed <= OWN_BYTES);
    return at;
  }

  private long at(long pfn) {
    return (pfn << 12) + physToVirt;
  }

  /// A processor that runs the kernel.
  Mmu processor(int cpu) {
    Mmu mmu = new Mmu(format, bus, new Tlb(format, 16, 4), log, cpu);
    mmu.setSpace(space, 0);
    return mmu;
  }

  /// The word behind an address by the tables alone.
  long load(long address) {
    long physical = space.translate(address);
    assertTrue(physical != AddressSpace.NOT_MAPPED, "not mapped: " + Long.toHexString(address));
    return Memory.getLong(physical + physToVirt);
  }

  void store(long address, long value) {
    Memory.putLong(space.translate(address) + physToVirt, value);
  }

  /// Takes all of the pool of tables, so that tables fail with the source.
  void drainPool() {
    serve(0);
    while (tables.poolInUse() < TableFrames.POOL_FRAMES) {
      boolean _ = new AddressSpace(format, tables, own(AddressSpace.BYTE_SIZE)).open();
    }
    serve(Long.MAX_VALUE);
  }

  // ---- Frames ----

  /// From now on so many frames are given out.
  synchronized void serve(long count) {
    left = count;
    failing = Long.MAX_VALUE;
  }

  /// Of the frames that are wanted from now on the one after so many is not there, and no other.
  synchronized void failAfter(long count) {
    failing = requests + count;
  }

  private long one() {
    boolean fails = requests++ == failing;
    Long pfn = fails || left <= 0 ? null : free.poll();
    if (pfn == null) {
      return -1;
    }
    left--;
    assertTrue(out.add(pfn));
    return pfn;
  }

  private void back(long pfn) {
    assertTrue(out.remove(pfn), "frame " + Long.toHexString(pfn) + " is not out");
    Memory.fill(at(pfn), PAGE, (byte) RUBBISH);
    free.add(pfn);
  }

  @Override
  public synchronized long allocate(int order, int flags) {
    assertEquals(0, order);
    return one();
  }

  @Override
  public synchronized void free(long pfn, int order) {
    assertEquals(0, order);
    back(pfn);
  }

  @Override
  public synchronized int take(long[] pfns, int wanted, int flags, long firstPage) {
    note("take " + wanted + " " + flags + " " + firstPage);
    for (int i = 0; i < wanted; i++) {
      pfns[i] = one();
      if (pfns[i] < 0) {
        return i;
      }
    }
    return wanted;
  }

  @Override
  public synchronized void give(long[] pfns, int count) {
    note("give " + count);
    for (int i = 0; i < count; i++) {
      back(pfns[i]);
    }
  }

  @Override
  public long mostFrames() {
    return frameCount;
  }

  /// Frames that are out, those of the pool among them.
  synchronized int inUse() {
    return out.size() + tables.poolInUse();
  }

  /// Frames that can be had.
  synchronized long available() {
    return Math.min(left, free.size());
  }

  /// Whether the failure that was asked for is still to come.
  synchronized boolean isFailureAhead() {
    return failing != Long.MAX_VALUE && requests <= failing;
  }

  // ---- Flusher ----

  @Override
  public void flushPage(long virtualAddress) {
    note("flush " + (virtualAddress - vmalloc.base()) / PAGE);
    log.flushPage(0, virtualAddress);
  }

  @Override
  public void flushAll(boolean globalToo) {
    note("flush all " + globalToo);
    log.flushAll(0, globalToo);
  }

  private void note(String event) {
    if (writesEvents) {
      events.add(event);
    }
  }

  /// All that a failed request must leave as it was.
  synchronized String state() {
    StringBuilder text = new StringBuilder();
    text.append(vmalloc.areaCount()).append(' ').append(vmalloc.mappedPages());
    text.append(' ').append(space.tableCount()).append(' ').append(space.pageCount(1));
    text.append(' ').append(inUse());
    vmalloc.visit((address, byteSize, isLazy) ->
        text.append(' ').append(address).append('+').append(byteSize));
    return text.toString();
  }

  @Override
  public void close() {
    window.close();
  }
}
