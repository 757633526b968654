package dev.bifolio.bench;

/// What a forked JVM does again and again: a workload on one subject.
interface Job {
  /// One run to warm up, with number 0.
  Figures warmUp();

  /// One run that counts.
  ///
  /// @param number 1, 2, …
  Figures run(int number);

  /// Whether it has to be warm.
  boolean warms();

  /// CPU time that threads of its own have used since the last call.
  default long takeTeamCpuNanos() {
    return 0;
  }
}
