package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.unit.FrameSource;
import dev.bifolio.testkit.SplitMix64;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A range is emptied and the caller's, or nothing but places has changed.
class EmptyRangeTest {
  private static final long START = 0x800;
  private static final long FRAMES = 8192;
  private static final int FLAGS = AllocationFlags.MOVABLE;

  /// Half full of movable blocks of 1 to 5 frames, all over the memory.
  private static MovableItems halfFull(boolean hybrid) {
    MovableItems items = new MovableItems(hybrid, START, FRAMES, true);
    SplitMix64 random = new SplitMix64(7);
    while (items.add(1L << random.below(3)) >= 0) {
      // Until it is full.
    }
    for (int item = 0; item < items.itemCount(); item++) {
      if (random.oneIn(2)) {
        items.remove(item);
      }
    }
    items.assertAllThere();
    return items;
  }

  private static EvacuationOutcome empty(MovableItems items, long pfn, long frameCount) {
    return items.compaction.emptyRange(pfn, frameCount, items.source, FLAGS);
  }

  private static void assertOutside(MovableItems items, long start, long end) {
    for (int item = 0; item < items.itemCount(); item++) {
      long pfn = items.places.get(item);
      assertTrue(pfn + items.counts[item] <= start || pfn >= end, "item " + item + " at " + pfn);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aRangeIsEmptiedAndAllocatedAsARange(boolean hybrid) {
    for (long[] range : new long[][] {{0, 512}, {512, 1024}, {2048, 2048}, {1024 + 8, 1500}}) {
      try (MovableItems items = halfFull(hybrid)) {
        long start = START + range[0];
        long live = items.framesInUse();
        EvacuationOutcome outcome = empty(items, start, range[1]);
        if (outcome == EvacuationOutcome.BLOCKED) {
          assertTrue(items.compaction.blockedPfn() >= start - 4);
          items.assertAllThere();
          continue; // a block lay across a border: told apart in another test
        }
        assertEquals(EvacuationOutcome.EMPTIED, outcome);
        assertOutside(items, start, start + range[1]);
        assertEquals(live + range[1], items.framesInUse());
        for (long pfn = start; pfn < start + range[1]; pfn++) {
          assertEquals(0, items.plane.get(pfn));
        }
        items.frames.freeRange(start, range[1]);
        items.assertAllThere();
        assertTrue(items.compaction.counters().framesMoved() > range[1] / 4);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void anEmptyRangeNeedsNoTarget(boolean hybrid) {
    try (MovableItems items = new MovableItems(hybrid, START, FRAMES, false)) {
      FrameSource none = new Exhausted();
      assertEquals(
          EvacuationOutcome.EMPTIED, items.compaction.emptyRange(START, FRAMES, none, FLAGS));
      assertEquals(FrameAllocator.NO_FRAME, items.frames.allocate(0, FLAGS));
      items.frames.freeRange(START, FRAMES);
      items.assertAllThere();
    }
  }

  private static final class Exhausted implements FrameSource {
    @Override
    public long allocate(int order, int flags) {
      return -1;
    }

    @Override
    public void free(long pfn, int order) {
      throw new AssertionError("nothing was allocated");
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void withoutTargetsNothingIsKept(boolean hybrid) {
    try (MovableItems items = halfFull(hybrid)) {
      FrameSource none = new Exhausted();
      assertEquals(
          EvacuationOutcome.NO_TARGET, items.compaction.emptyRange(START, 512, none, FLAGS));
      assertEquals(-1, items.compaction.blockedPfn());
      items.assertAllThere();
      int[] left = {20};
      FrameSource few =
          new FrameSource() {
            @Override
            public long allocate(int order, int flags) {
              return left[0]-- > 0 ? items.source.allocate(order, flags) : -1;
            }

            @Override
            public void free(long pfn, int order) {
              items.source.free(pfn, order);
            }
          };
      assertEquals(
          EvacuationOutcome.NO_TARGET, items.compaction.emptyRange(START, 512, few, FLAGS));
      assertEquals(-1, left[0]);
      items.assertAllThere();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aPinnedFrameBlocksBeforeAnythingMoves(boolean hybrid) {
    try (MovableItems items = halfFull(hybrid)) {
      int item = itemIn(items, START + 512, START + 1024);
      long pfn = items.places.get(item);
      assertTrue(items.movable.pin(pfn, items.me, item));
      assertEquals(EvacuationOutcome.BLOCKED, empty(items, START + 512, 512));
      assertEquals(pfn, items.compaction.blockedPfn());
      assertEquals(0, items.compaction.counters().framesMoved());
      items.movable.unpin(pfn, items.me, item);
      items.assertAllThere();
      assertEquals(EvacuationOutcome.EMPTIED, empty(items, START + 512, 512));
    }
  }

  private static int itemIn(MovableItems items, long start, long end) {
    for (int item = items.itemCount() - 1; item >= 0; item--) {
      if (items.places.get(item) >= start && items.places.get(item) < end) {
        return item;
      }
    }
    throw new AssertionError("nothing in " + start);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void anUnmovableFrameBlocks(boolean hybrid) {
    try (MovableItems items = halfFull(hybrid)) {
      int item = itemIn(items, START + 512, START + 1024);
      long pfn = items.places.get(item);
      assertTrue(items.movable.disown(pfn, items.me, item));
      assertEquals(EvacuationOutcome.BLOCKED, empty(items, START + 512, 512));
      assertEquals(pfn, items.compaction.blockedPfn());
      items.plane.put(pfn, FrameInfo.word(FrameInfo.KIND_SLAB, 0, 0, 1));
      assertEquals(EvacuationOutcome.BLOCKED, empty(items, START + 512, 512));
      items.plane.put(pfn, 0);
      items.movable.adopt(pfn, items.me, item);
      items.assertAllThere();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void anOwnerWhoRefusesBlocks(boolean hybrid) {
    try (MovableItems items = halfFull(hybrid)) {
      int item = itemIn(items, START + 512, START + 1024);
      items.answer = asked -> asked != item;
      assertEquals(EvacuationOutcome.BLOCKED, empty(items, START + 512, 512));
      assertEquals(items.places.get(item), items.compaction.blockedPfn());
      assertEquals(1, items.migration.refusals());
      items.assertAllThere();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aBlockThatIsCutByTheRangeBlocks(boolean hybrid) {
    try (MovableItems items = new MovableItems(hybrid, START, FRAMES, true)) {
      int item = items.add(8);
      long pfn = items.places.get(item);
      assertEquals(EvacuationOutcome.BLOCKED, empty(items, pfn + 4, 100));
      assertEquals(pfn + 4, items.compaction.blockedPfn());
      assertEquals(EvacuationOutcome.BLOCKED, empty(items, pfn, 4));
      assertEquals(pfn, items.compaction.blockedPfn());
      items.assertAllThere();
      assertEquals(EvacuationOutcome.EMPTIED, empty(items, pfn, 8));
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void whatIsNotInTheBankIsRefused(boolean hybrid) {
    try (MovableItems items = new MovableItems(hybrid, START, FRAMES, false)) {
      assertEquals(EvacuationOutcome.OUT_OF_RANGE, empty(items, START - 1, 2));
      assertEquals(EvacuationOutcome.OUT_OF_RANGE, empty(items, START + FRAMES - 1, 2));
      assertEquals(EvacuationOutcome.OUT_OF_RANGE, empty(items, START + FRAMES, 1));
      assertEquals(EvacuationOutcome.OUT_OF_RANGE, empty(items, START, 0));
      assertEquals(EvacuationOutcome.OUT_OF_RANGE, empty(items, START, Long.MAX_VALUE));
      assertEquals(EvacuationOutcome.EMPTIED, empty(items, START + FRAMES - 1, 1));
      items.assertAllThereBut(1);
    }
  }

  /// Each target is in the range at first, as if somebody had freed it there just now.
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aTargetInTheRangeIsPutAside(boolean hybrid) {
    try (MovableItems items = halfFull(hybrid)) {
      int victim = itemIn(items, START + 512, START + 1024);
      int[] asked = {0};
      FrameSource source =
          new FrameSource() {
            @Override
            public long allocate(int order, int flags) {
              if (asked[0]++ == 0) {
                items.remove(victim);
              }
              return items.source.allocate(order, flags);
            }

            @Override
            public void free(long pfn, int order) {
              items.source.free(pfn, order);
            }
          };
      assertEquals(
          EvacuationOutcome.EMPTIED, items.compaction.emptyRange(START + 512, 512, source, FLAGS));
      assertTrue(asked[0] > 1);
      items.frames.freeRange(START + 512, 512);
      items.assertAllThere();
      assertFalse(items.places.get(victim) >= 0);
    }
  }
}
