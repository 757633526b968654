package dev.bifolio.kernel.virtual;

import static dev.bifolio.kernel.virtual.UserWorld.BASE;
import static dev.bifolio.kernel.virtual.UserWorld.PAGE;
import static dev.bifolio.kernel.virtual.UserWorld.RW;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.mmu.Mmu;
import dev.bifolio.kernel.mmu.ShootdownLog;
import dev.bifolio.kernel.mmu.Tlb;
import dev.bifolio.kernel.table.AddressSpace;
import dev.bifolio.kernel.table.FlushBatch;
import dev.bifolio.kernel.table.Flusher;
import dev.bifolio.kernel.table.PageFlags;
import dev.bifolio.kernel.table.PageFormat;
import dev.bifolio.testkit.SplitMix64;
import dev.bifolio.testkit.Threads;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Programs that load and store through the unit of a processor, which walks the bytes of the
/// tables, remembers what it found, and faults.
class UserMmuTest {
  private static final int CPUS = 3;

  static List<PageFormat> formats() {
    return HugePagesTest.formats();
  }

  /// A space and its processors.
  private static final class Node implements Flusher {
    final UserWorld world;
    final AddressSpace tables;
    final UserSpace space;
    final ShootdownLog log;
    final int asid;

    Node(UserWorld world, AddressSpace tables) {
      this.world = world;
      this.tables = tables;
      log = new ShootdownLog(world.frames.own(ShootdownLog.byteSize(CPUS)), CPUS);
      space = world.space(tables, this);
      asid = world.format.entryByteSize() == 8 ? 5 : 0;
    }

    Mmu processor(int cpu) {
      Mmu mmu = new Mmu(world.format, world.bus(), new Tlb(world.format, 16, 4), log, cpu);
      mmu.setSpace(tables, asid);
      mmu.setUser(true);
      return mmu;
    }

    @Override
    public void flushPage(long virtualAddress) {
      log.flushPage(asid, virtualAddress);
    }

    @Override
    public void flushAll(boolean globalToo) {
      log.flushAll(asid, globalToo);
    }

    /// Loads, and waits until it may.
    long load(Mmu mmu, long at) {
      while (true) {
        long value = mmu.loadLong(at);
        if (mmu.fault() == 0) {
          return value;
        }
        resolve(space.fault(at, AccessKind.LOAD));
      }
    }

    void store(Mmu mmu, long at, long value) {
      while (mmu.storeLong(at, value) != 0) {
        resolve(space.fault(at, AccessKind.STORE));
      }
    }

