package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.testkit.SplitMix64;
import java.util.Arrays;

/// An independent record of who owns each frame, fast enough for hundreds of millions of requests.
///
/// It places nothing. It takes note of what an allocator did and throws when a frame has an owner
/// already, a place is misaligned, or a request failed although an aligned free block was there.
///
/// ```
///   owner   [ -2 ][ -2 ][ -1 ][ -1 ][  7 ][  7 ][  7 ][  3 ]    hole, free, or a live run's slot
///   free    order 0: 0 0 1 1 0 0 0 0   order 1: 0 2 0 0   order 2: 2 0   …
///   whole   order 0: 2   order 1: 1   order 2: 0                 blocks with all frames free
/// ```
///
/// Free frames per aligned block of each order are kept up to date; a block is free if its count is
/// its length. So "is there a block of order k" is one number, and so is the number of free blocks
/// of order k that no larger free block holds.
final class FrameLedger {
  private static final int HOLE = -2;
  private static final int FREE = -1;

  private final int maxOrder;
  private final long startPfn;
  private final int[] owner;
  private final int[][] freeIn;
  private final long[] whole;

  // Live runs by slot, and the slots in use, densely, for picking one at random.
  private final long[] runStart;
  private final long[] runFrames;
  private final int[] slots;
  private final int[] positionOf;
  private int liveCount;
  private long managed;
  private long free;
  private long served;
  private long failed;

  FrameLedger(int maxOrder, long startPfn, int frameCount) {
    this.maxOrder = maxOrder;
    this.startPfn = startPfn;
    owner = new int[frameCount];
    Arrays.fill(owner, HOLE);
    freeIn = new int[maxOrder + 1][];
    for (int order = 0; order <= maxOrder; order++) {
      freeIn[order] = new int[blockOf(startPfn + frameCount - 1, order) + 1];
    }
    whole = new long[maxOrder + 1];
    runStart = new long[frameCount];
    runFrames = new long[frameCount];
    slots = new int[frameCount];
    positionOf = new int[frameCount];
    Arrays.setAll(slots, i -> i);
    Arrays.setAll(positionOf, i -> i);
  }

  long add(long start, long end) {
    long added = 0;
    for (long pfn = start; pfn < end; pfn++) {
      int frame = (int) (pfn - startPfn);
      if (owner[frame] == HOLE) {
        owner[frame] = FREE;
        changeFree(pfn, 1, 1);
        added++;
      }
    }
    managed += added;
    return added;
  }

  // ---- What an allocator answered ----

  void taken(long pfn, long frameCount) {
    int order = Pages.framesToOrderUp(frameCount);
    if (pfn == FrameAllocator.NO_FRAME) {
      failed++;
      require(whole[order] == 0, "refused, though a block is free, of order", order);
    } else {
      require(pfn % (1L << order) == 0, "misaligned", pfn);
      own(pfn, frameCount);
    }
  }

  void takenWithin(long pfn, long frameCount, long alignmentFrames, long maxPfn) {
    int order = Pages.framesToOrderUp(Math.max(alignmentFrames, frameCount));
    if (pfn != FrameAllocator.NO_FRAME) {
      require(pfn % (1L << order) == 0, "misaligned", pfn);
      require(pfn + frameCount - 1 <= maxPfn, "beyond the limit", pfn);
      own(pfn, frameCount);
      return;
    }
    failed++;
    if (whole[order] != 0) {
      int[] counts = freeIn[order];
      for (int block = 0; block < counts.length; block++) {
        long place = ((startPfn >>> order) + block) << order;
        require(
            counts[block] != 1 << order || place + frameCount - 1 > maxPfn,
            "refused, though a block is free at",
            place);
      }
    }
  }

  /// What a request for just these frames must answer; takes them if they are free.
  long expectedRange(long start, long frameCount) {
    boolean allFree = true;
    for (long pfn = start; pfn < start + frameCount; pfn++) {
      int now = ownerOf(pfn);
      if (now == HOLE) {
        failed++;
        return FrameError.OUT_OF_RANGE.code();
      }
      allFree &= now == FREE;
    }
    if (!allFree) {
      failed++;
      return FrameAllocator.NO_FRAME;
    }
    for (long pfn = start; pfn < start + frameCount; ) {
      long length = pieceAt(pfn, start + frameCount);
      own(pfn, length);
      pfn += length;
    }
    return start;
  }

