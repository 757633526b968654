package dev.bifolio.kernel.heap;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;

import dev.bifolio.kernel.frame.Allowed;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressMeta;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/// Races of an owner, who stores without compare-and-set, with others who free objects of his row.
///
/// Results: what the owner got (1 for yes), what the other got, and whether all is well in the end
/// (1).
public final class SlabOwnerStress {
  private SlabOwnerStress() {}

  /// A cache with an owner.
  public static class Owned extends OneCache {
    final SlabOwner owner = cache.openOwner();

    final int closedWith(long... inUse) {
      owner.close();
      return endedWith(inUse);
    }
  }

  /// Both count.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class AFreeBesideAFreeOfANeighbour extends Owned {
    private final long mine = owner.allocate();
    private final long yours = owner.allocate();

    @Actor
    public void owner(III_Result r) {
      r.r1 = free(owner, mine);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = free(yours);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = closedWith();
    }
  }

  /// One of them is refused, or the object is free once all the same.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @Outcome(
      id = "1, 1, 1",
      expect = ACCEPTABLE_INTERESTING,
      desc = "neither saw the other; found and counted when the owner leaves")
  @State
  public static class OneObjectFreedTwice extends Owned {
    private final long object = owner.allocate();
    private final long next = owner.allocate();

    @Actor
    public void owner(III_Result r) {
      r.r1 = free(owner, object);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = free(object);
    }

    @Arbiter
    public void end(III_Result r) {
      owner.close();
      boolean isCounted = cache.statistics().doubleFrees() == r.r1 + r.r2 - 1;
      r.r3 = isCounted ? endedWith(next) : ended(false);
    }
  }

  /// An owner takes what others freed while another object is freed, and one is freed twice.
  @JCStressTest
  @JCStressMeta(Allowed.OnlyTheFirst.class)
  @State
  public static class ATakenRowBesideADoubleFree extends Owned {
    private final long object = owner.allocate();
    private final long next = owner.allocate();
    private long mine;

    public ATakenRowBesideADoubleFree() {
      free(object);
      free(next);
    }

    @Actor
    public void owner(III_Result r) {
      mine = owner.allocate();
      r.r1 = yes(mine == object);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = free(next);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = closedWith(mine);
    }
  }

  /// What the owner gives back is free at every moment.
  @JCStressTest
  @JCStressMeta(Allowed.OnlyTheFirst.class)
  @State
  public static class ADrainBesideADoubleFree extends Owned {
    private final long object = owner.allocate();
    private final long next = owner.allocate();

    public ADrainBesideADoubleFree() {
      free(owner, object);
    }

    @Actor
    public void owner(III_Result r) {
      owner.drain();
      r.r1 = YES;
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = free(object);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = closedWith(next);
    }
  }
}
