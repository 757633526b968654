package dev.bifolio.kernel.virtual;

import static dev.bifolio.kernel.virtual.UserWorld.BASE;
import static dev.bifolio.kernel.virtual.UserWorld.PAGE;
import static dev.bifolio.kernel.virtual.UserWorld.RW;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.table.MappedPage;
import dev.bifolio.kernel.table.PageFlags;
import dev.bifolio.kernel.virtual.UserWorld.Program;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// Areas with a backing: shared and private ones.
class UserFilesTest {
  private static final int SHARED = RW | AreaFlags.SHARED;
  private static final int BYTES = 5 * 4096 + 100;

  private final UserWorld world = new UserWorld(300);
  private final long atFirst = world.frames.inUse();
  private final HeapStore store = new HeapStore(BYTES);
  private final int file = world.file(store);
  private final BackedPages pages = world.pages(file);
  private final Program one = world.program();
  private final Program two = world.program();

  @AfterEach
  void close() {
    one.close();
    two.close();
    assertEquals(atFirst, world.inUse());
    world.close();
  }

  private void map(Program program, int flags) {
    assertEquals(InsertOutcome.INSERTED, program.space.map(BASE, BASE + 6 * PAGE, flags, file, 0));
  }

  private long inFile(long at) {
    long value = 0;
    for (int i = 7; i >= 0; i--) {
      long byteAt = at + i;
      value = value << 8 | (byteAt < BYTES ? store.bytes[(int) byteAt] & 0xFF : 0);
    }
    return value;
  }

  @Test
  void aPageIsReadWhenItIsTouchedAndOnceForAll() {
    map(one, SHARED);
    map(two, RW);
    assertEquals(0, store.reads);
    for (int page = 0; page < 6; page++) {
      assertEquals(inFile(page * PAGE + 8), one.load(BASE + page * PAGE + 8));
    }
    assertEquals(6, store.reads);
    for (int page = 0; page < 6; page++) {
      assertEquals(inFile(page * PAGE + 16), two.load(BASE + page * PAGE + 16));
      assertEquals(
          one.tables.translate(BASE + page * PAGE), two.tables.translate(BASE + page * PAGE));
    }
    assertEquals(6, store.reads);
    assertEquals(6, pages.pageCount());
    assertEquals(0, one.load(BASE + BYTES + 8 & -8));
    assertEquals(3, world.sharers.count(one.tables.translate(BASE) >>> 12));
  }

  @Test
  void aSharedStoreIsSeenByAllAndWrittenBySync() {
    map(one, SHARED);
    map(two, SHARED);
    two.load(BASE + PAGE);
    one.store(BASE + PAGE, 12345);
    assertEquals(12345, two.load(BASE + PAGE));
    assertNotEquals(12345, inFile(PAGE));
    assertEquals(SyncOutcome.SYNCED, one.space.sync(BASE, BASE + 6 * PAGE));
    assertEquals(12345, inFile(PAGE));
    assertEquals(1, store.writes);
    // Nothing has changed since.
    assertEquals(SyncOutcome.SYNCED, one.space.sync(BASE, BASE + 6 * PAGE));
    assertEquals(SyncOutcome.SYNCED, two.space.sync(BASE, BASE + 6 * PAGE));
    assertEquals(1, store.writes);
    one.store(BASE + PAGE, 54321);
    assertEquals(FaultOutcome.MADE_WRITABLE, one.last);
    assertEquals(SyncOutcome.SYNCED, one.space.sync(BASE + PAGE, BASE + 2 * PAGE));
    assertEquals(54321, inFile(PAGE));
    assertEquals(2, store.writes);
  }

  @Test
  void syncWritesTheRangeAndNoMore() {
    map(one, SHARED);
    for (int page = 0; page < 6; page++) {
      one.store(BASE + page * PAGE, 100 + page);
    }
    assertEquals(SyncOutcome.SYNCED, one.space.sync(BASE + 2 * PAGE, BASE + 4 * PAGE));
    assertEquals(2, store.writes);
    for (int page = 0; page < 6; page++) {
      boolean isWritten = page == 2 || page == 3;
      assertEquals(isWritten, inFile(page * PAGE) == 100 + page);
    }
    assertEquals(SyncOutcome.NOT_A_RANGE, one.space.sync(BASE + 1, BASE + PAGE));
  }

