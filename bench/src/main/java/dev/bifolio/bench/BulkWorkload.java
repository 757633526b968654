package dev.bifolio.bench;

import java.util.Set;

/// Many single frames allocated, then many freed: w2, w2k, w3, w3b.
final class BulkWorkload implements Workload {
  /// Which frees follow.
  enum Shape {
    /// All, in allocation order.
    IN_ORDER,
    /// All, in allocation order, and both by the calls for many frames: nanoseconds a frame.
    BULK_CALLS,
    /// All, in random order.
    SHUFFLED,
    /// All of memory is allocated; a random half is freed and allocated again.
    REFILL
  }

  private static final long SHUFFLE_SEED = 42;

  /// Frames that one call for many asks for.
  private static final int CALL_FRAMES = 64;

  private final Shape shape;

  BulkWorkload(Shape shape) {
    this.shape = shape;
  }

  @Override
  public Set<Need> needs() {
    return switch (shape) {
      case IN_ORDER, SHUFFLED -> Set.of(Need.SPEED);
      case BULK_CALLS -> Set.of(Need.SPEED, Need.BULK);
      case REFILL -> Set.of(Need.SPEED, Need.WHOLE_TABLE);
    };
  }

  @Override
  public void run(Run run) {
    try (Subject subject = run.newSubject()) {
      if (shape == Shape.REFILL) {
        refill(run, subject);
      } else {
        allThenNone(run, subject);
      }
    }
  }

  private static void refill(Run run, Subject subject) {
    int frameCount = run.frameCount();
    SlotTable table = new SlotTable(subject, frameCount);
    table.fillTo(frameCount);
    table.shuffle(SHUFFLE_SEED);
    Stopwatch watch = new Stopwatch();
    watch.start();
    table.freeFirst(frameCount / 2);
    watch.stop();
    run.recordNanos("ns_free", watch.takeNanos(), frameCount / 2);
    watch.start();
    table.refillFirst(frameCount / 2);
    watch.stop();
    run.recordNanos("ns_alloc", watch.takeNanos(), frameCount / 2);
    table.release();
  }

  private void allThenNone(Run run, Subject subject) {
    int count = Math.min(run.frameCount() / 2, 1 << 20);
    SlotTable table = new SlotTable(subject, count);
    Stopwatch watch = new Stopwatch();
    watch.start();
    if (shape == Shape.BULK_CALLS) {
      table.fillInBulk(count, CALL_FRAMES);
    } else {
      table.fillTo(count);
    }
    watch.stop();
    run.recordNanos("ns_alloc", watch.takeNanos(), count);
    if (shape == Shape.SHUFFLED) {
      table.shuffle(SHUFFLE_SEED);
    }
    watch.start();
    if (shape == Shape.BULK_CALLS) {
      table.freeAllInBulk(CALL_FRAMES);
    } else {
      table.freeAll();
    }
    watch.stop();
    run.recordNanos("ns_free", watch.takeNanos(), count);
  }
}
