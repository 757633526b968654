package dev.bifolio.kernel.heap;

import dev.bifolio.kernel.frame.Allowed;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressMeta;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/// Races for the objects of a slab: claims, frees, double frees, and slabs that are given back.
///
/// Results: what each actor got (1 for yes), and whether all is well in the end (1).
public final class SlabStress {
  private SlabStress() {}

  /// Two threads on one CPU.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class TwoAllocationsOnOneCpu extends OneCache {
    private long mine;
    private long yours;

    @Actor
    public void first(III_Result r) {
      mine = cache.allocate(0);
      r.r1 = yes(mine != SlabCache.NO_MEMORY);
    }

    @Actor
    public void second(III_Result r) {
      yours = cache.allocate(0);
      r.r2 = yes(yours != SlabCache.NO_MEMORY);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(mine, yours);
    }
  }

  /// One of them is refused, at once.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @State
  public static class OneObjectFreedTwice extends OneCache {
    private final long object = must(0);
    private final long other = must(0);

    @Actor
    public void first(III_Result r) {
      r.r1 = free(object);
    }

    @Actor
    public void second(III_Result r) {
      r.r2 = free(object);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(other);
    }
  }

  /// The last two objects of a full slab that nobody claims come back: it is empty, and goes.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class TheLastTwoFreesOfAFullSlab extends OneCache {
    private final long object = must(0);
    private final long other = must(0);
    private final long next = must(0);

    @Actor
    public void first(III_Result r) {
      r.r1 = free(object);
    }

    @Actor
    public void second(III_Result r) {
      r.r2 = free(other);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = cache.statistics().slabCount() == 1 ? endedWith(next) : ended(false);
    }
  }

  /// A CPU lets a used-up row go while an object of it comes back: the slab is not lost.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class AFreeBesideTheEndOfARow extends OneCache {
    private final long object = must(0);
    private final long other = must(0);
    private long mine;

    @Actor
    public void first(III_Result r) {
      mine = cache.allocate(0);
      r.r1 = yes(mine != SlabCache.NO_MEMORY);
    }

    @Actor
    public void second(III_Result r) {
      r.r2 = free(object);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(other, mine);
    }
  }

  /// A slab is taken from a CPU and given back while a thread allocates there.
  @JCStressTest
  @JCStressMeta(Allowed.PerhapsTheSecond.class)
  @State
  public static class AnAllocationBesideAShrink extends OneCache {
    private long mine;

    public AnAllocationBesideAShrink() {
      free(must(0));
    }

    @Actor
    public void first(III_Result r) {
      mine = cache.allocate(0);
      r.r1 = yes(mine != SlabCache.NO_MEMORY);
    }

    @Actor
    public void second(III_Result r) {
      r.r2 = yes(cache.shrink(1) == 1);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(mine);
    }
  }

  /// An object that nobody has is freed while its slab goes and another is made of its frame.
  @JCStressTest
  @JCStressMeta(Allowed.OnlyTheSecond.class)
  @State
  public static class AMistakenFreeBesideANewLife extends OneCache {
    private final long object = must(0);
    private long mine;

    public AMistakenFreeBesideANewLife() {
      free(object);
    }

    @Actor
    public void first(III_Result r) {
      r.r1 = free(object + OBJECT_BYTES);
    }

    @Actor
    public void second(III_Result r) {
      cache.shrink(1);
      mine = cache.allocate(1);
      r.r2 = yes(mine != SlabCache.NO_MEMORY);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(mine);
    }
  }
}
