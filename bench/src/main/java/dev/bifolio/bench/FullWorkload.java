package dev.bifolio.bench;

/// wfull: what a request costs that fails, because every frame is allocated. The part with two
/// threads is left out while all subjects are for one.
final class FullWorkload implements Workload {
  @Override
  public void run(Run run) {
    try (Subject subject = run.newSubject()) {
      new SlotTable(subject, run.frameCount()).fillTo(run.frameCount());
      for (int order : new int[] {0, 9}) {
        int count = run.operations(200_000);
        Stopwatch watch = new Stopwatch();
        watch.start();
        for (int done = 0; done < count; done += SlotTable.STRIDE) {
          fail(subject, order, Math.min(SlotTable.STRIDE, count - done));
        }
        watch.stop();
        run.recordNanos("ns_fail_o" + order, watch.takeNanos(), count);
      }
      run.leaveOut("ns_pair, two threads on the last frames: this suite has one thread");
    }
  }

  private static void fail(Subject subject, int order, int count) {
    for (int i = 0; i < count; i++) {
      if (subject.allocate(order) != Subject.NO_FRAME) {
        throw new IllegalStateException("a full allocator had a block of order " + order);
      }
    }
  }
}
