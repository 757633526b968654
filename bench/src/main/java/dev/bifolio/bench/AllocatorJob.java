package dev.bifolio.bench;

/// A workload on one allocator.
final class AllocatorJob implements Job {
  /// The largest size at which code is warmed up: with blocks of every order, or the first run
  /// would meet branches that were never taken.
  private static final int WARM_UP_LOG2_FRAMES = 21;

  private final Subject.Kind kind;
  private final String id;
  private final int log2frames;
  private final int divisor;
  private final Workload workload;
  private final Run warmUps;

  AllocatorJob(Subject.Kind kind, String id, int log2frames, int divisor) {
    this.kind = kind;
    this.id = id;
    this.log2frames = log2frames;
    this.divisor = divisor;
    workload = Workload.of(id);
    warmUps = new Run(id, kind, Math.min(log2frames, WARM_UP_LOG2_FRAMES), 0, 1);
  }

  @Override
  public boolean warms() {
    return workload.repeats() && divisor == 1;
  }

  @Override
  public Figures warmUp() {
    workload.run(warmUps);
    return warmUps;
  }

  @Override
  public Figures run(int number) {
    Run run = new Run(id, kind, log2frames, number, divisor);
    workload.run(run);
    return run;
  }

  @Override
  public long takeTeamCpuNanos() {
    return warmUps.takeTeamCpuNanos();
  }
}
