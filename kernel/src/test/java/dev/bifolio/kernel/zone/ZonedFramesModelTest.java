package dev.bifolio.kernel.zone;

import dev.bifolio.testkit.Property;
import dev.bifolio.testkit.SplitMix64;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Random layouts and random operations: after each of them all that can be seen of the zones, the
/// accounts and the calls of the reclaimer equals a model, and the zone that serves is the one that
/// the model says.
class ZonedFramesModelTest {
  private static final int STEPS = 4000;

  /// 10^6 operations.
  @Test
  @Tag("slow")
  void zonesEqualTheModelAfterEachOfAMillionOperations() {
    check(1000, 250);
  }

  @Test
  void zonesEqualTheModelOnAFewLayouts() {
    check(1, 8);
  }

  private static void check(long firstSeed, int layouts) {
    for (int i = 0; i < layouts; i++) {
      long seed = firstSeed + i;
      try {
        Property.check(seed, 1, random -> ZoneSteps.draw(random, STEPS), steps -> run(seed, steps));
      } catch (AssertionError e) {
        throw new AssertionError("layout " + seed + ": " + e.getMessage(), e);
      }
    }
  }

  private static void run(long seed, List<ZoneSteps.Step> steps) {
    try (ZoneWorld world = new ZoneWorld(new SplitMix64(seed).next())) {
      for (ZoneSteps.Step step : steps) {
        world.run(step);
        world.compare();
      }
      world.finish();
    }
  }
}
