package dev.bifolio.kernel.virtual;

import static dev.bifolio.kernel.virtual.UserWorld.BASE;
import static dev.bifolio.kernel.virtual.UserWorld.PAGE;
import static dev.bifolio.kernel.virtual.UserWorld.RW;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.mmu.Mmu;
import dev.bifolio.kernel.mmu.Tlb;
import dev.bifolio.kernel.table.AddressSpace;
import dev.bifolio.kernel.table.Flusher;
import dev.bifolio.kernel.table.PageFlags;
import dev.bifolio.kernel.table.PageFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Memory that nobody may touch for a while: `mprotect` to `PROT_NONE` and back, through the unit
/// of a processor, in every format.
class NoAccessTest {
  static List<PageFormat> formats() {
    return HugePagesTest.formats();
  }

  /// A space and its only processor.
  private static final class Program implements Flusher {
    final AddressSpace tables;
    final UserSpace space;
    final Tlb tlb;
    final Mmu mmu;

    Program(UserWorld world) {
      tables = world.tables();
      space = world.space(tables, this);
      tlb = new Tlb(world.format, 16, 4);
      mmu = new Mmu(world.format, world.bus(), tlb);
      mmu.setSpace(tables, 0);
      mmu.setUser(true);
    }

    @Override
    public void flushPage(long virtualAddress) {
      tlb.flushPage(virtualAddress, 0);
    }

    @Override
    public void flushAll(boolean globalToo) {
      tlb.flushAll(globalToo);
    }

    long load(long at) {
      while (true) {
        long value = mmu.loadLong(at);
        if (mmu.fault() == 0) {
          return value;
        }
        assertTrue(space.fault(at, AccessKind.LOAD).isResolved());
      }
    }

    void store(long at, long value) {
      while (mmu.storeLong(at, value) != 0) {
        assertTrue(space.fault(at, AccessKind.STORE).isResolved());
      }
    }

    /// Neither the processor nor the kernel's fault lets anybody in.
    void assertClosed(long at) {
      Map<AccessKind, Integer> kinds =
          Map.of(
              AccessKind.LOAD, Mmu.LOAD, AccessKind.STORE, Mmu.STORE, AccessKind.FETCH, Mmu.FETCH);
      kinds.forEach((kind, access) -> {
        assertTrue(mmu.access(at, access) < 0, kind::name);
        assertEquals(FaultOutcome.PROTECTION, space.fault(at, kind));
      });
      assertEquals(FaultOutcome.PROTECTION, space.populate(at, at + PAGE));
    }

