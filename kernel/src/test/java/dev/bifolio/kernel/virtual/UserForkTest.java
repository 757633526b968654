package dev.bifolio.kernel.virtual;

import static dev.bifolio.kernel.virtual.UserWorld.BASE;
import static dev.bifolio.kernel.virtual.UserWorld.PAGE;
import static dev.bifolio.kernel.virtual.UserWorld.RW;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.table.MappedPage;
import dev.bifolio.kernel.table.PageFlags;
import dev.bifolio.kernel.table.X86Format;
import dev.bifolio.kernel.virtual.UserWorld.Program;
import dev.bifolio.testkit.Behaviour;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Fork, and copies on write.
class UserForkTest {
  private final UserWorld world = new UserWorld(600);
  private final long atFirst = world.frames.inUse();
  private final Program parent = world.program();
  private final Program child = world.program();

  @AfterEach
  void close() {
    parent.close();
    child.close();
    assertEquals(atFirst, world.inUse());
    world.close();
  }

  private long pfn(Program program, long at) {
    return program.tables.translate(at) >>> 12;
  }

  @Test
  @Behaviour("144")
  void afterAForkAFrameHasTwoSharersAndTheLastOneFreesIt() {
    parent.map(BASE, BASE + PAGE, RW);
    parent.store(BASE, 1);
    long shared = pfn(parent, BASE);
    assertEquals(1, world.sharers.count(shared));
    assertEquals(ForkOutcome.FORKED, parent.space.forkInto(child.space));
    assertEquals(shared, pfn(child, BASE));
    assertEquals(2, world.sharers.count(shared));
    long before = world.frames.inUse();
    child.store(BASE, 2);
    assertEquals(FaultOutcome.COPIED, child.last);
    assertEquals(before + 1, world.frames.inUse());
    assertNotEquals(shared, pfn(child, BASE));
    assertEquals(1, world.sharers.count(shared));
    assertEquals(1, parent.load(BASE));
    parent.store(BASE, 3);
    assertEquals(FaultOutcome.MADE_WRITABLE, parent.last);
    assertEquals(shared, pfn(parent, BASE));
    assertEquals(2, child.load(BASE));
    parent.space.unmap(BASE, BASE + PAGE);
    assertEquals(
        before - 4, world.frames.inUse()); // a copy came; a frame, a node and three tables went
  }

  @Test
  void aForkCopiesAreasBreakAndBytes() {
    parent.map(BASE, BASE + 4 * PAGE, RW);
    parent.map(BASE + 8 * PAGE, BASE + 9 * PAGE, AreaFlags.READ);
    parent.space.setBreak(world.layout.breakBase() + 5);
    for (int page = 0; page < 3; page++) {
      parent.store(BASE + page * PAGE, page + 10);
    }
    parent.load(BASE + 8 * PAGE);
    assertEquals(ForkOutcome.FORKED, parent.space.forkInto(child.space));
    assertEquals(3, child.space.areas().count());
    assertEquals(6, child.space.areas().pageCount());
    assertEquals(world.layout.breakBase() + 5, child.space.programBreak());
    for (int page = 0; page < 3; page++) {
      assertEquals(page + 10, child.load(BASE + page * PAGE));
    }
    assertEquals(FaultOutcome.PROTECTION, child.fail(BASE + 8 * PAGE, AccessKind.STORE));
    // What was not touched is each one's own.
    parent.store(BASE + 3 * PAGE, 99);
    assertEquals(0, child.load(BASE + 3 * PAGE));
    assertEquals(FaultOutcome.MAPPED, child.last);
  }

  @Test
  void processorsThatOnlyLoadSeeTheCopyToo() {
    parent.map(BASE, BASE + PAGE, RW);
    parent.store(BASE, 1);
    parent.space.forkInto(child.space);
    assertEquals(1, child.load(BASE)); // and the translation is kept
    assertEquals(FaultOutcome.COPIED, child.space.fault(BASE, AccessKind.STORE));
    Memory.putLong(world.memory.addressOf(pfn(child, BASE)), 2);
    assertEquals(2, child.load(BASE));
    assertEquals(1, parent.load(BASE));
  }

