package dev.bifolio.kernel.zone;

import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.List;

/// Random operations for a [ZoneWorld].
final class ZoneSteps {
  /// One operation and the numbers that say which, so that a list of them can be cut down.
  record Step(Op op, long a, long b, long c) {}

  /// What can be done, as often as it stands in the lists of [#draw].
  enum Op {
    BLOCK,
    ONE,
    RUN,
    POLICY,
    RANGE,
    BULK,
    CACHE,
    FREE,
    FREE_MANY,
    MISTAKE,
    SPLIT,
    MARKS,
    CAP,
    LOWMEM,
    BOOST,
    END_BOOST,
    LIMIT,
    MINIMUM,
    TUNE
  }

  private static final Op[] GROWING = {
    Op.BLOCK, Op.BLOCK, Op.ONE, Op.ONE, Op.ONE, Op.ONE, Op.ONE, Op.ONE, Op.RUN, Op.POLICY,
    Op.POLICY, Op.RANGE, Op.BULK, Op.CACHE, Op.CACHE, Op.CACHE, Op.FREE, Op.FREE, Op.SPLIT, Op.BULK
  };

  private static final Op[] SHRINKING = {
    Op.BLOCK,
    Op.ONE,
    Op.ONE,
    Op.RUN,
    Op.POLICY,
    Op.RANGE,
    Op.CACHE,
    Op.FREE,
    Op.FREE,
    Op.FREE,
    Op.FREE,
    Op.FREE,
    Op.FREE,
    Op.FREE_MANY,
    Op.MISTAKE,
    Op.SPLIT
  };

  private static final Op[] SETTINGS = {
    Op.MARKS,
    Op.MARKS,
    Op.CAP,
    Op.CAP,
    Op.LOWMEM,
    Op.BOOST,
    Op.END_BOOST,
    Op.LIMIT,
    Op.MINIMUM,
    Op.TUNE
  };

  private ZoneSteps() {}

  /// Steps with times in which memory grows short and times in which it comes back.
  static List<Step> draw(SplitMix64 random, int count) {
    List<Step> steps = new ArrayList<>();
    while (steps.size() < count) {
      Op[] season = random.below(5) < 3 ? GROWING : SHRINKING;
      for (int left = 50 + random.below(1200); left > 0 && steps.size() < count; left--) {
        Op[] from = random.oneIn(20) ? SETTINGS : season;
        Op op = from[random.below(from.length)];
        steps.add(new Step(op, random.next() >>> 1, random.next() >>> 1, random.next() >>> 1));
      }
    }
    return steps;
  }
}
