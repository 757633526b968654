package dev.bifolio.kernel.platform;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.testkit.Threads;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Many at a time, or one alone.
class SharedLockTest {
  private static final int ROUNDS = 20_000;

  @Test
  void whoHasItAloneKeepsAllOthersOut() throws WindowException, InterruptedException {
    try (Window window = Window.reserve(4096)) {
      SharedLock lock = new SharedLock(window.address());
      long one = window.address() + 64;
      long other = window.address() + 128;
      Runnable writer =
          () -> {
            for (int round = 0; round < ROUNDS; round++) {
              lock.lock();
              Memory.putLong(one, Memory.getLong(one) + 1);
              Cpu.relax(round % 100 == 0 ? 64 : 0);
              Memory.putLong(other, Memory.getLong(other) + 1);
              lock.unlock();
            }
          };
      Runnable reader =
          () -> {
            for (int round = 0; round < ROUNDS; round++) {
              lock.lockShared();
              assertEquals(Memory.getLong(one), Memory.getLong(other));
              lock.unlockShared();
            }
          };
      Threads.runAll(List.of(writer, reader, writer, reader));
      assertEquals(2 * ROUNDS, Memory.getLong(one));
      assertEquals(0, Memory.getLong(window.address()));
    }
  }

  @Test
  void manyShareItAndNobodyHasItAloneThen() throws WindowException {
    try (Window window = Window.reserve(4096)) {
      SharedLock lock = new SharedLock(window.address());
      lock.lockShared();
      lock.lockShared();
      assertFalse(lock.tryLock());
      lock.unlockShared();
      assertFalse(lock.tryLock());
      lock.unlockShared();
      assertTrue(lock.tryLock());
      assertFalse(lock.tryLock());
      lock.unlock();
      lock.lock();
      lock.unlock();
      assertEquals(0, Memory.getLong(window.address()));
    }
  }

  @Test
  void whoWaitsForItAloneIsNotOvertaken() throws WindowException, InterruptedException {
    try (Window window = Window.reserve(4096)) {
      SharedLock lock = new SharedLock(window.address());
      long seen = window.address() + 64;
      lock.lockShared();
      Thread writer =
          new Thread(() -> {
            lock.lock();
            Memory.putLong(seen, 1);
            lock.unlock();
          });
      writer.start();
      while (Memory.getLongVolatile(window.address()) == 1) {
        Thread.onSpinWait();
      }
      Thread reader =
          new Thread(() -> {
            lock.lockShared();
            assertEquals(1, Memory.getLong(seen));
            Memory.putLong(seen, 2);
            lock.unlockShared();
          });
      reader.start();
      assertFalse(lock.tryLock());
      lock.unlockShared();
      writer.join();
      reader.join();
      assertEquals(2, Memory.getLong(seen));
    }
  }
}
