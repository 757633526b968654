package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Memory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// The statistics are read from the words of slots and levels, and stay right for any time.
class HybridStatisticsTest extends HybridParts {
  private static final long END = 1 << 15;

  private HybridCore core;
  private HybridCounts counts;

  @BeforeEach
  void memoryOf128Mebibytes() {
    core = memory(2, 0, END);
    counts = new HybridCounts(core);
    counts.added(END, counts.takenBackUnits());
  }

  private FrameCensus census() {
    return census(core, 0, END);
  }

  private FrameStatistics snapshot() {
    return counts.snapshot(census());
  }

  @Test
  void nothingIsCountedBeforeThereAreMetadata() {
    HybridCounts unattached = new HybridCounts(new HybridCore(1));
    unattached.refused();
    unattached.refusedFree();
    assertEquals(0, snapshot().requests());
    assertEquals(END, counts.managedFrames());
  }

  @Test
  void everyWayToAFrameCountsUnderItsOrderAndKind() {
    int[] flags = {
      AllocationFlags.NONE,
      AllocationFlags.MOVABLE,
      AllocationFlags.RECLAIMABLE,
      AllocationFlags.LONG,
      AllocationFlags.LONG | AllocationFlags.MOVABLE,
      AllocationFlags.LONG | AllocationFlags.RECLAIMABLE
    };
    long[][] expected = new long[13][6];
    for (int order = 0; order <= 12; order++) {
      for (int kind = 0; kind < 6; kind++) {
        for (int turn = 0; turn <= (order + kind) % 3; turn++) {
          // From both CPUs; the second time from a cache, where there is one.
          for (int again = 0; again < 2; again++) {
            long pfn = core.allocate(turn, order, flags[kind]);
            assertTrue(core.free(turn, pfn, order));
            expected[order][kind]++;
          }
        }
      }
    }
    long sum = 0;
    for (int order = 0; order <= 12; order++) {
      long frees = 0;
      for (int kind = 0; kind < 6; kind++) {
        assertEquals(expected[order][kind], counts.allocations(order, kind));
        frees += expected[order][kind];
      }
      assertEquals(frees, counts.frees(order, census()));
      sum += frees;
    }
    FrameStatistics statistics = snapshot();
    assertEquals(sum, statistics.requests());
    assertEquals(sum, statistics.allocations());
    assertEquals(sum, statistics.frees());
    assertEquals(0, statistics.failures());
    callBackAll(core);
    assertEquals(sum, snapshot().frees(), "calling back is no free");
    assertEquals(sum, snapshot().allocations());
  }

  @Test
  void aRunCountsUnderItsRoundedOrder() {
    long small = core.allocateRun(0, 5, AllocationFlags.MOVABLE);
    long long600 = core.allocateRun(1, 600, AllocationFlags.MOVABLE);
    assertEquals(1, counts.allocations(3, 1));
    assertEquals(1, counts.allocations(10, 1));
    assertEquals(0, counts.frees(3, census()));
    assertTrue(core.freeRun(small, 5));
    assertTrue(core.freeRun(long600, 600));
    assertEquals(1, counts.frees(3, census()));
    assertEquals(1, counts.frees(10, census()));
  }

  @Test
  void failuresAndRefusalsAreCountedApart() {
    counts.failed(3);
    counts.failed(3);
    counts.failed(20);
    counts.refused();
    counts.refusedFree();
    counts.refusedFree();
    assertEquals(2, counts.failures(3));
    assertEquals(1, counts.failures(20));
    assertEquals(0, counts.failures(4));
    FrameStatistics statistics = snapshot();
    assertEquals(4, statistics.failures());
    assertEquals(4, statistics.requests());
    assertEquals(0, statistics.allocations());
    assertEquals(2, statistics.refusedFrees());
    counts.resetRequests(census());
    assertEquals(0, counts.failures(3));
    assertEquals(0, snapshot().failures());
    assertEquals(0, snapshot().refusedFrees());
    counts.failed(3);
    assertEquals(1, counts.failures(3));
  }

  @Test
  void aSplitBlockIsFreedAsSingleFrames() {
    long pfn = core.allocate(0, 4, AllocationFlags.NONE);
    assertTrue(core.split(pfn, 16));
    counts.split(16);
    assertEquals(0, counts.frees(4, census()));
    assertEquals(0, counts.frees(0, census()));
    for (int i = 0; i < 16; i++) {
      assertTrue(core.free(0, pfn + i, 0));
      assertEquals(i + 1, counts.frees(0, census()));
    }
    assertEquals(0, counts.frees(4, census()));
    assertEquals(16, snapshot().frees());
  }

