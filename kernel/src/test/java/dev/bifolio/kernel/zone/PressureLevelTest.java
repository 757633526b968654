package dev.bifolio.kernel.zone;

import static dev.bifolio.kernel.zone.PressureLevel.FULL;
import static dev.bifolio.kernel.zone.PressureLevel.NONE;
import static dev.bifolio.kernel.zone.PressureLevel.SOME;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

/// The table of transitions, at every border.
class PressureLevelTest {
  private static final long MIN = 100;
  private static final long LOW = 125;
  private static final long HIGH = 150;

  private static void assertNext(
      long available, PressureLevel fromNone, PressureLevel fromSome, PressureLevel fromFull) {
    assertEquals(fromNone, NONE.next(available, MIN, LOW, HIGH), "NONE at " + available);
    assertEquals(fromSome, SOME.next(available, MIN, LOW, HIGH), "SOME at " + available);
    assertEquals(fromFull, FULL.next(available, MIN, LOW, HIGH), "FULL at " + available);
  }

  @Test
  void belowMinEveryLevelIsFull() {
    assertNext(-1, FULL, FULL, FULL);
    assertNext(0, FULL, FULL, FULL);
    assertNext(MIN - 1, FULL, FULL, FULL);
  }

  @Test
  void fromMinToLowOnlyFullStaysFull() {
    assertNext(MIN, SOME, SOME, FULL);
    assertNext(LOW - 1, SOME, SOME, FULL);
  }

  @Test
  void fromLowToHighOnlyNoneStaysNone() {
    assertNext(LOW, NONE, SOME, SOME);
    assertNext(HIGH - 1, NONE, SOME, SOME);
  }

  @Test
  void fromHighOnThereIsNoPressure() {
    assertNext(HIGH, NONE, NONE, NONE);
    assertNext(Long.MAX_VALUE, NONE, NONE, NONE);
  }

  @Test
  void anEmptyZoneIsUnderNoPressure() {
    assertEquals(NONE, NONE.next(0, 0, 0, 0));
  }

  @Test
  void threeLevelsAscend() {
    assertEquals(PressureLevel.COUNT, PressureLevel.values().length);
    assertEquals(-1, Integer.signum(NONE.compareTo(SOME)));
    assertEquals(-1, Integer.signum(SOME.compareTo(FULL)));
  }
}
