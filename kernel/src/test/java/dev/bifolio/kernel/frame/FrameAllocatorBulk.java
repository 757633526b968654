package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;
import dev.bifolio.testkit.Behaviour;
import dev.bifolio.testkit.SplitMix64;
import java.util.Arrays;
import java.util.BitSet;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// What every allocator of frames does with many single frames in one call. Written once; a
/// subclass says which allocator.
abstract class FrameAllocatorBulk extends FrameAllocatorFixture {
  private static final int FRAMES = 1 << 13;
  private static final int[] COUNTS = {0, 1, 2, 31, 32, 33, 64, 511, 512, 513, 1000};

  FrameAllocatorBulk(AllocatorUnderTest subject) {
    super(subject);
  }

  @Test
  void anyCountAtAnyOffsetIsServedAndFreed() {
    FrameAllocator allocator = memoryOf(20, 0x777, 3000);
    for (int count : COUNTS) {
      for (int offset : new int[] {0, 1, 40}) {
        long[] pfns = new long[offset + count + 3];
        Arrays.fill(pfns, -9);
        long before = allocator.allocationCount(0, 0);
        long freed = allocator.freeCount(0);
        assertEquals(count, allocator.allocateBulk(pfns, offset, count, AllocationFlags.NONE));
        assertEquals(before + count, allocator.allocationCount(0, 0));
        assertEquals(offset + 3, Arrays.stream(pfns).filter(pfn -> pfn == -9).count());
        assertTrue(LongStream.of(pfns).limit(offset).allMatch(pfn -> pfn == -9));
        assertTrue(LongStream.of(pfns).skip(offset + count).allMatch(pfn -> pfn == -9));
        assertEquals(count, LongStream.of(pfns).filter(allocator::isManaged).distinct().count());
        assertEquals(count, allocator.statistics().usedFrames());
        long[] kept = pfns.clone();
        allocator.freeBulk(pfns, offset, count);
        assertArrayEquals(kept, pfns);
        assertEquals(0, allocator.statistics().usedFrames());
        assertEquals(freed + count, allocator.freeCount(0));
        assertConserved(allocator);
      }
    }
    assertEquals(3000, framesInFreeBlocks(allocator));
  }

  @Test
  @Behaviour("35")
  void whatIsLeftIsServedAndTheRestFailsOnce() {
    FrameAllocator allocator = memoryOf(20, 5, 100);
    long[] pfns = new long[200];
    Arrays.fill(pfns, -9);
    assertEquals(100, allocator.allocateBulk(pfns, 50, 150, AllocationFlags.NONE));
    assertEquals(100, LongStream.of(pfns).skip(50).limit(100).distinct().count());
    assertTrue(LongStream.of(pfns).limit(50).allMatch(pfn -> pfn == -9));
    assertTrue(LongStream.of(pfns).skip(150).allMatch(pfn -> pfn == -9));
    assertEquals(1, allocator.failureCount(0));
    assertEquals(0, allocator.allocateBulk(pfns, 0, 50, AllocationFlags.MOVABLE));
    assertEquals(0, allocator.allocateBulk(pfns, 0, 0, AllocationFlags.NONE));
    assertEquals(2, allocator.failureCount(0));
    assertEquals(101 + 1, allocator.statistics().requests());
    assertEquals(100, allocator.statistics().peakUsedFrames());
    allocator.freeBulk(pfns, 50, 100);
    assertEquals(100, notInUse(allocator));
  }

