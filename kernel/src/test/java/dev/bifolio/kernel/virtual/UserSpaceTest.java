package dev.bifolio.kernel.virtual;

import static dev.bifolio.kernel.virtual.UserWorld.BASE;
import static dev.bifolio.kernel.virtual.UserWorld.PAGE;
import static dev.bifolio.kernel.virtual.UserWorld.RW;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.table.AddressSpace;
import dev.bifolio.kernel.table.MappedPage;
import dev.bifolio.kernel.table.PageFlags;
import dev.bifolio.kernel.virtual.UserWorld.Program;
import dev.bifolio.testkit.Behaviour;
import dev.bifolio.testkit.HeapAllocation;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// A user space: areas, faults and what becomes of frames.
class UserSpaceTest {
  private final UserWorld world = new UserWorld(400);
  private final long atFirst = world.frames.inUse();
  private final Program program = world.program();
  private final long empty = world.frames.inUse();

  @AfterEach
  void close() {
    program.close();
    assertEquals(atFirst, world.inUse());
    world.close();
  }

  @Test
  @Behaviour("144")
  void noFrameIsTakenBeforeTheFirstTouch() {
    assertEquals(InsertOutcome.INSERTED, program.map(BASE, BASE + 10 * PAGE, RW));
    long nodes = world.frames.inUse();
    assertEquals(empty + 1, nodes);
    assertEquals(AddressSpace.NOT_MAPPED, program.tables.lookup(BASE));
    assertEquals(FaultOutcome.MAPPED, program.space.fault(BASE + 5, AccessKind.LOAD));
    assertEquals(nodes + 1 + 3, world.frames.inUse());
    assertEquals(1, program.tables.pageCount(1));
  }

  @Test
  @Behaviour("144")
  void aSecondFaultOnTheSamePageTakesNoFrame() {
    program.map(BASE, BASE + 10 * PAGE, RW);
    assertEquals(FaultOutcome.MAPPED, program.space.fault(BASE, AccessKind.STORE));
    long once = world.frames.requests();
    assertEquals(FaultOutcome.ALREADY, program.space.fault(BASE + 8, AccessKind.STORE));
    assertEquals(FaultOutcome.ALREADY, program.space.fault(BASE + PAGE - 1, AccessKind.LOAD));
    assertEquals(once, world.frames.requests());
    assertEquals(FaultOutcome.MAPPED, program.space.fault(BASE + PAGE, AccessKind.LOAD));
  }

  @Test
  @Behaviour("144")
  void anAnonymousPageIsZeroFilledAndALazyMappingHoldsItsStartAndNotItsEnd() {
    program.map(BASE, BASE + 2 * PAGE, RW);
    for (long at = BASE; at < BASE + 2 * PAGE; at += 8) {
      assertEquals(0, program.load(at));
    }
    assertEquals(FaultOutcome.SEGFAULT, program.fail(BASE + 2 * PAGE, AccessKind.LOAD));
    assertEquals(FaultOutcome.SEGFAULT, program.fail(BASE - 1, AccessKind.LOAD));
    assertEquals(FaultOutcome.SEGFAULT, program.fail(-8, AccessKind.LOAD));
  }

  @Test
  void whatIsStoredIsLoaded() {
    program.map(BASE, BASE + 4 * PAGE, RW);
    for (long at = BASE; at < BASE + 4 * PAGE; at += 512) {
      program.store(at, at);
    }
    for (long at = BASE; at < BASE + 4 * PAGE; at += 512) {
      assertEquals(at, program.load(at));
    }
    long word = program.tables.lookup(BASE);
    assertEquals(
        PageFlags.READ | PageFlags.WRITE | PageFlags.USER | PageFlags.ACCESSED | PageFlags.DIRTY,
        MappedPage.flags(word));
  }

