package dev.bifolio.bench;

import dev.bifolio.kernel.platform.Cpu;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;

/// wfull: what a request costs that fails, because every frame is allocated; and pairs of two
/// threads when the last 64 frames are all there is.
///
/// `ns_pair` is what one thread waits for a pair while the other does the same, by the wall clock.
/// Each thread holds one frame at most, so that a request need never fail; one that does all the
/// same, because frames were on their way between lists, is repeated and counted (`fails`).
///
/// In the threads' part the classic allocator has its lock, and is another subclass of [Subject].
final class FullWorkload implements Workload {
  private static final int LAST_FRAMES = 64;

  @Override
  public Set<Need> needs() {
    return Set.of(Need.SPEED, Need.LIMIT, Need.WHOLE_TABLE);
  }

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
    }
    String obstacle = run.lack(Need.TWO_PROCESSORS);
    if (obstacle == null) {
      pairsOfTwoThreads(run);
    } else {
      run.leaveOut("ns_pair, two threads on the last frames: " + obstacle);
    }
  }

  /// The inner loop of requests that are refused.
  static void fail(Subject subject, int order, int count) {
    for (int i = 0; i < count; i++) {
      if (subject.allocate(order) != Subject.NO_FRAME) {
        throw new IllegalStateException("a full allocator had a block of order " + order);
      }
    }
  }

  private static void pairsOfTwoThreads(Run run) {
    int count = run.operations(500_000);
    AtomicLong failures = new AtomicLong();
    try (Subject subject = run.newSharedSubject()) {
      int rest = run.frameCount() - LAST_FRAMES;
      new SlotTable(subject, rest).fillTo(rest);
      subject.drain(); // an owner that does nothing more would keep what he has cached
      long nanos =
          run.together(
              new Team(),
              List.of(new Pairs(subject, count, failures), new Pairs(subject, count, failures)));
      run.recordNanos("ns_pair", nanos, count);
      run.count("fails", failures.get());
    }
  }

  /// Pairs of one thread.
  private static final class Pairs implements Team.Task {
    private final Subject shared;
    private final int count;
    private final AtomicLong failures;
    private Subject own;

    Pairs(Subject shared, int count, AtomicLong failures) {
      this.shared = shared;
      this.own = shared;
      this.count = count;
      this.failures = failures;
    }

    @Override
    public void prepare() {
      own = shared.handle();
    }

    @Override
    public void work() {
      long failed = 0;
      for (int done = 0; done < count; done += SlotTable.STRIDE) {
        failed += pairs(own, Math.min(SlotTable.STRIDE, count - done));
      }
      failures.addAndGet(failed);
    }

    private static long pairs(Subject subject, int count) {
      long failed = 0;
      for (int i = 0; i < count; i++) {
        long pfn = subject.allocate(0);
        for (int turn = 0; pfn < 0; turn++) {
          failed++;
          Cpu.relax(turn);
          pfn = subject.allocate(0);
        }
        subject.free(pfn, 0);
      }
      return failed;
    }

    @Override
    public void finish() {
      own.closeHandle();
    }
  }
}
