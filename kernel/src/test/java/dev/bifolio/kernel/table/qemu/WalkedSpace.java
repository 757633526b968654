package dev.bifolio.kernel.table.qemu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.mmu.Mmu;
import dev.bifolio.kernel.mmu.MmuBus;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;
import dev.bifolio.kernel.table.AddressSpace;
import dev.bifolio.kernel.table.CollapseOutcome;
import dev.bifolio.kernel.table.FlushBatch;
import dev.bifolio.kernel.table.MapOutcome;
import dev.bifolio.kernel.table.MappedPage;
import dev.bifolio.kernel.table.PageFlags;
import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.kernel.table.ProtectOutcome;
import dev.bifolio.kernel.table.ReplaceOutcome;
import dev.bifolio.kernel.table.SplitOutcome;
import dev.bifolio.kernel.table.TableFrames;
import dev.bifolio.kernel.table.UnmapOutcome;
import dev.bifolio.kernel.unit.FrameSource;
import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/// An address space whose tables lie where a machine has its memory, a model of it, and a random
/// series of changes to both.
///
/// ```
///   machine's memory   [ code │ … │ tables: 8 MiB │ … │ what is mapped may lie here: 32 MiB │ … ]
///   below and above    devices are left alone; anything from `high` on may be mapped too
/// ```
final class WalkedSpace implements AutoCloseable {
  /// Where a machine has things.
  ///
  /// @param codePage a frame for code and what belongs to it, at the same virtual address
  /// @param tables the first frame for tables
  /// @param target the first frame of the memory that may be mapped
  /// @param high from here on there is neither memory nor a device
  record Places(long codePage, long tables, long target, long high) {}

  private static final long PAGE = 4096;
  private static final int FRAMES = 2048;
  private static final long TARGET_BYTES = 32L << 20;
  private static final long WORDS = 4096;
  private static final int USED = PageFlags.ACCESSED | PageFlags.DIRTY;

  final PageFormat format;
  final Places places;
  final AddressSpace space;
  final Mappings model = new Mappings();
  final SplitMix64 random;
  private final FlushBatch batch = new FlushBatch(FlushBatch.DEFAULT_LIMIT, null);
  private final Window window;
  private int done;
  private int collapsed;

  WalkedSpace(PageFormat format, Places places, long seed) {
    this.format = format;
    this.places = places;
    random = new SplitMix64(seed);
    try {
      window = Window.reserve(WORDS + FRAMES * PAGE);
    } catch (WindowException e) {
      throw new IllegalStateException(e);
    }
    long physToVirt = window.address() + WORDS - places.tables;
    TableFrames frames =
        new TableFrames(
            window.address(), places.tables, places.tables, FRAMES * PAGE, physToVirt, 0);
    frames.setSource(new Frames(places.tables / PAGE, random));
    space = new AddressSpace(format, frames, window.address() + TableFrames.BYTE_SIZE);
    assertTrue(space.open());
  }

  /// Frames for tables in no order, so that their addresses differ in many bits.
  private static final class Frames implements FrameSource {
    private final Deque<Long> free = new ArrayDeque<>();

    Frames(long startPfn, SplitMix64 random) {
      long[] all = new long[FRAMES - TableFrames.POOL_FRAMES];
      for (int i = 0; i < all.length; i++) {
        all[i] = startPfn + TableFrames.POOL_FRAMES + i;
      }
      random.shuffle(all);
      for (long pfn : all) {
        free.add(pfn);
      }
    }

    @Override
    public long allocate(int order, int flags) {
      return free.isEmpty() ? -1 : free.poll();
    }

    @Override
    public void free(long pfn, int order) {
      free.add(pfn);
    }
  }

