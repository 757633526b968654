package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Runs of 512 frames and more have just their length: the rest of their block is free for others,
/// and only the exact count frees them.
class LongRunsTest extends HybridParts {
  /// 64 MiB blocks twice, so that a run of 40,000 frames fits and has neighbours.
  private static final long END = 1 << 17;

  private static final long[] LARGE = {
    (1L << 18) + 1,
    (1L << 19) - 1,
    (1L << 19) + 1,
    (1L << 19) + 512,
    (1L << 19) + (1 << 14),
    (1L << 19) + (1 << 14) + 513,
    (1L << 19) + (31 << 14) + (31 << 9) + 511,
    (1L << 20) - 1,
  };

  private static long take(HybridCore core, long frameCount) {
    long pfn =
        Long.bitCount(frameCount) == 1
            ? core.allocate(0, Pages.framesToOrderUp(frameCount), AllocationFlags.NONE)
            : core.allocateRun(0, frameCount, AllocationFlags.NONE);
    assertTrue(pfn >= 0);
    assertEquals(0, pfn & ((1L << Pages.framesToOrderUp(frameCount)) - 1));
    return pfn;
  }

  private static long usedAt(HybridCore core, long pfn, long endPfn) {
    return core.states.frameCountAt(pfn, endPfn);
  }

  /// Units that were lent and have not come back, of each level.
  private static List<Long> outstanding(HybridCore core) {
    List<Long> units = new ArrayList<>();
    for (UnitLevel level : core.levels) {
      units.add(level.lentCount() - level.takenBackCount());
    }
    return units;
  }

  @Test
  void everyCountIsTakenAndGivenBackExactly() {
    HybridCore core = memory(1, 0, END);
    List<Long> whole = picture(core, 0, END);
    List<Long> outstanding = outstanding(core);
    for (long count = 512; count <= 40_000; count += count < 1100 ? 1 : 97) {
      long pfn = take(core, count);
      assertEquals(count, usedAt(core, pfn, END));
      assertEquals(count, census(core, 0, END).usedFrames());
      assertTrue(core.isRun(pfn, count));
      assertTrue(core.freeRun(pfn, count));
      callBackAll(core);
      assertEquals(whole, picture(core, 0, END), "count " + count);
      assertEquals(outstanding, outstanding(core), "what is cut joins again");
    }
  }

  @Test
  void theTailProvesTheCount() {
    HybridCore core = memory(1, 0, END);
    SplitMix64 random = new SplitMix64(3);
    for (long count = 512; count <= 40_000; count += count < 1600 ? 31 : 499) {
      long pfn = take(core, count);
      List<Long> before = picture(core, 0, END);
      List<Long> wrong = new ArrayList<>(List.of(count - 1, count + 1, count ^ 512, 2 * count));
      wrong.addAll(List.of(count & -512, (count & -512) + 512, count & -(1L << 14)));
      wrong.addAll(List.of(random.between(512, 65_536), Long.highestOneBit(count), 512L));
      for (long other : wrong) {
        if (other != count && other >= 512) {
          assertFalse(core.longRuns.isRun(pfn, other), count + " is not " + other);
          assertFalse(core.longRuns.free(pfn, other));
          assertFalse(core.longRuns.split(pfn, other));
        }
      }
      for (long inside : new long[] {1, 32, 512, count - 512, count - 1, 1 << 14}) {
        if (inside > 0 && inside < count) {
          assertFalse(core.isRun(pfn + inside, count - inside));
          assertFalse(core.freeRun(pfn + inside, count - inside));
          assertFalse(core.isRun(pfn + inside, 512));
          assertFalse(core.free(0, pfn + inside, 0));
        }
      }
      assertEquals(before, picture(core, 0, END));
      assertTrue(core.freeRun(pfn, count));
      assertFalse(core.freeRun(pfn, count), "a second free");
    }
  }

  @Test
  void neighboursInTheSameBlockAreKeptApart() {
    HybridCore core = memory(1, 0, END);
    List<Long> whole = picture(core, 0, END);
    for (long count = 513; count <= 40_000; count += 1237) {
      long pfn = take(core, count);
      long end = pfn + count;
      // All that the block has left, in single frames and areas, right behind the run.
      List<long[]> rest = new ArrayList<>();
      HybridPlaces places = new HybridPlaces(core);
      long blockEnd = pfn + (1L << Pages.framesToOrderUp(count));
      for (long at = end; at < blockEnd; ) {
        int order = Math.min(Pages.largestOrderAt(at, blockEnd, 9), 9);
        assertTrue(places.allocateRange(0, at, 1L << order, AllocationFlags.NONE, 20));
        rest.add(new long[] {at, order});
        at += 1L << order;
      }
      assertTrue(core.isRun(pfn, count), "count " + count);
      assertFalse(core.isRun(pfn, count + 1));
      assertFalse(core.isRun(pfn, count - 1));
      assertTrue(core.freeRun(pfn, count));
      for (long[] block : rest) {
        assertTrue(core.isRun(block[0], 1L << block[1]));
        assertTrue(core.free(0, block[0], (int) block[1]));
      }
      callBackAll(core);
      assertEquals(whole, picture(core, 0, END), "count " + count);
    }
  }