  /// Frees entries 0 … `pfns.length` and expects a mistake at one of them: those before it are
  /// free, the others are not.
  private static void assertStopsAt(
      FrameAllocator allocator, int index, FrameError error, long... pfns) {
    long[] padded = new long[pfns.length + 2];
    System.arraycopy(pfns, 0, padded, 1, pfns.length);
    long used = allocator.statistics().usedFrames();
    long refused = allocator.statistics().refusedFrees();
    FrameRequestException thrown =
        assertThrows(FrameRequestException.class, () -> allocator.freeBulk(padded, 1, pfns.length));
    assertEquals(error, thrown.error(), thrown.getMessage());
    String message = thrown.getMessage();
    assertTrue(message.contains("entry " + (index + 1) + ", frame "), message);
    assertTrue(message.contains("frame 0x" + Long.toHexString(pfns[index]) + ":"), message);
    assertEquals(used - index, allocator.statistics().usedFrames());
    assertEquals(refused + 1, allocator.statistics().refusedFrees());
    assertConserved(allocator);
    allocator.assertValid();
  }

  @Test
  @Behaviour("58")
  void aFrameThatStandsTwiceInTheArrayIsADoubleFree() {
    for (int second : new int[] {1, 2, 5, 31, 32, 40, 63}) {
      FrameAllocator allocator = memoryOf(20, 0, 256);
      long[] pfns = new long[64];
      assertEquals(64, allocator.allocateBulk(pfns, 0, 64, AllocationFlags.NONE));
      Arrays.sort(pfns);
      for (int first : new int[] {second - 1, 0}) {
        long[] twice = Arrays.copyOfRange(pfns, 0, 64);
        twice[second] = twice[first];
        assertStopsAt(allocator, second, FrameError.NOT_ALLOCATED, twice);
        allocator.freeBulk(pfns, second, 64 - second);
        assertEquals(256, notInUse(allocator));
        assertEquals(64, allocator.allocateBulk(pfns, 0, 64, AllocationFlags.NONE));
        Arrays.sort(pfns);
      }
    }
  }

  @Test
  @Behaviour({"58", "59", "60"})
  void otherMistakesAreNamedByTheirEntryWhereverTheyStand() {
    FrameAllocator allocator = memoryOf(20, 0x100, 4096);
    for (int index : new int[] {0, 1, 2, 17, 31, 32, 33}) {
      assertMistakeAt(allocator, index, FrameError.OUT_OF_RANGE, 0xFF);
      assertMistakeAt(allocator, index, FrameError.OUT_OF_RANGE, 0x1100);
      assertMistakeAt(allocator, index, FrameError.OUT_OF_RANGE, Long.MAX_VALUE);
      assertMistakeAt(allocator, index, FrameError.OUT_OF_RANGE, -1);
      assertMistakeAt(allocator, index, FrameError.OUT_OF_RANGE, Long.MIN_VALUE);
      long pair = allocate(allocator, 1);
      assertMistakeAt(allocator, index, FrameError.SIZE_MISMATCH, pair);
      assertMistakeAt(allocator, index, FrameError.SIZE_MISMATCH, pair + 1);
      long huge = allocate(allocator, 9);
      assertMistakeAt(allocator, index, FrameError.SIZE_MISMATCH, huge);
      assertMistakeAt(allocator, index, FrameError.SIZE_MISMATCH, huge + 33);
      allocator.free(huge, 9);
      assertMistakeAt(allocator, index, FrameError.NOT_ALLOCATED, huge + 32);
      assertMistakeAt(allocator, index, FrameError.NOT_ALLOCATED, huge + 500);
      allocator.free(pair, 1);
      assertEquals(4096, notInUse(allocator));
    }
  }

  private static void assertMistakeAt(
      FrameAllocator allocator, int index, FrameError error, long wrong) {
    long[] pfns = new long[40];
    assertEquals(40, allocator.allocateBulk(pfns, 0, 40, AllocationFlags.NONE));
    long[] entries = pfns.clone();
    assertTrue(LongStream.of(pfns).noneMatch(pfn -> pfn == wrong), "it is in use again");
    entries[index] = wrong;
    assertStopsAt(allocator, index, error, entries);
    allocator.freeBulk(pfns, index, 40 - index);
  }

