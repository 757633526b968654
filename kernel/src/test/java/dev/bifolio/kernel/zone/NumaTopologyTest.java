package dev.bifolio.kernel.zone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.testkit.SplitMix64;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class NumaTopologyTest {
  private static final int[] NO_CPUS = {};

  private static void assertOrders(NumaTopology topology, String which) {
    for (int from = 0; from < topology.nodeCount(); from++) {
      assertEquals(
          Topologies.expectedOrder(topology, from),
          Topologies.order(topology, from),
          which + " from " + from);
    }
  }

  private static String refusal(
      int[] nids, boolean[] hasMemory, int @Nullable [][] distances, int[] cpus) {
    return String.valueOf(
        assertThrows(
                IllegalArgumentException.class,
                () -> new NumaTopology(nids, hasMemory, distances, cpus))
            .getMessage());
  }

  @Test
  void allSymmetricDistancesOfFourNodesGiveTheNearestFirst() {
    int[] steps = {15, 20, 30};
    int count = 0;
    for (int number = 0; number < 729; number++) {
      int[][] distances = new int[4][4];
      int rest = number;
      for (int from = 0; from < 4; from++) {
        distances[from][from] = 10;
        for (int to = from + 1; to < 4; to++) {
          distances[from][to] = steps[rest % 3];
          distances[to][from] = steps[rest % 3];
          rest /= 3;
        }
      }
      NumaTopology topology = Topologies.of(distances, 4);
      for (int from = 0; from < 4; from++) {
        for (int to = 0; to < 4; to++) {
          assertEquals(distances[from][to], topology.distance(from, to));
        }
      }
      assertOrders(topology, "matrix " + number);
      count++;
    }
    assertEquals(729, count);
  }

  @Test
  void ordersFollowTheDistanceFromTheNodeThatAsks() {
    int[][] distances = {{10, 40, 20}, {11, 10, 255}, {30, 12, 10}};
    NumaTopology topology = Topologies.of(distances, 3);
    assertEquals(List.of(0, 2, 1), Topologies.order(topology, 0));
    assertEquals(List.of(1, 0, 2), Topologies.order(topology, 1));
    assertEquals(List.of(2, 1, 0), Topologies.order(topology, 2));
    assertEquals(255, topology.distance(1, 2));
    assertEquals(12, topology.distance(2, 1));
    distances[0][1] = 11;
    assertEquals(40, topology.distance(0, 1));
  }

  @Test
  void anEmptyNodeAsksTheNearestThatHasMemory() {
    int[][] distances = {{10, 40, 20}, {40, 10, 30}, {20, 30, 10}};
    NumaTopology topology =
        new NumaTopology(
            new int[] {0, 1, 2}, new boolean[] {false, true, true}, distances, NO_CPUS);
    assertEquals(List.of(2, 1), Topologies.order(topology, 0));
    assertEquals(List.of(1, 2), Topologies.order(topology, 1));
    assertFalse(topology.hasMemory(0));
    assertTrue(topology.hasMemory(1));
    assertEquals(2, topology.memoryNodeCount());
  }

  @Test
  void randomTopologiesFollowTheModel() {
    for (int seed = 0; seed < 2000; seed++) {
      NumaTopology topology = Topologies.random(new SplitMix64(seed));
      assertOrders(topology, "seed " + seed);
    }
  }

  @Test
  void withoutATableOthersAreEquallyFar() {
    NumaTopology topology =
        new NumaTopology(
            new int[] {3, 5, 6, 9}, new boolean[] {true, false, true, true}, null, NO_CPUS);
    assertEquals(10, topology.distance(2, 2));
    assertEquals(20, topology.distance(1, 2));
    assertEquals(List.of(0, 2, 3), Topologies.order(topology, 0));
    assertEquals(List.of(0, 2, 3), Topologies.order(topology, 1));
    assertEquals(List.of(2, 0, 3), Topologies.order(topology, 2));
    assertEquals(List.of(3, 0, 2), Topologies.order(topology, 3));
  }

  @Test
  void nodesAreFoundByTheirNumbers() {
    int[] nids = {0, 4, 5, 1000, Integer.MAX_VALUE};
    NumaTopology topology = new NumaTopology(nids, Topologies.all(5), null, NO_CPUS);
    assertEquals(5, topology.nodeCount());
    for (int i = 0; i < nids.length; i++) {
      assertEquals(i, topology.indexOf(nids[i]));
      assertEquals(i, topology.requireIndexOf(nids[i]));
      assertEquals(nids[i], topology.nid(i));
    }
    for (int absent : new int[] {-1, 1, 3, 6, 999, 1001, Integer.MAX_VALUE - 1}) {
      assertEquals(-1, topology.indexOf(absent));
      assertEquals(
          "Invalid NUMA node: there is no node " + absent,
          assertThrows(IllegalArgumentException.class, () -> topology.requireIndexOf(absent))
              .getMessage());
    }
    nids[0] = 2;
    assertEquals(0, topology.nid(0));
  }

  @Test
  void cpusBelongToTheirNodesAndFurtherOnesBeginAnew() {
    NumaTopology topology =
        new NumaTopology(
            new int[] {2, 7, 8}, new boolean[] {false, true, true}, null, new int[] {8, 2, -1, 7});
    int[] expected = {2, 0, 1, 1, 2, 0, 1, 1, 2};
    for (int cpu = 0; cpu < expected.length; cpu++) {
      assertEquals(expected[cpu], topology.nodeOfCpu(cpu), "CPU " + cpu);
    }
    assertEquals(expected[Integer.MAX_VALUE % 4], topology.nodeOfCpu(Integer.MAX_VALUE));
  }

  @Test
  void aCpuOfAnEmptyNodeStaysThere() {
    NumaTopology topology =
        new NumaTopology(new int[] {0, 1}, new boolean[] {false, true}, null, new int[] {0, -1, 1});
    assertEquals(0, topology.nodeOfCpu(0));
    assertEquals(1, topology.nodeOfCpu(1));
    assertEquals(1, topology.nodeOfCpu(2));
  }

  @Test
  void withoutKnownCpusAllBelongToTheFirstNodeWithMemory() {
    boolean[] hasMemory = {false, false, true, true};
    NumaTopology topology = new NumaTopology(Topologies.ids(4), hasMemory, null, NO_CPUS);
    NumaTopology empty = new NumaTopology(Topologies.ids(4), new boolean[4], null, new int[] {-1});
    for (int cpu = 0; cpu < 5; cpu++) {
      assertEquals(2, topology.nodeOfCpu(cpu));
      assertEquals(0, empty.nodeOfCpu(cpu));
    }
    assertEquals(0, empty.memoryNodeCount());
  }

  @Test
  void tablesThatContradictTheMeaningOfDistancesAreRefused() {
    int[][] good = {{10, 11}, {255, 10}};
    assertNull(NumaTopology.problemOf(good));
    for (int wrong : new int[] {-1, 0, 9, 10, 256, 266}) {
      int[][] distances = {{10, 20}, {wrong, 10}};
      String text = "distance " + wrong + " from node index 1 to 0";
      assertEquals(text, NumaTopology.problemOf(distances));
      assertEquals(text, refusal(Topologies.ids(2), Topologies.all(2), distances, NO_CPUS));
    }
    for (int wrong : new int[] {0, 9, 11, 20}) {
      assertEquals(
          "distance " + wrong + " from node index 1 to 1",
          NumaTopology.problemOf(new int[][] {{10, 20}, {20, wrong}}));
    }
    assertEquals(
        "the table of distances is not square",
        NumaTopology.problemOf(new int[][] {{10, 20}, {20}}));
    assertEquals(
        "distances of 1025 nodes, but 1024 is the most", NumaTopology.problemOf(new int[1025][]));
  }

  @Test
  void whatDoesNotFitTogetherIsRefused() {
    boolean[] two = Topologies.all(2);
    int[] ids = {1, 3};
    assertEquals("the first node has no number of 0 or more", refusal(NO_CPUS, two, null, NO_CPUS));
    assertEquals(
        "the first node has no number of 0 or more",
        refusal(new int[] {-1, 3}, two, null, NO_CPUS));
    assertEquals("node 3 behind node 3", refusal(new int[] {3, 3}, two, null, NO_CPUS));
    assertEquals("node 2 behind node 3", refusal(new int[] {3, 2}, two, null, NO_CPUS));
    assertEquals(
        "2 nodes, but 1 say whether they have memory",
        refusal(ids, Topologies.all(1), null, NO_CPUS));
    assertEquals(
        "2 nodes, but 2 say whether they have memory, and 1 have distances",
        refusal(ids, two, new int[][] {{10}}, NO_CPUS));
    assertEquals(
        "Invalid NUMA node: there is no node 2", refusal(ids, two, null, new int[] {1, 2}));
  }

  @Test
  void asManyNodesAsATableMayHaveAreSorted() {
    int count = NumaTopology.MAX_TABLE_NODES;
    NumaTopology topology = Topologies.of(Topologies.distances(new SplitMix64(1), count), count);
    for (int from : new int[] {0, 511, 1023}) {
      assertEquals(Topologies.expectedOrder(topology, from), Topologies.order(topology, from));
    }
  }

  @Test
  void nodesWithoutATableNeedNoSquare() {
    int count = 1 << 18; // a square of a byte each would take 64 GiB
    NumaTopology topology = Topologies.of(null, count);
    assertEquals(count, topology.memoryNodeCount());
    assertEquals(count - 1, topology.fallback(count - 1, 0));
    assertEquals(0, topology.fallback(count - 1, 1));
    assertEquals(count - 2, topology.fallback(count - 1, count - 1));
    assertEquals(7, topology.fallback(7, 0));
    assertEquals(6, topology.fallback(7, 7));
    assertEquals(8, topology.fallback(7, 8));
  }
}
