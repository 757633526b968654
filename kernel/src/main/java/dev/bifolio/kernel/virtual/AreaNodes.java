package dev.bifolio.kernel.virtual;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.FrameSource;
import dev.bifolio.kernel.unit.Pages;

/// The nodes of areas: 64 bytes each, 63 in a frame, in as many frames as it takes.
///
/// ```
///   frame   [ header │ node 1 │ node 2 │ … │ node 63 ]
///   header  [ next frame with room │ the one before │ free: bit i for node i ]
///
///   node    [ start │ end │ backing 63…32, flags 31…8, height 7…0 │ offset │
///             left │ right │ behind: end of the area before │ gap: the largest of this subtree ]
/// ```
///
/// Nodes are named by their physical address; 0 is none, which is the header of frame 0 and so
/// never a node. Frames that have a free node are linked; one whose nodes are all free goes back at
/// once.
///
/// - I1 The free nodes of all linked frames are as many as the count says.
/// - I2 No frame without a node in use stays.
///
/// For who has the lock of what the areas belong to. Cost: some loads and stores, and now and then
/// a frame.
final class AreaNodes {
  /// No node.
  static final long NONE = 0;

  /// Bytes of memory that it needs beside its frames.
  static final int BYTE_SIZE = 24;

  private static final int NODE_BYTES = 64;
  private static final long ALL_FREE = -2; // all but the header's bit

  // Words of its own.
  private static final int WITH_ROOM = 0;
  private static final int FREE_NODES = 8;
  private static final int FRAMES = 16;

  // Words of a header.
  private static final int NEXT = 0;
  private static final int PREVIOUS = 8;
  private static final int FREE = 16;

  // Words of a node.
  private static final int START = 0;
  private static final int END = 8;
  private static final int WORD = 16;
  private static final int OFFSET = 24;
  private static final int LEFT = 32;
  private static final int RIGHT = 40;
  private static final int BEHIND = 48;
  private static final int GAP = 56;

  private static final int FLAGS_SHIFT = 8;
  private static final int BACKING_SHIFT = 32;
  private static final long HEIGHT_MASK = 0xFF;
  private static final long FLAGS_MASK = 0xFFFFFF;

  private final long address;
  private final FrameSource frames;
  private final int requestFlags;
  private final long physToVirt;

  /// No nodes yet.
  ///
  /// @param address of [#BYTE_SIZE] zero bytes, a multiple of 8
  /// @param frames where frames come from
  /// @param requestFlags handed to it with each request
  /// @param physToVirt what is added to a physical address to get at it
  AreaNodes(long address, FrameSource frames, int requestFlags, long physToVirt) {
    this.address = address;
    this.frames = frames;
    this.requestFlags = requestFlags;
    this.physToVirt = physToVirt;
  }

  // ---- Allocation ----

  /// Makes sure that so many nodes can be had.
  ///
  /// @param count 0 … 63; as many must be allocated next, or a frame without a node may stay
  /// @return false, and nothing has changed, if there is no memory for them
  boolean reserve(int count) {
    if (Memory.getLong(address + FREE_NODES) >= count) {
      return true;
    }
    long pfn = frames.allocate(0, requestFlags);
    if (pfn < 0) {
      return false;
    }
    long header = pfn << Pages.PAGE_SHIFT;
    Memory.putLong(header + physToVirt + FREE, ALL_FREE);
    link(header);
    add(FREE_NODES, Long.bitCount(ALL_FREE));
    add(FRAMES, 1);
    return true;
  }

  /// A node that was reserved.
  ///
  /// @return its words are whatever they were
  long allocate() {
    long first = Memory.getLong(address + WITH_ROOM);
    if (first == NONE) {
      throw new IllegalStateException("more nodes are needed than were reserved");
    }
    long header = first - 1;
    long free = Memory.getLong(header + physToVirt + FREE);
    long rest = free & (free - 1);
    Memory.putLong(header + physToVirt + FREE, rest);
    if (rest == 0) {
      unlink(header);
    }
    add(FREE_NODES, -1);
    return header + (long) Long.numberOfTrailingZeros(free) * NODE_BYTES;
  }