  @Test
  void twoRunsBehindEachOtherAreTwo() {
    HybridCore core = memory(1, 0, END);
    for (long count : new long[] {512, 1024, 600, 8192, 16_384, 20_000, 32_768}) {
      HybridPlaces places = new HybridPlaces(core);
      long pfn = take(core, count);
      long next = pfn + (1L << Pages.framesToOrderUp(count));
      assertTrue(places.allocateRange(0, next, 512, AllocationFlags.NONE, 20));
      assertTrue(core.isRun(pfn, count));
      assertTrue(core.isRun(next, 512));
      assertFalse(core.longRuns.isRun(pfn, count + 512));
      assertTrue(core.freeRun(next, 512));
      assertTrue(core.freeRun(pfn, count));
    }
  }

  @Test
  void aSplitRunIsFreedFrameByFrame() {
    HybridCore core = memory(1, 0, END);
    List<Long> whole = picture(core, 0, END);
    List<Long> outstanding = outstanding(core);
    for (long count :
        new long[] {512, 513, 600, 1024, 1535, 16_383, 16_384, 16_385, 17_000, 40_000}) {
      long pfn = take(core, count);
      assertTrue(core.split(pfn, count));
      assertFalse(core.split(pfn, count));
      assertEquals(count, census(core, 0, END).usedFrames());
      assertEquals(count, census(core, 0, END).liveBlocks(0));
      for (long frame = pfn; frame < pfn + count; frame++) {
        assertTrue(core.isRun(frame, 1));
        assertTrue(core.free(0, frame, 0));
        assertFalse(core.free(0, frame, 0));
      }
      callBackAll(core);
      assertEquals(whole, picture(core, 0, END), "count " + count);
      assertEquals(outstanding, outstanding(core));
    }
  }

  @Test
  void runsReachOverAllLevels() {
    long end = 1L << 22;
    HybridCore core = memory(1, 0, end);
    List<Long> whole = picture(core, 0, end);
    List<Long> outstanding = outstanding(core);
    for (long count : LARGE) {
      long pfn = take(core, count);
      assertEquals(count, census(core, 0, end).usedFrames());
      assertEquals(count, usedAt(core, pfn, end));
      for (long other : new long[] {count - 1, count + 1, count + 512, count + (1 << 14)}) {
        assertFalse(core.isRun(pfn, other));
        assertFalse(core.freeRun(pfn, other));
      }
      assertTrue(core.freeRun(pfn, count));
      callBackAll(core);
      assertEquals(whole, picture(core, 0, end), "count " + count);
      assertEquals(outstanding, outstanding(core));
    }
  }

  @Test
  void aRunOverAllLevelsIsSplitIntoFrames() {
    long end = 1L << 21;
    HybridCore core = memory(1, 0, end);
    List<Long> whole = picture(core, 0, end);
    List<Long> outstanding = outstanding(core);
    long count = (1L << 19) + (1 << 14) + 513;
    long pfn = take(core, count);
    assertTrue(core.split(pfn, count));
    assertEquals(count, census(core, 0, end).liveBlocks(0));
    for (long frame = pfn + count - 1; frame >= pfn; frame--) {
      assertTrue(core.free(0, frame, 0));
    }
    callBackAll(core);
    assertEquals(whole, picture(core, 0, end));
    assertEquals(outstanding, outstanding(core));
  }

  @Test
  void theFramesBehindARunServeSmallRequests() {
    HybridCore core = memory(1, 0, 1024);
    assertEquals(0, take(core, 600));
    for (long i = 0; i < 424; i++) {
      long pfn = core.allocate(0, 0, AllocationFlags.NONE);
      assertTrue(pfn >= 600 && pfn < 1024);
    }
    assertEquals(-1, core.allocate(0, 0, AllocationFlags.NONE));
    assertTrue(core.isRun(0, 600));
    assertTrue(core.freeRun(0, 600));
    assertEquals(0, take(core, 512));
  }

  @Test
  void aRunAtTheEndOfAWordEndsThere() {
    HybridCore core = memory(1, 0, END);
    HybridPlaces places = new HybridPlaces(core);
    long last = (1 << 14) - 512;
    assertTrue(places.allocateRange(0, last, 512, AllocationFlags.NONE, 20));
    assertTrue(places.allocateRange(0, last + 512, 512, AllocationFlags.NONE, 20));
    assertFalse(core.longRuns.isRun(last, 513));
    assertFalse(core.longRuns.isRun(last, 1024));
    assertFalse(core.longRuns.isRun(last, 1L << 14));
    assertTrue(core.longRuns.isRun(last, 512));
    assertTrue(core.longRuns.free(last, 512));
    assertTrue(core.longRuns.free(last + 512, 512));
  }

  @Test
  void whatBeginsInTheMiddleOfAUnitIsNoLongRun() {
    HybridCore core = memory(1, 0, END);
    long pfn = take(core, 40_000);
    for (long shift : new long[] {1, 31, 511, 512, 16_383}) {
      assertFalse(core.longRuns.isRun(pfn + shift, 40_000));
    }
    assertFalse(core.longRuns.isRun(END - 512, 512), "it is free");
  }

  @Test
  void eachOrderHasItsLevel() {
    for (int order = 9; order <= 20; order++) {
      assertEquals(order < 14 ? 0 : order < 19 ? 1 : 2, LongRuns.levelOfOrder(order));
    }
  }
}