  @Test
  void thePeakIsTheMostThatWasSeen() {
    long pfn = core.allocate(0, 10, AllocationFlags.NONE);
    assertEquals(1024, snapshot().peakUsedFrames());
    assertTrue(core.free(0, pfn, 10));
    assertEquals(1024, snapshot().peakUsedFrames());
    counts.resetRequests(census());
    assertEquals(0, snapshot().peakUsedFrames());
    counts.sawAllUsed();
    assertEquals(END, snapshot().peakUsedFrames());
    core.allocate(0, 3, AllocationFlags.NONE);
    assertEquals(END, snapshot().peakUsedFrames());
  }

  @Test
  void aResetForgetsRequestsAndKeepsWhatIsInUse() {
    long pfn = core.allocate(0, 2, AllocationFlags.NONE);
    core.allocate(0, 0, AllocationFlags.NONE);
    counts.resetRequests(census());
    FrameStatistics statistics = snapshot();
    assertEquals(0, statistics.requests());
    assertEquals(0, statistics.frees());
    assertEquals(0, statistics.splits());
    assertEquals(0, statistics.coalesces());
    assertEquals(5, statistics.usedFrames());
    assertEquals(5, statistics.peakUsedFrames());
    assertTrue(core.free(0, pfn, 2));
    core.allocate(1, 2, AllocationFlags.NONE);
    assertEquals(1, snapshot().frees());
    assertEquals(1, counts.frees(2, census()));
    assertEquals(1, counts.allocations(2, 0));
    assertEquals(0, counts.allocations(0, 0));
  }

  @Test
  void lentAndReturnedUnitsAreSplitsAndCoalesces() {
    assertEquals(0, snapshot().splits());
    long pfn = core.allocate(0, 0, AllocationFlags.NONE);
    assertEquals(2, snapshot().splits(), "64 MiB and an area of them");
    assertEquals(0, snapshot().coalesces());
    assertTrue(core.free(0, pfn, 0));
    callBackAll(core);
    assertEquals(2, snapshot().coalesces());
    counts.resetRequests(census());
    assertEquals(0, snapshot().splits());
    assertEquals(0, snapshot().coalesces());
  }

  @Test
  void unitsOfAllLevelsAreCountedWhenTheyAreLentAndReturned() {
    long end = 1L << 20;
    HybridCore large = memory(1, 0, end);
    HybridCounts counted = new HybridCounts(large);
    counted.added(end, counted.takenBackUnits());
    assertTrue(large.free(0, large.allocate(0, 8, AllocationFlags.NONE), 8));
    assertEquals(3, counted.snapshot(census(large, 0, end)).splits());
    callBackAll(large);
    assertEquals(3, counted.snapshot(census(large, 0, end)).coalesces());
  }

  @Test
  void whatCachesServeIsToldApartFromWhatGoesPastThem() {
    for (int i = 0; i < 33; i++) {
      core.allocate(0, 0, AllocationFlags.NONE); // two refills
    }
    core.allocate(1, 3, AllocationFlags.LONG);
    core.allocate(1, 8, AllocationFlags.LONG);
    core.allocate(1, 9, AllocationFlags.LONG); // no cache has such blocks
    assertEquals(new CacheStatistics(31, 4, 2, 0), counts.caches());
    long cached = census().cachedFrames();
    callBackAll(core);
    assertEquals(new CacheStatistics(31, 4, 2, cached), counts.caches());
  }

  @Test
  void whatWentHomeFromCachesIsCounted() {
    core.allocate(0, 0, AllocationFlags.NONE);
    long eight = core.allocate(1, 3, AllocationFlags.MOVABLE);
    assertTrue(core.free(1, eight, 3));
    long cached = census().cachedFrames();
    assertTrue(cached >= 31);
    assertEquals(0, counts.wentHome());
    callBackAll(core);
    assertEquals(cached, counts.wentHome());
  }

  @Test
  void theCountsGoOnWhenTheClaimWordsCounterGoesRound() {
    long claim = core.slots.claim(core.slots.of(1, 0));
    for (int turn = 1; turn <= 3; turn++) {
      long word = Memory.getLong(claim);
      long ahead = (1L << ClaimWord.OPERATION_BITS) - 2 - ClaimWord.operations(word);
      // Sixty-seven million pairs later, that is so many changes more.
      Memory.putLong(claim, word + ahead * ClaimWord.OPERATION);
      Memory.getAndAddLong(Slots.changes(claim), ahead);
      for (int i = 1; i <= 100; i++) {
        long pfn = core.allocate(1, 0, AllocationFlags.NONE);
        assertTrue(core.free(0, pfn, 0));
        assertEquals(100L * (turn - 1) + i, counts.allocations(0, 0));
        assertEquals(100L * (turn - 1) + i, counts.frees(0, census()));
      }
      assertEquals(turn, Memory.getLong(Slots.rounds(claim)));
    }
    assertEquals(300, snapshot().allocations());
    assertEquals(0, snapshot().usedFrames());
  }
}
