package dev.bifolio.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/// w8: what two threads on two processors do together, against one: pairs of single frames, and
/// random replacements in a table of N/4 frames a thread.
///
/// Operations a second of all threads in sum, by the wall clock from the first begin to the last
/// end; an operation is an allocation and a free. The replacements have their slot table's cache
/// misses in them: a staged array cannot be refilled outside the timed part while the other thread
/// goes on.
final class ThreadsWorkload implements Workload {
  @Override
  public Set<Need> needs() {
    return Set.of(Need.SPEED, Need.WHOLE_TABLE);
  }

  @Override
  public void run(Run run) {
    int most = run.lack(Need.TWO_PROCESSORS) == null ? 2 : 1;
    for (int threads = 1; threads <= most; threads++) {
      measure(run, threads, "w1_" + threads + "t_Mops", 2_000_000);
    }
    for (int threads = 1; threads <= most; threads++) {
      measure(run, threads, "w4at25pc_each_" + threads + "t_Mops", 1_000_000);
    }
    if (most < 2) {
      run.leaveOut("two threads: " + run.lack(Need.TWO_PROCESSORS));
    }
  }

  private static void measure(Run run, int threads, String metric, int full) {
    int count = run.operations(full);
    boolean pairs = metric.startsWith("w1");
    try (Subject subject = run.newSharedSubject()) {
      List<Team.Task> tasks = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        tasks.add(
            pairs
                ? new Pairs(subject, count)
                : new Replacements(subject, run.frameCount() / 4, run.number(), i, count));
      }
      long nanos = run.together(new Team(), tasks);
      run.record(metric, 1e3 * threads * count / nanos);
    }
  }

  /// Pairs of one thread.
  static final class Pairs implements Team.Task {
    private final Subject shared;
    private final int count;
    private Subject own;

    Pairs(Subject shared, int count) {
      this.shared = shared;
      this.own = shared;
      this.count = count;
    }

    @Override
    public void prepare() {
      own = shared.handle();
    }

    @Override
    public void work() {
      for (int done = 0; done < count; done += SlotTable.STRIDE) {
        PairWorkload.pairs(own, 0, Math.min(SlotTable.STRIDE, count - done));
      }
    }

    @Override
    public void finish() {
      own.closeHandle();
    }
  }

  /// Replacements of one thread, in a table of its own. The seeds are those of w4, and differ by
  /// 1,000 from thread to thread.
  private static final class Replacements implements Team.Task {
    private final Subject shared;
    private final int slotCount;
    private final long agingSeed;
    private final long seed;
    private final int count;
    private Subject own;
    private SlotTable table;

    Replacements(Subject shared, int slotCount, int runNumber, int index, int count) {
      this.shared = shared;
      this.own = shared;
      this.slotCount = slotCount;
      this.agingSeed = 1 + 1000L * index;
      this.seed = 100L + runNumber + 1000L * index;
      this.count = count;
      this.table = new SlotTable(shared, 0);
    }

    @Override
    public void prepare() {
      own = shared.handle();
      table = new SlotTable(own, slotCount);
      table.fillTo(slotCount);
      table.replace(new Draws(agingSeed), 8L * slotCount);
    }

    @Override
    public void work() {
      table.replace(new Draws(seed), count);
    }

    @Override
    public void finish() {
      table.release();
      own.closeHandle();
    }
  }
}
