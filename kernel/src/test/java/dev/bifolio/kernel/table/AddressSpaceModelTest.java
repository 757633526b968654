package dev.bifolio.kernel.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.bifolio.testkit.SplitMix64;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Random operations on each format against a map from pages to pages.
class AddressSpaceModelTest {
  private static final int STEPS = 1_000_000;
  private static final int USED = PageFlags.ACCESSED | PageFlags.DIRTY;
  private static final long PAGE = 4096;

  static List<PageFormat> formats() {
    return PageFormatTest.ALL;
  }

  /// What a page of 4 KiB is mapped to.
  private record Mapping(long physical, int flags) {}

  private static final class World {
    final TestTables tables;
    final PageFormat format;
    final SplitMix64 random;
    final TreeMap<Long, Mapping> model = new TreeMap<>();
    final long[] places;

    World(TestTables tables, long seed) {
      this.tables = tables;
      this.format = tables.format;
      this.random = new SplitMix64(seed);
      long huge = format.pageByteSize(2);
      long top = format.pageByteSize(format.levels());
      // Places in one table, in neighbours, far away, and at both ends of the addresses.
      places =
          new long[] {
            0, huge, 7 * huge, top, top + 3 * huge, lowEnd() - 8 * huge, highStart(), -8 * huge
          };
    }

    private long lowEnd() {
      long end = 1L << 62;
      while (!format.isCanonical(end - 1)) {
        end >>>= 1;
      }
      return end;
    }

    private long highStart() {
      return format.isCanonical(-1) ? -lowEnd() : 16 * format.pageByteSize(2);
    }

    private long place() {
      long at = places[random.below(places.length)] + random.below(64) * PAGE;
      at += random.oneIn(4) ? random.below(3) * format.pageByteSize(2) : 0;
      return format.isCanonical(at) ? at : at & (lowEnd() - 1);
    }

    /// Mostly some pages, now and then a large page and more.
    private long byteSize() {
      if (!random.oneIn(24)) {
        return random.oneIn(2) ? PAGE : (1 + random.below(20)) * PAGE;
      }
      return switch (random.below(3)) {
        case 0 -> format.pageByteSize(2);
        case 1 -> format.pageByteSize(2) + random.below(600) * PAGE;
        default -> 2 * format.pageByteSize(2);
      };
    }

    private int flags() {
      int flags = PageFlags.READ | random.below(PageFlags.ALL + 1);
      return format.expressible(PageFlags.require(flags));
    }

    void step() {
      long at = place();
      long size = byteSize();
      if (!format.isCanonical(at + size - 1) || (at < 0 && at + size - 1 >= 0)) {
        return;
      }
      switch (random.below(12)) {
        case 0, 1, 2, 3 -> map(at, size);
        case 4 -> unmapAll(at, size);
        case 5, 6 -> unmapAny(at, size);
        case 7 -> split(at);
        case 8 -> collapse(at);
        case 9 -> replace(at);
        case 10 -> clearUsed(at);
        default -> protect(at, size);
      }
      long probe = place();
      check(probe);
      check(at);
      check(at + size - PAGE);
    }

    private void map(long at, long size) {
      long huge = format.pageByteSize(2);
      long physical = random.below(1 << 16) * PAGE;
      physical = random.oneIn(2) ? physical : (physical & -huge) | (at & (huge - 1));
      int flags = flags();
      int level = 1 + random.below(format.largestLeafLevel());
      boolean isFree = model.subMap(at, at + size).isEmpty();
      MapOutcome outcome;
      if (random.oneIn(4)) {
        long unit = format.pageByteSize(level);
        boolean fits = ((at | physical | size) & (unit - 1)) == 0;
        outcome = tables.space.mapExact(at, physical, size, flags, level);
        if (!fits || (isFree && outcome == MapOutcome.TABLE_IN_THE_WAY)) {
          assertEquals(fits ? MapOutcome.TABLE_IN_THE_WAY : MapOutcome.MISALIGNED, outcome);
          return;
        }
      } else {
        outcome = tables.space.map(at, physical, size, flags, level);
      }
      assertEquals(isFree ? MapOutcome.MAPPED : MapOutcome.ALREADY_MAPPED, outcome);
      for (long page = 0; isFree && page < size; page += PAGE) {
        model.put(at + page, new Mapping(physical + page, flags));
      }
    }

