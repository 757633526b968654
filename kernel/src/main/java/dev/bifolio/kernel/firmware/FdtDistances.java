package dev.bifolio.kernel.firmware;

/// The distances between NUMA nodes that a `numa-distance-map-v1` node states.
///
/// The map lists triplets: from, to, distance. A pair that is not listed has the distance of the
/// opposite pair, and if that is not listed either, 10 from a node to itself and 20 otherwise.
/// Triplets that contradict the meaning of distances (10 is local, more is remote, 255 is the most)
/// are left out, as Linux does. Every node that a usable triplet names is a node of the machine,
/// even without memory and CPUs; numbers between them are not. Source: the `numa` binding of the
/// Linux kernel's documentation.
final class FdtDistances {
  private static final int LOCAL = 10;
  private static final int REMOTE = 20;
  private static final int MAX_DISTANCE = 255;
  private static final int TRIPLET = 3;

  private final FdtTree tree;
  private final MemoryMapBuilder map;

  FdtDistances(FdtTree tree, MemoryMapBuilder map) {
    this.tree = tree;
    this.map = map;
  }

  /// Reads the map, if there is one, for at least the nodes that are known so far.
  void read() {
    int node = tree.compatibleNode("numa-distance-map-v1");
    if (node == FdtTree.NO_NODE || !FdtReader.isAvailable(tree, node)) {
      return;
    }
    FdtValue matrix = tree.property(node, "distance-matrix");
    if (matrix == null || matrix.cellCount() < TRIPLET) {
      map.addWarning(tree.path(node) + ": no distance-matrix; ignored");
      return;
    }
    int count = matrix.cellCount() / TRIPLET;
    int side = map.nodeLimit();
    int unusable = 0;
    for (int i = 0; i < count; i++) {
      if (isUsable(matrix, i)) {
        side = Math.max(side, 1 + Math.max(from(matrix, i), to(matrix, i)));
        map.addNode(from(matrix, i)).addNode(to(matrix, i));
      } else {
        unusable++;
      }
    }
    if (unusable > 0) {
      map.addWarning(
          tree.path(node)
              + ": "
              + unusable
              + " distances are left out (node above "
              + (FdtReader.MAX_NUMA_NODES - 1)
              + ", or not 10 to itself and 11 to 255 to others)");
    }
    if (matrix.byteSize() != 4 * TRIPLET * count) {
      map.addWarning(tree.path(node) + ": distance-matrix is not made of whole triplets");
    }
    if (unusable < count) {
      map.distancesOfNamed(table(matrix, side));
    }
  }

  private static int[][] table(FdtValue matrix, int side) {
    int[][] table = new int[side][side];
    for (int i = 0; i < matrix.cellCount() / TRIPLET; i++) {
      if (isUsable(matrix, i)) {
        table[from(matrix, i)][to(matrix, i)] = (int) matrix.cell(TRIPLET * i + 2);
      }
    }
    for (int from = 0; from < side; from++) {
      for (int to = from; to < side; to++) {
        int unstated = from == to ? LOCAL : REMOTE;
        int there = table[from][to];
        int back = table[to][from];
        table[from][to] = there != 0 ? there : back != 0 ? back : unstated;
        table[to][from] = back != 0 ? back : there != 0 ? there : unstated;
      }
    }
    return table;
  }

  private static boolean isUsable(FdtValue matrix, int triplet) {
    long from = matrix.cell(TRIPLET * triplet);
    long to = matrix.cell(TRIPLET * triplet + 1);
    long distance = matrix.cell(TRIPLET * triplet + 2);
    return from < FdtReader.MAX_NUMA_NODES
        && to < FdtReader.MAX_NUMA_NODES
        && (from == to ? distance == LOCAL : distance > LOCAL && distance <= MAX_DISTANCE);
  }

  private static int from(FdtValue matrix, int triplet) {
    return (int) matrix.cell(TRIPLET * triplet);
  }

  private static int to(FdtValue matrix, int triplet) {
    return (int) matrix.cell(TRIPLET * triplet + 1);
  }
}
