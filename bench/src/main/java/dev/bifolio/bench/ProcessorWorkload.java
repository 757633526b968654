package dev.bifolio.bench;

import dev.bifolio.kernel.mmu.Mmu;
import dev.bifolio.kernel.unit.Pages;
import org.jspecify.annotations.Nullable;

/// t2 with the model of a processor: random addresses of a range of pages, in a TLB that holds them
/// all.
final class ProcessorWorkload implements TableWorkload {
  private static final int TRANSLATIONS = 10_000_000;
  private static final int TABLE_FRAMES = 1 << 12;

  private final int tlbSets;
  private final int tlbWays;
  private final int pages;

  /// With a TLB of so many entries, and so many pages.
  ProcessorWorkload(int tlbSets, int tlbWays, int pages) {
    this.tlbSets = tlbSets;
    this.tlbWays = tlbWays;
    this.pages = pages;
  }

  @Override
  public @Nullable String obstacle(TableSubject.Kind kind) {
    return kind.hasTables() ? null : "no processor walks it";
  }

  @Override
  public void run(TableRun run) {
    Draws draws = new Draws(42);
    try (SpaceSubject subject = SpaceSubject.create(run.kind(), TABLE_FRAMES)) {
      for (int page = 0; page < pages; page++) {
        subject.mapPage(TableWorkload.virtual(page), Pages.pfnToAddress(page));
      }
      Mmu processor = subject.processor(tlbSets, tlbWays);
      Meter meter = new Meter();
      long[] addresses = new long[STRIDE];
      for (int page = 0; page < pages; page++) {
        addresses[0] = TableWorkload.virtual(page);
        require(access(processor, addresses, 1) == Pages.pfnToAddress(page));
      }
      int count = run.operations(TRANSLATIONS);
      for (int done = 0; done < count; done += STRIDE) {
        int next = Math.min(STRIDE, count - done);
        long expected = draw(draws, addresses, next);
        meter.start();
        long sum = access(processor, addresses, next);
        meter.stop(next);
        require(sum == expected);
      }
      run.record("ns_translate", meter);
    }
  }

  private long draw(Draws draws, long[] addresses, int count) {
    long sum = 0;
    for (int i = 0; i < count; i++) {
      long at = Pages.framesToBytes(draws.below(pages)) + draws.below((int) Pages.PAGE_SIZE);
      addresses[i] = TableSubject.FIRST_VIRTUAL + at;
      sum += at;
    }
    return sum;
  }

  private static void require(boolean right) {
    if (!right) {
      throw new IllegalStateException("the processor came to another address");
    }
  }

  /// The inner loop.
  static long access(Mmu processor, long[] addresses, int count) {
    long sum = 0;
    for (int i = 0; i < count; i++) {
      sum += processor.access(addresses[i], Mmu.LOAD);
    }
    return sum;
  }
}
