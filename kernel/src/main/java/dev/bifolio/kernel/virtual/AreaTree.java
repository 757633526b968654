package dev.bifolio.kernel.virtual;

import dev.bifolio.kernel.platform.Memory;

/// A balanced tree of areas, ordered by address, in which each node knows the largest gap below it.
///
/// ```
///   floor                                                  ceiling
///     │  gap  ┌───────┐    gap     ┌───┐ ┌────────┐          │
///     ├───────┤   A   ├────────────┤ B ├─┤   C    ├──────────┤
///             └───────┘            └───┘ └────────┘
///                        B         gap in front: C's is small, but B's subtree has A's and B's own
///                      ┌─┴─┐
///                      A   C       the gap behind the last area belongs to no node
/// ```
///
/// A tree of Adelson-Velsky and Landis: the heights of two siblings differ by one at most. Each
/// node keeps the end of the area before it, so that its gap is its own business; when that area
/// changes, one more path is walked.
///
/// - I1 start < end <= start of the next area; floor <= first start; last end <= ceiling.
/// - I2 behind(n) is the end of the area before n, or floor.
/// - I3 gap(n) is the largest distance between behind and start in n's subtree, less
///   [VirtualAreas#STACK_GAP] in front of what grows down.
///
/// Source: G. M. Adelson-Velsky, E. M. Landis, An algorithm for the organization of information,
/// 1962; the gaps are those of Linux' `mm/mmap.c` of 3.8 to 6.0 (`rb_subtree_gap`).
final class AreaTree {
  private final AreaNodes nodes;
  private final long rootAt;
  private final long floor;

  /// A tree.
  ///
  /// @param nodes what it is made of
  /// @param rootAt address of a word, zero for an empty tree
  /// @param floor the lowest address that an area may have
  AreaTree(AreaNodes nodes, long rootAt, long floor) {
    this.nodes = nodes;
    this.rootAt = rootAt;
    this.floor = floor;
  }

  long root() {
    return Memory.getLong(rootAt);
  }

  private void setRoot(long node) {
    Memory.putLong(rootAt, node);
  }

  // ---- Looking ----

  /// The first area that ends above an address: the one that holds it, or the next one.
  ///
  /// @return a node, or NONE
  long firstAbove(long address) {
    long found = AreaNodes.NONE;
    for (long node = root(); node != AreaNodes.NONE; ) {
      if (nodes.end(node) > address) {
        found = node;
        node = nodes.left(node);
      } else {
        node = nodes.right(node);
      }
    }
    return found;
  }

  /// The last area that begins below an address.
  ///
  /// @return a node, or NONE
  long lastBelow(long address) {
    long found = AreaNodes.NONE;
    for (long node = root(); node != AreaNodes.NONE; ) {
      if (nodes.start(node) < address) {
        found = node;
        node = nodes.right(node);
      } else {
        node = nodes.left(node);
      }
    }
    return found;
  }

  /// The end of the gap in front of an area.
  long gapEnd(long node) {
    boolean isStack = (nodes.flags(node) & AreaFlags.GROWS_DOWN) != 0;
    return nodes.start(node) - (isStack ? VirtualAreas.STACK_GAP : 0);
  }

  // ---- Changing ----

  /// Adds a node whose range is set and overlaps no other.
  void insert(long node) {
    nodes.setLeft(node, AreaNodes.NONE);
    nodes.setRight(node, AreaNodes.NONE);
    nodes.setBehind(node, floor);
    setRoot(insertBelow(root(), node));
  }

  private long insertBelow(long tree, long node) {
    if (tree == AreaNodes.NONE) {
      summarize(node);
      return node;
    }
    if (nodes.start(node) < nodes.start(tree)) {
      nodes.setLeft(tree, insertBelow(nodes.left(tree), node));
      // The next area is the one nearest above, so the only one whose predecessor is below the new.
      if (nodes.behind(tree) <= nodes.start(node)) {
        nodes.setBehind(tree, nodes.end(node));
      }
    } else {
      nodes.setBehind(node, nodes.end(tree)); // the last one set is the nearest below
      nodes.setRight(tree, insertBelow(nodes.right(tree), node));
    }
    return balance(tree);
  }

  /// Takes a node out; it is the caller's then.
  void remove(long node) {
    long next = firstAbove(nodes.end(node));
    setRoot(removeBelow(root(), nodes.start(node)));
    if (next != AreaNodes.NONE) {
      nodes.setBehind(next, nodes.behind(node));
      refresh(root(), nodes.start(next));
    }
  }

  private long removeBelow(long tree, long start) {
    long treeStart = nodes.start(tree);
    if (start < treeStart) {
      nodes.setLeft(tree, removeBelow(nodes.left(tree), start));
    } else if (start > treeStart) {
      nodes.setRight(tree, removeBelow(nodes.right(tree), start));
    } else if (nodes.left(tree) == AreaNodes.NONE) {
      return nodes.right(tree);
    } else if (nodes.right(tree) == AreaNodes.NONE) {
      return nodes.left(tree);
    } else {
      long heir = first(nodes.right(tree));
      long rest = removeBelow(nodes.right(tree), nodes.start(heir));
      nodes.setLeft(heir, nodes.left(tree));
      nodes.setRight(heir, rest);
      return balance(heir);
    }
    return balance(tree);
  }

  private long first(long tree) {
    long node = tree;
    while (nodes.left(node) != AreaNodes.NONE) {
      node = nodes.left(node);
    }
    return node;
  }

  /// Gives a node another range, between the same neighbours.
  void resize(long node, long start, long end, long offset) {
    long next = firstAbove(nodes.end(node));
    nodes.setRange(node, start, end, offset);
    refresh(root(), start);
    if (next != AreaNodes.NONE) {
      nodes.setBehind(next, end);
      refresh(root(), nodes.start(next));
    }
  }

  /// Works the summaries out anew from a node up.
  private void refresh(long tree, long start) {
    long treeStart = nodes.start(tree);
    if (start != treeStart) {
      refresh(start < treeStart ? nodes.left(tree) : nodes.right(tree), start);
    }
    summarize(tree);
  }

  // ---- Balance ----

  private void summarize(long node) {
    long left = nodes.left(node);
    long right = nodes.right(node);
    long own = gapEnd(node) - nodes.behind(node);
    long gap = Math.max(own, Math.max(nodes.gap(left), nodes.gap(right)));
    int height = 1 + Math.max(nodes.height(left), nodes.height(right));
    nodes.setSummary(node, height, Math.max(0, gap));
  }

  private int lean(long node) {
    return nodes.height(nodes.left(node)) - nodes.height(nodes.right(node));
  }

  private long balance(long tree) {
    int lean = lean(tree);
    if (lean > 1) {
      if (lean(nodes.left(tree)) < 0) {
        nodes.setLeft(tree, rotateLeft(nodes.left(tree)));
      }
      return rotateRight(tree);
    }
    if (lean < -1) {
      if (lean(nodes.right(tree)) > 0) {
        nodes.setRight(tree, rotateRight(nodes.right(tree)));
      }
      return rotateLeft(tree);
    }
    summarize(tree);
    return tree;
  }

  private long rotateRight(long tree) {
    long top = nodes.left(tree);
    nodes.setLeft(tree, nodes.right(top));
    nodes.setRight(top, tree);
    summarize(tree);
    summarize(top);
    return top;
  }

  private long rotateLeft(long tree) {
    long top = nodes.right(tree);
    nodes.setRight(tree, nodes.left(top));
    nodes.setLeft(top, tree);
    summarize(tree);
    summarize(top);
    return top;
  }
}
