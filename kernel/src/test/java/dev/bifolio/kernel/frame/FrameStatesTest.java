package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// What each frame is, and the count of all frames, agree with a list of what was done.
class FrameStatesTest extends HybridParts {
  private static final int ABSENT = FrameStates.ABSENT;
  private static final int FREE = FrameStates.FREE;
  private static final int HEAD = FrameStates.HEAD;
  private static final int TAIL = FrameStates.TAIL;
  private static final int CACHED = FrameStates.CACHED;

  /// The state of each frame, and for heads and cached blocks how many frames.
  private static final class Truth {
    private final long start;
    private final int[] states;
    private final int[] counts;

    Truth(long start, int frameCount) {
      this.start = start;
      states = new int[frameCount];
      counts = new int[frameCount];
    }

    void set(long pfn, long frameCount, int state) {
      Arrays.fill(states, (int) (pfn - start), (int) (pfn - start + frameCount), state);
    }

    void owned(long pfn, long frameCount, int state) {
      set(pfn, frameCount, TAIL);
      states[(int) (pfn - start)] = state;
      counts[(int) (pfn - start)] = (int) frameCount;
    }

    int headOf(int index) {
      int head = index;
      while (states[head] == TAIL) {
        head--;
      }
      return head;
    }

    void assertStates(FrameStates found) {
      for (int i = 0; i < states.length; i++) {
        long look = found.look(start + i);
        assertEquals(states[i], FrameStates.stateIn(look), "frame " + (start + i));
        long end = FrameStates.endIn(look);
        assertTrue(end > start + i);
        for (long same = start + i; same < Math.min(end, start + states.length); same++) {
          boolean isTail = states[i] == HEAD && same > start + i;
          assertEquals(isTail ? TAIL : states[i], states[(int) (same - start)]);
        }
        assertEquals(states[i] != ABSENT, found.isManaged(start + i));
        if (states[i] != ABSENT) {
          int head = headOf(i);
          assertEquals(start + head, found.headOf(start + i));
          assertEquals(states[head] != HEAD, found.isFreeOrCached(start + i));
          if (states[head] != FREE) {
            assertEquals(counts[head], found.frameCountAt(start + head, start + states.length));
          }
        }
      }
    }

    /// Frames, free runs, free blocks and live blocks, counted frame by frame.
    void assertCensus(FrameCensus census, int maxOrder) {
      long[] frames = new long[5];
      long freeRuns = 0;
      long[] live = new long[Pages.MAX_ORDER + 1];
      for (int i = 0; i < states.length; i++) {
        frames[states[i] == TAIL ? states[headOf(i)] : states[i]]++;
        freeRuns += states[i] == FREE && (i == 0 || states[i - 1] != FREE) ? 1 : 0;
        if (states[i] == HEAD) {
          live[Pages.framesToOrderUp(counts[i])]++;
        }
      }
      assertEquals(frames[FREE], census.freeFrames());
      assertEquals(frames[CACHED], census.cachedFrames());
      assertEquals(frames[HEAD], census.usedFrames());
      assertEquals(states.length - frames[ABSENT], census.managedFrames());
      assertEquals(freeRuns, census.freeRuns());
      long[] free = freeBlocks(maxOrder);
      for (int order = 0; order <= Pages.MAX_ORDER; order++) {
        assertEquals(live[order], census.liveBlocks(order));
        assertEquals(free[order], census.freeBlocks(order), "order " + order);
      }
    }

    private long[] freeBlocks(int maxOrder) {
      long[] blocks = new long[Pages.MAX_ORDER + 1];
      for (int i = 0; i < states.length; ) {
        int order = -1;
        while (order < maxOrder && isFreeBlock(i, order + 1)) {
          order++;
        }
        if (order >= 0) {
          blocks[order]++;
        }
        i += order > 0 ? 1 << order : 1;
      }
      return blocks;
    }

    private boolean isFreeBlock(int index, int order) {
      long end = index + (1L << order);
      if (((start + index) & ((1L << order) - 1)) != 0 || end > states.length) {
        return false;
      }
      for (int i = index; i < end; i++) {
        if (states[i] != FREE) {
          return false;
        }
      }
      return true;
    }
  }

  @Test
  @Tag("slow")
  void everyFrameOfARandomMemoryIsToldForWhatItIs() {
    for (int round = 0; round < 16; round++) {
      SplitMix64 random = new SplitMix64(1000 + round);
      long start = random.below(1L << 16);
      int frameCount = 2000 + random.below(60_000);
      HybridCore core = span(1, start, start + frameCount);
      Truth truth = new Truth(start, frameCount);
      for (int piece = 0; piece < 3; piece++) {
        long from = start + random.below(frameCount);
        long to = Math.min(start + frameCount, from + random.below(frameCount));
        handOver(core, from, to);
        truth.set(from, to - from, FREE);
      }
      use(core, truth, random);
      callBackAll(core);
      cacheSome(core, truth, random);
      truth.assertStates(core.states);
      int maxOrder = random.below(Pages.MAX_ORDER + 1);
      truth.assertCensus(
          new FrameCensus(core.states, maxOrder, start, start + frameCount), maxOrder);
      closeWindows();
    }
  }

