package dev.bifolio.kernel.zone;

import dev.bifolio.kernel.frame.Allowed;
import dev.bifolio.kernel.frame.Blocks;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressMeta;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/// Races on the gauge of a zone: for the last of its counter, its pool and an allowance, with
/// changes of its mode, and with counts. Frames are really taken and freed beside it.
///
/// Results: what each actor got (1 for yes), and whether all is well in the end (1): nobody has got
/// more than the class comment of the gauge allows, and after one count the counter is exact.
public final class FreeGaugeStress {
  private FreeGaugeStress() {}

  /// A gauge of 512 frames. With the far mark at 256 the pool is 128 at first, and an allowance at
  /// most 16.
  static class Gauged extends OneZone {
    static final int ORDER = 3;
    static final int BLOCK = 1 << ORDER;
    static final int FAR_MARK = 256;

    final long address = Blocks.take(gaugeBytes());
    final FreeGauge gauge;

    Gauged(long farMark, long margin, boolean cpusAreTold) {
      gauge = gaugeAt(address, cpusAreTold);
      gauge.setFarMark(farMark, margin);
    }

    /// What a zone does: the gauge is asked, then the frames are taken.
    final int request(int cpu, long mark) {
      boolean granted = gauge.takeAbove(cpu, BLOCK, mark);
      if (granted) {
        takeFrames(cpu, ORDER);
      }
      return yes(granted);
    }

    final int requestOfAllowance(int cpu) {
      boolean granted = gauge.takeFar(cpu, BLOCK);
      if (granted) {
        takeFrames(cpu, ORDER);
      }
      return yes(granted);
    }

    final long takeFrames(int cpu, int order) {
      long pfn = zone.memory.take(cpu, order, 0);
      if (pfn < 0) {
        throw new IllegalStateException("the gauge granted what is not there");
      }
      return pfn;
    }

    /// Takes frames, and tells the gauge afterwards.
    final void spend(int order) {
      takeFrames(0, order);
      gauge.spend(1L << order);
    }

    final int free(long pfn, int order) {
      if (zone.memory.tryFreeFrames(pfn, 1L << order) != 0) {
        return NO;
      }
      gauge.add(1L << order);
      return YES;
    }

    final long available() {
      return zone.memory.availableFrames();
    }

    /// What FAR has granted and nobody took.
    final long granted() {
      return poolOf(address) + allowanceOf(address, 0) + allowanceOf(address, 1);
    }

    /// The end of a test with the gauge in either mode, and so many requests that were half-way.
    final int endedBesides(int requests) {
      boolean good =
          gauge.isPlenty()
              ? granted() <= available() - FAR_MARK
              : Math.abs(counterOf(address) - available()) <= (long) requests * BLOCK
                  && gauge.recount() == available()
                  && counterOf(address) == available();
      return gaugeEnded(good);
    }

    /// The end of a test in which two requests were served, and the gauge stays far above its mark.
    final int endedFar(long grantedBefore) {
      return gaugeEnded(gauge.isPlenty() && granted() == grantedBefore - 2 * BLOCK);
    }

    final int gaugeEnded(boolean good) {
      Blocks.giveBack(address);
      return ended(good);
    }
  }

  /// Such a gauge that has counted, and is far above its mark.
  static class Far extends Gauged {
    Far() {
      super(FAR_MARK, 0, true);
      request(0, 0);
    }
  }

  /// One that has counted, and is below its mark.
  static class Near extends Gauged {
    Near() {
      super(FRAMES, 0, true);
      request(0, 0);
    }
  }

  /// One of them, and the counter is exact without a count.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @State
  public static class TwoRequestsForTheLastOfTheCounter extends Near {
    private static final long MARK = FRAMES - 2 * BLOCK;

    @Actor
    public void one(III_Result r) {
      r.r1 = request(0, MARK);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = request(1, MARK);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = gaugeEnded(counterOf(address) == MARK && available() == MARK);
    }
  }

