package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.platform.Memory;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressMeta;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/// Races on the claim word of a slot: popping, pushing, announcing, leaving and draining, with
/// legal and mistaken frees at the same time.
///
/// Results: what each actor got (1 for yes), and whether all is well in the end (1).
public final class ClaimWordStress {
  private ClaimWordStress() {}

  /// A machine of which all but 2^order frames are in use, the claim word of CPU 0 is about these,
  /// and one of them was taken from there.
  public static class Claimed extends World {
    final long mine;

    Claimed(int order) {
      leaveOnly(order);
      mine = must(0, 0);
    }
  }

  /// Two different frames.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class TwoPops extends Claimed {
    private long first;
    private long second;

    public TwoPops() {
      super(2);
      free(0, mine, 0);
    }

    @Actor
    public void one(III_Result r) {
      first = take(0, 0);
      r.r1 = served(first);
    }

    @Actor
    public void other(III_Result r) {
      second = take(0, 0);
      r.r2 = served(second);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(2) & yes(first != second);
    }
  }

  /// One of them.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @State
  public static class TwoPopsOfTheLastFrame extends Claimed {
    public TwoPopsOfTheLastFrame() {
      super(0);
      free(0, mine, 0);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = served(take(0, 0));
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = served(take(0, 0));
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(0);
    }
  }

  /// The freed frame or another.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class APopBesideAFree extends Claimed {
    public APopBesideAFree() {
      super(2);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = served(take(0, 0));
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

  /// One of them is refused.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @State
  public static class AFrameOfTheClaimWordFreedTwice extends Claimed {
    public AFrameOfTheClaimWordFreedTwice() {
      super(2);
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

  /// Both are free.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class TwoFramesOfTheClaimWordFreed extends World {
    private final long mine;
    private final long yours;

    public TwoFramesOfTheClaimWordFreed() {
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

  /// The refill serves, the free counts.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class AFreeWhileItsWordIsAnnounced extends Claimed {
    public AFreeWhileItsWordIsAnnounced() {
      super(2);
      core.callBack.all();
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = served(take(0, 0));
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

  /// A legal free is never refused.
  @JCStressTest
  @JCStressMeta(Allowed.PerhapsTheFirst.class)
  @State
  public static class AFreeThatFillsTheWordAgain extends Claimed {
    public AFreeThatFillsTheWordAgain() {
      super(0);
      core.callBack.all();
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = served(take(0, 0));
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

  /// Nothing planned is forgotten.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class AFreeWhileTheSlotMovesOn extends Claimed {
    public AFreeWhileTheSlotMovesOn() {
      super(6);
      for (int i = 0; i < 31; i++) {
        must(0, 0);
      }
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = served(take(0, 0));
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

  /// The frame is found by the next request.
  @JCStressTest
  @JCStressMeta(Allowed.PerhapsTheFirst.class)
  @State
  public static class AFreeWhileItsAreaIsLeft extends Claimed {
    public AFreeWhileItsAreaIsLeft() {
      super(0);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = served(take(0, 0));
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

  /// A machine of which 64 frames were left: the first 32 have gone through the claim word of CPU
  /// 0, the others are one block.
  public static class UsedUp extends World {
    final long block;

    UsedUp() {
      leaveOnly(6);
      block = must(1, 5);
      core.callBack.all();
      for (int i = 0; i < 32; i++) {
        must(0, 0);
      }
    }
  }

  /// Dirty: the frame is found.
  @JCStressTest
  @JCStressMeta(Allowed.PerhapsTheFirst.class)
  @State
  public static class AFreeOfAnotherWordWhileTheAreaIsLeft extends UsedUp {
    @Actor
    public void one(III_Result r) {
      r.r1 = served(take(0, 0));
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = free(1, block, 5);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(32 - r.r1);
    }
  }

  /// The same when the area is looked at again already, for another free.
  @JCStressTest
  @JCStressMeta(Allowed.PerhapsTheFirst.class)
  @State
  public static class AFreeWhileTheAreaIsLookedAtAgain extends UsedUp {
    public AFreeWhileTheAreaIsLookedAtAgain() {
      Memory.getAndBitwiseOrLong(core.areas.areaWord(0), AreaWord.DIRTY);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = served(take(0, 0));
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = free(1, block, 5);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(32 - r.r1);
    }
  }

  /// Served before or after.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class APopWhileTheSlotIsDrained extends Claimed {
    public APopWhileTheSlotIsDrained() {
      super(2);
      free(0, mine, 0);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = served(take(0, 0));
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = drainSlot(0);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(4 - r.r1);
    }
  }

  /// Into the mask before, or home.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class AFreeWhileTheSlotIsDrained extends Claimed {
    public AFreeWhileTheSlotIsDrained() {
      super(2);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = free(1, mine, 0);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = drainSlot(0);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(4);
    }
  }

  /// One of them finds the area; who waited for the other cannot tell.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThemOrBoth.class)
  @State
  public static class TwoDrainsOfOneSlot extends Claimed {
    public TwoDrainsOfOneSlot() {
      super(2);
      free(0, mine, 0);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = drainSlot(0);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = drainSlot(0);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(4);
    }
  }

  /// Two different frames, of one refill or of two.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class TwoRefillsOfOneSlot extends World {
    private long first;
    private long second;

    public TwoRefillsOfOneSlot() {
      leaveOnly(2);
    }

    @Actor
    public void one(III_Result r) {
      first = take(0, 0);
      r.r1 = served(first);
    }

    @Actor
    public void other(III_Result r) {
      second = take(0, 0);
      r.r2 = served(second);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(2, first, second);
    }
  }
}
