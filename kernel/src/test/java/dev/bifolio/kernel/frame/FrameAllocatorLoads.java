package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;
import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.testkit.Behaviour;
import dev.bifolio.testkit.HeapAllocation;
import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Loads under which allocators of two paths, with a threshold between small and large requests and
/// caches in front, are known to have failed. Written once; a subclass says which allocator.
abstract class FrameAllocatorLoads extends FrameAllocatorFixture {
  FrameAllocatorLoads(AllocatorUnderTest subject) {
    super(subject);
  }

  @Test
  @Behaviour("78")
  void singlesAndRunsComeFromBelowAndAFreedPlaceIsUsedAgain() {
    FrameAllocator whole = memoryOf(20, 0, 1024);
    assertEquals(0, whole.allocate(0, 0));
    long run = allocateFrames(whole, 10);
    // Where a run of ten may begin: at a multiple of 16, behind the words that serve singles.
    assertTrue(run == 16 || run == 32, () -> "run at " + run);
    assertEquals(1, whole.allocate(0, 0));
    whole.freeFrames(run, 10);
    assertEquals(run, allocateFrames(whole, 10));
    // Of 512 + 256 + 128 + 64 + 32 + 8 frames the smallest block serves a single one, from below.
    FrameAllocator cut = memoryOf(20, 0, 1000);
    assertEquals(992, cut.allocate(0, 0));
    long again = allocateFrames(cut, 10);
    cut.freeFrames(again, 10);
    assertEquals(again, allocateFrames(cut, 10));
  }

  @Test
  @Behaviour("79")
  void twoRegionsAddUp() {
    FrameAllocator allocator = spanOf(20, 0, Pages.bytesToFramesDown(49 * Pages.MIB));
    assertEquals(4096, allocator.addRange(new AddressRange(Pages.MIB, 16 * Pages.MIB)));
    assertEquals(8192, allocator.addRange(new AddressRange(17 * Pages.MIB, 32 * Pages.MIB)));
    assertEquals(12_288, allocator.managedFrameCount());
    assertEquals(12_288, allocator.freeFrameCount());
    assertEquals(12_288, allocator.statistics().totalFrames());
    assertFalse(allocator.isManaged(255));
    assertTrue(allocator.isManaged(256) && allocator.isManaged(256 + 12_287));
  }

  @Test
  @Behaviour("80")
  void aHundredRunsOfTenComeBack() {
    FrameAllocator allocator = memoryOf(20, 256, 12_288);
    List<Long> initial = freeBlocks(allocator);
    long[] runs = new long[100];
    Arrays.setAll(runs, _ -> allocateFrames(allocator, 10));
    assertEquals(1000, allocator.statistics().usedFrames());
    for (long run : runs) {
      allocator.freeFrames(run, 10);
    }
    assertEquals(12_288, notInUse(allocator));
    assertEquals(initial, freeBlocks(allocator));
  }

  @Test
  @Behaviour("82")
  void moreThanThereIsFailsAndASecondFreeIsAMistake() {
    FrameAllocator large = memoryOf(20, 256, 12_288);
    assertEquals(NO_FRAME, allocateFrames(large, 12_289));
    FrameAllocator small = memoryOf(10, 256, 12_288);
    long code = small.tryAllocateFrames(12_289, AllocationFlags.NONE);
    assertEquals(FrameError.ErrorClass.OUT_OF_MEMORY, FrameError.of(code).errorClass());
    long run = allocateFrames(small, 10);
    small.freeFrames(run, 10);
    assertFreeFramesRefused(small, FrameError.NOT_ALLOCATED, run, 10);
    assertEquals(12_288, notInUse(small));
  }

