package dev.bifolio.kernel.frame;

/// Walks all words of a hybrid allocator and reports what contradicts something else.
final class HybridValidator {
  private final HybridCore core;
  private final long startPfn;
  private final long endPfn;
  private final long managedFrames;
  private final StringBuilder problems = new StringBuilder();
  private long problemCount;

  HybridValidator(HybridCore core, long startPfn, long endPfn, long managedFrames) {
    this.core = core;
    this.startPfn = startPfn;
    this.endPfn = endPfn;
    this.managedFrames = managedFrames;
  }

  ValidationReport validate() {
    FrameCensus census = new FrameCensus(core.states, 20, startPfn, endPfn);
    if (census.managedFrames() != managedFrames) {
      problemCount++;
      problems.append(census.managedFrames()).append(" frames are there, ");
      problems.append(managedFrames).append(" were handed over\n");
    }
    return new ValidationReport(census.managedFrames(), problemCount, problems.toString());
  }
}
