package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;
import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.testkit.HeapAllocation;
import dev.bifolio.testkit.SplitMix64;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/// What is the hybrid allocator's own of bulk requests: frames of a claim word taken at once,
/// frames of a word freed at once, in areas of every state.
class BulkRequestsTest extends OwnedCaches {
  private static int claimed(HybridAllocator allocator) {
    return ClaimWord.mask(Memory.getLong(allocator.core.slots.claim(0)));
  }

  @Test
  void whatWaitsInTheClaimWordIsTakenAtOnceLowestFirst() {
    HybridAllocator allocator = areas(1);
    long first = allocator.tryAllocateOn(0, 0, NONE);
    int waiting = claimed(allocator);
    assertEquals(31, Integer.bitCount(waiting));
    long[] pfns = new long[7];
    long operations = ClaimWord.operations(Memory.getLong(allocator.core.slots.claim(0)));
    assertEquals(7, allocator.allocateBulk(pfns, 0, 7, NONE));
    for (int i = 0; i < 7; i++) {
      assertEquals(first + 1 + i, pfns[i]);
    }
    long word = Memory.getLong(allocator.core.slots.claim(0));
    assertEquals(operations + 7, ClaimWord.operations(word), "each is counted");
    assertEquals(24, Integer.bitCount(claimed(allocator)));
    assertEquals(8, allocator.allocationCount(0, 0));
  }

  @Test
  void moreThanWaitsComesFromTheNextWords() {
    HybridAllocator allocator = areas(2);
    for (int count : new int[] {0, 1, 31, 32, 33, 64, 100}) {
      long before = allocator.allocationCount(0, 0);
      long[] pfns = takeMany(allocator, count);
      assertEquals(before + count, allocator.allocationCount(0, 0));
      assertEquals(count, Arrays.stream(pfns).distinct().count());
      assertEquals(count, inUse(allocator));
      allocator.freeBulk(pfns, 0, count);
      assertEquals(0, inUse(allocator));
      assertSound(allocator);
    }
    assertWhole(allocator);
  }

  @Test
  void theCounterOfOperationsMayGoRoundInABulkRequest() {
    for (int left = 1; left <= 32; left++) {
      HybridAllocator allocator = areas(1);
      long first = allocator.tryAllocateOn(0, 0, NONE);
      allocator.free(first, 0);
      long claim = allocator.core.slots.claim(0);
      long word = Memory.getLong(claim);
      long ahead = (1L << ClaimWord.OPERATION_BITS) - left - ClaimWord.operations(word);
      Memory.putLong(claim, word + ahead * ClaimWord.OPERATION);
      Memory.getAndAddLong(Slots.changes(claim), ahead);
      takeMany(allocator, 32);
      assertEquals(33, allocator.allocationCount(0, 0));
      assertEquals(1, Memory.getLong(Slots.rounds(claim)));
    }
  }

  @Test
  void anExhaustedMemoryGivesWhatThereIsAlsoOutOfCaches() {
    HybridAllocator allocator = areas(1);
    long[] pfns = takeMany(allocator, 512);
    allocator.drainCaches();
    allocator.tryFreeOn(0, pfns[3], 0);
    allocator.tryFreeOn(0, pfns[300], 0);
    FrameCache cache = allocator.openCache(NONE);
    cache.free(pfns[400]);
    long[] again = new long[10];
    assertEquals(3, allocator.allocateBulk(again, 5, 5, AllocationFlags.MOVABLE));
    assertEquals(0, allocator.allocateBulk(again, 0, 1, NONE));
    assertEquals(2, allocator.failureCount(0));
    assertEquals(512, inUse(allocator));
    cache.close();
  }

  @Test
  void manyFramesOfAWordAreFreedAtOnceWhateverTheStateOfTheirArea() {
    for (int state = 0; state < 4; state++) {
      HybridAllocator allocator = areas(2);
      long[] pfns = takeMany(allocator, 512);
      FrameCache owner = allocator.openCache(NONE);
      switch (state) {
        case 0 -> {} // a slot of a CPU has it
        case 1 -> allocator.drainCaches(); // full
        case 2 -> {
          allocator.drainCaches();
          allocator.free(pfns[200], 0);
          allocator.drainCaches(); // in a bin
          pfns[200] = pfns[0];
        }
        default -> {
          allocator.drainCaches();
          allocator.free(pfns[200], 0);
          allocator.drainCaches();
          pfns[200] = take(owner); // reserved for an owner
        }
      }
      int from = state == 2 ? 1 : 0;
      Arrays.sort(pfns);
      pfns = state == 2 ? Arrays.stream(pfns).distinct().toArray() : pfns;
      allocator.freeBulk(pfns, 0, pfns.length);
      assertEquals(0, inUse(allocator), "state " + state);
      assertSound(allocator);
      owner.close();
      assertWhole(allocator);
      assertEquals(from == 1 ? 511 : 512, pfns.length);
    }
  }

