package dev.bifolio.kernel.zone;

import dev.bifolio.kernel.frame.Allowed;
import dev.bifolio.kernel.frame.Race;
import java.util.concurrent.atomic.AtomicInteger;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressMeta;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/// Races of observations: each change of a level is counted and told once, and the changes are a
/// chain.
///
/// Results: whether each actor got a level that his observation can lead to (1), and whether counts
/// and listener agree in the end (1).
public final class PressureGaugeStress {
  private PressureGaugeStress() {}

  /// One zone with the marks 10, 20 and 30, and a listener that counts.
  static class Observed extends Race implements PressureListener {
    final PressureGauge gauge;
    final AtomicInteger[] cameTo = new AtomicInteger[PressureLevel.COUNT];
    final AtomicInteger[] left = new AtomicInteger[PressureLevel.COUNT];

    Observed() {
      super(PressureGauge.byteSize(1));
      gauge = new PressureGauge(words, 1);
      gauge.register(this);
      for (int i = 0; i < PressureLevel.COUNT; i++) {
        cameTo[i] = new AtomicInteger();
        left[i] = new AtomicInteger();
      }
    }

    @Override
    @SuppressWarnings("EnumOrdinal") // an index for the counts of a test
    public final void pressureChanged(int zoneIndex, PressureLevel from, PressureLevel to) {
      left[from.ordinal()].incrementAndGet();
      cameTo[to.ordinal()].incrementAndGet();
    }

    final PressureLevel observe(long available) {
      return gauge.observe(0, available, 10, 20, 30);
    }

    final int told() {
      return cameTo[0].get() + cameTo[1].get() + cameTo[2].get();
    }

    /// The end of a test that began at a level: what was told is what was counted, and leads from
    /// there to where the zone is now.
    @SuppressWarnings("EnumOrdinal") // as above
    final int ended(PressureLevel start, boolean expected) {
      boolean good = expected && gauge.failures() == 0;
      for (PressureLevel level : PressureLevel.values()) {
        int i = level.ordinal();
        int net = cameTo[i].get() - left[i].get();
        int wanted = (level == gauge.level(0) ? 1 : 0) - (level == start ? 1 : 0);
        good &= net == wanted;
        good &= gauge.entered(0, level) == cameTo[i].get();
      }
      return ended(good);
    }
  }

  /// Told once, by one of them.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class TwoThatSeeTheSame extends Observed {
    @Actor
    public void one(III_Result r) {
      r.r1 = yes(observe(15) == PressureLevel.SOME);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = yes(observe(15) == PressureLevel.SOME);
    }

    @Arbiter
    public void end(III_Result r) {
      boolean once = told() == 1 && gauge.level(0) == PressureLevel.SOME;
      r.r3 = ended(PressureLevel.NONE, once);
    }
  }

  /// By way of SOME or at once: the zone ends at FULL.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class TwoThatSeeItGetWorse extends Observed {
    @Actor
    public void one(III_Result r) {
      r.r1 = yes(observe(15) != PressureLevel.NONE);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = yes(observe(5) == PressureLevel.FULL);
    }

    @Arbiter
    public void end(III_Result r) {
      boolean worst = told() <= 2 && gauge.level(0) == PressureLevel.FULL;
      r.r3 = ended(PressureLevel.NONE, worst);
    }
  }

  /// One of them is the last: the level is his, and each way there and back was told.
  @JCStressTest
  @JCStressMeta(Allowed.Both.class)
  @State
  public static class TwoThatContradictEachOther extends Observed {
    @Actor
    public void one(III_Result r) {
      r.r1 = yes(observe(5) == PressureLevel.FULL);
    }

    @Actor
    public void other(III_Result r) {
      r.r2 = yes(observe(40) == PressureLevel.NONE);
    }

    @Arbiter
    public void end(III_Result r) {
      boolean last = told() == (gauge.level(0) == PressureLevel.FULL ? 1 : 2);
      r.r3 = ended(PressureLevel.NONE, last);
    }
  }
}
