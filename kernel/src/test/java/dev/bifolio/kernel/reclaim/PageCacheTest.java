package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.testkit.SplitMix64;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// What a page cache keeps, gives up, writes and says.
class PageCacheTest extends PageCacheFixture {
  @Test
  void illegalCapacitiesAndAddressesAreRefused() {
    assertThrows(IllegalArgumentException.class, () -> PageCache.byteSize(0));
    assertThrows(IllegalArgumentException.class, () -> PageCache.byteSize((1 << 28) + 1));
    assertTrue(PageCache.byteSize(1 << 28) > 1L << 32);
    assertEquals(64 + PageIndex.byteSize(1), PageCache.byteSize(1));
    for (long address : new long[] {0, -8, 12}) {
      assertThrows(
          IllegalArgumentException.class,
          () -> new PageCache(address, 1, -1, frames, backing, 0, null));
    }
    assertThrows(
        IllegalArgumentException.class, () -> new PageCache(64, 0, -1, frames, backing, 0, null));
  }

  @Test
  void whereAPageIsInTheTableFollowsFromTheSeed() {
    int capacity = 1000;
    long byNode = PageIndex.defaultSeed(capacity, 3);
    assertEquals(homeOf(byNode, 1, 7), placeOf(open(capacity, 1, 3, null), wordsAddress, capacity));
    for (long seed : new long[] {0, 1, -1}) {
      long address = memory.reserve(PageCache.byteSize(capacity));
      frames.free.add(FIRST_FRAME);
      cache = new PageCache(address, capacity, 3, frames, backing, physToVirt, null, seed);
      assertEquals(homeOf(seed, 1, 7), placeOf(cache, address, capacity));
    }
  }

  private int homeOf(long seed, int file, long page) {
    return new PageIndex(memory.reserve(PageIndex.byteSize(1000)), 1000, seed).home(file, page);
  }

  /// Where page 7 of file 1 is, the only one, found without the cache's help.
  private static int placeOf(PageCache cache, long address, int capacity) {
    assertTrue(cache.get(1, 7) >= 0);
    cache.release(1, 7, false);
    int found = -1;
    long table = address + 64 + 64 + capacity * 24L;
    for (int place = 0; place < Integer.highestOneBit(capacity) << 2; place++) {
      if (Memory.getInt(table + place * 4L) != 0) {
        assertEquals(-1, found);
        found = place;
      }
    }
    assertEquals(1, cache.shrink(-1, 1));
    return found;
  }

  @Test
  void aPageIsReadOnceAndFoundAgain() {
    open(4, 4);
    long pfn = cache.get(1, 7);
    assertEquals(pfn, cache.get(1, 7));
    assertEquals("r1.7", done());
    assertEquals(AllocationFlags.MOVABLE, frames.flagsSeen);
    assertEquals(1, cache.counters().hits());
    assertEquals(1, cache.counters().misses());
    assertEquals(1, cache.counters().pages());
    assertEquals(0, cache.countFrames(-1));
    cache.release(1, 7, false);
    assertEquals(0, cache.countFrames(-1));
    cache.release(1, 7, false);
    assertEquals(1, cache.countFrames(-1));
    assertThrows(IllegalArgumentException.class, () -> cache.release(1, 7, false));
    assertThrows(IllegalArgumentException.class, () -> cache.release(2, 7, true));
    assertEquals(0, cache.sync(), "a refused release made it dirty");
    assertEquals("", done());
  }

  @Test
  void filesWithTheSamePagesAreKeptApart() {
    open(8, 8);
    change(1, 7, 11);
    change(-1, 7, 12);
    change(0, 7, 13);
    assertEquals(11, touch(1, 7));
    assertEquals(12, touch(-1, 7));
    assertEquals(13, touch(0, 7));
    assertEquals(3, cache.counters().pages());
  }

  @Test
  void thePageThatWasNotUsedForARoundOfTheHandGoesFirst() {
    open(4, 4);
    for (int page = 0; page < 4; page++) {
      touch(1, page);
    }
    touch(1, 4); // the hand clears 0 1 2 3 and takes 0; it stands at 1
    touch(1, 2); // referenced again
    touch(1, 5); // takes 1
    touch(1, 6); // passes 2, takes 3
    touch(1, 7); // passes 4, which is in the place of 0, and 5; takes 2
    assertEquals("r1.0 r1.1 r1.2 r1.3 r1.4 r1.5 r1.6 r1.7", done());
    assertEquals(4, cache.counters().evictions());
    for (int page : new int[] {4, 5, 6, 7}) {
      touch(1, page);
    }
    assertEquals("", done());
    touch(1, 2);
    assertEquals("r1.2", done());
  }

