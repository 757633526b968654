package dev.bifolio.bench;

import dev.bifolio.kernel.unit.Pages;

/// t3: 1 GiB is mapped and then unmapped, by pages of 4 KiB and by the largest.
final class RangeWorkload implements TableWorkload {
  private static final int SMALL = 20;
  private static final int LARGE = 20_000;
  private static final int TABLE_FRAMES = 1 << 12;

  @Override
  public void run(TableRun run) {
    try (TableSubject subject = run.kind().create(TABLE_FRAMES)) {
      small(run, subject);
      if (run.kind().hasTables()) {
        Meter meter = new Meter();
        int count = run.operations(LARGE);
        meter.start();
        large(subject, count);
        meter.stop(count);
        run.record("us_largest", meter);
      } else {
        run.leaveOut("the largest pages: it has pages of one size");
      }
    }
  }

  private static void small(TableRun run, TableSubject subject) {
    Meter mapping = new Meter();
    Meter unmapping = new Meter();
    int count = run.operations(SMALL);
    for (int i = 0; i < count; i++) {
      mapping.start();
      subject.mapRange(TableSubject.FIRST_VIRTUAL, 0, Pages.GIB, false);
      mapping.stop(1);
      unmapping.start();
      subject.unmapRange(TableSubject.FIRST_VIRTUAL, Pages.GIB);
      unmapping.stop(1);
    }
    run.record("ms_map_4k", mapping);
    run.record("ms_unmap_4k", unmapping);
  }

  /// The inner loop.
  static void large(TableSubject subject, int count) {
    for (int i = 0; i < count; i++) {
      subject.mapRange(TableSubject.FIRST_VIRTUAL, 0, Pages.GIB, true);
      subject.unmapRange(TableSubject.FIRST_VIRTUAL, Pages.GIB);
    }
  }
}
