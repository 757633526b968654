package dev.bifolio.kernel.virtual;

import dev.bifolio.kernel.frame.Allowed;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressMeta;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/// Faults of a user space, with each other and with what changes the space.
///
/// Results: whether each actor got what it wanted (1), and whether the bytes, the sharers and the
/// frames are right in the end (1).
public final class FaultStress {
  private FaultStress() {}

  /// The page is mapped once, and both store to the same frame.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class TwoFirstTouches extends SmallSpace {
    private FaultOutcome first = FaultOutcome.SEGFAULT;
    private FaultOutcome second = FaultOutcome.SEGFAULT;

    @Actor
    public void one(III_Result r) {
      first = store(space);
      put(space, 1, 11);
      r.r1 = resolved(first);
    }

    @Actor
    public void other(III_Result r) {
      second = store(space);
      put(space, 2, 22);
      r.r2 = resolved(second);
    }

    @Arbiter
    public void end(III_Result r) {
      boolean isOnce = (first == FaultOutcome.MAPPED) != (second == FaultOutcome.MAPPED);
      boolean isStored = get(space, 0) == 0 && get(space, 1) == 11 && get(space, 2) == 22;
      r.r3 = ended(isOnce && isStored && space.tables().pageCount(1) == 1);
    }
  }

  /// The fault is before or after; in the end nothing is mapped.
  @JCStressTest
  @JCStressMeta(Allowed.PerhapsTheFirst.class)
  @State
  public static class FirstTouchAndUnmap extends SmallSpace {
    @Actor
    public void one(III_Result r) {
      r.r1 = resolved(store(space));
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = space.unmap(PAGE, PAGE + 4096) == RemoveOutcome.REMOVED ? 1 : 0;
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = ended(bytesOf(space) < 0);
    }
  }

  /// A parent and its child share a page, whose first word is 5.
  static class Shared extends SmallSpace {
    Shared() {
      store(space);
      put(space, 0, 5);
      space.forkInto(child);
    }
  }

  /// Parent and child store to the page that they share: each has one of its own.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class StoresOfParentAndChild extends Shared {
    @Actor
    public void one(III_Result r) {
      r.r1 = resolved(store(space));
      put(space, 1, 11);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = resolved(store(child));
      put(child, 1, 22);
    }

    @Arbiter
    public void end(III_Result r) {
      boolean isCopied = get(space, 0) == 5 && get(child, 0) == 5;
      r.r3 = ended(isCopied && get(space, 1) == 11 && get(child, 1) == 22);
    }
  }

  /// Two processors of one space store to a page that its child shares: there is one copy.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class TwoStoresToASharedPage extends Shared {
    @Actor
    public void one(III_Result r) {
      r.r1 = resolved(store(space));
      put(space, 1, 11);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = resolved(store(space));
      put(space, 2, 22);
    }

    @Arbiter
    public void end(III_Result r) {
      boolean isStored = get(space, 0) == 5 && get(space, 1) == 11 && get(space, 2) == 22;
      r.r3 = ended(isStored && get(child, 0) == 5 && get(child, 1) == 0 && get(child, 2) == 0);
    }
  }

  /// A store and the end of the other sharer: copied or made writable, never lost.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class StoreAndEndOfTheChild extends Shared {
    @Actor
    public void one(III_Result r) {
      r.r1 = resolved(store(space));
      put(space, 1, 11);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = child.unmap(PAGE, PAGE + 4096) == RemoveOutcome.REMOVED ? 1 : 0;
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = ended(get(space, 0) == 5 && get(space, 1) == 11 && bytesOf(child) < 0);
    }
  }

  /// A store is before the fork, and the child sees it, or after it, and it does not.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class FirstTouchAndFork extends SmallSpace {
    @Actor
    public void one(III_Result r) {
      r.r1 = resolved(store(space));
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = space.forkInto(child) == ForkOutcome.FORKED ? 1 : 0;
    }

    @Arbiter
    public void end(III_Result r) {
      boolean isShared = bytesOf(child) >= 0;
      boolean isWell = get(space, 0) == 0 && (!isShared || bytesOf(space) == bytesOf(child));
      store(child);
      put(child, 0, 7);
      r.r3 = ended(isWell && get(space, 0) == 0);
    }
  }
}
