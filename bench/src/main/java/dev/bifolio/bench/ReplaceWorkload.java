package dev.bifolio.bench;

import java.util.Set;

/// Random frames replaced while a share of memory is in use: w4:p one by one, w4b:p in batches that
/// defeat a cache of the last ones freed.
///
/// *Staged*: the frames are drawn into a small array first, and written back afterwards, both
/// untimed. Else most of the time would be the table's own cache misses. Single replacements are
/// measured both ways.
final class ReplaceWorkload implements Workload {
  private final int percent;
  private final int batchSlots;
  private final boolean oneByOne;

  ReplaceWorkload(int percent, int batchSlots, boolean oneByOne) {
    this.percent = percent;
    this.batchSlots = batchSlots;
    this.oneByOne = oneByOne;
  }

  @Override
  public Set<Need> needs() {
    return Set.of(Need.SPEED, Need.WHOLE_TABLE);
  }

  @Override
  public void run(Run run) {
    int frameCount = run.frameCount();
    try (Subject subject = run.newSubject()) {
      SlotTable table = new SlotTable(subject, frameCount);
      table.fillTo((int) ((long) frameCount * percent / 100));
      Draws aging = new Draws(1);
      if (oneByOne) {
        table.replace(aging, 2L * frameCount);
      } else {
        table.replaceBatches(aging, batchSlots, 2L * frameCount);
      }
      run.recordNanos("ns_freealloc", staged(run, table), stagedOperations(run, table));
      if (oneByOne) {
        int count = run.operations(1_000_000);
        Stopwatch watch = new Stopwatch();
        watch.start();
        table.replace(new Draws(100L + run.number()), count);
        watch.stop();
        run.recordNanos("ns_freealloc_with_table", watch.takeNanos(), count);
      }
      table.release();
    }
  }

  private long staged(Run run, SlotTable table) {
    Draws draws = new Draws(100L + run.number());
    Stopwatch watch = new Stopwatch();
    for (int batches = batchCount(run); batches > 0; batches--) {
      int count = table.stage(draws, batchSlots);
      watch.start();
      if (oneByOne) {
        table.replaceStagedOneByOne(count);
      } else {
        table.replaceStagedTogether(count);
      }
      watch.stop();
      table.unstage(count);
    }
    return watch.takeNanos();
  }

  private int batchCount(Run run) {
    return Math.max(1, run.operations(1_000_000) / batchSlots);
  }

  private long stagedOperations(Run run, SlotTable table) {
    return (long) batchCount(run) * Math.min(batchSlots, Math.max(1, table.liveCount() / 2));
  }
}
