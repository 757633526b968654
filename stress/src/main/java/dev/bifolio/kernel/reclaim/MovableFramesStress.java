package dev.bifolio.kernel.reclaim;

import dev.bifolio.kernel.frame.Allowed;
import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.frame.Race;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressMeta;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/// Races on the word of a movable block: owners who adopt, pin, unpin and disown it, and movers who
/// begin, commit and abort.
///
/// Results: what each actor got (1 for yes), and whether the words say just that in the end (1).
public final class MovableFramesStress {
  private MovableFramesStress() {}

  /// Two owners; an item of the first in a block that is charged to an account; a block of nobody.
  static class Movable extends Race {
    static final long FROM = 1;
    static final long TO = 9;
    static final long ITEM = 7;
    static final long OTHER_ITEM = 8;

    private static final long FRAMES = 16;
    private static final int ACCOUNT = 3;

    final MovableFrames movable;
    final int mine;
    final int another;
    private final FrameInfo info;

    Movable() {
      super(FrameInfo.byteSize(0, FRAMES));
      info = new FrameInfo(words, 0, FRAMES);
      movable = new MovableFrames(new FrameInfo[] {info});
      mine = movable.register((item, from, to) -> true);
      another = movable.register((item, from, to) -> true);
      info.put(FROM, FrameInfo.word(FrameInfo.KIND_NONE, ACCOUNT, 0, 0));
      movable.adopt(FROM, mine, ITEM);
      movable.capture(TO);
    }

    final int tryPin(long pfn) {
      return yes(movable.tryPin(pfn, mine, ITEM));
    }

    /// Pins as an owner does who knows that his item cannot be elsewhere: a mover that lost its
    /// processor is waited for, whatever it takes.
    final int pinAtLast(long pfn) {
      boolean pinned = false;
      while (!pinned) {
        pinned = movable.pin(pfn, mine, ITEM);
      }
      return YES;
    }

    final int unpin(long pfn) {
      movable.unpin(pfn, mine, ITEM);
      return YES;
    }

    final int disown(long pfn) {
      return yes(movable.tryDisown(pfn, mine, ITEM));
    }

    final int begin() {
      return yes(movable.begin(FROM));
    }

    /// A mover who finds that somebody else changed his words was not served.
    final int mirrorAndCommit() {
      try {
        movable.mirror(FROM, TO);
        movable.commit(FROM, TO);
        return YES;
      } catch (IllegalStateException e) {
        return NO;
      }
    }

    final boolean isMovable(long pfn, int pins) {
      return movable.wordOf(pfn) == word(mine, pins, ITEM);
    }

    final boolean isMoving(long pfn) {
      return movable.wordOf(pfn) == word(mine, FrameInfo.MAX_SHARES, ITEM);
    }

    final boolean isNotMovable(long pfn) {
      return movable.wordOf(pfn) == FrameInfo.word(FrameInfo.KIND_NONE, ACCOUNT, 0, 0);
    }

    final boolean holdsOther(long pfn) {
      return movable.wordOf(pfn) == word(another, 0, OTHER_ITEM);
    }

    /// The end of a race with a mover's begin, after which nobody has a pin.
    final int endedUnpinned(int begun) {
      return ended(begun == YES ? isMoving(FROM) : isMovable(FROM, 0));
    }

    private static long word(int owner, int pins, long item) {
      return FrameInfo.word(FrameInfo.KIND_MOVABLE_FIRST + owner, ACCOUNT, pins, item);
    }
  }

  /// The item is being moved.
  static class Moving extends Movable {
    Moving() {
      begin();
    }

    /// The end of a move that was committed.
    final int endedCommitted(boolean targetIsRight) {
      return ended(targetIsRight && movable.isCaptured(FROM));
    }

    /// The end of one that was given up.
    final int endedAborted(int pins) {
      return ended(isMovable(FROM, pins) && movable.isCaptured(TO));
    }
  }

  /// Held or moved, never both.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @State
  public static class APinBesideABegin extends Movable {
    @Actor
    public void owner(III_Result r) {
      r.r1 = tryPin(FROM);
    }

    @Actor
    public void mover(III_Result r) {
      r.r2 = begin();
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = ended(r.r1 == YES ? isMovable(FROM, 1) : isMoving(FROM));
    }
  }

