package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.unit.AddressRange;
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
public sealed interface FrameAllocator permits BuddyAllocator {
  /// There is no frame that could serve the request. Means exhaustion and nothing else.
  long NO_FRAME = -1L;

  /// Allocates a block.
  ///
  /// @param order 0 … [#maxOrder()]
  /// @param flags [AllocationFlags]
  /// @return the head frame, or [#NO_FRAME]
  /// @throws FrameRequestException if the order is illegal or the allocator not initialised
  long allocate(int order, int flags);

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
  long allocateFrames(long frameCount, int flags);

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

  /// Takes everything back: each managed frame is free afterwards, the counters are zero.
  void reset();

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

  /// Frames that are free now.
  ///
  /// @return a count
  long freeFrameCount();

  /// Free blocks of one order.
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