  /// Who comes second counts anew, and finds that the marks are near.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class TwoRequestsForTheLastOfThePool extends Gauged {
    public TwoRequestsForTheLastOfThePool() {
      super(FAR_MARK, 200, true);
      request(0, 0);
      for (int i = 0; i < 2; i++) {
        requestOfAllowance(0);
      }
      for (int order = 6; order >= ORDER; order--) {
        while (poolOf(address) - (1 << order) >= BLOCK) {
          spend(order);
        }
      }
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = request(0, FAR_MARK);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = request(1, FAR_MARK);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedBesides(1);
    }
  }

  /// What they draw for their CPUs comes out of the pool once.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class TwoCpusDrawFromThePool extends Far {
    private final long before;

    public TwoCpusDrawFromThePool() {
      for (int i = 0; i < 2; i++) {
        requestOfAllowance(0);
      }
      before = granted();
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = request(0, 0);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = request(1, 0);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedFar(before);
    }
  }

  /// CPUs that share an allowance take it by compare-and-set: what one has taken, the other has to
  /// find in the pool.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class TwoCpusOfOneAllowance extends Gauged {
    private final long before;

    public TwoCpusOfOneAllowance() {
      super(FAR_MARK, 0, false);
      request(0, 0);
      request(0, 0);
      before = granted();
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = request(0, 0);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = request(2, 0);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedFar(before);
    }
  }

  /// The mistake that is allowed for (I3): an allowance and no more.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThemOrBoth.class)
  @State
  public static class TwoThreadsOfOneCpu extends Far {
    public TwoThreadsOfOneCpu() {
      requestOfAllowance(0);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = requestOfAllowance(0);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = requestOfAllowance(0);
    }

    @Arbiter
    public void end(III_Result r) {
      long left = allowanceOf(address, 0);
      r.r3 = gaugeEnded(left == 0 && granted() <= available() - FAR_MARK);
    }
  }

  /// The free is counted and the request too, whatever the mode is when they come.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class ARequestBesideAFreeThatEndsNear extends Gauged {
    private final long mine;

    public ARequestBesideAFreeThatEndsNear() {
      super(FAR_MARK, 0, true);
      mine = takeFrames(0, ORDER); // 504 are left; leaving NEAR takes 256 + 2 * 128
      takeNothingFar();
    }

    /// Counts when too little is there, and gives most of it back: NEAR, 8 below its end.
    private void takeNothingFar() {
      long much = takeFrames(0, 8);
      gauge.takeAbove(0, BLOCK, 0);
      gauge.add(BLOCK);
      free(much, 8);
    }

    @Actor
    public void request(III_Result r) {
      r.r1 = request(1, FAR_MARK);
    }

    @Actor
    public void free(III_Result r) {
      r.r2 = free(mine, ORDER);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedBesides(0);
    }
  }

  /// A request by an allowance may leave the rest of it behind, and the counter without what it
  /// took: both are the bound of I3, and the counter is mended.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class ARequestOfAnAllowanceWhileFarEnds extends Far {
    @Actor
    public void request(III_Result r) {
      r.r1 = request(0, FAR_MARK);
    }

    @Actor
    public void spend(III_Result r) {
      spend(7);
      r.r2 = yes(!gauge.isPlenty());
    }

    @Arbiter
    public void end(III_Result r) {
      boolean bounded = allowanceOf(address, 0) <= 2 * BLOCK && allowanceOf(address, 1) == 0;
      r.r3 = endedBesides(1) & yes(bounded);
    }
  }

  /// An allowance that is drawn while FAR ends does not outlive it.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class AnAllowanceIsDrawnWhileFarEnds extends Far {
    @Actor
    public void request(III_Result r) {
      r.r1 = request(1, FAR_MARK);
    }

    @Actor
    public void spend(III_Result r) {
      gauge.spend(FAR_MARK); // more than the pool has: it counts, and these are still there
      r.r2 = yes(!gauge.isPlenty());
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedBesides(1) & yes(granted() == poolOf(address));
    }
  }

  /// A count is stored only if nobody changed the counter: of requests that came and went while it
  /// was made at most one is missing, the one that was half-way.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class ACountBesideRequests extends Near {
    private static final int REQUESTS = 4;

    @Actor
    public void count(III_Result r) {
      r.r1 = yes(gauge.recount() >= FRAMES - (REQUESTS + 1) * BLOCK);
    }

    @Actor
    public void requests(III_Result r) {
      int granted = 0;
      for (int i = 0; i < REQUESTS; i++) {
        granted += request(1, 0);
      }
      r.r2 = yes(granted == REQUESTS);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedBesides(1);
    }
  }

  /// The same with frees.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class ACountBesideFrees extends Near {
    private final long[] mine = new long[4];

    public ACountBesideFrees() {
      for (int i = 0; i < mine.length; i++) {
        mine[i] = takeFrames(0, ORDER);
        gauge.spend(BLOCK);
      }
    }

    @Actor
    public void count(III_Result r) {
      r.r1 = yes(gauge.recount() <= FRAMES - BLOCK);
    }

    @Actor
    public void frees(III_Result r) {
      int freed = 0;
      for (long pfn : mine) {
        freed += free(pfn, ORDER);
      }
      r.r2 = yes(freed == mine.length);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedBesides(1);
    }
  }

  /// Through a zone: one of them at least. Who is about to fail counts, and may find the other's
  /// frames still there; then both have theirs, one block below the mark, which is the bound of I3.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThemOrBoth.class)
  @State
  public static class TwoRequestsForTheLastOfAZone extends OneZone {
    private static final int ORDER = 3;
    private static final int BLOCK = 1 << ORDER;
    private static final int MARK = FRAMES - 2 * BLOCK;

    public TwoRequestsForTheLastOfAZone() {
      zone.setWatermarks(MARK, MARK, MARK);
      must(ORDER, first);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = served(take(0, ORDER, first));
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = served(take(1, ORDER, second));
    }

    @Arbiter
    public void end(III_Result r) {
      boolean stops = take(0, ORDER, first) < 0; // whatever was wrong is mended
      r.r3 = ended(BLOCK + (long) BLOCK * r.r1, (long) BLOCK * r.r2) & yes(stops);
    }
  }
}