  @Test
  void whatAnAreaDoesNotAllowIsRefused() {
    program.map(BASE, BASE + PAGE, AreaFlags.READ);
    program.map(BASE + PAGE, BASE + 2 * PAGE, AreaFlags.READ | AreaFlags.EXECUTE);
    program.map(BASE + 2 * PAGE, BASE + 3 * PAGE, 0);
    program.map(BASE + 3 * PAGE, BASE + 4 * PAGE, AreaFlags.WRITE);
    assertEquals(0, program.load(BASE));
    assertEquals(FaultOutcome.PROTECTION, program.fail(BASE, AccessKind.STORE));
    assertEquals(FaultOutcome.PROTECTION, program.fail(BASE, AccessKind.FETCH));
    assertNotEquals(-1, program.access(BASE + PAGE, AccessKind.FETCH));
    assertEquals(FaultOutcome.PROTECTION, program.fail(BASE + PAGE, AccessKind.STORE));
    for (AccessKind kind : AccessKind.values()) {
      assertEquals(FaultOutcome.PROTECTION, program.fail(BASE + 2 * PAGE, kind));
    }
    assertEquals(0, program.load(BASE + 3 * PAGE));
    program.store(BASE + 3 * PAGE, 1);
    assertEquals(3, program.tables.pageCount(1));
  }

  @Test
  void unmappingGivesFramesAndTablesBack() {
    program.map(BASE, BASE + 20 * PAGE, RW);
    assertEquals(FaultOutcome.MAPPED, program.space.populate(BASE, BASE + 20 * PAGE));
    assertEquals(20, program.tables.pageCount(1));
    assertEquals(RemoveOutcome.REMOVED, program.space.unmap(BASE + 5 * PAGE, BASE + 15 * PAGE));
    assertEquals(10, program.tables.pageCount(1));
    assertEquals(FaultOutcome.SEGFAULT, program.fail(BASE + 5 * PAGE, AccessKind.LOAD));
    assertEquals(FaultOutcome.SEGFAULT, program.fail(BASE + 14 * PAGE, AccessKind.LOAD));
    program.load(BASE + 4 * PAGE);
    program.load(BASE + 15 * PAGE);
    assertEquals(RemoveOutcome.REMOVED, program.space.unmap(BASE, BASE + 20 * PAGE));
    assertEquals(empty, world.frames.inUse());
    assertEquals(RemoveOutcome.NOT_A_RANGE, program.space.unmap(BASE + 1, BASE + PAGE));
  }

  @Test
  void anUnmappedPageComesBackAsZeros() {
    program.map(BASE, BASE + PAGE, RW);
    program.store(BASE, 77);
    program.space.unmap(BASE, BASE + PAGE);
    program.map(BASE, BASE + PAGE, RW);
    assertEquals(0, program.load(BASE));
  }

  @Test
  void protectingTakesRightsAwayAndGivesThemBack() {
    program.map(BASE, BASE + 4 * PAGE, RW);
    program.store(BASE + PAGE, 5);
    program.store(BASE + 2 * PAGE, 6);
    assertEquals(
        AlterOutcome.ALTERED, program.space.protect(BASE, BASE + 2 * PAGE, AreaFlags.READ));
    assertEquals(FaultOutcome.PROTECTION, program.fail(BASE + PAGE, AccessKind.STORE));
    assertEquals(5, program.load(BASE + PAGE));
    program.store(BASE + 2 * PAGE, 7);
    assertEquals(AlterOutcome.ALTERED, program.space.protect(BASE, BASE + 3 * PAGE, 0));
    assertEquals(FaultOutcome.PROTECTION, program.fail(BASE + PAGE, AccessKind.LOAD));
    assertEquals(FaultOutcome.PROTECTION, program.fail(BASE + 2 * PAGE, AccessKind.LOAD));
    assertEquals(
        AlterOutcome.ALTERED, program.space.protect(BASE, BASE + 4 * PAGE, AreaFlags.ACCESS));
    assertEquals(5, program.load(BASE + PAGE));
    program.store(BASE + PAGE, 8);
    assertEquals(FaultOutcome.MADE_WRITABLE, program.last);
    assertEquals(7, program.load(BASE + 2 * PAGE));
    assertEquals(8, program.load(BASE + PAGE));
    assertNotEquals(-1, program.access(BASE + PAGE, AccessKind.FETCH));
    assertEquals(1, program.space.areas().count());
    assertEquals(
        AlterOutcome.NOT_MAPPED, program.space.protect(BASE, BASE + 5 * PAGE, AreaFlags.READ));
    assertEquals(AlterOutcome.NOT_A_RANGE, program.space.protect(BASE, BASE, AreaFlags.READ));
    assertThrows(
        IllegalArgumentException.class,
        () -> program.space.protect(BASE, BASE + PAGE, AreaFlags.SHARED));
  }

