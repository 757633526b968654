package dev.bifolio.kernel.frame;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;

import dev.bifolio.kernel.unit.FrameRequestException;
import java.util.Arrays;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressMeta;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/// Races of bulk requests, which take and free many frames of a word at once, with single ones.
///
/// Results: what each actor got, and whether all is well in the end (1).
public final class BulkStress {
  private BulkStress() {}

  /// One area with bulk calls.
  public static class Bulk extends FrameCacheStress.Owned {
    /// 1 if all were freed, 0 if one of them was refused.
    final int freeMany(long... pfns) {
      try {
        allocator.freeBulk(pfns, 0, pfns.length);
        return 1;
      } catch (FrameRequestException e) {
        return 0;
      }
    }

    /// Calls everything back: nobody has the area.
    final void settle() {
      cache.close();
      allocator.drainCaches();
    }

    static long[] and(long[] pfns, int count, long one) {
      long[] all = Arrays.copyOf(pfns, count + 1);
      all[count] = one;
      return all;
    }
  }

  @JCStressTest
  @Outcome(id = "40, 1, 1", expect = ACCEPTABLE, desc = "different frames")
  @State
  public static class ManyTakenBesideOne extends Bulk {
    private final long[] many = new long[40];
    private long one;

    public ManyTakenBesideOne() {
      free(take());
    }

    @Actor
    public void many(III_Result r) {
      r.r1 = allocator.allocateBulk(many, 0, 40, 0);
    }

    @Actor
    public void one(III_Result r) {
      one = take();
      r.r2 = served(one);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = closedWith(512 - 41, and(many, 40, one));
    }
  }

  @JCStressTest
  @Outcome(id = "40, 1, 1", expect = ACCEPTABLE, desc = "nothing is lost")
  @State
  public static class ManyTakenBesideADrain extends Bulk {
    private final long[] many = new long[40];
    private final long one = take();

    @Actor
    public void many(III_Result r) {
      r.r1 = allocator.allocateBulk(many, 0, 40, 0);
    }

    @Actor
    public void drain(III_Result r) {
      allocator.drainCaches();
      r.r2 = 1;
    }

    @Arbiter
    public void end(III_Result r) {
      boolean counted = allocator.allocationCount(0, 0) == 41;
      r.r3 = closedWith(512 - 41, and(many, 40, one)) & yes(counted);
    }
  }

  @JCStressTest
  @Outcome(
      id = {"4, 0, 1", "3, 1, 1"},
      expect = ACCEPTABLE,
      desc = "all that is left is served, and only that")
  @State
  public static class TheLastFramesTakenBesideOne extends Bulk {
    private final long[] many = new long[4];
    private long one;

    public TheLastFramesTakenBesideOne() {
      fill();
      settle();
      freeMany(3, 9, 40, 41);
    }

    @Actor
    public void many(III_Result r) {
      r.r1 = allocator.allocateBulk(many, 0, 4, 0);
    }

    @Actor
    public void one(III_Result r) {
      one = take();
      r.r2 = served(one);
    }

    @Arbiter
    public void end(III_Result r) {
      long[] got = Arrays.copyOf(many, r.r1);
      r.r3 = r.r2 == 1 ? closedWith(0, and(got, r.r1, one)) : closedWith(4 - r.r1, got);
    }
  }

  /// The refill serves, the frees count.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class ManyFreedWhileTheirWordIsAnnounced extends Bulk {
    private long one;

    public ManyFreedWhileTheirWordIsAnnounced() {
      fill();
      settle();
      free(4);
      allocator.drainCaches();
    }

    @Actor
    public void many(III_Result r) {
      r.r1 = freeMany(5, 6, 7, 30);
    }

    @Actor
    public void one(III_Result r) {
      one = take();
      r.r2 = served(one);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = closedWith(4, one);
    }
  }

  /// Cached or at home.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class ManyFreedWhileTheirWordIsDrained extends Bulk {
    private final long[] many = {take(), take(), take()};

    @Actor
    public void many(III_Result r) {
      r.r1 = freeMany(many);
    }

    @Actor
    public void drain(III_Result r) {
      allocator.drainCaches();
      r.r2 = 1;
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = closedWhole();
    }
  }

  /// The last of them gives the area back.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class TheLastFramesFreedInTwoCalls extends Bulk {
    public TheLastFramesFreedInTwoCalls() {
      fill();
      settle();
      for (long pfn = 4; pfn < 512; pfn++) {
        free(pfn);
      }
      allocator.drainCaches();
    }

    @Actor
    public void many(III_Result r) {
      r.r1 = freeMany(0, 1);
    }

    @Actor
    public void others(III_Result r) {
      r.r2 = freeMany(2, 3);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = closedWhole();
    }
  }

  /// The frame that both free is refused to one.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @State
  public static class ManyFreedBesideAMistakenFreeOfOne extends Bulk {
    public ManyFreedBesideAMistakenFreeOfOne() {
      fill();
      settle();
    }

    @Actor
    public void many(III_Result r) {
      r.r1 = freeMany(10, 11, 12);
    }

    @Actor
    public void one(III_Result r) {
      r.r2 = free(11);
    }

    @Arbiter
    public void end(III_Result r) {
      // If the single free came first, the call ended at the second entry, and the third is in use.
      int kept = free(12);
      r.r3 = closedWith(3) & yes(kept == 1 - r.r1);
    }
  }

  /// The largest block is found.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class ManyFreedBesideARequestForTheirBlock extends Bulk {
    private long pair;

    public ManyFreedBesideARequestForTheirBlock() {
      fill();
      settle();
      freeMany(100, 102);
    }

    @Actor
    public void many(III_Result r) {
      r.r1 = freeMany(101, 103);
    }

    @Actor
    public void drain(III_Result r) {
      allocator.drainCaches();
      r.r2 = 1;
    }

    @Arbiter
    public void end(III_Result r) {
      pair = allocator.tryAllocate(2, 0);
      r.r3 = pair == 100 ? closedWith(0, 100, 101, 102, 103) : ended(false);
    }
  }
}
