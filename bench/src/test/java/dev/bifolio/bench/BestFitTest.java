package dev.bifolio.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.bifolio.testkit.Property;
import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.junit.jupiter.api.Test;

/// The oracle's choice against one by counting frames, after each step.
class BestFitTest {
  private static final int AREAS = 5;
  private static final int FRAMES = AREAS * 512;

  @Test
  void everyChoiceIsTheBestOne() {
    Property.check(3, 30, BestFitTest::draw, BestFitTest::follow);
  }

  /// An order to allocate, or a negative number: which block to free.
  private static List<Integer> draw(SplitMix64 random) {
    List<Integer> steps = new ArrayList<>();
    int largest = random.below(10);
    for (int i = 0; i < 1500; i++) {
      steps.add(random.below(100) < 55 ? random.below(largest + 1) : -1 - random.below(1 << 20));
    }
    return steps;
  }

  private static void follow(List<Integer> steps) {
    BitSet free = new BitSet(FRAMES);
    free.set(0, FRAMES);
    List<int[]> blocks = new ArrayList<>();
    try (Subject subject = Subject.Kind.BEST_FIT.create(FRAMES)) {
      for (int step : steps) {
        if (step >= 0) {
          int expected = best(free, step);
          long found = subject.allocate(step);
          assertEquals(expected < 0 ? Subject.NO_FRAME : Subject.START_PFN + expected, found);
          if (expected >= 0) {
            free.clear(expected, expected + (1 << step));
            blocks.add(new int[] {expected, step});
          }
        } else if (!blocks.isEmpty()) {
          int[] block = blocks.remove(-(step + 1) % blocks.size());
          subject.free(Subject.START_PFN + block[0], block[1]);
          free.set(block[0], block[0] + (1 << block[1]));
        }
      }
    }
  }

  /// By trying all areas and all places.
  private static int best(BitSet free, int order) {
    int bestArea = -1;
    long bestRank = Long.MAX_VALUE;
    for (int area = 0; area < AREAS; area++) {
      int largest = largest(free, area);
      if (largest >= order) {
        int count = free.get(area * 512, area * 512 + 512).cardinality();
        long rank = order == 0 ? count : largest * 1000L + count;
        if (rank < bestRank) {
          bestRank = rank;
          bestArea = area;
        }
      }
    }
    if (bestArea < 0) {
      return -1;
    }
    if (order == 0) {
      return free.nextSetBit(bestArea * 512);
    }
    for (int size = order; size <= 9; size++) {
      for (int place = bestArea * 512; place < bestArea * 512 + 512; place += 1 << size) {
        boolean halfOfMore = size < 9 && isFree(free, place & -(2 << size), size + 1);
        if (isFree(free, place, size) && !halfOfMore) {
          return place;
        }
      }
    }
    throw new AssertionError();
  }

  private static int largest(BitSet free, int area) {
    for (int order = 9; order >= 0; order--) {
      for (int place = area * 512; place < area * 512 + 512; place += 1 << order) {
        if (isFree(free, place, order)) {
          return order;
        }
      }
    }
    return -1;
  }

  private static boolean isFree(BitSet free, int place, int order) {
    return free.nextClearBit(place) >= place + (1 << order);
  }

  @Test
  void onlyWhatWasAllocatedCanBeFreed() {
    try (Subject subject = Subject.Kind.BEST_FIT.create(FRAMES)) {
      long pfn = subject.allocate(3);
      assertThrows(IllegalStateException.class, () -> subject.free(pfn, 2));
      assertThrows(IllegalStateException.class, () -> subject.free(pfn + 1, 0));
      subject.free(pfn, 3);
      assertThrows(IllegalStateException.class, () -> subject.free(pfn, 3));
    }
  }
}
