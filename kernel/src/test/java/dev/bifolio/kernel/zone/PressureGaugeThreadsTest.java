package dev.bifolio.kernel.zone;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;
import dev.bifolio.testkit.SplitMix64;
import dev.bifolio.testkit.Threads;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Racing observers: every change is told once, and the changes are a chain.
@Tag("slow")
class PressureGaugeThreadsTest {
  private static final int THREADS = 4;
  private static final int STEPS = 50_000;

  private Window window;
  private PressureGauge gauge;

  @BeforeEach
  void reserve() throws WindowException {
    window = Window.reserve(PressureGauge.byteSize(2));
    gauge = new PressureGauge(window.address(), 2);
  }

  @AfterEach
  void release() {
    window.close();
  }

  /// All see the same thing at the same moment; one of them tells.
  @Test
  void ofManyWhoSeeAChangeOneTells() throws InterruptedException {
    AtomicLong told = new AtomicLong();
    gauge.register((_, _, _) -> told.incrementAndGet());
    int rounds = 3000;
    CyclicBarrier barrier = new CyclicBarrier(THREADS);
    List<Runnable> work = new ArrayList<>();
    for (int i = 0; i < THREADS; i++) {
      work.add(() -> {
        for (int round = 0; round < rounds; round++) {
          await(barrier);
          gauge.observe(0, round % 2 == 0 ? 0 : 30, 10, 20, 30);
        }
      });
    }
    Threads.runAll(work);
    assertEquals(rounds, told.get());
    assertEquals(rounds / 2, gauge.entered(0, PressureLevel.FULL));
    assertEquals(rounds / 2, gauge.entered(0, PressureLevel.NONE));
  }

  @Test
  void changesAreAChainWhateverObserversSee() throws InterruptedException {
    Map<String, Long> told = new ConcurrentHashMap<>();
    gauge.register(
        (zoneIndex, from, to) -> told.merge(zoneIndex + from.name() + to.name(), 1L, Long::sum));
    List<Runnable> work = new ArrayList<>();
    for (int i = 0; i < THREADS; i++) {
      SplitMix64 random = new SplitMix64(i);
      work.add(() -> {
        for (int step = 0; step < STEPS; step++) {
          gauge.observe(random.below(2), random.below(40), 10, 20, 30);
        }
      });
    }
    work.add(this::comesAndGoes);
    Threads.runAll(work);
    for (int zoneIndex = 0; zoneIndex < 2; zoneIndex++) {
      for (PressureLevel level : PressureLevel.values()) {
        assertChain(told, zoneIndex, level);
      }
    }
    assertEquals(0, gauge.failures());
  }

  private void assertChain(Map<String, Long> told, int zoneIndex, PressureLevel level) {
    long into = 0;
    long outOf = 0;
    for (PressureLevel other : PressureLevel.values()) {
      into += told.getOrDefault(zoneIndex + other.name() + level.name(), 0L);
      outOf += told.getOrDefault(zoneIndex + level.name() + other.name(), 0L);
    }
    assertEquals(into, gauge.entered(zoneIndex, level));
    assertTrue(into > 100, "a level that was seldom entered: " + level);
    assertFalse(told.containsKey(zoneIndex + level.name() + level.name()));
    long start = level == PressureLevel.NONE ? 1 : 0;
    long end = level == gauge.level(zoneIndex) ? 1 : 0;
    assertEquals(into + start, outOf + end);
  }

  /// A listener that is registered and taken away all the time disturbs nobody.
  private void comesAndGoes() {
    PressureListener listener = (_, from, to) -> assertTrue(from != to);
    for (int step = 0; step < STEPS / 10; step++) {
      assertTrue(gauge.register(listener));
      assertTrue(gauge.unregister(listener));
    }
  }

  private static void await(CyclicBarrier barrier) {
    try {
      barrier.await();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }
}