  @Test
  void framesOfAWordGoHomeTogetherAndSingleOnesWaitInTheMagazine() {
    HybridAllocator allocator = areas(512);
    long area = fullArea(allocator);
    long free = allocator.freeFrameCount();
    allocator.freeBulk(new long[] {area + 64, area + 95, area + 70}, 0, 3);
    assertEquals(free + 3, allocator.freeFrameCount());
    assertEquals(0, allocator.cachedFrameCount());
    assertSound(allocator);
    allocator.freeBulk(new long[] {area + 100, area + 132, area + 101}, 0, 3);
    assertEquals(free + 3, allocator.freeFrameCount());
    assertEquals(3, allocator.cachedFrameCount());
    allocator.freeBulk(new long[] {area + 132 + 64, area + 200, area + 201, area + 300}, 0, 4);
    assertEquals(free + 6, allocator.freeFrameCount());
    assertEquals(4, allocator.cachedFrameCount());
  }

  @Test
  void aFrameThatWaitsAmongOthersOfItsWordIsNamed() {
    HybridAllocator allocator = areas(2);
    long full = fullArea(allocator);
    FrameCache owner = allocator.openCache(NONE);
    long own = take(owner);
    long other = take(owner);
    owner.free(other); // in the owner's claim word
    owner.free(full + 5); // in his magazine
    long[] pfns = {full + 4, full + 3, full + 5, full + 6, own, other};
    FrameRequestException thrown =
        assertThrows(FrameRequestException.class, () -> allocator.freeBulk(pfns, 0, 6));
    assertEquals(FrameError.NOT_ALLOCATED, thrown.error());
    assertTrue(thrown.getMessage().contains("entry 2,"), thrown.getMessage());
    assertEquals(510, inUse(allocator), "two were freed, two are cached");
    FrameRequestException next =
        assertThrows(FrameRequestException.class, () -> allocator.freeBulk(pfns, 3, 3));
    assertTrue(next.getMessage().contains("entry 5,"), next.getMessage());
    assertEquals(508, inUse(allocator));
    owner.close();
  }

  @Test
  void framesThatWaitInTheClaimWordOfACpuAreRefused() {
    HybridAllocator allocator = areas(2);
    long[] pfns = takeMany(allocator, 2);
    long waiting = Math.max(pfns[0], pfns[1]) + 1;
    long cached = allocator.cachedFrameCount();
    assertTrue(cached > 0);
    assertThrows(
        FrameRequestException.class,
        () -> allocator.freeBulk(new long[] {waiting, waiting + 1}, 0, 2));
    assertEquals(cached, allocator.cachedFrameCount());
    assertSound(allocator);
  }

  @Test
  void framesOfTheClaimedWordComeBackToTheClaimWord() {
    HybridAllocator allocator = areas(2);
    long[] pfns = takeMany(allocator, 10);
    int waiting = claimed(allocator);
    allocator.freeBulk(pfns, 2, 6);
    assertEquals(Integer.bitCount(waiting) + 6, Integer.bitCount(claimed(allocator)));
    assertEquals(4, inUse(allocator));
    assertThrows(FrameRequestException.class, () -> allocator.freeBulk(pfns, 4, 2));
    assertEquals(4, inUse(allocator));
  }

  @Test
  void wholeAreasFreedInBulkGoBackToTheLevelAbove() {
    HybridAllocator allocator = areas(8);
    long[] pfns = takeMany(allocator, 8 * 512);
    allocator.drainCaches();
    assertEquals(NO_FRAME, allocator.allocate(Pages.HUGE_ORDER, NONE));
    new SplitMix64(3).shuffle(pfns);
    allocator.freeBulk(pfns, 0, 1000);
    assertSound(allocator);
    Arrays.sort(pfns, 1000, pfns.length);
    allocator.freeBulk(pfns, 1000, pfns.length - 1000);
    assertWhole(allocator);
    assertEquals(8 * 512, allocator.freeCount(0));
  }

  /// A free that is the last of a large block must be found by who looks for one.
  @Test
  void theLargestBlockThatABulkFreeMakesIsFound() {
    for (int order = 1; order <= 5; order++) {
      HybridAllocator allocator = areas(1);
      long[] pfns = takeMany(allocator, 512);
      allocator.drainCaches();
      Arrays.sort(pfns);
      // A single hole first, so that the area is in a bin; then another and a larger run behind it.
      allocator.freeBulk(pfns, 0, 1);
      allocator.drainCaches();
      int count = 1 << order;
      long[] freed = new long[count + 1];
      freed[0] = pfns[64];
      System.arraycopy(pfns, 96 - count, freed, 1, count);
      allocator.freeBulk(freed, order == 5 ? 1 : 0, order == 5 ? count : count + 1);
      assertEquals(pfns[96 - count], allocator.allocate(order, NONE), "order " + order);
    }
  }

  @Test
  void bulkCallsUseNoJavaHeap() {
    HybridAllocator allocator = areas(8);
    long[] pfns = new long[1000];
    assertEquals(
        0,
        HeapAllocation.bytesOf(() -> {
          for (int round = 0; round < 50; round++) {
            int got = allocator.allocateBulk(pfns, 0, 1000, NONE);
            allocator.freeBulk(pfns, 0, got);
          }
        }));
    assertNotEquals(0, pfns[999]);
  }
}
