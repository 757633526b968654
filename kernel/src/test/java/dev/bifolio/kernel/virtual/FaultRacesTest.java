package dev.bifolio.kernel.virtual;

import static dev.bifolio.kernel.virtual.UserWorld.BASE;
import static dev.bifolio.kernel.virtual.UserWorld.PAGE;
import static dev.bifolio.kernel.virtual.UserWorld.RW;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.bifolio.kernel.table.MappedPage;
import dev.bifolio.kernel.table.X86Format;
import dev.bifolio.kernel.virtual.UserWorld.Program;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/// Two faults on the same page at the same time: the second one happens while the first asks for
/// its frame. Who comes second gives back what he has, and nobody waits.
class FaultRacesTest {
  private static void in(HugePolicy policy, Consumer<UserWorld> test) {
    try (UserWorld world = new UserWorld(X86Format.LEVELS_4, 2048, policy, 0)) {
      test.accept(world);
      assertEquals(0, world.inUse());
    }
  }

  /// Faults, with another fault of the same kind in the middle.
  ///
  /// @return what came of the one in the middle, and of the other
  private static List<FaultOutcome> race(UserWorld world, UserSpace space, AccessKind kind) {
    List<FaultOutcome> outcomes = new ArrayList<>();
    world.frames.beforeNext(() -> outcomes.add(space.fault(BASE + 8, kind)));
    outcomes.add(space.fault(BASE, kind));
    return outcomes;
  }

  @Test
  void theFirstTouchThatIsSecondFindsThePage() {
    in(
        HugePolicy.NEVER,
        world -> {
          Program program = world.program();
          program.map(BASE, BASE + PAGE, RW);
          long before = world.frames.inUse();
          assertEquals(
              List.of(FaultOutcome.MAPPED, FaultOutcome.ALREADY),
              race(world, program.space, AccessKind.STORE));
          assertEquals(before + 1 + 3, world.frames.inUse());
          program.close();
        });
  }

  @Test
  void theBlockOfALargePageThatIsSecondGoesBack() {
    in(
        HugePolicy.ALWAYS,
        world -> {
          Program program = world.program();
          program.map(BASE, BASE + world.huge, RW);
          long before = world.frames.inUse();
          assertEquals(
              List.of(FaultOutcome.MAPPED, FaultOutcome.ALREADY),
              race(world, program.space, AccessKind.LOAD));
          assertEquals(2, MappedPage.level(program.tables.lookup(BASE)));
          assertEquals(before + 512 + 2, world.frames.inUse());
          program.close();
        });
  }

  @Test
  void aSmallPageKeepsALargeOneOut() {
    in(
        HugePolicy.ALWAYS,
        world -> {
          Program program = world.program();
          program.map(BASE, BASE + world.huge, RW);
          world.frames.serveHuge(0);
          world.frames.beforeNext(() -> {
            program.store(BASE + 5 * PAGE, 5);
            world.frames.serveHuge(1);
          });
          assertEquals(FaultOutcome.MAPPED, program.space.fault(BASE, AccessKind.STORE));
          assertEquals(0, program.tables.pageCount(2));
          assertEquals(2, program.tables.pageCount(1));
          assertEquals(5, program.load(BASE + 5 * PAGE));
          assertEquals(0, program.load(BASE));
          program.close();
        });
  }

  @Test
  void theCopyThatIsSecondGoesBack() {
    in(
        HugePolicy.NEVER,
        world -> {
          Program parent = world.program();
          Program child = world.program();
          parent.map(BASE, BASE + PAGE, RW);
          parent.store(BASE, 7);
          long shared = parent.tables.translate(BASE) >>> 12;
          parent.space.forkInto(child.space);
          long before = world.frames.inUse();
          assertEquals(
              List.of(FaultOutcome.COPIED, FaultOutcome.ALREADY),
              race(world, child.space, AccessKind.STORE));
          assertEquals(before + 1, world.frames.inUse());
          assertEquals(1, world.sharers.count(shared));
          child.store(BASE, 8);
          assertEquals(7, parent.load(BASE));
          assertEquals(8, child.load(BASE));
          parent.close();
          child.close();
        });
  }

  @Test
  void aCopyThatIsNotNeededAnyMoreIsStillRight() {
    in(
        HugePolicy.NEVER,
        world -> {
          Program parent = world.program();
          Program child = world.program();
          parent.map(BASE, BASE + PAGE, RW);
          parent.store(BASE, 7);
          parent.space.forkInto(child.space);
          long before = world.frames.inUse();
          // The other sharer goes while the copy is being made.
          world.frames.beforeNext(() -> parent.space.unmap(BASE, BASE + PAGE));
          assertEquals(FaultOutcome.COPIED, child.space.fault(BASE, AccessKind.STORE));
          assertEquals(7, child.load(BASE));
          // The parent has given up its node and three tables; the copy is there for the old frame.
          assertEquals(before - 4, world.frames.inUse());
          parent.close();
          child.close();
        });
  }

  @Test
  void aPrivateStoreToAFileThatIsSecondFindsThePage() {
    in(
        HugePolicy.NEVER,
        world -> {
          Program program = world.program();
          int file = world.file(new HeapStore(4096));
          program.space.map(BASE, BASE + PAGE, RW, file, 0);
          long pfn = world.pages(file).take(0); // so that the next frame is that of the copy
          world.memory.release(pfn);
          assertEquals(
              List.of(FaultOutcome.MAPPED, FaultOutcome.ALREADY),
              race(world, program.space, AccessKind.STORE));
          assertEquals(1, world.sharers.count(pfn));
          assertFalse(program.tables.translate(BASE) >>> 12 == pfn);
          program.close();
        });
  }
}
