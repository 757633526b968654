package dev.bifolio.kernel.frame;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/// Races on the claim word of a slot: popping, pushing, announcing, leaving and draining, with
/// legal and mistaken frees at the same time.
///
/// Results: what each actor got (1 for yes), and whether all is well in the end (1).
public final class ClaimWordStress {
  private ClaimWordStress() {}

  @JCStressTest
  @Outcome(id = "1, 1, 1", expect = ACCEPTABLE, desc = "two different frames")
  @State
  public static class TwoPops extends World {
    private long first;
    private long second;

    public TwoPops() {
      super(1);
      leaveOnly(2);
      free(0, must(0, 0), 0);
    }

    @Actor
    public void one(III_Result r) {
      first = take(0, 0);
      r.r1 = first != NONE ? 1 : 0;
    }

    @Actor
    public void other(III_Result r) {
      second = take(0, 0);
      r.r2 = second != NONE ? 1 : 0;
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(2) & (first == second ? LOST : GOOD);
    }
  }

  @JCStressTest
  @Outcome(
      id = {"1, 0, 1", "0, 1, 1"},
      expect = ACCEPTABLE,
      desc = "one of them")
  @State
  public static class TwoPopsOfTheLastFrame extends World {

    public TwoPopsOfTheLastFrame() {
      super(1);
      leaveOnly(0);
      free(0, must(0, 0), 0);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = take(0, 0) != NONE ? 1 : 0;
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = take(0, 0) != NONE ? 1 : 0;
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(0);
    }
  }

  @JCStressTest
  @Outcome(id = "1, 1, 1", expect = ACCEPTABLE, desc = "the freed frame or another")
  @State
  public static class APopBesideAFree extends World {
    private final long mine;

    public APopBesideAFree() {
      super(1);
      leaveOnly(2);
      mine = must(0, 0);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = take(0, 0) != NONE ? 1 : 0;
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = free(1, mine, 0);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(3);
    }
  }

  @JCStressTest
  @Outcome(
      id = {"1, 0, 1", "0, 1, 1"},
      expect = ACCEPTABLE,
      desc = "one of them is refused")
  @State
  public static class AFrameOfTheClaimWordFreedTwice extends World {
    private final long mine;

    public AFrameOfTheClaimWordFreedTwice() {
      super(1);
      leaveOnly(2);
      mine = must(0, 0);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = free(0, mine, 0);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = free(1, mine, 0);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(4);
    }
  }

  @JCStressTest
  @Outcome(id = "1, 1, 1", expect = ACCEPTABLE, desc = "both are free")
  @State
  public static class TwoFramesOfTheClaimWordFreed extends World {
    private final long mine;
    private final long yours;

    public TwoFramesOfTheClaimWordFreed() {
      super(1);
      leaveOnly(2);
      mine = must(0, 0);
      yours = must(0, 0);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = free(0, mine, 0);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = free(1, yours, 0);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(4);
    }
  }

  @JCStressTest
  @Outcome(id = "1, 1, 1", expect = ACCEPTABLE, desc = "the refill serves, the free counts")
  @State
  public static class AFreeWhileItsWordIsAnnounced extends World {
    private final long mine;

    public AFreeWhileItsWordIsAnnounced() {
      super(1);
      leaveOnly(2);
      mine = must(0, 0);
      core.callBack.all();
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = take(0, 0) != NONE ? 1 : 0;
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = free(1, mine, 0);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(3);
    }
  }

  @JCStressTest
  @Outcome(
      id = {"1, 1, 1", "0, 1, 1"},
      expect = ACCEPTABLE,
      desc = "a legal free is never refused")
  @State
  public static class AFreeThatFillsTheWordAgain extends World {
    private final long mine;

    public AFreeThatFillsTheWordAgain() {
      super(1);
      leaveOnly(0);
      mine = must(0, 0);
      core.callBack.all();
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = take(0, 0) != NONE ? 1 : 0;
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = free(1, mine, 0);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(1 - r.r1);
    }
  }

  @JCStressTest
  @Outcome(id = "1, 1, 1", expect = ACCEPTABLE, desc = "nothing planned is forgotten")
  @State
  public static class AFreeWhileTheSlotMovesOn extends World {
    private final long mine;