  @Test
  @Behaviour("83")
  void tenFramesAreConsecutiveAndNobodyElses() {
    FrameAllocator allocator = memoryOf(20, 256, 4096);
    boolean[] owned = new boolean[256 + 4096];
    long[] runs = new long[50];
    for (int i = 0; i < 50; i++) {
      runs[i] = allocateFrames(allocator, 10);
      for (long pfn = runs[i]; pfn < runs[i] + 10; pfn++) {
        assertTrue(allocator.isManaged(pfn));
        assertFalse(owned[(int) pfn]);
        owned[(int) pfn] = true;
      }
    }
    for (long run : runs) {
      allocator.freeFrames(run, 10);
    }
    assertEquals(0, allocator.statistics().usedFrames());
  }

  @Test
  @Behaviour("84")
  void twoSizesInTurnWithEverySecondFreedLeaveRoomForSingles() {
    FrameAllocator allocator = memoryOf(20, 256, 1024);
    long[] runs = new long[100];
    for (int i = 0; i < 100; i++) {
      runs[i] = allocateFrames(allocator, i % 2 == 0 ? 1 : 5);
      assertNotEquals(NO_FRAME, runs[i]);
    }
    for (int i = 0; i < 100; i += 2) {
      allocator.freeFrames(runs[i], 1);
    }
    long left = notInUse(allocator);
    assertEquals(1024 - 250, left);
    long[] singles = new long[(int) left];
    assertEquals(left, allocator.allocateBulk(singles, 0, (int) left, AllocationFlags.NONE));
    assertEquals(NO_FRAME, allocate(allocator, 0));
    allocator.assertValid();
  }

  /// The stated bound is one of work, not of time, which the bench measures: from a large block,
  /// singles cost one split and one join each, but for a fiftieth more, and no object.
  @Test
  @Behaviour("85")
  void aThousandSinglesCostNoObjectAndASplitEach() {
    FrameAllocator allocator = memoryOf(20, 0, 1 << 20);
    long[] pfns = new long[1000];
    assertEquals(
        0,
        HeapAllocation.bytesOf(() -> {
          for (int i = 0; i < 1000; i++) {
            pfns[i] = allocator.allocate(0, AllocationFlags.NONE);
          }
          for (int i = 0; i < 1000; i++) {
            allocator.free(pfns[i], 0);
          }
        }));
    FrameStatistics statistics = allocator.statistics();
    assertTrue(statistics.allocations() >= 1000);
    assertEquals(statistics.allocations(), statistics.frees());
    long bound = statistics.allocations() * 51 / 50;
    assertTrue(statistics.splits() <= bound, statistics.splits() + " splits");
    assertTrue(statistics.coalesces() <= bound, statistics.coalesces() + " joins");
  }

  @Test
  @Tag("slow")
  @Behaviour("89")
  void framesCachedOnOneCpuServeTheOthers() {
    FrameAllocator allocator = memoryOf(20, 0, 1 << 15);
    long limit = subject.cachedFramesAtMost(1 << 15);
    SplitMix64 random = new SplitMix64(89);
    for (int round = 0; round < 6; round++) {
      long[] pfns = new long[1 << 15];
      for (int i = 0; i < pfns.length; i++) {
        pfns[i] = subject.tryAllocateOn(allocator, round & 1, 0, AllocationFlags.NONE);
        assertTrue(pfns[i] >= 0, "frames that the other CPU cached are not found");
      }
      assertEquals(0, notInUse(allocator));
      assertEquals(NO_FRAME, subject.tryAllocateOn(allocator, round & 1, 0, AllocationFlags.NONE));
      random.shuffle(pfns);
      for (int i = 0; i < pfns.length; i++) {
        assertEquals(0, subject.tryFreeOn(allocator, round + i & 1, pfns[i], 0));
        assertTrue(
            i % 64 != 0 || allocator.cachedFrameCount() <= limit, "the caches are too large");
      }
    }
    assertEquals(1, freeBlocks(allocator, 15));
    allocator.assertValid();
  }