  @Test
  void aHitGivesAPageASecondChance() {
    open(3, 3);
    for (int page = 0; page < 3; page++) {
      touch(1, page);
    }
    assertEquals(1, cache.shrink(-1, 1)); // all lose theirs, and 0 goes
    touch(1, 1);
    assertEquals(1, cache.shrink(-1, 1)); // passes 1, and 2 goes
    touch(1, 1);
    assertEquals("r1.0 r1.1 r1.2", done());
    touch(1, 2);
    assertEquals("r1.2", done());
  }

  @Test
  void frameZeroIsAFrameAsAnyOther() {
    wordsAddress = memory.reserve(PageCache.byteSize(2));
    long bytes = memory.reserve(4096);
    cache = new PageCache(wordsAddress, 2, -1, frames, backing, bytes, null);
    frames.free.add(0L);
    assertEquals(bytes, cache.bytesOf(0));
    for (boolean dirty : new boolean[] {false, true, false}) {
      assertEquals(0, cache.get(1, 0));
      cache.release(1, 0, dirty);
      assertEquals(0, cache.get(1, 1), "the only frame");
      cache.release(1, 1, dirty);
      assertEquals(1, cache.shrink(-1, 2));
      assertTrue(frames.out.isEmpty());
    }
    assertEquals(6, cache.counters().evictions());
    assertEquals(2, cache.counters().writes());
    assertEquals(0, cache.get(1, 0));
    cache.release(1, 0, false);
    assertEquals(0, cache.drop(1));
    assertTrue(frames.out.isEmpty());
    backing.failsToRead = true;
    assertEquals(PageCache.READ_FAILED, cache.get(1, 0));
    assertTrue(frames.out.isEmpty());
  }

  @Test
  void aPageInUseIsNotGivenUp() {
    open(2, 2);
    long first = cache.get(1, 0);
    touch(1, 1);
    touch(1, 2);
    touch(1, 3);
    assertEquals(first, cache.get(1, 0));
    assertEquals("r1.0 r1.1 r1.2 r1.3", done());
    long third = cache.get(1, 3);
    assertEquals(PageCache.NO_FRAME, cache.get(1, 4));
    assertEquals(0, cache.shrink(-1, 5));
    assertEquals(0, cache.countFrames(-1));
    assertEquals(2, frames.out.size());
    cache.release(1, 3, false);
    assertEquals(third, cache.get(1, 4));
  }

  @Test
  void whenTheSourceIsEmptyAPageOfItsOwnGoes() {
    open(10, 3);
    for (int page = 0; page < 9; page++) {
      touch(1, page);
    }
    assertEquals(3, cache.counters().pages());
    assertEquals(6, cache.counters().evictions());
    assertEquals(3, frames.out.size());
  }

  @Test
  void withoutAnyFrameThereIsNone() {
    open(10, 0);
    assertEquals(PageCache.NO_FRAME, cache.get(1, 1));
    assertEquals(0, cache.counters().pages());
    assertEquals("", done());
  }

  @Test
  void aDirtyPageIsWrittenBeforeItGoes() {
    open(2, 2);
    change(1, 0, 5);
    touch(1, 1);
    touch(1, 2);
    assertEquals("r1.0 r1.1 w1.0 r1.2", done());
    touch(1, 3);
    assertEquals("r1.3", done());
    assertEquals(5, touch(1, 0));
    assertEquals(1, cache.counters().writes());
    assertEquals(0, cache.counters().failedWrites());
  }

  @Test
  void aCleanReleaseDoesNotMakeADirtyPageClean() {
    open(2, 2);
    change(1, 0, 5);
    touch(1, 0);
    assertEquals(0, cache.sync());
    assertEquals("r1.0 w1.0", done());
    assertEquals(0, cache.sync());
    assertEquals("", done());
  }

  @Test
  void aPageThatCannotBeWrittenStaysAndIsTriedAgain() {
    open(2, 2);
    change(1, 0, 5);
    change(1, 1, 6);
    backing.failsToWrite = true;
    assertEquals(PageCache.NO_FRAME, cache.get(1, 2));
    long failed = cache.counters().failedWrites();
    assertTrue(failed >= 2 && failed <= 8, failed + " writes");
    assertEquals(2, cache.sync());
    assertEquals(failed + 2, cache.counters().failedWrites());
    assertEquals(0, cache.counters().evictions());
    backing.failsToWrite = false;
    assertEquals(2, cache.shrink(-1, 9));
    assertEquals(2, cache.counters().evictions());
    assertEquals(5, touch(1, 0));
    assertEquals(6, touch(1, 1));
  }

