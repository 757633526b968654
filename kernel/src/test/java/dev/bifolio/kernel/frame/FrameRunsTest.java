package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Runs of up to 512 frames inside an area are taken at the best place and freed in their length
/// only.
class FrameRunsTest extends HybridParts {
  private static final long NONE = -1;
  private static final long END = 8 << 9;

  private HybridCore core;
  private FrameRuns runs;
  private long area;
  private long first;

  @BeforeEach
  void aClaimedArea() {
    core = memory(1, 0, END);
    runs = core.runs;
    assertTrue(core.areas.lendThis(3, 0));
    area = 3;
    first = area << 9;
  }

  private long[] words() {
    long[] words = new long[16];
    for (int i = 0; i < 16; i++) {
      words[i] = frameWord(core, first + 32L * i);
    }
    return words;
  }

  /// What a run looks like, unit for unit, in the words.
  private static long[] expected(int place, int frameCount) {
    long[] words = new long[16];
    Arrays.fill(words, UnitWord.ALL_FREE);
    for (int i = place; i < place + frameCount; i++) {
      words[i / 32] &= ~(1L << i % 32);
    }
    words[place / 32] |= 1L << (32 + place % 32);
    return words;
  }

  @Test
  void aRunOfEveryCountIsAHeadAndTails() {
    for (int count = 1; count <= 512; count++) {
      long frame = runs.take(area, count);
      assertEquals(first, frame);
      assertTrue(Arrays.equals(expected(0, count), words()), "count " + count);
      for (int other = 1; other <= 512; other++) {
        assertEquals(other == count, runs.isRun(frame, other));
      }
      assertTrue(runs.free(frame, count));
      assertEquals(0xFFFF, core.areas.wholeWords(area));
    }
  }

  @Test
  void blocksThatBeginAndEndLikeARunAreNone() {
    for (int order = 7; order <= 9; order++) {
      int count = 1 << order;
      assertTrue(runs.takeAt(first, 32));
      for (int next = 32; next < count; next *= 2) {
        assertTrue(runs.takeAt(first + next, next));
      }
      long[] before = words();
      assertFalse(runs.isRun(first, count));
      assertFalse(runs.free(first, count));
      assertFalse(runs.split(first, count));
      assertFalse(runs.free(first, count - 1));
      Slots slots = core.slots;
      long claim = slots.claim(0);
      Magazines.noteLast(claim, Math.min(order, 8), first);
      assertFalse(
          core.magazines.push(claim, Math.min(order, 8), first, areaWord(core, area), 1),
          "the proof of a push does not rest on a look before");
      assertEquals(0, Memory.getLong(Slots.header(claim, Math.min(order, 8))));
      assertTrue(Arrays.equals(before, words()));
      assertTrue(runs.free(first, 32));
      for (int next = 32; next < count; next *= 2) {
        assertTrue(runs.free(first + next, next));
      }
    }
  }

  @Test
  void aRunIsTakenAtAWantedPlaceIfItIsFree() {
    for (int count : new int[] {1, 2, 3, 5, 8, 13, 16, 17, 31, 32, 33, 63, 64, 65, 200, 256, 300}) {
      int step = 1 << Pages.framesToOrderUp(count);
      for (int place = 0; place < 512; place += step) {
        assertTrue(runs.takeAt(first + place, count));
        assertTrue(Arrays.equals(expected(place, count), words()));
        assertFalse(runs.takeAt(first + place, count));
        assertFalse(runs.takeAt(first + place + count - 1, 1));
        assertFalse(runs.takeAt(first, 512));
        assertTrue(runs.free(first + place, count));
      }
    }
  }

