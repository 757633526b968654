package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Memory that is handed over in any pieces and any order is the same as when it comes at once.
class HandOverTest extends HybridParts {
  /// What can be seen of a span: the state of each frame, and the free blocks.
  private static List<Long> view(HybridCore core, long startPfn, long endPfn) {
    callBackAll(core);
    List<Long> view = picture(core, startPfn, endPfn);
    for (long pfn = startPfn; pfn < endPfn; ) {
      long found = core.states.look(pfn);
      long end = Math.min(FrameStates.endIn(found), endPfn);
      int state = FrameStates.stateIn(found);
      int last = view.size() - 1;
      if (pfn > startPfn && view.get(last) == state) {
        view.set(last - 1, end);
      } else {
        view.add(end);
        view.add((long) state);
      }
      pfn = end;
    }
    return view;
  }

  private List<Long> atOnce(long startPfn, long endPfn, long from, long to) {
    HybridCore core = span(1, startPfn, endPfn);
    assertEquals(to - from, handOver(core, from, to));
    return view(core, startPfn, endPfn);
  }

  private List<long[]> pieces(SplitMix64 random, long from, long to, int count) {
    List<Long> cuts = new ArrayList<>(List.of(from, to));
    for (int i = 1; i < count; i++) {
      long cut = random.between(from, to);
      int rounding = random.below(4) * 5;
      cuts.add(Math.max(from, cut & -(1L << rounding)));
    }
    Collections.sort(cuts);
    List<long[]> pieces = new ArrayList<>();
    for (int i = 0; i + 1 < cuts.size(); i++) {
      pieces.add(new long[] {cuts.get(i), cuts.get(i + 1)});
    }
    return pieces;
  }

  @Test
  @Tag("slow")
  void anyPiecesInAnyOrderGiveTheSameStateAsTheWhole() {
    SplitMix64 random = new SplitMix64(21);
    for (int round = 0; round < 300; round++) {
      long startPfn = random.below(3) == 0 ? 0 : random.below(1L << (10 + random.below(12)));
      long endPfn = startPfn + 1 + random.below(1L << (8 + random.below(13)));
      long from = random.between(startPfn, endPfn - 1);
      long to = random.between(from + 1, endPfn);
      List<Long> expected = atOnce(startPfn, endPfn, from, to);
      HybridCore core = span(1, startPfn, endPfn);
      List<long[]> pieces = pieces(random, from, to, 1 + random.below(12));
      Collections.shuffle(pieces, new Random(round));
      long added = 0;
      for (long[] piece : pieces) {
        assertEquals(piece[1] - piece[0], handOver(core, piece[0], piece[1]));
        assertEquals(0, handOver(core, piece[0], piece[1]), "the same again");
        added += piece[1] - piece[0];
        assertEquals(added, census(core, startPfn, endPfn).managedFrames());
      }
      assertEquals(expected, view(core, startPfn, endPfn), "round " + round);
      assertEquals(0, handOver(core, from, to), "all of it again");
      closeWindows();
    }
  }

  @Test
  @Tag("slow")
  void overlappingPiecesCountTheirNewFramesOnly() {
    SplitMix64 random = new SplitMix64(22);
    for (int round = 0; round < 100; round++) {
      long end = 1L << (10 + random.below(10));
      boolean[] there = new boolean[(int) end];
      HybridCore core = span(1, 0, end);
      for (int i = 0; i < 10; i++) {
        long from = random.below(end) & -(1L << random.below(12));
        long to = random.between(from, end);
        long expected = 0;
        for (int pfn = (int) from; pfn < to; pfn++) {
          expected += there[pfn] ? 0 : 1;
          there[pfn] = true;
        }
        assertEquals(expected, handOver(core, from, to));
      }
      for (int pfn = 0; pfn < end; pfn++) {
        assertEquals(there[pfn], core.states.isManaged(pfn), "frame " + pfn);
        boolean free = FrameStates.stateIn(core.states.look(pfn)) == FrameStates.FREE;
        assertEquals(there[pfn], free);
      }
      closeWindows();
    }
  }