  @Test
  void syncDoesNotWriteWhatOthersHaveStoredBeyondItsRange() {
    map(one, SHARED);
    for (int page = 0; page < 6; page++) {
      one.store(BASE + page * PAGE, 100 + page);
    }
    one.space.unmap(BASE, BASE + 6 * PAGE); // all are dirty in the backing
    map(two, SHARED);
    assertEquals(SyncOutcome.SYNCED, two.space.sync(BASE + PAGE, BASE + 3 * PAGE));
    assertEquals(2, store.writes);
    assertEquals(101, inFile(PAGE));
    assertEquals(102, inFile(2 * PAGE));
    assertEquals(4, pages.dropAll());
  }

  @Test
  void aPrivateStoreIsNotSeenByAnybodyElse() {
    map(one, RW);
    map(two, SHARED);
    assertEquals(inFile(0), one.load(BASE));
    one.store(BASE, 1);
    assertEquals(FaultOutcome.COPIED, one.last);
    one.store(BASE + PAGE, 2);
    assertEquals(FaultOutcome.MAPPED, one.last);
    assertEquals(inFile(PAGE + 8), one.load(BASE + PAGE + 8));
    assertEquals(inFile(0), two.load(BASE));
    assertEquals(inFile(PAGE), two.load(BASE + PAGE));
    two.store(BASE + PAGE, 7);
    assertEquals(2, one.load(BASE + PAGE));
    assertEquals(SyncOutcome.SYNCED, one.space.sync(BASE, BASE + 6 * PAGE));
    assertEquals(0, store.writes);
  }

  @Test
  void aReadThatFailsLeavesNothing() {
    map(one, SHARED);
    map(two, RW);
    long before = world.frames.inUse();
    store.failsToRead = true;
    assertEquals(FaultOutcome.IO_ERROR, one.fail(BASE, AccessKind.LOAD));
    assertEquals(FaultOutcome.IO_ERROR, one.fail(BASE, AccessKind.STORE));
    assertEquals(FaultOutcome.IO_ERROR, two.fail(BASE, AccessKind.STORE));
    assertEquals(before, world.frames.inUse());
    assertEquals(0, pages.pageCount());
    store.failsToRead = false;
    assertEquals(inFile(0), one.load(BASE));
  }

  @Test
  void withoutMemoryNothingIsLeft() {
    map(one, SHARED);
    map(two, RW);
    long before = world.frames.inUse();
    // Three nodes of the index, the page and three tables; a copy for who stores to his own.
    for (int k = 0; k < 7; k++) {
      world.frames.serve(k);
      assertEquals(FaultOutcome.NO_MEMORY, one.fail(BASE, AccessKind.STORE));
      assertEquals(k < 4 ? 0 : 1, pages.pageCount());
      if (k == 4) {
        break;
      }
      assertEquals(before, world.frames.inUse());
    }
    before = world.frames.inUse();
    for (int k = 0; k < 4; k++) {
      world.frames.serve(k);
      assertEquals(FaultOutcome.NO_MEMORY, two.fail(BASE, AccessKind.STORE));
      assertEquals(before, world.frames.inUse());
      assertEquals(1, world.sharers.count(frameOf(BASE)));
    }
    world.frames.serve(Long.MAX_VALUE);
    one.store(BASE, 1);
    two.store(BASE, 2);
    assertEquals(1, one.load(BASE));
  }

  /// The frame of a page that the backing has, which is asked for and left again.
  private long frameOf(long at) {
    long pfn = pages.take((at - BASE) / PAGE);
    world.memory.release(pfn);
    return pfn;
  }

  @Test
  void aWriteThatFailsKeepsThePageDirty() {
    map(one, SHARED);
    one.store(BASE, 5);
    store.failsToWrite = true;
    assertEquals(SyncOutcome.IO_ERROR, one.space.sync(BASE, BASE + PAGE));
    assertEquals(SyncOutcome.IO_ERROR, one.space.sync(BASE, BASE + PAGE));
    store.failsToWrite = false;
    assertEquals(SyncOutcome.SYNCED, one.space.sync(BASE, BASE + PAGE));
    assertEquals(5, inFile(0));
    assertEquals(3, store.writes);
  }