  @Test
  void anEvictionGivesUpAfterEightFailedWrites() {
    open(20, 20);
    for (int page = 0; page < 20; page++) {
      change(1, page, 9);
    }
    backing.failsToWrite = true;
    assertEquals(0, cache.shrink(-1, 3));
    assertEquals(8, cache.counters().failedWrites());
    assertEquals(20, cache.counters().pages());
  }

  @Test
  void aPageThatCannotBeReadLeavesNothingBehind() {
    open(2, 2);
    backing.failsToRead = true;
    assertEquals(PageCache.READ_FAILED, cache.get(1, 0));
    assertEquals(0, cache.counters().pages());
    assertEquals(0, frames.out.size());
    assertEquals(1, cache.counters().failedReads());
    backing.failsToRead = false;
    assertEquals(0, touch(1, 0));
    assertEquals(1, cache.countFrames(-1));
  }

  @Test
  void whatTheBackingThrowsLeavesThePageAsAfterAFailure() {
    open(2, 2);
    change(1, 0, 3);
    backing.during =
        () -> {
          throw new IllegalStateException("device gone");
        };
    assertThrows(IllegalStateException.class, () -> cache.get(1, 1));
    assertThrows(IllegalStateException.class, () -> cache.sync());
    assertThrows(IllegalStateException.class, () -> cache.shrink(-1, 1));
    assertEquals(1, cache.counters().pages());
    assertEquals(1, frames.out.size());
    assertEquals(2, cache.counters().failedWrites());
    backing.during = () -> {};
    assertEquals(0, cache.sync());
    assertEquals(3, backing.versions.get(HeapBacking.key(1, 0)));
    assertEquals(0, touch(1, 1));
  }

  @Test
  void aPageIsFoundBehindManyThatMayNotGo() {
    int pages = 100; // more than the hand passes at a time
    open(1000, pages + 1);
    for (int page = 0; page < pages; page++) {
      assertTrue(cache.get(1, page) >= 0);
    }
    assertEquals(0, cache.shrink(-1, 1));
    cache.release(1, 98, false);
    assertEquals(1, cache.shrink(-1, 2));
    cache.release(1, 3, true);
    touch(1, 200);
    assertEquals(2, cache.shrink(-1, 3), "beginning behind both");
    assertEquals(3, cache.counters().evictions());
    assertTrue(done().endsWith("r1.99 r1.200 w1.3"));
  }

  @Test
  void framesAreGivenBackAsManyAsAreWanted() {
    open(8, 8);
    for (int page = 0; page < 8; page++) {
      touch(1, page);
    }
    assertEquals(3, cache.shrink(-1, 3));
    assertEquals(5, cache.counters().pages());
    assertEquals(5, frames.out.size());
    assertEquals(0, cache.shrink(-1, 0));
    assertEquals(5, cache.shrink(-1, 100));
    assertEquals(0, frames.out.size());
  }

  @Test
  void aCacheOfOneNodeGivesNothingForAnother() {
    open(4, 4, 2, null);
    touch(1, 1);
    assertEquals(0, cache.countFrames(1));
    assertEquals(0, cache.shrink(1, 5));
    assertEquals(1, cache.countFrames(2));
    assertEquals(1, cache.countFrames(-1));
    assertEquals(1, cache.shrink(2, 5));
    assertEquals("page cache", cache.name());
    assertEquals(2, cache.cost());
  }

  @Test
  void nodeZeroIsANodeAsAnyOther() {
    open(4, 4, 0, null);
    touch(1, 1);
    assertEquals(0, cache.countFrames(1));
    assertEquals(0, cache.shrink(1, 5));
    assertEquals(1, cache.shrink(0, 5));
    open(4, 4, 1, null);
    touch(1, 1);
    assertEquals(0, cache.countFrames(0));
    assertEquals(0, cache.shrink(0, 5));
    assertEquals(1, cache.shrink(1, 5));
  }

  @Test
  void aDroppedFileIsForgottenWithItsChanges() {
    open(8, 8);
    change(1, 0, 5);
    touch(1, 1);
    long used = cache.get(1, 2);
    touch(2, 0);
    assertEquals(1, cache.drop(1));
    assertEquals(2, cache.counters().pages());
    assertEquals(2, frames.out.size());
    assertEquals(used, cache.get(1, 2));
    cache.release(1, 2, false);
    cache.release(1, 2, false);
    assertEquals(0, cache.drop(1));
    assertEquals(0, cache.drop(2));
    assertEquals(0, frames.out.size());
    assertEquals(0, cache.countFrames(-1));
    assertEquals(0, touch(1, 0), "the change was written");
  }

