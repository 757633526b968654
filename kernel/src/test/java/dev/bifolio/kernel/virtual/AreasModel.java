package dev.bifolio.kernel.virtual;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import java.util.TreeMap;

/// What areas should be: a map from pages to what they are.
final class AreasModel {
  static final long PAGE = 4096;

  /// One page of an area.
  record Page(int flags, int backing, long offset) {
    boolean goesOnAs(Page next) {
      return flags == next.flags
          && backing == next.backing
          && (backing == VirtualAreas.ANONYMOUS || offset + PAGE == next.offset);
    }
  }

  final TreeMap<Long, Page> pages = new TreeMap<>();

  void put(long start, long end, int flags, int backing, long offset) {
    for (long at = start; at < end; at += PAGE) {
      pages.put(at, new Page(flags, backing, backing == 0 ? 0 : offset + (at - start)));
    }
  }

  boolean isEmpty(long start, long end) {
    return pages.subMap(start, end).isEmpty();
  }

  boolean isFull(long start, long end) {
    return pages.subMap(start, end).size() == (end - start) / PAGE;
  }

  void remove(long start, long end) {
    pages.subMap(start, end).clear();
  }

  void alter(long start, long end, int mask, int flags) {
    pages
        .subMap(start, end)
        .replaceAll(
            (at, page) -> new Page((page.flags & ~mask) | flags, page.backing, page.offset));
  }

  /// The areas are the longest runs of pages that say the same, and the tree is one.
  void check(VirtualAreas areas) {
    long area = areas.firstAbove(0);
    long at = -1;
    Page last = null;
    long count = 0;
    for (Map.Entry<Long, Page> entry : pages.entrySet()) {
      long page = entry.getKey();
      if (last == null || at + PAGE != page || !last.goesOnAs(entry.getValue())) {
        if (last != null) {
          assertEquals(at + PAGE, areas.end(area));
          area = areas.next(area);
        }
        count++;
        assertEquals(page, areas.start(area));
        assertEquals(entry.getValue().flags, areas.flags(area));
        assertEquals(entry.getValue().backing, areas.backing(area));
        assertEquals(entry.getValue().offset, areas.offset(area));
      }
      at = page;
      last = entry.getValue();
    }
    if (last != null) {
      assertEquals(at + PAGE, areas.end(area));
      area = areas.next(area);
    }
    assertEquals(VirtualAreas.NO_AREA, area);
    assertEquals(count, areas.count());
    assertEquals(pages.size(), areas.pageCount());
    assertEquals(count, checkTree(areas, areas.tree().root()));
  }

  /// Heights, predecessors and gaps of a subtree are what they should be.
  ///
  /// @return its nodes
  private long checkTree(VirtualAreas areas, long node) {
    AreaNodes nodes = areas.nodes();
    if (node == AreaNodes.NONE) {
      return 0;
    }
    long left = nodes.left(node);
    long right = nodes.right(node);
    long count = 1 + checkTree(areas, left) + checkTree(areas, right);
    int lean = nodes.height(left) - nodes.height(right);
    assertTrue(Math.abs(lean) <= 1, "a tree that leans");
    assertEquals(1 + Math.max(nodes.height(left), nodes.height(right)), nodes.height(node));
    assertEquals(behind(areas, node), nodes.behind(node));
    long own = Math.max(0, areas.tree().gapEnd(node) - behind(areas, node));
    assertEquals(Math.max(own, Math.max(nodes.gap(left), nodes.gap(right))), nodes.gap(node));
    return count;
  }

  private long behind(VirtualAreas areas, long node) {
    Long page = pages.lowerKey(areas.start(node));
    return page == null ? areas.floor() : page + PAGE;
  }

  /// Whether pages are free, with the guard on both sides and the gap below stacks.
  boolean isFree(VirtualAreas areas, long start, long byteSize, long guard) {
    long low = Math.max(areas.floor(), start - guard);
    long high = Math.min(areas.ceiling(), start + byteSize + guard);
    if (start < areas.floor() || start + byteSize > areas.ceiling() || !isEmpty(low, high)) {
      return false;
    }
    Map.Entry<Long, Page> next = pages.ceilingEntry(start);
    return next == null
        || (next.getValue().flags & AreaFlags.GROWS_DOWN) == 0
        || next.getKey() - VirtualAreas.STACK_GAP >= start + byteSize + guard;
  }

  long highest(VirtualAreas areas, long byteSize, long align, long guard, long low, long high) {
    long at = Math.min(high, areas.ceiling()) - byteSize & -align;
    for (; at >= Math.max(low, areas.floor()); at -= align) {
      if (isFree(areas, at, byteSize, guard)) {
        return at;
      }
    }
    return AreaPlacement.NO_PLACE;
  }

  long lowest(VirtualAreas areas, long byteSize, long align, long guard, long low, long high) {
    long at = Math.max(low, areas.floor()) + align - 1 & -align;
    for (; at + byteSize <= Math.min(high, areas.ceiling()); at += align) {
      if (isFree(areas, at, byteSize, guard)) {
        return at;
      }
    }
    return AreaPlacement.NO_PLACE;
  }
}
