package dev.bifolio.kernel.virtual;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.FrameSource;
import dev.bifolio.kernel.unit.Pages;

/// The areas of one space: which virtual addresses mean something, and what.
///
/// # Overview
///
/// An area is a range of pages with the same flags and the same backing. Page tables say what is
/// mapped now; areas say what may be mapped when it is touched. They are kept in a balanced tree by
/// address ([AreaTree]) whose nodes ([AreaNodes]) lie in frames:
///
/// ```
///   0x1000  0x3000        0x8000          0xC000
///     ├───────┤             ├───────┬───────┤
///     │ rw-   │             │ r-x   │ rw-   │        [start, end): 0x2FFF is of the first, 0x3000 not
///     ├───────┤             ├───────┴───────┤        neighbours touch, and never overlap
///
///   remove [0xA000, 0xB000)       ├───────┬─┤ ├─┤   an area is split where only its middle goes
///   alter  the rest to r-x        ├─────────┤ ├─┤   neighbours that say the same become one
/// ```
///
/// Two neighbours say the same if their flags and their backing are the same, and the second's
/// offset goes on where the first's ends. Areas without a backing have no offset.
///
/// - I1 Areas are not empty, lie on page borders between floor and ceiling, and do not overlap.
/// - I2 No two neighbours that touch say the same.
/// - I3 A request that is refused has changed nothing: the nodes it needs are reserved first.
///
/// Areas are named by a number that is good until the next change. All of this is for who has the
/// lock of the space; those who only look may be many.
///
/// Cost: looking up, inserting and removing take a walk of at most 1.44 log2 of the areas; 64 bytes
/// an area. No Java objects after the constructor.
///
/// **Rejected.** A list, as early kernels had: linear. A B-tree as Linux' maple tree: fewer cache
/// misses at a hundred areas and more, but ten times the code. Pages of an area in the area: they
/// are in the page tables already.
///
/// Source: Linux `mm/mmap.c` (merging, splitting), `include/linux/mm_types.h` (`vm_area_struct`).
public final class VirtualAreas {
  /// Bytes of memory that it needs beside its frames.
  public static final int BYTE_SIZE = 64;

  /// No area.
  public static final long NO_AREA = AreaNodes.NONE;

  /// The backing of what has none: anonymous memory.
  public static final int ANONYMOUS = 0;

  /// Bytes that stay free below an area that grows down, when others are placed.
  public static final long STACK_GAP = 256 * Pages.PAGE_SIZE;

  private static final int ROOT = AreaNodes.BYTE_SIZE;
  private static final int COUNT = ROOT + 8;
  private static final int PAGES = ROOT + 16;

  private final long address;
  private final long floor;
  private final long ceiling;
  private final AreaNodes nodes;
  private final AreaTree tree;

  /// No areas in memory that is zero, or those that are there already.
  ///
  /// @param address of [#BYTE_SIZE] bytes, a multiple of 8
  /// @param floor lowest address that an area may have, a multiple of 4096, 0 or more
  /// @param ceiling exclusive end of the highest, a multiple of 4096 above the floor
  /// @param frames where frames for nodes come from
  /// @param requestFlags handed to it with each request
  /// @param physToVirt what is added to a physical address to get at it, a multiple of 4096
  /// @throws IllegalArgumentException if floor and ceiling are not such
  public VirtualAreas(
      long address,
      long floor,
      long ceiling,
      FrameSource frames,
      int requestFlags,
      long physToVirt) {
    if (((floor | ceiling) & Pages.PAGE_MASK) != 0 || floor < 0 || floor >= ceiling) {
      throw new IllegalArgumentException("no space from " + floor + " to " + ceiling);
    }
    this.address = address;
    this.floor = floor;
    this.ceiling = ceiling;
    nodes = new AreaNodes(address, frames, requestFlags, physToVirt);
    tree = new AreaTree(nodes, address + ROOT, floor);
  }

  // ---- Changing ----

