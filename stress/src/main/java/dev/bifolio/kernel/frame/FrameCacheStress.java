package dev.bifolio.kernel.frame;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE_INTERESTING;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressMeta;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/// Races of the owner of a [FrameCache], who stores without compare-and-set, with others who free
/// frames of his word, free them twice, or want them back.
///
/// Results: what the owner got (1 for yes), what the other got, and whether all is well in the end
/// (1).
public final class FrameCacheStress {
  private FrameCacheStress() {}

  /// One area, one CPU, and an open cache.
  public static class Owned extends World {
    FrameCache cache = allocator.openCache(0);

    Owned() {
      super(1, 1);
    }

    final long take() {
      return allocator.tryAllocate(0, 0);
    }

    final int free(long pfn) {
      return yes(allocator.tryFree(pfn, 0) == 0);
    }

    final int ownerFree(long pfn) {
      return yes(cache.tryFree(pfn) == 0);
    }

    /// Takes all frames; nobody has the area then.
    final void fill() {
      while (take() != NONE) {}
      allocator.drainCaches();
    }

    /// Takes all frames, and leaves these in the magazine, which are of different words.
    final void fillMagazine(long... pfns) {
      fill();
      for (long pfn : pfns) {
        ownerFree(pfn);
      }
      if (cache.cachedFrameCount() != pfns.length) {
        throw new IllegalStateException("not in the magazine");
      }
    }

    final int closedWith(int freeFrames, long... inUse) {
      cache.close();
      return endedWith(freeFrames, inUse);
    }

    final int closedWhole() {
      cache.close();
      return endedWhole();
    }
  }

  /// One is cached, one is free.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class AFreeBesideAFreeOfANeighbour extends Owned {
    private final long mine = cache.allocate();
    private final long yours = cache.allocate();

