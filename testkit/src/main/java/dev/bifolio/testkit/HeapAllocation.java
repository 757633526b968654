package dev.bifolio.testkit;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;

/// Measures the Java heap that a piece of code uses up. Lives here because a module under test does
/// not read `jdk.management`.
public final class HeapAllocation {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private HeapAllocation() {}

  /// Runs `code` and counts the bytes that the calling thread allocates meanwhile, garbage or not.
  /// Run it once before, so that nothing is counted that only the first run needs.
  ///
  /// @param code what is measured
  /// @return bytes; the cost of measuring itself is subtracted
  public static long bytesOf(Runnable code) {
    long cost = between(() -> {});
    return between(code) - cost;
  }

  private static long between(Runnable code) {
    long thread = Thread.currentThread().threadId();
    long before = THREADS.getThreadAllocatedBytes(thread);
    code.run();
    return THREADS.getThreadAllocatedBytes(thread) - before;
  }
}