  @Test
  void withoutMemoryAFaultChangesNothing() {
    program.map(BASE, BASE + 4 * PAGE, RW);
    long before = world.frames.inUse();
    for (int k = 0; k < 4; k++) {
      world.frames.serve(k);
      assertEquals(FaultOutcome.NO_MEMORY, program.fail(BASE, AccessKind.STORE));
      assertEquals(before, world.frames.inUse());
      assertEquals(AddressSpace.NOT_MAPPED, program.tables.lookup(BASE));
    }
    world.frames.serve(4);
    program.store(BASE, 1);
    assertEquals(FaultOutcome.NO_MEMORY, program.space.populate(BASE, BASE + 4 * PAGE));
    world.frames.serve(2);
    assertEquals(FaultOutcome.NO_MEMORY, program.space.populate(BASE, BASE + 4 * PAGE));
    assertEquals(3, program.tables.pageCount(1));
  }

  @Test
  void populatingTouchesWhatCannotBeStoredToAsWell() {
    program.map(BASE, BASE + 2 * PAGE, AreaFlags.READ);
    assertEquals(FaultOutcome.MAPPED, program.space.populate(BASE, BASE + 2 * PAGE));
    assertEquals(2, program.tables.pageCount(1));
    assertEquals(FaultOutcome.SEGFAULT, program.space.populate(BASE, BASE + 3 * PAGE));
    program.map(BASE + 2 * PAGE, BASE + 3 * PAGE, 0);
    assertEquals(FaultOutcome.PROTECTION, program.space.populate(BASE, BASE + 3 * PAGE));
  }

  @Test
  void aPlaceIsFoundAboveAllOthers() {
    long top = world.layout.ceiling();
    long first = program.space.mapAnywhere(PAGE, 0, 0, RW, 0, 0);
    assertEquals(top - PAGE, first);
    long second = program.space.mapAnywhere(2 * PAGE, 0, PAGE, RW, 0, 0);
    assertEquals(top - 4 * PAGE, second);
    assertEquals(BASE + PAGE, program.space.mapAnywhere(PAGE, BASE + PAGE, 0, RW, 0, 0));
    assertEquals(UserSpace.NOT_MAPPED, program.space.mapAnywhere(top, 0, 0, RW, 0, 0));
    program.store(second, 1);
    program.store(second + PAGE, 1);
    assertEquals(FaultOutcome.SEGFAULT, program.fail(second + 2 * PAGE, AccessKind.LOAD));
    program.space.unmap(BASE, top);
    world.frames.serve(0);
    assertEquals(UserSpace.NOT_MAPPED, program.space.mapAnywhere(PAGE, 0, 0, RW, 0, 0));
  }

  @Test
  void aStackGrowsWhenItIsTouchedBelow() {
    long top = world.layout.ceiling() - PAGE;
    program.map(top - 2 * PAGE, top, RW | AreaFlags.GROWS_DOWN);
    program.store(top - 2 * PAGE - 8, 3);
    assertEquals(top - 3 * PAGE, program.space.areas().start(program.space.areas().find(top - 1)));
    program.store(top - 64 * PAGE, 4);
    assertEquals(FaultOutcome.SEGFAULT, program.fail(top - 64 * PAGE - 8, AccessKind.STORE));
    assertEquals(3, program.load(top - 2 * PAGE - 8));
    assertEquals(4, program.load(top - 64 * PAGE));
    // Nothing but a stack grows, and not over its end.
    assertEquals(FaultOutcome.SEGFAULT, program.fail(top, AccessKind.STORE));
    program.map(BASE + 10 * PAGE, BASE + 11 * PAGE, RW);
    assertEquals(FaultOutcome.SEGFAULT, program.fail(BASE + 9 * PAGE, AccessKind.STORE));
    assertEquals(FaultOutcome.SEGFAULT, program.fail(BASE - PAGE, AccessKind.STORE));
  }

