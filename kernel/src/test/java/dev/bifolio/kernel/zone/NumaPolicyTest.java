package dev.bifolio.kernel.zone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.testkit.HeapAllocation;
import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class NumaPolicyTest {
  /// Three nodes with memory in a row, and node 7 without, next to node 2.
  private static final NumaTopology ROW =
      new NumaTopology(
          new int[] {0, 2, 5, 7},
          new boolean[] {true, true, true, false},
          new int[][] {{10, 20, 30, 25}, {20, 10, 20, 15}, {30, 20, 10, 25}, {25, 15, 25, 10}},
          new int[0]);

  /// The numbers of the nodes that a request may get memory from, in the order of asking.
  private static List<Integer> walk(NumaTopology topology, NumaPolicy policy, int nid) {
    List<Integer> asked = new ArrayList<>();
    int home = policy.homeOf(topology.requireIndexOf(nid));
    for (int walk = 0; walk < policy.walkCount(); walk++) {
      for (int i = 0; i < topology.memoryNodeCount(); i++) {
        int node = topology.fallback(home, i);
        if (policy.allows(walk, node)) {
          asked.add(topology.nid(node));
        }
      }
    }
    return asked;
  }

  private static List<Integer> homes(NumaTopology topology, NumaPolicy policy, int count) {
    List<Integer> homes = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      homes.add(topology.nid(policy.homeOf(0)));
      policy.advance();
    }
    return homes;
  }

  private static void assertRefused(String message, Executable creation) {
    assertEquals(message, assertThrows(IllegalArgumentException.class, creation).getMessage());
  }

  @Test
  void localAsksTheOwnNodeAndThenTheNearest() {
    NumaPolicy local = NumaPolicy.local();
    assertEquals(List.of(5, 2, 0), walk(ROW, local, 5));
    assertEquals(List.of(2, 0, 5), walk(ROW, local, 7));
    local.advance();
    assertEquals(List.of(0, 2, 5), walk(ROW, local, 0));
  }

  @Test
  void preferredAsksItsNodeFromEverywhere() {
    NumaPolicy preferred = NumaPolicy.preferred(ROW, 5);
    for (int nid : new int[] {0, 2, 5, 7}) {
      assertEquals(List.of(5, 2, 0), walk(ROW, preferred, nid));
      preferred.advance();
    }
    assertEquals(List.of(2, 0, 5), walk(ROW, NumaPolicy.preferred(ROW, 7), 5));
  }

  @Test
  void exactAsksOneNodeOnly() {
    NumaPolicy exact = NumaPolicy.exact(ROW, 2);
    for (int nid : new int[] {0, 2, 5, 7}) {
      assertEquals(List.of(2), walk(ROW, exact, nid));
      exact.advance();
    }
  }

  @Test
  void bindAsksItsNodesOnlyNearestFirst() {
    NumaPolicy bind = NumaPolicy.bind(ROW, 5, 0, 5, 7);
    assertEquals(List.of(0, 5), walk(ROW, bind, 0));
    assertEquals(List.of(5, 0), walk(ROW, bind, 5));
    assertEquals(List.of(0, 5), walk(ROW, bind, 2));
    bind.advance();
    assertEquals(List.of(0, 5), walk(ROW, bind, 7));
  }

  @Test
  void preferredManyAsksItsNodesAndThenTheOthers() {
    NumaPolicy many = NumaPolicy.preferredMany(ROW, 0, 5);
    assertEquals(List.of(0, 5, 2), walk(ROW, many, 0));
    assertEquals(List.of(5, 0, 2), walk(ROW, many, 5));
    assertEquals(List.of(0, 5, 2), walk(ROW, many, 2));
    assertEquals(List.of(2, 0, 5), walk(ROW, NumaPolicy.preferredMany(ROW, 7), 2));
  }

  @Test
  void interleaveTakesTurnsAndFallsBackFromTheNodeWhoseTurnItIs() {
    NumaPolicy interleave = NumaPolicy.interleave(ROW, 5, 7, 0);
    assertEquals(List.of(0, 2, 5), walk(ROW, interleave, 2));
    assertEquals(List.of(0, 2, 5), walk(ROW, interleave, 2));
    interleave.advance();
    assertEquals(List.of(5, 2, 0), walk(ROW, interleave, 2));
    interleave.advance();
    assertEquals(List.of(0, 5, 0, 5), homes(ROW, interleave, 4));
    assertEquals(List.of(2, 2, 2), homes(ROW, NumaPolicy.interleave(ROW, 2), 3));
  }

  @Test
  void aWeightIsSoManyRequestsInARow() {
    NumaPolicy weighted =
        NumaPolicy.weightedInterleave(ROW, new int[] {2, 0, 7, 5}, new int[] {1, 3, 9, 2});
    assertEquals(List.of(0, 0, 0, 2, 5, 5, 0, 0, 0, 2, 5, 5, 0), homes(ROW, weighted, 13));
    NumaPolicy one = NumaPolicy.weightedInterleave(ROW, new int[] {5}, new int[] {255});
    assertEquals(List.of(5, 5, 5), homes(ROW, one, 3));
  }

  @Test
  void wholeCyclesHonourAnyWeights() {
    for (int seed = 0; seed < 300; seed++) {
      SplitMix64 random = new SplitMix64(seed);
      NumaTopology topology = Topologies.random(random);
      int[] nids = new int[topology.nodeCount()];
      int[] weights = new int[nids.length];
      TreeMap<Integer, Integer> expected = new TreeMap<>();
      int cycle = 0;
      for (int i = 0; i < nids.length; i++) {
        nids[i] = topology.nid(i);
        weights[i] = 1 + random.below(random.oneIn(9) ? 255 : 5);
        if (topology.hasMemory(i)) {
          cycle += weights[i];
          expected.put(nids[i], 3 * weights[i]);
        }
      }
      NumaPolicy policy = NumaPolicy.weightedInterleave(topology, nids, weights);
      homes(topology, policy, random.below(cycle));
      TreeMap<Integer, Integer> counted = new TreeMap<>();
      for (int nid : homes(topology, policy, 3 * cycle)) {
        counted.merge(nid, 1, Integer::sum);
      }
      assertEquals(expected, counted, "seed " + seed);
    }
  }

  /// Requests against nodes that run empty, served by the walk and by a model that sorts the nodes.
  @Test
  void requestsAreServedByTheNodeThatTheModelNames() {
    int failed = 0;
    for (int seed = 0; seed < 1500; seed++) {
      SplitMix64 random = new SplitMix64(seed);
      NumaTopology topology = Topologies.random(random);
      NumaPolicyModel model = NumaPolicyModel.random(random, topology);
      NumaPolicy policy = model.policy();
      int[] free = new int[topology.nodeCount()];
      for (int i = 0; i < free.length; i++) {
        free[i] = topology.hasMemory(i) ? random.below(12) : 0;
      }
      for (int request = 0; request < 60; request++) {
        int current = random.below(topology.nodeCount());
        int expected = model.serve(current, free);
        assertEquals(expected, serve(topology, policy, current, free), "seed " + seed);
        failed += expected < 0 ? 1 : 0;
        if (expected >= 0) {
          free[expected]--;
        } else if (random.oneIn(3)) {
          int refilled = random.below(free.length);
          free[refilled] += topology.hasMemory(refilled) ? 3 : 0;
        }
      }
    }
    assertTrue(failed > 1000, failed + " requests found nothing");
  }

  private static int serve(NumaTopology topology, NumaPolicy policy, int current, int[] free) {
    int home = policy.homeOf(current);
    for (int walk = 0; walk < policy.walkCount(); walk++) {
      for (int i = 0; i < topology.memoryNodeCount(); i++) {
        int node = topology.fallback(home, i);
        if (policy.allows(walk, node) && free[node] > 0) {
          policy.advance();
          return node;
        }
      }
    }
    return -1;
  }

  @Test
  void policiesTellWhatTheyAre() {
    NumaTopology other = Topologies.of(null, 8);
    int[] nids = {0};
    NumaPolicy[] all = {
      NumaPolicy.local(),
      NumaPolicy.preferred(ROW, 0),
      NumaPolicy.exact(ROW, 0),
      NumaPolicy.bind(ROW, nids),
      NumaPolicy.preferredMany(ROW, nids),
      NumaPolicy.interleave(ROW, nids),
      NumaPolicy.weightedInterleave(ROW, nids, new int[] {4})
    };
    List<NumaPolicy.Mode> modes = new ArrayList<>();
    for (int i = 0; i < all.length; i++) {
      modes.add(all[i].mode());
      assertEquals(i < 5, all[i].isShareable());
      assertEquals(i == 4 ? 2 : 1, all[i].walkCount());
      assertTrue(all[i].fits(ROW));
      assertEquals(i == 0, all[i].fits(other));
    }
    assertEquals(List.of(NumaPolicy.Mode.values()), modes);
  }

  @Test
  void nodesThatDoNotExistAreRefused() {
    String message = "Invalid NUMA node: there is no node 3";
    assertRefused(message, () -> NumaPolicy.preferred(ROW, 3));
    assertRefused(message, () -> NumaPolicy.exact(ROW, 3));
    assertRefused(message, () -> NumaPolicy.bind(ROW, 2, 3));
    assertRefused(message, () -> NumaPolicy.preferredMany(ROW, 3));
    assertRefused(message, () -> NumaPolicy.interleave(ROW, 0, 3));
    assertRefused(
        message, () -> NumaPolicy.weightedInterleave(ROW, new int[] {0, 3}, new int[] {1, 1}));
    assertRefused("Invalid NUMA node: a policy without nodes", () -> NumaPolicy.bind(ROW));
  }

  @Test
  void policiesThatCouldNeverServeAreRefused() {
    String message = "Invalid NUMA node: no node of the policy has memory";
    assertRefused(message, () -> NumaPolicy.exact(ROW, 7));
    assertRefused(message, () -> NumaPolicy.bind(ROW, 7));
    assertRefused(message, () -> NumaPolicy.interleave(ROW, 7, 7));
    assertRefused(message, () -> NumaPolicy.weightedInterleave(ROW, new int[] {7}, new int[] {1}));
  }

  @Test
  void weightsThatAreNoneAreRefused() {
    int[] nids = {0, 2};
    for (int wrong : new int[] {-1, 0, 256}) {
      assertRefused(
          "weight " + wrong + " of node 2",
          () -> NumaPolicy.weightedInterleave(ROW, nids, new int[] {1, wrong}));
    }
    assertRefused(
        "2 nodes, but 1 weights", () -> NumaPolicy.weightedInterleave(ROW, nids, new int[] {1}));
    int[] twice = {2, 2};
    assertRefused(
        "two weights for node 2",
        () -> NumaPolicy.weightedInterleave(ROW, twice, new int[] {1, 2}));
    NumaPolicy same =
        NumaPolicy.weightedInterleave(ROW, new int[] {2, 2, 5}, new int[] {2, 2, 255});
    assertEquals(List.of(2, 2, 5, 5), homes(ROW, same, 4));
  }

  @Test
  void interleaveOverANodeTwiceIsOneTurn() {
    NumaPolicy policy = NumaPolicy.interleave(ROW, 5, 5, 0);
    assertEquals(List.of(0, 5, 0, 5), homes(ROW, policy, 4));
    assertFalse(policy.isShareable());
  }

  @Test
  void usingAPolicyCreatesNothing() {
    NumaPolicy policy = NumaPolicy.weightedInterleave(ROW, new int[] {0, 5}, new int[] {2, 3});
    int[] free = {Integer.MAX_VALUE, 0, Integer.MAX_VALUE, 0};
    long[] sum = new long[1];
    assertEquals(
        0,
        HeapAllocation.bytesOf(() -> {
          for (int i = 0; i < 1000; i++) {
            sum[0] += serve(ROW, policy, i & 3, free);
          }
        }));
    assertTrue(sum[0] > 0);
  }
}
