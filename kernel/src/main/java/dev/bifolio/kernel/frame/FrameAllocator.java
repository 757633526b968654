package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.ArrayEntries;
import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;
import dev.bifolio.kernel.unit.PageFrame;
import dev.bifolio.kernel.unit.Pages;
import org.jspecify.annotations.Nullable;

/// Hands out physical page frames: the contract that every allocator of this package keeps.
///
/// A frame is named by its absolute page frame number, `pfn`. A *block* is 2^order frames, aligned
/// to its own size in absolute frame numbers; a *run* is an exact count of consecutive frames,
/// aligned to the next power of two. A run of 2^k frames and a block of order k are the same thing,
/// and either may be freed as the other. Memory is handed over with [#addFrames]; only those frames
/// are ever given out.
///
/// Exhaustion is a value, [#NO_FRAME]. A caller's mistake throws [FrameRequestException] from the
/// plain methods, and is a negative code from the `try` methods, which [FrameError#of(long)]
/// decodes without allocation. Both styles count failures alike. A refused or failed request
/// changes nothing but the counters, and no request for frames creates a Java object unless it
/// throws; the methods that speak of [PageFrame] are for edges where that does not matter.
///
/// What a mistaken free is told, in this order:
///
/// | found | error |
/// |---|---|
/// | a count below 1 | [FrameError#ZERO_ALLOCATION] |
/// | an order that does not exist here | [FrameError#INVALID_ORDER] |
/// | first or last frame never handed over: a hole, reserved, beyond the span | [FrameError#OUT_OF_RANGE] |
/// | the first frame is free, alone or inside a larger free block | [FrameError#NOT_ALLOCATED] |
/// | a frame behind the first of something allocated, or another length | [FrameError#SIZE_MISMATCH] |
///
/// ```
/// FrameAllocator frames = new BuddyAllocator(20, metadataAddress, startPfn, frameCount);
/// frames.addFrames(startPfn, startPfn + frameCount);
/// long pfn = frames.allocate(3, AllocationFlags.NONE);   // 8 frames
/// if (pfn != FrameAllocator.NO_FRAME) {
///   frames.free(pfn, 3);
/// }
/// ```
public sealed interface FrameAllocator permits BuddyAllocator, HybridAllocator {
  /// There is no frame that could serve the request. Means exhaustion and nothing else.
  long NO_FRAME = -1L;

  /// Allocates a block.
  ///
  /// @param order 0 … [#maxOrder()]
  /// @param flags [AllocationFlags]
  /// @return the head frame, or [#NO_FRAME]
  /// @throws FrameRequestException if the order is illegal or the allocator not initialised
  default long allocate(int order, int flags) {
    long pfn = tryAllocate(order, flags);
    if (pfn < NO_FRAME) {
      throw FrameMistakes.order(FrameError.of(pfn), order, maxOrder());
    }
    return pfn;
  }

  /// Frees a block that [#allocate] returned, or a single frame after [#splitBlock].
  ///
  /// @param pfn its head frame
  /// @param order the order it was allocated with
  /// @throws FrameRequestException if that block is not allocated, in just that size
  void free(long pfn, int order);

  /// Allocates exactly `frameCount` consecutive frames. The run begins where a block of the next
  /// power of two may begin; frames behind the count stay free.
  ///
  /// @param frameCount 1 … 2^[#maxOrder()]
  /// @param flags [AllocationFlags]
  /// @return the first frame, or [#NO_FRAME]
  /// @throws FrameRequestException if the count is zero, negative or too large
  default long allocateFrames(long frameCount, int flags) {
    long pfn = tryAllocateFrames(frameCount, flags);
    if (pfn < NO_FRAME) {
      throw FrameMistakes.count(FrameError.of(pfn), frameCount, maxOrder());
    }
    return pfn;
  }

  /// Frees a run that [#allocateFrames] returned.
  ///
  /// @param pfn its first frame
  /// @param frameCount the count it was allocated with
  /// @throws FrameRequestException if that run is not allocated, in just that size
  void freeFrames(long pfn, long frameCount);

