package dev.bifolio.kernel.platform;

import dev.bifolio.kernel.frame.Allowed;
import dev.bifolio.kernel.frame.Race;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressMeta;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/// Races for a lock, and for plain words that it guards.
///
/// Results: what each actor saw (1 for well), and whether the words are right in the end (1).
public final class SpinLockStress {
  private SpinLockStress() {}

  /// A lock and two words.
  static class Guarded extends Race {
    private static final int TURNS = 4;

    final SpinLock lock;

    Guarded() {
      super(3 * Long.BYTES);
      lock = new SpinLock(words);
    }

    final long word(int index) {
      return Memory.getLong(words + (index + 1) * (long) Long.BYTES);
    }

    final void put(int index, long value) {
      Memory.putLong(words + (index + 1) * (long) Long.BYTES, value);
    }

    /// Adds to both words under the lock, again and again; whether they were always alike.
    final int addOften() {
      boolean alike = true;
      for (int turn = 0; turn < TURNS; turn++) {
        lock.lock();
        alike &= word(0) == word(1);
        addOne();
        lock.unlock();
      }
      return yes(alike);
    }

    final void addOne() {
      put(0, word(0) + 1);
      put(1, word(1) + 1);
    }

    final int endedWith(long value) {
      return ended(word(0) == value && word(1) == value && lock.tryLock());
    }
  }

  /// No addition is lost, and nobody sees half of one.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class TwoThreadsThatAdd extends Guarded {
    @Actor
    public void one(III_Result r) {
      r.r1 = addOften();
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = addOften();
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(8);
    }
  }

  /// One of them has it.
  @JCStressTest
  @JCStressMeta(Allowed.OneOfThem.class)
  @State
  public static class TwoTries extends Guarded {
    private int tryOnce() {
      boolean mine = lock.tryLock();
      if (mine) {
        addOne();
      }
      return yes(mine);
    }

    @Actor
    public void one(III_Result r) {
      r.r1 = tryOnce();
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = tryOnce();
    }

    @Arbiter
    public void end(III_Result r) {
      lock.unlock();
      r.r3 = endedWith(1);
    }
  }

  /// A try fails, or sees all that was written under the lock.
  @JCStressTest
  @JCStressMeta(Allowed.PerhapsTheFirst.class)
  @State
  public static class ATryBesideAnUnlock extends Guarded {
    public ATryBesideAnUnlock() {
      lock.lock();
    }

    @Actor
    public void tryOnce(III_Result r) {
      boolean mine = lock.tryLock();
      r.r1 = yes(mine && word(0) == 1 && word(1) == 1);
      if (mine) {
        put(0, word(0) + 1); // 2 only if the 1 was seen
        put(1, word(1) + 1);
        lock.unlock();
      }
    }

    @Actor
    public void unlock(III_Result r) {
      addOne();
      lock.unlock();
      r.r2 = 1;
    }

    @Arbiter
    public void end(III_Result r) {
      r.r3 = endedWith(1 + r.r1);
    }
  }
}
