package dev.bifolio.kernel.reclaim;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;

import dev.bifolio.kernel.frame.Allowed;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressMeta;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/// Races for the pages of a cache whose frames are real memory: gets, releases, write-backs,
/// evictions, drops and moves.
///
/// Results: what each actor got (1 for yes), and whether bytes, pins and frames are right in the
/// end (1).
public final class PageCacheStress {
  private PageCacheStress() {}

  /// They have the same frame, and it was read once.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class TwoGetsOfAnAbsentPage extends SmallCache {
    private long first;
    private long second;

    public TwoGetsOfAnAbsentPage() {
      super(2, 2);
    }

    @Actor
    public void one(III_Result r) {
      first = get(PAGE);
      r.r1 = served(first);
    }

    @Actor
    public void other(III_Result r) {
      second = get(PAGE);
      r.r2 = served(second);
    }

    @Arbiter
    public void end(III_Result r) {
      release(PAGE, false);
      release(PAGE, false);
      r.r3 = ended(first == second && reads.get() == 1);
    }
  }

  /// One page has the entry; the other gets nothing, and its frame is not lost.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @State
  public static class TwoGetsForTheLastEntry extends SmallCache {
    public TwoGetsForTheLastEntry() {
      super(1, 2);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = served(get(PAGE));
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = served(get(OTHER_PAGE));
    }

    @Arbiter
    public void end(III_Result r) {
      releaseGot(r.r1);
      r.r3 = ended(true);
    }
  }

  /// One page has the frame.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @State
  public static class TwoGetsForTheLastFrame extends SmallCache {
    public TwoGetsForTheLastFrame() {
      super(2, 1);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = served(get(PAGE));
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = served(get(OTHER_PAGE));
    }

    @Arbiter
    public void end(III_Result r) {
      releaseGot(r.r1);
      r.r3 = ended(true);
    }
  }

  /// Whose page is in the only entry keeps it; the dirty one is written before it goes.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @State
  public static class AGetBesideAGetThatWantsItsPlace extends SmallCache.OnePage {
    public AGetBesideAGetThatWantsItsPlace() {
      super(1, true);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = served(get(PAGE));
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = served(get(OTHER_PAGE));
    }

    @Arbiter
    public void end(III_Result r) {
      releaseGot(r.r1);
      r.r3 = endedWith(VALUE);
    }
  }

  /// What is got stays, whether it was there or had to be read again.
  @JCStressTest
  @JCStressMeta(Allowed.PerhapsTheSecond.class)
  @State
  public static class AGetBesideAnEviction extends SmallCache.OnePageGot {
    @Actor
    public void get(III_Result r) {
      r.r1 = getIt();
    }

    @Actor
    public void evict(III_Result r) {
      r.r2 = shrink();
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedGot(r.r2);
    }
  }

  /// The same with a drop, which keeps what is in use.
  @JCStressTest
  @JCStressMeta(Allowed.PerhapsTheSecond.class)
  @State
  public static class AGetBesideADrop extends SmallCache.OnePageGot {
    @Actor
    public void get(III_Result r) {
      r.r1 = getIt();
    }

    @Actor
    public void drop(III_Result r) {
      r.r2 = 1 - (int) cache.drop(FILE);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedGot(r.r2);
    }
  }

  /// One page goes once.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @State
  public static class TwoEvictionsOfOnePage extends SmallCache.OnePage {
    public TwoEvictionsOfOnePage() {
      super(2, true);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = shrink();
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = shrink();
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = ended(pageInFile(PAGE) == VALUE);
    }
  }

  /// What was changed is written before the page goes, and not lost if it stays.
  @JCStressTest
  @JCStressMeta(Allowed.PerhapsTheSecond.class)
  @State
  public static class AReleaseBesideAnEviction extends SmallCache.OnePage {
    public AReleaseBesideAnEviction() {
      super(2, false);
      get(PAGE);
    }

    @Actor
    public void release(III_Result r) {
      put(frame, VALUE + 1);
      release(PAGE, true);
      r.r1 = 1;
    }

    @Actor
    public void evict(III_Result r) {
      r.r2 = shrink();
    }

    @Arbiter
    public void end(III_Result r) {
      boolean written = r.r2 == 0 || pageInFile(PAGE) == VALUE + 1;
      r.r3 = endedWith(VALUE + 1) & (written ? 1 : 0);
    }
  }

  /// What is changed while an older value is on its way to the file makes the page dirty again.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class AReleaseBesideASync extends SmallCache.OnePage {
    public AReleaseBesideASync() {
      super(2, true);
      get(PAGE);
    }

    @Actor
    public void release(III_Result r) {
      put(frame, VALUE + 1);
      release(PAGE, true);
      r.r1 = 1;
    }

    @Actor
    public void sync(III_Result r) {
      r.r2 = cache.sync() == 0 ? 1 : 0;
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(VALUE + 1);
    }
  }

  /// A change is made to the page that is there, or to what was written when it went.
  @JCStressTest
  @JCStressMeta(Allowed.PerhapsTheSecond.class)
  @State
  public static class AChangeBesideAnEviction extends SmallCache.OnePage {
    public AChangeBesideAnEviction() {
      super(2, true);
    }

    @Actor
    public void change(III_Result r) {
      r.r1 = addOne(PAGE);
    }

    @Actor
    public void evict(III_Result r) {
      r.r2 = shrink();
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(VALUE + 1);
    }
  }

  /// Nobody changes bytes that are being copied, and a page in use is not moved.
  @JCStressTest
  @JCStressMeta(Allowed.PerhapsTheSecond.class)
  @State
  public static class AChangeBesideAMove extends SmallCache.OnePage {
    public AChangeBesideAMove() {
      super(2, false);
    }

    @Actor
    public void change(III_Result r) {
      r.r1 = addOne(PAGE);
    }

    @Actor
    public void move(III_Result r) {
      r.r2 = move(frame);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(VALUE + 1);
    }
  }

  /// A page that is being read, and then in use, stays where it is.
  @JCStressTest
  @JCStressMeta(Allowed.OnlyTheFirst.class)
  @State
  public static class AReadBesideAMove extends SmallCache {
    private static final long FIRST_OF_SOURCE = 1;

    private long found;

    public AReadBesideAMove() {
      super(2, 2);
    }

    @Actor
    public void get(III_Result r) {
      found = get(PAGE);
      r.r1 = served(found);
    }

    @Actor
    public void move(III_Result r) {
      r.r2 = move(FIRST_OF_SOURCE);
    }

    @Arbiter
    public void end(III_Result r) {
      release(PAGE, false);
      r.r3 = ended(found == FIRST_OF_SOURCE && reads.get() == 1);
    }
  }

  /// It goes from where it was, or from where it was moved to, or stays because it is being moved.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThemOrBoth.class)
  @State
  public static class AnEvictionBesideAMove extends SmallCache.OnePage {
    public AnEvictionBesideAMove() {
      super(2, false);
    }

    @Actor
    public void evict(III_Result r) {
      r.r1 = shrink();
    }

    @Actor
    public void move(III_Result r) {
      r.r2 = move(frame);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(VALUE);
    }
  }

  /// As above; and where it is being written when the mover asks for it, it stays where it is.
  @JCStressTest
  @Outcome(
      id = {"1, 0, 1", "0, 1, 1", "1, 1, 1", "0, 0, 1"},
      expect = ACCEPTABLE,
      desc = "neither, if each finds the other at work")
  @State
  public static class ADirtyEvictionBesideAMove extends SmallCache.OnePage {
    public ADirtyEvictionBesideAMove() {
      super(2, true);
    }

    @Actor
    public void evict(III_Result r) {
      r.r1 = shrink();
    }

    @Actor
    public void move(III_Result r) {
      r.r2 = move(frame);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(VALUE);
    }
  }
}
