package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.platform.Memory;
import java.util.Arrays;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressMeta;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/// Races of operations that were held up between their look at a word and their change, as by a
/// scheduler that takes a thread's processor just there: what the first actor has read is from
/// before the race, and all that he does then is the rest of his operation.
///
/// Results: whether the first actor was in time (1), that the other was served (1), and whether all
/// is well in the end (1).
public final class HeldUpStress {
  private HeldUpStress() {}

  /// Two areas, full but for 4 and for 8 frames of a word at the same place; the slot of CPU 0 has
  /// the first of them. The other actor takes three frames of the first and five of the second
  /// area: then the claim word says what it said in the beginning, of another area.
  public static class TwoAreas extends World {
    private static final int TAKEN = 8;

    final long claim = slot(0);
    final long mine;
    final long claimed;
    private final long[] theirs = new long[TAKEN];

    TwoAreas() {
      super(2);
      long huge = must(0, 9);
      for (int order = 8; order >= 2; order--) {
        must(0, order);
      }
      free(0, huge, 9);
      for (int order = 8; order >= 3; order--) {
        must(0, order);
      }
      core.callBack.all();
      mine = must(0, 0);
      claimed = Memory.getLongVolatile(claim);
      if (Integer.bitCount(ClaimWord.mask(claimed)) != 3) {
        throw new IllegalStateException("claim word " + Long.toHexString(claimed));
      }
    }

    final int takeAll() {
      int served = YES;
      for (int i = 0; i < TAKEN; i++) {
        theirs[i] = take(0, 0);
        served &= served(theirs[i]);
      }
      return served;
    }

    /// The end: nobody else has what the other actor took.
    ///
    /// @param alsoInUse a frame that he cannot have, or NONE
    final int endedWith(int freeFrames, long alsoInUse) {
      long[] inUse = Arrays.copyOf(theirs, alsoInUse == NONE ? TAKEN : TAKEN + 1);
      if (alsoInUse != NONE) {
        inUse[TAKEN] = alsoInUse;
      }
      return endedWith(freeFrames, inUse);
    }
  }

  /// The free comes to the claim word of its own area, or begins anew.
  @JCStressTest
  @JCStressMeta(Allowed.PerhapsTheFirst.class)
  @State
  public static class AFreeWhileTheSlotTakesAnotherArea extends TwoAreas {
    private final long areaAddress = core.areas.areaWord(mine >>> 9);
    private final long frameAddress = core.areas.frameWord(mine);
    private final long area = Memory.getLongVolatile(areaAddress);
    private final long value = Memory.getLongVolatile(frameAddress);

    @Actor
    public void free(III_Result r) {
      int told = SlotClaims.free(claim, areaAddress, frameAddress, mine, value, area);
      r.r1 = yes(told == SlotClaims.FREED);
    }

    @Actor
    public void take(III_Result r) {
      r.r2 = takeAll();
    }

    @Arbiter
    public void end(III_Result r) {
      // If it was not in time, the frame is in use still; if it was, it may be theirs by now.
      r.r3 = r.r1 == 1 ? endedWith(4, NONE) : endedWith(3, mine);
    }
  }

  /// A frame of the first area before the other took one, or none.
  @JCStressTest
  @JCStressMeta(Allowed.PerhapsTheFirst.class)
  @State
  public static class ATakeWhileTheSlotTakesAnotherArea extends TwoAreas {
    private final int bit = Integer.lowestOneBit(ClaimWord.mask(claimed));
    private final long frame = (mine & -32) + Integer.numberOfTrailingZeros(bit);

    @Actor
    public void takeOne(III_Result r) {
      r.r1 = yes(SlotClaims.take(claim, claimed, bit));
    }

    @Actor
    public void take(III_Result r) {
      r.r2 = takeAll();
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = r.r1 == 1 ? endedWith(2, frame) : endedWith(3, mine);
    }
  }

  /// The slot plans to take a single frame, which it has done, and a pair. Then the frames before
  /// the pair are freed, and the area has not been told: the pair is part of a run of four.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class ARequestBesideAFreeThatHasNotToldYet extends World {
    private final long first;
    private final long freed;

    public ARequestBesideAFreeThatHasNotToldYet() {
      leaveOnly(2);
      first = must(0, 2);
      split(first, 4);
      for (int i = 1; i < 4; i++) {
        free(0, first + i, 0);
      }
      must(0, 0);
      int index = (int) first & 31;
      long address = core.areas.frameWord(first);
      freed = Memory.getLong(address) ^ UnitWord.block(index, 1) ^ UnitWord.block(index + 1, 1);
      Memory.putLong(address, freed);
    }

    @Actor
    public void tell(III_Result r) {
      core.areas.afterFree(first, 0, freed);
      core.areas.afterFree(first + 1, 0, freed);
      r.r1 = YES;
    }

    @Actor
    public void request(III_Result r) {
      r.r2 = served(take(0, 0));
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(3);
    }
  }
}