  @Test
  void aBlockAmongTheSinglesOfItsWordEndsTheCall() {
    FrameAllocator allocator = memoryOf(5, 0, 32);
    long block = allocate(allocator, 4);
    allocator.splitBlock(block, 4);
    long pair = allocate(allocator, 1);
    assertEquals(block + 16, pair);
    assertStopsAt(
        allocator, 3, FrameError.SIZE_MISMATCH, block, block + 1, block + 2, pair, block + 3);
    assertStopsAt(allocator, 1, FrameError.NOT_ALLOCATED, block + 4, block + 1, block + 5);
    // The last single before a pair is single: what follows is a head.
    allocator.freeBulk(new long[] {block + 15, block + 14, block + 5}, 0, 3);
    allocator.free(pair, 1);
    allocator.freeRange(block + 3, 1);
    long[] rest = LongStream.range(block + 6, block + 14).toArray();
    allocator.freeBulk(rest, 0, rest.length);
    assertEquals(32, framesInFreeBlocks(allocator));
  }

  @Test
  void framesMadeBySplittingAndByRangesAreFreedInBulk() {
    FrameAllocator allocator = memoryOf(20, 0, 2048);
    long huge = allocate(allocator, 9);
    allocator.splitBlock(huge, 9);
    long[] pfns = LongStream.range(huge, huge + 512).toArray();
    new SplitMix64(1).shuffle(pfns);
    allocator.freeBulk(pfns, 0, 100);
    Arrays.sort(pfns, 100, 512);
    allocator.freeBulk(pfns, 100, 412);
    assertEquals(1, freeBlocks(allocator, 11));
    assertEquals(512, allocator.freeCount(0));
  }

  @Test
  @Tag("slow")
  void framesFreedTogetherAreFreeHoweverTheyAreMixed() {
    SplitMix64 random = new SplitMix64(5);
    for (int round = 0; round < 20; round++) {
      FrameAllocator allocator = memoryOf(20, 512L * round + 77L * (round % 3), FRAMES);
      long[] pfns = new long[FRAMES];
      assertEquals(FRAMES, allocator.allocateBulk(pfns, 0, FRAMES, AllocationFlags.NONE));
      assertEquals(FRAMES, Arrays.stream(pfns).distinct().count());
      for (int swaps = round * 100; swaps > 0; swaps--) {
        int i = random.below(FRAMES);
        int j = Math.max(0, Math.min(FRAMES - 1, i + random.below(40) - 20));
        long pfn = pfns[i];
        pfns[i] = pfns[j];
        pfns[j] = pfn;
      }
      for (int from = 0; from < FRAMES; ) {
        int count = Math.min(FRAMES - from, random.below(100));
        allocator.freeBulk(pfns, from, count);
        from += count;
      }
      assertEquals(FRAMES, notInUse(allocator));
      assertConserved(allocator);
      allocator.assertValid();
      assertEquals(FRAMES, allocator.freeCount(0));
      FrameAllocator fresh = memoryOf(20, 512L * round + 77L * (round % 3), FRAMES);
      assertEquals(freeBlocks(fresh), freeBlocks(allocator));
    }
  }

  @Test
  @Tag("slow")
  void bulkAndSingleRequestsTakeTurns() {
    SplitMix64 random = new SplitMix64(6);
    FrameAllocator allocator = memoryOf(FRAMES);
    BitSet owned = new BitSet();
    long[] pfns = new long[200];
    for (int turn = 0; turn < 4000; turn++) {
      int count = random.below(200);
      if (random.oneIn(2)) {
        int got = allocator.allocateBulk(pfns, 0, count, random.below(2) * AllocationFlags.LONG);
        assertEquals(Math.min(count, FRAMES - owned.cardinality()), got);
        for (int i = 0; i < got; i++) {
          assertFalse(owned.get((int) pfns[i]));
          owned.set((int) pfns[i]);
        }
      } else {
        int found = 0;
        int at = owned.nextSetBit(random.below(FRAMES));
        for (; at >= 0 && found < count; at = owned.nextSetBit(at + 1)) {
          pfns[found++] = at;
        }
        for (int i = 0; i < found; i++) {
          owned.clear((int) pfns[i]);
        }
        if (random.oneIn(3)) {
          for (int i = 0; i < found; i++) {
            allocator.free(pfns[i], 0);
          }
        } else {
          allocator.freeBulk(pfns, 0, found);
        }
      }
      if (turn % 200 == 0) {
        assertEquals(FRAMES - owned.cardinality(), notInUse(allocator));
        assertConserved(allocator);
        allocator.assertValid();
      }
    }
  }

