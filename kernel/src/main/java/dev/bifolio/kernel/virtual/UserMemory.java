package dev.bifolio.kernel.virtual;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.table.FrameSharers;
import dev.bifolio.kernel.unit.PageFrames;
import dev.bifolio.kernel.unit.Pages;

/// What all user spaces of a machine have in common: where frames come from, who counts their
/// sharers, and how to get at their bytes. Any thread, if the source and the sharers allow it.
///
/// A frame belongs to its mappings, and to the backing it is a page of: each of them counts as one
/// sharer, and who is the last one frees it.
///
/// @param frames where frames come from
/// @param requestFlags handed to it with requests for single frames, of pages and of nodes
/// @param hugeRequestFlags handed to it with requests for large blocks, which should not wait
/// @param sharers counts who has a frame
/// @param physToVirt what is added to a physical address to get at it, a multiple of 4096
public record UserMemory(
    PageFrames frames,
    int requestFlags,
    int hugeRequestFlags,
    FrameSharers sharers,
    long physToVirt) {
  /// No frame.
  static final long NO_FRAME = -1;

  /// A frame with whatever is in it; the caller is its only sharer.
  ///
  /// @return a pfn, or [#NO_FRAME]
  long allocate() {
    long pfn = frames.allocate(0, requestFlags);
    return pfn < 0 ? NO_FRAME : pfn;
  }

  /// One sharer less; the last one frees the frame.
  ///
  /// @return whether it was the last
  boolean release(long pfn) {
    boolean isLast = sharers.drop(pfn);
    if (isLast) {
      frames.free(pfn, 0);
    }
    return isLast;
  }

  void zero(long pfn, int order) {
    Memory.fill(addressOf(pfn), Pages.PAGE_SIZE << order, (byte) 0);
  }

  void copy(long fromPfn, long toPfn) {
    Memory.copy(addressOf(fromPfn), addressOf(toPfn), Pages.PAGE_SIZE);
  }

  /// Whether a frame holds nothing but zeros.
  boolean isZero(long pfn) {
    long address = addressOf(pfn);
    for (long offset = 0; offset < Pages.PAGE_SIZE; offset += Long.BYTES) {
      if (Memory.getLong(address + offset) != 0) {
        return false;
      }
    }
    return true;
  }

  /// Where the bytes of a frame are.
  ///
  /// @param pfn a frame
  /// @return an address
  public long addressOf(long pfn) {
    return (pfn << Pages.PAGE_SHIFT) + physToVirt;
  }
}
