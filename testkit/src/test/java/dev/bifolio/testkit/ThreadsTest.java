package dev.bifolio.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class ThreadsTest {
  @Test
  void allRunAtTheSameTimeAndAreWaitedFor() throws InterruptedException {
    CountDownLatch met = new CountDownLatch(3);
    AtomicInteger done = new AtomicInteger();
    Runnable part =
        () -> {
          met.countDown();
          try {
            met.await();
          } catch (InterruptedException e) {
            throw new AssertionError(e);
          }
          done.incrementAndGet();
        };
    Threads.runAll(List.of(part, part, part));
    assertEquals(3, done.get());
  }

  @Test
  void whatOneThrowsFailsTheCallerAfterAllHaveEnded() {
    IllegalStateException mistake = new IllegalStateException("broken");
    AtomicInteger done = new AtomicInteger();
    AssertionError error =
        assertThrows(
            AssertionError.class,
            () ->
                Threads.runAll(
                    List.of(
                        () -> {
                          throw mistake;
                        },
                        done::incrementAndGet)));
    assertSame(mistake, error.getCause());
    assertEquals(1, done.get());
  }
}