  @Test
  @Tag("slow")
  @Behaviour({"51", "52"})
  void anyBulkWorkAgreesWithTheLedger() {
    for (int seed = 0; seed < 20; seed++) {
      SplitMix64 random = new SplitMix64(seed);
      long start = random.below(3000);
      int frames = 700 + random.below(3000);
      FrameAllocator allocator = memoryOf(11, start, frames);
      FrameLedger ledger = new FrameLedger(11, start, frames);
      ledger.add(start, start + frames);
      for (int step = 0; step < 400; step++) {
        if (random.below(10) < (step / 100 % 2 == 0 ? 6 : 4)) {
          takeMany(allocator, ledger, random);
        } else {
          freeMany(allocator, ledger, random);
        }
        assertEquals(ledger.freeFrames(), notInUse(allocator));
        if (step % 20 == 0) {
          assertConserved(allocator);
          allocator.assertValid();
        }
      }
      assertEquals(ledger.served(), allocator.statistics().allocations());
      assertEquals(ledger.failed(), allocator.statistics().failures());
      allocator.drainCaches();
      for (int order = 0; order <= 11; order++) {
        assertEquals(ledger.freeBlocks(order), allocator.freeBlockCount(order), "order " + order);
      }
    }
  }

  private static void takeMany(FrameAllocator allocator, FrameLedger ledger, SplitMix64 random) {
    if (random.oneIn(5)) {
      int order = random.below(7);
      ledger.taken(allocator.allocate(order, AllocationFlags.NONE), 1L << order);
      return;
    }
    long[] pfns = new long[random.below(random.oneIn(5) ? 1000 : 70)];
    int flags = random.oneIn(3) ? AllocationFlags.LONG : AllocationFlags.NONE;
    int got = allocator.allocateBulk(pfns, 0, pfns.length, flags);
    for (int i = 0; i < got; i++) {
      ledger.taken(pfns[i], 1);
    }
    if (got < pfns.length) {
      ledger.taken(NO_FRAME, 1);
    }
  }

  /// Frees live frames, mostly; the first that is wrong ends it.
  private static void freeMany(FrameAllocator allocator, FrameLedger ledger, SplitMix64 random) {
    int slot = ledger.pick(random);
    if (slot < 0) {
      return;
    }
    if (ledger.framesOf(slot) > 1 && random.oneIn(2)) {
      long pfn = ledger.startOf(slot);
      long count = ledger.framesOf(slot);
      assertEquals(0, ledger.expectedFree(pfn, count));
      allocator.freeFrames(pfn, count);
      return;
    }
    long from = ledger.startOf(slot);
    long[] pfns = new long[1 + random.below(90)];
    int mistakes = random.below(3);
    for (int i = 0; i < pfns.length; i++) {
      int other = ledger.pick(random);
      pfns[i] = random.oneIn(4) ? ledger.startOf(other) : from + i;
      if (random.below(40) < mistakes) {
        pfns[i] = from - 40 + random.below(80);
      }
    }
    long code = 0;
    int index = 0;
    while (index < pfns.length && code == 0) {
      code = ledger.expectedFree(pfns[index], 1);
      index++;
    }
    if (code == 0) {
      allocator.freeBulk(pfns, 0, pfns.length);
      return;
    }
    FrameRequestException thrown =
        assertThrows(FrameRequestException.class, () -> allocator.freeBulk(pfns, 0, pfns.length));
    assertEquals(FrameError.of(code), thrown.error());
    String message = thrown.getMessage();
    assertTrue(message.contains("entry " + (index - 1) + ", frame "), message);
  }
}
