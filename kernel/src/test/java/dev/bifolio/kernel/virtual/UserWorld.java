package dev.bifolio.kernel.virtual;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.InfoSharers;
import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.mmu.MmuBus;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.table.AddressSpace;
import dev.bifolio.kernel.table.Flusher;
import dev.bifolio.kernel.table.MapOutcome;
import dev.bifolio.kernel.table.MappedPage;
import dev.bifolio.kernel.table.PageFlags;
import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.kernel.table.TableFrames;
import dev.bifolio.kernel.table.TableVisitor;
import dev.bifolio.kernel.table.X86Format;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// User spaces on real memory, with what a processor does with them: it walks the tables, keeps
/// what it has found until it is told to flush it, and faults.
final class UserWorld implements AutoCloseable {
  static final long PAGE = 4096;
  static final int RW = AreaFlags.READ | AreaFlags.WRITE;
  static final long BASE = 0x1000_0000;
  private static final long OWN = 8 << 20;

  final PageFormat format;
  final TestFrames frames;
  final FrameInfo info;
  final InfoSharers sharers;
  final UserMemory memory;
  final Backings backings = new Backings(8);
  final long huge;
  final UserLayout layout;
  private final TableFrames tables;
  private final HugePolicy policy;
  private final int mostHoles;
  private final List<BackedPages> files = new ArrayList<>();
  private final AddressSpace kernel;

  UserWorld(PageFormat format, int frameCount, HugePolicy policy, int mostHoles) {
    this.format = format;
    this.policy = policy;
    this.mostHoles = mostHoles;
    frames = new TestFrames(OWN, frameCount);
    huge = format.pageByteSize(2);
    layout = new UserLayout(BASE, BASE + 6 * huge, BASE + 5 * huge, BASE + 6 * huge, 64 * PAGE);
    long plane = frames.own(FrameInfo.byteSize(frames.firstPfn(), frames.endPfn()));
    info = new FrameInfo(plane, frames.firstPfn(), frames.endPfn());
    sharers = new InfoSharers(info);
    memory = new UserMemory(frames, 0, 0, sharers, frames.physToVirt);
    long pool = (frames.own(17 * PAGE) + PAGE - 1 & -PAGE) - frames.physToVirt;
    long start = TestFrames.BASE;
    long byteSize = (frames.endPfn() << 12) - start;
    tables =
        new TableFrames(
            frames.own(TableFrames.BYTE_SIZE), pool, start, byteSize, frames.physToVirt, 0);
    kernel = new AddressSpace(format, tables, frames.own(AddressSpace.BYTE_SIZE));
    assertTrue(kernel.open());
    drainPool();
    tables.setSource(frames);
  }

  UserWorld(int frameCount) {
    this(X86Format.LEVELS_4, frameCount, HugePolicy.NEVER, 0);
  }

  /// So that a source that fails means that there are no tables.
  private void drainPool() {
    long at = 0;
    while (kernel.map(at, 0, PAGE, PageFlags.READ) == MapOutcome.MAPPED) {
      at += huge;
    }
  }

  /// A space and the processor that runs it.
  final class Program implements Flusher {
    final AddressSpace tables = UserWorld.this.tables();
    final UserSpace space;
    private final Map<Long, Long> cache = new HashMap<>();
    int flushes;
    FaultOutcome last = FaultOutcome.ALREADY;
    private final boolean hasProcessor;

    private Program(boolean hasProcessor) {
      this.hasProcessor = hasProcessor;
      space = UserWorld.this.space(tables, hasProcessor ? this : null);
    }

    @Override
    public void flushPage(long virtualAddress) {
      flushes++;
      cache.remove(virtualAddress & -PAGE);
      Long word = cache.get(virtualAddress & -huge);
      if (word != null && MappedPage.level(word) == 2) {
        cache.keySet().removeIf(page -> (page & -huge) == (virtualAddress & -huge));
      } else {
        // A page of any size: small entries may come from a large one.
        cache
            .entrySet()
            .removeIf(e ->
                MappedPage.level(e.getValue()) == 2
                    && (e.getKey() & -huge) == (virtualAddress & -huge));
      }
    }

    @Override
    public void flushAll(boolean globalToo) {
      flushes++;
      cache.clear();
    }

