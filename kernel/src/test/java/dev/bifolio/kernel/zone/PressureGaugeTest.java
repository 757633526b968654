package dev.bifolio.kernel.zone;

import static dev.bifolio.kernel.zone.PressureLevel.FULL;
import static dev.bifolio.kernel.zone.PressureLevel.NONE;
import static dev.bifolio.kernel.zone.PressureLevel.SOME;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;
import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// What the gauge tells, to whom, and what it keeps.
class PressureGaugeTest {
  private static final int ZONES = 3;
  private static final long MIN = 10;
  private static final long LOW = 20;
  private static final long HIGH = 30;

  private final List<String> told = new ArrayList<>();
  private Window window;
  private PressureGauge gauge;

  @BeforeEach
  void reserve() throws WindowException {
    window = Window.reserve(1 << 16);
    gauge = new PressureGauge(window.address(), ZONES);
  }

  @AfterEach
  void release() {
    window.close();
  }

  private PressureLevel observe(int zoneIndex, long available) {
    return gauge.observe(zoneIndex, available, MIN, LOW, HIGH);
  }

  private PressureListener teller(String name) {
    return (zoneIndex, from, to) -> told.add(name + zoneIndex + from + to);
  }

  @Test
  void everyZoneBeginsWithoutPressure() {
    for (int zoneIndex = 0; zoneIndex < ZONES; zoneIndex++) {
      assertEquals(NONE, gauge.level(zoneIndex));
      assertEquals(0, gauge.since(zoneIndex));
      for (PressureLevel level : PressureLevel.values()) {
        assertEquals(0, gauge.entered(zoneIndex, level));
      }
    }
    assertEquals(NONE, gauge.worst());
    assertEquals(0, gauge.failures());
    assertNull(gauge.lastFailure());
  }

  @Test
  void aChangeIsToldOnceAndTheSameLevelNever() {
    gauge.register(teller("a"));
    assertEquals(NONE, observe(1, LOW));
    assertEquals(SOME, observe(1, LOW - 1));
    assertEquals(SOME, observe(1, HIGH - 1));
    assertEquals(FULL, observe(1, MIN - 1));
    assertEquals(FULL, observe(1, LOW - 1));
    assertEquals(SOME, observe(1, LOW));
    assertEquals(NONE, observe(1, HIGH));
    assertEquals(FULL, observe(1, 0));
    assertEquals(NONE, observe(1, HIGH));
    assertEquals(
        List.of("a1NONESOME", "a1SOMEFULL", "a1FULLSOME", "a1SOMENONE", "a1NONEFULL", "a1FULLNONE"),
        told);
  }

  @Test
  void zonesDoNotDisturbEachOther() {
    observe(0, 0);
    observe(2, LOW - 1);
    assertEquals(FULL, gauge.level(0));
    assertEquals(NONE, gauge.level(1));
    assertEquals(SOME, gauge.level(2));
    assertEquals(1, gauge.entered(0, FULL));
    assertEquals(0, gauge.entered(1, FULL));
    assertEquals(0, gauge.entered(1, SOME));
    assertEquals(1, gauge.entered(2, SOME));
  }

  @Test
  void theMachineIsAsBadAsItsWorstZone() {
    observe(1, LOW - 1);
    assertEquals(SOME, gauge.worst());
    observe(2, 0);
    assertEquals(FULL, gauge.worst());
    observe(1, HIGH);
    assertEquals(FULL, gauge.worst());
    observe(2, LOW);
    assertEquals(SOME, gauge.worst());
    observe(2, HIGH);
    assertEquals(NONE, gauge.worst());
    observe(0, 0);
    assertEquals(FULL, gauge.worst());
  }

  @Test
  void entriesAreCountedByLevel() {
    for (int i = 0; i < 5; i++) {
      observe(0, LOW - 1);
      observe(0, HIGH);
    }
    observe(0, 0);
    observe(0, LOW);
    assertEquals(5, gauge.entered(0, NONE));
    assertEquals(6, gauge.entered(0, SOME));
    assertEquals(1, gauge.entered(0, FULL));
  }

