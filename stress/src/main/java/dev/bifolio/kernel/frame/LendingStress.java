package dev.bifolio.kernel.frame;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/// Races on an area's way between the levels: lent, given back, asked for as a huge block, split
/// into frames, with late frees and with caches that must be called back first.
///
/// Results: what each actor got (1 for yes), and whether all is well in the end (1).
public final class LendingStress {
  private LendingStress() {}

  @JCStressTest
  @Outcome(
      id = "1, 1, 1",
      expect = ACCEPTABLE,
      desc = "the area serves before or after it went back")
  @State
  public static class TheLastFreeBesideARequest extends World {
    private final long mine;

    public TheLastFreeBesideARequest() {
      super(1);
      mine = must(0, 1);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = free(0, mine, 1);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = take(1, 2) != NONE ? 1 : 0;
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(512 - 4 * r.r2);
    }
  }

  @JCStressTest
  @Outcome(
      id = {"1, 1, 1", "1, 0, 1"},
      expect = ACCEPTABLE,
      desc = "too early, or just in time")
  @State
  public static class TheLastFreeBesideAHugeRequest extends World {
    private final long mine;

    public TheLastFreeBesideAHugeRequest() {
      super(1);
      mine = must(0, 1);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = free(0, mine, 1);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = take(1, 9) != NONE ? 1 : 0;
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(512 * (1 - r.r2));
    }
  }

  @JCStressTest
  @Outcome(
      id = {"1, 0, 1", "0, 1, 1"},
      expect = ACCEPTABLE,
      desc = "one of them has the only area")
  @State
  public static class AHugeRequestBesideASmallOne extends World {

    public AHugeRequestBesideASmallOne() {
      super(1);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = take(0, 9) != NONE ? 1 : 0;
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = take(1, 1) != NONE ? 1 : 0;
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(r.r1 == 1 ? 0 : 510);
    }
  }

  @JCStressTest
  @Outcome(id = "1, 1, 1", expect = ACCEPTABLE, desc = "the drained area is whole")
  @State
  public static class AHugeRequestWhileFramesAreCached extends World {
    private final long mine;

    public AHugeRequestWhileFramesAreCached() {
      super(1);
      mine = must(0, 0);
      free(0, mine, 0);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = take(1, 9) != NONE ? 1 : 0;
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = core.callBack.all() || cached(0) == 0 ? 1 : 0;
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(512 * (1 - r.r1));
    }
  }

  @JCStressTest
  @Outcome(
      id = {"1, 0, 1", "0, 1, 1"},
      expect = ACCEPTABLE,
      desc = "never both")
  @State
  public static class AHugeRequestBesideAPop extends World {

    public AHugeRequestBesideAPop() {
      super(1);
      free(0, must(0, 0), 0);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = take(1, 9) != NONE ? 1 : 0;
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = take(0, 0) != NONE ? 1 : 0;
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(r.r1 == 1 ? 0 : 511);
    }
  }

  @JCStressTest
  @Outcome(
      id = {"1, 0, 1", "0, 1, 1"},
      expect = ACCEPTABLE,
      desc = "one of them")
  @State
  public static class TwoHugeRequestsForTheLastArea extends World {

    public TwoHugeRequestsForTheLastArea() {
      super(1);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = take(0, 9) != NONE ? 1 : 0;
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = take(1, 9) != NONE ? 1 : 0;
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(0);
    }
  }

  @JCStressTest
  @Outcome(
      id = {"1, 0, 1", "0, 1, 1"},
      expect = ACCEPTABLE,
      desc = "one of them is refused")
  @State
  public static class AHugeBlockFreedTwice extends World {
    private final long mine;

    public AHugeBlockFreedTwice() {
      super(1);
      mine = must(0, 9);
    }

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

  @JCStressTest
  @Outcome(
      id = {"1, 0, 1", "0, 1, 1"},
      expect = ACCEPTABLE,
      desc = "one block or 512 frames")
  @State
  public static class AHugeBlockSplitAndFreed extends World {
    private final long mine;

    public AHugeBlockSplitAndFreed() {
      super(1);
      mine = must(0, 9);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = core.split(mine, 512) ? 1 : 0;
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
      r.r3 = endedWhole() & (freed == 512 * r.r1 ? GOOD : LOST);
    }
  }

  @JCStressTest
  @Outcome(
      id = {"1, 0, 1", "0, 1, 1"},
      expect = ACCEPTABLE,
      desc = "one of them is refused")
  @State
  public static class ALongRunFreedTwice extends World {
    private final long mine;

    public ALongRunFreedTwice() {
      super(2);
      mine = core.allocateRun(0, 600, KIND);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = core.freeRun(mine, 600) ? 1 : 0;
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = core.freeRun(mine, 600) ? 1 : 0;
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWhole();
    }
  }

  @JCStressTest
  @Outcome(id = "1, 1, 1", expect = ACCEPTABLE, desc = "both are served")
  @State
  public static class ALongRunFreedBesideARequestInItsRest extends World {
    private final long mine;

    public ALongRunFreedBesideARequestInItsRest() {
      super(2);
      mine = core.allocateRun(0, 600, KIND);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = core.freeRun(mine, 600) ? 1 : 0;
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = take(1, 4) != NONE ? 1 : 0;
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(1024 - 16 * r.r2);
    }
  }

  @JCStressTest
  @Outcome(id = "1, 0, 1", expect = ACCEPTABLE, desc = "refused")
  @State
  public static class AStaleFreeIntoAnAreaThatWentBack extends World {
    private final long mine;

    public AStaleFreeIntoAnAreaThatWentBack() {
      super(1);
      mine = must(0, 1);
      free(0, mine, 1);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = take(0, 9) != NONE ? 1 : 0;
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

  @JCStressTest
  @Outcome(id = "1, 1, 1", expect = ACCEPTABLE, desc = "two different frames")
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
      r.r1 = first != NONE ? 1 : 0;
    }

    @Actor
    public void other(III_Result r) {
      second = take(1, 0);
      r.r2 = second != NONE ? 1 : 0;
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(1022) & (first == second ? LOST : GOOD);
    }
  }
}