  private static void use(HybridCore core, Truth truth, SplitMix64 random) {
    List<long[]> taken = new ArrayList<>();
    for (int i = 0; i < 400; i++) {
      long count = 1 + random.below(1L << random.below(13));
      int flags = random.below(2) * AllocationFlags.MOVABLE;
      long pfn =
          Long.bitCount(count) == 1
              ? core.allocate(0, Pages.framesToOrderUp(count), flags)
              : core.allocateRun(0, count, flags);
      if (pfn >= 0) {
        truth.owned(pfn, count, HEAD);
        taken.add(new long[] {pfn, count});
      }
    }
    for (int i = taken.size() / 2; i > 0; i--) {
      long[] run = taken.remove(random.below(taken.size()));
      boolean freed =
          Long.bitCount(run[1]) == 1
              ? core.free(0, run[0], Pages.framesToOrderUp(run[1]))
              : core.freeRun(run[0], run[1]);
      assertTrue(freed);
      truth.set(run[0], run[1], FREE);
    }
  }

  /// Fills a claim word, and puts blocks into magazines by hand.
  private static void cacheSome(HybridCore core, Truth truth, SplitMix64 random) {
    long claim = core.slots.claim(0);
    for (long pfn = truth.start; pfn < truth.start + truth.states.length; pfn++) {
      int index = (int) (pfn - truth.start);
      int order = Pages.framesToOrderUp(Math.max(1, truth.counts[index]));
      boolean isBlock = truth.states[index] == HEAD && truth.counts[index] == 1 << order;
      if (isBlock && order < Slots.CACHED_ORDERS && random.oneIn(2)) {
        long frame = pfn - core.basePfn();
        long area = AreaWord.full(areaWord(core, frame >>> 9) & AreaWord.PARTIAL);
        if (core.magazines.push(claim, order, frame, area)) {
          truth.owned(pfn, 1L << order, CACHED);
        }
      }
    }
    long frame = core.claims.refill(0, 0, true);
    if (frame >= 0) {
      int mask = ClaimWord.mask(Memory.getLong(claim));
      truth.owned(core.basePfn() + frame, 1, HEAD);
      for (int i = 0; i < 32; i++) {
        if ((mask >>> i & 1) != 0) {
          truth.owned(core.basePfn() + (frame & -32) + i, 1, CACHED);
        }
      }
    }
  }

  @Test
  void anUntouchedSpanIsAbsent() {
    HybridCore core = span(1, 1000, 1L << 30);
    assertEquals(ABSENT, FrameStates.stateIn(core.states.look(1000)));
    assertEquals(ABSENT, FrameStates.stateIn(core.states.look((1L << 30) - 1)));
    assertFalse(core.states.isManaged(1000));
    FrameCensus census = census(core, 1000, 1L << 30);
    assertEquals(0, census.managedFrames());
    assertEquals(0, census.freeRuns());
  }

  @Test
  void whatLiesOutsideTheSpanIsNotManaged() {
    HybridCore core = memory(1, 1024, 2048);
    for (long pfn : new long[] {-1, Long.MIN_VALUE, 0, 1023, 2048, 1L << 40, Long.MAX_VALUE}) {
      assertFalse(core.states.isManaged(pfn), "frame " + pfn);
      assertEquals(FrameError.OUT_OF_RANGE, core.states.errorOf(pfn, 1));
    }
  }

  @Test
  void theMistakeInAFreeIsNamed() {
    HybridCore core = memory(1, 0, 4096);
    long single = core.allocate(0, 0, AllocationFlags.NONE);
    long four = core.allocate(0, 2, AllocationFlags.NONE);
    long run = core.allocateRun(0, 600, AllocationFlags.NONE);
    FrameStates states = core.states;
    assertEquals(FrameError.ZERO_ALLOCATION, states.errorOf(single, 0));
    assertEquals(FrameError.ZERO_ALLOCATION, states.errorOf(-5, -1));
    assertEquals(FrameError.SIZE_MISMATCH, states.errorOf(single, 2));
    assertEquals(FrameError.SIZE_MISMATCH, states.errorOf(four + 1, 1));
    assertEquals(FrameError.SIZE_MISMATCH, states.errorOf(run + 599, 1));
    assertEquals(FrameError.NOT_ALLOCATED, states.errorOf(run + 600, 1));
    assertEquals(FrameError.NOT_ALLOCATED, states.errorOf(single + 1, 1), "it is cached");
    assertEquals(FrameError.OUT_OF_RANGE, states.errorOf(4095, 2));
    assertEquals(FrameError.NOT_ALLOCATED, states.errorOf(4095, 1));
    assertEquals(FrameError.OUT_OF_RANGE, states.errorOf(four, Long.MAX_VALUE));
    assertEquals(FrameError.OUT_OF_RANGE, states.errorOf(four, Long.MAX_VALUE - four));
  }

  @Test
  void anAreaOnItsWayIsFree() {
    HybridCore core = memory(1, 0, 1024);
    assertEquals(0, core.levels[0].lend());
    assertEquals(FREE, FrameStates.stateIn(core.states.look(5)));
    assertEquals(512, FrameStates.endIn(core.states.look(5)));
  }

  @Test
  void tailsWithoutAHeadCountAsUsedSoThatTheSumIsRight() {
    HybridCore core = memory(1, 0, 1024);
    assertTrue(core.areas.lendThis(0, 0));
    core.areas.fill(0, UnitWord.ALL_TAIL);
    FrameCensus census = census(core, 0, 1024);
    assertEquals(512, census.usedFrames());
    assertEquals(512, census.freeFrames());
    assertEquals(0, census.liveBlocks(9));
  }
}
