package dev.bifolio.kernel.zone;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/// Memory without CPUs is slower the further it is from the nearest of them.
class MemoryTiersTest {
  private static final int UNKNOWN = -1;

  private static NumaTopology topology(int[][] distances, String memory, int... cpuNids) {
    int count = memory.length();
    int[] nids = new int[count];
    boolean[] hasMemory = new boolean[count];
    for (int n = 0; n < count; n++) {
      nids[n] = 3 * n;
      hasMemory[n] = memory.charAt(n) == 'm';
    }
    return new NumaTopology(nids, hasMemory, distances, cpuNids);
  }

  private static int[] tiersOf(MemoryTiers tiers, int count) {
    int[] found = new int[count];
    for (int n = 0; n < count; n++) {
      found[n] = tiers.tierOf(n);
    }
    return found;
  }

  /// Nodes whose first has the CPU, at distances from it.
  private static int[] tiersAt(int... distances) {
    int count = distances.length + 1;
    int[][] table = new int[count][count];
    for (int from = 0; from < count; from++) {
      for (int to = 0; to < count; to++) {
        table[from][to] = from == to ? 10 : 200;
      }
    }
    System.arraycopy(distances, 0, table[0], 1, distances.length);
    return tiersOf(new MemoryTiers(topology(table, "m".repeat(count), 0)), count);
  }

  @Test
  void aTierIsABandOfTenDistances() {
    assertArrayEquals(new int[] {0, 1, 1}, tiersAt(11, 20));
    assertArrayEquals(new int[] {0, 1, 2}, tiersAt(20, 21));
    assertArrayEquals(new int[] {0, 1, 1, 2}, tiersAt(21, 30, 31));
  }

  @Test
  void bandsWithoutNodesHaveNoNumber() {
    assertArrayEquals(new int[] {0, 2, 1, 3}, tiersAt(90, 41, 255));
  }

  @Test
  void theNearestNodeWithCpusCountsAndAllOfThemAreFast() {
    int[][] table = {
      {10, 40, 45, 25}, {40, 10, 25, 45}, {45, 25, 10, 60}, {25, 45, 60, 10},
    };
    MemoryTiers tiers = new MemoryTiers(topology(table, "mmmm", 0, 3));
    assertArrayEquals(new int[] {0, 0, 1, 1}, tiersOf(tiers, 4));
    assertEquals(2, tiers.count());
  }

  @Test
  void distanceIsFromTheCpusNotToThem() {
    int[][] table = {{10, 50, 15}, {15, 10, 15}, {50, 15, 10}};
    assertArrayEquals(new int[] {0, 2, 1}, tiersOf(new MemoryTiers(topology(table, "mmm", 0)), 3));
  }

  @Test
  void withoutATableAllMemoryWithoutCpusIsOneTier() {
    assertArrayEquals(new int[] {0, 1, 1}, tiersOf(new MemoryTiers(topology(null, "mmm", 0)), 3));
  }

  @Test
  void whereNoCpuIsKnownTheFirstNodeWithMemoryHasThem() {
    MemoryTiers tiers = new MemoryTiers(topology(null, "-mm", UNKNOWN));
    assertArrayEquals(new int[] {MemoryTiers.NONE, 0, 1}, tiersOf(tiers, 3));
  }

  @Test
  void memoryWithoutCpusIsTheFastestWhereCpusHaveNone() {
    int[][] table = {{10, 20, 40}, {20, 10, 40}, {40, 40, 10}};
    MemoryTiers tiers = new MemoryTiers(topology(table, "-mm", 0));
    assertArrayEquals(new int[] {MemoryTiers.NONE, 0, 1}, tiersOf(tiers, 3));
    assertEquals(0, tiers.fastest());
  }

  @Test
  void oneNodeIsOneTier() {
    MemoryTiers tiers = new MemoryTiers(topology(null, "m"));
    assertEquals(0, tiers.fastest());
    assertEquals(1, tiers.count());
    assertEquals(MemoryTiers.NONE, tiers.nextSlower(0));
  }

  @Test
  void tiersCanBeGivenAndMayHaveGaps() {
    MemoryTiers tiers = new MemoryTiers(topology(null, "mmm-", 0, 3, 6));
    assertEquals(1, tiers.count());
    tiers.setTier(3, MemoryTiers.MAX_TIER);
    tiers.setTier(6, 7);
    assertArrayEquals(new int[] {0, 1023, 7, MemoryTiers.NONE}, tiersOf(tiers, 4));
    assertEquals(3, tiers.count());
    assertEquals(7, tiers.nextSlower(0));
    assertEquals(7, tiers.nextSlower(6));
    assertEquals(1023, tiers.nextSlower(7));
    assertEquals(MemoryTiers.NONE, tiers.nextSlower(1023));
    tiers.setTier(0, 8);
    assertEquals(7, tiers.fastest());
    tiers.setTier(6, 0);
    assertEquals(0, tiers.tierOf(2));
  }

  @Test
  void whatIsNoTierIsRefusedAndChangesNothing() {
    MemoryTiers tiers = new MemoryTiers(topology(null, "m-", 0));
    assertThrows(IllegalArgumentException.class, () -> tiers.setTier(0, -1));
    assertThrows(IllegalArgumentException.class, () -> tiers.setTier(0, 1024));
    assertThrows(IllegalArgumentException.class, () -> tiers.setTier(1, 0));
    String text =
        assertThrows(IllegalArgumentException.class, () -> tiers.setTier(3, 0)).getMessage();
    assertEquals("node 3 has no memory", text);
    assertArrayEquals(new int[] {0, MemoryTiers.NONE}, tiersOf(tiers, 2));
  }

  @Test
  void theNodesOfATierComeNearestFirst() {
    int[][] table = {{10, 30, 21, 15}, {30, 10, 12, 14}, {21, 12, 10, 13}, {15, 14, 13, 10}};
    NumaTopology topology = topology(table, "mmmm", 0);
    MemoryTiers tiers = new MemoryTiers(topology);
    assertArrayEquals(new int[] {0, 2, 2, 1}, tiersOf(tiers, 4));
    int first = tiers.nextOf(0, 2, 0);
    int second = tiers.nextOf(0, 2, first + 1);
    assertEquals(2, topology.fallback(0, first));
    assertEquals(1, topology.fallback(0, second));
    assertEquals(MemoryTiers.NONE, tiers.nextOf(0, 2, second + 1));
    assertEquals(MemoryTiers.NONE, tiers.nextOf(0, 3, 0));
  }

  @Test
  void aNodeHasCpusIfOneIsItsOwn() {
    NumaTopology topology = topology(null, "m-m", 6, 6, UNKNOWN);
    assertTrue(topology.hasCpus(0), "of unknown node");
    assertFalse(topology.hasCpus(1));
    assertTrue(topology.hasCpus(2));
  }
}