  @Test
  void wrongCountsAndPlacesAreRefusedAndChangeNothing() {
    for (int count = 1; count <= 512; count += count < 70 ? 1 : 37) {
      long frame = runs.take(area, count);
      assertTrue(count == 512 || core.runs.takeAt(first + 256, 256) || count > 256);
      long[] before = words();
      assertFalse(runs.free(frame, count + 1 <= 512 ? count + 1 : 511));
      assertFalse(count > 1 && runs.free(frame, count - 1));
      assertFalse(count > 1 && runs.free(frame + 1, count - 1));
      assertFalse(count > 1 && runs.split(frame, count - 1));
      assertFalse(count < 512 && runs.split(frame, count + 1));
      assertFalse(count > 32 && runs.free(frame + 32, count - 32));
      assertTrue(Arrays.equals(before, words()));
      assertTrue(runs.free(frame, count));
      assertFalse(runs.free(frame, count), "a second free");
      assertTrue(count > 256 || runs.free(first + 256, 256));
      assertEquals(0xFFFF, core.areas.wholeWords(area));
    }
  }

  @Test
  void theSmallestFreeBlockThatFitsIsBroken() {
    core.areas.fill(area, UnitWord.ALL_HEAD);
    // Free blocks of orders 3, 2, 4, 1, 0 in this order; each order must find its own.
    int[] orders = {3, 2, 4, 1, 0};
    int[] places = {40, 100, 208, 302, 411};
    for (int i = 0; i < 5; i++) {
      for (int k = 0; k < 1 << orders[i]; k++) {
        assertTrue(runs.free(first + places[i] + k, 1));
      }
    }
    for (int i = 4; i >= 0; i--) {
      assertEquals(first + places[i], runs.take(area, 1 << orders[i]));
    }
    assertEquals(NONE, runs.take(area, 1));
  }

  @Test
  void aWholeWordIsBrokenOnlyWhenNothingSmallerFits() {
    core.areas.fill(area, UnitWord.ALL_HEAD);
    for (int k = 0; k < 32; k++) {
      runs.free(first + 32 + k, 1);
    }
    runs.free(first + 70, 1);
    runs.free(first + 71, 1);
    assertEquals(first + 70, runs.take(area, 2));
    assertEquals(first + 32, runs.take(area, 2));
    assertEquals(first + 34, runs.take(area, 1));
    assertEquals(first + 35, runs.take(area, 1));
    assertEquals(NONE, runs.take(area, 17), "17 frames need a whole word");
    assertEquals(first + 48, runs.take(area, 9));
  }

  @Test
  void longRunsBreakTheSmallestRunOfWords() {
    assertTrue(runs.takeAt(first, 64));
    assertTrue(runs.takeAt(first + 96, 32)); // free: word 2, words 4 to 15
    assertEquals(first + 64, runs.take(area, 32));
    assertTrue(runs.free(first + 64, 32));
    assertEquals(first + 128, runs.take(area, 33), "two words out of four");
    assertEquals(first + 256, runs.take(area, 129));
    assertEquals(NONE, runs.take(area, 257));
    assertEquals(first + 64, runs.take(area, 17));
  }

  @Test
  void whatARunLeavesOfItsBlockIsFreeForOthers() {
    assertEquals(first, runs.take(area, 70));
    assertEquals(first + 70, runs.take(area, 2));
    assertEquals(first + 72, runs.take(area, 8));
    assertEquals(first + 96, runs.take(area, 32));
    assertTrue(runs.free(first, 70), "neighbours behind the run do no harm");
    assertTrue(runs.isRun(first + 70, 2));
    assertTrue(runs.isRun(first + 72, 8));
    assertTrue(runs.isRun(first + 96, 32));
  }

  @Test
  void aSplitRunIsFreedFrameByFrame() {
    for (int count : new int[] {1, 2, 3, 16, 17, 31, 32, 33, 64, 70, 255, 256, 511, 512}) {
      long frame = runs.take(area, count);
      assertTrue(runs.split(frame, count));
      assertEquals(count == 1, runs.isRun(frame, count));
      for (int k = 0; k < count; k++) {
        assertTrue(runs.isRun(frame + k, 1));
      }
      assertFalse(count < 512 && runs.isRun(frame + count, 1));
      for (int k = 0; k < count; k++) {
        assertTrue(runs.free(frame + k, 1));
        assertFalse(runs.free(frame + k, 1));
      }
      assertEquals(0xFFFF, core.areas.wholeWords(area));
    }
  }

