package dev.bifolio.kernel.frame;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressMeta;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/// Races on an area's way between the levels: lent, given back, asked for as a huge block, split
/// into frames, with late frees and with caches that must be called back first.
///
/// Results: what each actor got (1 for yes), and whether all is well in the end (1).
public final class LendingStress {
  private LendingStress() {}

  /// The area serves before or after it went back.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class TheLastFreeBesideARequest extends World {
    private final long mine = must(0, 1);

    @Actor
    public void one(III_Result r) {
      r.r1 = free(0, mine, 1);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = served(take(1, 2));
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(512 - 4 * r.r2);
    }
  }

  /// Too early, or just in time.
  @JCStressTest
  @JCStressMeta(Allowed.PerhapsTheSecond.class)
  @State
  public static class TheLastFreeBesideAHugeRequest extends World {
    private final long mine = must(0, 1);

    @Actor
    public void one(III_Result r) {
      r.r1 = free(0, mine, 1);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = served(take(1, 9));
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(512 * (1 - r.r2));
    }
  }

  /// One of them has the only area.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @State
  public static class AHugeRequestBesideASmallOne extends World {

    @Actor
    public void one(III_Result r) {
      r.r1 = served(take(0, 9));
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = served(take(1, 1));
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(r.r1 == 1 ? 0 : 510);
    }
  }

  /// The drained area is whole.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class AHugeRequestWhileFramesAreCached extends World {
    private final long mine;

    public AHugeRequestWhileFramesAreCached() {
      mine = must(0, 0);
      free(0, mine, 0);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = served(take(1, 9));
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = yes(core.callBack.all() || cached(0) == 0);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(512 * (1 - r.r1));
    }
  }

  /// Never both.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @State
  public static class AHugeRequestBesideAPop extends World {
    public AHugeRequestBesideAPop() {
      free(0, must(0, 0), 0);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = served(take(1, 9));
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = served(take(0, 0));
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(r.r1 == 1 ? 0 : 511);
    }
  }

  /// One of them.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @State
  public static class TwoHugeRequestsForTheLastArea extends World {

    @Actor
    public void one(III_Result r) {
      r.r1 = served(take(0, 9));
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = served(take(1, 9));
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(0);
    }
  }

  /// One of them is refused.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @State
  public static class AHugeBlockFreedTwice extends World {
    private final long mine = must(0, 9);

    @Actor
    public void one(III_Result r) {
      r.r1 = free(0, mine, 9);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = free(1, mine, 9);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWhole();
    }
  }

  /// One block or 512 frames.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @State
  public static class AHugeBlockSplitAndFreed extends World {
    private final long mine = must(0, 9);

    @Actor
    public void one(III_Result r) {
      r.r1 = split(mine, 512);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = free(1, mine, 9);
    }

    @Arbiter
    public void end(III_Result r) {
      int freed = 0;
      for (int i = 0; i < 512 && r.r1 == 1; i++) {
        freed += free(0, mine + i, 0);
      }
      r.r3 = endedWhole() & yes(freed == 512 * r.r1);
    }
  }

  /// One of them is refused.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @State
  public static class ALongRunFreedTwice extends World {
    private final long mine;

    public ALongRunFreedTwice() {
      super(2);
      mine = core.allocateRun(0, 600, KIND);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = freeRun(mine, 600);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = freeRun(mine, 600);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWhole();
    }
  }

  /// Both are served.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class ALongRunFreedBesideARequestInItsRest extends World {
    private final long mine;

    public ALongRunFreedBesideARequestInItsRest() {
      super(2);
      mine = core.allocateRun(0, 600, KIND);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = freeRun(mine, 600);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = served(take(1, 4));
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(1024 - 16 * r.r2);
    }
  }

  /// Refused.
  @JCStressTest
  @JCStressMeta(Allowed.OnlyTheFirst.class)
  @State
  public static class AStaleFreeIntoAnAreaThatWentBack extends World {
    private final long mine;

    public AStaleFreeIntoAnAreaThatWentBack() {
      mine = must(0, 1);
      free(0, mine, 1);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = served(take(0, 9));
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = free(1, mine, 1);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(0);
    }
  }

  /// Two different frames.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class TwoSlotsThatRefill extends World {
    private long first;
    private long second;

    public TwoSlotsThatRefill() {
      super(2);
    }

    @Actor
    public void one(III_Result r) {
      first = take(0, 0);
      r.r1 = served(first);
    }

    @Actor
    public void other(III_Result r) {
      second = take(1, 0);
      r.r2 = served(second);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(1022) & yes(first != second);
    }
  }
}
