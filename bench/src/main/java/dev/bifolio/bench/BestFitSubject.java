package dev.bifolio.bench;

import java.util.Arrays;
import java.util.BitSet;

/// Exact best fit: what a frame allocator could reach that always knows everything. A yardstick for
/// fragmentation, without a thought for time.
final class BestFitSubject extends Subject {
  /*
   * Overview
   *
   * Memory is areas of 512 frames. Of each the free frames, their count and the order of its
   * largest aligned free block are known exactly, at all times.
   *
   *   order 0      the fullest area that has a free frame; in it, the lowest free frame
   *   order 1 … 9  among the areas whose largest free block is the smallest that serves, the
   *                fullest; in it, the lowest of the smallest aligned free blocks that serve
   *   ties         the lowest area
   *
   *   free         one bit a frame, 8 words an area
   *   ranks        for each (largest order, free count) the set of areas that have them; over that,
   *                for each largest order the set of counts that occur
   *   orders       of each allocated block's head: only what was allocated can be freed
   */

  private static final int MAX_ORDER = 9;
  private static final int AREA_FRAMES = 1 << MAX_ORDER;
  private static final int AREA_WORDS = AREA_FRAMES / Long.SIZE;
  private static final int NOTHING_FREE = -1;
  private static final byte NOT_A_HEAD = -1;

  /// The bits at which a block of order 0 … 5 may begin in a word.
  private static final long[] STARTS = {
    ~0L,
    0x5555555555555555L,
    0x1111111111111111L,
    0x0101010101010101L,
    0x0001000100010001L,
    0x0000000100000001L
  };

  private final long[] free;
  private final byte[] headOrders;
  private final int[] freeCounts;
  private final byte[] largestOrders;
  private final BitSet[][] areasByRank = new BitSet[MAX_ORDER + 1][AREA_FRAMES + 1];
  private final BitSet[] countsByLargest = new BitSet[MAX_ORDER + 1];

  private BestFitSubject(int areaCount) {
    free = new long[areaCount * AREA_WORDS];
    Arrays.fill(free, ~0L);
    headOrders = new byte[areaCount * AREA_FRAMES];
    Arrays.fill(headOrders, NOT_A_HEAD);
    freeCounts = new int[areaCount];
    Arrays.fill(freeCounts, AREA_FRAMES);
    largestOrders = new byte[areaCount];
    Arrays.fill(largestOrders, (byte) MAX_ORDER);
    for (int largest = 0; largest <= MAX_ORDER; largest++) {
      countsByLargest[largest] = new BitSet(AREA_FRAMES + 1);
      for (int count = 0; count <= AREA_FRAMES; count++) {
        areasByRank[largest][count] = new BitSet();
      }
    }
    countsByLargest[MAX_ORDER].set(AREA_FRAMES);
    areasByRank[MAX_ORDER][AREA_FRAMES].set(0, areaCount);
  }

  static Subject create(long frameCount) {
    return new BestFitSubject((int) (frameCount >>> MAX_ORDER));
  }

  @Override
  long allocate(int order) {
    int area = order == 0 ? fullestArea() : bestArea(order);
    if (area < 0) {
      return NO_FRAME;
    }
    int block = lowestSmallestBlock(area, order);
    change(area, block, order, false);
    headOrders[block] = (byte) order;
    return START_PFN + block;
  }

  @Override
  void free(long pfn, int order) {
    int block = (int) (pfn - START_PFN);
    if (headOrders[block] != order) {
      throw new IllegalStateException("not allocated: frame " + pfn + ", order " + order);
    }
    headOrders[block] = NOT_A_HEAD;
    change(block >>> MAX_ORDER, block, order, true);
  }

  private int fullestArea() {
    int best = NOTHING_FREE;
    int bestCount = Integer.MAX_VALUE;
    for (int largest = 0; largest <= MAX_ORDER; largest++) {
      int count = countsByLargest[largest].nextSetBit(0);
      if (count >= 0 && count < bestCount) {
        bestCount = count;
        best = areasByRank[largest][count].nextSetBit(0);
      } else if (count >= 0 && count == bestCount) {
        best = Math.min(best, areasByRank[largest][count].nextSetBit(0));
      }
    }
    return best;
  }