    @Actor
    public void owner(III_Result r) {
      r.r1 = ownerFree(mine);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = free(yours);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = closedWhole();
    }
  }

  /// Another frame is taken, one is free.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class APairBesideAFreeOfANeighbour extends Owned {
    private final long first = cache.allocate();
    private final long yours = cache.allocate();
    private long mine;

    @Actor
    public void owner(III_Result r) {
      ownerFree(first);
      mine = cache.allocate();
      r.r1 = yes(mine == first);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = free(yours);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = closedWith(511, mine);
    }
  }

  /// A cached frame cannot be freed.
  @JCStressTest
  @JCStressMeta(Allowed.OnlyTheFirst.class)
  @Outcome(
      id = "1, 1, 1",
      expect = ACCEPTABLE_INTERESTING,
      desc = "handed out already: a free of what the owner has")
  @State
  public static class APopBesideAMistakenFree extends Owned {
    private final long cached = cache.allocate();
    private long mine;

    public APopBesideAMistakenFree() {
      ownerFree(cached);
    }

    @Actor
    public void owner(III_Result r) {
      mine = cache.allocate();
      r.r1 = yes(mine == cached);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = free(cached);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = r.r2 == 1 ? closedWith(512) : closedWith(511, mine);
    }
  }

  /// One of them is refused.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @Outcome(
      id = "1, 1, 1",
      expect = ACCEPTABLE_INTERESTING,
      desc = "neither saw the other; it is free once all the same")
  @State
  public static class OneFrameFreedTwice extends Owned {
    private final long mine = cache.allocate();

    @Actor
    public void owner(III_Result r) {
      r.r1 = ownerFree(mine);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = free(mine);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = closedWith(512);
    }
  }

  /// The same, and then the owner goes on: what he gets is only his. One of them is refused.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @Outcome(
      id = "1, 1, 1",
      expect = ACCEPTABLE_INTERESTING,
      desc = "neither saw the other; the frame is dropped by the cache")
  @State
  public static class OneFrameFreedTwiceAndTheWordUsedUp extends Owned {
    private final long mine = cache.allocate();

    @Actor
    public void owner(III_Result r) {
      r.r1 = ownerFree(mine);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = free(mine);
    }

    @Arbiter
    public void end(III_Result r) {
      boolean good = canTake(cache::allocate, AreaWord.FRAMES);
      cache.close();
      r.r3 = ended(good);
    }
  }

  /// The refill serves, the free counts.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class ARefillBesideAFreeInTheSameWord extends Owned {
    private long mine;

    public ARefillBesideAFreeInTheSameWord() {
      fill();
      free(5);
    }

    @Actor
    public void owner(III_Result r) {
      mine = cache.allocate();
      r.r1 = served(mine);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = free(7);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = closedWith(1, mine);
    }
  }

  /// Nothing is lost, and nothing found in time.
  @JCStressTest
  @JCStressMeta(Allowed.OnlyTheFirst.class)
  @State
  public static class APopBesideARecall extends Owned {
    private final long first = cache.allocate();
    private long mine;
    private long more;

    @Actor
    public void owner(III_Result r) {
      mine = cache.allocate();
      more = cache.allocate();
      r.r1 = served(mine) & served(more);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = served(allocator.tryAllocate(9, 0));
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = closedWith(509, first, mine, more);
    }
  }

  /// One each.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @Outcome(
      id = "1, 0, 1",
      expect = ACCEPTABLE_INTERESTING,
      desc = "they went home, and the owner claimed both")
  @State
  public static class APopOfTheMagazineBesideARequestThatTakesIt extends Owned {
    private long mine;
    private long yours;

    public APopOfTheMagazineBesideARequestThatTakesIt() {
      fillMagazine(5, 77);
    }

    @Actor
    public void owner(III_Result r) {
      mine = cache.allocate();
      r.r1 = served(mine);
    }

    @Actor
    public void other(III_Result r) {
      yours = take();
      r.r2 = served(yours);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = r.r2 == 1 ? closedWith(0, mine, yours) : closedWith(1, mine);
    }
  }

  /// Too early, or just in time.
  @JCStressTest
  @JCStressMeta(Allowed.PerhapsTheSecond.class)
  @State
  public static class AClosingBesideALargeRequest extends Owned {
    private long yours;

    public AClosingBesideALargeRequest() {
      ownerFree(cache.allocate());
    }

    @Actor
    public void owner(III_Result r) {
      cache.close();
      r.r1 = 1;
    }

    @Actor
    public void other(III_Result r) {
      yours = allocator.tryAllocate(9, 0);
      r.r2 = served(yours);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = r.r2 == 1 ? ended(yours == 0 && take() == NONE) : closedWhole();
    }
  }

  /// The magazine is emptied by both.
  @JCStressTest
  @JCStressMeta(Allowed.OnlyTheFirst.class)
  @State
  public static class AClosingWithAMagazineBesideALargeRequest extends Owned {
    public AClosingWithAMagazineBesideALargeRequest() {
      fillMagazine(0, 60, 120, 180, 240, 300, 360, 420);
    }

    @Actor
    public void owner(III_Result r) {
      cache.close();
      r.r1 = 1;
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = served(allocator.tryAllocate(1, 0));
    }

    @Arbiter
    public void end(III_Result r) {
      cache = allocator.openCache(0);
      boolean empty = cache.cachedFrameCount() == 0;
      r.r3 = closedWith(8) & yes(empty);
    }
  }

  /// A late recall does no harm to the next owner.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class AChangeOfOwnersBesideARecall extends Owned {
    private final long kept = cache.allocate();
    private long mine;

    @Actor
    public void owner(III_Result r) {
      cache.close();
      cache = allocator.openCache(2);
      mine = cache.allocate();
      r.r1 = served(mine);
    }

    @Actor
    public void other(III_Result r) {
      allocator.drainCaches();
      r.r2 = 1;
    }

    @Arbiter
    public void end(III_Result r) {
      boolean counted = allocator.allocationCount(0, 0) == 1;
      r.r3 = closedWith(510, kept, mine) & yes(counted);
    }
  }

  @JCStressTest
  @Outcome(
      id = {"1, 1, 1", "1, 0, 1", "0, 1, 1"},
      expect = ACCEPTABLE,
      desc = "four slots for six caches: nobody shares one")
  @State
  public static class TwoCachesOpened extends Owned {
    private long mine;
    private long yours;

    public TwoCachesOpened() {
      allocator.openCache(0);
      allocator.openCache(0);
    }

    private long open() {
      try (FrameCache mine = allocator.openCache(0)) {
        return mine.allocate();
      } catch (IllegalStateException e) {
        return NONE;
      }
    }

    @Actor
    public void owner(III_Result r) {
      mine = open();
      r.r1 = served(mine);
    }

    @Actor
    public void other(III_Result r) {
      yours = open();
      r.r2 = served(yours);
    }

    @Arbiter
    public void end(III_Result r) {
      boolean[] own = {r.r1 == 1, r.r2 == 1};
      long[] used =
          own[0] && own[1] ? new long[] {mine, yours} : new long[] {own[0] ? mine : yours};
      r.r3 = closedWith(512 - used.length, used);
    }
  }
}
