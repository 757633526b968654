package dev.bifolio.kernel.heap;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.platform.SpinLock;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;
import dev.bifolio.kernel.unit.PageFrames;
import dev.bifolio.kernel.unit.Pages;

/// Whole frames for the heap: those that the boot kept for it first, then those of the zones.
///
/// ```
///   boot heap  [####....##......]   a bit a frame: who asks gets the lowest block that is free
///   beyond it  PageFrames           asked when the boot heap has no such block
/// ```
///
/// A block goes back to where it came from, which its frame number tells. The boot heap is small
/// and asked seldom, by slabs and not by objects, so it is searched from its beginning, 64 frames a
/// load, under a lock; blocks of more than 64 frames are not looked for in it.
///
/// ```
///   byte 0  lock   8  frames of the region in use   16  frames of the source in use
///       24  requests that failed   64  the bits: 1 in use, from the multiple of 64 at or below the
///                                      region's first frame
/// ```
///
/// Any thread, if the source allows it; the source is asked without the lock. No Java objects.
public final class HeapPages {
  /// Exhaustion.
  public static final long NO_FRAME = -1;

  private static final int WORD_FRAMES = 64;
  private static final int LARGEST_REGION_ORDER = 6;

  private static final long REGION_USED = 8;
  private static final long SOURCE_USED = 16;
  private static final long FAILURES = 24;
  private static final long BITS = 64;

  /// The frames of a word at which a block of an order may begin.
  private static final long[] STARTS = {
    -1L,
    0x5555_5555_5555_5555L,
    0x1111_1111_1111_1111L,
    0x0101_0101_0101_0101L,
    0x0001_0001_0001_0001L,
    0x0000_0001_0000_0001L,
    1L
  };

  private final long address;
  private final long startPfn;
  private final long endPfn;
  private final PageFrames source;
  private final int flags;
  private final SpinLock lock;

  /// All frames of the region are free.
  ///
  /// @param address of zeros, a multiple of 8
  /// @param startPfn first frame of the boot heap
  /// @param endPfn behind its last; the same if there is none
  /// @param source of frames beyond it
  /// @param flags with which the source is asked
  public HeapPages(long address, long startPfn, long endPfn, PageFrames source, int flags) {
    if (startPfn < 0 || endPfn < startPfn) {
      throw new IllegalArgumentException("no region: frames " + startPfn + " … " + endPfn);
    }
    this.address = address;
    this.startPfn = startPfn;
    this.endPfn = endPfn;
    this.source = source;
    this.flags = flags;
    lock = new SpinLock(address);
    long firstWord = startPfn & -WORD_FRAMES;
    for (long pfn = firstWord; pfn < startPfn; pfn++) {
      mark(pfn, 1L << (pfn & (WORD_FRAMES - 1)));
    }
    for (long pfn = endPfn; startPfn < endPfn && (pfn & (WORD_FRAMES - 1)) != 0; pfn++) {
      mark(pfn, 1L << (pfn & (WORD_FRAMES - 1)));
    }
  }

  /// Bytes of memory for a boot heap.
  ///
  /// @param startPfn its first frame
  /// @param endPfn behind its last
  /// @return a multiple of 8
  public static long byteSize(long startPfn, long endPfn) {
    long firstWord = startPfn & -WORD_FRAMES;
    return BITS + (endPfn - firstWord + WORD_FRAMES - 1) / WORD_FRAMES * Long.BYTES;
  }

  // ---- Requests ----

  /// Allocates a block.
  ///
  /// @param order binary logarithm of its frames
  /// @return its first frame, or [#NO_FRAME]
  public long allocate(int order) {
    long pfn = order <= LARGEST_REGION_ORDER ? allocateFromRegion(order) : NO_FRAME;
    if (pfn >= 0) {
      return pfn;
    }
    pfn = source.allocate(order, flags);
    if (pfn < 0) {
      Memory.getAndAddLong(address + FAILURES, 1);
      return NO_FRAME;
    }
    Memory.getAndAddLong(address + SOURCE_USED, Pages.orderToFrames(order));
    return pfn;
  }

  private long allocateFromRegion(int order) {
    if (regionFreeFrames() < Pages.orderToFrames(order)) {
      return NO_FRAME;
    }
    lock.lock();
    long pfn = NO_FRAME;
    for (long word = startPfn & -WORD_FRAMES; word < endPfn && pfn < 0; word += WORD_FRAMES) {
      long starts = startsOf(~Memory.getLong(wordOf(word)), order);
      if (starts != 0) {
        pfn = word + Long.numberOfTrailingZeros(starts);
        mark(pfn, bitsOf(pfn, order));
        addUsed(Pages.orderToFrames(order));
      }
    }
    lock.unlock();
    return pfn;
  }

  /// Where blocks of an order begin among free frames.
  private static long startsOf(long free, int order) {
    long runs = free;
    for (int i = 0; i < order; i++) {
      runs &= runs >>> (1 << i);
    }
    return runs & STARTS[order];
  }

  /// Gives a block back.
  ///
  /// @param pfn its first frame
  /// @param order as it was allocated
  /// @throws FrameRequestException if it is of the boot heap and not in use
  public void free(long pfn, int order) {
    if (pfn < startPfn || pfn >= endPfn) {
      source.free(pfn, order);
      Memory.getAndAddLong(address + SOURCE_USED, -Pages.orderToFrames(order));
      return;
    }
    lock.lock();
    long bits = order <= LARGEST_REGION_ORDER ? bitsOf(pfn, order) : -1;
    long word = Memory.getLong(wordOf(pfn));
    boolean isUsed =
        order <= LARGEST_REGION_ORDER && isAligned(pfn, order) && (word & bits) == bits;
    if (isUsed) {
      Memory.putLong(wordOf(pfn), word & ~bits);
      addUsed(-Pages.orderToFrames(order));
    }
    lock.unlock();
    if (!isUsed) {
      throw new FrameRequestException(
          FrameError.NOT_ALLOCATED,
          "frame " + AddressRange.hex(pfn) + " of the boot heap, order " + order);
    }
  }

  private static boolean isAligned(long pfn, int order) {
    return (pfn & (Pages.orderToFrames(order) - 1)) == 0;
  }

  private static long bitsOf(long pfn, int order) {
    return -1L >>> (WORD_FRAMES - (1 << order)) << (pfn & (WORD_FRAMES - 1));
  }

  private long wordOf(long pfn) {
    return address + BITS + (pfn - (startPfn & -WORD_FRAMES)) / WORD_FRAMES * Long.BYTES;
  }

  private void mark(long pfn, long bits) {
    Memory.putLong(wordOf(pfn), Memory.getLong(wordOf(pfn)) | bits);
  }

  private void addUsed(long frameCount) {
    long used = Memory.getLong(address + REGION_USED);
    Memory.putLongRelease(address + REGION_USED, used + frameCount);
  }

  // ---- Counters ----

  /// Frames of the boot heap that nobody has.
  ///
  /// @return 0 or more
  public long regionFreeFrames() {
    return endPfn - startPfn - regionUsedFrames();
  }

  /// Frames of the boot heap in use.
  ///
  /// @return 0 or more
  public long regionUsedFrames() {
    return Memory.getLongAcquire(address + REGION_USED);
  }

  /// Frames from beyond the boot heap in use.
  ///
  /// @return 0 or more
  public long sourceUsedFrames() {
    return Memory.getLongAcquire(address + SOURCE_USED);
  }

  /// Requests for which there was no block.
  ///
  /// @return since the start
  public long failures() {
    return Memory.getLongAcquire(address + FAILURES);
  }
}
