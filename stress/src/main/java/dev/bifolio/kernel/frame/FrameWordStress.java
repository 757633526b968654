package dev.bifolio.kernel.frame;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressMeta;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/// Races on the frame words of an area: requests, frees and mistaken frees that meet in one word,
/// and blocks of several words. Claim words are kept out of the way: the blocks are of order 1 and
/// more.
///
/// Results: what each actor got (1 for yes), and whether all is well in the end (1).
public final class FrameWordStress {
  private FrameWordStress() {}

  /// One of them.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @State
  public static class TwoRequestsForTheLastPair extends World {
    public TwoRequestsForTheLastPair() {
      leaveOnly(1);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = served(take(0, 1));
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = served(take(1, 1));
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(0);
    }
  }

  /// Two different blocks.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class TwoRequestsInOneWord extends World {
    private long first;
    private long second;

    public TwoRequestsInOneWord() {
      leaveOnly(3);
    }

    @Actor
    public void one(III_Result r) {
      first = take(0, 2);
      r.r1 = served(first);
    }

    @Actor
    public void other(III_Result r) {
      second = take(1, 2);
      r.r2 = served(second);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(8 - 4 * r.r1 - 4 * r.r2) & yes(first != second);
    }
  }

  /// Both are served.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class ARequestBesideAFree extends World {
    private final long mine;

    public ARequestBesideAFree() {
      leaveOnly(2);
      mine = must(0, 1);
    }

    @Actor
    public void request(III_Result r) {
      r.r1 = served(take(0, 1));
    }

    @Actor
    public void free(III_Result r) {
      r.r2 = free(1, mine, 1);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(2);
    }
  }

  /// One of them is refused.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @State
  public static class OneBlockFreedTwice extends World {
    private final long block = must(0, 3);

    @Actor
    public void one(III_Result r) {
      r.r1 = free(0, block, 3);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = free(1, block, 3);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWhole();
    }
  }

  /// The wrong order is refused.
  @JCStressTest
  @JCStressMeta(Allowed.OnlyTheFirst.class)
  @State
  public static class AFreeOfTheWrongOrder extends World {
    private final long block;

    public AFreeOfTheWrongOrder() {
      block = must(0, 2);
      must(0, 2);
      free(0, block + 4, 2);
    }

    @Actor
    public void right(III_Result r) {
      r.r1 = free(0, block, 2);
    }

    @Actor
    public void wrong(III_Result r) {
      r.r2 = free(1, block, 1);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWhole();
    }
  }

  /// They coalesce and the area goes back.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class BothHalvesOfAnAreaFreed extends World {
    private final long low = must(0, 8);
    private final long high = must(0, 8);

    @Actor
    public void one(III_Result r) {
      r.r1 = free(0, low, 8);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = free(1, high, 8);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWhole();
    }
  }

  /// They coalesce and the area goes back.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class TheLastTwoPairsOfAWordFreed extends World {
    private final long low = must(0, 1);
    private final long high = must(0, 1);

    @Actor
    public void one(III_Result r) {
      r.r1 = free(0, low, 1);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = free(1, high, 1);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWhole();
    }
  }

  /// One of them is refused.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @State
  public static class ABlockOfWordsFreedTwice extends World {
    private final long block = must(0, 7);

    @Actor
    public void one(III_Result r) {
      r.r1 = freeRun(block, 128);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = freeRun(block, 128);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWhole();
    }
  }

  /// One block or 8 frames.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @State
  public static class ABlockSplitAndFreed extends World {
    private final long block;
    private int split;

    public ABlockSplitAndFreed() {
      block = must(0, 3);
    }

    @Actor
    public void split(III_Result r) {
      split = split(block, 8);
      r.r1 = split;
    }

    @Actor
    public void free(III_Result r) {
      r.r2 = free(1, block, 3);
    }

    @Arbiter
    public void end(III_Result r) {
      int freed = 0;
      for (int i = 0; i < 8 && split == 1; i++) {
        freed += free(0, block + i, 0);
      }
      boolean allOrNone = freed == 8 * split;
      r.r3 = endedWhole() & yes(allOrNone);
    }
  }

  /// One of them is refused.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @State
  public static class ABlockOfWordsSplitTwice extends World {
    private final long block = must(0, 6);

    @Actor
    public void one(III_Result r) {
      r.r1 = split(block, 64);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = split(block, 64);
    }

    @Arbiter
    public void end(III_Result r) {
      int freed = 0;
      for (int i = 0; i < 64; i++) {
        freed += free(0, block + i, 0);
      }
      r.r3 = endedWhole() & yes(freed == 64);
    }
  }

  @JCStressTest
  @Outcome(
      id = {"1, 0, 1", "0, 1, 1", "0, 0, 1"},
      expect = ACCEPTABLE,
      desc = "never both; who fails has put back what he took and nothing else")
  @State
  public static class RangesThatOverlap extends World {
    private final HybridPlaces places = new HybridPlaces(core);
    private boolean first;
    private boolean second;

    public RangesThatOverlap() {
      super(2);
    }

    @Actor
    public void one(III_Result r) {
      first = places.allocateRange(0, 100, 500, KIND, 20);
      r.r1 = yes(first);
    }

    @Actor
    public void other(III_Result r) {
      second = places.allocateRange(1, 400, 500, KIND, 20);
      r.r2 = yes(second);
    }

    @Arbiter
    public void end(III_Result r) {
      boolean good = true;
      if (first) {
        good = places.freeRange(0, 100, 500, 20) == null;
      }
      if (second) {
        good &= places.freeRange(0, 400, 500, 20) == null;
      }
      r.r3 = endedWhole() & yes(good);
    }
  }

  /// The range has all of its frames or none.
  @JCStressTest
  @JCStressMeta(Allowed.PerhapsTheFirst.class)
  @State
  public static class ARangeThatIsRolledBack extends World {
    private final HybridPlaces places = new HybridPlaces(core);
    private long block;

    public ARangeThatIsRolledBack() {
      must(0, 8);
      must(0, 7);
    }

    @Actor
    public void range(III_Result r) {
      r.r1 = yes(places.allocateRange(0, 400, 64, KIND, 20));
    }

    @Actor
    public void request(III_Result r) {
      block = take(1, 4);
      r.r2 = served(block);
    }

    @Arbiter
    public void end(III_Result r) {
      boolean apart = r.r1 + r.r2 < 2 || block + 16 <= 400 || block >= 464;
      r.r3 = endedWith(128 - 16 * r.r2 - 64 * r.r1) & yes(apart);
    }
  }

  /// A legal free is never refused.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class ABlockTakenFromARunThatIsBeingFreed extends World {
    private final long run;

    public ABlockTakenFromARunThatIsBeingFreed() {
      leaveOnly(7);
      run = core.allocateRun(0, 96, KIND);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = freeRun(run, 96);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = free(1, must(1, 5), 5);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(128);
    }
  }

  /// The freed block is found.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class ABlockOfWordsFreedWhileTheRestIsTaken extends World {
    private final long mine;

    public ABlockOfWordsFreedWhileTheRestIsTaken() {
      leaveOnly(7);
      mine = must(0, 6);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = free(0, mine, 6);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = served(take(1, 6));
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = ended(take(0, 6) != NONE);
    }
  }

  /// The freed block is found, though its area was left as full.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class ABlockOfWordsFreedWhileTheLastOneIsTaken extends World {
    private final long mine;

    public ABlockOfWordsFreedWhileTheLastOneIsTaken() {
      leaveOnly(8);
      mine = must(0, 6);
      must(0, 6);
      must(0, 6); // no buddy of mine is free: the area need not know of it
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = freeRun(mine, 64);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = served(take(1, 6));
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = ended(take(0, 6) != NONE);
    }
  }

  /// Who fails gives back what he took, and nothing of the other's.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @State
  public static class ARangeThatMeetsOneOfItsBlocks extends World {
    private final HybridPlaces places = new HybridPlaces(core);

    @Actor
    public void one(III_Result r) {
      r.r1 = yes(places.allocateRange(0, 96, 64, KIND, 20));
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = yes(places.allocateRange(1, 128, 32, KIND, 20));
    }

    @Arbiter
    public void end(III_Result r) {
      boolean freed =
          r.r1 == 1
              ? places.freeRange(0, 96, 64, 20) == null
              : places.freeRange(0, 128, 32, 20) == null;
      r.r3 = endedWhole() & yes(freed);
    }
  }
}