  @Test
  void aStackKeepsItsDistance() {
    long at = BASE + 600 * PAGE;
    program.map(at, at + PAGE, RW | AreaFlags.GROWS_DOWN);
    program.map(at - 260 * PAGE, at - 259 * PAGE, RW);
    program.store(at - 3 * PAGE, 1);
    assertEquals(FaultOutcome.SEGFAULT, program.fail(at - 4 * PAGE, AccessKind.STORE));
  }

  @Test
  @Behaviour("143")
  void theBreakUnmapsWhatItLeaves() {
    long base = world.layout.breakBase();
    assertEquals(BreakOutcome.MOVED, program.space.setBreak(base + 3 * PAGE));
    program.store(base, 1);
    program.store(base + 2 * PAGE, 2);
    assertEquals(BreakOutcome.MOVED, program.space.setBreak(base + PAGE + 1));
    assertEquals(base + PAGE + 1, program.space.programBreak());
    assertEquals(1, program.tables.pageCount(1));
    assertEquals(FaultOutcome.SEGFAULT, program.fail(base + 2 * PAGE, AccessKind.LOAD));
    assertEquals(BreakOutcome.MOVED, program.space.setBreak(base + 3 * PAGE));
    assertEquals(0, program.load(base + 2 * PAGE));
    assertEquals(1, program.load(base));
    assertEquals(BreakOutcome.OUT_OF_LIMITS, program.space.setBreak(base - 1));
    assertEquals(BreakOutcome.OUT_OF_LIMITS, program.space.setBreak(world.layout.breakLimit() + 1));
    assertEquals(BreakOutcome.MOVED, program.space.setBreak(base));
    assertEquals(empty, world.frames.inUse());
  }

  @Test
  void aKindOfAreaThatThereIsNotIsTheCallersMistake() {
    int file = world.file(new HeapStore(10_000));
    for (Runnable mistake :
        new Runnable[] {
          () -> program.map(BASE, BASE + PAGE, RW | AreaFlags.SHARED),
          () -> program.space.map(BASE, BASE + PAGE, RW, file + 1, 0),
          () -> program.space.map(BASE, BASE + PAGE, RW, -1, 0),
          () -> program.space.map(BASE, BASE + PAGE, RW | AreaFlags.GROWS_DOWN, file, 0),
          () -> program.space.map(BASE, BASE + PAGE, RW, file, -PAGE),
          () -> program.space.map(BASE, BASE + PAGE, RW, file, BackedPages.MOST_BYTES),
          () -> program.space.map(BASE, BASE + PAGE, RW, file, 2 * BackedPages.MOST_BYTES),
          () -> program.space.mapAnywhere(PAGE, 0, 0, RW, 0, PAGE),
          () -> program.space.mapAnywhere(PAGE, 0, 0, RW | AreaFlags.SHARED, 0, 0)
        }) {
      assertThrows(IllegalArgumentException.class, mistake::run);
    }
    assertEquals(0, program.space.areas().count());
    assertEquals(
        InsertOutcome.INSERTED,
        program.space.map(BASE, BASE + PAGE, RW, file, BackedPages.MOST_BYTES - PAGE));
  }

  @Test
  void faultsCreateNoObjects() {
    UserSpace space = world.bareProgram().space;
    space.map(BASE, BASE + 16 * PAGE, RW, VirtualAreas.ANONYMOUS, 0);
    Runnable work =
        () -> {
          for (int page = 0; page < 16; page++) {
            space.fault(BASE + page * PAGE, AccessKind.STORE);
          }
          space.protect(BASE, BASE + 16 * PAGE, AreaFlags.READ);
          space.protect(BASE, BASE + 16 * PAGE, RW);
          for (int page = 0; page < 16; page++) {
            space.fault(BASE + page * PAGE, AccessKind.STORE);
          }
        };
    work.run();
    assertEquals(0, HeapAllocation.bytesOf(work));
    space.close();
  }

