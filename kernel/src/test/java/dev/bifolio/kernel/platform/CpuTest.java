package dev.bifolio.kernel.platform;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.atomic.AtomicInteger;
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
  void thereIsAtLeastOneProcessor() {
    assertTrue(Cpu.count() >= 1);
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
}
