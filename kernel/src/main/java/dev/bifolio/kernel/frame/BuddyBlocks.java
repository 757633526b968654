package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.Pages;

/// Cutting and joining the blocks of a [BuddyAllocator]: legal requests only, whatever is asked for
/// has been checked before. Counts splits and joins; the requests are counted by the allocator.
///
/// ```
///   take(order 1, 2 frames)        [ 0 taken ][ 2 free ][ 4         free ]
///   takeRange(3 … 6)               [0  free][2 ][3 taken][4  taken][6 free]      2 and 6 are cut off
/// ```
///
/// A block that is cut leaves only pieces whose buddies hold frames that were taken: nothing that
/// is cut off can be joined with anything, and goes straight to its list.
final class BuddyBlocks {
  private static final long NO_FRAME = FrameAllocator.NO_FRAME;

  private final FrameDescriptors frames;
  private final FreeAreas areas;
  private final FrameCounters counters;
  private final int maxOrder;

  BuddyBlocks(FrameDescriptors frames, FreeAreas areas, FrameCounters counters, int maxOrder) {
    this.frames = frames;
    this.areas = areas;
    this.counters = counters;
    this.maxOrder = maxOrder;
  }

  // ---- Anywhere ----

  /// Takes a block of `order` and gives the frames behind `frameCount` back at once.
  ///
  /// @return its first frame, or -1 if no block is large enough
  long take(int order, long frameCount) {
    int from = areas.smallestWithBlocks(order, maxOrder);
    if (from == Pages.NO_ORDER) {
      return NO_FRAME;
    }
    long pfn = areas.removeFirst(from);
    cut(pfn, from, order, frameCount);
    return pfn;
  }

  /// The same, beginning at a multiple of `alignmentFrames` and ending at or below `maxPfn`. Looks
  /// at each free block that is large enough, the smallest orders first.
  ///
  /// If a larger block satisfies the wish at all, it does so with its first frame: what lies behind
  /// is higher, and aligned to the block's own length at most if the first frame is not aligned.
  long takeWithin(int order, long frameCount, long alignmentFrames, long maxPfn) {
    for (int from = order; from <= maxOrder; from++) {
      long pfn = areas.first(from);
      for (long left = areas.blockCount(from); left > 0; left--) {
        boolean aligned = (pfn & (alignmentFrames - 1)) == 0;
        if (aligned && pfn <= maxPfn && maxPfn - pfn >= frameCount - 1) {
          areas.remove(pfn, from);
          cut(pfn, from, order, frameCount);
          return pfn;
        }
        pfn = frames.pfnOf(frames.nextLink(pfn));
      }
    }
    return NO_FRAME;
  }

  /// Makes an allocated run of the beginning of a block that is in no list any more.
  private void cut(long pfn, int from, int order, long frameCount) {
    for (int half = from - 1; half >= order; half--) {
      areas.addFirst(Pages.buddyOf(pfn, half), half);
    }
    cutOff(pfn + frameCount, pfn + Pages.orderToFrames(order));
    frames.setHead(pfn, frameCount);
    counters.split(from - Math.min(order, Long.numberOfTrailingZeros(frameCount)));
  }

  /// Frees what a cut leaves over, as aligned blocks.
  ///
  /// @return how many blocks
  private long cutOff(long startPfn, long endPfn) {
    long pieces = 0;
    for (long pfn = startPfn; pfn < endPfn; pieces++) {
      int order = Pages.largestOrderAt(pfn, endPfn, maxOrder);
      areas.addFirst(pfn, order);
      pfn += Pages.orderToFrames(order);
    }
    return pieces;
  }

  // ---- Back ----

  /// Frees an allocated run.
  void giveBack(long pfn, long frameCount) {
    frames.setTail(pfn);
    long end = pfn + frameCount;
    for (long piece = pfn; piece < end; ) {
      int order = Pages.largestOrderAt(piece, end, maxOrder);
      release(piece, order, false);
      piece += Pages.orderToFrames(order);
    }
  }

