package dev.bifolio.kernel.platform;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/// A thread learns where it runs, and a wait lets others run.
class CpuTest {
  @Test
  void theCurrentProcessorIsANumberOnEveryKindOfThread() throws InterruptedException {
    AtomicInteger asked = new AtomicInteger();
    Runnable ask =
        () -> {
          for (int i = 0; i < 1000; i++) {
            assertTrue(Cpu.current() >= 0);
            asked.incrementAndGet();
          }
        };
    ask.run();
    Thread platform = Thread.ofPlatform().start(ask);
    Thread virtual = Thread.ofVirtual().start(ask);
    platform.join();
    virtual.join();
    assertEquals(3000, asked.get());
  }

  @Test
  void aReplaySaysWhichProcessorItIsAndGivesItBack() throws InterruptedException {
    AtomicInteger elsewhere = new AtomicInteger();
    try {
      for (int cpu : new int[] {4711, 0, 4712}) {
        Cpu.simulate(cpu);
        assertEquals(cpu, Cpu.current());
        Thread.ofVirtual().start(() -> elsewhere.set(Cpu.current())).join();
        assertEquals(cpu, elsewhere.get());
      }
      assertThrows(IllegalArgumentException.class, () -> Cpu.simulate(-2));
      assertEquals(4712, Cpu.current());
    } finally {
      Cpu.simulate(Cpu.REAL);
    }
    assertNotEquals(4712, Cpu.current());
    assertTrue(Cpu.current() >= 0);
  }

  @Test
  void thereIsAtLeastOneProcessor() {
    assertTrue(Cpu.count() >= 1);
  }

  @Test
  void threadsAreSpreadOverTheNumbersThereAre() throws InterruptedException {
    for (int count : new int[] {1, 2, 7, 64}) {
      Set<Integer> seen = ConcurrentHashMap.newKeySet();
      for (int i = 0; i < 40 * count && seen.size() < count; i++) {
        Thread.ofVirtual()
            .start(() -> {
              int mine = Cpu.ofThread(count);
              if (mine == Cpu.ofThread(count)) {
                seen.add(mine);
              }
            })
            .join();
      }
      assertEquals(IntStream.range(0, count).boxed().collect(Collectors.toSet()), seen);
    }
  }

  @Test
  void aThreadIsKnownByOneNumberThatNoOtherHas() throws InterruptedException {
    long mine = Cpu.threadId();
    assertTrue(mine > 0);
    AtomicLong others = new AtomicLong();
    Thread other = Thread.ofVirtual().start(() -> others.set(Cpu.threadId()));
    other.join();
    assertEquals(other.threadId(), others.get());
    assertNotEquals(mine, others.get());
    assertEquals(mine, Cpu.threadId());
  }

  @Test
  void aWaiterGivesWayToTheThreadItWaitsFor() throws InterruptedException {
    AtomicInteger turns = new AtomicInteger();
    Thread other = Thread.ofPlatform().start(() -> turns.set(1));
    for (int turn = 0; turns.get() == 0; turn++) {
      Cpu.relax(turn);
    }
    other.join();
    assertEquals(1, turns.get());
  }

  @Test
  void aWaiterRestsWhoHasWaitedLong() throws InterruptedException {
    AtomicInteger turns = new AtomicInteger();
    Thread waiter =
        Thread.ofVirtual()
            .start(() -> {
              for (int turn = 0; turn < 300; turn++) {
                Cpu.await(turn);
                turns.incrementAndGet();
              }
            });
    assertTrue(waiter.join(Duration.ofSeconds(60)));
    assertEquals(300, turns.get());
  }

  @Test
  void aRestEnds() throws InterruptedException {
    Thread resting = Thread.ofVirtual().start(Cpu::rest);
    assertTrue(resting.join(Duration.ofSeconds(60)));
  }
}