  /// What a free of a range must answer; frees it if that is right.
  long expectedFreeRange(long start, long frameCount) {
    long end = start + frameCount;
    for (long pfn = start; pfn < end; pfn++) {
      if (ownerOf(pfn) == HOLE) {
        return FrameError.OUT_OF_RANGE.code();
      }
    }
    for (long pfn = start; pfn < end; pfn += pieceAt(pfn, end)) {
      int slot = ownerOf(pfn);
      if (slot == FREE) {
        return FrameError.NOT_ALLOCATED.code();
      }
      if (runStart[slot] != pfn || runFrames[slot] != pieceAt(pfn, end)) {
        return FrameError.SIZE_MISMATCH.code();
      }
    }
    for (long pfn = start; pfn < end; ) {
      long length = pieceAt(pfn, end);
      release(ownerOf(pfn));
      pfn += length;
    }
    return 0;
  }

  private long pieceAt(long pfn, long end) {
    long length = 1L << maxOrder;
    while (pfn % length != 0 || pfn + length > end) {
      length /= 2;
    }
    return length;
  }

  /// What a free must answer; frees if that is right.
  long expectedFree(long pfn, long frameCount) {
    int first = ownerOf(pfn);
    if (first == HOLE || ownerOf(pfn + frameCount - 1) == HOLE) {
      return FrameError.OUT_OF_RANGE.code();
    }
    if (first == FREE) {
      return FrameError.NOT_ALLOCATED.code();
    }
    if (runStart[first] != pfn || runFrames[first] != frameCount) {
      return FrameError.SIZE_MISMATCH.code();
    }
    release(first);
    return 0;
  }

  /// A live run becomes single frames.
  void split(int slot) {
    long pfn = runStart[slot];
    long frameCount = runFrames[slot];
    release(slot);
    for (long frame = pfn; frame < pfn + frameCount; frame++) {
      own(frame, 1);
    }
    served -= frameCount;
  }

  // ---- What there is ----

  /// The slot of a random live run, or -1 if there is none.
  int pick(SplitMix64 random) {
    return liveCount == 0 ? -1 : slots[random.below(liveCount)];
  }

  long startOf(int slot) {
    return runStart[slot];
  }

  long framesOf(int slot) {
    return runFrames[slot];
  }

  int liveCount() {
    return liveCount;
  }

  long freeFrames() {
    return free;
  }

  long managedFrames() {
    return managed;
  }

  long served() {
    return served;
  }

  long failed() {
    return failed;
  }

  /// A request that was illegal.
  void refused() {
    failed++;
  }

  /// Free blocks of an order that are in no larger one.
  long freeBlocks(int order) {
    return whole[order] - (order == maxOrder ? 0 : 2 * whole[order + 1]);
  }

  /// Maximal runs of free frames.
  long freeRuns() {
    long runs = 0;
    int before = HOLE;
    for (int now : owner) {
      runs += now == FREE && before != FREE ? 1 : 0;
      before = now;
    }
    return runs;
  }

  // ---- Record ----

  private void own(long pfn, long frameCount) {
    int slot = slots[liveCount];
    for (long frame = pfn; frame < pfn + frameCount; frame++) {
      require(ownerOf(frame) == FREE, "given out, though not free,", frame);
      owner[(int) (frame - startPfn)] = slot;
    }
    runStart[slot] = pfn;
    runFrames[slot] = frameCount;
    liveCount++;
    served++;
    changeFree(pfn, frameCount, -1);
  }

  private void release(int slot) {
    long pfn = runStart[slot];
    long frameCount = runFrames[slot];
    int from = (int) (pfn - startPfn);
    Arrays.fill(owner, from, (int) (from + frameCount), FREE);
    changeFree(pfn, frameCount, 1);
    liveCount--;
    int position = positionOf[slot];
    int moved = slots[liveCount];
    slots[position] = moved;
    positionOf[moved] = position;
    slots[liveCount] = slot;
    positionOf[slot] = liveCount;
  }

  private void changeFree(long pfn, long frameCount, int sign) {
    free += sign * frameCount;
    for (int order = 0; order <= maxOrder; order++) {
      int[] counts = freeIn[order];
      int length = 1 << order;
      for (long at = pfn; at < pfn + frameCount; ) {
        long next = Math.min(pfn + frameCount, (at | (length - 1)) + 1);
        int block = blockOf(at, order);
        int before = counts[block];
        int after = before + sign * (int) (next - at);
        counts[block] = after;
        whole[order] += (after == length ? 1 : 0) - (before == length ? 1 : 0);
        at = next;
      }
    }
  }

  private int blockOf(long pfn, int order) {
    return (int) ((pfn >>> order) - (startPfn >>> order));
  }

  private int ownerOf(long pfn) {
    long frame = pfn - startPfn;
    return frame < 0 || frame >= owner.length ? HOLE : owner[(int) frame];
  }

  private static void require(boolean holds, String otherwise, long what) {
    if (!holds) {
      throw new AssertionError(otherwise + " " + what);
    }
  }
}