  @Test
  void whatIsFreedIsNotReachedAnyMore() {
    program.map(BASE, BASE + 100 * PAGE, RW);
    for (int page = 0; page < 100; page++) {
      program.store(BASE + page * PAGE, page);
    }
    program.space.unmap(BASE + 10 * PAGE, BASE + 90 * PAGE);
    for (int page = 10; page < 90; page++) {
      assertEquals(FaultOutcome.SEGFAULT, program.fail(BASE + page * PAGE, AccessKind.LOAD));
    }
    assertEquals(99, program.load(BASE + 99 * PAGE));
    long pfn = program.tables.translate(BASE) >>> 12;
    assertEquals(0, Memory.getLong(world.memory.addressOf(pfn)));
  }

  @Test
  void onlyAStackGrowsAndOnlyUpToItsSize() {
    long at = BASE + 600 * PAGE;
    program.map(at, at + PAGE, RW);
    assertEquals(FaultOutcome.SEGFAULT, program.fail(at - 8, AccessKind.STORE));
    assertEquals(at, program.space.areas().start(program.space.areas().find(at)));
    program.space.unmap(at, at + PAGE);
    program.map(at, at + PAGE, RW | AreaFlags.GROWS_DOWN);
    // 64 pages in all: not one more, even if it is touched there first.
    assertEquals(FaultOutcome.SEGFAULT, program.fail(at - 64 * PAGE, AccessKind.STORE));
    assertEquals(1, program.space.areas().pageCount());
    program.store(at - 63 * PAGE, 1);
    assertEquals(64, program.space.areas().pageCount());
    assertEquals(1, program.tables.pageCount(1));
    // What is not allowed, or not to be had, does not make it larger.
    program.space.unmap(at - 63 * PAGE, at);
    assertEquals(FaultOutcome.PROTECTION, program.fail(at - 8, AccessKind.FETCH));
    assertEquals(1, program.space.areas().pageCount());
    world.frames.serve(0);
    assertEquals(FaultOutcome.NO_MEMORY, program.fail(at - 8, AccessKind.STORE));
    assertEquals(1, program.space.areas().pageCount());
  }

  @Test
  void rightsThatArePagesAlreadyAreKept() {
    program.map(BASE, BASE + 2 * PAGE, RW);
    program.store(BASE, 1);
    program.space.protect(BASE, BASE + 2 * PAGE, AreaFlags.ACCESS);
    int flags = MappedPage.flags(program.tables.lookup(BASE));
    assertEquals(
        PageFlags.READ | PageFlags.WRITE | PageFlags.EXECUTE | PageFlags.USER,
        flags & ~PageFlags.ACCESSED & ~PageFlags.DIRTY);
    program.last = FaultOutcome.SEGFAULT;
    program.store(BASE, 2);
    assertEquals(FaultOutcome.SEGFAULT, program.last); // there was no fault
  }

  @Test
  void aClosedSpaceIsAsEmptyAsANewOne() {
    program.space.setBreak(world.layout.breakBase() + 3 * PAGE);
    program.map(BASE, BASE + 2 * PAGE, RW);
    program.store(BASE, 1);
    program.close();
    assertEquals(world.layout.breakBase(), program.space.programBreak());
    assertEquals(0, program.space.areas().count());
    assertEquals(0, program.space.areas().pageCount());
    assertEquals(0, program.tables.tableCount());
    assertEquals(atFirst, world.frames.inUse());
    assertSame(program.tables, program.space.tables());
    assertTrue(program.tables.open());
    assertEquals(BreakOutcome.MOVED, program.space.setBreak(world.layout.breakBase() + PAGE));
  }
}
