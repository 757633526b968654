package dev.bifolio.kernel.firmware;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import dev.bifolio.testkit.SplitMix64;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class NodeNumbersTest {
  @Test
  void everyNumberIsThereOnceAndInOrder() {
    for (int seed = 0; seed < 200; seed++) {
      SplitMix64 random = new SplitMix64(seed);
      TreeSet<Integer> model = new TreeSet<>();
      NodeNumbers ids = new NodeNumbers();
      int count = random.below(100);
      int bound = 1 + random.below(60);
      for (int i = 0; i < count; i++) {
        int id = random.below(bound);
        model.add(id);
        ids.add(id);
      }
      int[] expected = model.stream().mapToInt(Integer::intValue).toArray();
      assertArrayEquals(expected, ids.sorted(), "seed " + seed);
      assertArrayEquals(expected, ids.sorted(), "asked twice, seed " + seed);
    }
  }

  @Test
  void listsAreAddedWhole() {
    NodeNumbers ids = new NodeNumbers();
    assertArrayEquals(new int[0], ids.sorted());
    ids.addAll(new int[] {Integer.MAX_VALUE, 3, 3, 0});
    assertArrayEquals(new int[] {0, 3, Integer.MAX_VALUE}, ids.sorted());
  }
}
