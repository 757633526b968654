package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;
import dev.bifolio.kernel.unit.Pages;

/// The classic binary buddy allocator: blocks of 2^order frames, split in half when a smaller one
/// is asked for, joined again when both halves are free. One thread; a machine puts a lock around
/// it.
///
/// Allocation and free take at most `maxOrder` steps, whatever the size of the memory, and create
/// no Java objects. A new allocator needs metadata of [#metadataBytes(long, long)] zero bytes, then
/// its memory by [#addFrames(long, long)].
public final class BuddyAllocator implements FrameAllocator {
  /*
   * Overview
   *
   * Problem. Page frames are asked for one by one, eight by eight, a thousand by a thousand, and
   * must be consecutive and aligned. Give them out and take them back in any order, quickly, so
   * that afterwards large requests can still be served.
   *
   * Idea. Only blocks of 2^order frames exist, each at a multiple of its own length. Then every
   * block has exactly one partner with which it makes a block of the next order, its buddy, and the
   * buddy's number differs in one bit: pfn ^ 2^order. Nothing has to be searched to join two
   * blocks. Memory folds like a sheet of paper, and unfolds along the same creases.
   *
   *   order 3   [               0               ]      allocate(0) on 8 free frames:
   *             split
   *   order 2   [ 0             ][ 4      free  ]      each split keeps the lower half
   *             split                                  and frees the upper one;
   *   order 1   [ 0     ][2 free]                      free(0, 0) finds the buddies 1, 2, 4
   *             split                                  free and climbs back to order 3
   *   order 0   [0][1fr.]
   *
   * Runs. A request for 600 frames is cut from a block of 1,024; the 424 frames behind it are freed
   * at once, as the aligned blocks of 8, 32, 128 and 256 frames that they are. Its head remembers
   * the exact count. A block is a run whose count is a power of two, so one path serves both.
   *
   * Places. A request with a limit or a wider alignment looks through the lists for a block whose
   * first frame will do. A request for just these frames is carved into the largest aligned blocks,
   * each of which then lies inside one free block, and those are cut along the same creases. Who
   * cuts and joins is BuddyBlocks; this class checks, decides and counts.
   *
   * Data. Three structures in off-heap memory, all valid when zero, and the counters:
   *
   *   metadata   [ header: free lists ][ sections ][ one descriptor per frame of the span ]
   *                FreeAreas             ManagedSections   FrameDescriptors
   *
   *   frames       0     1     2     3     4     5     6     7     8     9
   *   states     HEAD  TAIL  FREE  TAIL  FREE  TAIL  TAIL  TAIL   -     -
   *   lengths      2           2           4                     never handed over: TAIL too
   *                            │           │
   *   lists      order 1 ──────┘   order 2 ┘
   *
   * States of a frame that is the first of a block; what lies behind the first is TAIL.
   *
   *   never handed over      allocate            free
   *     TAIL ─────────> FREE ────────> HEAD ────────────> FREE
   *          addFrames   │ ^            │ splitBlock
   *                 split│ │join        └─> HEAD HEAD HEAD …  (single frames)
   *                      v │
   *                     TAIL
   *
   * Invariants, checked by BuddyValidator:
   *   I1  Each managed frame lies in exactly one block: a FREE block or an allocated run.
   *   I2  A FREE block of order k is a multiple of 2^k in absolute frame numbers; a run begins at a
   *       multiple of the next power of two of its count.
   *   I3  A descriptor that is not the first of a block is sixteen zero bytes.
   *   I4  A FREE block is in the list of its order, once; the lists hold nothing else.
   *   I5  No two buddies of an order below the largest are both FREE.
   *   I6  Counters, lists, sections and descriptors say the same about free and managed frames.
   *
   * Which frames are managed is not stored anywhere: a frame is managed if a block covers it (I1),
   * and because of I2 only maxOrder + 1 frames can be the first of that block. So a hole is known
   * from a tail without a bit per frame, and handing over a terabyte writes a few descriptors.
   *
   * Every free is proved before anything changes: the descriptor of the first frame must say HEAD
   * and this very count. One load decides; all else is the slow search for what to tell the caller.
   *
   * Order of use. The smallest order that can serve is taken, from the front of its list; splitting
   * keeps the lower half; freed blocks go to the front, new memory to the back. On fresh memory
   * this is first fit from the lowest address.
   *
   * Cost. One thread at a time writes. allocate: up to maxOrder splits of two descriptors and a list
   * header each; free: up to maxOrder joins, each unlinks a buddy in constant time; a run has at
   * most 2 maxOrder pieces; splitBlock writes each frame's descriptor. Requests with a limit or an
   * alignment may look at every free block, those for a place at every block in it. 16.004 bytes of metadata per
   * frame, of which only pages written get memory. The price of the method is fragmentation: for M
   * frames outstanding and requests up to n, M (1 + log2(n) / 2) - n + 1 frames may be needed.
   *
   * Rejected:
   *   - A bitmap per order (one bit per pair of buddies): smaller, but cannot tell a double free
   *     from a free, nor the order of an allocated block.
   *   - A state in each tail: seen at once, but allocating 2^20 frames would write 16 MiB.
   *   - A header inside the free frames: a stray write would damage the allocator.
   *   - A bit per frame for "managed": 2 GiB for the largest span.
   *   - Sorted lists (always the lowest address): a search per free, for little less fragmentation.
   *   - Lazy joining: whether a large block can be had depends on when somebody cleans up.
   *
   * Sources: K. Knowlton, A fast storage allocator, CACM 8 (1965); D. Knuth, The Art of Computer
   * Programming, vol. 1, 2.5 (algorithms R and S); J. Robson, JACM 18 (1971) and 21 (1974); Linux,
   * mm/page_alloc.c (__rmqueue, __free_one_page).
   */

