package dev.bifolio.testkit;

import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/// Runs pieces of work at the same time.
public final class Threads {
  private Threads() {}

  /// Runs each piece in a thread of its own, and waits for all of them.
  ///
  /// @param work what runs
  /// @throws AssertionError if any of it threw something; the first such thing is the cause
  /// @throws InterruptedException if the caller is interrupted while it waits
  public static void runAll(List<? extends Runnable> work) throws InterruptedException {
    Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
    List<Thread> threads = new ArrayList<>();
    for (Runnable part : work) {
      threads.add(
          new Thread(() -> {
            try {
              part.run();
            } catch (Throwable e) {
              failures.add(e);
            }
          }));
    }
    threads.forEach(Thread::start);
    for (Thread thread : threads) {
      thread.join();
    }
    Throwable first = failures.peek();
    if (first != null) {
      throw new AssertionError("one of " + work.size() + " threads: " + first, first);
    }
  }
}
