package dev.bifolio.bench;

import java.util.Arrays;
import java.util.List;
import java.util.Set;

/// How many free 2 MiB areas are left after frames came and went: F1 to F4.
///
/// Counted from the table of live frames, never from the allocator. Asking for huge frames at the
/// end of a case changes the allocator; each case therefore begins anew, also those that go on from
/// another one. All is seeded: each run gives the same figures.
final class FragmentationWorkload implements Workload {
  private enum Case {
    F1_90,
    F1_50,
    F2,
    F3,
    F4,
    F4C
  }

  private static final int BATCH = 4096;
  private static final long LIFETIME_SEED = 99;

  private final Case step;
  private final boolean batches;
  private final int percent;

  private FragmentationWorkload(Case step, boolean batches, int percent) {
    this.step = step;
    this.batches = batches;
    this.percent = percent;
  }

  static List<String> ids() {
    return List.of(
        "frag_f1s_90",
        "frag_f1s_50",
        "frag_f1b_90",
        "frag_f1b_50",
        "frag_f2s",
        "frag_f2b",
        "frag_f3_50",
        "frag_f3_80",
        "frag_f4",
        "frag_f4c");
  }

  static FragmentationWorkload of(String id) {
    return switch (id) {
      case "frag_f1s_90" -> new FragmentationWorkload(Case.F1_90, false, 90);
      case "frag_f1s_50" -> new FragmentationWorkload(Case.F1_50, false, 90);
      case "frag_f1b_90" -> new FragmentationWorkload(Case.F1_90, true, 90);
      case "frag_f1b_50" -> new FragmentationWorkload(Case.F1_50, true, 90);
      case "frag_f2s" -> new FragmentationWorkload(Case.F2, false, 90);
      case "frag_f2b" -> new FragmentationWorkload(Case.F2, true, 90);
      case "frag_f3_50" -> new FragmentationWorkload(Case.F3, false, 50);
      case "frag_f3_80" -> new FragmentationWorkload(Case.F3, false, 80);
      case "frag_f4" -> new FragmentationWorkload(Case.F4, false, 90);
      case "frag_f4c" -> new FragmentationWorkload(Case.F4C, false, 90);
      default -> throw new IllegalArgumentException("no workload '" + id + "'");
    };
  }

  @Override
  public boolean repeats() {
    return false;
  }

  @Override
  public Set<Need> needs() {
    return step == Case.F4C
        ? Set.of(Need.PLACEMENT, Need.WHOLE_TABLE, Need.LIFETIMES)
        : Set.of(Need.PLACEMENT, Need.WHOLE_TABLE);
  }

  @Override
  public void run(Run run) {
    try (Subject subject = run.newSubject()) {
      if (step == Case.F3) {
        runOrderMix(run, subject);
      } else {
        runSingleFrames(run, subject);
      }
    }
  }

  private void runSingleFrames(Run run, Subject subject) {
    int frameCount = run.frameCount();
    SlotTable table = new SlotTable(subject, frameCount);
    int filled = (int) ((long) frameCount * percent / 100);
    if (step == Case.F4C) {
      table.fillWithLifetimes(filled, new Draws(LIFETIME_SEED));
    } else {
      table.fillTo(filled);
    }
    switch (step) {
      case F1_90 -> {
        count(run, table, 0);
        replace(table, 1, 4L * frameCount);
        count(run, table, 1);
      }
      case F1_50 -> {
        replace(table, 1, 4L * frameCount);
        halve(table, frameCount);
        count(run, table, 0);
      }
      case F2 -> {
        replace(table, 1, 4L * frameCount);
        halve(table, frameCount);
        churn(run, table);
      }
      case F4, F4C -> {
        table.freeShortLived(new Draws(LIFETIME_SEED));
        count(run, table, 0);
      }
      case F3 -> throw new IllegalStateException(step.toString());
    }
    finish(run, subject);
    table.freeAll();
    run.count("huge_after_free_all", hugeBlocks(subject));
    run.count("fails", 0); // one that failed would have ended the run
  }

  private static void halve(SlotTable table, int frameCount) {
    table.shuffle(43);
    table.freeDownTo(frameCount / 2);
  }

  private void churn(Run run, SlotTable table) {
    for (int i = 1; i <= 10; i++) {
      replace(table, 1000 + i, table.liveCount() / 10);
      count(run, table, i);
    }
    for (int i = 0; i <= 3; i++) {
      replace(table, 2000 + i, table.liveCount());
      count(run, table, 11 + i);
    }
  }

  private void replace(SlotTable table, long seed, long count) {
    Draws draws = new Draws(seed);
    if (batches) {
      table.replaceBatches(draws, BATCH, count);
    } else {
      table.replace(draws, count);
    }
  }

  private void runOrderMix(Run run, Subject subject) {
    OrderMix mix = new OrderMix(subject, run.frameCount(), percent);
    mix.replace(new Draws(7), 4L * mix.slotCount());
    count(run, mix, 0);
    mix.replace(new Draws(77), 8L * mix.slotCount());
    count(run, mix, 1);
    finish(run, subject);
    mix.freeAll();
    run.count("huge_after_free_all", hugeBlocks(subject));
    run.count("fails", mix.failures());
  }

  private static void count(Run run, SlotTable table, int step) {
    run.count("free2M_step" + step, table.free2M(run.frameCount()));
    run.count("ideal2M_step" + step, (run.frameCount() - table.liveCount()) / 512);
  }

  private static void count(Run run, OrderMix mix, int step) {
    run.count("free2M_step" + step, mix.free2M());
    run.count("ideal2M_step" + step, (run.frameCount() - mix.liveFrames()) / 512);
  }

  private static void finish(Run run, Subject subject) {
    run.count("huge_allocs", hugeBlocks(subject));
  }

  /// Order-9 requests that succeed after caches were drained; the blocks are given back.
  private static long hugeBlocks(Subject subject) {
    subject.drain();
    long count = 0;
    long[] blocks = new long[64];
    for (long pfn = subject.allocate(9); pfn != Subject.NO_FRAME; pfn = subject.allocate(9)) {
      if (count == blocks.length) {
        blocks = Arrays.copyOf(blocks, blocks.length * 2);
      }
      blocks[(int) count++] = pfn;
    }
    for (int i = 0; i < count; i++) {
      subject.free(blocks[i], 9);
    }
    return count;
  }
}
