package dev.bifolio.kernel.unit;

import org.jspecify.annotations.Nullable;

/// An order as a value that is known to be legal: the binary logarithm of a count of frames. For
/// edges; the allocators use a bare `int`.
///
/// @param value 0 … [Pages#MAX_ORDER]
public record Order(int value) implements Comparable<Order> {
  /// The smallest order, one frame.
  public static final Order MIN = new Order(0);

  /// The largest order, 2^20 frames.
  public static final Order MAX = new Order(Pages.MAX_ORDER);

  /// Checks the order.
  ///
  /// @throws FrameRequestException with INVALID_ORDER if there is no such order
  public Order {
    if (value < 0 || value > Pages.MAX_ORDER) {
      throw new FrameRequestException(
          FrameError.INVALID_ORDER, "expected 0 to " + Pages.MAX_ORDER + ", found " + value);
    }
  }

  /// An order of a system that has not all of them.
  ///
  /// @param value any number
  /// @param maxOrder the largest order allowed, 0 … [Pages#MAX_ORDER]
  /// @return the order, or null if it is negative or too large
  public static @Nullable Order of(int value, int maxOrder) {
    return value < 0 || value > maxOrder ? null : new Order(value);
  }

  /// The smallest order whose block holds `frameCount` frames.
  ///
  /// @param frameCount any count
  /// @param maxOrder the largest order allowed, 0 … [Pages#MAX_ORDER]
  /// @return the order, or null for a count below 1 or one that no block holds
  public static @Nullable Order ofFrames(long frameCount, int maxOrder) {
    return of(Pages.orderForFrames(frameCount, maxOrder), maxOrder);
  }

  /// The smallest order whose block holds `byteSize` bytes.
  ///
  /// @param byteSize any size
  /// @param maxOrder the largest order allowed, 0 … [Pages#MAX_ORDER]
  /// @return the order, or null for a size below 1 or one that no block holds
  public static @Nullable Order ofBytes(long byteSize, int maxOrder) {
    return of(Pages.orderForBytes(byteSize, maxOrder), maxOrder);
  }

  /// The next larger order.
  ///
  /// @return an order, or null for [#MAX]
  public @Nullable Order next() {
    return of(value + 1, Pages.MAX_ORDER);
  }

  /// The next smaller order.
  ///
  /// @return an order, or null for [#MIN]
  public @Nullable Order previous() {
    return of(value - 1, Pages.MAX_ORDER);
  }

  /// Frames in a block of this order.
  ///
  /// @return 2^value
  public long frameCount() {
    return Pages.orderToFrames(value);
  }

  /// Bytes in a block of this order.
  ///
  /// @return 4096 times 2^value
  public long byteSize() {
    return Pages.orderToBytes(value);
  }

  @Override
  public int compareTo(Order other) {
    return Integer.compare(value, other.value);
  }
}
