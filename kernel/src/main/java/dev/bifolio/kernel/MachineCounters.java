package dev.bifolio.kernel;

import dev.bifolio.kernel.frame.FrameStatistics;
import dev.bifolio.kernel.unit.Pages;

/// What callers asked of a machine. The banks count too, but a request that the first bank cannot
/// serve and the second can is one request and no failure. Under the machine's lock.
final class MachineCounters {
  private long peakUsedFrames;
  private long requests;
  private long allocations;
  private long failures;
  private long frees;
  private long refusedFrees;
  private long largestRequestFrames;
  private long demandFrames;
  private long peakDemandFrames;

  void allocated(long frameCount, long usedFrames) {
    requests++;
    allocations++;
    peakUsedFrames = Math.max(peakUsedFrames, usedFrames);
    demandFrames += roundedUp(frameCount);
    noteDemand(frameCount, demandFrames);
  }

  void exhausted(long frameCount) {
    requests++;
    failures++;
    noteDemand(frameCount, demandFrames + roundedUp(frameCount));
  }

  void refused() {
    requests++;
    failures++;
  }

  void freed(long frameCount) {
    frees++;
    demandFrames -= roundedUp(frameCount);
  }

  void refusedFree() {
    refusedFrees++;
  }

  void splitIntoFrames(long frameCount) {
    demandFrames += frameCount - roundedUp(frameCount);
  }

  void reset(long usedFrames) {
    requests = 0;
    allocations = 0;
    failures = 0;
    frees = 0;
    refusedFrees = 0;
    largestRequestFrames = 0;
    peakUsedFrames = usedFrames;
    peakDemandFrames = demandFrames;
  }

  FrameStatistics snapshot(long totalFrames, long freeFrames, long splits, long coalesces) {
    return new FrameStatistics(
        totalFrames,
        freeFrames,
        peakUsedFrames,
        requests,
        allocations,
        failures,
        frees,
        refusedFrees,
        splits,
        coalesces,
        largestRequestFrames,
        peakDemandFrames);
  }

  private void noteDemand(long frameCount, long demand) {
    largestRequestFrames = Math.max(largestRequestFrames, frameCount);
    peakDemandFrames = Math.max(peakDemandFrames, demand);
  }

  private static long roundedUp(long frameCount) {
    return Pages.orderToFrames(Pages.framesToOrderUp(frameCount));
  }
}