  /// Adds an area, and makes it one with neighbours that say the same.
  ///
  /// @param start its first address, a multiple of 4096
  /// @param end its exclusive end, a multiple of 4096
  /// @param flags [AreaFlags]
  /// @param backing who knows the pages, [#ANONYMOUS] for nobody
  /// @param offset of the first byte in the backing, a multiple of 4096; 0 without a backing
  /// @return what came of it
  /// @throws IllegalArgumentException if the flags mean nothing, or the offset is not legal
  public InsertOutcome insert(long start, long end, int flags, int backing, long offset) {
    AreaFlags.require(flags);
    requireOffset(backing, offset, end - start);
    if (!isRange(start, end)) {
      return InsertOutcome.NOT_A_RANGE;
    }
    long next = tree.firstAbove(start);
    if (next != NO_AREA && nodes.start(next) < end) {
      return InsertOutcome.OVERLAPS;
    }
    long before = tree.lastBelow(start);
    if (before != NO_AREA
        && nodes.end(before) == start
        && isKind(before, flags, backing)
        && goesOnAt(before, offset)) {
      tree.resize(before, nodes.start(before), end, nodes.offset(before));
    } else if (next != NO_AREA
        && nodes.start(next) == end
        && isKind(next, flags, backing)
        && (backing == ANONYMOUS || offset + (end - start) == nodes.offset(next))) {
      tree.resize(next, start, nodes.end(next), offset);
    } else if (nodes.reserve(1)) {
      addNode(start, end, flags, backing, offset);
    } else {
      return InsertOutcome.NO_MEMORY;
    }
    addPages(end - start);
    mergeAt(end);
    return InsertOutcome.INSERTED;
  }

  private static void requireOffset(int backing, long offset, long byteSize) {
    boolean isLegal =
        backing == ANONYMOUS
            ? offset == 0
            : backing > 0
                && (offset & Pages.PAGE_MASK) == 0
                && offset >= 0
                && offset <= Long.MAX_VALUE - byteSize;
    if (!isLegal) {
      throw new IllegalArgumentException("no offset " + offset + " of backing " + backing);
    }
  }

  /// Removes what areas have of a range. One that begins before it and ends behind it becomes two.
  ///
  /// @param start the first address, a multiple of 4096
  /// @param end exclusive, a multiple of 4096
  /// @return what came of it; a range without areas is removed too
  public RemoveOutcome remove(long start, long end) {
    if (!isRange(start, end)) {
      return RemoveOutcome.NOT_A_RANGE;
    }
    long area = tree.firstAbove(start);
    if (area != NO_AREA && nodes.start(area) < start && nodes.end(area) > end) {
      if (!nodes.reserve(1)) {
        return RemoveOutcome.NO_MEMORY;
      }
      splitAt(area, end);
    }
    while (area != NO_AREA && nodes.start(area) < end) {
      long next = next(area);
      removePart(area, start, end);
      area = next;
    }
    return RemoveOutcome.REMOVED;
  }

  /// Removes a part of an area that goes from or to an end of it.
  private void removePart(long area, long start, long end) {
    long from = Math.max(start, nodes.start(area));
    long to = Math.min(end, nodes.end(area));
    addPages(from - to);
    if (from > nodes.start(area)) {
      tree.resize(area, nodes.start(area), from, nodes.offset(area));
    } else if (to < nodes.end(area)) {
      tree.resize(area, to, nodes.end(area), offsetAt(area, to));
    } else {
      removeNode(area);
    }
  }