  @Test
  void unmappingTellsTheBackingOfStores() {
    map(one, SHARED);
    one.store(BASE, 1);
    one.store(BASE + 2 * PAGE, 2);
    one.load(BASE + 3 * PAGE);
    one.space.unmap(BASE, BASE + 2 * PAGE);
    assertEquals(1, pages.writeBack(0, 6) + store.writes);
    assertEquals(1, inFile(0));
    assertEquals(4 - 1, pages.pageCount());
    one.close();
    assertEquals(0, pages.writeBack(0, 6));
    assertEquals(2, inFile(2 * PAGE));
    assertEquals(2, store.writes);
    assertTrue(one.tables.open());
  }

  @Test
  void sharedPagesStaySharedOverAForkAndPrivateOnesDoNot() {
    map(one, SHARED);
    assertEquals(
        InsertOutcome.INSERTED, one.space.map(BASE + 8 * PAGE, BASE + 9 * PAGE, RW, file, PAGE));
    one.store(BASE, 1);
    one.load(BASE + 8 * PAGE);
    assertEquals(ForkOutcome.FORKED, one.space.forkInto(two.space));
    two.store(BASE, 2);
    assertEquals(FaultOutcome.MADE_WRITABLE, two.last);
    assertEquals(2, one.load(BASE));
    one.store(BASE, 3);
    assertEquals(3, two.load(BASE));
    two.store(BASE + 8 * PAGE, 9);
    assertEquals(FaultOutcome.COPIED, two.last);
    assertEquals(inFile(PAGE), one.load(BASE + 8 * PAGE));
    assertEquals(SyncOutcome.SYNCED, two.space.sync(BASE, BASE + 9 * PAGE));
    assertEquals(3, inFile(0));
    // What the parent stored before the fork is dirty in both, so nothing is lost with either.
    one.close();
    assertTrue(one.tables.open());
  }

  @Test
  void whatIsWrittenAfterTheLookIsDirtyAgain() {
    map(one, SHARED);
    one.store(BASE, 1);
    PageStore racing =
        new PageStore() {
          @Override
          public boolean readPage(long byteOffset, long address) {
            return true;
          }

          @Override
          public boolean writePage(long byteOffset, long address) {
            // A store that comes while the page is being written.
            one.store(BASE + PAGE * 8, 2);
            return true;
          }
        };
    int other = world.file(racing);
    one.space.map(BASE + PAGE * 8, BASE + PAGE * 9, SHARED, other, 0);
    one.store(BASE + PAGE * 8, 1);
    assertEquals(SyncOutcome.SYNCED, one.space.sync(BASE + PAGE * 8, BASE + PAGE * 9));
    assertEquals(FaultOutcome.MADE_WRITABLE, one.last);
    int flags = MappedPage.flags(one.tables.lookup(BASE + PAGE * 8));
    assertEquals(PageFlags.DIRTY | PageFlags.WRITE, flags & (PageFlags.DIRTY | PageFlags.WRITE));
  }

  @Test
  void pagesThatNobodyMapsAreGivenUp() {
    map(one, SHARED);
    for (int page = 0; page < 6; page++) {
      one.load(BASE + page * PAGE);
    }
    one.store(BASE + 5 * PAGE, 5);
    assertEquals(0, pages.shrink(10));
    one.space.unmap(BASE + 2 * PAGE, BASE + 6 * PAGE);
    assertEquals(2, pages.shrink(2));
    assertEquals(4, pages.pageCount());
    assertEquals(1, pages.shrink(10)); // the dirty one stays
    assertEquals(0, pages.writeBack(0, 6));
    assertEquals(1, pages.shrink(10));
    assertEquals(2, pages.pageCount());
    map2();
    assertEquals(5, one.load(BASE + 5 * PAGE));
  }

  private void map2() {
    one.space.map(BASE + 2 * PAGE, BASE + 6 * PAGE, SHARED, file, 2 * PAGE);
  }

