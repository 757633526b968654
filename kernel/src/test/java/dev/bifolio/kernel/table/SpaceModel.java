package dev.bifolio.kernel.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.bifolio.testkit.SplitMix64;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/// A space and a map from pages to pages, to which random operations do the same. Each outcome is
/// asserted, and what is mapped is looked at after each.
final class SpaceModel {
  private static final int USED = PageFlags.ACCESSED | PageFlags.DIRTY;
  private static final long PAGE = 4096;

  /// What a page of 4 KiB is mapped to.
  record Mapping(long physical, int flags) {}

  final TestTables tables;
  final PageFormat format;
  final SplitMix64 random;
  final TreeMap<Long, Mapping> model = new TreeMap<>();
  final long[] places;
  final Set<Enum<?>> seen = new HashSet<>();
  final AddressSpace other;
  private boolean isShared;
  private boolean isPoor;

  SpaceModel(TestTables tables, long seed) {
    this.tables = tables;
    this.format = tables.format;
    this.random = new SplitMix64(seed);
    this.other = tables.another();
    long huge = format.pageByteSize(2);
    long top = format.pageByteSize(format.levels());
    // Places in one table, in neighbours, far away, and at both ends of the addresses.
    places =
        new long[] {
          0, huge, 7 * huge, top, top + 3 * huge, lowEnd() - 8 * huge, highStart(), -8 * huge
        };
  }

  long lowEnd() {
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

  /// Writes an outcome down. One that is due to user spaces or to want of memory leaves all as it
  /// was, which the next looks show.
  private boolean isLeft(Enum<?> outcome) {
    seen.add(outcome);
    return (isShared && outcome.name().equals("TOP_IS_SHARED"))
        || (isPoor && outcome.name().equals("NO_TABLE"));
  }

  void step() {
    isPoor = random.oneIn(40);
    isShared = !isPoor && random.oneIn(200);
    tables.serve(isPoor ? 0 : Long.MAX_VALUE);
    if (isShared) {
      assertTrue(other.open(tables.space));
      if (random.oneIn(10)) {
        askInVain();
      }
    }
    change();
    if (isShared) {
      other.destroy(tables.batch);
      tables.space.flushed(tables.batch);
    }
  }

  private void change() {
    long at = place();
    long size = byteSize();
    if (!format.isCanonical(at + size - 1) || (at < 0 && at + size - 1 >= 0)) {
      return;
    }
    switch (isShared && random.oneIn(3) ? 0 : random.below(48)) {
      case 0 -> aroundALargePage(at);
      case 1 -> copy(at, size);
      case 2, 3, 4, 5 -> unmapAll(at, size);
      case 6, 7, 8, 9, 10, 11, 12, 13 -> unmapAny(at, size);
      case 14, 15, 16, 17 -> split(at);
      case 18, 19, 20, 21 -> collapse(at);
      case 22, 23, 24, 25 -> replace(at);
      case 26, 27, 28, 29 -> clearUsed(at);
      case 30, 31, 32, 33 -> protect(at, size);
      case 34 -> mapFrames(at, size);
      default -> map(at, size);
    }
    long probe = place();
    check(probe);
    check(at);
    check(at + size - PAGE);
  }

  private void map(long place, long byteSize) {
    boolean isLarge = random.oneIn(40);
    long at = isLarge ? place & -format.pageByteSize(2) : place;
    long size = isLarge ? format.pageByteSize(2) : byteSize;
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
      if (isLeft(outcome)) {
        return;
      }
      if (!fits || (isFree && outcome == MapOutcome.TABLE_IN_THE_WAY)) {
        assertEquals(fits ? MapOutcome.TABLE_IN_THE_WAY : MapOutcome.MISALIGNED, outcome);
        return;
      }
    } else {
      outcome = tables.space.map(at, physical, size, flags, level);
    }
    if (isLeft(outcome)) {
      return;
    }
    assertEquals(isFree ? MapOutcome.MAPPED : MapOutcome.ALREADY_MAPPED, outcome);
    for (long page = 0; isFree && page < size; page += PAGE) {
      model.put(at + page, new Mapping(physical + page, flags));
    }
  }

  /// Frames from everywhere, some of them more than once.
  private void mapFrames(long at, long size) {
    int count = (int) (size / PAGE);
    int offset = random.below(3);
    long[] pfns = new long[offset + count + random.below(3)];
    Arrays.setAll(pfns, i -> random.below(1 << 16));
    int flags = flags();
    boolean isFree = model.subMap(at, at + size).isEmpty();
    MapOutcome outcome = tables.space.mapFrames(at, pfns, offset, count, flags);
    if (isLeft(outcome)) {
      return;
    }
    assertEquals(isFree ? MapOutcome.MAPPED : MapOutcome.ALREADY_MAPPED, outcome);
    for (int i = 0; isFree && i < count; i++) {
      model.put(at + i * PAGE, new Mapping(pfns[offset + i] * PAGE, flags));
    }
  }

