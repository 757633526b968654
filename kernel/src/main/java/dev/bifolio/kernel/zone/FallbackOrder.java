package dev.bifolio.kernel.zone;

import org.jspecify.annotations.Nullable;

/// In which order the nodes that have memory are asked, from each node.
///
/// Problem: every request of every node walks this order, so it is not to be computed then; and a
/// full order for each node is a square, which a map of many nodes must not make us pay.
///
/// ```
///   nodes          0    1    2    3        (2 has no memory)
///   with distances: a row each, made once                    without: the rows follow from one list
///     from 0     | 0  3  1 |   distances 10 20 . 15            memory | 0  1  3 |
///     from 1     | 1  0  3 |             20 10 . 20            from 3 | 3 |0  1 |   itself first, then
///     from 2     | 3  0  1 |             30 40 . 11            from 2 | 0  1  3 |   the list without it
/// ```
///
/// I1: a row holds every node with memory once and no other. I2: the distance from the row's node
/// to the nodes of the row never falls; equal ones are in the order of their indices. I3: a node
/// with memory is the first of its own row. All nodes are equally far without distances, but for
/// each from itself.
///
/// Cost: [#at] is one load, or two comparisons and a load without distances. With distances a row
/// is a counting sort over the 256 distances there can be, so n nodes take n * (n + 256) steps and
/// 2 * n * n bytes, n at most [NumaTopology#MAX_TABLE_NODES]; without, 8 * n bytes.
///
/// Rejected: to break ties by how many other nodes fall back to a node already, by whether it has
/// CPUs and by whether its number is higher than one's own, as `find_next_best_node` of Linux does.
/// It spreads the load of machines with many equal distances, but makes the order of one node
/// depend on those of all others, and reports hard to follow. Rejected too: rows made when they are
/// first asked for, which would be a shared mutable structure for 2 MiB at most.
///
/// Immutable; any thread. Source: Linux, `mm/page_alloc.c`, `build_zonelists`.
final class FallbackOrder {
  private final int[] memoryNodes;
  private final int[] placeInMemory;
  private final short @Nullable [] rows;

  /// Sorts the nodes.
  ///
  /// @param hasMemory by index; copied
  /// @param distances `[from * n + to]`, unsigned; not kept; null if all nodes are equally far
  FallbackOrder(boolean[] hasMemory, byte @Nullable [] distances) {
    int nodeCount = hasMemory.length;
    int memoryCount = 0;
    for (boolean each : hasMemory) {
      memoryCount += each ? 1 : 0;
    }
    memoryNodes = new int[memoryCount];
    placeInMemory = new int[nodeCount];
    int place = 0;
    for (int node = 0; node < nodeCount; node++) {
      placeInMemory[node] = hasMemory[node] ? place : -1;
      if (hasMemory[node]) {
        memoryNodes[place++] = node;
      }
    }
    rows = distances == null ? null : new short[nodeCount * memoryCount];
    if (rows != null && distances != null) {
      int[] starts = new int[257];
      for (int from = 0; from < nodeCount; from++) {
        sortRow(distances, from * nodeCount, rows, from * memoryCount, starts);
      }
    }
  }

  /// Sorts the nodes with memory by the distances that begin at `distanceAt` into `rowAt`; stable.
  private void sortRow(byte[] distances, int distanceAt, short[] to, int rowAt, int[] starts) {
    for (int i = 0; i < starts.length; i++) {
      starts[i] = 0;
    }
    for (int node : memoryNodes) {
      starts[(distances[distanceAt + node] & 0xFF) + 1]++;
    }
    for (int i = 1; i < starts.length; i++) {
      starts[i] += starts[i - 1];
    }
    for (int node : memoryNodes) {
      to[rowAt + starts[distances[distanceAt + node] & 0xFF]++] = (short) node;
    }
  }

  /// How many nodes have memory: the length of every row.
  int length() {
    return memoryNodes.length;
  }

  /// A node of a row.
  ///
  /// @param from the index of any node
  /// @param position 0 … [#length()] - 1
  int at(int from, int position) {
    if (rows != null) {
      return rows[from * memoryNodes.length + position];
    }
    int own = placeInMemory[from];
    if (position > own) {
      return memoryNodes[position];
    }
    return position == 0 ? from : memoryNodes[position - 1];
  }

  /// A node with memory, by ascending index.
  int memoryNode(int place) {
    return memoryNodes[place];
  }

  boolean hasMemory(int node) {
    return placeInMemory[node] >= 0;
  }
}
