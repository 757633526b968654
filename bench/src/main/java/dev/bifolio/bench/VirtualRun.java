package dev.bifolio.bench;

/// One run of a workload on virtually contiguous memory.
final class VirtualRun extends Figures {
  /// Binary logarithm of the frames, in the rows: 256 MiB.
  static final int LOG2_FRAMES = 16;

  private final VirtualSubject.Kind kind;

  VirtualRun(String workload, VirtualSubject.Kind kind, int number, int divisor) {
    super(kind.csvName(), LOG2_FRAMES, workload, number, divisor);
    this.kind = kind;
  }

  VirtualSubject.Kind kind() {
    return kind;
  }
}
