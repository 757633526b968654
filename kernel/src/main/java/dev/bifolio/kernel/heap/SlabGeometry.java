package dev.bifolio.kernel.heap;

import dev.bifolio.kernel.unit.Pages;

/// Where the objects of a slab are.
///
/// ```
///   |colour|object 0|object 1| …                |object n-1|  slack  |reserved|
///   ^      ^ first      ├ stride ┤                                             ^
///   slab   a multiple of the alignment                              4096 << order
/// ```
///
/// *Order*: the smallest that holds eight objects and wastes at most an eighth;
/// [SlabSpec#MAX_ORDER] if there is none. *Colour*: slabs of one cache begin at different multiples
/// of the alignment, at least of a cache line, as far as the slack allows, so that their first
/// objects do not all fall into the same lines of a processor's cache (Bonwick 1994, s. 4).
///
/// The index of an object is found by a multiplication: `offset * ceil(2^32 / stride) >> 32` is
/// exact as long as `offset * stride < 2^32`, and a slab has at most 2^15 bytes and a stride 2^13.
///
/// Immutable.
final class SlabGeometry {
  private static final int LEAST_OBJECTS = 8;
  private static final int MOST_WASTE_SHIFT = 3;
  private static final int LINE_BYTES = 64;
  private static final int RECIPROCAL_SHIFT = 32;

  final int order;
  final int stride;
  final int objects;
  final int rows;
  final int colours;
  final int colourStep;
  private final long reciprocal;

  /// @throws IllegalArgumentException if not even one object fits
  SlabGeometry(SlabSpec spec) {
    stride = (int) Pages.alignUp(spec.objectBytes(), spec.alignment());
    order = spec.order() == SlabSpec.ANY_ORDER ? chooseOrder(spec) : spec.order();
    objects = objectsOf(spec, order);
    if (objects <= 0) {
      throw new IllegalArgumentException(
          "cache '"
              + spec.name()
              + "': no object of "
              + stride
              + " bytes in a slab of order "
              + order);
    }
    rows = (objects + SlabRow.OBJECTS - 1) / SlabRow.OBJECTS;
    long slack = usableBytes(spec, order) - (long) objects * stride;
    colourStep = Math.max(spec.alignment(), LINE_BYTES);
    colours = (int) (slack / colourStep) + 1;
    reciprocal = (1L << RECIPROCAL_SHIFT) / stride + 1;
  }

  private static long usableBytes(SlabSpec spec, int order) {
    return Pages.orderToBytes(order) - spec.reservedBytes();
  }

  private int objectsOf(SlabSpec spec, int order) {
    return (int) (usableBytes(spec, order) / stride);
  }

  private int chooseOrder(SlabSpec spec) {
    for (int candidate = 0; candidate < SlabSpec.MAX_ORDER; candidate++) {
      int count = objectsOf(spec, candidate);
      long waste = Pages.orderToBytes(candidate) - (long) count * stride;
      if (count >= LEAST_OBJECTS && (waste << MOST_WASTE_SHIFT) <= Pages.orderToBytes(candidate)) {
        return candidate;
      }
    }
    return SlabSpec.MAX_ORDER;
  }

  /// The index of the object in which an offset from the first object lies.
  ///
  /// @param offset 0 … the slab's bytes
  int indexOf(long offset) {
    return (int) ((offset * reciprocal) >>> RECIPROCAL_SHIFT);
  }

  /// The mask of a row in which every object is free.
  int allFree(int row) {
    int left = objects - row * SlabRow.OBJECTS;
    return left >= SlabRow.OBJECTS ? -1 : (1 << left) - 1;
  }
}
