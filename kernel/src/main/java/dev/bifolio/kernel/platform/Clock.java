package dev.bifolio.kernel.platform;

/// Elapsed time of the machine.
public final class Clock {
  private Clock() {}

  /// Nanoseconds since an arbitrary moment; only differences have a meaning. Any thread; about 25
  /// ns.
  ///
  /// @return a reading that never goes back
  public static long nanoTime() {
    return System.nanoTime();
  }
}
