package dev.bifolio.kernel.zone;

import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;

/// A policy as its definition reads: lists of candidates, sorted anew for each request.
final class NumaPolicyModel {
  private final NumaTopology topology;
  private final NumaPolicy.Mode mode;
  private final TreeMap<Integer, Integer> weightOf = new TreeMap<>();
  private long servedRequests;

  private NumaPolicyModel(NumaTopology topology, NumaPolicy.Mode mode) {
    this.topology = topology;
    this.mode = mode;
  }

  /// A policy that is allowed: at least one of its nodes has memory.
  static NumaPolicyModel random(SplitMix64 random, NumaTopology topology) {
    NumaPolicy.Mode[] modes = NumaPolicy.Mode.values();
    NumaPolicyModel model = new NumaPolicyModel(topology, modes[random.below(modes.length)]);
    int withMemory = topology.fallback(0, random.below(topology.memoryNodeCount()));
    boolean weighted = model.mode == NumaPolicy.Mode.WEIGHTED_INTERLEAVE;
    model.weightOf.put(withMemory, weighted ? 1 + random.below(4) : 1);
    for (int node = 0; node < topology.nodeCount(); node++) {
      if (!model.isSingle() && random.oneIn(2)) {
        model.weightOf.put(node, weighted ? 1 + random.below(4) : 1);
      }
    }
    return model;
  }

  private boolean isSingle() {
    return mode == NumaPolicy.Mode.PREFERRED || mode == NumaPolicy.Mode.EXACT;
  }

  NumaPolicy policy() {
    int[] nids = new int[weightOf.size()];
    int[] weights = new int[nids.length];
    int at = nids.length;
    for (int node : weightOf.keySet()) {
      nids[--at] = topology.nid(node);
      weights[at] = weightOf.get(node);
    }
    return switch (mode) {
      case LOCAL -> NumaPolicy.local();
      case PREFERRED -> NumaPolicy.preferred(topology, nids[0]);
      case EXACT -> NumaPolicy.exact(topology, nids[0]);
      case BIND -> NumaPolicy.bind(topology, nids);
      case PREFERRED_MANY -> NumaPolicy.preferredMany(topology, nids);
      case INTERLEAVE -> NumaPolicy.interleave(topology, nids);
      case WEIGHTED_INTERLEAVE -> NumaPolicy.weightedInterleave(topology, nids, weights);
    };
  }

  /// The node that serves a request, or -1.
  int serve(int current, int[] free) {
    for (int node : candidates(current)) {
      if (free[node] > 0) {
        servedRequests++;
        return node;
      }
    }
    return -1;
  }

  /// Whether frames were found for a request; whose turn it is depends on it.
  void served() {
    servedRequests++;
  }

  /// The node that is asked about first, if it has memory.
  int home(int current) {
    return switch (mode) {
      case LOCAL, BIND, PREFERRED_MANY -> current;
      case PREFERRED, EXACT -> weightOf.firstKey();
      case INTERLEAVE, WEIGHTED_INTERLEAVE -> turn();
    };
  }

  /// Nodes in the order in which they are asked.
  List<Integer> candidates(int current) {
    return switch (mode) {
      case LOCAL -> Topologies.expectedOrder(topology, current);
      case PREFERRED -> Topologies.expectedOrder(topology, weightOf.firstKey());
      case EXACT -> new ArrayList<>(weightOf.keySet());
      case BIND -> members(current);
      case PREFERRED_MANY -> {
        List<Integer> all = members(current);
        List<Integer> others = Topologies.expectedOrder(topology, current);
        others.removeAll(new TreeSet<>(all));
        all.addAll(others);
        yield all;
      }
      case INTERLEAVE, WEIGHTED_INTERLEAVE -> Topologies.expectedOrder(topology, turn());
    };
  }

  private List<Integer> members(int current) {
    List<Integer> nodes = Topologies.expectedOrder(topology, current);
    nodes.retainAll(weightOf.keySet());
    return nodes;
  }

  /// Whose turn it is, after so many served requests.
  private int turn() {
    List<Integer> cycle = new ArrayList<>();
    weightOf.forEach((node, weight) -> {
      for (int i = 0; topology.hasMemory(node) && i < weight; i++) {
        cycle.add(node);
      }
    });
    return cycle.get((int) (servedRequests % cycle.size()));
  }
}