    private boolean isWhole(long at, long size) {
      return model.subMap(at, at + size).size() == size / PAGE;
    }

    private void unmapAll(long at, long size) {
      boolean whole = isWhole(at, size);
      UnmapOutcome outcome = tables.space.unmap(at, size, tables.batch);
      assertEquals(whole ? UnmapOutcome.DONE : UnmapOutcome.NOT_MAPPED, outcome);
      if (whole) {
        model.subMap(at, at + size).clear();
      }
      flush();
    }

    private void unmapAny(long at, long size) {
      assertEquals(
          UnmapOutcome.DONE, tables.space.unmapAny(at, size, random.oneIn(4), tables.batch));
      model.subMap(at, at + size).clear();
      flush();
    }

    private void protect(long at, long size) {
      int flags = flags();
      boolean whole = isWhole(at, size);
      ProtectOutcome outcome = tables.space.protect(at, size, flags, tables.batch);
      assertEquals(whole ? ProtectOutcome.DONE : ProtectOutcome.NOT_MAPPED, outcome);
      if (whole) {
        model
            .subMap(at, at + size)
            .replaceAll((page, old) -> new Mapping(old.physical, flags | (old.flags & USED)));
      }
      flush();
    }

    private void split(long at) {
      int level = 1 + random.below(format.largestLeafLevel());
      SplitOutcome outcome = tables.space.split(at, level, tables.batch);
      assertEquals(model.containsKey(at) ? SplitOutcome.DONE : SplitOutcome.NOT_MAPPED, outcome);
      if (outcome == SplitOutcome.DONE) {
        assertTrue(MappedPage.level(tables.space.lookup(at)) <= level);
      }
      flush();
    }

    private void collapse(long at) {
      long size = format.pageByteSize(2);
      SortedMap<Long, Mapping> pages = model.subMap(at & -size, (at & -size) + size);
      CollapseOutcome outcome = tables.space.collapse(at, 2, tables.batch);
      if (!pages.containsKey(at & -size)) {
        assertTrue(outcome != CollapseOutcome.DONE, outcome.name());
        return;
      }
      assertEquals(isOneRun(pages) ? CollapseOutcome.DONE : CollapseOutcome.NOT_UNIFORM, outcome);
      if (outcome == CollapseOutcome.DONE) {
        int used = 0;
        for (Mapping page : pages.values()) {
          used |= page.flags & USED;
        }
        int all = used;
        pages.replaceAll((page, old) -> new Mapping(old.physical, old.flags | all));
        assertEquals(2, MappedPage.level(tables.space.lookup(at)));
      }
      flush();
    }

    private boolean isOneRun(SortedMap<Long, Mapping> pages) {
      long size = format.pageByteSize(2);
      long start = pages.firstKey();
      Mapping first = pages.get(start);
      if (pages.size() != size / PAGE || (first.physical & (size - 1)) != 0) {
        return false;
      }
      return pages.entrySet().stream()
          .allMatch(page ->
              page.getValue().physical - first.physical == page.getKey() - start
                  && ((page.getValue().flags ^ first.flags) & ~USED) == 0);
    }

