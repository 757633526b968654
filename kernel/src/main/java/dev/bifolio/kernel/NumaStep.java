package dev.bifolio.kernel;

import dev.bifolio.kernel.firmware.MemoryMap;
import dev.bifolio.kernel.firmware.MemoryRegion;
import dev.bifolio.kernel.zone.NumaTopology;
import org.jspecify.annotations.Nullable;

/// A step of a boot: what the firmware says of nodes becomes a [NumaTopology].
///
/// ```
///   nodes with RAM (of the boot)   0     2        RAM of no node counts as node 0
///   nodes of the map                  1  2     7  CPUs, distances, memory of size 0, hot-add areas
///   topology                       0  1  2     7
/// ```
///
/// Distances are the map's; a pair of which its table says nothing is 20 apart. A table that breaks
/// the rules of [NumaTopology#problemOf], or that is for more nodes than a table may have, is not
/// used as a whole, with a warning. Memory: linear in nodes and CPUs, and a square of 4 bytes for a
/// while if there is a table, of 1024 nodes at most.
final class NumaStep {
  private NumaStep() {}

  /// The nodes of a machine.
  ///
  /// @param map what the firmware says
  /// @param memoryNids the nodes that have RAM, ascending, each once
  /// @param notes receives warnings
  static NumaTopology topologyOf(MemoryMap map, int[] memoryNids, BootNotes notes) {
    return topologyOf(map, memoryNids, memoryNids, notes);
  }

  /// The nodes of a machine, of which some have device memory only.
  ///
  /// @param bankNids the nodes that have memory of any kind, ascending, each once
  static NumaTopology topologyOf(MemoryMap map, int[] bankNids, int[] memoryNids, BootNotes notes) {
    int[] nids = nodesOf(map, bankNids);
    boolean[] hasMemory = new boolean[nids.length];
    int next = 0;
    for (int i = 0; i < nids.length && next < memoryNids.length; i++) {
      hasMemory[i] = nids[i] == memoryNids[next];
      next += hasMemory[i] ? 1 : 0;
    }
    int[] cpuNids = new int[map.cpuCount()];
    for (int cpu = 0; cpu < cpuNids.length; cpu++) {
      int nid = map.cpuNode(cpu);
      cpuNids[cpu] = nid == MemoryRegion.NO_NODE ? -1 : nid;
    }
    return new NumaTopology(nids, hasMemory, distancesOf(map, nids, notes), cpuNids);
  }

  /// Both lists as one, ascending; node 0 if both are empty.
  private static int[] nodesOf(MemoryMap map, int[] memoryNids) {
    int[] merged = new int[map.nodeCount() + memoryNids.length + 1];
    int count = 0;
    int ofMap = 0;
    int ofMemory = 0;
    while (ofMap < map.nodeCount() || ofMemory < memoryNids.length) {
      int named = ofMap < map.nodeCount() ? map.node(ofMap) : Integer.MAX_VALUE;
      int withMemory = ofMemory < memoryNids.length ? memoryNids[ofMemory] : Integer.MAX_VALUE;
      int least = Math.min(named, withMemory);
      merged[count++] = least;
      ofMap += named == least && ofMap < map.nodeCount() ? 1 : 0;
      ofMemory += withMemory == least && ofMemory < memoryNids.length ? 1 : 0;
    }
    int[] nids = new int[Math.max(1, count)];
    System.arraycopy(merged, 0, nids, 0, count);
    return nids;
  }

  private static int @Nullable [][] distancesOf(MemoryMap map, int[] nids, BootNotes notes) {
    int side = map.distanceCount();
    if (side == 0) {
      return null;
    }
    String problem =
        nids.length > NumaTopology.MAX_TABLE_NODES
            ? nids.length + " nodes, but distances of " + NumaTopology.MAX_TABLE_NODES + " at most"
            : null;
    int[][] table = null;
    if (problem == null) {
      table = new int[nids.length][nids.length];
      for (int from = 0; from < nids.length; from++) {
        for (int to = 0; to < nids.length; to++) {
          table[from][to] =
              nids[from] < side && nids[to] < side
                  ? map.distance(nids[from], nids[to])
                  : from == to ? NumaTopology.LOCAL_DISTANCE : NumaTopology.REMOTE_DISTANCE;
        }
      }
      problem = NumaTopology.problemOf(table);
    }
    if (problem == null) {
      return table;
    }
    notes.warning(problem + "; all nodes count as equally far");
    return null;
  }
}