  /// Both hold it.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class TwoPins extends Movable {
    @Actor
    public void one(III_Result r) {
      r.r1 = tryPin(FROM);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = tryPin(FROM);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = ended(isMovable(FROM, 2));
    }
  }

  /// One pin less, one more.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class APinBesideAnUnpin extends Movable {
    public APinBesideAnUnpin() {
      tryPin(FROM);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = tryPin(FROM);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = unpin(FROM);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = ended(isMovable(FROM, 1));
    }
  }

  /// The move begins when nobody holds the block any more.
  @JCStressTest
  @JCStressMeta(Allowed.PerhapsTheSecond.class)
  @State
  public static class AnUnpinBesideABegin extends Movable {
    public AnUnpinBesideABegin() {
      tryPin(FROM);
    }

    @Actor
    public void owner(III_Result r) {
      r.r1 = unpin(FROM);
    }

    @Actor
    public void mover(III_Result r) {
      r.r2 = begin();
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedUnpinned(r.r2);
    }
  }

  /// The owner has it, or the mover.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @State
  public static class ADisowningBesideABegin extends Movable {
    @Actor
    public void owner(III_Result r) {
      r.r1 = disown(FROM);
    }

    @Actor
    public void mover(III_Result r) {
      r.r2 = begin();
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = ended(r.r1 == YES ? isNotMovable(FROM) : isMoving(FROM));
    }
  }

  /// Held or free to go.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @State
  public static class ADisowningBesideAPin extends Movable {
    @Actor
    public void owner(III_Result r) {
      r.r1 = disown(FROM);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = tryPin(FROM);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = ended(r.r1 == YES ? isNotMovable(FROM) : isMovable(FROM, 1));
    }
  }

  /// A late pin does not hit what lies in the block by then.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @State
  public static class ALatePinBesideANewOwner extends Movable {
    @Actor
    public void owners(III_Result r) {
      r.r1 = disown(FROM);
      if (r.r1 == YES) {
        movable.adopt(FROM, another, OTHER_ITEM);
      }
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = tryPin(FROM);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = ended(r.r1 == YES ? holdsOther(FROM) : isMovable(FROM, 1));
    }
  }

  /// One mover has it.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @State
  public static class TwoBegins extends Movable {
    @Actor
    public void one(III_Result r) {
      r.r1 = begin();
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = begin();
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = ended(isMoving(FROM));
    }
  }

  /// The move begins after the adoption or not at all; the account stays.
  @JCStressTest
  @JCStressMeta(Allowed.PerhapsTheSecond.class)
  @State
  public static class AnAdoptionBesideABegin extends Movable {
    public AnAdoptionBesideABegin() {
      disown(FROM);
    }

    @Actor
    public void owner(III_Result r) {
      movable.adopt(FROM, mine, ITEM);
      r.r1 = YES;
    }

    @Actor
    public void mover(III_Result r) {
      r.r2 = begin();
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedUnpinned(r.r2);
    }
  }

  /// Who adopts by a binding has it pinned in the end, though a mover came in between.
  @JCStressTest
  @JCStressMeta(Allowed.PerhapsTheSecond.class)
  @State
  public static class ABoundAdoptionBesideAMove extends Movable {
    private final MovableBinding binding = new MovableBinding(movable);
    private final int bound;

    public ABoundAdoptionBesideAMove() {
      disown(FROM);
      binding.register((item, from, to) -> false);
      bound = another + 1;
    }

    @Actor
    public void owner(III_Result r) {
      binding.adopt(FROM, ITEM);
      r.r1 = YES;
    }

    @Actor
    public void mover(III_Result r) {
      r.r2 = begin();
      if (r.r2 == YES) {
        movable.abort(FROM, -1);
      }
    }

    @Arbiter
    public void end(III_Result r) {
      movable.unpin(FROM, bound, ITEM);
      boolean good = MovableFrames.pinsOf(movable.wordOf(FROM)) == 0;
      r.r3 = ended(good && movable.tryDisown(FROM, bound, ITEM) && isNotMovable(FROM));
    }
  }

  /// Who follows the new pointer too early does not get the block.
  @JCStressTest
  @JCStressMeta(Allowed.PerhapsTheFirst.class)
  @State
  public static class APinOfTheTargetBesideACommit extends Moving {
    @Actor
    public void owner(III_Result r) {
      r.r1 = tryPin(TO);
    }

    @Actor
    public void mover(III_Result r) {
      r.r2 = mirrorAndCommit();
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedCommitted(isMovable(TO, r.r1));
    }
  }

  /// The source is the mover's: nobody holds it any more.
  @JCStressTest
  @JCStressMeta(Allowed.OnlyTheSecond.class)
  @State
  public static class APinOfTheSourceBesideACommit extends Moving {
    @Actor
    public void owner(III_Result r) {
      r.r1 = yes(movable.pin(FROM, mine, ITEM)); // waits
    }

    @Actor
    public void mover(III_Result r) {
      r.r2 = mirrorAndCommit();
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedCommitted(isMovable(TO, 0));
    }
  }

  /// It is disowned where it is in the end, and at one place.
  @JCStressTest
  @JCStressMeta(Allowed.PerhapsTheFirst.class)
  @State
  public static class ADisowningOfTheTargetBesideACommit extends Moving {
    @Actor
    public void owner(III_Result r) {
      r.r1 = disown(FROM) + disown(TO);
    }

    @Actor
    public void mover(III_Result r) {
      r.r2 = mirrorAndCommit();
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedCommitted(r.r1 == YES ? isNotMovable(TO) : isMovable(TO, 0));
    }
  }

  /// As if nothing had been: the pin waits, and holds the same block.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class APinBesideAnAbort extends Moving {
    public APinBesideAnAbort() {
      movable.mirror(FROM, TO);
    }

    @Actor
    public void owner(III_Result r) {
      r.r1 = pinAtLast(FROM);
    }

    @Actor
    public void mover(III_Result r) {
      movable.abort(FROM, TO);
      r.r2 = YES;
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedAborted(1);
    }
  }

  /// A target that was given up was nobody's at any moment.
  @JCStressTest
  @JCStressMeta(Allowed.OnlyTheSecond.class)
  @State
  public static class APinOfTheTargetBesideAnAbort extends Moving {
    @Actor
    public void owner(III_Result r) {
      r.r1 = tryPin(TO);
    }

    @Actor
    public void mover(III_Result r) {
      movable.mirror(FROM, TO);
      movable.abort(FROM, TO);
      r.r2 = YES;
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedAborted(0);
    }
  }
}
