package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.ZeroedWindows;
import dev.bifolio.kernel.platform.Memory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// What is noted of the calls that are under way.
class ShrinkCallsTest {
  private static final long THREAD = 1000;

  private final ZeroedWindows memory = new ZeroedWindows();
  private final long address = memory.reserve(2 * ShrinkCalls.byteSize());
  private final ShrinkCalls calls = new ShrinkCalls(address);

  @AfterEach
  void close() {
    memory.close();
  }

  @Test
  void thereIsARowForEachOfSixteenThreadsAndNoMore() {
    long[] rows = new long[ShrinkCalls.ROWS];
    for (int i = 0; i < ShrinkCalls.ROWS; i++) {
      assertFalse(calls.isInside(THREAD + i));
      rows[i] = calls.enter(THREAD + i);
      assertNotEquals(ShrinkCalls.NO_ROW, rows[i]);
      assertTrue(calls.isInside(THREAD + i));
    }
    assertEquals(ShrinkCalls.NO_ROW, calls.enter(THREAD + ShrinkCalls.ROWS));
    assertFalse(calls.isInside(THREAD + ShrinkCalls.ROWS));
    ShrinkCalls.leave(rows[5]);
    assertFalse(calls.isInside(THREAD + 5));
    assertEquals(rows[5], calls.enter(THREAD + ShrinkCalls.ROWS));
  }

  @Test
  void theMemoryBehindTheRowsIsNotTheirs() {
    long behind = address + ShrinkCalls.byteSize();
    Memory.putLong(behind, THREAD);
    assertFalse(calls.isInside(THREAD));
    Memory.putLong(behind, 0);
    for (int i = 0; i < ShrinkCalls.ROWS; i++) {
      long row = calls.enter(THREAD + i);
      for (int shrinker = 0; shrinker < Shrinkers.MOST_SHRINKERS; shrinker++) {
        ShrinkCalls.setCount(row, shrinker, THREAD + shrinker);
      }
    }
    assertEquals(ShrinkCalls.NO_ROW, calls.enter(THREAD));
    for (long at = 0; at < ShrinkCalls.byteSize(); at += Long.BYTES) {
      assertEquals(0, Memory.getLong(behind + at));
    }
    for (int i = 0; i < ShrinkCalls.ROWS; i++) {
      assertTrue(calls.isInside(THREAD + i), "a count lies over the thread of row " + i);
    }
  }

  @Test
  void eachShrinkerHasMarksAndACountOfItsOwn() {
    long row = calls.enter(THREAD);
    for (int shrinker : new int[] {0, 5, 31, 32, 63}) {
      ShrinkCalls.setDone(row, shrinker);
      assertTrue(ShrinkCalls.isDone(row, shrinker));
      assertFalse(ShrinkCalls.isPutOff(row, shrinker));
      ShrinkCalls.setCount(row, shrinker, 7 + shrinker);
    }
    for (int shrinker : new int[] {1, 6, 33, 62}) {
      ShrinkCalls.setPutOff(row, shrinker);
      assertTrue(ShrinkCalls.isPutOff(row, shrinker));
      assertFalse(ShrinkCalls.isDone(row, shrinker));
      assertEquals(0, ShrinkCalls.count(row, shrinker));
    }
    assertEquals(1L | 1L << 5 | 1L << 31 | 1L << 32 | 1L << 63, ShrinkCalls.done(row));
    assertEquals(1L << 1 | 1L << 6 | 1L << 33 | 1L << 62, ShrinkCalls.putOff(row));
    assertEquals(7 + 63, ShrinkCalls.count(row, 63));
    ShrinkCalls.admitPutOff(row);
    assertEquals(0, ShrinkCalls.putOff(row));
    assertTrue(ShrinkCalls.isDone(row, 5), "what is done with stays so");
    assertFalse(ShrinkCalls.isDone(row, 6));
  }

  @Test
  void aCallWaitsAHundredTurnsAndTheNextOneInItsRowAgain() {
    for (int call = 0; call < 2; call++) {
      long row = calls.enter(THREAD);
      for (int turn = 0; turn < ShrinkCalls.WAIT_TURNS; turn++) {
        assertTrue(ShrinkCalls.mayWait(row), "turn " + turn);
      }
      assertFalse(ShrinkCalls.mayWait(row));
      assertFalse(ShrinkCalls.mayWait(row));
      ShrinkCalls.leave(row);
    }
  }

  @Test
  void aRowThatIsUsedAgainKnowsNothingOfTheCallBefore() {
    long row = calls.enter(THREAD);
    ShrinkCalls.setDone(row, 3);
    ShrinkCalls.setPutOff(row, 4);
    ShrinkCalls.leave(row);
    assertEquals(row, calls.enter(THREAD + 1));
    assertEquals(0, ShrinkCalls.done(row));
    assertEquals(0, ShrinkCalls.putOff(row));
    assertTrue(calls.isInside(THREAD + 1));
  }
}
