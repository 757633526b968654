package dev.bifolio.kernel.unit;

/// Every conversion between bytes, frames, orders and addresses, with the rounding in the name.
///
/// Three things must not be mixed: a *position* (an address in bytes, or a page frame number,
/// `pfn`), a *count* of frames, and a *byte size*. A frame is a physical unit of 4 KiB; its number
/// is the physical address divided by 4096, absolute and 0-based. An *order* is the binary
/// logarithm of a count of frames.
///
/// Physical addresses handled here lie in `[0, 2^63)`. Firmware may state larger ones; readers keep
/// those as unsigned numbers and the boot sequence refuses or trims them before they arrive here. A
/// conversion that would leave the range throws [ArithmeticException]; nothing wraps.
///
/// All methods are pure, may be called from any thread, cost a few instructions and allocate
/// nothing.
public final class Pages {
  /// Binary logarithm of [#PAGE_SIZE].
  public static final int PAGE_SHIFT = 12;

  /// Bytes in a frame or a page: 4096.
  public static final long PAGE_SIZE = 1L << PAGE_SHIFT;

  /// The bits of an address that lie inside a page: 0xFFF.
  public static final long PAGE_MASK = PAGE_SIZE - 1;

  /// 1,024 bytes.
  public static final long KIB = 1L << 10;

  /// 1,024 KiB.
  public static final long MIB = 1L << 20;

  /// 1,024 MiB.
  public static final long GIB = 1L << 30;

  /// 1,024 GiB.
  public static final long TIB = 1L << 40;

  /// Order of a huge block, 2 MiB.
  public static final int HUGE_ORDER = 9;

  /// Order of a giant block, 1 GiB.
  public static final int GIANT_ORDER = 18;

  /// The largest legal order, inclusive: 2^20 frames, 4 GiB.
  public static final int MAX_ORDER = 20;

  /// Answer of the order conversions when no order fits.
  public static final int NO_ORDER = -1;

  private Pages() {}

  /// Largest multiple of the page size that is not above `address`.
  ///
  /// @param address in bytes, 0 or more
  /// @return a page-aligned address
  public static long alignDown(long address) {
    return address & ~PAGE_MASK;
  }

  /// Smallest multiple of the page size that is not below `address`.
  ///
  /// @param address in bytes, 0 or more
  /// @return a page-aligned address
  /// @throws ArithmeticException if the result would be 2^63 or more
  public static long alignUp(long address) {
    return alignUp(address, PAGE_SIZE);
  }

  /// Largest multiple of `byteAlignment` that is not above `address`.
  ///
  /// @param address in bytes, 0 or more
  /// @param byteAlignment a power of two
  /// @return an aligned address
  public static long alignDown(long address, long byteAlignment) {
    return address & -byteAlignment;
  }

  /// Smallest multiple of `byteAlignment` that is not below `address`.
  ///
  /// @param address in bytes, 0 or more
  /// @param byteAlignment a power of two
  /// @return an aligned address
  /// @throws ArithmeticException if the result would be 2^63 or more
  public static long alignUp(long address, long byteAlignment) {
    return Math.addExact(notNegative(address), byteAlignment - 1) & -byteAlignment;
  }

  /// Whether `address` is a multiple of the page size.
  ///
  /// @param address in bytes
  /// @return true if it is the first byte of a page
  public static boolean isPageAligned(long address) {
    return (address & PAGE_MASK) == 0;
  }

  /// Whether a block of `order` could begin at `address`: blocks are aligned to their own size.
  ///
  /// @param address in bytes
  /// @param order 0 … [#MAX_ORDER]
  /// @return true if it is a multiple of the block's byte size
  public static boolean isOrderAligned(long address, int order) {
    return (address & (orderToBytes(order) - 1)) == 0;
  }

  /// The offset of `address` in its page.
  ///
  /// @param address in bytes
  /// @return 0 … 4095
  public static long pageOffset(long address) {
    return address & PAGE_MASK;
  }

  /// The frame that holds `address`.
  ///
  /// @param address in bytes, 0 or more
  /// @return a page frame number
  public static long addressToPfn(long address) {
    return address >>> PAGE_SHIFT;
  }

  /// The address of the first byte of a frame.
  ///
  /// @param pfn a page frame number below 2^51
  /// @return a page-aligned address
  /// @throws ArithmeticException if the result would be 2^63 or more
  public static long pfnToAddress(long pfn) {
    return shiftExact(pfn);
  }

  /// Frames needed to hold `byteSize` bytes, rounded up.
  ///
  /// @param byteSize 0 or more
  /// @return a count of frames; 0 for 0 bytes
  public static long bytesToFramesUp(long byteSize) {
    return (byteSize >>> PAGE_SHIFT) + ((byteSize & PAGE_MASK) == 0 ? 0 : 1);
  }

  /// Whole frames in `byteSize` bytes, rounded down.
  ///
  /// @param byteSize 0 or more
  /// @return a count of frames
  public static long bytesToFramesDown(long byteSize) {
    return byteSize >>> PAGE_SHIFT;
  }

