package dev.bifolio.kernel.unit;

/// What can be wrong with a request for frames: fixed texts, return codes and error classes.
///
/// Hot paths return a negative `long` instead of throwing; [#code()] and [#of(long)] convert
/// without allocation. Exhaustion has the code -1, which is also `NO_FRAME`; every other code is a
/// caller's mistake or a broken allocator.
public enum FrameError {
  /// No free block can serve the request.
  OUT_OF_MEMORY("Out of physical memory", ErrorClass.OUT_OF_MEMORY),
  /// The request is larger than the largest block.
  TOO_LARGE("Allocation size exceeds maximum block size", ErrorClass.OUT_OF_MEMORY),
  /// A count of zero frames.
  ZERO_ALLOCATION("Cannot allocate zero pages", ErrorClass.INVALID_ARGUMENT),
  /// An address inside a page, or a frame number not aligned to its order.
  UNALIGNED("Address is not page-aligned", ErrorClass.INVALID_ARGUMENT),
  /// A frame that this allocator does not manage.
  OUT_OF_RANGE("Address is outside managed memory range", ErrorClass.INVALID_ARGUMENT),
  /// A free of something that is not allocated.
  NOT_ALLOCATED("Block is not allocated (possible double-free)", ErrorClass.INVALID_ARGUMENT),
  /// A free with another order or count than the allocation's, or of a block's tail.
  SIZE_MISMATCH("Free size does not match allocation size", ErrorClass.INVALID_ARGUMENT),
  /// A request before the allocator was given its memory.
  NOT_INITIALIZED("Allocator has not been initialized", ErrorClass.NOT_PERMITTED),
  /// An order below 0 or above the allocator's largest.
  INVALID_ORDER("Invalid block order specified", ErrorClass.INVALID_ARGUMENT),
  /// The allocator's own data contradict each other.
  CORRUPTION("Internal allocator corruption detected", ErrorClass.INTERNAL_ERROR);

  /// The coarser classes a kernel reports to its callers.
  public enum ErrorClass {
    /// There is not enough memory, or never a block that large.
    OUT_OF_MEMORY,
    /// The request itself is wrong.
    INVALID_ARGUMENT,
    /// The request comes too early.
    NOT_PERMITTED,
    /// The allocator is broken.
    INTERNAL_ERROR
  }

  private static final FrameError[] VALUES = values();

  private final String text;
  private final ErrorClass errorClass;

  FrameError(String text, ErrorClass errorClass) {
    this.text = text;
    this.errorClass = errorClass;
  }

  /// The fixed text.
  ///
  /// @return one line without a full stop
  public String text() {
    return text;
  }

  /// The class of the error.
  ///
  /// @return one of four
  public ErrorClass errorClass() {
    return errorClass;
  }

  /// The number that hot paths return in place of a frame number.
  ///
  /// @return -1 … -10
  @SuppressWarnings("EnumOrdinal") // the order of the constants is the published order of the codes
  public long code() {
    return -1L - ordinal();
  }

  /// The error behind a returned code.
  ///
  /// @param code -1 … -10
  /// @return the error
  /// @throws IllegalArgumentException if `code` is no such number; a frame number is none
  public static FrameError of(long code) {
    long index = -1L - code;
    if (index < 0 || index >= VALUES.length) {
      throw new IllegalArgumentException(code + " is not the code of a FrameError");
    }
    return VALUES[(int) index];
  }
}
