package dev.bifolio.kernel.frame;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressMeta;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/// Frees of frames that wait in a claim word, or are being taken into one: no state of the word may
/// make them look allocated.
///
/// Results: what each actor got (1 for yes), and whether all is well in the end (1).
public final class MistakenFreeStress {
  private MistakenFreeStress() {}

  /// Refused, or unseen while the word is announced; the frame has one owner all the same.
  @JCStressTest
  @JCStressMeta(Allowed.PerhapsTheSecond.class)
  @State
  public static class AMistakenFreeWhileItsWordIsAnnounced extends World {
    private final long last;
    private long mine;

    public AMistakenFreeWhileItsWordIsAnnounced() {
      leaveOnly(2);
      last = AreaWord.FRAMES - 1;
    }

    @Actor
    public void one(III_Result r) {
      mine = take(0, 0);
      r.r1 = served(mine);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = free(1, last, 0);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(3, mine);
    }
  }

  /// Refused.
  @JCStressTest
  @JCStressMeta(Allowed.OnlyTheSecond.class)
  @State
  public static class AMistakenFreeWhileItsAreaIsLeft extends World {
    private final long cached;

    public AMistakenFreeWhileItsAreaIsLeft() {
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

  /// Refused at every moment.
  @JCStressTest
  @JCStressMeta(Allowed.OnlyTheSecond.class)
  @State
  public static class AMistakenFreeWhileTheSlotIsDrained extends ClaimWordStress.Claimed {
    public AMistakenFreeWhileTheSlotIsDrained() {
      super(2);
      free(0, mine, 0);
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
}