  @Test
  @Behaviour("93")
  void eachCountHasOnePathAndAFreeFindsIt() {
    FrameAllocator allocator = memoryOf(20, 512, 1 << 14);
    List<Long> initial = freeBlocks(allocator);
    for (long count = 1; count <= 2100; count += count < 480 || count > 540 ? 13 : 1) {
      long run = allocateFrames(allocator, count);
      assertEquals(count, allocator.statistics().usedFrames());
      assertEquals((1 << 14) - count, notInUse(allocator));
      assertEquals(
          FrameError.SIZE_MISMATCH.code(),
          allocator.tryFreeFrames(run, count == 1 ? 2 : count - 1));
      allocator.freeFrames(run, count);
      assertEquals(FrameError.NOT_ALLOCATED.code(), allocator.tryFreeFrames(run, count));
    }
    assertEquals(initial, freeBlocks(allocator));
    allocator.assertValid();
  }

  @Test
  @Behaviour("93")
  void countsAroundTheThresholdLiveSideBySide() {
    FrameAllocator allocator = memoryOf(20, 512, 1 << 14);
    long[] counts = {511, 512, 513, 1, 256, 1023, 1024, 8, 510};
    List<long[]> live = new ArrayList<>();
    SplitMix64 random = new SplitMix64(93);
    for (int i = 0; i < 3000; i++) {
      long count = counts[random.below(counts.length)];
      long pfn = random.oneIn(2) ? NO_FRAME : allocateFrames(allocator, count);
      if (pfn != NO_FRAME) {
        live.add(new long[] {pfn, count});
      } else if (!live.isEmpty()) {
        long[] run = live.remove(random.below(live.size()));
        assertEquals(0, allocator.tryFreeFrames(run[0], run[1]));
      }
      long used = live.stream().mapToLong(run -> run[1]).sum();
      assertEquals(used, allocator.statistics().usedFrames());
    }
    allocator.assertValid();
    live.forEach(run -> allocator.freeFrames(run[0], run[1]));
    assertEquals(1 << 14, framesInFreeBlocks(allocator));
  }

  @Test
  @Behaviour("94")
  void hugeRequestsSucceedWhileMemoryIsContiguous() {
    FrameAllocator allocator = memoryOf(20, 1 << 16, 1 << 16);
    long[] singles = new long[700];
    assertEquals(700, allocator.allocateBulk(singles, 0, 700, AllocationFlags.NONE));
    allocator.freeBulk(singles, 0, 700);
    for (int i = 0; i < 128; i++) {
      long pfn = i % 2 == 0 ? allocateFrames(allocator, 512) : allocate(allocator, 9);
      assertNotEquals(NO_FRAME, pfn, "request " + i);
      assertEquals(0, pfn % 512);
    }
    assertEquals(0, notInUse(allocator));
    assertEquals(NO_FRAME, allocateFrames(allocator, 512));
  }

  @Test
  @Behaviour("95")
  void noFrameBeyondTheEndIsGivenOut() {
    for (long start : new long[] {0, 7, 511, 1 << 20}) {
      FrameAllocator allocator = memoryOf(20, start, 1000);
      for (int i = 0; i < 1000; i++) {
        long pfn = allocate(allocator, 0);
        assertTrue(pfn >= start && pfn < start + 1000, "frame " + pfn);
      }
      assertEquals(NO_FRAME, allocate(allocator, 0));
      assertFreeRefused(allocator, FrameError.OUT_OF_RANGE, start + 1000, 0);
      allocator.assertValid();
    }
  }

  @Test
  @Behaviour("98")
  void memoryUsedByThousandsOfSinglesServesLargeRequestsAgain() {
    FrameAllocator allocator = memoryOf(20, 0, 1 << 14);
    SplitMix64 random = new SplitMix64(98);
    for (int round = 0; round < 5; round++) {
      long[] pfns = new long[1 << 14];
      int got = allocator.allocateBulk(pfns, 0, pfns.length, round);
      assertEquals(pfns.length, got);
      assertEquals(NO_FRAME, allocate(allocator, 9));
      random.shuffle(pfns);
      for (int i = 0; i < pfns.length; i++) {
        assertEquals(0, subject.tryFreeOn(allocator, i, pfns[i], 0));
      }
      // Without emptying any cache first: a request that would fail does that itself.
      long whole = allocate(allocator, 14);
      assertNotEquals(NO_FRAME, whole);
      allocator.free(whole, 14);
    }
    assertEquals(1, freeBlocks(allocator, 14));
  }

