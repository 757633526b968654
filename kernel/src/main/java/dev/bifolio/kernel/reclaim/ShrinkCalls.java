package dev.bifolio.kernel.reclaim;

import dev.bifolio.kernel.platform.Cpu;
import dev.bifolio.kernel.platform.Memory;

/// Notes of the calls of [Shrinkers#shrink] that are under way: who calls, which shrinkers are done
/// with, how long it may still wait, and what each shrinker said it has.
///
/// ```
///   row of 576 bytes:   0  thread   8  done with, a bit a shrinker   16  turns it may still wait
///                      24  put off, a bit a shrinker                 64  count of each shrinker
/// ```
///
/// A row is taken by a compare-and-set of the thread's id. That a thread is in one already tells
/// that its call comes out of a shrinker or a count; that all are taken bounds how many threads
/// reclaim at a time.
final class ShrinkCalls {
  static final int ROWS = 16;
  static final long NO_ROW = 0;

  private static final long ROW_BYTES = 64 + 64 * Long.BYTES;
  static final int WAIT_TURNS = 100;
  private static final int SPINS = 80;

  private final long address;

  ShrinkCalls(long address) {
    this.address = address;
  }

  static long byteSize() {
    return ROWS * ROW_BYTES;
  }

  /// Whether a thread is in a call already.
  boolean isInside(long thread) {
    for (int row = 0; row < ROWS; row++) {
      if (Memory.getLongVolatile(row(row)) == thread) {
        return true;
      }
    }
    return false;
  }

  /// Takes a row; waits a bounded time for one.
  ///
  /// @return its address, or [#NO_ROW]
  long enter(long thread) {
    for (int turn = 0; turn < WAIT_TURNS; turn++) {
      for (int i = 0; i < ROWS; i++) {
        long row = row(i);
        if (Memory.compareAndSetLong(row, 0, thread)) {
          Memory.putLong(row + 8, 0);
          Memory.putLong(row + 16, WAIT_TURNS);
          Memory.putLong(row + 24, 0);
          return row;
        }
      }
      pause(turn);
    }
    return NO_ROW;
  }

  static void leave(long row) {
    Memory.putLongRelease(row, 0);
  }

  static long done(long row) {
    return Memory.getLong(row + 8);
  }

  static boolean isDone(long row, int shrinker) {
    return ((done(row) >>> shrinker) & 1) != 0;
  }

  static void setDone(long row, int shrinker) {
    Memory.putLong(row + 8, done(row) | (1L << shrinker));
  }

  static long putOff(long row) {
    return Memory.getLong(row + 24);
  }

  static void setPutOff(long row, int shrinker) {
    Memory.putLong(row + 24, putOff(row) | (1L << shrinker));
  }

  static boolean isPutOff(long row, int shrinker) {
    return ((putOff(row) >>> shrinker) & 1) != 0;
  }

  /// Those that were put off have their turn after all: none of them was asked yet.
  static void admitPutOff(long row) {
    Memory.putLong(row + 24, 0);
  }

  /// Waits one turn, if the call may still wait.
  static boolean mayWait(long row) {
    long left = Memory.getLong(row + 16);
    if (left == 0) {
      return false;
    }
    Memory.putLong(row + 16, left - 1);
    pause((int) (WAIT_TURNS - left));
    return true;
  }

  static void pause(int turn) {
    if (turn < SPINS) {
      Cpu.relax(turn);
    } else {
      Cpu.rest();
    }
  }

  static long count(long row, int shrinker) {
    return Memory.getLong(row + 64 + (long) shrinker * Long.BYTES);
  }

  static void setCount(long row, int shrinker, long count) {
    Memory.putLong(row + 64 + (long) shrinker * Long.BYTES, count);
  }

  private long row(int row) {
    return address + row * ROW_BYTES;
  }
}
