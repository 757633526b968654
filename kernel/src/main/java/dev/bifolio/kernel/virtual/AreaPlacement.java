package dev.bifolio.kernel.virtual;

import dev.bifolio.kernel.unit.Pages;

/// Where in a space a new area goes.
///
/// ```
///   low                                                           high
///    ├──────┬──────┬──────────────┬───────┬─────────┬────┬──────────┤
///    │ gap  │ area │     gap      │ area  │   gap   │area│   gap    │
///    └──────┴──────┴──────────────┴───────┴─────────┴────┴──────────┘
///    <new>  bottom up: the lowest gap that is large enough    <new>   top down: the highest
/// ```
///
/// A gap is large enough if the area fits at a multiple of its alignment, with a guard of unused
/// addresses between it and its neighbours on both sides if one is wanted. Subtrees whose largest
/// gap is too small are not looked at, so without alignment a search is one walk down the tree.
///
/// [#place] is what `mmap` does: the hint if it is free, else top down; ranges of 2 MiB and more at
/// a multiple of 2 MiB if there is such a place, so that large pages fit.
///
/// Source: Linux `mm/mmap.c` (`vm_unmapped_area`, `arch_get_unmapped_area_topdown`).
public final class AreaPlacement {
  /// There is no such gap.
  public static final long NO_PLACE = -1;

  /// The size of a large page, which large areas are aligned to.
  public static final long HUGE_BYTES = Pages.PAGE_SIZE << Pages.HUGE_ORDER;

  private final VirtualAreas areas;
  private final AreaNodes nodes;
  private final AreaTree tree;

  /// For one space.
  ///
  /// @param areas what is there already
  public AreaPlacement(VirtualAreas areas) {
    this.areas = areas;
    this.nodes = areas.nodes();
    this.tree = areas.tree();
  }

  /// A place near a hint or anywhere.
  ///
  /// @param byteSize a multiple of 4096, 4096 or more
  /// @param hint the address that is wanted, rounded down to a page; 0 for none
  /// @param guardByteSize that stays free on both sides, a multiple of 4096
  /// @return an address, or [#NO_PLACE]
  public long place(long byteSize, long hint, long guardByteSize) {
    long wanted = Pages.alignDown(hint);
    if (hint != 0 && isFree(wanted, byteSize, guardByteSize)) {
      return wanted;
    }
    long low = areas.floor();
    long high = areas.ceiling();
    long place = NO_PLACE;
    if (byteSize >= HUGE_BYTES) {
      place = topDown(byteSize, HUGE_BYTES, guardByteSize, low, high);
    }
    return place != NO_PLACE ? place : topDown(byteSize, Pages.PAGE_SIZE, guardByteSize, low, high);
  }

  /// Whether a range is free, guards and the gaps of stacks included.
  ///
  /// @param start a multiple of 4096
  /// @param byteSize a multiple of 4096
  /// @param guardByteSize that must be free on both sides
  /// @return false too if the space has no such range
  public boolean isFree(long start, long byteSize, long guardByteSize) {
    long next = tree.firstAbove(start);
    long end = next == AreaNodes.NONE ? areas.ceiling() : tree.gapEnd(next);
    long before = tree.lastBelow(start);
    long behind = before == AreaNodes.NONE ? areas.floor() : nodes.end(before);
    return fits(behind, end, start, byteSize, guardByteSize);
  }

  /// Whether a range lies in a gap, and far enough from the areas at its ends.
  private boolean fits(long from, long to, long start, long byteSize, long guardByteSize) {
    long low = from == areas.floor() ? from : from + guardByteSize;
    long high = to == areas.ceiling() ? to : to - guardByteSize;
    return start >= low && start <= high && byteSize <= high - start;
  }

  /// The highest place below a limit.
  ///
  /// @param byteSize a multiple of 4096, 4096 or more
  /// @param byteAlignment of the first address, a power of two, 4096 or more
  /// @param guardByteSize that stays free on both sides, a multiple of 4096
  /// @param low lowest address it may have
  /// @param high exclusive end of the highest
  /// @return an address, or [#NO_PLACE]
  public long topDown(long byteSize, long byteAlignment, long guardByteSize, long low, long high) {
    require(byteSize, byteAlignment, guardByteSize);
    long first = Math.max(low, areas.floor());
    long last = Math.min(high, areas.ceiling());
    long end = tree.lastBelow(Long.MAX_VALUE);
    long behind = end == AreaNodes.NONE ? areas.floor() : nodes.end(end);
    long place =
        highest(behind, areas.ceiling(), byteSize, byteAlignment, guardByteSize, first, last);
    return place != NO_PLACE
        ? place
        : searchDown(tree.root(), byteSize, byteAlignment, guardByteSize, first, last);
  }

