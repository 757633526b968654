package dev.bifolio.testkit;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;

/// Measures the Java heap that a piece of code uses up. Lives here because a module under test does
/// not read `jdk.management`.
public final class HeapAllocation {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private HeapAllocation() {}

  /// Runs `code` six times and counts the bytes that the calling thread allocates meanwhile,
  /// garbage or not. The least of the six is what the code itself needs: a run may be charged with
  /// some bytes when the virtual machine loads a class or gives up compiled code.
  ///
  /// @param code what is measured
  /// @return bytes; the cost of measuring itself is subtracted
  public static long bytesOf(Runnable code) {
    long least = Long.MAX_VALUE;
    for (int i = 0; i < 6; i++) {
      long cost = between(() -> {});
      least = Math.min(least, between(code) - cost);
    }
    return least;
  }

  private static long between(Runnable code) {
    long thread = Thread.currentThread().threadId();
    long before = THREADS.getThreadAllocatedBytes(thread);
    code.run();
    return THREADS.getThreadAllocatedBytes(thread) - before;
  }
}
