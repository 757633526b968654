package dev.bifolio.bench;

import java.util.Arrays;
import java.util.Set;

/// w10: w4:90 with each operation timed by the wall clock; what the tail looks like.
///
/// The compiler may move the load of the slot behind the clock's reading; therefore the value is
/// tested before.
final class LatencyWorkload implements Workload {
  private static final double[] QUANTILES = {0.5, 0.99, 0.999, 0.9999};
  private static final String[] NAMES = {"p50", "p99", "p99.9", "p99.99"};

  private static final int STRIDE = 1024;

  @Override
  public Set<Need> needs() {
    return Set.of(Need.SPEED, Need.WHOLE_TABLE);
  }

  @Override
  public void run(Run run) {
    int frameCount = run.frameCount();
    try (Subject subject = run.newSubject()) {
      SlotTable table = new SlotTable(subject, frameCount);
      table.fillTo((int) (frameCount * 9L / 10));
      table.replace(new Draws(1), 2L * frameCount);
      int count = run.operations(1_000_000);
      long[] frees = new long[count];
      long[] allocations = new long[count];
      Draws draws = new Draws(100L + run.number());
      for (int from = 0; from < count; from += STRIDE) {
        replace(subject, table, draws, frees, allocations, from, Math.min(count, from + STRIDE));
      }
      record(run, "alloc_", allocations);
      record(run, "free_", frees);
      table.release();
    }
  }

  private static void replace(
      Subject subject,
      SlotTable table,
      Draws draws,
      long[] frees,
      long[] allocations,
      int from,
      int end) {
    for (int i = from; i < end; i++) {
      int slot = draws.below(table.liveCount());
      long pfn = table.get(slot);
      if (pfn < Subject.START_PFN) {
        throw new IllegalStateException("slot " + slot + " is empty");
      }
      long begin = System.nanoTime();
      subject.free(pfn, 0);
      long between = System.nanoTime();
      long other = subject.allocate(0);
      if (other < 0) {
        throw new IllegalStateException("a single frame was refused although one is free");
      }
      long finish = System.nanoTime();
      frees[i] = between - begin;
      allocations[i] = finish - between;
      table.set(slot, other);
    }
  }

  private static void record(Run run, String prefix, long[] nanos) {
    Arrays.sort(nanos);
    for (int i = 0; i < QUANTILES.length; i++) {
      int index = (int) Math.min(nanos.length - 1L, (long) (nanos.length * QUANTILES[i]));
      run.count(prefix + NAMES[i] + "_ns", nanos[index]);
    }
    run.count(prefix + "max_ns", nanos[nanos.length - 1]);
  }
}
