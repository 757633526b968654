package dev.bifolio.stress;

import java.util.concurrent.atomic.AtomicLongArray;

/// How many frames all threads of a [Storm] together may have had at any moment of a request: tells
/// whether a request that found nothing said the truth.
///
/// Each thread counts the frames that it began to ask for, and those that it has freed; both only
/// grow. At every moment of a request no more are in use than were ever asked for until its end,
/// less what had been freed before its beginning. If that, and what idle owners of caches may
/// withhold, is less than there is, a single frame was free all the time.
///
/// Any thread, under its own number.
final class UsageBound {
  /// A line of memory for each counter.
  private static final int STRIDE = 16;

  private final int threadCount;
  private final long availableFrames;
  private final AtomicLongArray counters;

  /// @param availableFrames the managed frames but for those that may be withheld
  UsageBound(int threadCount, long availableFrames) {
    this.threadCount = threadCount;
    this.availableFrames = availableFrames;
    counters = new AtomicLongArray((2 * threadCount + 1) * STRIDE);
  }

  private static int asked(int id) {
    return (2 * id + 1) * STRIDE;
  }

  private static int freed(int id) {
    return (2 * id + 2) * STRIDE;
  }

  /// A request begins.
  ///
  /// @return for [#foundNothing]
  long beginsToTake(int id, long frameCount) {
    long freedBefore = 0;
    for (int i = 0; i < threadCount; i++) {
      freedBefore += counters.get(freed(i));
    }
    counters.getAndAdd(asked(id), frameCount);
    return freedBefore;
  }

  void freed(int id, long frameCount) {
    counters.getAndAdd(freed(id), frameCount);
  }

  /// A request has failed.
  ///
  /// @param single whether any free frame could have served it
  void foundNothing(int id, long frameCount, boolean single, long freedBefore) {
    long used = -freedBefore - frameCount;
    for (int i = 0; i < threadCount; i++) {
      used += counters.get(asked(i));
    }
    if (single && used < availableFrames) {
      throw new AssertionError(
          "a frame was not found though at most "
              + used
              + " of "
              + availableFrames
              + " were in use");
    }
    freed(id, frameCount);
  }
}
