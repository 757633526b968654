package dev.bifolio.bench;

import java.util.Set;

/// Allocate and free at once, again and again: w1, w1h, wsmall, w6, w7.
final class PairWorkload implements Workload {
  /// Which pairs.
  enum Shape {
    /// Single frames on an empty allocator.
    EMPTY,
    /// Single frames while half of the frames are allocated.
    HALF_FULL,
    /// Orders 1 to 8.
    SMALL_ORDERS,
    /// Order 9, and many of them allocated and then freed.
    HUGE,
    /// Orders 10 to 18.
    LARGE_ORDERS
  }

  private final Shape shape;

  PairWorkload(Shape shape) {
    this.shape = shape;
  }

  @Override
  public Set<Need> needs() {
    return shape == Shape.HALF_FULL ? Set.of(Need.SPEED, Need.WHOLE_TABLE) : Set.of(Need.SPEED);
  }

  @Override
  public void run(Run run) {
    try (Subject subject = run.newSubject()) {
      switch (shape) {
        case EMPTY -> pairs(run, subject, 0, 2_000_000, "ns_pair");
        case HALF_FULL -> {
          SlotTable table = new SlotTable(subject, run.frameCount() / 2);
          table.fillTo(run.frameCount() / 2);
          pairs(run, subject, 0, 2_000_000, "ns_pair");
          table.release();
        }
        case SMALL_ORDERS -> {
          for (int order = 1; order <= 8; order++) {
            pairs(run, subject, order, 500_000, "ns_pair_o" + order);
          }
        }
        case HUGE -> {
          pairs(run, subject, 9, 1_000_000, "ns_pair");
          bulk(run, subject);
        }
        case LARGE_ORDERS -> {
          for (int order = 10; order <= 18; order++) {
            if (order > subject.maxOrder()) {
              run.leaveOut("order " + order + " and above, which it does not have");
              break;
            }
            if (1L << order > run.frameCount()) {
              run.leaveOut("order " + order + " and above, which the memory does not have");
              break;
            }
            pairs(run, subject, order, 50_000, "ns_pair_o" + order);
          }
        }
      }
    }
  }

  private static void pairs(Run run, Subject subject, int order, int full, String metric) {
    int count = run.operations(full);
    Stopwatch watch = new Stopwatch();
    watch.start();
    for (int done = 0; done < count; done += SlotTable.STRIDE) {
      pairs(subject, order, Math.min(SlotTable.STRIDE, count - done));
    }
    watch.stop();
    run.recordNanos(metric, watch.takeNanos(), count);
  }

  /// The inner loop.
  static void pairs(Subject subject, int order, int count) {
    for (int i = 0; i < count; i++) {
      subject.free(require(subject.allocate(order)), order);
    }
  }

  private static void bulk(Run run, Subject subject) {
    int count = Math.max(1, run.frameCount() / 1024);
    long[] blocks = new long[count];
    long allocating = 0;
    long freeing = 0;
    int repetitions = run.operations(20);
    Stopwatch watch = new Stopwatch();
    for (int repetition = 0; repetition < repetitions; repetition++) {
      watch.start();
      allocateHuge(subject, blocks);
      watch.stop();
      allocating += watch.takeNanos();
      watch.start();
      freeHuge(subject, blocks);
      watch.stop();
      freeing += watch.takeNanos();
    }
    run.recordNanos("ns_bulk_alloc", allocating, (long) count * repetitions);
    run.recordNanos("ns_bulk_free", freeing, (long) count * repetitions);
  }

  private static void allocateHuge(Subject subject, long[] blocks) {
    for (int i = 0; i < blocks.length; i++) {
      blocks[i] = require(subject.allocate(9));
    }
  }

  private static void freeHuge(Subject subject, long[] blocks) {
    for (long block : blocks) {
      subject.free(block, 9);
    }
  }

  private static long require(long pfn) {
    if (pfn < 0) {
      throw new IllegalStateException("a block was refused although one is free");
    }
    return pfn;
  }
}
