package dev.bifolio.kernel.frame;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;

import dev.bifolio.kernel.platform.Memory;
import java.lang.foreign.Arena;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/// Races on two levels of units alone, with their open words, and on the hint bitmaps.
///
/// Results: what each actor got (1 for yes), and whether all is well in the end (1).
public final class LevelStress {
  private static final ConcurrentLinkedQueue<Long> BLOCKS = new ConcurrentLinkedQueue<>();
  private static final long BLOCK_BYTES = 1 << 16;

  private LevelStress() {}

  private static long cleared(long byteSize) {
    Long used = BLOCKS.poll();
    long block = used == null ? Arena.global().allocate(BLOCK_BYTES, 64).address() : used;
    Memory.fill(block, byteSize, (byte) 0);
    return block;
  }

  /// A level of areas below a level of groups, of which there are two.
  static class Levels {
    final UnitLevel above = new UnitLevel(14, null);
    final UnitLevel level = new UnitLevel(9, above);
    private final long block;

    Levels() {
      long aboveBytes = UnitLevel.metadataBytes(14, 0, 2 << 14);
      block = cleared(aboveBytes + UnitLevel.metadataBytes(9, 0, 2 << 14));
      above.attach(block, 0, 2 << 14);
      level.attach(block + aboveBytes, 0, 2 << 14);
      above.put(0, UnitWord.ALL_LENT);
      above.change(0, UnitWord.lend(0));
      above.change(1, UnitWord.lend(1));
    }

    /// Whether just so many units can be had, one by one.
    final int endedWith(int units) {
      level.drain();
      above.drain();
      int count = 0;
      while (level.take(0) >= 0) {
        count++;
      }
      BLOCKS.add(block);
      return count == units ? 1 : 0;
    }

    /// Whether both groups are whole again.
    final int endedWhole() {
      level.drain();
      above.drain();
      boolean whole = above.take(0) >= 0;
      whole &= above.take(0) >= 0;
      BLOCKS.add(block);
      return whole ? 1 : 0;
    }
  }

  @JCStressTest
  @Outcome(id = "1, 1, 1", expect = ACCEPTABLE, desc = "whoever closes the word looks again")
  @State
  public static class AFreeWhileItsWordIsClosed extends Levels {
    private final long unit;

    public AFreeWhileItsWordIsClosed() {
      unit = level.take(0);
    }

    @Actor
    public void free(III_Result r) {
      r.r1 = level.free(unit, 1) ? 1 : 0;
    }

    @Actor
    public void close(III_Result r) {
      r.r2 = level.drain() ? 1 : 0;
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWhole();
    }
  }

  @JCStressTest
  @Outcome(id = "1, 1, 1", expect = ACCEPTABLE, desc = "the full word is found again")
  @State
  public static class AFreeWhileAnotherWordIsOpened extends Levels {
    private final long unit;

    public AFreeWhileAnotherWordIsOpened() {
      unit = level.take(5);
    }

    @Actor
    public void free(III_Result r) {
      r.r1 = level.free(unit, 32) ? 1 : 0;
    }

    @Actor
    public void open(III_Result r) {
      r.r2 = level.take(0) >= 0 ? 1 : 0;
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(63);
    }
  }

  @JCStressTest
  @Outcome(id = "1, 1, 1", expect = ACCEPTABLE, desc = "from the word, or from another one")
  @State
  public static class ARequestWhileItsWordGoesBack extends Levels {
    public ARequestWhileItsWordGoesBack() {
      level.free(level.take(0), 1);
    }

    @Actor
    public void request(III_Result r) {
      r.r1 = level.take(1) >= 0 ? 1 : 0;
    }

    @Actor
    public void close(III_Result r) {
      level.drain();
      r.r2 = 1;
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(62);
    }
  }

  @JCStressTest
  @Outcome(id = "1, 1, 1", expect = ACCEPTABLE, desc = "two units, of one word or of two")
  @State
  public static class TwoLoansAtOnce extends Levels {
    private long first;
    private long second;

    @Actor
    public void one(III_Result r) {
      first = level.lend();
      r.r1 = first >= 0 ? 1 : 0;
    }

    @Actor
    public void other(III_Result r) {
      second = level.lend();
      r.r2 = second >= 0 ? 1 : 0;
    }

