package dev.bifolio.bench;

import dev.bifolio.kernel.platform.Cpu;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/// Threads that work at the same time, each tied to a processor of its own.
///
/// They prepare, wait for one another, and begin together. They take the times themselves: a third
/// thread that did may not run at all while they do.
final class Team {
  /// What one thread does.
  interface Task {
    /// Before the start, untimed.
    default void prepare() {}

    /// What is timed.
    void work();

    /// Afterwards, untimed.
    default void finish() {}
  }

  private final List<Member> members = new ArrayList<>();
  private final AtomicInteger waiting = new AtomicInteger();
  private volatile @Nullable Throwable problem;

  /// One thread with its times.
  private final class Member extends Thread {
    private final int index;
    private final Task task;
    private boolean pinned;
    private long begin;
    private long end;
    private long cpuNanos;

    Member(int index, Task task) {
      super("bench-" + index);
      this.index = index;
      this.task = task;
    }

    @Override
    public void run() {
      try {
        pinned = Processors.pin(index);
        task.prepare();
        waiting.decrementAndGet();
        for (int turn = 0; waiting.get() > 0; turn++) {
          relax(turn);
        }
        begin = System.nanoTime();
        task.work();
        end = System.nanoTime();
        task.finish();
        cpuNanos = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
      } catch (RuntimeException | Error e) {
        problem = problem == null ? e : problem;
      }
    }
  }

  /// One turn of a wait for another thread of the team. Ends the wait if that one has failed.
  void relax(int turn) {
    if (problem != null) {
      throw new IllegalStateException("another thread of the team failed");
    }
    Cpu.relax(turn);
  }

  /// Runs one task a thread.
  ///
  /// @return wall time from the first begin to the last end, in nanoseconds
  /// @throws IllegalStateException if a task failed
  long run(List<? extends Task> tasks) {
    waiting.set(tasks.size());
    for (Task task : tasks) {
      members.add(new Member(members.size(), task));
    }
    members.forEach(Thread::start);
    try {
      for (Member member : members) {
        member.join();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      problem = e;
    }
    Throwable found = problem;
    if (found != null) {
      throw new IllegalStateException("a thread failed: " + found, found);
    }
    long begin = members.stream().mapToLong(member -> member.begin).reduce(Team::earlier).orElse(0);
    long end = members.stream().mapToLong(member -> member.end).reduce(Team::later).orElse(0);
    return Math.max(1, end - begin);
  }

  /// The clock's readings may be negative, or wrap around.
  private static long earlier(long a, long b) {
    return a - b < 0 ? a : b;
  }

  private static long later(long a, long b) {
    return a - b > 0 ? a : b;
  }

  /// Whether each thread had a processor of its own.
  boolean wasPinned() {
    return members.stream().allMatch(member -> member.pinned);
  }

  /// CPU time of all threads, preparations included.
  long cpuNanos() {
    return members.stream().mapToLong(member -> member.cpuNanos).sum();
  }
}
