package dev.bifolio.kernel.heap;

import dev.bifolio.kernel.unit.Pages;
import org.jspecify.annotations.Nullable;

/// What a cache is asked to be.
///
/// @param name what reports call it
/// @param objectBytes of each object, 8 … 8192
/// @param alignment of each object, a power of two, 8 … 4096
/// @param order binary logarithm of the frames of a slab, 0 … [#MAX_ORDER]; [#ANY_ORDER] for one
///   that wastes little
/// @param reservedBytes at the end of each slab that hold no object, a caller's own note of it; 0
///   as a rule
/// @param emptyLimit slabs without an object that are kept, 0 or more
/// @param constructor of the objects; null if they need none
public record SlabSpec(
    String name,
    int objectBytes,
    int alignment,
    int order,
    int reservedBytes,
    int emptyLimit,
    @Nullable ObjectConstructor constructor) {
  /// The smallest object.
  public static final int MIN_BYTES = 8;

  /// The largest object.
  public static final int MAX_BYTES = 8192;

  /// The order of the largest slab.
  public static final int MAX_ORDER = 3;

  /// The cache chooses the order of its slabs.
  public static final int ANY_ORDER = -1;

  private static final int USUAL_EMPTY_LIMIT = 4;

  /// Checks what can be said without the order.
  ///
  /// @throws IllegalArgumentException if a part is out of its range
  public SlabSpec {
    if (name.isEmpty()
        || objectBytes < MIN_BYTES
        || objectBytes > MAX_BYTES
        || alignment < MIN_BYTES
        || alignment > Pages.PAGE_SIZE
        || Integer.bitCount(alignment) != 1
        || order < ANY_ORDER
        || order > MAX_ORDER
        || reservedBytes < 0
        || emptyLimit < 0) {
      throw new IllegalArgumentException(
          "no cache '"
              + name
              + "' of "
              + objectBytes
              + " bytes aligned to "
              + alignment
              + ", order "
              + order
              + ", reserved "
              + reservedBytes
              + ", empty "
              + emptyLimit);
    }
  }

  /// A cache as most are: slabs of an order that wastes little, four empty ones kept, no
  /// constructor.
  ///
  /// @param name what reports call it
  /// @param objectBytes of each object, 8 … 8192
  /// @param alignment of each object, a power of two, 8 … 4096
  public SlabSpec(String name, int objectBytes, int alignment) {
    this(name, objectBytes, alignment, ANY_ORDER, 0, USUAL_EMPTY_LIMIT, null);
  }
}
