package dev.bifolio.bench;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Arrays;

/// Adds up CPU time of the calling thread over many short intervals.
///
/// A reading is a system call and costs a few hundred nanoseconds, which is 1 ns an operation in
/// intervals of 512; the median cost of an empty interval is measured at the start and taken off
/// each interval. The clock is a call that the compiler cannot look into: nothing moves across it.
final class Stopwatch {
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  private final long emptyInterval = emptyInterval();
  private long startedAt;
  private long sum;

  /// Begins an interval.
  void start() {
    startedAt = THREADS.getCurrentThreadCpuTime();
  }

  /// Ends the interval.
  void stop() {
    sum += THREADS.getCurrentThreadCpuTime() - startedAt - emptyInterval;
  }

  /// Nanoseconds in all intervals since the last call; at least 0.
  long takeNanos() {
    long result = Math.max(0, sum);
    sum = 0;
    return result;
  }

  private static long emptyInterval() {
    long[] samples = new long[1001];
    for (int round = 0; round < 2; round++) {
      for (int i = 0; i < samples.length; i++) {
        long before = THREADS.getCurrentThreadCpuTime();
        samples[i] = THREADS.getCurrentThreadCpuTime() - before;
      }
    }
    Arrays.sort(samples);
    return samples[samples.length / 2];
  }
}