  /// [#allocate] with mistakes as negative codes.
  ///
  /// @param order 0 … [#maxOrder()]
  /// @param flags [AllocationFlags]
  /// @return the head frame, or the code of a FrameError
  long tryAllocate(int order, int flags);

  /// [#free] with mistakes as negative codes.
  ///
  /// @param pfn the head frame
  /// @param order the order it was allocated with
  /// @return 0, or the code of a FrameError
  long tryFree(long pfn, int order);

  /// [#allocateFrames] with mistakes as negative codes.
  ///
  /// @param frameCount 1 … 2^[#maxOrder()]
  /// @param flags [AllocationFlags]
  /// @return the first frame, or the code of a FrameError
  long tryAllocateFrames(long frameCount, int flags);

  /// [#freeFrames] with mistakes as negative codes.
  ///
  /// @param pfn the first frame
  /// @param frameCount the count it was allocated with
  /// @return 0, or the code of a FrameError
  long tryFreeFrames(long pfn, long frameCount);

  // ---- Frames in a wanted place ----

  /// Allocates exactly `frameCount` consecutive frames for a device that cannot reach every
  /// address: with a wider alignment, below a limit, or not across a boundary. Freed with
  /// [#freeFrames].
  ///
  /// It is served at least if a free block of the larger of `alignmentFrames` and the count's next
  /// power of two lies at the place, those frames of it within the limit; an allocator may find
  /// places that are less obvious. Since a run begins at a multiple of the next power of two, it
  /// crosses no boundary that is legal here.
  ///
  /// May look at every free block. A failed request of this kind is not in the demand of
  /// [FrameStatistics#robsonBoundFrames()].
  ///
  /// | wrong | error, in this order |
  /// |---|---|
  /// | the count is below 1 | [FrameError#ZERO_ALLOCATION] |
  /// | the count is above 2^[#maxOrder()] | [FrameError#TOO_LARGE] |
  /// | the alignment is no power of two, or the boundary neither that nor 0 | [FrameError#UNALIGNED] |
  /// | the alignment is above 2^[#maxOrder()], or the boundary below the count | [FrameError#TOO_LARGE] |
  ///
  /// @param frameCount 1 … 2^[#maxOrder()]
  /// @param flags [AllocationFlags]
  /// @param alignmentFrames the first frame is a multiple of it: a power of two, at most
  ///   2^[#maxOrder()]; 1 for no wish beyond the usual alignment of a run
  /// @param maxPfn the last frame is at most this; [Long#MAX_VALUE] for no limit; where no frame is
  ///   low enough, a negative number among them, the answer is [#NO_FRAME]
  /// @param boundaryFrames no multiple of it lies behind the first frame: a power of two, at least
  ///   the count; 0 for none
  /// @return the first frame, or [#NO_FRAME]
  /// @throws FrameRequestException for a mistake of the table, or if it is not initialised
  default long allocateFramesWithin(
      long frameCount, int flags, long alignmentFrames, long maxPfn, long boundaryFrames) {
    long pfn = tryAllocateFramesWithin(frameCount, flags, alignmentFrames, maxPfn, boundaryFrames);
    if (pfn < NO_FRAME) {
      throw FrameMistakes.within(
          FrameError.of(pfn), frameCount, alignmentFrames, boundaryFrames, maxOrder());
    }
    return pfn;
  }

  /// [#allocateFramesWithin] with mistakes as negative codes.
  ///
  /// @param frameCount 1 … 2^[#maxOrder()]
  /// @param flags [AllocationFlags]
  /// @param alignmentFrames a power of two, at most 2^[#maxOrder()]
  /// @param maxPfn the last frame is at most this
  /// @param boundaryFrames a power of two, at least the count, or 0
  /// @return the first frame, or the code of a FrameError
  long tryAllocateFramesWithin(
      long frameCount, int flags, long alignmentFrames, long maxPfn, long boundaryFrames);