  private int bestArea(int order) {
    for (int largest = order; largest <= MAX_ORDER; largest++) {
      int count = countsByLargest[largest].nextSetBit(0);
      if (count >= 0) {
        return areasByRank[largest][count].nextSetBit(0);
      }
    }
    return NOTHING_FREE;
  }

  /// For order 0 the lowest free frame; else the lowest of the smallest free blocks that serve.
  private int lowestSmallestBlock(int area, int order) {
    if (order == 0) {
      return lowestFrame(area);
    }
    for (int size = order; size <= MAX_ORDER; size++) {
      int block = lowestBlock(area, size, size < MAX_ORDER);
      if (block >= 0) {
        return block;
      }
    }
    throw new IllegalStateException("area " + area + " has no block of order " + order);
  }

  private int lowestFrame(int area) {
    int word = area * AREA_WORDS;
    while (free[word] == 0) {
      word++;
    }
    return word * Long.SIZE + Long.numberOfTrailingZeros(free[word]);
  }

  /// The lowest free block of an order.
  ///
  /// @param exact pass over those that are halves of a larger free block
  private int lowestBlock(int area, int order, boolean exact) {
    int first = area << MAX_ORDER;
    for (int block = first; block < first + AREA_FRAMES; block += 1 << order) {
      if (isFree(block, order) && !(exact && isFree(block & -(2 << order), order + 1))) {
        return block;
      }
    }
    return NOTHING_FREE;
  }

  private boolean isFree(int block, int order) {
    if (order < 6) {
      long mask = mask(block, order);
      return (free[block >>> 6] & mask) == mask;
    }
    for (int word = 0; word < 1 << (order - 6); word++) {
      if (free[(block >>> 6) + word] != ~0L) {
        return false;
      }
    }
    return true;
  }

  private static long mask(int block, int order) {
    return ((1L << (1 << order)) - 1) << (block & 63);
  }

  private void change(int area, int block, int order, boolean nowFree) {
    removeFromRank(area);
    if (order < 6) {
      free[block >>> 6] ^= mask(block, order);
    } else {
      int word = block >>> 6;
      Arrays.fill(free, word, word + (1 << (order - 6)), nowFree ? ~0L : 0);
    }
    freeCounts[area] += nowFree ? 1 << order : -(1 << order);
    largestOrders[area] = (byte) largestFreeOrder(area);
    addToRank(area);
  }

  private void removeFromRank(int area) {
    if (freeCounts[area] > 0) {
      int largest = largestOrders[area];
      BitSet areas = areasByRank[largest][freeCounts[area]];
      areas.clear(area);
      if (areas.isEmpty()) {
        countsByLargest[largest].clear(freeCounts[area]);
      }
    }
  }

  private void addToRank(int area) {
    if (freeCounts[area] > 0) {
      areasByRank[largestOrders[area]][freeCounts[area]].set(area);
      countsByLargest[largestOrders[area]].set(freeCounts[area]);
    }
  }

  private int largestFreeOrder(int area) {
    int first = area * AREA_WORDS;
    for (int order = MAX_ORDER; order >= 6; order--) {
      int step = 1 << (order - 6);
      for (int word = 0; word < AREA_WORDS; word += step) {
        if (isFree((first + word) << 6, order)) {
          return order;
        }
      }
    }
    int largest = NOTHING_FREE;
    for (int word = first; word < first + AREA_WORDS; word++) {
      largest = Math.max(largest, largestFreeOrderOf(free[word]));
    }
    return largest;
  }

  private static int largestFreeOrderOf(long word) {
    int largest = NOTHING_FREE;
    long runs = word;
    for (int order = 0; order < STARTS.length && runs != 0; order++) {
      largest = order;
      if (order + 1 < STARTS.length) {
        runs &= runs >>> (1 << order) & STARTS[order + 1];
      }
    }
    return largest;
  }

  @Override
  void drain() {
    // It keeps no frames aside.
  }

  @Override
  int maxOrder() {
    return MAX_ORDER;
  }

  @Override
  long metadataBytes() {
    throw new UnsupportedOperationException(Need.SPEED.name());
  }

  @Override
  public void close() {
    // All of it is on the heap.
  }
}