  /// A large page, and something that is done to a part of it.
  private void aroundALargePage(long place) {
    long huge = format.pageByteSize(2);
    long at = place & -huge;
    if (!isShared) {
      unmapAny(at, huge);
      long physical = random.below(1 << 6) * huge;
      int flags = flags();
      MapOutcome outcome =
          random.oneIn(2)
              ? tables.space.mapExact(at, physical, huge, flags, 2)
              : tables.space.map(at, physical, huge, flags, 2);
      if (isLeft(outcome) || outcome == MapOutcome.TABLE_IN_THE_WAY) {
        return;
      }
      assertEquals(MapOutcome.MAPPED, outcome);
      for (long page = 0; page < huge; page += PAGE) {
        model.put(at + page, new Mapping(physical + page, flags));
      }
    }
    long part = at + random.below((int) (huge / PAGE)) * PAGE;
    switch (random.below(4)) {
      case 0 -> split(part);
      case 1 -> protect(part, PAGE);
      case 2 -> unmapAll(part, PAGE);
      default -> replace(part);
    }
  }

  private boolean isWhole(long at, long size) {
    return model.subMap(at, at + size).size() == size / PAGE;
  }

  private void unmapAll(long at, long size) {
    boolean whole = isWhole(at, size);
    UnmapOutcome outcome = tables.space.unmap(at, size, tables.batch);
    if (isLeft(outcome)) {
      return;
    }
    assertEquals(whole ? UnmapOutcome.DONE : UnmapOutcome.NOT_MAPPED, outcome);
    if (whole) {
      model.subMap(at, at + size).clear();
    }
    flush();
  }

  private void unmapAny(long at, long size) {
    UnmapOutcome outcome = tables.space.unmapAny(at, size, random.oneIn(4), tables.batch);
    if (isLeft(outcome)) {
      return;
    }
    assertEquals(UnmapOutcome.DONE, outcome);
    model.subMap(at, at + size).clear();
    flush();
  }