  /// Takes just these frames, if all of them are free; frames that wait in a cache are called back
  /// first. Afterwards the range is allocated as the largest naturally aligned blocks in it, which
  /// [Pages#largestOrderAt(long, long, int)] carves from its start to its end with [#maxOrder()].
  /// Each block may be freed by itself, or all of them by [#freeRange].
  ///
  /// A range that is served counts as a request and an allocation for each of its blocks, under the
  /// block's order; one that is not, as one failed request under the order of its count, at most
  /// [#maxOrder()].
  ///
  /// @param startPfn first frame, any
  /// @param frameCount 1 or more
  /// @param flags [AllocationFlags]
  /// @return whether the frames are the caller's; if not, nothing has changed
  /// @throws FrameRequestException with [FrameError#ZERO_ALLOCATION] for a count below 1, with
  ///   [FrameError#OUT_OF_RANGE] if any frame of the range was never handed over, or if it is not
  ///   initialised
  default boolean allocateRange(long startPfn, long frameCount, int flags) {
    long result = tryAllocateRange(startPfn, frameCount, flags);
    if (result < NO_FRAME) {
      throw FrameMistakes.range(FrameError.of(result), startPfn, frameCount);
    }
    return result != NO_FRAME;
  }

  /// [#allocateRange] with mistakes as negative codes.
  ///
  /// @param startPfn first frame, any
  /// @param frameCount 1 or more
  /// @param flags [AllocationFlags]
  /// @return `startPfn`; [#NO_FRAME], the code of [FrameError#OUT_OF_MEMORY], if not all of the
  ///   frames are free; or the code of another FrameError
  long tryAllocateRange(long startPfn, long frameCount, int flags);

  /// Frees a range that [#allocateRange] took, with each of its blocks. Counts as a free for each.
  /// The whole range is looked at before anything changes.
  ///
  /// @param startPfn its first frame
  /// @param frameCount the count it was allocated with
  /// @throws FrameRequestException with [FrameError#ZERO_ALLOCATION] for a count below 1; with
  ///   [FrameError#OUT_OF_RANGE] if any frame of the range was never handed over; with
  ///   [FrameError#NOT_ALLOCATED] or [FrameError#SIZE_MISMATCH] if the range is not allocated as
  ///   just these blocks, by what is found at the first block that differs; nothing has changed
  ///   then, unless another thread freed one of the blocks at the same time, which is a mistake
  ///   too: those before it may be free then
  default void freeRange(long startPfn, long frameCount) {
    long result = tryFreeRange(startPfn, frameCount);
    if (result != 0) {
      throw FrameMistakes.range(FrameError.of(result), startPfn, frameCount);
    }
  }

  /// [#freeRange] with mistakes as negative codes.
  ///
  /// @param startPfn the first frame
  /// @param frameCount the count it was allocated with
  /// @return 0, or the code of a FrameError
  long tryFreeRange(long startPfn, long frameCount);

  // ---- Many single frames ----

  /// Allocates up to `count` single frames, wherever they are, in one call. Counts as a request for
  /// each frame that it got, and as one more, failed, if those are fewer than `count`.
  ///
  /// @param pfns where the frames are put; entries beyond those it got are left as they are
  /// @param offset index of the first entry
  /// @param count entries to fill, 0 or more
  /// @param flags [AllocationFlags]
  /// @return how many entries were filled, 0 … `count`; fewer only when no frame is left
  /// @throws IndexOutOfBoundsException if the array has no such entries; nothing has changed then
  /// @throws FrameRequestException if it is not initialised
  default int allocateBulk(long[] pfns, int offset, int count, int flags) {
    ArrayEntries.require(pfns.length, offset, count);
    int got = 0;
    while (got < count) {
      long pfn = allocate(0, flags);
      if (pfn == NO_FRAME) {
        break;
      }
      pfns[offset + got] = pfn;
      got++;
    }
    return got;
  }