  @Test
  void everyFrameThatWasHandedOverIsGivenOutOnceAndNoOther() {
    SplitMix64 random = new SplitMix64(23);
    for (int round = 0; round < 30; round++) {
      long start = random.below(5000);
      long end = start + 3000;
      HybridCore core = span(1, start, end);
      boolean[] there = new boolean[3000];
      for (int i = 0; i < 4; i++) {
        long from = random.between(start, end - 1);
        long to = Math.min(end, from + random.below(1000));
        handOver(core, from, to);
        for (long pfn = from; pfn < to; pfn++) {
          there[(int) (pfn - start)] = true;
        }
      }
      for (long pfn = core.allocate(0, 0, 0); pfn >= 0; pfn = core.allocate(0, 0, 0)) {
        assertTrue(there[(int) (pfn - start)]);
        there[(int) (pfn - start)] = false;
      }
      for (boolean left : there) {
        assertFalse(left);
      }
      closeWindows();
    }
  }

  @Test
  void aFewFramesInTheMiddleOf16TebibytesAreAllThereIs() {
    long start = 0;
    long end = 1L << 32;
    HybridCore core = span(1, start, end);
    long from = (1L << 31) + 12_345;
    assertEquals(7, handOver(core, from, from + 7));
    assertFalse(core.states.isManaged(from - 1));
    assertFalse(core.states.isManaged(from + 7));
    assertEquals(
        List.of(7L, 7L),
        List.of(census(core, start, end).freeFrames(), census(core, start, end).managedFrames()));
    assertEquals(-1, core.allocate(0, 3, AllocationFlags.NONE));
    assertEquals(from + 3, core.allocate(0, 2, AllocationFlags.NONE));
  }

  @Test
  void anAreaOfWhichSomeFramesAreMissingIsPartial() {
    HybridCore core = span(1, 0, 1024);
    handOver(core, 100, 200);
    assertTrue(AreaWord.isPartial(areaWord(core, 0)));
    assertEquals(AreaWord.ABSENT, AreaWord.state(areaWord(core, 1)));
    for (long pfn = 0; pfn < 512; pfn++) {
      boolean lent = (UnitWord.lent(frameWord(core, pfn)) >>> (pfn & 31) & 1) != 0;
      assertEquals(pfn < 100 || pfn >= 200, lent);
    }
    handOver(core, 0, 100);
    handOver(core, 201, 512);
    assertTrue(AreaWord.isPartial(areaWord(core, 0)));
    handOver(core, 200, 201);
    assertEquals(AreaWord.returned(), areaWord(core, 0), "it is whole and the level's above");
    assertEquals(0, core.allocate(0, 9, AllocationFlags.NONE));
  }

  @Test
  void framesInUseMayBeHandedOverAgainWithoutHarm() {
    HybridCore core = memory(1, 0, 4096);
    long single = core.allocate(0, 0, AllocationFlags.NONE);
    long huge = core.allocate(0, 9, AllocationFlags.NONE);
    long run = core.allocateRun(0, 700, AllocationFlags.NONE);
    long used = census(core, 0, 4096).usedFrames();
    assertEquals(0, handOver(core, 0, 4096));
    assertEquals(used, census(core, 0, 4096).usedFrames());
    assertTrue(core.free(0, single, 0));
    assertTrue(core.free(0, huge, 9));
    assertTrue(core.freeRun(run, 700));
    callBackAll(core);
    assertEquals(1, census(core, 0, 4096).freeBlocks(12));
  }

  @Test
  void framesOfAPartialAreaAreNeverCachedInAMagazine() {
    HybridCore core = span(1, 0, 1 << 20);
    handOver(core, 3, 500);
    long[] pfns = new long[497];
    for (int i = 0; i < pfns.length; i++) {
      pfns[i] = core.allocate(0, 0, AllocationFlags.NONE);
    }
    assertEquals(-1, core.allocate(0, 0, AllocationFlags.NONE));
    for (long pfn : pfns) {
      assertTrue(core.free(0, pfn, 0));
      assertTrue(core.states.isManaged(pfn));
    }
    assertEquals(497, census(core, 0, 1 << 20).managedFrames());
    assertEquals(0, Magazines.count(Memory.getLong(Slots.header(core.slots.claim(0), 0))));
  }
}