    @Arbiter
    public void end(III_Result r) {
      level.takeBack(first);
      level.takeBack(second);
      r.r3 = endedWhole() & (first == second ? 0 : 1);
    }
  }

  @JCStressTest
  @Outcome(id = "1, 1, 1", expect = ACCEPTABLE, desc = "both come back whole")
  @State
  public static class TwoUnitsTakenBack extends Levels {
    private final long first;
    private final long second;

    public TwoUnitsTakenBack() {
      first = level.lend();
      second = level.lend();
      level.drain();
    }

    @Actor
    public void one(III_Result r) {
      level.takeBack(first);
      r.r1 = 1;
    }

    @Actor
    public void other(III_Result r) {
      level.takeBack(second);
      r.r2 = 1;
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWhole();
    }
  }

  @JCStressTest
  @Outcome(
      id = {"1, 1, 1", "0, 1, 1"},
      expect = ACCEPTABLE,
      desc = "before it was whole, or after")
  @State
  public static class AWholeGroupBesideTheLastFree extends Levels {
    private final long unit;

    public AWholeGroupBesideTheLastFree() {
      unit = level.take(0);
      above.take(0);
      level.drain();
    }

    @Actor
    public void request(III_Result r) {
      r.r1 = above.take(0) >= 0 ? 1 : 0;
    }

    @Actor
    public void free(III_Result r) {
      r.r2 = level.free(unit, 1) ? 1 : 0;
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(32 - 32 * r.r1);
    }
  }

  /// Hints of two bins over items in two leaf words of different mid words.
  static class Hints {
    static final long NEAR = 0;
    static final long FAR = 5000;

    final HintBitmap hints = new HintBitmap(1, 2);
    final long item;
    private final long block;

    Hints() {
      long byteSize = HintBitmap.metadataBytes(1, 2, 8192);
      block = cleared(byteSize + 64);
      hints.attach(block + 64, 8192, block + 32);
      item = block;
    }

    /// Clears a wrong hint and looks again, as those who search do.
    final void search() {
      long found = hints.find(0, 0);
      if (found >= 0 && Memory.getLongVolatile(item) == 0) {
        hints.clear(0, HintBitmap.itemOf(found));
        if (Memory.getLongVolatile(item) != 0) {
          hints.set(0, 0, HintBitmap.itemOf(found));
        }
      }
    }

    final int endedWith(long wanted) {
      boolean found = hints.find(0, 0) == wanted;
      BLOCKS.add(block);
      return found ? 1 : 0;
    }
  }

  @JCStressTest
  @Outcome(id = "1, 1, 1", expect = ACCEPTABLE, desc = "one of them sees the other")
  @State
  public static class AHintSetWhileItIsCleared extends Hints {
    public AHintSetWhileItIsCleared() {
      hints.set(0, 0, FAR);
    }

    @Actor
    public void set(III_Result r) {
      Memory.getAndBitwiseOrLong(item, 1);
      hints.set(0, 0, FAR);
      r.r1 = 1;
    }

    @Actor
    public void search(III_Result r) {
      search();
      r.r2 = 1;
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(FAR);
    }
  }

  @JCStressTest
  @Outcome(id = "1, 1, 1", expect = ACCEPTABLE, desc = "the upper bits are set in the end")
  @State
  public static class AHintSetWhileUpperBitsAreCleared extends Hints {
    public AHintSetWhileUpperBitsAreCleared() {
      hints.set(0, 0, FAR);
      hints.clear(0, FAR);
    }

    @Actor
    public void set(III_Result r) {
      hints.set(0, 0, FAR + 1);
      r.r1 = 1;
    }

    @Actor
    public void search(III_Result r) {
      hints.find(0, 0);
      r.r2 = 1;
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(FAR + 1);
    }
  }

  @JCStressTest
  @Outcome(id = "1, 1, 1", expect = ACCEPTABLE, desc = "the upper bits are set in the end")
  @State
  public static class TwoSearchesThatClearUpperBits extends Hints {
    public TwoSearchesThatClearUpperBits() {
      hints.set(0, 0, NEAR);
      hints.clear(0, NEAR);
    }

    @Actor
    public void one(III_Result r) {
      hints.find(0, 0);
      hints.set(0, 0, NEAR);
      r.r1 = 1;
    }

    @Actor
    public void other(III_Result r) {
      hints.find(0, 0);
      hints.find(0, 0);
      r.r2 = 1;
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(NEAR);
    }
  }
}