  @Test
  void storesAfterAForkAreNotSeenByTheOther() {
    parent.map(BASE, BASE + 8 * PAGE, RW);
    for (int page = 0; page < 8; page++) {
      parent.store(BASE + page * PAGE, 1);
      parent.store(BASE + page * PAGE + 8, 2);
    }
    parent.space.forkInto(child.space);
    for (int page = 0; page < 8; page++) {
      (page % 2 == 0 ? parent : child).store(BASE + page * PAGE, 7);
    }
    for (int page = 0; page < 8; page++) {
      assertEquals(page % 2 == 0 ? 7 : 1, parent.load(BASE + page * PAGE));
      assertEquals(page % 2 == 0 ? 1 : 7, child.load(BASE + page * PAGE));
      assertEquals(2, parent.load(BASE + page * PAGE + 8));
      assertEquals(2, child.load(BASE + page * PAGE + 8));
    }
  }

  @Test
  void grandchildrenShareToo() {
    Program grandchild = world.program();
    parent.map(BASE, BASE + PAGE, RW);
    parent.store(BASE, 1);
    parent.space.forkInto(child.space);
    child.space.forkInto(grandchild.space);
    long pfn = pfn(parent, BASE);
    assertEquals(3, world.sharers.count(pfn));
    grandchild.store(BASE, 2);
    assertEquals(2, world.sharers.count(pfn));
    parent.close();
    assertEquals(1, world.sharers.count(pfn));
    child.store(BASE, 3);
    assertEquals(FaultOutcome.MADE_WRITABLE, child.last);
    assertEquals(2, grandchild.load(BASE));
    grandchild.close();
    assertTrue(parent.tables.open());
  }

  @Test
  void protectionAfterAForkDoesNotGiveSharedFramesToStores() {
    parent.map(BASE, BASE + PAGE, RW);
    parent.store(BASE, 1);
    parent.space.forkInto(child.space);
    child.space.protect(BASE, BASE + PAGE, AreaFlags.READ);
    child.space.protect(BASE, BASE + PAGE, RW);
    child.store(BASE, 2);
    assertEquals(FaultOutcome.COPIED, child.last);
    assertEquals(1, parent.load(BASE));
  }

  @Test
  void aStoreWithoutMemoryForTheCopyChangesNothing() {
    parent.map(BASE, BASE + PAGE, RW);
    parent.store(BASE, 1);
    parent.space.forkInto(child.space);
    long before = child.tables.lookup(BASE);
    world.frames.serve(0);
    assertEquals(FaultOutcome.NO_MEMORY, child.fail(BASE, AccessKind.STORE));
    assertEquals(before, child.tables.lookup(BASE));
    assertEquals(1, child.load(BASE));
    world.frames.serve(1);
    child.store(BASE, 5);
  }

  @Test
  void onlyAnEmptySpaceIsForkedInto() {
    child.map(BASE, BASE + PAGE, RW);
    assertThrows(IllegalStateException.class, () -> parent.space.forkInto(child.space));
  }

  @Test
  void aForkThatFailsAtAnyStepChangesNothing() {
    UserWorld other = new UserWorld(X86Format.LEVELS_4, 4096, HugePolicy.ADVISED, 0);
    Program from = other.program();
    Program to = other.program();
    from.map(BASE, BASE + 40 * PAGE, RW);
    from.map(BASE + 60 * PAGE, BASE + 90 * PAGE, AreaFlags.READ);
    from.map(BASE + other.huge, BASE + 3 * other.huge, RW | AreaFlags.HUGE);
    int file = other.file(new HeapStore(100_000));
    from.space.map(BASE + 100 * PAGE, BASE + 110 * PAGE, RW | AreaFlags.SHARED, file, 0);
    from.space.map(BASE + 200 * PAGE, BASE + 210 * PAGE, RW, file, 0);
    for (int page = 0; page < 40; page += 3) {
      from.store(BASE + page * PAGE, page);
    }
    from.load(BASE + 70 * PAGE);
    from.store(BASE + 100 * PAGE, 1);
    from.load(BASE + 200 * PAGE);
    from.store(BASE + 201 * PAGE, 1);
    from.store(BASE + other.huge, 5);
    from.store(BASE + 2 * other.huge, 6);
    assertEquals(2, from.tables.pageCount(2));
    other.frames.serve(0);
    assertEquals(ForkOutcome.NO_MEMORY, from.space.forkInto(to.space));
    assertEquals(2, from.tables.pageCount(2));
    int k = 1;
    for (; ; k++) {
      long used = other.frames.inUse();
      Map<Long, Long> pages = from.pages();
      long tables = from.tables.tableCount();
      other.frames.serve(k);
      ForkOutcome outcome = from.space.forkInto(to.space);
      if (outcome == ForkOutcome.FORKED) {
        break;
      }
      assertEquals(ForkOutcome.NO_MEMORY, outcome);
      assertEquals(0, to.space.areas().count());
      assertEquals(Map.of(), to.pages());
      if (from.tables.pageCount(2) == 0 && pages.size() > 1000) {
        assertEquals(pages, from.pages());
        assertEquals(used, other.frames.inUse());
      } else {
        // A large page was split, which shows in nothing but the tables it took.
        assertEquals(used + from.tables.tableCount() - tables, other.frames.inUse());
      }
      for (long pfn = other.frames.firstPfn(); pfn < other.frames.endPfn(); pfn++) {
        assertTrue(FrameInfo.sharesOf(other.info.get(pfn)) <= 2, "sharers that are left");
      }
    }
    assertTrue(k > 4);
    other.frames.serve(Long.MAX_VALUE);
    assertEquals(5, to.load(BASE + other.huge));
    assertEquals(6, to.load(BASE + 2 * other.huge));
    for (int page = 0; page < 40; page++) {
      assertEquals(page % 3 == 0 ? page : 0, to.load(BASE + page * PAGE));
    }
    to.store(BASE + 100 * PAGE, 2);
    assertEquals(2, from.load(BASE + 100 * PAGE));
    from.close();
    to.close();
    other.inUse();
    assertEquals(16, 16 + other.frames.inUse());
    other.close();
  }

