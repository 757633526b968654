package dev.bifolio.bench;

import java.util.Set;

/// What a request costs that is refused when nothing is left: for zones, nothing above the min
/// watermark; nobody reclaims.
final class RefusalWorkload implements Workload {
  @Override
  public Set<Need> needs() {
    return Set.of(Need.SPEED, Need.LIMIT);
  }

  @Override
  public void run(Run run) {
    try (Subject subject = run.newSubject()) {
      while (subject.allocate(0) != Subject.NO_FRAME) {
        // The frames are the machine's last; closing gives them back.
      }
      for (int order : new int[] {0, 9}) {
        int count = run.operations(100_000);
        Stopwatch watch = new Stopwatch();
        watch.start();
        for (int done = 0; done < count; done += SlotTable.STRIDE) {
          FullWorkload.fail(subject, order, Math.min(SlotTable.STRIDE, count - done));
        }
        watch.stop();
        run.recordNanos("ns_fail_o" + order, watch.takeNanos(), count);
      }
    }
  }
}