    private void replace(long at) {
      long word = tables.space.lookup(at);
      if (word == AddressSpace.NOT_MAPPED) {
        assertEquals(
            ReplaceOutcome.CHANGED, tables.space.replace(at, word, 0, flags(), tables.batch));
        return;
      }
      long size = format.pageByteSize(MappedPage.level(word));
      int flags = flags();
      long same = MappedPage.physicalAddress(word);
      long physical = random.oneIn(3) ? same : random.below(1 << 5) * size;
      boolean stale = random.oneIn(4);
      long expected = stale ? word ^ PageFlags.SOFTWARE : word ^ PageFlags.ACCESSED;
      assertEquals(
          stale ? ReplaceOutcome.CHANGED : ReplaceOutcome.DONE,
          tables.space.replace(at, expected, physical, flags, tables.batch));
      if (!stale) {
        int kept = physical == same ? MappedPage.flags(word) & USED : 0;
        long start = at & -size;
        model
            .subMap(start, start + size)
            .replaceAll((page, old) -> new Mapping(physical + (page - start), flags | kept));
      }
      flush();
    }

    private void clearUsed(long at) {
      int bits = random.below(4) * PageFlags.ACCESSED;
      long before = tables.space.lookup(at);
      assertEquals(before, tables.space.clearUsed(at, bits, tables.batch));
      if (before != AddressSpace.NOT_MAPPED) {
        long size = format.pageByteSize(MappedPage.level(before));
        model
            .subMap(at & -size, (at & -size) + size)
            .replaceAll((page, old) -> new Mapping(old.physical, old.flags & ~bits));
      }
      flush();
    }

    private void flush() {
      if (random.oneIn(3)) {
        tables.space.flushed(tables.batch);
      }
    }

    void check(long at) {
      Mapping expected = model.get(at & -PAGE);
      long found = tables.space.translate(at);
      long wanted = expected == null ? -1 : expected.physical + (at & (PAGE - 1));
      long word = tables.space.lookup(at);
      if (found == wanted && (expected == null) == (word == -1)) {
        if (expected == null) {
          return;
        }
        long inside = at & (format.pageByteSize(MappedPage.level(word)) - 1);
        if (MappedPage.physicalAddress(word) + inside == wanted
            && MappedPage.flags(word) == expected.flags) {
          return;
        }
      }
      fail(
          Long.toHexString(at)
              + ": "
              + expected
              + ", translated to "
              + Long.toHexString(found)
              + ", looked up "
              + Long.toHexString(word));
    }

    void checkAll() {
      for (long at : model.keySet()) {
        check(at + random.below((int) PAGE));
      }
      long bytes = 0;
      for (int level = 1; level <= format.largestLeafLevel(); level++) {
        bytes += tables.space.pageCount(level) * format.pageByteSize(level);
      }
      assertEquals(model.size() * PAGE, bytes);
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  @Tag("slow")
  void randomOperationsDoWhatAMapDoes(PageFormat format) {
    try (TestTables tables = new TestTables(format, 4000)) {
      int atFirst = tables.inUse();
      World world = new World(tables, 1);
      for (int step = 0; step < STEPS; step++) {
        world.step();
        if (step % 20_000 == 0) {
          world.checkAll();
        }
      }
      world.checkAll();
      assertTrue(tables.space.tableCount() > format.rootCount());
      for (long page : world.model.keySet().toArray(new Long[0])) {
        assertEquals(UnmapOutcome.DONE, tables.space.unmap(page, PAGE, tables.batch));
      }
      tables.space.flushed(tables.batch);
      // Nothing is mapped; what is left are tables that somebody wanted kept.
      long half = world.lowEnd();
      assertEquals(UnmapOutcome.DONE, tables.space.unmapAny(0, half, false, tables.batch));
      if (format.isCanonical(-1)) {
        assertEquals(UnmapOutcome.DONE, tables.space.unmapAny(-half, half, false, tables.batch));
      }
      tables.space.flushed(tables.batch);
      assertEquals(atFirst, tables.inUse());
      assertEquals(format.rootCount(), tables.space.tableCount());
      for (int level = 1; level <= format.largestLeafLevel(); level++) {
        assertEquals(0, tables.space.pageCount(level));
      }
    }
  }
}
