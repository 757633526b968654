package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;
import dev.bifolio.kernel.unit.Pages;

/// The free blocks of each order, one circular doubly linked list per order, threaded through the
/// descriptors of the blocks' head frames.
///
/// ```
///   header, order 3:  [ first: link | blocks ]
///                          │
///        ┌─────────────────┘
///        v
///   FREE 0x40 <──> FREE 0x88 <──> FREE 0x10 <──┐     next of the last is the first,
///        └─────────────────────────────────────┘     prev of the first is the last
/// ```
///
/// The header holds 16 bytes per order, in memory: a link to the first block (0: none) and the
/// number of blocks. All zeros are all empty. A block freed goes to the front, where it is found
/// while its memory is still in a cache; a block newly handed over goes to the back, so that a
/// fresh memory is used from its lowest address. Each operation takes constant time.
///
/// A circle needs no special case for the last block, and its end is found without a second word in
/// the header; that is why it was preferred to a list that ends in nothing.
final class FreeAreas {
  /// Bytes of the header, of which 21 orders use 336.
  static final long HEADER_BYTES = 384;

  private static final long AREA_BYTES = 16;
  private static final long BLOCKS = 8;

  private final FrameDescriptors frames;
  private long header;

  FreeAreas(FrameDescriptors frames) {
    this.frames = frames;
  }

  void attach(long headerAddress) {
    header = headerAddress;
  }

  boolean isEmpty(int order) {
    return firstLink(order) == 0;
  }

  long blockCount(int order) {
    return header == 0 ? 0 : Memory.getLong(area(order) + BLOCKS);
  }

  long firstLink(int order) {
    return Memory.getLong(area(order));
  }

  /// The first block, or -1.
  long first(int order) {
    long link = firstLink(order);
    return link == 0 ? FrameAllocator.NO_FRAME : frames.pfnOf(link);
  }

  void addFirst(long pfn, int order) {
    addLast(pfn, order);
    Memory.putLong(area(order), frames.linkTo(pfn));
  }

  void addLast(long pfn, int order) {
    long link = frames.linkTo(pfn);
    long firstLink = firstLink(order);
    if (firstLink == 0) {
      frames.setFree(pfn, order, link, link);
      Memory.putLong(area(order), link);
    } else {
      long first = frames.pfnOf(firstLink);
      long lastLink = frames.prevLink(first);
      frames.setFree(pfn, order, firstLink, lastLink);
      frames.setNextLink(frames.pfnOf(lastLink), link);
      frames.setPrevLink(first, link);
    }
    addBlocks(order, 1);
  }

  /// Takes a block out of its list. Its descriptor becomes a TAIL.
  ///
  /// @throws FrameRequestException with CORRUPTION, before anything changes, if the neighbours do
  ///   not point back
  void remove(long pfn, int order) {
    long link = frames.linkTo(pfn);
    long nextLink = frames.nextLink(pfn);
    long prevLink = frames.prevLink(pfn);
    long next = frames.pfnOf(nextLink);
    long prev = frames.pfnOf(prevLink);
    if (!frames.isFreeBlock(pfn, order)
        || !frames.spans(next)
        || !frames.spans(prev)
        || frames.prevLink(next) != link
        || frames.nextLink(prev) != link) {
      throw corrupted(pfn, order);
    }
    if (nextLink == link) {
      Memory.putLong(area(order), 0);
    } else {
      frames.setNextLink(prev, nextLink);
      frames.setPrevLink(next, prevLink);
      if (firstLink(order) == link) {
        Memory.putLong(area(order), nextLink);
      }
    }
    frames.setTail(pfn);
    addBlocks(order, -1);
  }

  /// Takes the first block out.
  ///
  /// @return its first frame, or -1 if there is none
  long removeFirst(int order) {
    long link = firstLink(order);
    if (link == 0) {
      return FrameAllocator.NO_FRAME;
    }
    long pfn = frames.pfnOf(link);
    if (!frames.spans(pfn)) {
      throw corrupted(pfn, order);
    }
    remove(pfn, order);
    return pfn;
  }

  /// The smallest order, from `order` up, that has a free block, or -1.
  int smallestWithBlocks(int order, int maxOrder) {
    for (int o = order; o <= maxOrder; o++) {
      if (!isEmpty(o)) {
        return o;
      }
    }
    return Pages.NO_ORDER;
  }

  private void addBlocks(int order, int change) {
    long address = area(order) + BLOCKS;
    Memory.putLong(address, Memory.getLong(address) + change);
  }

  /// Where the header words of an order are.
  long area(int order) {
    return header + order * AREA_BYTES;
  }

  private static FrameRequestException corrupted(long pfn, int order) {
    return new FrameRequestException(
        FrameError.CORRUPTION,
        "frame "
            + AddressRange.hex(pfn)
            + ": expected a free block of order "
            + order
            + " linked to its neighbours, found a broken free list; run validate()");
  }
}