  private long searchDown(
      long node, long byteSize, long byteAlignment, long guardByteSize, long low, long high) {
    if (node == AreaNodes.NONE || nodes.gap(node) < byteSize) {
      return NO_PLACE;
    }
    if (nodes.behind(node) < high) {
      long place =
          nodes.start(node) < high
              ? searchDown(nodes.right(node), byteSize, byteAlignment, guardByteSize, low, high)
              : NO_PLACE;
      if (place == NO_PLACE) {
        place =
            highest(
                nodes.behind(node),
                tree.gapEnd(node),
                byteSize,
                byteAlignment,
                guardByteSize,
                low,
                high);
      }
      if (place != NO_PLACE || nodes.behind(node) <= low) {
        return place;
      }
    }
    return searchDown(nodes.left(node), byteSize, byteAlignment, guardByteSize, low, high);
  }

  /// The highest place in one gap.
  private long highest(
      long from,
      long to,
      long byteSize,
      long byteAlignment,
      long guardByteSize,
      long low,
      long high) {
    long top = Math.min(high, to == areas.ceiling() ? to : to - guardByteSize);
    long start = Pages.alignDown(top - byteSize, byteAlignment);
    return start >= low && fits(from, to, start, byteSize, guardByteSize) ? start : NO_PLACE;
  }

  /// The lowest place from a hint on.
  ///
  /// @param byteSize a multiple of 4096, 4096 or more
  /// @param byteAlignment of the first address, a power of two, 4096 or more
  /// @param guardByteSize that stays free on both sides, a multiple of 4096
  /// @param low lowest address it may have
  /// @param high exclusive end of the highest
  /// @return an address, or [#NO_PLACE]
  public long bottomUp(long byteSize, long byteAlignment, long guardByteSize, long low, long high) {
    require(byteSize, byteAlignment, guardByteSize);
    long first = Math.max(low, areas.floor());
    long last = Math.min(high, areas.ceiling());
    long place = searchUp(tree.root(), byteSize, byteAlignment, guardByteSize, first, last);
    if (place != NO_PLACE) {
      return place;
    }
    long end = tree.lastBelow(Long.MAX_VALUE);
    long behind = end == AreaNodes.NONE ? areas.floor() : nodes.end(end);
    return lowest(behind, areas.ceiling(), byteSize, byteAlignment, guardByteSize, first, last);
  }

  private long searchUp(
      long node, long byteSize, long byteAlignment, long guardByteSize, long low, long high) {
    if (node == AreaNodes.NONE || nodes.gap(node) < byteSize) {
      return NO_PLACE;
    }
    if (nodes.start(node) > low) {
      long place =
          nodes.behind(node) > low
              ? searchUp(nodes.left(node), byteSize, byteAlignment, guardByteSize, low, high)
              : NO_PLACE;
      if (place == NO_PLACE) {
        place =
            lowest(
                nodes.behind(node),
                tree.gapEnd(node),
                byteSize,
                byteAlignment,
                guardByteSize,
                low,
                high);
      }
      if (place != NO_PLACE || nodes.start(node) >= high) {
        return place;
      }
    }
    return searchUp(nodes.right(node), byteSize, byteAlignment, guardByteSize, low, high);
  }

  /// The lowest place in one gap.
  private long lowest(
      long from,
      long to,
      long byteSize,
      long byteAlignment,
      long guardByteSize,
      long low,
      long high) {
    long bottom = Math.max(low, from == areas.floor() ? from : from + guardByteSize);
    long start = Pages.alignUp(bottom, byteAlignment);
    boolean isBelow = start >= bottom && start <= high && byteSize <= high - start;
    return isBelow && fits(from, to, start, byteSize, guardByteSize) ? start : NO_PLACE;
  }

  private static void require(long byteSize, long byteAlignment, long guardByteSize) {
    boolean isLegal =
        byteSize > 0
            && byteAlignment >= Pages.PAGE_SIZE
            && (byteAlignment & (byteAlignment - 1)) == 0
            && guardByteSize >= 0
            && ((byteSize | guardByteSize) & Pages.PAGE_MASK) == 0;
    if (!isLegal) {
      throw new IllegalArgumentException(
          "no place for " + byteSize + " bytes at a multiple of " + byteAlignment);
    }
  }
}