    /// The physical address behind one, as the processor comes to it, or the fault that ends it.
    long access(long at, AccessKind kind) {
      long page = at & -PAGE;
      for (int turn = 0; turn < 5; turn++) {
        Long known = cache.get(page);
        long word = known != null ? known : tables.lookup(page);
        if (word != AddressSpace.NOT_MAPPED && allows(MappedPage.flags(word), kind)) {
          if (hasProcessor) {
            cache.put(page, word);
          }
          long byteSize = format.pageByteSize(MappedPage.level(word));
          return MappedPage.physicalAddress(word) + (at & (byteSize - 1));
        }
        cache.remove(page);
        last = space.fault(at, kind);
        if (!last.isResolved()) {
          return -1;
        }
      }
      throw new AssertionError("a fault that does not end, at " + Long.toHexString(at));
    }

    private boolean allows(int flags, AccessKind kind) {
      int wanted =
          switch (kind) {
            case LOAD -> PageFlags.READ;
            case STORE -> PageFlags.WRITE;
            case FETCH -> PageFlags.EXECUTE;
          };
      return (flags & PageFlags.USER) != 0 && (flags & wanted) != 0;
    }

    /// A load that succeeds.
    long load(long at) {
      long physical = access(at, AccessKind.LOAD);
      assertTrue(physical >= 0, () -> "load at " + Long.toHexString(at) + ": " + last);
      return Memory.getLong(physical + frames.physToVirt);
    }

    /// A store that succeeds.
    void store(long at, long value) {
      long physical = access(at, AccessKind.STORE);
      assertTrue(physical >= 0, () -> "store at " + Long.toHexString(at) + ": " + last);
      Memory.putLong(physical + frames.physToVirt, value);
    }

    /// A load or store that fails.
    FaultOutcome fail(long at, AccessKind kind) {
      assertEquals(-1, access(at, kind));
      return last;
    }

    InsertOutcome map(long start, long end, int flags) {
      return space.map(start, end, flags, VirtualAreas.ANONYMOUS, 0);
    }

    /// What is mapped, a word of [MappedPage] each.
    Map<Long, Long> pages() {
      Map<Long, Long> pages = new HashMap<>();
      tables.walk(
          0,
          layout.ceiling(),
          new TableVisitor() {
            @Override
            public void table(int level, long at, long physical) {}

            @Override
            public void page(int level, long at, long physical, int flags) {
              pages.put(at, tables.lookup(at));
            }
          });
      return pages;
    }

    void close() {
      space.close();
      cache.clear();
    }
  }

  Program program() {
    return new Program(true);
  }

  /// A space whose processors keep nothing, for many threads.
  Program bareProgram() {
    return new Program(false);
  }

  /// A kernel space's.
  AddressSpace kernel() {
    return kernel;
  }

  /// A space of several processors, which flush as told.
  UserSpace space(AddressSpace opened, @Nullable Flusher flusher) {
    return new UserSpace(
        frames.own(UserSpace.BYTE_SIZE),
        layout,
        memory,
        backings,
        opened,
        policy,
        mostHoles,
        flusher);
  }

  /// Tables without anything in them.
  AddressSpace tables() {
    AddressSpace opened = new AddressSpace(format, tables, frames.own(AddressSpace.BYTE_SIZE));
    assertTrue(opened.open());
    return opened;
  }

  /// The tables of a user space, whose upper half is the kernel's.
  AddressSpace userTables() {
    AddressSpace opened = new AddressSpace(format, tables, frames.own(AddressSpace.BYTE_SIZE));
    assertTrue(opened.open(kernel));
    return opened;
  }

  /// All memory, as a processor sees it.
  MmuBus bus() {
    long byteSize = (frames.endPfn() << 12) - TestFrames.BASE;
    return new MmuBus(TestFrames.BASE, byteSize, frames.physToVirt, 32);
  }

  /// Registers a store as a backing.
  int file(PageStore store) {
    BackedPages pages = new BackedPages(frames.own(BackedPages.BYTE_SIZE), memory, store);
    files.add(pages);
    return backings.add(pages);
  }

  BackedPages pages(int backing) {
    return backings.get(backing);
  }

  /// How many frames are out once all files are dropped.
  long inUse() {
    files.forEach(BackedPages::dropAll);
    return frames.inUse();
  }

  @Override
  public void close() {
    frames.close();
  }
}