  /// The bytes of all tables, and of what lies between them.
  QemuMachine.Image image() {
    byte[] bytes = new byte[(int) (FRAMES * PAGE)];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = Memory.getByte(window.address() + WORDS + i);
    }
    return new QemuMachine.Image("tables", places.tables, bytes);
  }

  /// Our own walker of the same tables.
  Mmu mmu(int control) {
    long physToVirt = window.address() + WORDS - places.tables;
    MmuBus bus = new MmuBus(places.tables, FRAMES * PAGE, physToVirt, format.physicalBits());
    Mmu mmu = new Mmu(format, bus, null);
    mmu.setSpace(space, 0);
    mmu.setControl(control);
    return mmu;
  }

  /// Maps the frame of the machine's code where it lies, for the kernel alone.
  void mapCode(int flags) {
    long at = places.codePage;
    assertEquals(MapOutcome.MAPPED, space.map(at, at, PAGE, flags, 1));
    model.add(new Mappings.Range(at, PAGE, at, flags));
  }

  // ---- Random changes ----

  /// Makes a change that is done or refused, as the model says.
  void step() {
    List<Mappings.Range> all = model.all();
    int choice = random.below(11);
    if (choice < 3 || all.size() < 20) {
      map();
      return;
    }
    Mappings.Range range = all.get(random.below(all.size()));
    long from = random.oneIn(3) ? 0 : random.below(range.byteSize() / PAGE) * PAGE;
    long rest = range.byteSize() - from;
    long byteSize =
        switch (random.below(4)) {
          case 0 -> PAGE;
          case 1 -> Math.min(rest, (1 + random.below(600)) * PAGE);
          case 2 -> Math.min(rest, (1 + random.below(3)) * format.pageByteSize(2));
          default -> rest;
        };
    long at = range.virtual() + from;
    if (touchesCode(at, byteSize)) {
      return;
    }
    switch (choice) {
      case 3, 4 -> protect(at, byteSize);
      case 5, 6 -> unmap(at, byteSize);
      case 7 -> split(at);
      case 8, 9 -> collapse(at);
      default -> replace(at);
    }
    space.flushed(batch);
  }

  private void protect(long at, long byteSize) {
    int flags = flags();
    if (space.protect(at, byteSize, flags, batch) == ProtectOutcome.DONE) {
      model.change(at, byteSize, old -> flags | (old & USED));
      done++;
    }
  }

  private void unmap(long at, long byteSize) {
    if (space.unmap(at, byteSize, batch) == UnmapOutcome.DONE) {
      model.remove(at, byteSize);
      done++;
    }
  }

  private void split(long at) {
    int level = 1 + random.below(format.largestLeafLevel());
    done += space.split(at, level, batch) == SplitOutcome.DONE ? 1 : 0;
  }

  /// After a split as often as not, since it is seldom that pages fit otherwise.
  private void collapse(long at) {
    int level = 2 + random.below(format.largestLeafLevel() - 1);
    if (random.oneIn(2) && space.split(at, level - 1, batch) == SplitOutcome.DONE) {
      space.flushed(batch);
    }
    long before = space.pageCount(level);
    if (space.collapse(at, level, batch) == CollapseOutcome.DONE) {
      long page = format.pageByteSize(level);
      model.changeTogether(at & -page, page, USED);
      collapsed += space.pageCount(level) > before ? 1 : 0;
      done++;
    }
  }

  private void replace(long at) {
    long found = space.lookup(at);
    long page = format.pageByteSize(MappedPage.level(found));
    long start = at & -page;
    long physical = physical(page, page);
    if (touchesCode(start, page) || physical == MappedPage.physicalAddress(found)) {
      return;
    }
    int flags = flags();
    assertEquals(ReplaceOutcome.DONE, space.replace(at, found, physical, flags, batch));
    model.remove(start, page);
    model.add(new Mappings.Range(start, page, physical, flags));
    done++;
  }

  private void map() {
    int level = 1 + random.below(format.largestLeafLevel());
    long page = format.pageByteSize(level);
    long at = place(level);
    long byteSize = (1 + random.below(3)) * page;
    if (random.oneIn(3)) {
      byteSize += random.below(600) * PAGE;
    }
    if (random.oneIn(4)) {
      at += random.below(600) * PAGE; // and smaller pages before the first large one
    }
    if (!isLegal(at, byteSize) || touchesCode(at, byteSize)) {
      return;
    }
    long physical = physical(page, byteSize) + (at & (page - 1));
    int flags = flags();
    int largest = level == 2 && random.oneIn(3) ? 1 : level;
    MapOutcome outcome = space.map(at, physical, byteSize, flags, largest);
    if (!model.isFree(at, byteSize)) {
      assertEquals(MapOutcome.ALREADY_MAPPED, outcome);
    } else if (outcome == MapOutcome.MAPPED) {
      model.add(new Mappings.Range(at, byteSize, physical, flags));
      done++;
    }
  }

  /// At both ends of the addresses and of their halves, and in the middle.
  private long place(int level) {
    long page = format.pageByteSize(level);
    long top = format.pageByteSize(format.levels()) * format.entryCount();
    long half = format.rootCount() > 1 ? top : top / 2;
    long near = (1 + random.below(12)) * page;
    return switch (random.below(5)) {
      case 0 -> near;
      case 1 -> half - near;
      case 2 -> isSigned() ? -half + near - page : half + near;
      case 3 -> isSigned() ? -near : top - near;
      default -> random.below(half / page) * page;
    };
  }

  private boolean isSigned() {
    return format.isCanonical(-1);
  }

  private boolean isLegal(long at, long byteSize) {
    long last = at + byteSize - 1;
    return format.isCanonical(at) && format.isCanonical(last) && at < 0 == last < 0 && at <= last;
  }

  private boolean touchesCode(long at, long byteSize) {
    return at < places.codePage + PAGE && at + byteSize - 1 >= places.codePage;
  }

  /// In the memory that may be mapped, or far above, with any number of bits.
  private long physical(long page, long byteSize) {
    long room = TARGET_BYTES - byteSize - page;
    if (room >= 0 && random.oneIn(3)) {
      return places.target + random.below(room / page + 1) * page;
    }
    int bits = format.physicalBits();
    long lowest = (places.high + page - 1) & -page;
    long end = Math.max(lowest + 4 * page, 1L << (40 + random.below(Math.max(1, bits - 39))));
    end = Math.min(end, 1L << bits);
    long last = (end - byteSize - page) & -page;
    return last <= lowest ? lowest : lowest + random.below((last - lowest) / page + 1) * page;
  }

  private int flags() {
    int flags = random.below(PageFlags.ALL + 1) | (random.oneIn(4) ? 0 : PageFlags.ACCESSED);
    flags |= (flags & (PageFlags.WRITE | PageFlags.EXECUTE)) == 0 ? PageFlags.READ : 0;
    return format.expressible(PageFlags.require(flags));
  }

  // ---- Addresses to ask for ----

  /// An address: in a page, beside one, anywhere.
  long probe() {
    List<Mappings.Range> all = model.all();
    Mappings.Range range = all.get(random.below(all.size()));
    long at =
        switch (random.below(8)) {
          case 0 -> range.virtual() - 1 - random.below(2 * PAGE);
          case 1 -> range.end() + random.below(2 * PAGE);
          case 2 -> range.virtual();
          case 3 -> range.end() - 1;
          case 4 -> place(1 + random.below(format.levels())) + random.below(PAGE);
          default -> range.virtual() + random.below(range.byteSize());
        };
    return touchesCode(at, 1) || !format.isCanonical(at) ? probe() : at;
  }

  /// Changes that were done.
  int done() {
    return done;
  }

  /// Pages that became one.
  int collapsed() {
    return collapsed;
  }

  /// Leaves of all levels, or of large ones only.
  long leaves(int fromLevel) {
    long count = 0;
    for (int level = fromLevel; level <= format.largestLeafLevel(); level++) {
      count += space.pageCount(level);
    }
    return count;
  }

  @Override
  public void close() {
    window.close();
  }
}