  /// The longest span of one allocator, in frames: 64 TiB.
  public static final long MAX_SPAN_FRAMES = FrameDescriptors.MAX_FRAMES;

  /// What the metadata's address must be a multiple of, in bytes.
  public static final long METADATA_ALIGNMENT = 64;

  private final int maxOrder;
  private final FrameCounters counters = new FrameCounters();
  // Not private: tests look at states and links, and damage them.
  final FrameDescriptors frames;
  final FreeAreas areas;
  final ManagedSections sections;
  private final BuddyBlocks blocks;
  private boolean initialized;

  /// An allocator that refuses every request until [#initialize(long, long, long)].
  ///
  /// @param maxOrder the largest order of a block, 0 … 20
  /// @throws FrameRequestException with INVALID_ORDER if there is no such order
  public BuddyAllocator(int maxOrder) {
    if (maxOrder < 0 || maxOrder > Pages.MAX_ORDER) {
      throw FrameMistakes.order(FrameError.INVALID_ORDER, maxOrder, Pages.MAX_ORDER);
    }
    this.maxOrder = maxOrder;
    frames = new FrameDescriptors(maxOrder);
    areas = new FreeAreas(frames);
    sections = new ManagedSections(frames);
    blocks = new BuddyBlocks(frames, areas, counters, maxOrder);
  }

  /// An initialised allocator, still without frames.
  ///
  /// @param maxOrder the largest order of a block, 0 … 20
  /// @param metadataAddress as for [#initialize(long, long, long)]
  /// @param startAddress as for [#initialize(long, long, long)]
  /// @param frameCount as for [#initialize(long, long, long)]
  /// @throws FrameRequestException as [#initialize(long, long, long)] does
  public BuddyAllocator(int maxOrder, long metadataAddress, long startAddress, long frameCount) {
    this(maxOrder);
    initialize(metadataAddress, startAddress, frameCount);
  }

  /// Bytes of metadata for a span of frames, a multiple of 64.
  ///
  /// @param startPfn first frame, 0 or more
  /// @param endPfn exclusive end, at most [#MAX_SPAN_FRAMES] above it
  /// @return a byte size; 384 bytes, 16 per frame and about 4 per 1,024 frames
  /// @throws FrameRequestException with OUT_OF_RANGE for any other span
  public static long metadataBytes(long startPfn, long endPfn) {
    FrameDescriptors.requireSpan(startPfn, endPfn - startPfn);
    return FreeAreas.HEADER_BYTES
        + ManagedSections.metadataBytes(startPfn, endPfn)
        + Pages.alignUp((endPfn - startPfn) * FrameDescriptors.BYTE_SIZE, METADATA_ALIGNMENT);
  }

  /// Gives the allocator its metadata and says which frames it describes. None of them is managed
  /// before [#addFrames(long, long)]. Writes nothing to the metadata.
  ///
  /// @param metadataAddress of [#metadataBytes(long, long)] zero bytes, a multiple of
  ///   [#METADATA_ALIGNMENT]
  /// @param startAddress physical address of the span's first frame, a multiple of the page size
  /// @param frameCount frames in the span, 1 … [#MAX_SPAN_FRAMES]
  /// @throws FrameRequestException with UNALIGNED, OUT_OF_RANGE or ZERO_ALLOCATION for a bad span
  /// @throws IllegalArgumentException if the metadata are misaligned
  /// @throws IllegalStateException if it is initialised already
  public void initialize(long metadataAddress, long startAddress, long frameCount) {
    if (initialized) {
      throw new IllegalStateException("this allocator is initialised already");
    }
    long startPfn = FrameMistakes.requireStart(startAddress, frameCount);
    FrameDescriptors.requireSpan(startPfn, frameCount);
    FrameMistakes.requireMetadata(metadataAddress);
    long endPfn = startPfn + frameCount;
    long sectionsAddress = metadataAddress + FreeAreas.HEADER_BYTES;
    areas.attach(metadataAddress);
    sections.attach(sectionsAddress, startPfn, endPfn);
    frames.attach(
        sectionsAddress + ManagedSections.metadataBytes(startPfn, endPfn), startPfn, endPfn);
    initialized = true;
  }

