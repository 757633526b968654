package dev.bifolio.kernel.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.testkit.SplitMix64;
import dev.bifolio.testkit.Threads;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Lookups without the lock while two writers change all that there is, and every table that is
/// freed becomes garbage at once.
///
/// ```
///   place     what a reader may see of it
///   steady    one address, always: split, collapsed, and given other permissions
///   swapped   one of two, always: replaced, page by page
///   coming    one address or nothing: mapped and unmapped, with all of its tables
/// ```
///
/// Places are regions of the size of a large page, each for one writer; they lie in one table of
/// level 2, in neighbours of it, and at the ends of the addresses.
class AddressSpaceStormTest {
  private static final long PAGE = 4096;
  private static final int RW = PageFlags.READ | PageFlags.WRITE;
  private static final int R = PageFlags.READ;
  private static final int STEPS = 12_000;
  private static final int KINDS = 3;
  private static final int WRITERS = 2;

  static List<PageFormat> formats() {
    return TestTables.FORMATS;
  }

  /// A region, and what it may translate to.
  private record Place(int kind, long at, long physical) {}

  private static final class Storm {
    final PageFormat format;
    final AddressSpace space;
    final long huge;
    final List<Place> places = new ArrayList<>();
    final AtomicInteger writing = new AtomicInteger(WRITERS);
    final AtomicLong looks = new AtomicLong();
    final AtomicLong sawNothing = new AtomicLong();
    final AtomicLong sawOther = new AtomicLong();

    Storm(TestTables tables) {
      format = tables.format;
      space = tables.space;
      huge = format.pageByteSize(2);
      long garbage = format.leaf(1, 0x7777_7000L, RW);
      tables.onFree =
          pfn -> {
            for (int index = 0; index < format.entryCount(); index++) {
              tables.putEntry(pfn << 12, index, garbage);
            }
          };
      long top = format.pageByteSize(format.levels());
      long end = format.isCanonical(-1) ? -16 * huge : 0xC000_0000L;
      for (long start : new long[] {0, 7 * huge, 20 * huge + 5 * top, end}) {
        for (int i = 0; i < KINDS * WRITERS; i++) {
          long place = places.size() + 1L;
          places.add(new Place(i % KINDS, start + i * huge, place * 2 * huge));
        }
      }
      for (Place place : places) {
        if (place.kind != 2) {
          map(place);
        }
      }
    }

    void map(Place place) {
      int level = place.kind == 1 ? 1 : 2;
      assertEquals(MapOutcome.MAPPED, space.map(place.at, place.physical, huge, RW, level));
    }

    // ---- Writers ----

    void write(int writer) {
      SplitMix64 random = new SplitMix64(writer + 1);
      FlushBatch batch = new FlushBatch(4, null);
      boolean[] isThere = new boolean[places.size()];
      try {
        for (int step = 0; step < STEPS; step++) {
          int index = random.below(places.size());
          Place place = places.get(index);
          if (index / KINDS % WRITERS != writer) {
            continue;
          }
          switch (place.kind) {
            case 0 -> change(place, random, batch);
            case 1 -> replace(place, random, batch);
            default -> isThere[index] = comeOrGo(place, isThere[index], random, batch);
          }
          space.flushed(batch);
        }
      } finally {
        writing.decrementAndGet();
      }
    }

    private void change(Place place, SplitMix64 random, FlushBatch batch) {
      long at = place.at + random.below(huge);
      switch (random.below(3)) {
        case 0 -> assertEquals(SplitOutcome.DONE, space.split(at, 1, batch));
        case 1 -> {
          assertEquals(ProtectOutcome.DONE, space.protect(place.at, huge, R, batch));
          assertEquals(CollapseOutcome.DONE, space.collapse(at, 2, batch));
        }
        default -> {
          int flags = random.oneIn(2) ? RW : R | PageFlags.UNCACHED;
          assertEquals(ProtectOutcome.DONE, space.protect(at & -PAGE, PAGE, flags, batch));
        }
      }
    }

    private void replace(Place place, SplitMix64 random, FlushBatch batch) {
      long inside = random.below(huge) & -PAGE;
      long word = space.lookup(place.at + inside);
      long physical = place.physical + inside;
      long other = MappedPage.physicalAddress(word) == physical ? physical + huge : physical;
      assertEquals(ReplaceOutcome.DONE, space.replace(place.at + inside, word, other, RW, batch));
    }

    private boolean comeOrGo(Place place, boolean isThere, SplitMix64 random, FlushBatch batch) {
      if (!isThere) {
        int level = 1 + random.below(2);
        assertEquals(MapOutcome.MAPPED, space.map(place.at, place.physical, huge, RW, level));
        return true;
      }
      if (random.oneIn(3)) {
        long hole = random.below(huge) & -PAGE;
        space.unmapAny(place.at + hole, huge - hole, false, batch);
        return true;
      }
      assertEquals(UnmapOutcome.DONE, space.unmapAny(place.at, huge, random.oneIn(3), batch));
      return false;
    }

    // ---- Readers ----

    void read(int reader) {
      SplitMix64 random = new SplitMix64(100 + reader);
      long count = 0;
      while (writing.get() != 0) {
        for (int i = 0; i < 64; i++, count++) {
          Place place = places.get(random.below(places.size()));
          long inside = random.below(huge);
          long found = space.translate(place.at + inside);
          check(place, inside, found);
          long word = space.lookup(place.at + inside);
          if (word != AddressSpace.NOT_MAPPED) {
            long offset = inside & (format.pageByteSize(MappedPage.level(word)) - 1);
            found = MappedPage.physicalAddress(word) + offset;
          }
          check(place, inside, word == AddressSpace.NOT_MAPPED ? word : found);
        }
      }
      looks.addAndGet(count);
    }

    private void check(Place place, long inside, long found) {
      if (found == place.physical + inside) {
        return;
      }
      if (place.kind == 1 && found == place.physical + huge + inside) {
        sawOther.incrementAndGet();
        return;
      }
      if (place.kind == 2 && found == AddressSpace.NOT_MAPPED) {
        sawNothing.incrementAndGet();
        return;
      }
      throw new AssertionError(place + " at " + inside + " was " + Long.toHexString(found));
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  @Tag("slow")
  void readersSeeOnlyWhatIsOrWas(PageFormat format) throws InterruptedException {
    try (TestTables tables = new TestTables(format, 200)) {
      Storm storm = new Storm(tables);
      List<Runnable> work = new ArrayList<>();
      for (int i = 0; i < WRITERS; i++) {
        int number = i;
        work.add(() -> storm.write(number));
        work.add(() -> storm.read(number));
      }
      Threads.runAll(work);
      assertTrue(storm.looks.get() > 0);
      assertTrue(storm.sawNothing.get() > 0, "no reader saw a place that was gone");
      assertTrue(storm.sawOther.get() > 0, "no reader saw a page that was replaced");
      assertTrue(tables.frames.freed() > STEPS / 10);
      AddressSpace space = storm.space;
      space.destroy(tables.batch);
      space.flushed(tables.batch);
      assertEquals(0, tables.inUse());
    }
  }
}
