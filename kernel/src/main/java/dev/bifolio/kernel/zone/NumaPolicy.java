package dev.bifolio.kernel.zone;

import org.jspecify.annotations.Nullable;

/// On which nodes a request may look for memory, and on which first.
///
/// Problem: seven policies shall cost a request no more than two loads each, create nothing, and
/// leave no trace if the request fails. Each of them is the walk over one node's fallback order
/// ([NumaTopology#fallback]), once or twice, with some nodes passed over:
///
/// ```
///   policy              home (whose order)         first walk        second walk
///   local               the node that asks         all               -
///   preferred(n)        n                          all               -
///   exact(n)            n                          n only            -
///   bind(S)             the node that asks         S only            -
///   preferredMany(S)    the node that asks         S                 all but S
///   interleave(S)       the next of S              all               -
///   weighted(S, w)      the next of S, w[i] times  all               -
///
///   int home = policy.homeOf(current);
///   for (int walk = 0; walk < policy.walkCount(); walk++)
///     for (int i = 0; i < topology.memoryNodeCount(); i++) {
///       int node = topology.fallback(home, i);
///       if (policy.allows(walk, node) && … the node has a frame) { policy.advance(); … }
///     }
/// ```
///
/// Interleaving keeps a cursor: the place in S and how many requests it has served there. [#homeOf]
/// only looks at it, [#advance] moves it, and is to be called for requests that were served, from
/// whichever node: so a request that was refused or found nothing leaves the cycle as it was, and
/// over any whole cycle of served requests each node is home exactly as often as its weight. Linux
/// moves its cursor before it knows.
///
/// I1: the nodes of a policy exist. I2: 0 <= cursor < nodes of the cycle, 0 <= served < the weight
/// at the cursor. I3: the cycle of an interleave holds nodes with memory only, ascending; a strict
/// policy has at least one. (Linux takes nodes without memory out in the same way, and refuses an
/// empty rest.)
///
/// Threads: a policy with a cursor belongs to one thread at a time, like a task's policy in Linux;
/// the others ([#isShareable]) are immutable. Cost: O(1) and no object for every call; one byte a
/// node of the machine at construction.
///
/// Rejected: a class per policy (a call with seven targets on the path of each request); lists of
/// nodes prepared for each pair of policy and node (a square again, for walks that end at their
/// first step while there is memory).
///
/// Sources: Linux, `Documentation/admin-guide/mm/numa_memory_policy.rst`, and `mm/mempolicy.c` as
/// of 6.9, which brought the weights.
public final class NumaPolicy {
  /// The largest weight of a node.
  public static final int MAX_WEIGHT = 255;

  /// What kind of policy it is.
  public enum Mode {
    /// The node that asks, then all others, nearest first.
    LOCAL,
    /// One node, then all others, nearest to it first.
    PREFERRED,
    /// One node and no other.
    EXACT,
    /// A set of nodes and no other, nearest to the one that asks first.
    BIND,
    /// A set of nodes and then all others, both nearest to the one that asks first.
    PREFERRED_MANY,
    /// The nodes of a set in turn.
    INTERLEAVE,
    /// The nodes of a set in turn, each as often as its weight says.
    WEIGHTED_INTERLEAVE
  }

  private final Mode mode;
  private final @Nullable NumaTopology topology;

  /// Whose turn it is to be home, ascending; empty if home is the node that asks.
  private final int[] cycle;

  private final int[] weights;

  /// The nodes of the first walk, by index; null for all.
  private final boolean @Nullable [] members;

  private int cursor;
  private int served;

  private NumaPolicy() {
    mode = Mode.LOCAL;
    topology = null;
    cycle = new int[0];
    weights = new int[0];
    members = null;
  }

  private NumaPolicy(Mode mode, NumaTopology topology, int nid) {
    this(mode, topology, new int[] {nid}, null);
  }

  private NumaPolicy(Mode mode, NumaTopology topology, int[] nids, int @Nullable [] nidWeights) {
    boolean cycles = mode == Mode.INTERLEAVE || mode == Mode.WEIGHTED_INTERLEAVE;
    boolean single = mode == Mode.PREFERRED || mode == Mode.EXACT;
    int[] weightOf = new int[topology.nodeCount()];
    boolean[] wanted = new boolean[topology.nodeCount()];
    int withMemory = mark(topology, nids, nidWeights, weightOf, wanted);
    if (withMemory == 0 && mode != Mode.PREFERRED && mode != Mode.PREFERRED_MANY) {
      throw new IllegalArgumentException("Invalid NUMA node: no node of the policy has memory");
    }
    this.mode = mode;
    this.topology = topology;
    this.members = cycles || mode == Mode.PREFERRED ? null : wanted;
    this.cycle = new int[cycles ? withMemory : single ? 1 : 0];
    this.weights = new int[cycle.length];
    int at = 0;
    for (int node = 0; node < wanted.length && at < cycle.length; node++) {
      if (wanted[node] && (single || topology.hasMemory(node))) {
        cycle[at] = node;
        weights[at++] = weightOf[node];
      }
    }
  }

