package dev.bifolio.kernel.platform;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/// One at a time, and nobody waits for ever.
class SpinLockTest {
  private static final int ROUNDS = 20_000;

  @Test
  void oneAtATimeHasTheLock() throws WindowException, InterruptedException {
    try (Window window = Window.reserve(4096)) {
      SpinLock lock = new SpinLock(window.address());
      long counter = window.address() + 64;
      Runnable work =
          () -> {
            for (int round = 0; round < ROUNDS; round++) {
              lock.lock();
              long before = Memory.getLong(counter);
              if (round % 100 == 0) {
                Cpu.relax(64);
              }
              Memory.putLong(counter, before + 1);
              lock.unlock();
            }
          };
      Thread[] threads = {new Thread(work), new Thread(work), new Thread(work)};
      for (Thread thread : threads) {
        thread.start();
      }
      for (Thread thread : threads) {
        thread.join();
      }
      assertEquals(3 * ROUNDS, Memory.getLong(counter));
    }
  }

  @Test
  void aTakenLockIsNotTakenAgainUntilItIsGivenBack() throws WindowException {
    try (Window window = Window.reserve(4096)) {
      SpinLock lock = new SpinLock(window.address());
      lock.lock();
      assertFalse(lock.tryLock());
      lock.unlock();
      assertTrue(lock.tryLock());
      assertEquals(1, Memory.getLong(window.address()));
      lock.unlock();
      assertEquals(0, Memory.getLong(window.address()));
    }
  }

  @Test
  void aWaiterOutlastsAHolderThatDoesNotRun() throws WindowException, InterruptedException {
    try (Window window = Window.reserve(4096)) {
      SpinLock lock = new SpinLock(window.address());
      lock.lock();
      Thread waiter = new Thread(lock::lock);
      waiter.start();
      waiter.join(20);
      assertTrue(waiter.isAlive());
      lock.unlock();
      waiter.join();
      assertFalse(lock.tryLock());
    }
  }
}