  @Test
  void aForkWithoutANodeLeavesTheChildEmpty() {
    for (long area = 0; area < 70; area++) {
      parent.map(BASE + area * 2 * PAGE, BASE + area * 2 * PAGE + PAGE, RW);
    }
    long before = world.frames.inUse();
    for (int served = 0; served < 2; served++) {
      world.frames.serve(served);
      assertEquals(ForkOutcome.NO_MEMORY, parent.space.forkInto(child.space));
      assertEquals(0, child.space.areas().count());
      assertEquals(0, child.space.areas().pageCount());
      assertEquals(before, world.frames.inUse());
    }
    world.frames.serve(2);
    assertEquals(ForkOutcome.FORKED, parent.space.forkInto(child.space));
    assertEquals(70, child.space.areas().count());
    assertEquals(before + 2, world.frames.inUse());
  }

  @Test
  void protectionAfterAForkKeepsCopiesDue() {
    parent.map(BASE, BASE + PAGE, RW);
    parent.store(BASE, 1);
    parent.space.forkInto(child.space);
    child.space.protect(BASE, BASE + PAGE, AreaFlags.READ);
    int kept = MappedPage.flags(child.tables.lookup(BASE));
    assertEquals(PageFlags.COPY_ON_WRITE, kept & (PageFlags.COPY_ON_WRITE | PageFlags.WRITE));
    child.space.protect(BASE, BASE + PAGE, RW);
    kept = MappedPage.flags(child.tables.lookup(BASE));
    assertEquals(PageFlags.COPY_ON_WRITE, kept & (PageFlags.COPY_ON_WRITE | PageFlags.WRITE));
  }

  @Test
  void aFullCountOfSharersMakesAForkFail() {
    parent.map(BASE, BASE + 4 * PAGE, RW);
    parent.space.populate(BASE, BASE + 4 * PAGE);
    long full = pfn(parent, BASE + 2 * PAGE);
    Map<Long, Long> pages = parent.pages();
    long used = world.frames.inUse();
    world.info.put(full, FrameInfo.word(0, 0, FrameInfo.MAX_SHARES, 0));
    assertEquals(ForkOutcome.TOO_MANY_SHARERS, parent.space.forkInto(child.space));
    world.info.put(full, 0);
    assertEquals(pages, parent.pages());
    assertEquals(used, world.frames.inUse());
    assertEquals(0, child.space.areas().count());
    assertEquals(1, world.sharers.count(pfn(parent, BASE)));
    parent.store(BASE, 5);
    assertFalse(child.tables.translate(BASE) >= 0);
  }

  @Test
  void aForkTakesStoresAwayFromBoth() {
    parent.map(BASE, BASE + PAGE, RW);
    parent.store(BASE, 1);
    int flushes = parent.flushes;
    parent.space.forkInto(child.space);
    for (Program program : new Program[] {parent, child}) {
      int flags = MappedPage.flags(program.tables.lookup(BASE));
      assertEquals(PageFlags.COPY_ON_WRITE, flags & (PageFlags.COPY_ON_WRITE | PageFlags.WRITE));
    }
    assertEquals(flushes + 1, parent.flushes);
  }
}
