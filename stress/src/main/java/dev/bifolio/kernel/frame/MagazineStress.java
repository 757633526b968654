package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.platform.Memory;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressMeta;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/// Races on the magazines, and of frames that become single ones behind the claim word's back: out
/// of a magazine, or by splitting.
///
/// Results: what each actor got (1 for yes), and whether all is well in the end (1).
public final class MagazineStress {
  private MagazineStress() {}

  /// A machine large enough to have magazines, of which only four frames of one word are left.
  public static class Cached extends World {
    Cached() {
      super(8);
      leaveOnly(2);
    }

    /// Takes a frame that a free will put into the magazine: no slot has its area.
    final long loose() {
      long pfn = must(0, 0);
      core.callBack.all();
      return pfn;
    }

    final int inMagazine(int cpu) {
      return Magazines.count(Memory.getLongVolatile(Slots.header(slot(cpu), 0)));
    }

    /// A frame in the magazine of a CPU.
    final long cachedFrame(int cpu) {
      long pfn = loose();
      free(cpu, pfn, 0);
      if (inMagazine(cpu) == 0) {
        throw new IllegalStateException("not in the magazine");
      }
      return pfn;
    }
  }

  /// Two different frames, not both from the magazine.
  @JCStressTest
  @JCStressMeta(Allowed.PerhapsTheFirst.class)
  @State
  public static class TwoPopsOfOneMagazine extends Cached {
    private long first;
    private long second;

    public TwoPopsOfOneMagazine() {
      cachedFrame(0);
    }

    @Actor
    public void one(III_Result r) {
      first = core.magazines.pop(slot(0), 0);
      r.r1 = served(first);
    }

    @Actor
    public void other(III_Result r) {
      second = take(0, 0);
      r.r2 = served(second);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(first >= 0 ? 2 : 3) & yes(first != second);
    }
  }

  /// The freed frame, the cached one or another.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class APopBesideAPush extends Cached {
    private final long mine;

    public APopBesideAPush() {
      mine = loose();
      cachedFrame(0);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = served(take(0, 0));
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = free(0, mine, 0);
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
  public static class OneFramePushedTwice extends Cached {
    private final long mine = loose();

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

  /// A cached frame cannot be freed.
  @JCStressTest
  @JCStressMeta(Allowed.OnlyTheFirst.class)
  @State
  public static class APushBesideAMistakenOne extends Cached {
    private final long cached;
    private final long mine;

    public APushBesideAMistakenOne() {
      mine = loose();
      cached = cachedFrame(0);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = free(0, mine, 0);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = free(1, cached, 0);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(4);
    }
  }

  /// Served from here or there, nothing lost.
  @JCStressTest
  @JCStressMeta(Allowed.PerhapsTheSecond.class)
  @State
  public static class APopBesideADrain extends Cached {

    public APopBesideADrain() {
      cachedFrame(0);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = served(take(0, 0));
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = yes(core.magazines.drain(slot(0)));
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(3);
    }
  }

  /// Cached or sent home.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class APushBesideADrain extends Cached {
    private final long mine;

    public APushBesideADrain() {
      mine = loose();
      cachedFrame(0);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = free(0, mine, 0);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = yes(core.magazines.drain(slot(0)));
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
  public static class AFrameOfAMagazineFreedWhileItsWordIsAnnounced extends Cached {

    public AFrameOfAMagazineFreedWhileItsWordIsAnnounced() {
      cachedFrame(1);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = served(take(0, 0));
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = free(1, must(1, 0), 0);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(4 - r.r1);
    }
  }

  /// The refill serves, the frees count.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class APairSplitAndFreedWhileItsWordIsAnnounced extends Cached {
    private final long pair;

    public APairSplitAndFreedWhileItsWordIsAnnounced() {
      pair = must(1, 1);
      core.callBack.all();
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = served(take(0, 0));
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = core.split(pair, 2) ? free(1, pair, 0) & free(1, pair + 1, 0) : 0;
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(3);
    }
  }
}
