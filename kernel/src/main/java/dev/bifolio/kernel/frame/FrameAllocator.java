package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.unit.FrameRequestException;

/// Hands out physical page frames: the contract that every allocator of this package keeps.
///
/// A frame is named by its absolute page frame number, `pfn`. A *block* is 2^order frames, aligned
/// to its own size in absolute frame numbers; a *run* is an exact count of consecutive frames.
/// Memory is handed over with [#addRange]; only those frames are ever given out.
///
/// Exhaustion is a value, [#NO_FRAME]. A caller's mistake throws [FrameRequestException] from the
/// plain methods, and is a negative code from the `try` methods, which
/// [FrameError#of(long)][dev.bifolio.kernel.unit.FrameError#of(long)] decodes without allocation.
/// Both styles count failures alike. A refused or failed request changes nothing but the counters.
public interface FrameAllocator {
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

  /// Hands frames over to the allocator; they are free afterwards. Frames that it has already are
  /// left as they are, so that overlapping ranges add each frame once.
  ///
  /// @param startPfn first frame
  /// @param endPfn exclusive end
  /// @return how many frames were new
  /// @throws FrameRequestException if the range is not within the allocator's span
  long addRange(long startPfn, long endPfn);

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

  /// [#validate()], as an assertion.
  ///
  /// @throws AssertionError with the report if anything is wrong
  void assertValid();
}