  @Test
  void aLevelIsKnownSinceTheClockOfItsChange() {
    gauge.advance(5);
    observe(0, LOW - 1);
    gauge.advance(9);
    observe(0, LOW - 1);
    observe(1, 0);
    assertEquals(5, gauge.since(0));
    assertEquals(9, gauge.since(1));
    assertEquals(0, gauge.since(2));
    gauge.advance(7);
    observe(0, HIGH);
    assertEquals(9, gauge.since(0));
    gauge.advance(Long.MAX_VALUE >> 2);
    observe(0, 0);
    assertEquals(Long.MAX_VALUE >> 2, gauge.since(0));
    assertEquals(FULL, gauge.level(0));
  }

  @Test
  void aClockOutOfRangeIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> gauge.advance(-1));
    assertThrows(IllegalArgumentException.class, () -> gauge.advance((Long.MAX_VALUE >> 2) + 1));
    gauge.advance(0);
    observe(0, 0);
    assertEquals(0, gauge.since(0));
  }

  @Test
  void allListenersAreToldInTheOrderOfTheirSlots() {
    PressureListener first = teller("a");
    PressureListener second = teller("b");
    assertTrue(gauge.register(first));
    assertTrue(gauge.register(second));
    observe(0, 0);
    assertTrue(gauge.unregister(first));
    assertFalse(gauge.unregister(first));
    observe(0, HIGH);
    assertTrue(gauge.register(teller("c")));
    observe(0, 0);
    assertEquals(
        List.of("a0NONEFULL", "b0NONEFULL", "b0FULLNONE", "c0NONEFULL", "b0NONEFULL"), told);
  }

  @Test
  void whoIsAddedTwiceIsToldTwice() {
    PressureListener listener = teller("a");
    gauge.register(listener);
    gauge.register(listener);
    observe(0, 0);
    assertEquals(2, told.size());
    assertTrue(gauge.unregister(listener));
    observe(0, HIGH);
    assertEquals(3, told.size());
    assertTrue(gauge.unregister(listener));
    assertFalse(gauge.unregister(listener));
  }

  @Test
  void sixteenListenersCanBeThere() {
    PressureListener last = teller("z");
    for (int i = 0; i < 15; i++) {
      assertTrue(gauge.register(teller("a")));
    }
    assertTrue(gauge.register(last));
    assertFalse(gauge.register(teller("b")));
    observe(0, 0);
    assertEquals(16, told.size());
    assertTrue(gauge.unregister(last));
    assertTrue(gauge.register(teller("b")));
  }

  @Test
  void aListenerThatThrowsIsCountedAndTheOthersAreTold() {
    RuntimeException first = new IllegalStateException("first");
    Error second = new AssertionError("second");
    gauge.register(teller("a"));
    gauge.register((_, _, _) -> {
      throw first;
    });
    gauge.register(teller("b"));
    assertEquals(SOME, observe(0, LOW - 1));
    assertEquals(1, gauge.failures());
    assertSame(first, gauge.lastFailure());
    gauge.register((_, _, _) -> {
      throw second;
    });
    assertEquals(FULL, observe(0, 0));
    assertEquals(3, gauge.failures());
    assertSame(second, gauge.lastFailure());
    assertEquals(List.of("a0NONESOME", "b0NONESOME", "a0SOMEFULL", "b0SOMEFULL"), told);
    assertEquals(FULL, gauge.level(0));
  }

  @Test
  void aListenerMayObserve() {
    gauge.register((zoneIndex, _, to) -> {
      if (to == FULL) {
        assertEquals(SOME, observe(zoneIndex, LOW));
        assertEquals(FULL, observe(zoneIndex + 1, 0));
      }
    });
    gauge.register(teller("a"));
    assertEquals(FULL, observe(1, 0));
    assertThrows(IndexOutOfBoundsException.class, () -> observe(3, 0));
    assertEquals(SOME, gauge.level(1));
    assertEquals(SOME, gauge.level(2));
    assertEquals(List.of("a1FULLSOME", "a2FULLSOME", "a2NONEFULL", "a1NONEFULL"), told);
    assertEquals(1, gauge.failures());
  }

  @Test
  void aListenerMayRegisterAndUnregister() {
    PressureListener late = teller("late");
    PressureListener once =
        new PressureListener() {
          @Override
          public void pressureChanged(int zoneIndex, PressureLevel from, PressureLevel to) {
            told.add("once");
            assertTrue(gauge.unregister(this));
            assertTrue(gauge.unregister(late));
          }
        };
    gauge.register(once);
    gauge.register(late);
    observe(0, 0);
    observe(0, HIGH);
    assertEquals(List.of("once"), told);
    gauge.register((_, _, _) -> {
      told.add("first");
      assertTrue(gauge.register(late));
    });
    observe(1, 0);
    assertEquals(List.of("once", "first", "late1NONEFULL"), told);
    assertEquals(0, gauge.failures());
  }

  @Test
  void theTotalsFollowFromAnyObservations() {
    SplitMix64 random = new SplitMix64(11);
    PressureLevel[] levels = {NONE, NONE, NONE};
    Map<String, Long> entered = new HashMap<>();
    long[] since = new long[ZONES];
    for (int step = 0; step < 20_000; step++) {
      int zoneIndex = random.below(ZONES);
      long available = random.below(HIGH + 10);
      gauge.advance(step);
      PressureLevel next = levels[zoneIndex].next(available, MIN, LOW, HIGH);
      if (next != levels[zoneIndex]) {
        entered.merge(zoneIndex + next.name(), 1L, Long::sum);
        since[zoneIndex] = step;
      }
      levels[zoneIndex] = next;
      assertEquals(next, observe(zoneIndex, available));
      assertEquals(next, gauge.level(zoneIndex));
      assertEquals(since[zoneIndex], gauge.since(zoneIndex));
      assertEquals(
          entered.getOrDefault(zoneIndex + next.name(), 0L), gauge.entered(zoneIndex, next));
    }
  }

  @Test
  void anObservationThatChangesNothingWritesNothing() {
    observe(0, LOW - 1);
    long byteSize = PressureGauge.byteSize(ZONES);
    Memory.copy(window.address(), window.address() + byteSize, byteSize);
    observe(0, LOW - 1);
    observe(0, HIGH - 1);
    observe(1, LOW);
    for (long at = 0; at < byteSize; at += Long.BYTES) {
      assertEquals(
          Memory.getLong(window.address() + byteSize + at), Memory.getLong(window.address() + at));
    }
  }

  @Test
  void aGaugeStaysWithinItsMemory() {
    assertEquals(128, PressureGauge.byteSize(1));
    assertEquals(256, PressureGauge.byteSize(ZONES));
    observe(2, 0);
    observe(2, LOW);
    observe(2, HIGH);
    for (long at = 256; at < 1024; at += Long.BYTES) {
      assertEquals(0, Memory.getLong(window.address() + at));
    }
  }

  @Test
  void zonesAndAddressesOutOfRangeAreRefused() {
    assertThrows(IndexOutOfBoundsException.class, () -> observe(-1, 0));
    assertThrows(IndexOutOfBoundsException.class, () -> observe(ZONES, 0));
    assertThrows(IndexOutOfBoundsException.class, () -> gauge.level(ZONES));
    assertThrows(IndexOutOfBoundsException.class, () -> gauge.since(ZONES));
    assertThrows(IndexOutOfBoundsException.class, () -> gauge.entered(ZONES, SOME));
    assertThrows(IllegalArgumentException.class, () -> PressureGauge.byteSize(0));
    long address = window.address();
    assertThrows(IllegalArgumentException.class, () -> new PressureGauge(address, 0));
    assertThrows(IllegalArgumentException.class, () -> new PressureGauge(address + 4, 1));
    assertEquals(NONE, new PressureGauge(address + 8, 1).worst());
  }
}
