package dev.bifolio.bench;

import dev.bifolio.kernel.unit.Pages;

/// h5: pages at consecutive virtual addresses are allocated and freed, 64 KiB and 4 MiB at a time;
/// with whatever is in them, where that can be had, and with zeros.
final class RunPairWorkload {
  /// Pages of all pairs of a size, whatever their size.
  private static final int PAGES = 1 << 22;

  /// Pages of one timed interval.
  private static final int STRIDE = 1 << 14;

  /// Runs it once and records the figures.
  void run(VirtualRun run) {
    try (VirtualSubject subject = run.kind().create()) {
      if (run.kind().leavesContents()) {
        measure(run, subject, "64k", 64 * Pages.KIB, false);
        measure(run, subject, "4m", 4 * Pages.MIB, false);
      }
      measure(run, subject, "zeroed_64k", 64 * Pages.KIB, true);
      measure(run, subject, "zeroed_4m", 4 * Pages.MIB, true);
    }
  }

  private static void measure(
      VirtualRun run, VirtualSubject subject, String name, long byteSize, boolean zeroed) {
    int pages = (int) Pages.bytesToFramesUp(byteSize);
    int stride = STRIDE / pages;
    int count = Math.max(1, run.operations(zeroed ? PAGES / 4 : PAGES) / pages);
    Meter meter = new Meter();
    pairs(subject, byteSize, zeroed, Math.min(stride, count));
    for (int done = 0; done < count; done += stride) {
      int next = Math.min(stride, count - done);
      meter.start();
      pairs(subject, byteSize, zeroed, next);
      meter.stop(next);
    }
    run.record("us_pair_" + name, meter);
  }

  /// The inner loop.
  static void pairs(VirtualSubject subject, long byteSize, boolean zeroed, int count) {
    for (int i = 0; i < count; i++) {
      subject.free(subject.allocate(byteSize, zeroed), byteSize);
    }
  }
}
