package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.testkit.Behaviour;
import dev.bifolio.testkit.HeapAllocation;
import dev.bifolio.testkit.SplitMix64;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// What every allocator of frames survives: all orders of freeing, odd maps, large memories.
/// Written once; a subclass says which allocator.
@Tag("slow")
abstract class FrameAllocatorTorture extends FrameAllocatorFixture {
  FrameAllocatorTorture(AllocatorUnderTest subject) {
    super(subject);
  }

  @Test
  @Behaviour({"45", "54"})
  void eightBlocksFreedInEachOfThe40320OrdersBecomeOne() {
    for (int order : new int[] {0, 2}) {
      FrameAllocator allocator = memoryOf(order + 3, 8L << order, 8L << order);
      int[] permutation = {0, 1, 2, 3, 4, 5, 6, 7};
      int orders = 0;
      do {
        long[] pfns = new long[8];
        for (int i = 0; i < 8; i++) {
          pfns[i] = allocate(allocator, order);
        }
        assertEquals(0, allocator.freeFrameCount());
        for (int i : permutation) {
          allocator.free(pfns[i], order);
        }
        assertEquals(1, freeBlocks(allocator, order + 3), Arrays.toString(permutation));
        orders++;
      } while (nextPermutation(permutation));
      assertEquals(40_320, orders);
      allocator.assertValid();
    }
  }

  private static boolean nextPermutation(int[] items) {
    int i = items.length - 2;
    while (i >= 0 && items[i] > items[i + 1]) {
      i--;
    }
    if (i < 0) {
      return false;
    }
    int j = items.length - 1;
    while (items[j] < items[i]) {
      j--;
    }
    swap(items, i, j);
    for (int low = i + 1, high = items.length - 1; low < high; low++, high--) {
      swap(items, low, high);
    }
    return true;
  }

  private static void swap(int[] items, int i, int j) {
    int item = items[i];
    items[i] = items[j];
    items[j] = item;
  }

  @Test
  @Behaviour("45")
  void memoryTakenAndFreedInRandomOrdersIsAsItWasAtFirst() {
    SplitMix64 random = new SplitMix64(45);
    FrameAllocator allocator = memoryOf(10, 0x333, 5000);
    List<Long> initial = freeBlocks(allocator);
    long[][] live = new long[5000][];
    for (int round = 0; round < 20; round++) {
      int count = 0;
      while (notInUse(allocator) > 0) {
        allocator.drainCaches();
        int order = random.below(allocator.largestFreeOrder() + 1);
        long pfn = allocate(allocator, order);
        assertNotEquals(NO_FRAME, pfn);
        live[count++] = new long[] {pfn, order};
      }
      allocator.assertValid();
      for (int left = count; left > 0; left--) {
        int pick = random.below(left);
        allocator.free(live[pick][0], (int) live[pick][1]);
        live[pick] = live[left - 1];
      }
      assertEquals(initial, freeBlocks(allocator));
      assertNotEquals(NO_FRAME, allocate(allocator, 10));
      allocator.reset();
    }
  }

  @Test
  @Behaviour("53")
  void everySecondOf8192FramesAndThenTheRestComesBack() {
    FrameAllocator allocator = memoryOf(8192);
    long[] pfns = takeAllFrames(allocator, 8192);
    for (int i = 0; i < 8192; i += 2) {
      allocator.free(pfns[i], 0);
    }
    assertEquals(4096, notInUse(allocator));
    for (int i = 1; i < 8192; i += 2) {
      allocator.free(pfns[i], 0);
    }
    assertEquals(8192, notInUse(allocator));
    assertEquals(1, freeBlocks(allocator, 13));
  }

  @Test
  @Behaviour("54")
  void framesFreedInRandomOrderJoinWholly() {
    FrameAllocator allocator = memoryOf(20, 1 << 16, 65_536);
    long[] pfns = takeAllFrames(allocator, 65_536);
    new SplitMix64(54).shuffle(pfns);
    for (long pfn : pfns) {
      allocator.free(pfn, 0);
    }
    assertEquals(1, freeBlocks(allocator, 16));
    assertEquals(65_536, framesInFreeBlocks(allocator));
    allocator.assertValid();
  }

  private static long[] takeAllFrames(FrameAllocator allocator, int frameCount) {
    long[] pfns = new long[frameCount];
    for (int i = 0; i < frameCount; i++) {
      pfns[i] = allocate(allocator, 0);
      assertNotEquals(NO_FRAME, pfns[i]);
    }
    assertEquals(NO_FRAME, allocate(allocator, 0));
    assertEquals(frameCount, Arrays.stream(pfns).distinct().count());
    return pfns;
  }

  @Test
  @Behaviour("55")
  void gibibytesAndATebibyteAreWhollyFree() {
    for (long byteSize : new long[] {4 * Pages.GIB, 16 * Pages.GIB, Pages.TIB}) {
      long frameCount = Pages.bytesToFramesDown(byteSize);
      FrameAllocator allocator = memoryOf(20, 0x123, frameCount);
      assertEquals(frameCount, allocator.freeFrameCount());
      assertEquals(frameCount, framesInFreeBlocks(allocator));
      assertTrue(allocator.largestFreeOrder() >= 19);
      long block = allocate(allocator, 19);
      assertEquals(0, block % (1L << 19));
      allocator.free(block, 19);
      assertEquals(frameCount, framesInFreeBlocks(allocator));
    }
  }

