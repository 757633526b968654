package dev.bifolio.kernel.zone;

import org.jspecify.annotations.Nullable;

/// The NUMA nodes of a machine: their numbers, how far they are from each other, whose the CPUs
/// are, and in which order memory is looked for from each.
///
/// Problem: firmware numbers nodes as it likes, names nodes without memory and without CPUs, and
/// may say nothing of distances or CPUs. Everything behind this class works with *indices*, 0 to n
/// - 1 in ascending order of the firmware's numbers (*ids*), and with orders that are ready.
///
/// ```
///    CPU 0   CPU 1              CPU 2
///      \      /                   |
///     +--------+    20    +--------------+    40    +-----------------+
///     | node 0 |----------| node 1, empty|----------| node 4, no CPUs |
///     +--------+          +--------------+          +-----------------+
///   index 0                index 1                   index 2
///   order   0, 2           0, 2                      2, 0
/// ```
///
/// Rules:
///
/// 1. Distances are those of ACPI: 10 from a node to itself, 11 to 255 to others, and may differ by
///    direction; memory is looked for by the distance *from* the node that asks. A table that says
///    anything else is no table ([#problemOf]): half a truth would send requests astray. Linux
///    decides so for SLIT (`slit_valid`); of a device tree it leaves out the triplets in question,
///    and so does our reader before a table is made of the rest.
/// 2. Without a table a node is 10 from itself and 20 from all others, as in Linux.
/// 3. A CPU whose node is not known belongs to the first node that has memory, or to the first node
///    if none has. Rejected: to spread such CPUs over the nodes, which would make every request of
///    a machine without affinity depend on where the host happens to run a thread.
/// 4. The host may have other CPUs than the machine in the map: number c of the host counts as CPU
///    c modulo the known ones. If none is known, all are of rule 3.
///
/// I1: ids ascend, so indices do. I2: the orders are those of [FallbackOrder]. Memory: 2 bytes for
/// each pair of nodes for the orders and 1 for the distances, but only with a table, and tables are
/// limited to [#MAX_TABLE_NODES]; otherwise linear.
///
/// Immutable; any thread. Sources: ACPI 6.5, s. 5.2.16 and 5.2.17; the `numa` binding of device
/// trees; Linux, `drivers/acpi/numa/srat.c`, `drivers/of/of_numa.c`.
public final class NumaTopology {
  /// The largest number of nodes for which a table of distances is accepted, as many as the readers
  /// of firmware accept.
  public static final int MAX_TABLE_NODES = 1024;

  /// The distance of a node to itself.
  public static final int LOCAL_DISTANCE = 10;

  /// The distance between different nodes if there is no table.
  public static final int REMOTE_DISTANCE = 20;

  private static final int MAX_DISTANCE = 255;

  private final int[] nids;
  private final byte @Nullable [] distances;
  private final int[] cpuNodes;
  private final FallbackOrder order;

  /// Nodes, as the firmware has them.
  ///
  /// @param nids their numbers, 0 or more, ascending; at least one
  /// @param hasMemory for each of them
  /// @param distances `[from][to]` by the same indices, or null
  /// @param cpuNids the number of each CPU's node, or a negative number if it is not known
  /// @throws IllegalArgumentException if the numbers do not ascend, if an array does not fit them,
  ///   if [#problemOf] finds something in the distances, or if a CPU has a node that is none
  public NumaTopology(
      int[] nids, boolean[] hasMemory, int @Nullable [][] distances, int[] cpuNids) {
    requireAscending(nids);
    int count = nids.length;
    if (hasMemory.length != count || (distances != null && distances.length != count)) {
      throw new IllegalArgumentException(
          count
              + " nodes, but "
              + hasMemory.length
              + " say whether they have memory"
              + (distances == null ? "" : ", and " + distances.length + " have distances"));
    }
    String problem = distances == null ? null : problemOf(distances);
    if (problem != null) {
      throw new IllegalArgumentException(problem);
    }
    this.nids = new int[count];
    System.arraycopy(nids, 0, this.nids, 0, count);
    this.distances = distances == null ? null : new byte[count * count];
    if (this.distances != null && distances != null) {
      pack(distances, this.distances);
    }
    this.order = new FallbackOrder(hasMemory, this.distances);
    int homeless = order.length() == 0 ? 0 : order.memoryNode(0);
    this.cpuNodes = new int[Math.max(1, cpuNids.length)];
    cpuNodes[0] = homeless;
    for (int cpu = 0; cpu < cpuNids.length; cpu++) {
      cpuNodes[cpu] = cpuNids[cpu] < 0 ? homeless : requireIndexOf(cpuNids[cpu]);
    }
  }