  private void protect(long at, long size) {
    int flags = flags();
    boolean whole = isWhole(at, size);
    ProtectOutcome outcome = tables.space.protect(at, size, flags, tables.batch);
    if (isLeft(outcome)) {
      return;
    }
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
    if (isLeft(outcome)) {
      return;
    }
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
    if (isLeft(outcome)) {
      return;
    }
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
      ReplaceOutcome outcome = tables.space.replace(at, word, 0, flags(), tables.batch);
      assertEquals(ReplaceOutcome.CHANGED, outcome);
      return;
    }
    long size = format.pageByteSize(MappedPage.level(word));
    int flags = flags();
    long same = MappedPage.physicalAddress(word);
    long physical = random.oneIn(3) ? same : random.below(1 << 5) * size;
    boolean stale = random.oneIn(4);
    long expected = stale ? word ^ PageFlags.SOFTWARE : word ^ PageFlags.ACCESSED;
    ReplaceOutcome outcome = tables.space.replace(at, expected, physical, flags, tables.batch);
    if (isLeft(outcome)) {
      return;
    }
    assertEquals(stale ? ReplaceOutcome.CHANGED : ReplaceOutcome.DONE, outcome);
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
    boolean isCopied = isShared && format.rootCount() == 1 && format.isKernelHalf(at);
    if (before != AddressSpace.NOT_MAPPED
        && !(isCopied && MappedPage.level(before) == format.levels())) {
      long size = format.pageByteSize(MappedPage.level(before));
      model
          .subMap(at & -size, (at & -size) + size)
          .replaceAll((page, old) -> new Mapping(old.physical, old.flags & ~bits));
    }
    flush();
  }

  /// Copies into a space that is made for it, and has one page already now and then.
  private void copy(long at, long size) {
    if (isShared || isPoor) {
      return;
    }
    assertTrue(other.open());
    long taken = at + random.below(40) * PAGE;
    boolean hasOne = random.oneIn(3) && format.isCanonical(taken);
    if (hasOne) {
      assertEquals(MapOutcome.MAPPED, other.map(taken, 0, PAGE, PageFlags.READ));
    }
    CopyMode mode = List.of(CopyMode.values()).get(random.below(3));
    CountedSharers sharers = mode == CopyMode.ALIAS ? null : new CountedSharers(1000);
    if (sharers != null && random.oneIn(3)) {
      sharers.serve(random.below(4));
    }
    if (random.oneIn(4)) {
      tables.serve(random.below(3));
    }
    CopyOutcome outcome = tables.space.copyTo(other, at, size, mode, sharers, tables.batch);
    seen.add(outcome);
    tables.serve(Long.MAX_VALUE);
    SortedMap<Long, Mapping> pages = model.subMap(at, at + size);
    if (outcome == CopyOutcome.DONE && mode == CopyMode.COPY_ON_WRITE) {
      pages.replaceAll((page, old) -> new Mapping(old.physical, guarded(old.flags)));
    }
    boolean collides = hasOne && pages.containsKey(taken);
    if (outcome == CopyOutcome.DONE) {
      assertTrue(!collides);
      pages.forEach((page, mapping) -> {
        long word = other.lookup(page);
        long inside = page & (format.pageByteSize(MappedPage.level(word)) - 1);
        assertEquals(mapping.physical, MappedPage.physicalAddress(word) + inside);
        assertEquals(mapping.flags, MappedPage.flags(word));
      });
    } else if (outcome == CopyOutcome.ALREADY_MAPPED) {
      assertTrue(collides);
    }
    long expected = (outcome == CopyOutcome.DONE ? pages.size() : 0L) + (hasOne ? 1 : 0);
    assertEquals(expected * PAGE, bytes(other));
    other.destroy(tables.batch);
    tables.space.flushed(tables.batch);
  }

  private static int guarded(int flags) {
    return (flags & PageFlags.WRITE) == 0
        ? flags
        : (flags & ~PageFlags.WRITE) | PageFlags.COPY_ON_WRITE;
  }

  private long bytes(AddressSpace of) {
    long bytes = 0;
    for (int level = 1; level <= format.largestLeafLevel(); level++) {
      bytes += of.pageCount(level) * format.pageByteSize(level);
    }
    return bytes;
  }

  /// What no space does: addresses that are none, and the kernel's half from a user space.
  private void askInVain() {
    AddressSpace space = tables.space;
    FlushBatch batch = tables.batch;
    long end = 1L << format.physicalBits();
    seen.add(space.map(0, end, PAGE, PageFlags.READ));
    long word = space.lookup(0);
    if (word != AddressSpace.NOT_MAPPED) {
      seen.add(space.replace(0, word, end, PageFlags.READ, batch));
      seen.add(space.replace(0, word, 1, PageFlags.READ, batch));
    }
    seen.add(space.map(1, 0, PAGE, PageFlags.READ));
    seen.add(space.unmap(1, PAGE, batch));
    seen.add(space.protect(1, PAGE, PageFlags.READ, batch));
    seen.add(space.copyTo(other, 1, PAGE, CopyMode.ALIAS, null, batch));
    long high = format.isCanonical(-1) ? -PAGE : 0xFFFF_F000L;
    if (format.rootCount() == 1) {
      long unused = high - 40 * format.pageByteSize(format.levels());
      seen.add(space.map(unused & -PAGE, 0, PAGE, PageFlags.READ));
    }
    for (long at : new long[] {1L << 60, high}) {
      AddressSpace of = at == high ? other : space;
      seen.add(of.map(at, 0, PAGE, PageFlags.READ));
      seen.add(of.unmap(at, PAGE, batch));
      seen.add(of.protect(at, PAGE, PageFlags.READ, batch));
      seen.add(of.split(at, 1, batch));
      seen.add(of.collapse(at, 2, batch));
      seen.add(of.replace(at, -1, 0, PageFlags.READ, batch));
      seen.add(space.copyTo(other, at, PAGE, CopyMode.ALIAS, null, batch));
    }
  }

  /// Outcomes that a run can have: of the top entries that user spaces copy only where there are
  /// some, and for other changes than a map only where the test has pages of that size.
  Set<Enum<?>> possible() {
    Set<Enum<?>> all = new HashSet<>();
    all.addAll(Arrays.asList(MapOutcome.values()));
    all.addAll(Arrays.asList(UnmapOutcome.values()));
    all.addAll(Arrays.asList(ProtectOutcome.values()));
    all.addAll(Arrays.asList(SplitOutcome.values()));
    all.addAll(Arrays.asList(CollapseOutcome.values()));
    all.addAll(Arrays.asList(ReplaceOutcome.values()));
    all.addAll(Arrays.asList(CopyOutcome.values()));
    all.remove(CopyOutcome.TOP_IS_SHARED); // the targets of this test have no user spaces
    all.removeIf(outcome ->
        outcome.name().equals("TOP_IS_SHARED")
            && (format.rootCount() > 1 || outcome != MapOutcome.TOP_IS_SHARED)
            && format.levels() > 2);
    return all;
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
    assertEquals(model.size() * PAGE, bytes(tables.space));
  }
}