  @Test
  void theLargestSpanOf64TebibytesIsHandedOverAsLargeBlocks() {
    FrameAllocator allocator = memoryOf(20, 0, 1L << 34);
    assertEquals(1L << 14, allocator.freeBlockCount(20));
    assertEquals(0, allocator.addFrames(0, 1L << 34));
    long pfn = allocate(allocator, 0);
    assertTrue(allocator.isManaged((1L << 34) - 1));
    assertFalse(allocator.isManaged(1L << 34));
    allocator.free(pfn, 0);
    assertEquals(1L << 14, freeBlocks(allocator, 20));
  }

  @Test
  @Behaviour("55")
  void aMapOfATebibyteWithHolesCostsNoWalkThroughThem() {
    FrameAllocator allocator = spanOf(20, 0, 1L << 28);
    long expected = 0;
    for (long base = 0; base < 1L << 28; base += 1L << 22) {
      expected += allocator.addFrames(base + 7, base + 1000);
      expected += allocator.addFrames(base + (1 << 19) - 3, base + (1 << 19) + 300);
    }
    assertEquals(64 * (993 + 303), expected);
    assertEquals(expected, allocator.managedFrameCount());
    assertEquals((1L << 28) - expected, allocator.addFrames(0, 1L << 28));
    assertEquals(1L << 8, allocator.freeBlockCount(20));
  }

  @Test
  @Behaviour("65")
  void aRangeAroundLargeBlocksAddsOnlyWhatIsNew() {
    FrameAllocator allocator = spanOf(20, 0, 5L << 20);
    assertEquals(1L << 20, allocator.addFrames(1L << 20, 2L << 20));
    assertEquals(5000, allocator.addFrames((3L << 20) + 1000, (3L << 20) + 6000));
    assertEquals((4L << 20) - 5000, allocator.addFrames(0, 5L << 20));
    assertEquals(5, allocator.freeBlockCount(20));
    assertEquals(5L << 20, allocator.freeFrameCount());
  }

  @Test
  @Behaviour("56")
  void elevenFramesFromFiveBecomeTheBlocksThatFit() {
    FrameAllocator allocator = memoryOf(20, 5, 11);
    long[] pfns = takeAllFrames(allocator, 11);
    for (long pfn : pfns) {
      allocator.free(pfn, 0);
    }
    assertEquals(1, freeBlocks(allocator, 0));
    assertEquals(1, allocator.freeBlockCount(1));
    assertEquals(0, allocator.freeBlockCount(2));
    assertEquals(1, allocator.freeBlockCount(3));
    assertEquals(5, allocate(allocator, 0));
    assertEquals(6, allocate(allocator, 1));
    assertEquals(8, allocate(allocator, 3));
    assertEquals(NO_FRAME, allocate(allocator, 0));
  }

  @Test
  @Behaviour("57")
  void framesFromOneTo1023AreOneBlockOfEachOrder() {
    FrameAllocator allocator = memoryOf(20, 1, 1023);
    for (int order = 0; order <= 20; order++) {
      assertEquals(order <= 9 ? 1 : 0, allocator.freeBlockCount(order));
    }
  }

  @Test
  @Behaviour("63")
  void sixteenFramesJoinWhateverTheOrder() {
    FrameAllocator allocator = memoryOf(16);
    SplitMix64 random = new SplitMix64(63);
    for (int round = 0; round < 50; round++) {
      long[] pfns = takeAllFrames(allocator, 16);
      Arrays.sort(pfns);
      if (round >= 2) {
        random.shuffle(pfns);
      }
      for (int i = 0; i < 16; i++) {
        allocator.free(pfns[round == 1 ? 15 - i : i], 0);
      }
      assertEquals(1, freeBlocks(allocator, 4));
      assertEquals(16, framesInFreeBlocks(allocator));
    }
  }

  @Test
  @Behaviour({"74", "75"})
  void failedRequestsAreNoAllocations() {
    FrameAllocator allocator = memoryOf(1);
    allocate(allocator, 0);
    assertEquals(NO_FRAME, allocate(allocator, 0));
    assertEquals(1, allocator.statistics().failures());
    assertEquals(NO_FRAME, allocator.tryAllocate(0, AllocationFlags.NONE));
    assertEquals(NO_FRAME, allocateFrames(allocator, 1));
    assertEquals(NO_FRAME, allocator.tryAllocateFrames(1, AllocationFlags.NONE));
    FrameStatistics statistics = allocator.statistics();
    assertEquals(5, statistics.requests());
    assertEquals(4, statistics.failures());
    assertEquals(1, statistics.allocations());
    assertEquals(0, statistics.frees());
  }

  @Test
  void requestsForFramesCreateNoJavaObjects() {
    FrameAllocator allocator = memoryOf(1 << 15);
    assertEquals(0, HeapAllocation.bytesOf(() -> churn(allocator, 10_000)));
    Object[] kept = new Object[1];
    assertTrue(HeapAllocation.bytesOf(() -> kept[0] = new long[100]) >= 800);
  }

  private static void churn(FrameAllocator allocator, int rounds) {
    for (int i = 0; i < rounds; i++) {
      long single = allocator.allocate(0, AllocationFlags.NONE);
      long block = allocator.tryAllocate(i & 7, AllocationFlags.NONE);
      long run = allocator.allocateFrames(1 + i % 700, AllocationFlags.NONE);
      if (allocator.tryAllocate(20, AllocationFlags.NONE) != NO_FRAME
          || allocator.tryAllocate(-1, AllocationFlags.NONE) >= NO_FRAME
          || allocator.tryFree(single, 3) >= 0
          || allocator.tryFreeFrames(run + 1, 5) >= 0
          || allocator.tryFree(single, 0) != 0
          || allocator.tryFree(single, 0) >= 0) {
        throw new AssertionError("round " + i);
      }
      allocator.free(block, i & 7);
      allocator.freeFrames(run, 1 + i % 700);
    }
  }
}