  @Test
  void theSourceMayComeBackIntoTheCache() {
    open(4, 4);
    for (int page = 0; page < 4; page++) {
      change(1, page, page + 1);
    }
    boolean[] inside = {false};
    frames.before =
        () -> {
          if (!inside[0]) {
            inside[0] = true;
            cache.shrink(-1, 1);
            inside[0] = false;
          }
        };
    backing.during = () -> assertTrue(cache.countFrames(-1) <= 4);
    for (int page = 0; page < 40; page++) {
      assertEquals(page % 8 < 4 ? page % 8 + 1 : 0, touch(1, page % 8));
    }
    assertTrue(cache.drop(1) == 0 && frames.out.isEmpty());
  }

  @Test
  void aPageMovesToAnotherFrameUnlessItIsInUse() {
    open(4, 4);
    change(1, 0, 5);
    long from = cache.get(1, 0);
    long to = frames.allocate(0, 0);
    Memory.copy(cache.bytesOf(from), cache.bytesOf(to), 4096);
    assertFalse(cache.relocate(0, from, to), "it is pinned");
    cache.release(1, 0, false);
    assertFalse(cache.relocate(0, to, from), "it is not there");
    assertFalse(cache.relocate(-1, from, to));
    assertFalse(cache.relocate(4, from, to));
    assertFalse(cache.relocate(1, from, to), "an entry that was never used");
    backing.during = () -> assertFalse(cache.relocate(0, from, to), "it is being written");
    assertEquals(0, cache.sync());
    backing.during = () -> {};
    assertTrue(cache.relocate(0, from, to));
    frames.free(from, 0);
    assertEquals(to, cache.get(1, 0));
    assertEquals(5, touch(1, 0));
  }

  @Test
  @Tag("slow")
  void aPageHasAsManyPinsAsTheyCanBeCounted() {
    open(2, 2);
    long pfn = cache.get(1, 0);
    for (int i = 1; i < 0xFFFE; i++) {
      assertEquals(pfn, cache.get(1, 0));
    }
    assertEquals(PageCache.BUSY, cache.get(1, 0));
    for (int i = 0; i < 0xFFFE; i++) {
      cache.release(1, 0, false);
    }
    assertEquals(1, cache.countFrames(-1));
    assertThrows(IllegalArgumentException.class, () -> cache.release(1, 0, false));
  }

  @Test
  @Tag("slow")
  void contentsAreThoseOfTheModelUnderRandomUseWithATinyCache() {
    for (int capacity : new int[] {1, 2, 3, 5, 16, 33}) {
      frames.free.clear();
      open(capacity, capacity == 5 ? 3 : capacity + 1);
      backing.versions.clear();
      SplitMix64 random = new SplitMix64(capacity);
      Map<Long, Long> model = new HashMap<>();
      for (int i = 0; i < 20_000; i++) {
        int file = random.below(3);
        long page = (long) random.below(20) << (20 * random.below(2));
        long key = HeapBacking.key(file, page);
        backing.failsToRead = random.oneIn(9);
        backing.failsToWrite = random.oneIn(9);
        switch (random.below(12)) {
          case 0 -> cache.sync();
          case 1 -> cache.shrink(-1, 1 + random.below(4));
          default -> {
            long pfn = cache.get(file, page);
            if (pfn >= 0) {
              long version = model.getOrDefault(key, 0L);
              assertEquals(version, versionAt(cache.bytesOf(pfn), file, page));
              boolean changes = random.oneIn(3);
              if (changes) {
                put(cache.bytesOf(pfn), file, page, version + 1);
                model.put(key, version + 1);
              }
              cache.release(file, page, changes);
            } else {
              assertTrue(pfn == PageCache.NO_FRAME || pfn == PageCache.READ_FAILED);
            }
          }
        }
        assertEquals(cache.counters().pages(), frames.out.size());
        assertEquals(cache.counters().pages(), cache.countFrames(-1));
      }
      backing.failsToWrite = false;
      assertEquals(0, cache.sync());
      model.forEach((key, version) -> assertEquals(version, backing.versions.get(key)));
      assertEquals(0, cache.drop(0) + cache.drop(1) + cache.drop(2));
      assertEquals(0, frames.out.size());
      backing.log.clear();
    }
  }
}
