package dev.bifolio.kernel.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// One page in the place of another, other permissions, and marks that are cleared.
class ReplaceTest {
  private static final long PAGE = 4096;
  private static final int R = PageFlags.READ;
  private static final int RW = PageFlags.READ | PageFlags.WRITE;
  private static final int USED = PageFlags.ACCESSED | PageFlags.DIRTY;

  static List<PageFormat> formats() {
    return TestTables.FORMATS;
  }

  private static void map(AddressSpace space, long at, long physical, long byteSize, int flags) {
    assertEquals(MapOutcome.MAPPED, space.map(at, physical, byteSize, flags));
  }

  // ---- Replace ----

  @ParameterizedTest
  @MethodSource("formats")
  void anotherFrameBeginsUnusedAndTheOldOneIsGoneAfterTheFlush(PageFormat format) {
    try (TestTables tables = new TestTables(format, 8)) {
      AddressSpace space = tables.space;
      Recorder recorder = new Recorder();
      FlushBatch batch = new FlushBatch(4, recorder, recorder);
      map(space, 0x3000, 0x5000, PAGE, R);
      long known = space.lookup(0x3000);
      tables.touch(space, 0x3000, PageFlags.ACCESSED); // does not make it another
      assertEquals(ReplaceOutcome.DONE, space.replace(0x3123, known, 0x9000, RW, batch));
      boolean breaks = format == Aarch64Format.INSTANCE;
      assertEquals(breaks ? List.of("flush 3000") : List.of(), recorder.take());
      assertEquals(0x9123, space.translate(0x3123));
      assertEquals(format.leaf(1, 0x9000, RW), tables.lastEntry(space, 0x3000));
      assertEquals(1, batch.count());
      assertEquals(0x3000, batch.address(0));
      assertEquals(1, space.pageCount(1));
      space.flushed(batch);
      String old = PageFlags.toString(format.expressible(R | PageFlags.ACCESSED));
      assertEquals(List.of("gone 5000 of 1 " + old), recorder.take());
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void theSameFrameKeepsWhatItSaysAndIsNotGone(PageFormat format) {
    try (TestTables tables = new TestTables(format, 8)) {
      AddressSpace space = tables.space;
      Recorder recorder = new Recorder();
      FlushBatch batch = new FlushBatch(4, recorder, recorder);
      map(space, 0x3000, 0x5000, PAGE, R);
      tables.touch(space, 0x3000, USED);
      long known = space.lookup(0x3000);
      assertEquals(ReplaceOutcome.DONE, space.replace(0x3000, known, 0x5000, RW, batch));
      assertEquals(format.leaf(1, 0x5000, RW | USED), tables.lastEntry(space, 0x3000));
      assertEquals(0, batch.breaks());
      assertEquals(1, batch.pageCount());
      space.flushed(batch);
      assertEquals(List.of(), recorder.take());
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void whoKnowsAnotherPageChangesNothing(PageFormat format) {
    try (TestTables tables = new TestTables(format, 8)) {
      AddressSpace space = tables.space;
      FlushBatch batch = tables.batch;
      long huge = format.pageByteSize(2);
      map(space, 0x3000, 0x5000, PAGE, R);
      map(space, huge, huge, huge, R);
      long known = space.lookup(0x3000);
      long knownHuge = space.lookup(huge);
      String before = tables.state(space);
      assertEquals(ReplaceOutcome.CHANGED, space.replace(0x4000, known, 0x9000, RW, batch));
      assertEquals(ReplaceOutcome.CHANGED, space.replace(0x4000, -1, 0x9000, RW, batch));
      assertEquals(ReplaceOutcome.CHANGED, space.replace(0x3000, -1, 0x9000, RW, batch));
      assertEquals(ReplaceOutcome.CHANGED, space.replace(0x3000, known + PAGE, 0x9000, RW, batch));
      assertEquals(
          ReplaceOutcome.CHANGED,
          space.replace(0x3000, known ^ PageFlags.SOFTWARE, 0x9000, RW, batch));
      assertEquals(ReplaceOutcome.CHANGED, space.replace(0x3000, knownHuge, 0x9000, RW, batch));
      assertEquals(ReplaceOutcome.MISALIGNED, space.replace(0x3000, known, 0x9800, RW, batch));
      assertEquals(ReplaceOutcome.MISALIGNED, space.replace(huge, knownHuge, PAGE, RW, batch));
      long end = 1L << format.physicalBits();
      assertEquals(ReplaceOutcome.TOO_HIGH, space.replace(0x3000, known, end, RW, batch));
      assertEquals(ReplaceOutcome.TOO_HIGH, space.replace(0x3000, known, -PAGE, RW, batch));
      assertEquals(before, tables.state(space));
      assertTrue(batch.isEmpty());
      assertEquals(ReplaceOutcome.DONE, space.replace(0x3000, known, end - PAGE, RW, batch));
      assertEquals(end - PAGE, space.translate(0x3000));
      long last = end - huge;
      assertEquals(ReplaceOutcome.DONE, space.replace(2 * huge - 1, knownHuge, last, RW, batch));
      assertEquals(end - 1, space.translate(2 * huge - 1));
      assertEquals(2, MappedPage.level(space.lookup(huge)));
      assertEquals(huge, batch.address(1));
    }
  }

  @Test
  void aarch64TakesThePageAwayWhereItMust() {
    Aarch64Format format = Aarch64Format.INSTANCE;
    try (TestTables tables = new TestTables(format, 8)) {
      AddressSpace space = tables.space;
      Recorder recorder = new Recorder();
      FlushBatch batch = new FlushBatch(4, recorder);
      recorder.onFlush = at -> assertEquals(0, tables.lastEntry(space, 0x3000));
      map(space, 0x3000, 0x5000, PAGE, RW);
      int breaks = 0;
      int[] changing = {RW | PageFlags.GLOBAL, RW | PageFlags.DEVICE, R | PageFlags.UNCACHED};
      for (int flags : changing) {
        tables.touch(space, 0x3000, USED);
        long known = space.lookup(0x3000);
        assertEquals(ReplaceOutcome.DONE, space.replace(0x3FFF, known, 0x5000, flags, batch));
        assertEquals(flags | USED, MappedPage.flags(space.lookup(0x3000)));
        assertEquals(List.of("flush 3000"), recorder.take());
        assertEquals(++breaks, batch.breaks());
      }
      long known = space.lookup(0x3000);
      int flags = RW | PageFlags.UNCACHED;
      assertEquals(ReplaceOutcome.DONE, space.replace(0x3000, known, 0x5000, flags, batch));
      assertEquals(breaks, batch.breaks());
      assertTrue(batch.hasGlobal());
    }
  }

  // ---- Protect ----

  @ParameterizedTest
  @MethodSource("formats")
  void otherPermissionsKeepWhatAPageSaysOfItsUse(PageFormat format) {
    try (TestTables tables = new TestTables(format, 8)) {
      AddressSpace space = tables.space;
      FlushBatch batch = tables.batch;
      map(space, 0, 0x8000, 4 * PAGE, RW);
      tables.touch(space, PAGE, USED);
      tables.touch(space, 2 * PAGE, PageFlags.ACCESSED);
      assertEquals(ProtectOutcome.DONE, space.protect(PAGE, 2 * PAGE, R, batch));
      assertEquals(format.leaf(1, 0x8000, RW), tables.lastEntry(space, 0));
      assertEquals(format.leaf(1, 0x9000, R | USED), tables.lastEntry(space, PAGE));
      int accessed = R | PageFlags.ACCESSED;
      assertEquals(format.leaf(1, 0xA000, accessed), tables.lastEntry(space, 2 * PAGE));
      assertEquals(format.leaf(1, 0xB000, RW), tables.lastEntry(space, 3 * PAGE));
      assertEquals(2, batch.count());
      assertEquals(PAGE, batch.address(0));
      assertEquals(2 * PAGE, batch.address(1));
      assertEquals(4, space.pageCount(1));
      assertEquals(false, batch.hasGlobal());
      assertEquals(ProtectOutcome.DONE, space.protect(0, PAGE, R | PageFlags.GLOBAL, batch));
      assertTrue(batch.hasGlobal());
      space.flushed(batch);
      assertEquals(ProtectOutcome.DONE, space.protect(0, PAGE, R, batch)); // was global
      assertTrue(batch.hasGlobal());
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void aPartOfALargePageIsProtectedAlone(PageFormat format) {
    try (TestTables tables = new TestTables(format, 8)) {
      AddressSpace space = tables.space;
      long huge = format.pageByteSize(2);
      map(space, huge, huge, huge, RW);
      assertEquals(ProtectOutcome.DONE, space.protect(huge + PAGE, 2 * PAGE, R, tables.batch));
      for (long at = 0; at < huge; at += PAGE) {
        boolean meant = at == PAGE || at == 2 * PAGE;
        assertEquals(huge + at, space.translate(huge + at));
        assertEquals(format.expressible(meant ? R : RW), MappedPage.flags(space.lookup(huge + at)));
      }
      assertEquals(CollapseOutcome.NOT_UNIFORM, space.collapse(huge, 2, tables.batch));
      assertEquals(ProtectOutcome.DONE, space.protect(huge, huge, R, tables.batch));
      assertEquals(CollapseOutcome.DONE, space.collapse(huge, 2, tables.batch));
      assertEquals(ProtectOutcome.DONE, space.protect(huge, huge, RW, tables.batch));
      assertEquals(1, space.pageCount(2));
      assertEquals(format.leaf(2, huge, RW), tables.lastEntry(space, huge));
    }
  }

  @ParameterizedTest
  @MethodSource("formats")
  void aChangeOfTheMemoryTypeBreaksWhereTheArchitectureWantsIt(PageFormat format) {
    int[][] changes = {
      {RW, R, 0},
      {RW, RW | PageFlags.EXECUTE | PageFlags.USER, 0},
      {RW, RW | PageFlags.DEVICE, 1},
      {RW | PageFlags.UNCACHED, RW, 1},
      {RW, RW | PageFlags.GLOBAL, 1},
      {RW | PageFlags.GLOBAL, RW, 1}
    };
    for (int[] change : changes) {
      try (TestTables tables = new TestTables(format, 8)) {
        AddressSpace space = tables.space;
        Recorder recorder = new Recorder();
        FlushBatch batch = new FlushBatch(4, recorder);
        map(space, 0x3000, 0x5000, PAGE, change[0]);
        tables.touch(space, 0x3000, USED);
        recorder.onFlush = at -> assertEquals(0, tables.lastEntry(space, 0x3000));
        assertEquals(ProtectOutcome.DONE, space.protect(0x3000, PAGE, change[1], batch));
        int breaks = format == Aarch64Format.INSTANCE ? change[2] : 0;
        assertEquals(breaks, batch.breaks());
        assertEquals(breaks == 1 ? List.of("flush 3000") : List.of(), recorder.take());
        assertEquals(format.leaf(1, 0x5000, change[1] | USED), tables.lastEntry(space, 0x3000));
        assertEquals(1, batch.pageCount());
      }
    }
  }

  // ---- Marks ----

  @ParameterizedTest
  @MethodSource("formats")
  void marksAreClearedOneByOneAndToldOf(PageFormat format) {
    try (TestTables tables = new TestTables(format, 8)) {
      AddressSpace space = tables.space;
      FlushBatch batch = tables.batch;
      long huge = format.pageByteSize(2);
      map(space, huge, huge, huge, RW | PageFlags.GLOBAL);
      tables.touch(space, huge, USED);
      long used = space.lookup(huge);
      assertEquals(used, space.clearUsed(huge + 5 * PAGE, PageFlags.DIRTY, batch));
      long clean = space.lookup(huge);
      assertEquals(used & ~(long) PageFlags.DIRTY, clean);
      assertEquals(1, batch.count());
      assertEquals(huge, batch.address(0));
      assertTrue(batch.hasGlobal());
      space.flushed(batch);
      assertEquals(clean, space.clearUsed(huge, PageFlags.DIRTY, batch));
      assertTrue(batch.isEmpty());
      // Only these two can be cleared.
      assertEquals(clean, space.clearUsed(huge, PageFlags.ALL, batch));
      assertEquals(clean & ~(long) USED, space.lookup(huge));
      assertEquals(clean & ~(long) USED, space.clearUsed(huge, PageFlags.ALL, batch));
      assertEquals(1, batch.pageCount());
      assertEquals(AddressSpace.NOT_MAPPED, space.clearUsed(0, USED, batch));
    }
  }
}
