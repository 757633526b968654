package dev.bifolio.stress;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.testkit.Behaviour;
import org.junit.jupiter.api.Test;

/// Short storms over a machine; `dev/storm zones` runs longer ones.
@Behaviour("103")
class ZoneStormTest {
  @Test
  void fourThreadsLoseNothingWhileMemoryIsReclaimedAndCompacted() throws Exception {
    storm(4, 11);
  }

  @Test
  void eightThreadsLoseNothingWhileMemoryIsReclaimedAndCompacted() throws Exception {
    storm(8, 12);
  }

  private static void storm(int threads, long seed) throws Exception {
    try (ZoneStorm storm = new ZoneStorm(threads, seed)) {
      String result = storm.run(800_000);
      assertTrue(storm.moves() > 100, result);
      assertTrue(storm.evictions() > 1000, result);
    }
  }
}
