package dev.bifolio.kernel.virtual;

import static dev.bifolio.kernel.virtual.UserWorld.BASE;
import static dev.bifolio.kernel.virtual.UserWorld.PAGE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.table.AddressSpace;
import dev.bifolio.kernel.table.FlushBatch;
import dev.bifolio.kernel.table.Flusher;
import dev.bifolio.kernel.table.MapOutcome;
import dev.bifolio.kernel.table.MappedPage;
import dev.bifolio.kernel.table.PageFlags;
import dev.bifolio.kernel.table.X86Format;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Runs of pages that allow the same.
class PageRunsTest {
  private static final int R = PageFlags.READ | PageFlags.USER | PageFlags.ACCESSED;
  private static final int RW = R | PageFlags.WRITE | PageFlags.DIRTY;

  /// Counts what it is asked for.
  private static final class Flushes implements Flusher {
    int count;

    @Override
    public void flushPage(long virtualAddress) {
      count++;
    }

    @Override
    public void flushAll(boolean globalToo) {
      count++;
    }
  }

  private final UserWorld world = new UserWorld(X86Format.LEVELS_4, 64, HugePolicy.NEVER, 0);
  private final AddressSpace space = world.tables();
  private final PageRuns runs = new PageRuns(space);
  private final Flushes flushes = new Flushes();
  private final FlushBatch batch = new FlushBatch(FlushBatch.DEFAULT_LIMIT, flushes);
  private final long huge = world.huge;

  @AfterEach
  void close() {
    space.destroy(batch);
    world.close();
  }

  /// Maps one page of a level, wherever.
  private void map(long at, long physical, int level, int flags) {
    long byteSize = world.format.pageByteSize(level);
    assertEquals(MapOutcome.MAPPED, space.mapExact(at, physical, byteSize, flags, level));
  }

  /// All runs of a range, in pages from the base on.
  private List<String> runs(long from, long to) {
    List<String> all = new ArrayList<>();
    for (long at = from; runs.next(at, to); at = runs.end()) {
      all.add((runs.start() - BASE) / PAGE + "-" + (runs.end() - BASE) / PAGE);
      assertEquals(space.lookup(runs.start()), runs.first());
    }
    return all;
  }

  @Test
  void aRunGoesOnWhereverItsPagesLieAndWhateverTheProcessorNotes() {
    map(BASE, 9 * PAGE, 1, RW);
    map(BASE + PAGE, 3 * PAGE, 1, RW & ~PageFlags.DIRTY);
    map(BASE + 2 * PAGE, 7 * PAGE, 1, RW & ~PageFlags.ACCESSED & ~PageFlags.DIRTY);
    assertEquals(List.of("0-3"), runs(BASE, BASE + 10 * PAGE));
    assertEquals(List.of("1-2"), runs(BASE + PAGE, BASE + 2 * PAGE));
    assertEquals(List.of(), runs(BASE + 3 * PAGE, BASE + 10 * PAGE));
    assertEquals(List.of(), runs(BASE, BASE));
  }

  @Test
  void aRunEndsAtAHoleAndAtAPageThatAllowsSomethingElse() {
    map(BASE, 0, 1, RW);
    map(BASE + PAGE, 0, 1, R);
    map(BASE + 2 * PAGE, 0, 1, R);
    map(BASE + 4 * PAGE, 0, 1, R);
    map(BASE + 5 * PAGE, 0, 1, R | PageFlags.COPY_ON_WRITE);
    map(BASE + 6 * PAGE, 0, 1, R | PageFlags.EXECUTE);
    assertEquals(
        List.of("0-1", "1-3", "4-5", "5-6", "6-7"), runs(BASE - 3 * PAGE, BASE + 9 * PAGE));
  }

  @Test
  void pagesOfAnotherSizeAreAnotherRunAndMayGoOverTheEndsOfTheRange() {
    map(BASE - PAGE, 0, 1, RW);
    map(BASE, 0, 2, RW);
    map(BASE + huge, 4 * huge, 2, RW);
    map(BASE + 2 * huge, 0, 1, RW);
    assertEquals(List.of("-1-0", "0-1024", "1024-1025"), runs(BASE - huge, BASE + 3 * huge));
    assertEquals(List.of("5-1022"), runs(BASE + 5 * PAGE, BASE + 1022 * PAGE));
    assertEquals(2, MappedPage.level(runs.first()));
  }

  @Test
  void nothingIsFoundBehindTablesThatAreNotThereButWhatIs() {
    long far = BASE + (1L << 39) + (1L << 30) + huge;
    map(far + 3 * PAGE, 0, 1, R);
    assertTrue(runs.next(0, 1L << 46));
    assertEquals(far + 3 * PAGE, runs.start());
    assertFalse(runs.next(0, far + 3 * PAGE));
    assertFalse(runs.next(far + 4 * PAGE, 1L << 46));
  }

  @Test
  void storesAreTakenAwayFromTheRangeAloneAndAllProcessorsKnow() {
    for (int page = 0; page < 4; page++) {
      map(BASE + page * PAGE, page * PAGE, 1, page == 2 ? R | PageFlags.DIRTY : RW);
    }
    runs.forbidStores(BASE + PAGE, BASE + 4 * PAGE, batch);
    assertEquals(2, flushes.count);
    assertTrue(batch.isEmpty());
    assertEquals(RW, MappedPage.flags(space.lookup(BASE)));
    for (int page = 1; page < 4; page++) {
      // Whether they were stored to is still known.
      assertEquals(R | PageFlags.DIRTY, MappedPage.flags(space.lookup(BASE + page * PAGE)));
      assertEquals(page * PAGE, space.translate(BASE + page * PAGE));
    }
    runs.forbidStores(BASE + PAGE, BASE + 4 * PAGE, batch);
    assertEquals(2, flushes.count);
  }
}