  // ---- Allocation ----

  @Override
  public long tryAllocate(int order, int flags) {
    if (!initialized) {
      return refuse(FrameError.NOT_INITIALIZED);
    }
    if (order < 0 || order > maxOrder) {
      return refuse(FrameError.INVALID_ORDER);
    }
    return take(order, Pages.orderToFrames(order), flags);
  }

  @Override
  public long tryAllocateFrames(long frameCount, int flags) {
    if (!initialized) {
      return refuse(FrameError.NOT_INITIALIZED);
    }
    if (frameCount <= 0) {
      return refuse(FrameError.ZERO_ALLOCATION);
    }
    if (frameCount > Pages.orderToFrames(maxOrder)) {
      return refuse(FrameError.TOO_LARGE);
    }
    return take(Pages.framesToOrderUp(frameCount), frameCount, flags);
  }

  @Override
  public long tryAllocateFramesWithin(
      long frameCount, int flags, long alignmentFrames, long maxPfn, long boundaryFrames) {
    if (!initialized) {
      return refuse(FrameError.NOT_INITIALIZED);
    }
    long mistake = PlacedRequests.mistakeIn(frameCount, alignmentFrames, boundaryFrames, maxOrder);
    if (mistake != 0) {
      return refuse(FrameError.of(mistake));
    }
    int order = Pages.framesToOrderUp(frameCount);
    long pfn = blocks.takeWithin(order, frameCount, alignmentFrames, maxPfn);
    if (pfn == NO_FRAME) {
      counters.missed(frameCount);
    } else {
      counters.allocated(frameCount, AllocationFlags.kindOf(flags));
    }
    return pfn;
  }

  @Override
  public long tryAllocateRange(long startPfn, long frameCount, int flags) {
    if (!initialized || frameCount < 1) {
      return refuse(initialized ? FrameError.ZERO_ALLOCATION : FrameError.NOT_INITIALIZED);
    }
    long result = blocks.rangeState(startPfn, frameCount);
    if (result == NO_FRAME) {
      counters.missed(Math.min(frameCount, Pages.orderToFrames(maxOrder)));
      return NO_FRAME;
    }
    if (result != 0) {
      return refuse(FrameError.of(result));
    }
    blocks.takeRange(startPfn, frameCount, AllocationFlags.kindOf(flags));
    return startPfn;
  }

  private long take(int order, long frameCount, int flags) {
    long pfn = blocks.take(order, frameCount);
    if (pfn == NO_FRAME) {
      counters.exhausted(frameCount);
    } else {
      counters.allocated(frameCount, AllocationFlags.kindOf(flags));
    }
    return pfn;
  }

  private long refuse(FrameError error) {
    counters.refused();
    return error.code();
  }

  // ---- Free ----

  @Override
  public long tryFree(long pfn, int order) {
    if (order < 0 || order > maxOrder) {
      return refuseFree(initialized ? FrameError.INVALID_ORDER : FrameError.NOT_INITIALIZED);
    }
    return tryFreeFrames(pfn, Pages.orderToFrames(order));
  }

  @Override
  public long tryFreeFrames(long pfn, long frameCount) {
    if (!frames.isAllocatedRun(pfn, frameCount)) {
      return refuseFree(mistakeIn(pfn, frameCount));
    }
    counters.freed(frameCount);
    blocks.giveBack(pfn, frameCount);
    return 0;
  }

  @Override
  public long tryFreeRange(long startPfn, long frameCount) {
    if (!initialized || frameCount < 1) {
      return refuseFree(initialized ? FrameError.ZERO_ALLOCATION : FrameError.NOT_INITIALIZED);
    }
    long result = blocks.allocatedRangeState(startPfn, frameCount);
    if (result != 0) {
      return refuseFree(FrameError.of(result));
    }
    blocks.giveBackRange(startPfn, frameCount);
    return 0;
  }

  private long refuseFree(FrameError error) {
    counters.refusedFree();
    return error.code();
  }

  private FrameError mistakeIn(long pfn, long frameCount) {
    return initialized
        ? FrameMistakes.errorOf(pfn, frameCount, frames)
        : FrameError.NOT_INITIALIZED;
  }

  // ---- The same with exceptions ----

