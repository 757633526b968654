package dev.bifolio.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.bifolio.kernel.platform.Cpu;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class TeamTest {
  /// Notes the processor at its begin and counts how often it was moved.
  private static final class Watcher implements Team.Task {
    private int cpu = -1;
    private int moves;

    @Override
    public void work() {
      cpu = Cpu.current();
      for (int i = 0; i < 100_000; i++) {
        moves += Cpu.current() == cpu ? 0 : 1;
      }
    }
  }

  @Test
  void eachThreadStaysOnAProcessorOfItsOwn() {
    assumeTrue(Cpu.count() >= 2, "left out: this machine has one processor");
    Watcher first = new Watcher();
    Watcher second = new Watcher();
    Team team = new Team();
    assertTrue(team.run(List.of(first, second)) > 0);
    assumeTrue(team.wasPinned(), "left out: this system does not tie threads to processors");
    assertNotEquals(first.cpu, second.cpu);
    assertEquals(0, first.moves + second.moves);
    assertTrue(team.cpuNanos() > 0);
  }

  @Test
  void aProcessorThatThereIsNotIsNoProcessor() {
    assertFalse(Processors.pin(1 << 20));
  }

  @Test
  void aThreadThatFailsEndsTheOthersWaits() {
    Team team = new Team();
    AtomicInteger finished = new AtomicInteger();
    Team.Task failing =
        () -> {
          throw new IllegalStateException("as planned");
        };
    Team.Task waiting =
        () -> {
          for (int turn = 0; turn >= 0; turn++) {
            team.relax(turn);
          }
          finished.incrementAndGet();
        };
    assertThrows(IllegalStateException.class, () -> team.run(List.of(failing, waiting)));
    assertEquals(0, finished.get());
  }

  @Test
  void whatIsPreparedIsThereWhenTheWorkBegins() {
    AtomicInteger prepared = new AtomicInteger();
    AtomicInteger tooEarly = new AtomicInteger();
    Team.Task task =
        new Team.Task() {
          @Override
          public void prepare() {
            prepared.incrementAndGet();
          }

          @Override
          public void work() {
            tooEarly.addAndGet(prepared.get() == 2 ? 0 : 1);
          }
        };
    new Team().run(List.of(task, task));
    assertEquals(0, tooEarly.get());
  }
}