  @Test
  void aRunThatEndsAtTheAreasEndIsNotJudgedByTheNextArea() {
    // The next area begins with tails of a long run that has nothing to do with this one.
    assertTrue(core.areas.lendThis(area + 1, 0));
    runs.tails((area + 1) << 9, 100);
    for (int count : new int[] {1, 2, 4, 8, 16, 32, 64, 128, 256}) {
      long frame = first + 512 - count;
      assertTrue(runs.takeAt(frame, count));
      assertTrue(runs.isRun(frame, count));
      assertTrue(runs.free(frame, count));
    }
  }

  @Test
  void aCachedBlockThatIsFreedIsFree() {
    for (int order = 0; order <= 8; order++) {
      for (int place = 0; place < 512; place += 1 << order) {
        long frame = first + place;
        assertTrue(runs.takeAt(frame, 1 << order));
        setFrameWord(core, frame, frameWord(core, frame) ^ UnitWord.cached(place & 31));
        assertFalse(runs.isRun(frame, 1 << order));
        assertFalse(runs.free(frame, 1 << order));
        runs.freeCached(frame, order);
        assertEquals(0xFFFF, core.areas.wholeWords(area));
      }
    }
    assertTrue(AreaWord.isDirty(areaWord(core, area)), "the claimer must have been told");
  }

  @Test
  void freesTellTheArea() {
    long frame = runs.take(area, 100);
    long rest = runs.take(area, 256);
    core.areas.settle(area);
    assertEquals(AreaWord.bin(7, 156), AreaWord.bin(areaWord(core, area)));
    assertTrue(runs.free(frame, 100));
    assertEquals(8, AreaWord.largestOrder(AreaWord.bin(areaWord(core, area))));
    assertTrue(runs.free(rest, 256));
    assertEquals(AreaWord.NONE, AreaWord.state(areaWord(core, area)));
  }

  @Test
  void tailsAreWhatTheyAreUpToAnyCount() {
    for (int count : new int[] {1, 31, 32, 33, 64, 100, 511, 512}) {
      core.areas.fill(area, UnitWord.ALL_FREE);
      runs.tails(first, count);
      assertTrue(runs.areTails(first, count));
      assertTrue(runs.areTails(first, count - 1));
      assertFalse(count < 512 && runs.areTails(first, count + 1));
      runs.heads(first, count);
      assertFalse(runs.areTails(first, 1));
      for (int k = 0; k < 512; k++) {
        assertEquals(k < count, (UnitWord.heads(frameWord(core, first + k)) >>> (k & 31) & 1) != 0);
      }
      core.areas.fill(area, UnitWord.ALL_FREE);
      runs.tails(first, count);
      runs.release(first, count);
      assertEquals(0xFFFF, core.areas.wholeWords(area));
    }
  }

  @Test
  void anyRunsInAnyOrderAreKeptApart() {
    SplitMix64 random = new SplitMix64(17);
    boolean[] used = new boolean[512];
    List<long[]> taken = new ArrayList<>();
    for (int turn = 0; turn < 30_000; turn++) {
      if (taken.isEmpty() || random.oneIn(2)) {
        int count = 1 + random.below(1 << random.below(10));
        long frame = runs.take(area, count);
        if (frame == NONE) {
          continue;
        }
        assertEquals(0, frame & ((1L << Pages.framesToOrderUp(count)) - 1));
        mark(used, frame, count, true);
        taken.add(new long[] {frame, count});
      } else {
        long[] run = taken.remove(random.below(taken.size()));
        if (random.oneIn(4)) {
          assertTrue(runs.split(run[0], (int) run[1]));
          for (int k = 0; k < run[1]; k++) {
            assertTrue(runs.free(run[0] + k, 1));
          }
        } else {
          assertTrue(runs.free(run[0], (int) run[1]));
        }
        mark(used, run[0], (int) run[1], false);
      }
    }
    assertNotEquals(0, taken.size());
    for (int k = 0; k < 512; k++) {
      boolean free = (UnitWord.free(frameWord(core, first + k)) >>> (k & 31) & 1) != 0;
      assertEquals(!used[k], free);
    }
  }

  private void mark(boolean[] used, long frame, int count, boolean now) {
    for (int k = (int) (frame - first); k < frame - first + count; k++) {
      assertEquals(!now, used[k]);
      used[k] = now;
    }
  }
}
