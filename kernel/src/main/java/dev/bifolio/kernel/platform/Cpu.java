package dev.bifolio.kernel.platform;

/// What a thread may ask of the processor it runs on.
public final class Cpu {
  private Cpu() {}

  /// One turn of a wait for another thread. Spins first and gives the processor away after a
  /// bounded number of turns, so that a waiter never starves the thread it waits for.
  ///
  /// @param turn how often this wait has called already, 0 or more
  @SuppressWarnings("ThreadPriorityCheck") // giving way after a bounded spin is the purpose
  public static void relax(int turn) {
    if (turn < 64) {
      Thread.onSpinWait();
    } else {
      Thread.yield();
    }
  }
}
