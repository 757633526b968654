package dev.bifolio.kernel;

import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;
import dev.bifolio.kernel.unit.Pages;

/// What may be asked of a machine's memory: the requests of [FrameAllocator], with the meaning that
/// they have there, over all banks of the machine.
///
/// Each request has a plain form, which throws [FrameRequestException] for a caller's mistake, and
/// a `try` form, which answers the negative code of a [FrameError]. Exhaustion is
/// [FrameAllocator#NO_FRAME] in both. Every method throws IllegalStateException once the machine is
/// closed, and every one that takes flags IllegalArgumentException for bits that are not in
/// [AllocationFlags#ALL]; frames that are asked for with [AllocationFlags#ZERO] read as zeros.
public sealed interface FrameRequests permits Machine {
  /// The largest order of a block, inclusive.
  ///
  /// @return 0 … 20
  int maxOrder();

  // ---- Blocks and runs ----

  /// Allocates a block, see [FrameAllocator#allocate].
  ///
  /// @param order 0 … [#maxOrder()]
  /// @param flags bits of [AllocationFlags]
  /// @return the head frame, or [FrameAllocator#NO_FRAME]
  /// @throws FrameRequestException if the order is illegal
  default long allocate(int order, int flags) {
    long pfn = tryAllocate(order, flags);
    if (pfn < FrameAllocator.NO_FRAME) {
      throw new FrameRequestException(
          FrameError.of(pfn), "expected an order of 0 … " + maxOrder() + ", found " + order);
    }
    return pfn;
  }

  /// Frees a block, see [FrameAllocator#free].
  ///
  /// @param pfn its head frame
  /// @param order the order it was allocated with
  /// @throws FrameRequestException if that block is not allocated, in just that size
  void free(long pfn, int order);

  /// Allocates exactly `frameCount` consecutive frames, see [FrameAllocator#allocateFrames].
  ///
  /// @param frameCount 1 … 2^[#maxOrder()]
  /// @param flags bits of [AllocationFlags]
  /// @return the first frame, or [FrameAllocator#NO_FRAME]
  /// @throws FrameRequestException if the count is zero, negative or too large
  default long allocateFrames(long frameCount, int flags) {
    long pfn = tryAllocateFrames(frameCount, flags);
    if (pfn < FrameAllocator.NO_FRAME) {
      throw new FrameRequestException(
          FrameError.of(pfn),
          "expected 1 … " + Pages.orderToFrames(maxOrder()) + " frames, found " + frameCount);
    }
    return pfn;
  }

  /// Frees a run, see [FrameAllocator#freeFrames].
  ///
  /// @param pfn its first frame
  /// @param frameCount the count it was allocated with
  /// @throws FrameRequestException if that run is not allocated, in just that size
  void freeFrames(long pfn, long frameCount);

  /// [#allocate] with mistakes as negative codes.
  ///
  /// @param order 0 … [#maxOrder()]
  /// @param flags bits of [AllocationFlags]
  /// @return the head frame, or the code of a [FrameError]
  long tryAllocate(int order, int flags);

  /// [#free] with mistakes as negative codes.
  ///
  /// @param pfn the head frame
  /// @param order the order it was allocated with
  /// @return 0, or the code of a [FrameError]
  long tryFree(long pfn, int order);

  /// [#allocateFrames] with mistakes as negative codes.
  ///
  /// @param frameCount 1 … 2^[#maxOrder()]
  /// @param flags bits of [AllocationFlags]
  /// @return the first frame, or the code of a [FrameError]
  long tryAllocateFrames(long frameCount, int flags);

  /// [#freeFrames] with mistakes as negative codes.
  ///
  /// @param pfn the first frame
  /// @param frameCount the count it was allocated with
  /// @return 0, or the code of a [FrameError]
  long tryFreeFrames(long pfn, long frameCount);

  // ---- Frames in a wanted place ----

  /// Allocates a run with a wider alignment, below a limit or not across a boundary, see
  /// [FrameAllocator#allocateFramesWithin]. In a zone the highest bank that can serve it does.
  ///
  /// @param frameCount 1 … 2^[#maxOrder()]
  /// @param flags bits of [AllocationFlags]
  /// @param alignmentFrames a power of two, at most 2^[#maxOrder()]; 1 for no wish
  /// @param maxPfn the last frame is at most this; [Long#MAX_VALUE] for no limit
  /// @param boundaryFrames a power of two, at least the count; 0 for none
  /// @return the first frame, or [FrameAllocator#NO_FRAME]
  /// @throws FrameRequestException for a mistake in the counts
  default long allocateFramesWithin(
      long frameCount, int flags, long alignmentFrames, long maxPfn, long boundaryFrames) {
    long pfn = tryAllocateFramesWithin(frameCount, flags, alignmentFrames, maxPfn, boundaryFrames);
    if (pfn < FrameAllocator.NO_FRAME) {
      throw new FrameRequestException(
          FrameError.of(pfn),
          "expected a count and an alignment, a power of two, of 1 … "
              + Pages.orderToFrames(maxOrder())
              + ", and as the boundary 0 or a power of two from the count up; found "
              + frameCount
              + " frames aligned to "
              + alignmentFrames
              + " with boundary "
              + boundaryFrames);
    }
    return pfn;
  }

