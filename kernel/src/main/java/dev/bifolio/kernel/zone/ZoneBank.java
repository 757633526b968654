package dev.bifolio.kernel.zone;

import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.frame.FrameInfo;

/// A part of one node's memory of one type, without large holes: what zones are made of.
///
/// ```
///   at `address`   [ the bank's hint, 64, which every free reads ][ words of a zone ]
/// ```
///
/// A zone uses the words of its lowest bank; those of the others are not touched.
///
/// @param allocator its frames, and no others
/// @param info the words for the layers above, over the same span
/// @param nodeIndex the node, an index of the topology
/// @param type what reaches it
/// @param presentFrames frames of memory in it, reserved ones counted, holes not
/// @param cpuCount for how many CPUs there are allowances, 1 or more
/// @param address of [#byteSize(int)] zero bytes, a multiple of 64
public record ZoneBank(
    FrameAllocator allocator,
    FrameInfo info,
    int nodeIndex,
    ZoneType type,
    long presentFrames,
    int cpuCount,
    long address) {
  private static final int HINT_BYTES = 64;

  /// Bytes that a bank needs beside its allocator and plane.
  ///
  /// @param cpuCount for how many CPUs there are allowances, 1 or more
  /// @return a multiple of 64
  public static long byteSize(int cpuCount) {
    return HINT_BYTES + Zone.byteSize(cpuCount);
  }

  long hintAddress() {
    return address;
  }

  long zoneAddress() {
    return address + HINT_BYTES;
  }
}
