package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.platform.Memory;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressMeta;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/// Races on two levels of units alone, with their open words, and on the hint bitmaps.
///
/// Results: what each actor got (1 for yes), and whether all is well in the end (1).
public final class LevelStress {
  private LevelStress() {}

  /// A level of areas below a level of groups, of which there are two.
  static class Levels extends Race {
    final UnitLevel above = new UnitLevel(14, null);
    final UnitLevel level = new UnitLevel(9, above);

    Levels() {
      long aboveBytes = UnitLevel.metadataBytes(14, 0, 2 << 14);
      super(aboveBytes + UnitLevel.metadataBytes(9, 0, 2 << 14));
      above.attach(words, 0, 2 << 14);
      level.attach(words + aboveBytes, 0, 2 << 14);
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
      return ended(count == units);
    }

    /// Whether both groups are whole again.
    final int endedWhole() {
      level.drain();
      above.drain();
      boolean whole = above.take(0) >= 0;
      whole &= above.take(0) >= 0;
      return ended(whole);
    }
  }

  /// Whoever closes the word looks again.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class AFreeWhileItsWordIsClosed extends Levels {
    private final long unit = level.take(0);

    @Actor
    public void free(III_Result r) {
      r.r1 = yes(level.free(unit, 1));
    }

    @Actor
    public void close(III_Result r) {
      r.r2 = yes(level.drain());
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWhole();
    }
  }

  /// The full word is found again.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class AFreeWhileAnotherWordIsOpened extends Levels {
    private final long unit = level.take(5);

    @Actor
    public void free(III_Result r) {
      r.r1 = yes(level.free(unit, 32));
    }

    @Actor
    public void open(III_Result r) {
      r.r2 = yes(level.take(0) >= 0);
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(63);
    }
  }

  /// From the word, or from another one.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class ARequestWhileItsWordGoesBack extends Levels {
    public ARequestWhileItsWordGoesBack() {
      level.free(level.take(0), 1);
    }

    @Actor
    public void request(III_Result r) {
      r.r1 = yes(level.take(1) >= 0);
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

  /// Two units, of one word or of two.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class TwoLoansAtOnce extends Levels {
    private long first;
    private long second;

    @Actor
    public void one(III_Result r) {
      first = level.lend();
      r.r1 = yes(first >= 0);
    }

    @Actor
    public void other(III_Result r) {
      second = level.lend();
      r.r2 = yes(second >= 0);
    }

    @Arbiter
    public void end(III_Result r) {
      level.takeBack(first);
      level.takeBack(second);
      r.r3 = endedWhole() & yes(first != second);
    }
  }

  /// Both come back whole.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
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

  /// Before it was whole, or after.
  @JCStressTest
  @JCStressMeta(Allowed.PerhapsTheFirst.class)
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
      r.r1 = yes(above.take(0) >= 0);
    }

    @Actor
    public void free(III_Result r) {
      r.r2 = yes(level.free(unit, 1));
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(32 - 32 * r.r1);
    }
  }

  /// Hints of two bins over items in two leaf words of different mid words.
  static class Hints extends Race {
    static final long NEAR = 0;
    static final long FAR = 5000;

    final HintBitmap hints = new HintBitmap(1, 2);
    final long item;

    Hints() {
      super(HintBitmap.metadataBytes(1, 2, 8192) + 64);
      hints.attach(words + 64, 8192, words + 32);
      item = words;
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
      return ended(hints.find(0, 0) == wanted);
    }
  }

  /// One of them sees the other.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
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

  /// The upper bits are set in the end.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
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

  /// The upper bits are set in the end.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
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