  /// Changes flags of a range, all of which must be areas.
  ///
  /// @param start the first address, a multiple of 4096
  /// @param end exclusive, a multiple of 4096
  /// @param mask the flags that are changed, of [AreaFlags#CHANGEABLE]
  /// @param flags what becomes of them
  /// @return what came of it
  /// @throws IllegalArgumentException if other flags are meant, or the result would mean nothing
  public AlterOutcome alter(long start, long end, int mask, int flags) {
    if ((mask & ~AreaFlags.CHANGEABLE) != 0 || (flags & ~mask) != 0) {
      throw new IllegalArgumentException("flags " + flags + " of " + mask + " cannot be changed");
    }
    if (!isRange(start, end)) {
      return AlterOutcome.NOT_A_RANGE;
    }
    if (!isAllAreas(start, end)) {
      return AlterOutcome.NOT_MAPPED;
    }
    long first = tree.firstAbove(start);
    long last = tree.lastBelow(end);
    requireLegal(first, end, mask, flags);
    boolean splitsFirst = nodes.start(first) < start && changes(first, mask, flags);
    boolean splitsLast = nodes.end(last) > end && changes(last, mask, flags);
    if (!nodes.reserve((splitsFirst ? 1 : 0) + (splitsLast ? 1 : 0))) {
      return AlterOutcome.NO_MEMORY;
    }
    if (splitsLast) {
      splitAt(last, end);
    }
    long area = splitsFirst ? splitAt(first, start) : first;
    for (; area != NO_AREA && nodes.start(area) < end; area = next(area)) {
      nodes.setKind(area, altered(area, mask, flags), nodes.backing(area));
      area = mergeAt(nodes.start(area));
    }
    mergeAt(end);
    return AlterOutcome.ALTERED;
  }

  private int altered(long area, int mask, int flags) {
    return (nodes.flags(area) & ~mask) | flags;
  }

  private boolean changes(long area, int mask, int flags) {
    return altered(area, mask, flags) != nodes.flags(area);
  }

  private void requireLegal(long first, long end, int mask, int flags) {
    for (long area = first; area != NO_AREA && nodes.start(area) < end; area = next(area)) {
      AreaFlags.require(altered(area, mask, flags));
    }
  }

  /// Lets an area that grows down begin lower.
  ///
  /// @param area one of them
  /// @param start its new first address, a multiple of 4096 below the old one
  /// @return false, and nothing has changed, if another area or the floor is nearer than the gap
  boolean growDown(long area, long start) {
    if (start - nodes.behind(area) < STACK_GAP) {
      return false;
    }
    addPages(nodes.start(area) - start);
    tree.resize(area, start, nodes.end(area), 0);
    return true;
  }

  /// Forgets all areas, and gives all nodes back.
  public void clear() {
    while (tree.root() != NO_AREA) {
      removeNode(tree.root());
    }
    Memory.putLong(address + PAGES, 0);
  }

  // ---- Splitting and merging ----

  /// Splits an area in two, for which a node is reserved.
  ///
  /// @return the upper one
  private long splitAt(long area, long at) {
    long end = nodes.end(area);
    long offset = offsetAt(area, at);
    tree.resize(area, nodes.start(area), at, nodes.offset(area));
    return addNode(at, end, nodes.flags(area), nodes.backing(area), offset);
  }

  private long addNode(long start, long end, int flags, int backing, long offset) {
    long node = nodes.allocate();
    nodes.setRange(node, start, end, offset);
    nodes.setKind(node, flags, backing);
    tree.insert(node);
    Memory.putLong(address + COUNT, count() + 1);
    return node;
  }

  private void removeNode(long area) {
    tree.remove(area);
    nodes.free(area);
    Memory.putLong(address + COUNT, count() - 1);
  }

  /// Makes the areas that meet at an address one, if they say the same.
  ///
  /// @return the area that begins there, or the one it has become part of
  private long mergeAt(long border) {
    long upper = tree.firstAbove(border);
    long lower = tree.lastBelow(border);
    if (upper == NO_AREA
        || lower == NO_AREA
        || nodes.start(upper) != border
        || nodes.end(lower) != border
        || !isKind(lower, nodes.flags(upper), nodes.backing(upper))
        || !goesOnAt(lower, nodes.offset(upper))) {
      return upper;
    }
    long end = nodes.end(upper);
    removeNode(upper);
    tree.resize(lower, nodes.start(lower), end, nodes.offset(lower));
    return lower;
  }

