package dev.bifolio.kernel.frame;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressMeta;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/// Readers of statistics while others allocate and free: each frame is seen as it was at some
/// moment of the walk, and all is exact in the end.
///
/// Results: the mover is well (1), the reader saw what can be (1), and the end is exact (1).
public final class StatisticsStress {
  private StatisticsStress() {}

  /// None, one or two requests counted.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class ACountWhileFramesAreAllocated extends World {
    private final HybridCounts counts = new HybridCounts(core);

    public ACountWhileFramesAreAllocated() {
      free(0, must(0, 0), 0);
    }

    @Actor
    public void move(III_Result r) {
      long first = take(0, 0);
      long second = take(0, 0);
      r.r1 = yes(first != NONE && second != NONE);
    }

    @Actor
    public void read(III_Result r) {
      long before = counts.allocations(0, KIND);
      long after = counts.allocations(0, KIND);
      r.r2 = yes(before >= 1 && before <= after && after <= 3);
    }

    @Arbiter
    public void end(III_Result r) {
      boolean exact = counts.allocations(0, KIND) == 3;
      r.r3 = endedWith(510) & yes(exact);
    }
  }

  /// No frame is missing or there twice.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class AWalkWhileAPairIsFreed extends World {
    private final long mine;

    public AWalkWhileAPairIsFreed() {
      must(0, 1);
      mine = must(0, 1);
    }

    @Actor
    public void move(III_Result r) {
      r.r1 = free(0, mine, 1);
    }

    @Actor
    public void read(III_Result r) {
      FrameCensus census = new FrameCensus(core.states, 9, 0, AreaWord.FRAMES);
      boolean possible = census.usedFrames() >= 2 && census.usedFrames() <= 4;
      r.r2 = yes(possible && census.managedFrames() == AreaWord.FRAMES);
    }

    @Arbiter
    public void end(III_Result r) {
      FrameCensus census = new FrameCensus(core.states, 9, 0, AreaWord.FRAMES);
      r.r3 = ended(census.freeFrames() == 510);
    }
  }

  /// Cached, free or used, always one frame.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class AWalkWhileAFrameIsCached extends World {
    private final long mine;

    public AWalkWhileAFrameIsCached() {
      leaveOnly(1);
      mine = must(0, 0);
      must(0, 0);
    }

    @Actor
    public void move(III_Result r) {
      r.r1 = free(0, mine, 0);
    }

    @Actor
    public void read(III_Result r) {
      FrameCensus census = new FrameCensus(core.states, 9, 0, AreaWord.FRAMES);
      boolean possible = census.usedFrames() >= 511 && census.usedFrames() <= 512;
      r.r2 = yes(possible && census.managedFrames() == AreaWord.FRAMES);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(1);
    }
  }
}
