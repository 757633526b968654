package dev.bifolio.bench;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;

/// Adds up CPU time and Java heap of the calling thread over intervals, and operations.
final class Meter {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private final Stopwatch watch = new Stopwatch();
  private long heapAtStart;
  private long heapBytes;
  private long operations;
  private long nanos;

  /// Begins an interval.
  void start() {
    heapAtStart = THREADS.getCurrentThreadAllocatedBytes();
    watch.start();
  }

  /// Ends it.
  ///
  /// @param done how many operations it had
  void stop(long done) {
    watch.stop();
    heapBytes += THREADS.getCurrentThreadAllocatedBytes() - heapAtStart;
    operations += done;
  }

  /// Nanoseconds for one operation, over all intervals.
  double nanosPerOperation() {
    nanos += watch.takeNanos();
    return (double) nanos / operations;
  }

  /// Bytes of the Java heap for one operation, over all intervals.
  double heapBytesPerOperation() {
    return (double) heapBytes / operations;
  }
}
