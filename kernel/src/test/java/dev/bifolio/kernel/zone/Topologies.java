package dev.bifolio.kernel.zone;

import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Topologies for tests, and orders worked out the slow way.
final class Topologies {
  private static final int[] STEPS = {11, 15, 20, 30, 255};

  private Topologies() {}

  static boolean[] all(int count) {
    boolean[] flags = new boolean[count];
    Arrays.fill(flags, true);
    return flags;
  }

  static int[] ids(int count) {
    int[] nids = new int[count];
    for (int i = 0; i < count; i++) {
      nids[i] = i;
    }
    return nids;
  }

  /// Every node has memory and its index as its number; no CPUs are known.
  static NumaTopology of(int @Nullable [][] distances, int count) {
    return new NumaTopology(ids(count), all(count), distances, new int[0]);
  }

  /// Up to 9 nodes with gaps in their numbers, some without memory, at least one with.
  static NumaTopology random(SplitMix64 random) {
    int count = 1 + random.below(9);
    int[] nids = new int[count];
    boolean[] hasMemory = new boolean[count];
    for (int i = 0; i < count; i++) {
      nids[i] = (i == 0 ? -1 : nids[i - 1]) + 1 + random.below(3);
      hasMemory[i] = !random.oneIn(4);
    }
    hasMemory[random.below(count)] = true;
    return new NumaTopology(
        nids, hasMemory, random.oneIn(4) ? null : distances(random, count), new int[0]);
  }

  static int[][] distances(SplitMix64 random, int count) {
    int[][] distances = new int[count][count];
    for (int from = 0; from < count; from++) {
      for (int to = 0; to < count; to++) {
        distances[from][to] = from == to ? 10 : STEPS[random.below(STEPS.length)];
      }
    }
    return distances;
  }

  /// All nodes with memory in the order in which one asks them: by distance from it, then number.
  static List<Integer> expectedOrder(NumaTopology topology, int from) {
    List<Integer> nodes = new ArrayList<>();
    for (int node = topology.nodeCount() - 1; node >= 0; node--) {
      if (topology.hasMemory(node)) {
        nodes.add(node);
      }
    }
    nodes.sort(
        Comparator.<Integer>comparingInt(to -> topology.distance(from, to))
            .thenComparingInt(topology::nid));
    return nodes;
  }

  static List<Integer> order(NumaTopology topology, int from) {
    List<Integer> nodes = new ArrayList<>();
    for (int i = 0; i < topology.memoryNodeCount(); i++) {
      nodes.add(topology.fallback(from, i));
    }
    return nodes;
  }
}