  private static void requireAscending(int[] nids) {
    if (nids.length == 0 || nids[0] < 0) {
      throw new IllegalArgumentException("the first node has no number of 0 or more");
    }
    for (int i = 1; i < nids.length; i++) {
      if (nids[i] <= nids[i - 1]) {
        throw new IllegalArgumentException("node " + nids[i] + " behind node " + nids[i - 1]);
      }
    }
  }

  private static void pack(int[][] from, byte[] to) {
    for (int row = 0; row < from.length; row++) {
      for (int column = 0; column < from.length; column++) {
        to[row * from.length + column] = (byte) from[row][column];
      }
    }
  }

  /// Why a table of distances cannot be used.
  ///
  /// @param distances `[from][to]`
  /// @return one line, or null if it can
  public static @Nullable String problemOf(int[][] distances) {
    if (distances.length > MAX_TABLE_NODES) {
      return "distances of " + distances.length + " nodes, but " + MAX_TABLE_NODES + " is the most";
    }
    for (int from = 0; from < distances.length; from++) {
      if (distances[from].length != distances.length) {
        return "the table of distances is not square";
      }
      for (int to = 0; to < distances.length; to++) {
        int each = distances[from][to];
        if (from == to ? each != LOCAL_DISTANCE : each <= LOCAL_DISTANCE || each > MAX_DISTANCE) {
          return "distance " + each + " from node index " + from + " to " + to;
        }
      }
    }
    return null;
  }

  /// How many nodes there are.
  ///
  /// @return 1 or more
  public int nodeCount() {
    return nids.length;
  }

  /// The firmware's number of a node.
  ///
  /// @param index 0 … [#nodeCount()] - 1
  /// @return 0 or more
  public int nid(int index) {
    return nids[index];
  }

  /// The index of a node; logarithmic.
  ///
  /// @param nid its number
  /// @return 0 … [#nodeCount()] - 1, or -1 if there is no such node
  public int indexOf(int nid) {
    int low = 0;
    int high = nids.length;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (nids[middle] < nid) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low < nids.length && nids[low] == nid ? low : -1;
  }

  /// The index of a node that must exist.
  ///
  /// @param nid its number
  /// @return 0 … [#nodeCount()] - 1
  /// @throws IllegalArgumentException "Invalid NUMA node" if there is no such node
  public int requireIndexOf(int nid) {
    int index = indexOf(nid);
    if (index < 0) {
      throw new IllegalArgumentException("Invalid NUMA node: there is no node " + nid);
    }
    return index;
  }

  /// The distance between two nodes.
  ///
  /// @param from 0 … [#nodeCount()] - 1
  /// @param to 0 … [#nodeCount()] - 1
  /// @return 10 … 255
  public int distance(int from, int to) {
    if (distances != null) {
      return distances[from * nids.length + to] & 0xFF;
    }
    return from == to ? LOCAL_DISTANCE : REMOTE_DISTANCE;
  }

  /// Whether a node has memory.
  ///
  /// @param index 0 … [#nodeCount()] - 1
  /// @return true if some of the machine's frames are its own
  public boolean hasMemory(int index) {
    return order.hasMemory(index);
  }

  /// Whether a node has CPUs, by the rules above.
  ///
  /// @param index 0 … [#nodeCount()] - 1
  /// @return true if it is the node of at least one CPU
  public boolean hasCpus(int index) {
    for (int node : cpuNodes) {
      if (node == index) {
        return true;
      }
    }
    return false;
  }

  /// How many nodes have memory: the length of every order.
  ///
  /// @return 0 … [#nodeCount()]
  public int memoryNodeCount() {
    return order.length();
  }

  /// Where memory is looked for from a node: all nodes that have some, nearest first, ties by id.
  ///
  /// @param from the node that asks, 0 … [#nodeCount()] - 1; with memory it is its own first
  /// @param position 0 … [#memoryNodeCount()] - 1
  /// @return the index of the node to ask
  public int fallback(int from, int position) {
    return order.at(from, position);
  }

  /// The node of a CPU, by the rules above.
  ///
  /// @param cpu a number of the host, 0 or more
  /// @return its index
  public int nodeOfCpu(int cpu) {
    return cpuNodes[cpu < cpuNodes.length ? cpu : cpu % cpuNodes.length];
  }
}
