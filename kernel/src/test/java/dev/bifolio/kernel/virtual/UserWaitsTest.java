package dev.bifolio.kernel.virtual;

import static dev.bifolio.kernel.virtual.UserWorld.BASE;
import static dev.bifolio.kernel.virtual.UserWorld.PAGE;
import static dev.bifolio.kernel.virtual.UserWorld.RW;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.bifolio.kernel.virtual.UserWorld.Program;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;

/// What changes a space waits until no fault is under way, and faults run side by side.
class UserWaitsTest {
  private static final int SHARED = RW | AreaFlags.SHARED;

  /// Starts something in the middle of a fault, and looks whether it waits for its end.
  ///
  /// @return what came of it
  private static Object during(Program program, HeldStore store, long at, Callable<?> work)
      throws Exception {
    List<FutureTask<?>> tasks = new ArrayList<>();
    store.atRead =
        () -> {
          FutureTask<?> task = new FutureTask<>(work);
          Thread thread = new Thread(task);
          thread.setDaemon(true);
          thread.start();
          tasks.add(task);
          try {
            thread.join(10);
          } catch (InterruptedException e) {
            throw new AssertionError(e);
          }
          store.wasDone = task.isDone();
        };
    assertEquals(FaultOutcome.MAPPED, program.space.fault(at, AccessKind.LOAD));
    return tasks.get(0).get();
  }

  /// A store that does something while a page is read.
  private static final class HeldStore implements PageStore {
    Runnable atRead = () -> {};
    boolean wasDone;

    @Override
    public boolean readPage(long byteOffset, long address) {
      Runnable work = atRead;
      atRead = () -> {};
      work.run();
      return true;
    }

    @Override
    public boolean writePage(long byteOffset, long address) {
      return true;
    }
  }

  @Test
  void whatChangesTheSpaceWaitsForTheFault() throws Exception {
    try (UserWorld world = new UserWorld(400)) {
      Program program = world.program();
      Program child = world.program();
      UserSpace space = program.space;
      HeldStore store = new HeldStore();
      int file = world.file(store);
      space.map(BASE, BASE + 20 * PAGE, SHARED, file, 0);
      long far = BASE + 100 * PAGE;
      program.map(far, far + PAGE, RW);
      List<Callable<?>> changes =
          List.of(
              () -> space.map(far + 2 * PAGE, far + 3 * PAGE, RW, 0, 0),
              () -> space.mapAnywhere(PAGE, far + 4 * PAGE, 0, RW, 0, 0),
              () -> space.protect(far, far + PAGE, AreaFlags.READ),
              () -> space.advise(far, far + PAGE, AreaFlags.HUGE),
              () -> space.setBreak(world.layout.breakBase() + 5),
              () -> space.sync(far, far + PAGE),
              () -> space.forkInto(child.space),
              () -> space.unmap(far, far + PAGE),
              () -> space.shrink(1) == -1 ? space.step(1) : null);
      List<Object> outcomes = new ArrayList<>();
      for (int i = 0; i < changes.size(); i++) {
        outcomes.add(during(program, store, BASE + i * PAGE, changes.get(i)));
        // Only who works in the background gives up instead.
        assertEquals(i == changes.size() - 1, store.wasDone, "change " + i);
      }
      assertEquals(
          List.of(
              InsertOutcome.INSERTED,
              far + 4 * PAGE,
              AlterOutcome.ALTERED,
              AlterOutcome.ALTERED,
              BreakOutcome.MOVED,
              SyncOutcome.SYNCED,
              ForkOutcome.FORKED,
              RemoveOutcome.REMOVED,
              true),
          outcomes);
      during(
          program,
          store,
          BASE + 19 * PAGE,
          () -> {
            program.close();
            return true;
          });
      assertFalse(store.wasDone);
      child.close();
      assertEquals(0, world.inUse());
    }
  }

  @Test
  void anotherFaultDoesNotWait() throws Exception {
    try (UserWorld world = new UserWorld(400)) {
      Program program = world.program();
      HeldStore store = new HeldStore();
      program.space.map(BASE, BASE + 2 * PAGE, SHARED, world.file(store), 0);
      program.map(BASE + 9 * PAGE, BASE + 10 * PAGE, RW);
      // It has all the time that it needs: the fault in whose middle it is waits for it.
      store.atRead =
          () -> {
            FutureTask<FaultOutcome> task =
                new FutureTask<>(() -> program.space.fault(BASE + 9 * PAGE, AccessKind.STORE));
            new Thread(task).start();
            try {
              assertEquals(FaultOutcome.MAPPED, task.get());
            } catch (Exception e) {
              throw new AssertionError(e);
            }
          };
      assertEquals(FaultOutcome.MAPPED, program.space.fault(BASE, AccessKind.LOAD));
      assertEquals(2, program.tables.pageCount(1));
      program.close();
      assertEquals(0, world.inUse());
    }
  }
}
