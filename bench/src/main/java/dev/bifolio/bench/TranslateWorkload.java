package dev.bifolio.bench;

import dev.bifolio.kernel.unit.Pages;

/// t2: random addresses of mapped pages are translated. The pages are one range, or strewn over 1
/// TiB so that each has a table of its own; their frames are in random order.
final class TranslateWorkload implements TableWorkload {
  private static final int TRANSLATIONS = 10_000_000;
  private static final int PAGES = 100_000;

  private static final int TABLE_FRAMES = 1 << 18;

  private final boolean strewn;

  TranslateWorkload(boolean strewn) {
    this.strewn = strewn;
  }

  @Override
  public void run(TableRun run) {
    Draws draws = new Draws(42);
    long[] pages = new long[PAGES];
    long[] frames = new long[PAGES];
    for (int i = 0; i < PAGES; i++) {
      // Strewn, one in each of as many parts of the space: no page twice.
      int part = SPACE_PAGES / PAGES;
      pages[i] = TableWorkload.virtual(strewn ? i * part + draws.below(part) : i);
      frames[i] = Pages.pfnToAddress(i);
    }
    draws.shuffle(frames, PAGES);
    try (TableSubject subject = run.kind().create(TABLE_FRAMES)) {
      for (int i = 0; i < PAGES; i++) {
        subject.mapPage(pages[i], frames[i]);
      }
      Meter meter = new Meter();
      long[] addresses = new long[STRIDE];
      int count = run.operations(TRANSLATIONS);
      for (int done = 0; done < count; done += STRIDE) {
        int next = Math.min(STRIDE, count - done);
        long expected = draw(draws, pages, frames, addresses, next);
        meter.start();
        long sum = translate(subject, addresses, next);
        meter.stop(next);
        if (sum != expected) {
          throw new IllegalStateException("an address was translated wrongly");
        }
      }
      run.record("ns_translate", meter);
    }
  }

  /// Draws addresses.
  ///
  /// @return the sum of what they are to be translated to
  private static long draw(Draws draws, long[] pages, long[] frames, long[] addresses, int count) {
    long sum = 0;
    for (int i = 0; i < count; i++) {
      int page = draws.below(PAGES);
      int offset = draws.below((int) Pages.PAGE_SIZE);
      addresses[i] = pages[page] + offset;
      sum += frames[page] + offset;
    }
    return sum;
  }

  /// The inner loop.
  static long translate(TableSubject subject, long[] addresses, int count) {
    long sum = 0;
    for (int i = 0; i < count; i++) {
      sum += subject.translate(addresses[i]);
    }
    return sum;
  }
}