  @Test
  @Behaviour("98")
  void asManyHugeRequestsSucceedAsThereAreWhollyFreeAreas() {
    FrameAllocator allocator = memoryOf(20, 0, 1 << 15);
    SplitMix64 random = new SplitMix64(2028);
    List<long[]> live = new ArrayList<>();
    for (int round = 0; round < 12; round++) {
      for (int i = 0; i < 4000; i++) {
        int order = random.oneIn(40) ? random.below(10) : random.below(3);
        int flags = random.below(16) & ~AllocationFlags.ZERO;
        long pfn = subject.tryAllocateOn(allocator, i, order, flags);
        if (pfn >= 0) {
          live.add(new long[] {pfn, order});
        }
      }
      for (int i = live.size() * (round % 3 + 1) / 4; i > 0; i--) {
        long[] block = live.remove(random.below(live.size()));
        assertEquals(0, subject.tryFreeOn(allocator, i, block[0], (int) block[1]));
      }
      long[] usedOf = new long[64];
      live.forEach(block -> usedOf[(int) (block[0] >>> 9)]++);
      long whollyFree = Arrays.stream(usedOf).filter(used -> used == 0).count();
      List<Long> huge = new ArrayList<>();
      long pfn;
      while ((pfn = allocate(allocator, 9)) != NO_FRAME) {
        huge.add(pfn);
      }
      assertEquals(whollyFree, huge.size(), "round " + round);
      huge.forEach(area -> allocator.free(area, 9));
      allocator.assertValid();
    }
  }

  @Test
  @Behaviour("99")
  void aFailedFreeOfSeveralFramesChangesNothing() {
    FrameAllocator allocator = memoryOf(20, 0, 4096);
    long run = allocateFrames(allocator, 600);
    long split = allocateFrames(allocator, 64);
    allocator.splitFrames(split, 64);
    allocator.free(split + 40, 0);
    assertFreeFramesRefused(allocator, FrameError.SIZE_MISMATCH, split, 64);
    assertFreeFramesRefused(allocator, FrameError.SIZE_MISMATCH, run, 700);
    assertFreeFramesRefused(allocator, FrameError.OUT_OF_RANGE, run, 5000);
    assertEquals(663, allocator.statistics().usedFrames());
    allocator.freeFrames(run, 600);
    for (int i = 0; i < 64; i++) {
      if (i != 40) {
        allocator.free(split + i, 0);
      }
    }
    assertEquals(1, freeBlocks(allocator, 12));
  }

  @Test
  @Behaviour("101")
  void framesGoBackToTheirMemoryWhereverTheOthersLie() {
    FrameAllocator low = memoryOf(20, 4096, 4096);
    FrameAllocator high = memoryOf(20, 1 << 20, 4096);
    for (FrameAllocator[] pair : new FrameAllocator[][] {{low, high}, {high, low}}) {
      long single = allocate(pair[0], 0);
      long huge = allocate(pair[0], 9);
      assertFreeRefused(pair[1], FrameError.OUT_OF_RANGE, single, 0);
      assertFreeRefused(pair[1], FrameError.OUT_OF_RANGE, huge, 9);
      FrameRequestException range =
          assertThrows(FrameRequestException.class, () -> pair[1].freeRange(huge, 512));
      assertEquals(FrameError.OUT_OF_RANGE, range.error());
      pair[0].free(single, 0);
      pair[0].free(huge, 9);
      assertEquals(4096, notInUse(pair[0]));
      pair[0].assertValid();
    }
  }
}