    public AFreeWhileTheSlotMovesOn() {
      super(1);
      leaveOnly(6);
      mine = must(0, 0);
      for (int i = 0; i < 31; i++) {
        must(0, 0);
      }
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = take(0, 0) != NONE ? 1 : 0;
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = free(1, mine, 0);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(32);
    }
  }

  @JCStressTest
  @Outcome(
      id = {"1, 1, 1", "0, 1, 1"},
      expect = ACCEPTABLE,
      desc = "the frame is found by the next request")
  @State
  public static class AFreeWhileItsAreaIsLeft extends World {
    private final long mine;

    public AFreeWhileItsAreaIsLeft() {
      super(1);
      leaveOnly(0);
      mine = must(0, 0);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = take(0, 0) != NONE ? 1 : 0;
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = free(1, mine, 0);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(1 - r.r1);
    }
  }

  @JCStressTest
  @Outcome(
      id = {"1, 1, 1", "0, 1, 1"},
      expect = ACCEPTABLE,
      desc = "dirty: the frame is found")
  @State
  public static class AFreeOfAnotherWordWhileTheAreaIsLeft extends World {
    private final long pair;

    public AFreeOfAnotherWordWhileTheAreaIsLeft() {
      super(1);
      leaveOnly(6);
      pair = must(1, 5);
      core.callBack.all();
      for (int i = 0; i < 32; i++) {
        must(0, 0);
      }
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = take(0, 0) != NONE ? 1 : 0;
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = free(1, pair, 5);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(32 - r.r1);
    }
  }

  @JCStressTest
  @Outcome(id = "0, 1, 1", expect = ACCEPTABLE, desc = "refused")
  @State
  public static class AMistakenFreeWhileItsAreaIsLeft extends World {
    private final long cached;

    public AMistakenFreeWhileItsAreaIsLeft() {
      super(1);
      leaveOnly(1);
      cached = must(0, 0);
      free(0, cached, 0);
      must(0, 0);
      free(0, cached ^ 1, 0);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = free(1, cached ^ 1, 0);
    }

    @Actor
    public void other(III_Result r) {
      core.callBack.all();
      r.r2 = 1;
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(1);
    }
  }

  @JCStressTest
  @Outcome(id = "1, 1, 1", expect = ACCEPTABLE, desc = "served before or after")
  @State
  public static class APopWhileTheSlotIsDrained extends World {

    public APopWhileTheSlotIsDrained() {
      super(1);
      leaveOnly(2);
      free(0, must(0, 0), 0);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = take(0, 0) != NONE ? 1 : 0;
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = core.claims.drain(core.slots.of(0, KIND)) ? 1 : 0;
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(4 - r.r1);
    }
  }

  @JCStressTest
  @Outcome(id = "1, 1, 1", expect = ACCEPTABLE, desc = "into the mask before, or home")
  @State
  public static class AFreeWhileTheSlotIsDrained extends World {
    private final long mine;

    public AFreeWhileTheSlotIsDrained() {
      super(1);
      leaveOnly(2);
      mine = must(0, 0);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = free(1, mine, 0);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = core.claims.drain(core.slots.of(0, KIND)) ? 1 : 0;
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(4);
    }
  }

  @JCStressTest
  @Outcome(id = "0, 1, 1", expect = ACCEPTABLE, desc = "refused at every moment")
  @State
  public static class AMistakenFreeWhileTheSlotIsDrained extends World {
    private final long mine;

    public AMistakenFreeWhileTheSlotIsDrained() {
      super(1);
      leaveOnly(2);
      mine = must(0, 0);
      free(0, mine, 0);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = free(1, mine, 0);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = core.claims.drain(core.slots.of(0, KIND)) ? 1 : 0;
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(4);
    }
  }

  @JCStressTest
  @Outcome(
      id = {"1, 0, 1", "0, 1, 1"},
      expect = ACCEPTABLE,
      desc = "one of them finds the area")
  @State
  public static class TwoDrainsOfOneSlot extends World {

    public TwoDrainsOfOneSlot() {
      super(1);
      leaveOnly(2);
      free(0, must(0, 0), 0);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = core.claims.drain(core.slots.of(0, KIND)) ? 1 : 0;
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = core.claims.drain(core.slots.of(0, KIND)) ? 1 : 0;
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(4);
    }
  }
}
