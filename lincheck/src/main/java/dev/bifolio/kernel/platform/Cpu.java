package dev.bifolio.kernel.platform;

/// The twin of the kernel's class for a model checker: one processor, no native call.
public final class Cpu {
  /// See the kernel's class.
  public static final int REAL = -1;

  private Cpu() {}

  /// See the kernel's class. There is one processor here, which nothing changes.
  ///
  /// @param cpu 0, or [#REAL]
  public static void simulate(int cpu) {
    if (cpu != 0 && cpu != REAL) {
      throw new IllegalArgumentException("no CPU " + cpu);
    }
  }

  /// See the kernel's class. All threads are on one processor here, and at the same time.
  ///
  /// @return false
  public static boolean isTold() {
    return false;
  }

  /// See the kernel's class.
  ///
  /// @return 1 or more
  public static long threadId() {
    return Thread.currentThread().threadId();
  }

  /// See the kernel's class.
  ///
  /// @return 0
  public static int current() {
    return 0;
  }

  /// See the kernel's class.
  ///
  /// @param number of a thread
  /// @return 0
  public static int ofThread(int number) {
    return 0;
  }

  /// See the kernel's class.
  ///
  /// @return 1
  public static int count() {
    return 1;
  }

  /// See the kernel's class.
  ///
  /// @param turn how often this wait has called already, 0 or more
  @SuppressWarnings("ThreadPriorityCheck") // tells the model checker that another thread is wanted
  public static void relax(int turn) {
    Thread.yield();
  }

  /// See the kernel's class.
  public static void rest() {
    relax(0);
  }

  /// See the kernel's class.
  ///
  /// @param turn how often this wait has called already, 0 or more
  public static void await(int turn) {
    relax(turn);
  }
}
