package dev.bifolio.kernel.firmware;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.bifolio.testkit.SplitMix64;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class NodeIdsTest {
  @Test
  void idsAreSortedAndComeOnce() {
    NodeIds ids = new NodeIds(new int[] {7, 3, 7, 0, 3, 99}, 5);
    assertEquals(3, ids.count());
    assertEquals(0, ids.id(0));
    assertEquals(3, ids.id(1));
    assertEquals(7, ids.id(2));
    assertEquals(2, ids.indexOf(7));
    assertEquals(-1, ids.indexOf(99));
    assertEquals(-1, ids.indexOf(-1));
    assertEquals(-1, ids.indexOf(4));
  }

  @Test
  void noIdsAreNone() {
    NodeIds ids = new NodeIds(new int[0], 0);
    assertEquals(0, ids.count());
    assertEquals(-1, ids.indexOf(0));
  }

  @Test
  void anyOrderGivesWhatASortedSetGives() {
    SplitMix64 random = new SplitMix64(5);
    for (int round = 0; round < 500; round++) {
      int[] given = new int[1 + random.below(40)];
      TreeSet<Integer> sorted = new TreeSet<>();
      for (int i = 0; i < given.length; i++) {
        given[i] = random.below(60);
        sorted.add(given[i]);
      }
      NodeIds ids = new NodeIds(given, given.length);
      assertEquals(sorted.size(), ids.count());
      int index = 0;
      for (int id : sorted) {
        assertEquals(id, ids.id(index));
        assertEquals(index, ids.indexOf(id));
        index++;
      }
    }
  }
}