  /// Bytes in `frameCount` frames.
  ///
  /// @param frameCount 0 or more, below 2^51
  /// @return a byte size
  /// @throws ArithmeticException if the result would be 2^63 or more
  public static long framesToBytes(long frameCount) {
    return shiftExact(frameCount);
  }

  /// The address `pageCount` pages above `address`.
  ///
  /// @param address in bytes, 0 or more
  /// @param pageCount 0 or more
  /// @return the sum
  /// @throws ArithmeticException if the result would be 2^63 or more
  public static long addPages(long address, long pageCount) {
    return Math.addExact(notNegative(address), shiftExact(pageCount));
  }

  /// The address `pageCount` pages below `address`.
  ///
  /// @param address in bytes, 0 or more
  /// @param pageCount 0 or more
  /// @return the difference
  /// @throws ArithmeticException if the result would be negative
  public static long subtractPages(long address, long pageCount) {
    long result = Math.subtractExact(address, shiftExact(pageCount));
    if (result < 0) {
      throw new ArithmeticException("address below zero");
    }
    return result;
  }

  /// Whole pages from `from` up to `to`; 0 if `to` is not above `from`.
  ///
  /// @param from an address in bytes
  /// @param to an address in bytes
  /// @return a count of pages, never negative
  public static long pagesTo(long from, long to) {
    return byteDistance(from, to) >>> PAGE_SHIFT;
  }

  /// Bytes from `from` up to `to`; 0 if `to` is not above `from`.
  ///
  /// @param from an address in bytes, 0 or more
  /// @param to an address in bytes, 0 or more
  /// @return a byte size, never negative
  public static long byteDistance(long from, long to) {
    return to > from ? to - from : 0;
  }

  /// Frames in a block of `order`.
  ///
  /// @param order 0 … [#MAX_ORDER]
  /// @return 2^order
  public static long orderToFrames(int order) {
    return 1L << order;
  }

  /// Bytes in a block of `order`.
  ///
  /// @param order 0 … [#MAX_ORDER]
  /// @return 4096 times 2^order
  public static long orderToBytes(int order) {
    return PAGE_SIZE << order;
  }

  /// The smallest order whose block holds `frameCount` frames.
  ///
  /// @param frameCount 0 or more
  /// @return an order; 0 for 0 frames; it may be above [#MAX_ORDER]
  public static int framesToOrderUp(long frameCount) {
    return frameCount <= 1 ? 0 : Long.SIZE - Long.numberOfLeadingZeros(frameCount - 1);
  }

  /// The largest order whose block is not larger than `frameCount` frames.
  ///
  /// @param frameCount 1 or more
  /// @return an order; it may be above [#MAX_ORDER]
  public static int framesToOrderDown(long frameCount) {
    return Long.SIZE - 1 - Long.numberOfLeadingZeros(frameCount);
  }

  /// The smallest order, at most `maxOrder`, whose block holds `frameCount` frames.
  ///
  /// @param frameCount any count
  /// @param maxOrder the largest order allowed, 0 … [#MAX_ORDER]
  /// @return the order, or [#NO_ORDER] for a count below 1 or one that no such block holds
  public static int orderForFrames(long frameCount, int maxOrder) {
    if (frameCount <= 0) {
      return NO_ORDER;
    }
    int order = framesToOrderUp(frameCount);
    return order <= maxOrder ? order : NO_ORDER;
  }

  /// The smallest order, at most `maxOrder`, whose block holds `byteSize` bytes.
  ///
  /// @param byteSize any size
  /// @param maxOrder the largest order allowed, 0 … [#MAX_ORDER]
  /// @return the order, or [#NO_ORDER] for a size below 1 or one that no such block holds
  public static int orderForBytes(long byteSize, int maxOrder) {
    return byteSize <= 0 ? NO_ORDER : orderForFrames(bytesToFramesUp(byteSize), maxOrder);
  }

  /// The buddy of a block: the other half of the block one order up.
  ///
  /// @param pfn the head of a block, aligned to `order`
  /// @param order 0 … [#MAX_ORDER]
  /// @return the head of its buddy
  public static long buddyOf(long pfn, int order) {
    return pfn ^ (1L << order);
  }

  /// The order of the largest block that may begin at `pfn` and end at or before `endPfn`: what
  /// carving a range into naturally aligned blocks takes next.
  ///
  /// @param pfn where the block begins
  /// @param endPfn exclusive end of the range, above `pfn`
  /// @param maxOrder the largest order allowed
  /// @return an order, 0 … `maxOrder`
  public static int largestOrderAt(long pfn, long endPfn, int maxOrder) {
    int byAlignment = pfn == 0 ? maxOrder : Long.numberOfTrailingZeros(pfn);
    return Math.min(maxOrder, Math.min(byAlignment, framesToOrderDown(endPfn - pfn)));
  }

  private static long notNegative(long address) {
    if (address < 0) {
      throw new ArithmeticException("address " + AddressRange.hex(address) + " is 2^63 or more");
    }
    return address;
  }

  private static long shiftExact(long pages) {
    if (pages < 0 || pages >>> (Long.SIZE - 1 - PAGE_SHIFT) != 0) {
      throw new ArithmeticException("byte size of " + pages + " pages does not fit");
    }
    return pages << PAGE_SHIFT;
  }
}
