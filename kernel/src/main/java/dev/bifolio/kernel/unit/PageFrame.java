package dev.bifolio.kernel.unit;

import org.jspecify.annotations.Nullable;

/// A block of 2^order frames at a physical address, as a value: for edges, tests and reports. The
/// allocators themselves work on plain numbers.
///
/// A block lies at a multiple of its own size, and ends at or below 2^63. Values are equal, and
/// ordered, by address and then by order. Whether the block is free or allocated is not part of it.
///
/// @param startAddress first byte, a multiple of 4096 times 2^order
/// @param order 0 … [Pages#MAX_ORDER]
public record PageFrame(long startAddress, int order) implements Comparable<PageFrame> {
  /// The two halves of a block.
  ///
  /// @param lower the half at the block's own address
  /// @param upper the half behind it, the lower one's buddy
  public record Halves(PageFrame lower, PageFrame upper) {}

  /// Checks the block.
  ///
  /// @throws FrameRequestException with INVALID_ORDER, UNALIGNED if the address is not a multiple
  ///   of the block's size, or OUT_OF_RANGE if it is negative
  public PageFrame {
    if (order < 0 || order > Pages.MAX_ORDER) {
      throw new FrameRequestException(
          FrameError.INVALID_ORDER, "expected 0 to " + Pages.MAX_ORDER + ", found " + order);
    }
    if (startAddress < 0) {
      throw new FrameRequestException(
          FrameError.OUT_OF_RANGE,
          "expected an address below 2^63, found " + AddressRange.hex(startAddress));
    }
    if (!Pages.isOrderAligned(startAddress, order)) {
      throw new FrameRequestException(
          FrameError.UNALIGNED,
          "expected a multiple of "
              + AddressRange.hex(Pages.orderToBytes(order))
              + " for order "
              + order
              + ", found "
              + AddressRange.hex(startAddress));
    }
  }

  /// The block's first frame.
  ///
  /// @return a pfn
  public long startPfn() {
    return Pages.addressToPfn(startAddress);
  }

  /// Frames in the block.
  ///
  /// @return 2^order
  public long frameCount() {
    return Pages.orderToFrames(order);
  }

  /// Bytes in the block.
  ///
  /// @return 4096 times 2^order
  public long byteSize() {
    return Pages.orderToBytes(order);
  }

  /// The block's last byte.
  ///
  /// @return an address
  public long lastAddress() {
    return startAddress + (byteSize() - 1);
  }

  /// The byte behind the block.
  ///
  /// @return an address
  /// @throws ArithmeticException if it is 2^63
  public long endAddress() {
    return Math.addExact(startAddress, byteSize());
  }

  /// Whether the block holds a byte.
  ///
  /// @param address in bytes
  /// @return true from the first to the last byte
  public boolean contains(long address) {
    return address >= startAddress && address <= lastAddress();
  }

  /// The block that makes a block of the next order together with this one.
  ///
  /// @return the buddy
  public PageFrame buddy() {
    return new PageFrame(startAddress ^ byteSize(), order);
  }

  /// Cuts the block in two.
  ///
  /// @return the halves, or null if it is a single frame
  public @Nullable Halves split() {
    if (order == 0) {
      return null;
    }
    PageFrame lower = new PageFrame(startAddress, order - 1);
    return new Halves(lower, lower.buddy());
  }

  /// Joins the block with its buddy.
  ///
  /// @param other any block
  /// @return the block of both, or null if `other` is not the buddy or there is no larger order
  public @Nullable PageFrame merge(PageFrame other) {
    if (order == Pages.MAX_ORDER || !other.equals(buddy())) {
      return null;
    }
    return new PageFrame(Math.min(startAddress, other.startAddress), order + 1);
  }

  @Override
  public int compareTo(PageFrame other) {
    int byAddress = Long.compare(startAddress, other.startAddress);
    return byAddress != 0 ? byAddress : Integer.compare(order, other.order);
  }

  /// For example `[0x4000, 0x8000) 4 pages`.
  @Override
  public String toString() {
    return "["
        + AddressRange.hex(startAddress)
        + ", "
        + AddressRange.hex(startAddress + byteSize())
        + ") "
        + frameCount()
        + (order == 0 ? " page" : " pages");
  }
}