    private static void resolve(FaultOutcome outcome) {
      assertTrue(
          outcome.isResolved() || outcome == FaultOutcome.PROTECTION, () -> outcome.toString());
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void aProgramOfManyKindsOfMemoryRuns(PageFormat format) {
    try (UserWorld world = new UserWorld(format, 8192, HugePolicy.ALWAYS, 0)) {
      Node node = new Node(world, world.tables());
      Mmu mmu = node.processor(0);
      int file = world.file(new HeapStore(20_000));
      node.space.map(BASE, BASE + world.huge + 9 * PAGE, RW, VirtualAreas.ANONYMOUS, 0);
      long shared = BASE + 2 * world.huge;
      node.space.map(shared, shared + 4 * PAGE, RW | AreaFlags.SHARED, file, 0);
      for (long at = BASE; at < BASE + world.huge + 9 * PAGE; at += PAGE / 2) {
        assertEquals(0, node.load(mmu, at));
        node.store(mmu, at, at);
      }
      for (long at = BASE; at < BASE + world.huge + 9 * PAGE; at += PAGE / 2) {
        assertEquals(at, node.load(mmu, at));
      }
      long first = node.load(mmu, shared);
      node.store(mmu, shared, first + 1);
      assertEquals(SyncOutcome.SYNCED, node.space.sync(shared, shared + 4 * PAGE));
      node.store(mmu, shared, first + 2);
      assertEquals(SyncOutcome.SYNCED, node.space.sync(shared, shared + 4 * PAGE));
      node.space.unmap(shared, shared + PAGE);
      node.space.map(shared, shared + PAGE, RW, file, 0);
      assertEquals(first + 2, node.load(mmu, shared));
      // Two addresses of different pages in one access.
      node.store(mmu, BASE + PAGE - 8, -1);
      node.store(mmu, BASE + PAGE, 0);
      assertEquals(0xFFFF_FFFFL, mmu.loadLong(BASE + PAGE - 4));
      node.space.close();
      assertEquals(0, world.inUse());
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void aKernelIsInAllSpacesAndNoUserReachesIt(PageFormat format) {
    try (UserWorld world = new UserWorld(format, 4096, HugePolicy.NEVER, 0)) {
      long page = format.isCanonical(-1) ? -world.huge : 0xC000_0000L;
      long physical = world.frames.allocate(0, 0) << 12;
      assertTrue(world.kernel().pin(page, PAGE));
      Node one = new Node(world, world.userTables());
      Node two = new Node(world, world.userTables());
      int flags = PageFlags.WRITE | PageFlags.ACCESSED | PageFlags.DIRTY;
      world.kernel().map(page, physical, PAGE, flags, 1);
      for (Node node : new Node[] {one, two}) {
        node.space.map(BASE, BASE + PAGE, RW, VirtualAreas.ANONYMOUS, 0);
        Mmu mmu = node.processor(0);
        mmu.setUser(false);
        assertEquals(0, mmu.storeLong(page, 7));
        assertEquals(7, mmu.loadLong(page));
        mmu.setUser(true);
        assertTrue(mmu.storeLong(page, 8) < 0);
        assertEquals(FaultOutcome.SEGFAULT, node.space.fault(page, AccessKind.STORE));
        node.store(mmu, BASE, 9);
      }
      one.space.close();
      two.space.close();
      world.kernel().unmap(page, PAGE, new FlushBatch(1, null));
      world.frames.free(physical >>> 12, 0);
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void aCopyIsSeenByAllProcessorsOfTheSpace(PageFormat format) {
    try (UserWorld world = new UserWorld(format, 4096, HugePolicy.NEVER, 0)) {
      Node node = new Node(world, world.tables());
      Mmu one = node.processor(0);
      Mmu other = node.processor(1);
      node.space.map(BASE, BASE + PAGE, RW, VirtualAreas.ANONYMOUS, 0);
      node.store(one, BASE, 1);
      UserSpace child = world.space(world.tables(), null);
      node.space.forkInto(child);
      assertEquals(1, node.load(other, BASE));
      node.store(one, BASE, 2);
      // It knew the frame that is the child's alone now.
      assertEquals(2, node.load(other, BASE));
      child.close();
      assertEquals(2, node.load(other, BASE));
      node.space.unmap(BASE, BASE + PAGE);
      assertEquals(0, other.loadLong(BASE));
      assertTrue(other.fault() != 0);
      node.space.close();
      assertEquals(0, world.inUse());
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  @Tag("slow")
  void noStoreIsLostWhateverHappensToItsPage(PageFormat format) throws InterruptedException {
    try (UserWorld world = new UserWorld(format, 12_288, HugePolicy.ALWAYS, 300)) {
      Node node = new Node(world, world.tables());
      int pages = (int) (world.huge >>> 12);
      HeapStore store = new HeapStore(pages * 4096);
      int file = world.file(store);
      node.space.map(BASE, BASE + world.huge, RW, VirtualAreas.ANONYMOUS, 0);
      long shared = BASE + world.huge;
      node.space.map(shared, shared + 32 * PAGE, RW | AreaFlags.SHARED, file, 0);
      AtomicInteger working = new AtomicInteger(CPUS - 1);
      long[][] counts = new long[CPUS][pages + 32];
      Runnable[] work = new Runnable[CPUS];
      work[0] =
          () -> {
            SplitMix64 random = new SplitMix64(7);
            while (working.get() > 0) {
              disturb(node, random);
            }
          };
      for (int cpu = 1; cpu < CPUS; cpu++) {
        int own = cpu;
        Mmu mmu = node.processor(cpu);
        SplitMix64 random = new SplitMix64(cpu);
        work[cpu] =
            () -> {
              try {
                for (int i = 0; i < 40_000; i++) {
                  int page = random.below(10) == 0 ? random.below(32) : random.below(pages);
                  boolean isShared = random.oneIn(4);
                  int slot = isShared ? pages + page % 32 : page;
                  long at = (isShared ? shared + page % 32 * PAGE : BASE + page * PAGE) + own * 64L;
                  long before = node.load(mmu, at);
                  if (counts[own][slot] == 0 && isShared) {
                    before = 0; // what the file had
                  }
                  assertEquals(counts[own][slot], before);
                  node.store(mmu, at, ++counts[own][slot]);
                }
              } finally {
                working.decrementAndGet();
              }
            };
      }
      Threads.runAll(List.of(work));
      node.space.protect(BASE, shared + 32 * PAGE, RW);
      Mmu mmu = node.processor(0);
      for (int cpu = 1; cpu < CPUS; cpu++) {
        for (int page = 0; page < pages; page++) {
          assertEquals(counts[cpu][page], node.load(mmu, BASE + page * PAGE + cpu * 64L));
        }
      }
      node.space.sync(shared, shared + 32 * PAGE);
      for (int page = 0; page < 32; page++) {
        long count = counts[1][pages + page];
        if (count != 0) {
          assertEquals((byte) count, store.bytes[page * 4096 + 64]);
          assertEquals((byte) (count >>> 8), store.bytes[page * 4096 + 65]);
        }
      }
      node.space.close();
      assertEquals(0, world.inUse());
    }
  }

  private static void disturb(Node node, SplitMix64 random) {
    UserWorld world = node.world;
    long shared = BASE + world.huge;
    switch (random.below(7)) {
      case 0 -> node.space.step(1 << 20);
      case 1 -> node.space.shrink(600);
      case 2 -> node.space.sync(shared, shared + 32 * PAGE);
      case 3 -> {
        node.space.protect(BASE, shared + 16 * PAGE, AreaFlags.READ);
        node.space.protect(BASE, shared + 16 * PAGE, RW);
      }
      case 4 -> node.space.protect(BASE, BASE + 9 * PAGE, random.oneIn(2) ? RW : AreaFlags.ACCESS);
      case 5 -> world.pages(1).shrink(5);
      default -> {
        AddressSpace tables = world.tables();
        UserSpace child = world.space(tables, null);
        assertEquals(ForkOutcome.FORKED, node.space.forkInto(child));
        child.fault(BASE, AccessKind.STORE);
        child.close();
      }
    }
  }
}