  @Test
  void droppedPagesStayWithWhoMapsThem() {
    map(one, SHARED);
    one.store(BASE, 1);
    one.space.sync(BASE, BASE + PAGE);
    long pfn = one.tables.translate(BASE) >>> 12;
    assertEquals(0, pages.dropAll());
    assertEquals(1, world.sharers.count(pfn));
    assertEquals(1, one.load(BASE));
    pages.markDirty(0);
    assertEquals(0, pages.writeBack(0, 1));
    map(two, SHARED);
    two.store(BASE, 2);
    assertEquals(1, one.load(BASE));
    two.space.sync(BASE, BASE + PAGE);
    two.store(BASE, 3);
    two.space.unmap(BASE, BASE + PAGE);
    assertEquals(1, pages.dropAll()); // a dirty one is lost
  }

  @Test
  void offsetsCountFromThePlaceInTheBacking() {
    one.space.map(BASE + 3 * PAGE, BASE + 5 * PAGE, SHARED, file, 2 * PAGE);
    assertEquals(inFile(3 * PAGE + 8), one.load(BASE + 4 * PAGE + 8));
    one.space.unmap(BASE + 3 * PAGE, BASE + 4 * PAGE);
    one.store(BASE + 4 * PAGE, 77);
    one.space.sync(BASE, BASE + 6 * PAGE);
    assertEquals(77, inFile(3 * PAGE));
  }

  @Test
  void memoryThatIsNoFileIsSharedByWhoeverMapsIt() {
    int shared = world.file(new ZeroStore());
    one.space.map(BASE + 8 * PAGE, BASE + 10 * PAGE, SHARED, shared, 0);
    two.space.map(BASE + 9 * PAGE, BASE + 11 * PAGE, SHARED, shared, 0);
    assertEquals(0, one.load(BASE + 8 * PAGE));
    one.store(BASE + 8 * PAGE + 24, 4);
    assertEquals(4, two.load(BASE + 9 * PAGE + 24));
    one.space.unmap(BASE + 8 * PAGE, BASE + 10 * PAGE);
    two.space.unmap(BASE + 9 * PAGE, BASE + 11 * PAGE);
    assertEquals(0, world.pages(shared).shrink(10));
    assertEquals(1, world.pages(shared).writeBack(0, 8));
    one.space.map(BASE + 8 * PAGE, BASE + 10 * PAGE, SHARED, shared, 0);
    assertEquals(4, one.load(BASE + 8 * PAGE + 24));
  }

  @Test
  void backingsAreNumberedFromOneAndFound() {
    Backings some = new Backings(2);
    assertEquals(1, some.add(pages));
    assertEquals(2, some.add(pages));
    assertEquals(0, some.add(pages));
    some.remove(1);
    assertThrows(IllegalArgumentException.class, () -> some.get(1));
    assertThrows(IllegalArgumentException.class, () -> some.remove(1));
    assertThrows(IllegalArgumentException.class, () -> some.get(0));
    assertThrows(IllegalArgumentException.class, () -> some.get(3));
    assertEquals(1, some.add(pages));
    assertEquals(pages, some.get(2));
  }

  @Test
  void farPagesOfABackingAreIndexedToo() {
    long[] places = {0, 511, 512, 262_143, 262_144, BackingIndex.MOST_PAGES - 1};
    PageStore numbered =
        new PageStore() {
          @Override
          public boolean readPage(long byteOffset, long address) {
            Memory.putLong(address, byteOffset);
            return true;
          }

          @Override
          public boolean writePage(long byteOffset, long address) {
            return Memory.getLong(address) == byteOffset;
          }
        };
    BackedPages far = world.pages(world.file(numbered));
    long before = world.frames.inUse();
    long[] frames = new long[places.length];
    for (int i = 0; i < places.length; i++) {
      frames[i] = far.take(places[i]);
      assertEquals(places[i] << 12, Memory.getLong(world.memory.addressOf(frames[i])));
    }
    assertEquals(places.length, far.pageCount());
    // One root, three of the middle, five of pages.
    assertEquals(before + places.length + 1 + 3 + 5, world.frames.inUse());
    for (int i = 0; i < places.length; i++) {
      far.markDirty(places[i]);
    }
    assertEquals(0, far.writeBack(0, BackingIndex.MOST_PAGES));
    for (long pfn : frames) {
      assertFalse(world.memory.release(pfn));
    }
    assertEquals(places.length, far.shrink(100));
    assertEquals(before, world.frames.inUse());
    assertArrayEquals(new long[] {0, 0}, new long[] {far.shrink(1), far.dropAll()});
  }
}
