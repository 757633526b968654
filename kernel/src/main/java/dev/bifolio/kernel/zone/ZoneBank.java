package dev.bifolio.kernel.zone;

import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.frame.FrameInfo;

/// A part of one node's memory of one type, without large holes: what zones are made of.
///
/// @param allocator its frames, and no others
/// @param info the words for the layers above, over the same span
/// @param nodeIndex the node, 0 … in ascending order of ids
/// @param type what reaches it
/// @param presentFrames frames of memory in it, reserved ones counted, holes not
/// @param hintAddress of [#HINT_BYTES] zero bytes
public record ZoneBank(
    FrameAllocator allocator,
    FrameInfo info,
    int nodeIndex,
    ZoneType type,
    long presentFrames,
    long hintAddress) {
  /// Bytes that each bank needs beside its allocator and plane, a line that every free reads.
  public static final int HINT_BYTES = 64;
}
