package dev.bifolio.kernel.virtual;

import dev.bifolio.kernel.frame.Blocks;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.table.AddressSpace;
import dev.bifolio.kernel.table.FrameSharers;
import dev.bifolio.kernel.table.TableFrames;
import dev.bifolio.kernel.table.X86Format;
import dev.bifolio.kernel.unit.PageFrames;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;

/// A user space of one page on a few frames, and another one to fork it into.
class SmallSpace implements PageFrames, FrameSharers {
  static final long PAGE = 0x5000;

  private static final int FRAMES = 14;
  private static final long FIRST_PFN = 1 << 18;
  private static final int WORDS_BYTES = 4096;
  private static final int RW = AreaFlags.READ | AreaFlags.WRITE;

  final UserSpace space;
  final UserSpace child;

  /// What is free, a bit a frame.
  private final AtomicInteger free = new AtomicInteger((1 << FRAMES) - 1);

  private final AtomicIntegerArray sharers = new AtomicIntegerArray(FRAMES);

  /// Frames that were freed twice.
  private final AtomicInteger mistakes = new AtomicInteger();

  private final TableFrames tables;
  private final UserMemory memory;
  private final long block;
  private long used;

  SmallSpace() {
    block = Blocks.take(WORDS_BYTES);
    long physToVirt = block + WORDS_BYTES - (FIRST_PFN << 12);
    memory = new UserMemory(this, 0, 0, this, physToVirt);
    long bytes = (long) FRAMES << 12;
    // The pool is never asked: there are frames enough.
    tables = new TableFrames(own(TableFrames.BYTE_SIZE), 0, FIRST_PFN << 12, bytes, physToVirt, 0);
    tables.setSource(this);
    space = space();
    child = space();
    space.map(PAGE, PAGE + 4096, RW, VirtualAreas.ANONYMOUS, 0);
  }

  private long own(long byteSize) {
    long at = block + used;
    used += byteSize;
    return at;
  }

  private UserSpace space() {
    AddressSpace opened = new AddressSpace(X86Format.LEVELS_4, tables, own(AddressSpace.BYTE_SIZE));
    if (!opened.open()) {
      throw new IllegalStateException("too few frames");
    }
    return new UserSpace(
        own(UserSpace.BYTE_SIZE),
        new UserLayout(0x1000, 1L << 40, 0x1000, 0x1000, 0),
        memory,
        new Backings(1),
        opened,
        HugePolicy.NEVER,
        0,
        null);
  }

  // ---- Frames and sharers ----

  @Override
  public final long allocate(int order, int flags) {
    while (true) {
      int now = free.get();
      if (now == 0) {
        return -1;
      }
      if (free.compareAndSet(now, now & (now - 1))) {
        return FIRST_PFN + Integer.numberOfTrailingZeros(now);
      }
    }
  }

  @Override
  public final void free(long pfn, int order) {
    int bit = 1 << (pfn - FIRST_PFN);
    if ((free.getAndAccumulate(bit, (now, freed) -> now | freed) & bit) != 0) {
      mistakes.incrementAndGet();
    }
  }

  @Override
  public final void split(long pfn, int order) {
    throw new IllegalStateException("there are no large pages");
  }

  @Override
  public final boolean add(long pfn) {
    sharers.incrementAndGet((int) (pfn - FIRST_PFN));
    return true;
  }

  @Override
  public final boolean drop(long pfn) {
    int frame = (int) (pfn - FIRST_PFN);
    while (true) {
      int now = sharers.get(frame);
      if (now == 0 || sharers.compareAndSet(frame, now, now - 1)) {
        return now == 0;
      }
    }
  }

  @Override
  public final long count(long pfn) {
    return sharers.get((int) (pfn - FIRST_PFN)) + 1L;
  }

  // ---- Accesses ----

  /// Where the bytes of the page are; a negative number if it is not mapped.
  final long bytesOf(UserSpace of) {
    long physical = of.tables().translate(PAGE);
    return physical < 0 ? physical : physical + memory.physToVirt();
  }

  /// A fault as a store makes it.
  static FaultOutcome store(UserSpace of) {
    return of.fault(PAGE, AccessKind.STORE);
  }

  static int resolved(FaultOutcome outcome) {
    return outcome.isResolved() ? 1 : 0;
  }

  /// A store that has been allowed.
  final void put(UserSpace of, int word, long value) {
    Memory.putLong(bytesOf(of) + word * 8L, value);
  }

  final long get(UserSpace of, int word) {
    return Memory.getLong(bytesOf(of) + word * 8L);
  }

  /// Closes both spaces, and says whether all is well (1).
  final int ended(boolean isWell) {
    space.close();
    child.close();
    boolean isAllFree = free.get() == (1 << FRAMES) - 1;
    for (int frame = 0; frame < FRAMES; frame++) {
      isAllFree &= sharers.get(frame) == 0;
    }
    Blocks.giveBack(block);
    return isWell && isAllFree && mistakes.get() == 0 ? 1 : 0;
  }
}