  /// Puts a block into its list, after joining it with its buddy for as long as that is free too.
  void release(long block, int blockOrder, boolean asLast) {
    long pfn = block;
    int order = blockOrder;
    while (order < maxOrder) {
      long buddy = Pages.buddyOf(pfn, order);
      if (!frames.isFreeBlock(buddy, order)) {
        break;
      }
      areas.remove(buddy, order);
      pfn = Math.min(pfn, buddy);
      order++;
      counters.joined();
    }
    if (asLast) {
      areas.addLast(pfn, order);
    } else {
      areas.addFirst(pfn, order);
    }
  }

  // ---- Just these frames ----

  /// Whether a range could be taken: 0, or the code of OUT_OF_RANGE if some of it was never handed
  /// over, or of OUT_OF_MEMORY if some of it is allocated.
  long rangeState(long startPfn, long frameCount) {
    if (!frames.spans(startPfn) || frameCount > frames.endPfn() - startPfn) {
      return FrameError.OUT_OF_RANGE.code();
    }
    long result = 0;
    for (long pfn = startPfn; pfn < startPfn + frameCount; ) {
      long head = frames.headOf(pfn);
      if (head == NO_FRAME) {
        return FrameError.OUT_OF_RANGE.code();
      }
      if (frames.state(head) != FrameDescriptors.FREE) {
        result = FrameError.OUT_OF_MEMORY.code();
      }
      pfn = head + frames.frameCount(head);
    }
    return result;
  }

  /// Takes a range of free frames, as the largest aligned blocks in it.
  ///
  /// No such block lies in two free ones, since those would have been joined. So the pieces of each
  /// free block are its halves, quarters and so on, and n pieces are n - 1 splits.
  void takeRange(long startPfn, long frameCount, int kind) {
    long end = startPfn + frameCount;
    long splits = 0;
    for (long pfn = startPfn; pfn < end; ) {
      long block = frames.headOf(pfn);
      long blockEnd = block + frames.frameCount(block);
      areas.remove(block, Pages.framesToOrderDown(blockEnd - block));
      splits += cutOff(block, pfn) + cutOff(Math.min(end, blockEnd), blockEnd) - 1;
      pfn = blockEnd;
    }
    for (long pfn = startPfn; pfn < end; splits++) {
      long pieceFrames = Pages.orderToFrames(Pages.largestOrderAt(pfn, end, maxOrder));
      frames.setHead(pfn, pieceFrames);
      counters.allocated(pieceFrames, kind);
      pfn += pieceFrames;
    }
    counters.split(splits);
  }

  /// Whether a range is allocated as its largest aligned blocks: 0, or the code of what the first
  /// other block is.
  long allocatedRangeState(long startPfn, long frameCount) {
    if (rangeState(startPfn, frameCount) == FrameError.OUT_OF_RANGE.code()) {
      return FrameError.OUT_OF_RANGE.code();
    }
    long end = startPfn + frameCount;
    for (long pfn = startPfn; pfn < end; ) {
      long pieceFrames = Pages.orderToFrames(Pages.largestOrderAt(pfn, end, maxOrder));
      if (!frames.isAllocatedRun(pfn, pieceFrames)) {
        return frames.state(frames.headOf(pfn)) == FrameDescriptors.FREE
            ? FrameError.NOT_ALLOCATED.code()
            : FrameError.SIZE_MISMATCH.code();
      }
      pfn += pieceFrames;
    }
    return 0;
  }

  /// Frees each block of a range that [#allocatedRangeState(long, long)] found right.
  void giveBackRange(long startPfn, long frameCount) {
    long end = startPfn + frameCount;
    for (long pfn = startPfn; pfn < end; ) {
      long pieceFrames = Pages.orderToFrames(Pages.largestOrderAt(pfn, end, maxOrder));
      counters.freed(pieceFrames);
      giveBack(pfn, pieceFrames);
      pfn += pieceFrames;
    }
  }

  // ---- A walk ----

  /// Maximal runs of consecutive free frames.
  long freeRunCount(ManagedSections sections) {
    long runs = 0;
    long freeEnd = NO_FRAME;
    long end = frames.endPfn();
    for (long pfn = frames.startPfn(); (pfn = sections.nextManaged(pfn, end)) < end; ) {
      long next = pfn + frames.frameCount(pfn);
      if (frames.state(pfn) == FrameDescriptors.FREE) {
        runs += pfn == freeEnd ? 0 : 1;
        freeEnd = next;
      }
      pfn = next;
    }
    return runs;
  }
}