    void protect(long start, long end, int access) {
      assertEquals(AlterOutcome.ALTERED, space.protect(start, end, access));
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void pagesThatNobodyMayTouchComeBackWithTheirBytes(PageFormat format) {
    try (UserWorld world = new UserWorld(format, 4096, HugePolicy.NEVER, 0)) {
      Program program = new Program(world);
      long end = BASE + 4 * PAGE;
      program.space.map(BASE, end, RW, VirtualAreas.ANONYMOUS, 0);
      program.store(BASE, 1);
      program.store(BASE + PAGE, 2);
      program.load(BASE + 2 * PAGE); // and the last is not there at all
      for (int back : new int[] {AreaFlags.READ, RW, AreaFlags.ACCESS, RW}) {
        program.protect(BASE, end, 0);
        for (long at = BASE; at < end; at += PAGE) {
          program.assertClosed(at + 8);
        }
        assertEquals(3, program.tables.pageCount(1), "a fault that is refused maps nothing");
        program.protect(BASE, end, back);
        assertEquals(1, program.load(BASE));
        assertEquals(2, program.load(BASE + PAGE));
        assertEquals(0, program.load(BASE + 2 * PAGE));
      }
      program.store(BASE + PAGE, 3);
      program.store(BASE + 3 * PAGE, 4);
      assertEquals(3, program.load(BASE + PAGE));
      assertEquals(4, program.load(BASE + 3 * PAGE));
      program.space.close();
      assertEquals(0, world.inUse());
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void aPartOfALargePageIsClosedAndTheRestIsNot(PageFormat format) {
    try (UserWorld world = new UserWorld(format, 6144, HugePolicy.ALWAYS, 2000)) {
      Program program = new Program(world);
      long end = BASE + world.huge;
      program.space.map(BASE, end, RW, VirtualAreas.ANONYMOUS, 0);
      program.store(BASE, 1);
      program.store(end - 8, 2);
      assertEquals(1, program.tables.pageCount(2));
      // All of it, as one page.
      program.protect(BASE, end, 0);
      assertEquals(1, program.tables.pageCount(2));
      program.assertClosed(BASE);
      program.assertClosed(end - PAGE);
      program.protect(BASE, end, RW);
      program.store(BASE, 3);
      assertEquals(2, program.load(end - 8));
      // A part of it, and then it is made one page again while it is closed.
      program.protect(BASE, BASE + PAGE, 0);
      program.assertClosed(BASE);
      assertEquals(2, program.load(end - 8));
      program.protect(BASE, end, 0);
      while (program.space.step(10_000)) {
        // until it is one
      }
      assertEquals(1, program.tables.pageCount(2));
      program.assertClosed(BASE);
      program.protect(BASE, end, RW);
      assertEquals(3, program.load(BASE));
      program.store(end - 8, 4);
      assertEquals(4, program.load(end - 8));
      program.space.close();
      assertEquals(0, world.inUse());
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void whatIsClosedIsSharedByAForkAndOpenedByEachForItself(PageFormat format) {
    try (UserWorld world = new UserWorld(format, 4096, HugePolicy.NEVER, 0)) {
      Program parent = new Program(world);
      Program child = new Program(world);
      parent.space.map(BASE, BASE + 2 * PAGE, RW, VirtualAreas.ANONYMOUS, 0);
      parent.store(BASE, 1);
      parent.protect(BASE, BASE + PAGE, 0);
      assertEquals(ForkOutcome.FORKED, parent.space.forkInto(child.space));
      parent.assertClosed(BASE);
      child.assertClosed(BASE);
      child.protect(BASE, BASE + PAGE, RW);
      parent.assertClosed(BASE);
      assertEquals(1, child.load(BASE));
      child.store(BASE, 2);
      parent.protect(BASE, BASE + PAGE, RW);
      assertEquals(1, parent.load(BASE));
      parent.store(BASE, 3);
      assertEquals(2, child.load(BASE));
      parent.space.close();
      child.space.close();
      assertEquals(0, world.inUse());
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void aSharedPageOfAFileKeepsItsStores(PageFormat format) {
    try (UserWorld world = new UserWorld(format, 4096, HugePolicy.NEVER, 0)) {
      Program program = new Program(world);
      HeapStore store = new HeapStore(10_000);
      int file = world.file(store);
      program.space.map(BASE, BASE + PAGE, RW | AreaFlags.SHARED, file, 0);
      program.store(BASE, 77);
      program.protect(BASE, BASE + PAGE, 0);
      program.assertClosed(BASE);
      assertEquals(SyncOutcome.SYNCED, program.space.sync(BASE, BASE + PAGE));
      program.protect(BASE, BASE + PAGE, RW);
      assertEquals(77, program.load(BASE));
      program.store(BASE, 78);
      assertEquals(78, program.load(BASE));
      program.space.close();
      assertEquals(0, world.inUse());
    }
  }

  @Test
  void aPageThatNobodyMayTouchIsTheKernelsAlone() {
    for (int other : new int[] {0, AreaFlags.GROWS_DOWN, AreaFlags.HUGE, AreaFlags.SHARED}) {
      int flags = AreaFlags.toPage(other);
      assertEquals(flags, PageFlags.require(flags), "means something in every format");
      assertEquals(0, flags & (PageFlags.USER | PageFlags.WRITE | PageFlags.EXECUTE));
      assertEquals(flags, AreaFlags.toWritablePage(other));
    }
  }
}