  /// [#allocateFramesWithin] with mistakes as negative codes.
  ///
  /// @param frameCount 1 … 2^[#maxOrder()]
  /// @param flags bits of [AllocationFlags]
  /// @param alignmentFrames a power of two, at most 2^[#maxOrder()]
  /// @param maxPfn the last frame is at most this
  /// @param boundaryFrames a power of two, at least the count, or 0
  /// @return the first frame, or the code of a [FrameError]
  long tryAllocateFramesWithin(
      long frameCount, int flags, long alignmentFrames, long maxPfn, long boundaryFrames);

  /// Takes just these frames if all of them are free, see [FrameAllocator#allocateRange]. A range
  /// lies in one bank: of one that reaches into the RAM of another node each part is a range.
  ///
  /// @param startPfn first frame, any
  /// @param frameCount 1 or more
  /// @param flags bits of [AllocationFlags]
  /// @return whether the frames are the caller's; if not, nothing has changed
  /// @throws FrameRequestException with ZERO_ALLOCATION for a count below 1, with OUT_OF_RANGE if a
  ///   frame of the range is not managed, or not by the first one's bank
  default boolean allocateRange(long startPfn, long frameCount, int flags) {
    long result = tryAllocateRange(startPfn, frameCount, flags);
    if (result < FrameAllocator.NO_FRAME) {
      throw new FrameRequestException(
          FrameError.of(result),
          "expected 1 or more managed frames of one bank, found "
              + frameCount
              + " frames at frame "
              + AddressRange.hex(startPfn));
    }
    return result != FrameAllocator.NO_FRAME;
  }

  /// [#allocateRange] with mistakes as negative codes.
  ///
  /// @param startPfn first frame, any
  /// @param frameCount 1 or more
  /// @param flags bits of [AllocationFlags]
  /// @return `startPfn`; [FrameAllocator#NO_FRAME] if not all of the frames are free; or the code
  ///   of a [FrameError]
  long tryAllocateRange(long startPfn, long frameCount, int flags);

  /// Frees a range that [#allocateRange] took, with each of its blocks.
  ///
  /// @param startPfn its first frame
  /// @param frameCount the count it was allocated with
  /// @throws FrameRequestException as [FrameAllocator#freeRange] does; nothing has changed then
  default void freeRange(long startPfn, long frameCount) {
    long result = tryFreeRange(startPfn, frameCount);
    if (result != 0) {
      throw new FrameRequestException(
          FrameError.of(result),
          "expected the blocks of an allocated range, found something else in "
              + frameCount
              + " frames at frame "
              + AddressRange.hex(startPfn));
    }
  }

  /// [#freeRange] with mistakes as negative codes.
  ///
  /// @param startPfn the first frame
  /// @param frameCount the count it was allocated with
  /// @return 0, or the code of a [FrameError]
  long tryFreeRange(long startPfn, long frameCount);

  // ---- Many single frames ----

  /// Allocates up to `count` single frames in one call, see [FrameAllocator#allocateBulk].
  ///
  /// @param pfns where the frames are put; entries beyond those it got are left as they are
  /// @param offset index of the first entry
  /// @param count entries to fill, 0 or more
  /// @param flags bits of [AllocationFlags]
  /// @return how many entries were filled, 0 … `count`; fewer only when no frame is left
  /// @throws IndexOutOfBoundsException if the array has no such entries; nothing has changed then
  int allocateBulk(long[] pfns, int offset, int count, int flags);

  /// Frees single frames in one call, see [FrameAllocator#freeBulk]: stops at the first mistake.
  ///
  /// @param pfns the frames, each allocated as a block of order 0; left as it is
  /// @param offset index of the first entry
  /// @param count entries to free, 0 or more
  /// @throws IndexOutOfBoundsException if the array has no such entries; nothing has changed then
  /// @throws FrameRequestException for the first entry that is no allocated single frame; its
  ///   message names the index, and those before it have been freed
  void freeBulk(long[] pfns, int offset, int count);

  // ---- Splitting ----

  /// Turns an allocated block into single frames, each to be freed with order 0.
  ///
  /// @param pfn the block's head frame
  /// @param order the order it was allocated with
  /// @throws FrameRequestException if that block is not allocated, in just that size
  void splitBlock(long pfn, int order);

  /// Turns an allocated run into single frames, each freed with order 0. A refusal is not counted.
  ///
  /// @param pfn the run's first frame
  /// @param frameCount the count it was allocated with
  /// @throws FrameRequestException if that run is not allocated, in just that size
  void splitFrames(long pfn, long frameCount);
}
