package dev.bifolio.bench;

/// Many single frames allocated, then many freed: w2, w3, w3b.
final class BulkWorkload implements Workload {
  /// Which frees follow.
  enum Shape {
    /// All, in allocation order.
    IN_ORDER,
    /// All, in random order.
    SHUFFLED,
    /// All of memory is allocated; a random half is freed and allocated again.
    REFILL
  }

  private static final long SHUFFLE_SEED = 42;

  private final Shape shape;

  BulkWorkload(Shape shape) {
    this.shape = shape;
  }

  @Override
  public void run(Run run) {
    int frameCount = run.frameCount();
    try (Subject subject = run.newSubject()) {
      SlotTable table = new SlotTable(subject, frameCount);
      if (shape == Shape.REFILL) {
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
        return;
      }
      int count = Math.min(frameCount / 2, 1 << 20);
      Stopwatch watch = new Stopwatch();
      watch.start();
      table.fillTo(count);
      watch.stop();
      run.recordNanos("ns_alloc", watch.takeNanos(), count);
      if (shape == Shape.SHUFFLED) {
        table.shuffle(SHUFFLE_SEED);
      }
      watch.start();
      table.freeAll();
      watch.stop();
      run.recordNanos("ns_free", watch.takeNanos(), count);
    }
  }
}