  /// Frees single frames in one call. Stops at the first mistake: what stands before it in the
  /// array has been freed then, it and what stands behind it has not.
  ///
  /// @param pfns the frames, each allocated as a block of order 0; left as it is
  /// @param offset index of the first entry
  /// @param count entries to free, 0 or more
  /// @throws IndexOutOfBoundsException if the array has no such entries; nothing has changed then
  /// @throws FrameRequestException for the first entry that is no allocated single frame; its
  ///   message names the index
  default void freeBulk(long[] pfns, int offset, int count) {
    ArrayEntries.require(pfns.length, offset, count);
    for (int i = offset; i < offset + count; i++) {
      long result = tryFree(pfns[i], 0);
      if (result != 0) {
        throw FrameMistakes.bulk(FrameError.of(result), i, pfns[i]);
      }
    }
  }

  // ---- Splitting ----

  /// Turns an allocated block into single frames, each to be freed with order 0.
  ///
  /// @param pfn the block's head frame
  /// @param order the order it was allocated with
  /// @throws FrameRequestException if that block is not allocated, in just that size
  void splitBlock(long pfn, int order);

  /// Turns an allocated run into single frames, each to be freed with order 0.
  ///
  /// @param pfn the run's first frame
  /// @param frameCount the count it was allocated with
  /// @throws FrameRequestException if that run is not allocated, in just that size
  void splitFrames(long pfn, long frameCount);

  // ---- Memory handed over ----

  /// Hands frames over to the allocator; they are free afterwards. Frames that it has already are
  /// left as they are, free or allocated, so that overlapping ranges add each frame once.
  ///
  /// @param startPfn first frame
  /// @param endPfn exclusive end; a range that ends where it begins, or before, adds nothing
  /// @return how many frames were new
  /// @throws FrameRequestException if the range is not within the allocator's span, or it is not
  ///   initialised
  long addFrames(long startPfn, long endPfn);

  /// Hands over the whole frames inside a range of addresses: a frame that the range holds only in
  /// part is left out.
  ///
  /// @param range any base and size
  /// @return how many frames were new
  /// @throws FrameRequestException if a whole frame of it is not within the allocator's span
  default long addRange(AddressRange range) {
    return addFrames(range.firstWholePfn(), range.endWholePfn());
  }

  /// Takes everything back: each managed frame is free afterwards, the counters are zero. What an
  /// open [FrameCache] holds stays with its owner.
  void reset();

  // ---- At the edges ----

  /// [#allocate], as a value that knows its addresses. Creates an object.
  ///
  /// @param order 0 … [#maxOrder()]
  /// @param flags [AllocationFlags]
  /// @return the block, or null if there is none
  /// @throws FrameRequestException if the order is illegal or the allocator not initialised
  default @Nullable PageFrame allocatePageFrame(int order, int flags) {
    long pfn = allocate(order, flags);
    return pfn == NO_FRAME ? null : new PageFrame(Pages.pfnToAddress(pfn), order);
  }

  /// [#free] of a value of [#allocatePageFrame].
  ///
  /// @param frame the block
  /// @throws FrameRequestException if that block is not allocated, in just that size
  default void freePageFrame(PageFrame frame) {
    free(frame.startPfn(), frame.order());
  }

  /// [#freeFrames] by address, for callers that keep addresses.
  ///
  /// @param address first byte of the run
  /// @param frameCount the count it was allocated with
  /// @throws FrameRequestException with [FrameError#UNALIGNED] if the address lies inside a page,
  ///   else as [#freeFrames] does
  default void freeFramesAt(long address, long frameCount) {
    if (!Pages.isPageAligned(address)) {
      throw new FrameRequestException(
          FrameError.UNALIGNED,
          "expected the first byte of a frame, found " + AddressRange.hex(address));
    }
    freeFrames(Pages.addressToPfn(address), frameCount);
  }

  // ---- What there is ----

  /// The largest order of a block, inclusive.
  ///
  /// @return 0 … 20
  int maxOrder();

  /// First frame of the span that the metadata describe.
  ///
  /// @return a pfn
  long startPfn();

  /// Exclusive end of the span that the metadata describe.
  ///
  /// @return a pfn
  long endPfn();

