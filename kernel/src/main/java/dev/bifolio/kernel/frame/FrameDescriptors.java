package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.Pages;

/// One descriptor of 16 bytes for each frame of a span: the only class that knows their layout.
///
/// ```
///            63                        24 23             2 1   0
///   word 0  [ next: link, 40 bits        | frames: 22 bits |state]
///            63          40 39                                 0
///   word 1  [ zero         | prev: link, 40 bits                ]
/// ```
///
/// A *link* is an index relative to the span plus one, so that zero links to nothing. `frames` is
/// the exact length of the block or run that begins here; the order of a free block follows from
/// it. Only the first frame of a block has a state; every other frame, and every frame that was
/// never handed over, is TAIL, and TAIL is sixteen zero bytes: untouched memory is valid, and
/// neither splitting nor joining blocks ever visits their tails.
///
/// | state | value | frames | links |
/// |---|---|---|---|
/// | TAIL | 0 | 0 | 0 |
/// | FREE | 1 | a power of two | neighbours in the free list |
/// | HEAD | 2 | 1 … 2^20 | 0 |
///
/// Nothing here checks its arguments; a frame outside the span would be a wild access.
final class FrameDescriptors {
  static final int TAIL = 0;
  static final int FREE = 1;
  static final int HEAD = 2;

  static final long BYTE_SIZE = 16;

  /// The longest span, in frames: 64 TiB.
  static final long MAX_FRAMES = 1L << 34;

  private static final int STATE_MASK = 3;
  private static final int FRAMES_SHIFT = 2;
  private static final long FRAMES_MASK = (1L << 22) - 1;
  private static final int NEXT_SHIFT = 24;
  private static final long PREV = 8;

  private final int maxOrder;
  private long base;
  private long startPfn;
  private long endPfn;

  FrameDescriptors(int maxOrder) {
    this.maxOrder = maxOrder;
  }

  /// Says where the descriptors are. Until then the span is empty.
  void attach(long address, long startPfn, long endPfn) {
    this.base = address;
    this.startPfn = startPfn;
    this.endPfn = endPfn;
  }

  /// Refuses a span that no descriptors can describe.
  ///
  /// @throws FrameRequestException with OUT_OF_RANGE
  static void requireSpan(long startPfn, long frameCount) {
    if (startPfn < 0
        || frameCount <= 0
        || frameCount > MAX_FRAMES
        || startPfn > (Long.MAX_VALUE >>> Pages.PAGE_SHIFT) - frameCount) {
      throw FrameMistakes.span(startPfn, frameCount);
    }
  }

  long startPfn() {
    return startPfn;
  }

  long endPfn() {
    return endPfn;
  }

  boolean spans(long pfn) {
    return pfn >= startPfn && pfn < endPfn;
  }

  long address(long pfn) {
    return base + (pfn - startPfn) * BYTE_SIZE;
  }

  int state(long pfn) {
    return (int) Memory.getLong(address(pfn)) & STATE_MASK;
  }

  /// Length of the block or run that begins at `pfn`; 0 for a tail.
  long frameCount(long pfn) {
    return Memory.getLong(address(pfn)) >>> FRAMES_SHIFT & FRAMES_MASK;
  }

  /// Whether a free block of just this order begins at `pfn`, which may lie outside the span.
  boolean isFreeBlock(long pfn, int order) {
    return spans(pfn)
        && (Memory.getLong(address(pfn)) & (1L << NEXT_SHIFT) - 1)
            == (1L << order << FRAMES_SHIFT | FREE);
  }

  /// Whether an allocated run of just this length begins at `pfn`, which may lie outside the span.
  /// One load proves all of it, since the links of a HEAD are zero.
  boolean isAllocatedRun(long pfn, long frameCount) {
    return spans(pfn)
        && (frameCount & ~FRAMES_MASK) == 0
        && Memory.getLong(address(pfn)) == (frameCount << FRAMES_SHIFT | HEAD);
  }

  void setTail(long pfn) {
    long address = address(pfn);
    Memory.putLong(address, TAIL);
    Memory.putLong(address + PREV, 0);
  }

  void setHead(long pfn, long frameCount) {
    long address = address(pfn);
    Memory.putLong(address, frameCount << FRAMES_SHIFT | HEAD);
    Memory.putLong(address + PREV, 0);
  }

  void setFree(long pfn, int order, long nextLink, long prevLink) {
    long address = address(pfn);
    Memory.putLong(address, nextLink << NEXT_SHIFT | 1L << order << FRAMES_SHIFT | FREE);
    Memory.putLong(address + PREV, prevLink);
  }

  long linkTo(long pfn) {
    return pfn - startPfn + 1;
  }

  long pfnOf(long link) {
    return startPfn + link - 1;
  }

  long nextLink(long pfn) {
    return Memory.getLong(address(pfn)) >>> NEXT_SHIFT;
  }

  long prevLink(long pfn) {
    return Memory.getLong(address(pfn) + PREV);
  }

  void setNextLink(long pfn, long link) {
    long address = address(pfn);
    long rest = Memory.getLong(address) & (1L << NEXT_SHIFT) - 1;
    Memory.putLong(address, link << NEXT_SHIFT | rest);
  }

  void setPrevLink(long pfn, long link) {
    Memory.putLong(address(pfn) + PREV, link);
  }

  /// Whether every bit is zero, as it must be for a tail.
  boolean isBlank(long pfn) {
    long address = address(pfn);
    return (Memory.getLong(address) | Memory.getLong(address + PREV)) == 0;
  }

  /// The first frame of the block or run that covers `pfn`, or -1 if none does: then `pfn` was
  /// never handed over.
  ///
  /// A block begins at a multiple of its length, and a run at a multiple of the next power of two,
  /// so there is one candidate for each order. Blocks do not overlap; the nearest head decides. At
  /// most `maxOrder + 1` loads.
  long headOf(long pfn) {
    if (!spans(pfn)) {
      return FrameAllocator.NO_FRAME;
    }
    for (int order = 0; order <= maxOrder; order++) {
      long candidate = pfn & -Pages.orderToFrames(order);
      if (candidate < startPfn) {
        break;
      }
      if (state(candidate) != TAIL) {
        return pfn - candidate < frameCount(candidate) ? candidate : FrameAllocator.NO_FRAME;
      }
    }
    return FrameAllocator.NO_FRAME;
  }
}