  /// Gives a node back, and its frame if that has no other.
  void free(long node) {
    long header = Pages.alignDown(node);
    long free = Memory.getLong(header + physToVirt + FREE);
    long more = free | (1L << ((node - header) / NODE_BYTES));
    if (more == free) {
      throw new IllegalStateException("a node was freed twice");
    }
    Memory.putLong(header + physToVirt + FREE, more);
    add(FREE_NODES, 1);
    if (free == 0) {
      link(header);
    }
    if (more == ALL_FREE) {
      unlink(header);
      add(FREE_NODES, -Long.bitCount(ALL_FREE));
      add(FRAMES, -1);
      frames.free(header >>> Pages.PAGE_SHIFT, 0);
    }
  }

  /// Puts a frame in front of the list. Links are a frame's address plus 1, so that 0 is none.
  private void link(long header) {
    long first = Memory.getLong(address + WITH_ROOM);
    Memory.putLong(header + physToVirt + NEXT, first);
    Memory.putLong(header + physToVirt + PREVIOUS, NONE);
    if (first != NONE) {
      Memory.putLong(first - 1 + physToVirt + PREVIOUS, header + 1);
    }
    Memory.putLong(address + WITH_ROOM, header + 1);
  }

  private void unlink(long header) {
    long next = Memory.getLong(header + physToVirt + NEXT);
    long previous = Memory.getLong(header + physToVirt + PREVIOUS);
    if (next != NONE) {
      Memory.putLong(next - 1 + physToVirt + PREVIOUS, previous);
    }
    if (previous != NONE) {
      Memory.putLong(previous - 1 + physToVirt + NEXT, next);
    } else {
      Memory.putLong(address + WITH_ROOM, next);
    }
  }

  private void add(int word, long delta) {
    Memory.putLong(address + word, Memory.getLong(address + word) + delta);
  }

  /// Frames that it has.
  long frameCount() {
    return Memory.getLong(address + FRAMES);
  }

  // ---- What a node says ----

  long start(long node) {
    return Memory.getLong(node + physToVirt + START);
  }

  long end(long node) {
    return Memory.getLong(node + physToVirt + END);
  }

  int flags(long node) {
    return (int) (Memory.getLong(node + physToVirt + WORD) >>> FLAGS_SHIFT & FLAGS_MASK);
  }

  int backing(long node) {
    return (int) (Memory.getLong(node + physToVirt + WORD) >>> BACKING_SHIFT);
  }

  long offset(long node) {
    return Memory.getLong(node + physToVirt + OFFSET);
  }

  long left(long node) {
    return Memory.getLong(node + physToVirt + LEFT);
  }

  long right(long node) {
    return Memory.getLong(node + physToVirt + RIGHT);
  }

  long behind(long node) {
    return Memory.getLong(node + physToVirt + BEHIND);
  }

  /// The largest gap in front of a node of a subtree; 0 for none.
  long gap(long node) {
    return node == NONE ? 0 : Memory.getLong(node + physToVirt + GAP);
  }

  /// The height of a subtree; 0 for none.
  int height(long node) {
    return node == NONE ? 0 : (int) (Memory.getLong(node + physToVirt + WORD) & HEIGHT_MASK);
  }

  void setRange(long node, long start, long end, long offset) {
    Memory.putLong(node + physToVirt + START, start);
    Memory.putLong(node + physToVirt + END, end);
    Memory.putLong(node + physToVirt + OFFSET, offset);
  }

  void setKind(long node, int flags, int backing) {
    long word = (long) flags << FLAGS_SHIFT | (long) backing << BACKING_SHIFT;
    Memory.putLong(node + physToVirt + WORD, word | height(node));
  }

  void setLeft(long node, long child) {
    Memory.putLong(node + physToVirt + LEFT, child);
  }

  void setRight(long node, long child) {
    Memory.putLong(node + physToVirt + RIGHT, child);
  }

  void setBehind(long node, long end) {
    Memory.putLong(node + physToVirt + BEHIND, end);
  }

  void setSummary(long node, int height, long gap) {
    long word = Memory.getLong(node + physToVirt + WORD) & ~HEIGHT_MASK;
    Memory.putLong(node + physToVirt + WORD, word | height);
    Memory.putLong(node + physToVirt + GAP, gap);
  }
}