  private boolean isKind(long area, int flags, int backing) {
    return nodes.flags(area) == flags && nodes.backing(area) == backing;
  }

  private boolean goesOnAt(long area, long offset) {
    return nodes.backing(area) == ANONYMOUS || offsetAt(area, nodes.end(area)) == offset;
  }

  private long offsetAt(long area, long at) {
    return nodes.backing(area) == ANONYMOUS ? 0 : nodes.offset(area) + (at - nodes.start(area));
  }

  // ---- Looking ----

  /// The area that holds an address.
  ///
  /// @param address any
  /// @return the area, or [#NO_AREA]
  public long find(long address) {
    long area = tree.firstAbove(address);
    return area != NO_AREA && nodes.start(area) <= address ? area : NO_AREA;
  }

  /// The first area that ends above an address: the one that holds it, or the next one.
  ///
  /// @param address any
  /// @return the area, or [#NO_AREA]
  public long firstAbove(long address) {
    return tree.firstAbove(address);
  }

  /// The area with the next higher addresses.
  ///
  /// @param area one that is there
  /// @return the area, or [#NO_AREA]
  public long next(long area) {
    return tree.firstAbove(nodes.end(area));
  }

  /// Whether each address of a range is in an area.
  ///
  /// @param start the first
  /// @param end exclusive
  /// @return true if there is no hole
  public boolean isAllAreas(long start, long end) {
    long at = start;
    for (long area = find(start); area != NO_AREA && at < end; area = next(area)) {
      if (nodes.start(area) > at) {
        return false;
      }
      at = nodes.end(area);
    }
    return at >= end;
  }

  /// Whether a range could be an area of this space.
  ///
  /// @param start the first address
  /// @param end exclusive
  /// @return true if it is not empty, on page borders, and between floor and ceiling
  public boolean isRange(long start, long end) {
    return ((start | end) & Pages.PAGE_MASK) == 0
        && start >= floor
        && start < end
        && end <= ceiling;
  }

  /// The first address of an area.
  ///
  /// @param area one that is there
  /// @return a multiple of 4096
  public long start(long area) {
    return nodes.start(area);
  }

  /// The exclusive end of an area.
  ///
  /// @param area one that is there
  /// @return a multiple of 4096
  public long end(long area) {
    return nodes.end(area);
  }

  /// What an area allows.
  ///
  /// @param area one that is there
  /// @return [AreaFlags]
  public int flags(long area) {
    return nodes.flags(area);
  }

  /// Who knows the pages of an area.
  ///
  /// @param area one that is there
  /// @return as inserted
  public int backing(long area) {
    return nodes.backing(area);
  }

  /// The place of an area's first byte in its backing.
  ///
  /// @param area one that is there
  /// @return a multiple of 4096, 0 without a backing
  public long offset(long area) {
    return nodes.offset(area);
  }

  /// How many areas there are.
  ///
  /// @return a count
  public long count() {
    return Memory.getLong(address + COUNT);
  }

  /// Pages that all areas have together.
  ///
  /// @return a count
  public long pageCount() {
    return Memory.getLong(address + PAGES);
  }

  /// Frames that the nodes are in.
  ///
  /// @return a count
  public long frameCount() {
    return nodes.frameCount();
  }

  /// The lowest address that an area may have.
  ///
  /// @return a multiple of 4096
  public long floor() {
    return floor;
  }

  /// The exclusive end of the highest area that may be.
  ///
  /// @return a multiple of 4096
  public long ceiling() {
    return ceiling;
  }

  AreaNodes nodes() {
    return nodes;
  }

  AreaTree tree() {
    return tree;
  }

  private void addPages(long byteSize) {
    long pages = byteSize >> Pages.PAGE_SHIFT;
    Memory.putLong(address + PAGES, Memory.getLong(address + PAGES) + pages);
  }
}