  @Override
  public void free(long pfn, int order) {
    long result = tryFree(pfn, order);
    if (result == FrameError.INVALID_ORDER.code()) {
      throw FrameMistakes.order(FrameError.INVALID_ORDER, order, maxOrder);
    }
    if (result != 0) {
      throw FrameMistakes.run(FrameError.of(result), pfn, Pages.orderToFrames(order), frames);
    }
  }

  @Override
  public void freeFrames(long pfn, long frameCount) {
    long result = tryFreeFrames(pfn, frameCount);
    if (result != 0) {
      throw FrameMistakes.run(FrameError.of(result), pfn, frameCount, frames);
    }
  }

  @Override
  public void splitBlock(long pfn, int order) {
    if (initialized && (order < 0 || order > maxOrder)) {
      throw FrameMistakes.order(FrameError.INVALID_ORDER, order, maxOrder);
    }
    splitFrames(pfn, Pages.orderToFrames(order));
  }

  @Override
  public void splitFrames(long pfn, long frameCount) {
    if (!frames.isAllocatedRun(pfn, frameCount)) {
      throw FrameMistakes.run(mistakeIn(pfn, frameCount), pfn, frameCount, frames);
    }
    for (long frame = pfn; frame < pfn + frameCount; frame++) {
      frames.setHead(frame, 1);
    }
    counters.splitIntoFrames(frameCount);
  }

  // ---- Memory handed over ----

  @Override
  public long addFrames(long startPfn, long endPfn) {
    if (!initialized) {
      throw FrameMistakes.uninitialised();
    }
    if (startPfn >= endPfn) {
      return 0;
    }
    if (startPfn < startPfn() || endPfn > endPfn()) {
      throw FrameMistakes.outside(startPfn, endPfn, startPfn(), endPfn());
    }
    long added = 0;
    for (long pfn = startPfn; pfn < endPfn; ) {
      long gapEnd = sections.nextManaged(pfn, endPfn);
      if (gapEnd == pfn) {
        long head = frames.headOf(pfn);
        pfn = head + frames.frameCount(head);
      } else {
        addGap(pfn, gapEnd);
        added += gapEnd - pfn;
        pfn = gapEnd;
      }
    }
    return added;
  }

  private void addGap(long startPfn, long endPfn) {
    for (long pfn = startPfn; pfn < endPfn; ) {
      int order = Pages.largestOrderAt(pfn, endPfn, maxOrder);
      sections.add(pfn, order);
      blocks.release(pfn, order, true);
      pfn += Pages.orderToFrames(order);
    }
    counters.added(endPfn - startPfn);
  }

  @Override
  public void reset() {
    for (long pfn = sections.nextManaged(startPfn(), endPfn()); pfn < endPfn(); ) {
      long head = frames.headOf(pfn);
      long end = head + frames.frameCount(head);
      if (frames.state(head) == FrameDescriptors.HEAD) {
        blocks.giveBack(head, end - head);
      }
      pfn = sections.nextManaged(end, endPfn());
    }
    counters.allFree();
  }

  // ---- What there is ----

  @Override
  public int maxOrder() {
    return maxOrder;
  }

  @Override
  public long startPfn() {
    return frames.startPfn();
  }

  @Override
  public long endPfn() {
    return frames.endPfn();
  }

  @Override
  public boolean isManaged(long pfn) {
    return frames.headOf(pfn) != NO_FRAME;
  }

  @Override
  public long managedFrameCount() {
    return counters.totalFrames();
  }

  @Override
  public long freeFrameCount() {
    return counters.freeFrames();
  }

  @Override
  public long freeBlockCount(int order) {
    return areas.blockCount(legal(order));
  }

  @Override
  public long freeRunCount() {
    return initialized ? blocks.freeRunCount(sections) : 0;
  }

  @Override
  public long allocationCount(int order, int kind) {
    return counters.allocationCount(legal(order), FrameMistakes.legalKind(kind));
  }

  @Override
  public long freeCount(int order) {
    return counters.freeCount(legal(order));
  }

  @Override
  public long failureCount(int order) {
    return counters.failureCount(legal(order));
  }

  private int legal(int order) {
    if (order < 0 || order > maxOrder) {
      throw FrameMistakes.order(FrameError.INVALID_ORDER, order, maxOrder);
    }
    return order;
  }

  @Override
  public FrameStatistics statistics() {
    return counters.snapshot();
  }

  @Override
  public void resetCounters() {
    counters.resetRequests();
  }

  @Override
  public ValidationReport validate() {
    return new BuddyValidator(frames, areas, sections, counters, maxOrder, true).validate();
  }

  @Override
  public ValidationReport validateBlocks() {
    return new BuddyValidator(frames, areas, sections, counters, maxOrder, false).validate();
  }
}
