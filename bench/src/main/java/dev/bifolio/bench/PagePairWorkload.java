package dev.bifolio.bench;

/// t1: a page of 4 KiB is mapped and unmapped, at random places of 1 TiB; of 1 GiB, whose tables
/// the processor's cache holds, to tell what the code costs from what the memory does. The tables
/// for these places are there before, and stay.
final class PagePairWorkload implements TableWorkload {
  private static final int PAIRS = 1_000_000;

  /// A table for each 2 MiB of the space, and those above them.
  private static final int TABLE_FRAMES = (SPACE_PAGES >> 9) + (1 << 12);

  private final int pages;

  /// Pairs in the first so many pages of the space.
  PagePairWorkload(int pages) {
    this.pages = pages;
  }

  @Override
  public void run(TableRun run) {
    int count = run.operations(PAIRS);
    Draws draws = new Draws(42);
    long[] addresses = new long[count];
    for (int i = 0; i < count; i++) {
      addresses[i] = TableWorkload.virtual(draws.below(pages));
    }
    try (TableSubject subject = run.kind().create(TABLE_FRAMES)) {
      Meter meter = new Meter();
      pairs(subject, addresses, 0, count);
      for (int done = 0; done < count; done += STRIDE) {
        int next = Math.min(STRIDE, count - done);
        meter.start();
        pairs(subject, addresses, done, next);
        meter.stop(next);
      }
      run.record("ns_pair", meter);
    }
  }

  /// The inner loop.
  static void pairs(TableSubject subject, long[] addresses, int from, int count) {
    for (int i = from; i < from + count; i++) {
      subject.mapPage(addresses[i], addresses[i] - TableSubject.FIRST_VIRTUAL);
      subject.unmapPage(addresses[i]);
    }
  }
}