  /// Marks the nodes of a policy with their weights; returns how many different ones have memory.
  private static int mark(
      NumaTopology topology,
      int[] nids,
      int @Nullable [] nidWeights,
      int[] weightOf,
      boolean[] wanted) {
    if (nids.length == 0) {
      throw new IllegalArgumentException("Invalid NUMA node: a policy without nodes");
    }
    if (nidWeights != null && nidWeights.length != nids.length) {
      throw new IllegalArgumentException(
          nids.length + " nodes, but " + nidWeights.length + " weights");
    }
    int withMemory = 0;
    for (int i = 0; i < nids.length; i++) {
      int node = topology.requireIndexOf(nids[i]);
      int weight = nidWeights == null ? 1 : nidWeights[i];
      if (weight < 1 || weight > MAX_WEIGHT) {
        throw new IllegalArgumentException("weight " + weight + " of node " + nids[i]);
      }
      if (wanted[node] && weightOf[node] != weight) {
        throw new IllegalArgumentException("two weights for node " + nids[i]);
      }
      withMemory += !wanted[node] && topology.hasMemory(node) ? 1 : 0;
      wanted[node] = true;
      weightOf[node] = weight;
    }
    return withMemory;
  }

  /// Memory of the node that asks, then of all others, nearest first.
  ///
  /// @return a policy for any topology
  public static NumaPolicy local() {
    return new NumaPolicy();
  }

  /// Memory of one node, then of all others, nearest to it first.
  ///
  /// @param topology the nodes
  /// @param nid the number of one of them; it may have no memory
  /// @return a policy
  /// @throws IllegalArgumentException "Invalid NUMA node" if there is no such node
  public static NumaPolicy preferred(NumaTopology topology, int nid) {
    return new NumaPolicy(Mode.PREFERRED, topology, nid);
  }

  /// Memory of one node, or none.
  ///
  /// @param topology the nodes
  /// @param nid the number of one of them
  /// @return a policy
  /// @throws IllegalArgumentException "Invalid NUMA node" if there is no such node, or if it has no
  ///   memory
  public static NumaPolicy exact(NumaTopology topology, int nid) {
    return new NumaPolicy(Mode.EXACT, topology, nid);
  }

  /// Memory of some nodes, nearest to the one that asks first, or none.
  ///
  /// @param topology the nodes
  /// @param nids the numbers of one or more of them, in any order
  /// @return a policy
  /// @throws IllegalArgumentException "Invalid NUMA node" if one of them does not exist, or if none
  ///   has memory
  public static NumaPolicy bind(NumaTopology topology, int... nids) {
    return new NumaPolicy(Mode.BIND, topology, nids, null);
  }

  /// Memory of some nodes, nearest to the one that asks first; then of all others likewise.
  ///
  /// @param topology the nodes
  /// @param nids the numbers of one or more of them, in any order
  /// @return a policy
  /// @throws IllegalArgumentException "Invalid NUMA node" if one of them does not exist
  public static NumaPolicy preferredMany(NumaTopology topology, int... nids) {
    return new NumaPolicy(Mode.PREFERRED_MANY, topology, nids, null);
  }

  /// Memory of some nodes in turn, by ascending number; of all others, nearest to the one whose
  /// turn it is first, if that has none left. Nodes without memory have no turn.
  ///
  /// @param topology the nodes
  /// @param nids the numbers of one or more of them, in any order
  /// @return a policy for one thread at a time
  /// @throws IllegalArgumentException "Invalid NUMA node" if one of them does not exist, or if none
  ///   has memory
  public static NumaPolicy interleave(NumaTopology topology, int... nids) {
    return new NumaPolicy(Mode.INTERLEAVE, topology, nids, null);
  }

  /// Like [#interleave], with as many requests in a row for a node as its weight says.
  ///
  /// @param topology the nodes
  /// @param nids the numbers of one or more of them, in any order
  /// @param weights of each of them, 1 … 255
  /// @return a policy for one thread at a time
  /// @throws IllegalArgumentException "Invalid NUMA node" if one of them does not exist, or if none
  ///   has memory; also if there are not as many weights as nodes, if one is not 1 … 255, or if a
  ///   node has two
  public static NumaPolicy weightedInterleave(NumaTopology topology, int[] nids, int[] weights) {
    return new NumaPolicy(Mode.WEIGHTED_INTERLEAVE, topology, nids, weights);
  }

  /// The kind of policy.
  ///
  /// @return one of seven
  public Mode mode() {
    return mode;
  }

  /// Whether the indices of this policy are those of a topology.
  ///
  /// @param other the nodes of a machine
  /// @return true if the policy was made for them, or for any
  public boolean fits(NumaTopology other) {
    return topology == null || topology == other;
  }

  /// Whether several threads may use it at the same time, because it keeps no cursor.
  ///
  /// @return true unless it interleaves
  public boolean isShareable() {
    return mode != Mode.INTERLEAVE && mode != Mode.WEIGHTED_INTERLEAVE;
  }

  /// The node whose fallback order is walked; changes nothing.
  ///
  /// @param current the index of the node that asks
  /// @return the index of a node
  public int homeOf(int current) {
    return cycle.length == 0 ? current : cycle[cursor];
  }

  /// How often the order is walked.
  ///
  /// @return 1 or 2
  public int walkCount() {
    return mode == Mode.PREFERRED_MANY ? 2 : 1;
  }

  /// Whether a node of the order may serve.
  ///
  /// @param walk 0 … [#walkCount()] - 1
  /// @param node its index
  /// @return true if it may
  public boolean allows(int walk, int node) {
    return members == null || members[node] == (walk == 0);
  }

  /// Goes on to the next turn of an interleave: to be called once for each request that was served.
  /// Does nothing for other policies.
  public void advance() {
    if (cycle.length <= 1 || ++served < weights[cursor]) {
      return;
    }
    served = 0;
    cursor = cursor + 1 == cycle.length ? 0 : cursor + 1;
  }
}
