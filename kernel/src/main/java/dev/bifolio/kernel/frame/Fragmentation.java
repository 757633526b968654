package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;
import dev.bifolio.kernel.unit.Pages;

/// How broken up the free memory of an allocator is, at one moment.
///
/// All of it follows from the histogram of free blocks and from the number of runs of free frames.
/// Shares are parts per 1000, rounded down; whatever is a share of nothing is 0. Sources: the
/// external fragmentation is the usual 1 - largest / free; the unusable free space index is that of
/// M. Gorman and A. Whitcroft, *The What, The Why and the Where To of Anti-Fragmentation*, Ottawa
/// Linux Symposium (2006).
///
/// ```
///   free blocks    order 0: 4    order 3: 2    order 5: 1         52 frames free
///   external       1 - 32/52          = 384 per 1000
///   unusable(4)    (4 * 1 + 2 * 8)/52 = 384 per 1000: frames in blocks below order 4
/// ```
///
/// Immutable.
public final class Fragmentation {
  private final long[] blockCounts;
  private final long freeFrames;
  private final long runCount;

  /// Of the free memory that a histogram describes.
  ///
  /// @param blockCounts free blocks of order 0, 1, 2 …, 1 to 21 counts; copied
  /// @param runCount maximal runs of consecutive free frames
  /// @throws FrameRequestException with INVALID_ORDER for another number of orders
  public Fragmentation(long[] blockCounts, long runCount) {
    if (blockCounts.length == 0 || blockCounts.length > Pages.MAX_ORDER + 1) {
      throw noOrder(blockCounts.length - 1, Pages.MAX_ORDER);
    }
    this(blockCounts.length - 1, blockCounts, runCount);
  }

  /// Of the orders 0 … `maxOrder` of a histogram.
  Fragmentation(int maxOrder, long[] blockCounts, long runCount) {
    this.blockCounts = new long[maxOrder + 1];
    System.arraycopy(blockCounts, 0, this.blockCounts, 0, maxOrder + 1);
    this.runCount = runCount;
    freeFrames = framesIn(this.blockCounts);
  }

  /// Of an allocator at this moment.
  Fragmentation(FrameAllocator allocator) {
    blockCounts = new long[allocator.maxOrder() + 1];
    for (int order = 0; order < blockCounts.length; order++) {
      blockCounts[order] = allocator.freeBlockCount(order);
    }
    runCount = allocator.freeRunCount();
    freeFrames = framesIn(blockCounts);
  }

  private static long framesIn(long[] blockCounts) {
    long frames = 0;
    for (int order = 0; order < blockCounts.length; order++) {
      frames += blockCounts[order] << order;
    }
    return frames;
  }

  /// The largest order that the histogram knows.
  ///
  /// @return 0 … 20
  public int maxOrder() {
    return blockCounts.length - 1;
  }

  /// Free blocks of one order.
  ///
  /// @param order 0 … [#maxOrder()]
  /// @return a count
  /// @throws FrameRequestException with INVALID_ORDER for any other order
  public long freeBlockCount(int order) {
    return blockCounts[legal(order)];
  }

  /// Frames in all free blocks.
  ///
  /// @return a count
  public long freeFrames() {
    return freeFrames;
  }

  /// The order of the largest free block.
  ///
  /// @return 0 … [#maxOrder()], or [Pages#NO_ORDER] if nothing is free
  public int largestFreeOrder() {
    int order = maxOrder();
    while (order >= 0 && blockCounts[order] == 0) {
      order--;
    }
    return order;
  }

  /// The frames of the largest free block.
  ///
  /// @return 2^[#largestFreeOrder()], or 0 if nothing is free
  public long largestFreeFrames() {
    int order = largestFreeOrder();
    return order == Pages.NO_ORDER ? 0 : Pages.orderToFrames(order);
  }

  /// External fragmentation: the share of the free frames that is not in the largest free block. A
  /// memory much larger than the largest possible block is never near 0, whatever its state.
  ///
  /// @return 0 … 999 parts per 1000
  public int externalPerMille() {
    return perMille(freeFrames - largestFreeFrames());
  }

  /// The unusable free space index: the share of the free frames that is in blocks too small for a
  /// request of `order`.
  ///
  /// @param order 0 … [#maxOrder()]
  /// @return 0 … 1000 parts per 1000; 0 for order 0
  /// @throws FrameRequestException with INVALID_ORDER for any other order
  public int unusablePerMille(int order) {
    long unusable = 0;
    for (int smaller = legal(order) - 1; smaller >= 0; smaller--) {
      unusable += blockCounts[smaller] << smaller;
    }
    return perMille(unusable);
  }

  /// Maximal runs of consecutive free frames, whatever their alignment.
  ///
  /// @return a count
  public long freeRunCount() {
    return runCount;
  }

  /// The mean length of a run of free frames, rounded down.
  ///
  /// @return frames; 0 if nothing is free
  public long meanFreeRunFrames() {
    return runCount == 0 ? 0 : freeFrames / runCount;
  }

  /// For example `52 frames free in 3 runs, largest block 32, external 38.4%, blocks 0:4 3:2 5:1`.
  @Override
  public String toString() {
    int external = externalPerMille();
    StringBuilder text = new StringBuilder(100);
    text.append(freeFrames).append(" frames free in ").append(runCount);
    text.append(runCount == 1 ? " run" : " runs");
    text.append(", largest block ").append(largestFreeFrames());
    text.append(", external ").append(external / 10).append('.').append(external % 10);
    text.append("%, blocks");
    for (int order = 0; order < blockCounts.length; order++) {
      if (blockCounts[order] != 0) {
        text.append(' ').append(order).append(':').append(blockCounts[order]);
      }
    }
    return text.append(freeFrames == 0 ? " none" : "").toString();
  }

  private int legal(int order) {
    if (order < 0 || order > maxOrder()) {
      throw noOrder(order, maxOrder());
    }
    return order;
  }

  private static FrameRequestException noOrder(int order, int maxOrder) {
    return FrameMistakes.order(FrameError.INVALID_ORDER, order, maxOrder);
  }

  private int perMille(long frameCount) {
    return freeFrames == 0 ? 0 : (int) (frameCount * 1000 / freeFrames);
  }
}
