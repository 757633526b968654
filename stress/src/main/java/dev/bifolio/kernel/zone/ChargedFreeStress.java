package dev.bifolio.kernel.zone;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.Allowed;
import dev.bifolio.kernel.unit.FrameRequestException;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressMeta;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/// Races of frees whose charge goes back to an account, through the zones of a machine.
///
/// Where a refund too much would find nothing to refund, and so not show, another block of the same
/// account is there. Results: what each actor got (1 for yes), and whether frames, words and sums
/// are right in the end (1).
public final class ChargedFreeStress {
  private ChargedFreeStress() {}

  private static final int ORDER = 3;
  private static final int BLOCK = 1 << ORDER;

  /// One is refused; the charge goes back once.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @State
  public static class OneBlockFreedTwice extends OneZone {
    private final long block = must(ORDER, first);

    public OneBlockFreedTwice() {
      must(ORDER, first);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = freed(frames.tryFree(block, ORDER));
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = freed(frames.tryFreeFrames(block, BLOCK));
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = yes(accountAt(block) == AccountTree.NOBODY) & ended(BLOCK, 0);
    }
  }

  /// The same by the calls that throw.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @State
  public static class OneRunFreedTwice extends OneZone {
    private final long block = must(ORDER, first);

    public OneRunFreedTwice() {
      must(ORDER, first);
    }

    private int freeRun() {
      try {
        frames.freeFrames(block, BLOCK);
        return YES;
      } catch (FrameRequestException e) {
        return NO;
      }
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = freeRun();
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = freeRun();
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = yes(accountAt(block) == AccountTree.NOBODY) & ended(BLOCK, 0);
    }
  }

  /// The wrong one is refused, and takes no account out of the word.
  @JCStressTest
  @JCStressMeta(Allowed.OnlyTheFirst.class)
  @State
  public static class AFreeOfTheWrongLength extends OneZone {
    private final long block = must(ORDER, first);

    public AFreeOfTheWrongLength() {
      must(ORDER, first);
    }

    @Actor
    public void right(III_Result r) {
      r.r1 = freed(frames.tryFree(block, ORDER));
    }

    @Actor
    public void wrong(III_Result r) {
      r.r2 = freed(frames.tryFreeFrames(block, BLOCK / 2));
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = ended(BLOCK, 0);
    }
  }

  /// A block of the range goes back once. Who lost it frees no more, but what he freed is refunded.
  @JCStressTest
  @Outcome(
      id = {"1, 0, 1", "0, 1, 1"},
      expect = ACCEPTABLE,
      desc = "one of them")
  @State
  public static class ARangeAndABlockOfIt extends OneZone {
    private static final int RANGE = 28; // blocks of 16, 8 and 4

    public ARangeAndABlockOfIt() {
      must(ORDER, first);
      frames.tryAllocateRange(64, RANGE, AllocationFlags.charge(first));
    }

    @Actor
    public void range(III_Result r) {
      r.r1 = freed(frames.tryFreeRange(64, RANGE));
    }

    @Actor
    public void block(III_Result r) {
      r.r2 = freed(frames.tryFreeFrames(80, BLOCK));
    }

    @Arbiter
    public void end(III_Result r) {
      boolean good = true;
      if (r.r1 == NO) {
        // The 16 frames before the block went with the range, or stayed; the 4 behind it stayed.
        long _ = frames.tryFreeFrames(64, 16);
        good = accounts.usage(first) == BLOCK + 4;
        good &= freed(frames.tryFreeFrames(88, 4)) == 1;
      }
      r.r3 = ended(BLOCK, 0) & yes(good);
    }
  }

  /// The frames go to another account as soon as they are free: its word is not touched by the
  /// free.
  @JCStressTest
  @JCStressMeta(Allowed.PerhapsTheSecond.class)
  @State
  public static class ARequestOfAnotherAccountForTheFreedBlock extends OneZone {
    private final long block;
    private long other = -1;

    public ARequestOfAnotherAccountForTheFreedBlock() {
      block = must(ORDER, first);
      for (int order = 8; order >= ORDER; order--) {
        must(order, first);
      }
    }

    @Actor
    public void free(III_Result r) {
      r.r1 = freed(frames.tryFree(block, ORDER));
    }

    @Actor
    public void request(III_Result r) {
      other = take(1, ORDER, second);
      r.r2 = served(other);
    }

    @Arbiter
    public void end(III_Result r) {
      boolean named = r.r2 == NO || (other == block && accountAt(other) == second);
      r.r3 = ended(FRAMES - BLOCK, (long) BLOCK * r.r2) & yes(named);
    }
  }

  /// One of them, and who gets nothing is not charged.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @State
  public static class TwoRequestsForTheLastOfAnAccount extends OneZone {
    public TwoRequestsForTheLastOfAnAccount() {
      accounts.setLimit(first, BLOCK + BLOCK / 2);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = served(take(0, ORDER, first));
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = served(take(1, ORDER, first));
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = ended(BLOCK, 0);
    }
  }
}