  /// Whether a frame was handed over: free or allocated, it belongs to this allocator.
  ///
  /// @param pfn any number
  /// @return false for holes, reserved frames and whatever lies beyond the span
  boolean isManaged(long pfn);

  /// Frames handed over so far.
  ///
  /// @return a count
  long managedFrameCount();

  /// Frames that are free now, without those that wait in caches: free, cached and used frames are
  /// the managed ones, always.
  ///
  /// @return a count
  long freeFrameCount();

  /// Frames that wait in caches: neither free nor allocated. They are called back before a request
  /// fails that they could serve; the owner of a [FrameCache] is asked, and gives back with his
  /// next call. Walks.
  ///
  /// @return a count; 0 for an allocator without caches
  default long cachedFrameCount() {
    return 0;
  }

  /// Empties the caches. Free blocks are as large afterwards as they can be, if nobody allocates or
  /// frees meanwhile and no [FrameCache] is open.
  ///
  /// @return how many frames it gave back; 0 for an allocator without caches
  default long drainCaches() {
    return 0;
  }

  /// Free blocks of one order. May walk the whole memory, as all that follows here may.
  ///
  /// @param order 0 … [#maxOrder()]
  /// @return a count
  long freeBlockCount(int order);

  /// The order of the largest free block.
  ///
  /// @return 0 … [#maxOrder()], or [Pages#NO_ORDER] if nothing is free
  default int largestFreeOrder() {
    int order = maxOrder();
    while (order >= 0 && freeBlockCount(order) == 0) {
      order--;
    }
    return order;
  }

  /// Maximal runs of consecutive free frames, whatever their alignment. Walks the whole memory.
  ///
  /// @return a count
  long freeRunCount();

  /// How broken up the free memory is. Walks; creates an object. Frames in caches are not free and
  /// break runs: [#drainCaches()] comes first where that matters.
  ///
  /// @return a value of this moment
  default Fragmentation fragmentation() {
    return new Fragmentation(this);
  }

  /// Requests served, of one order and kind; a run counts under the order of the next power of two
  /// of its count. The sum over all orders and kinds is [FrameStatistics#allocations()].
  ///
  /// @param order 0 … [#maxOrder()]
  /// @param kind 0 … [AllocationFlags#KIND_COUNT] - 1, see [AllocationFlags#kindOf(int)]
  /// @return a count since the last reset
  /// @throws FrameRequestException with INVALID_ORDER for any other order
  /// @throws IllegalArgumentException for any other kind
  long allocationCount(int order, int kind);

  /// Blocks and runs given back, of one order. The sum is [FrameStatistics#frees()].
  ///
  /// @param order 0 … [#maxOrder()]
  /// @return a count since the last reset
  /// @throws FrameRequestException with INVALID_ORDER for any other order
  long freeCount(int order);

  /// Legal requests that found no memory, of one order. The sum is [FrameStatistics#failures()]
  /// without the illegal requests.
  ///
  /// @param order 0 … [#maxOrder()]
  /// @return a count since the last reset
  /// @throws FrameRequestException with INVALID_ORDER for any other order
  long failureCount(int order);

  /// A copy of the counters.
  ///
  /// @return a snapshot
  FrameStatistics statistics();

  /// Sets the request counters to zero and the peak to the present use; frames are left alone.
  void resetCounters();

  /// Walks everything and reports what contradicts something else. Needs quiescence.
  ///
  /// @return the report
  ValidationReport validate();

  /// [#validate()] without looking inside large blocks: blocks, lists and counters are checked in
  /// full, but not that each frame inside a block is blank. For memories of many gigabytes, where
  /// the full walk takes seconds; the time grows with the number of blocks.
  ///
  /// @return the report
  ValidationReport validateBlocks();

  /// [#validate()], as an assertion.
  ///
  /// @throws AssertionError with the report if anything is wrong
  default void assertValid() {
    ValidationReport report = validate();
    if (!report.isValid()) {
      throw new AssertionError(report.toString());
    }
  }
}
