package dev.bifolio.bench;

import dev.bifolio.kernel.InfoSharers;
import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.table.AddressSpace;
import dev.bifolio.kernel.table.MappedPage;
import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.kernel.virtual.AccessKind;
import dev.bifolio.kernel.virtual.AreaFlags;
import dev.bifolio.kernel.virtual.Backings;
import dev.bifolio.kernel.virtual.FaultOutcome;
import dev.bifolio.kernel.virtual.ForkOutcome;
import dev.bifolio.kernel.virtual.HugePolicy;
import dev.bifolio.kernel.virtual.InsertOutcome;
import dev.bifolio.kernel.virtual.RemoveOutcome;
import dev.bifolio.kernel.virtual.UserLayout;
import dev.bifolio.kernel.virtual.UserMemory;
import dev.bifolio.kernel.virtual.UserSpace;
import dev.bifolio.kernel.virtual.VirtualAreas;
import org.jspecify.annotations.Nullable;

/// t4: faults. The first stores to the pages of a range, and the first stores to the pages of a
/// child after a fork; beside each, what the bytes alone cost, zeroed or copied in the same frames.
final class FaultWorkload implements TableWorkload {
  private static final int FAULTS = 1_000_000;

  /// Pages of the range: 64 MiB. It is unmapped and touched again until there were faults enough.
  private static final int PAGES = 1 << 14;

  private static final int FRAMES = 1 << 16;
  private static final long START = TableSubject.FIRST_VIRTUAL;
  private static final long END = START + Pages.framesToBytes(PAGES);
  private static final int ACCESS = AreaFlags.READ | AreaFlags.WRITE;

  @Override
  public @Nullable String obstacle(TableSubject.Kind kind) {
    return kind.hasTables() ? null : "nobody touches what it maps";
  }

  @Override
  public void run(TableRun run) {
    Meter touching = new Meter();
    Meter zeroing = new Meter();
    Meter storing = new Meter();
    Meter copying = new Meter();
    try (TableMemory memory = TableMemory.create(FRAMES)) {
      World world = new World(memory, SpaceSubject.format(run.kind()));
      int rounds = Math.max(1, run.operations(FAULTS) / PAGES);
      for (int round = 0; round <= rounds; round++) {
        boolean counts = round > 0; // the first is the first for the memory too
        measure(counts ? touching : new Meter(), () -> world.faultAll(world.parent));
        world.noteParent();
        measure(counts ? zeroing : new Meter(), world::zeroAll);
        world.fork();
        measure(counts ? storing : new Meter(), () -> world.faultAll(world.child));
        world.noteChild();
        measure(counts ? copying : new Meter(), world::copyAll);
        world.endRound();
      }
    }
    run.record("ns_first_touch", touching);
    run.record("ns_zeroing", zeroing);
    run.record("ns_cow_store", storing);
    run.record("ns_copying", copying);
  }

  private static void measure(Meter meter, Runnable what) {
    meter.start();
    what.run();
    meter.stop(PAGES);
  }

  /// A process, and after a fork its child.
  private static final class World {
    private final TableMemory memory;
    private final UserMemory users;
    private final UserLayout layout =
        new UserLayout(START, END + Pages.GIB, END + Pages.GIB, END + Pages.GIB, Pages.MIB);
    private final Backings backings = new Backings(1);
    private final AddressSpace childTables;
    private final long childWords;
    private final long[] parentPages = new long[PAGES];
    private final long[] childPages = new long[PAGES];
    final UserSpace parent;
    UserSpace child;

    World(TableMemory memory, PageFormat format) {
      this.memory = memory;
      users =
          new UserMemory(
              memory,
              AllocationFlags.NONE,
              AllocationFlags.NONE,
              new InfoSharers(memory.info()),
              memory.physToVirt());
      AddressSpace tables =
          new AddressSpace(format, memory.tables(), memory.take(AddressSpace.BYTE_SIZE));
      require(tables.open());
      parent = space(memory.take(UserSpace.BYTE_SIZE), tables);
      childTables = new AddressSpace(format, memory.tables(), memory.take(AddressSpace.BYTE_SIZE));
      childWords = memory.take(UserSpace.BYTE_SIZE);
      child = parent;
      map();
    }

    private UserSpace space(long words, AddressSpace tables) {
      return new UserSpace(words, layout, users, backings, tables, HugePolicy.NEVER, 0, null);
    }

    private void map() {
      require(parent.map(START, END, ACCESS, VirtualAreas.ANONYMOUS, 0) == InsertOutcome.INSERTED);
    }

    void faultAll(UserSpace space) {
      for (int page = 0; page < PAGES; page++) {
        FaultOutcome outcome = space.fault(START + Pages.framesToBytes(page), AccessKind.STORE);
        require(outcome.isResolved());
      }
    }

    void noteParent() {
      note(parent, parentPages);
    }

    void noteChild() {
      note(child, childPages);
      for (int page = 0; page < PAGES; page++) {
        require(parentPages[page] != childPages[page]);
      }
    }

    void fork() {
      Memory.fill(childWords, UserSpace.BYTE_SIZE, (byte) 0);
      require(childTables.open());
      child = space(childWords, childTables);
      require(parent.forkInto(child) == ForkOutcome.FORKED);
    }

    void endRound() {
      child.close();
      require(parent.unmap(START, END) == RemoveOutcome.REMOVED);
      map();
    }

    private void note(UserSpace space, long[] pages) {
      for (int page = 0; page < PAGES; page++) {
        long word = space.tables().lookup(START + Pages.framesToBytes(page));
        require(word != AddressSpace.NOT_MAPPED);
        pages[page] = MappedPage.physicalAddress(word) + memory.physToVirt();
      }
    }

    /// The bytes of the first touches once more.
    void zeroAll() {
      for (int page = 0; page < PAGES; page++) {
        Memory.fill(parentPages[page], Pages.PAGE_SIZE, (byte) 0);
      }
    }

    void copyAll() {
      for (int page = 0; page < PAGES; page++) {
        Memory.copy(parentPages[page], childPages[page], Pages.PAGE_SIZE);
      }
    }

    private static void require(boolean done) {
      if (!done) {
        throw new IllegalStateException("a process was not served");
      }
    }
  }
}
