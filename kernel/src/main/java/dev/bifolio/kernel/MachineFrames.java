package dev.bifolio.kernel;

import dev.bifolio.kernel.frame.FrameStatistics;
import dev.bifolio.kernel.frame.ValidationReport;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;

/// All banks of a machine as one source of frames, for any thread. A request that one bank refuses
/// and another serves is one request and no failure. Requests and answers are those of
/// [dev.bifolio.kernel.frame.FrameAllocator].
sealed interface MachineFrames permits LockedFrames, ConcurrentFrames {
  long tryAllocate(int order, int flags);

  long tryAllocateFrames(long frameCount, int flags);

  long tryAllocateFramesWithin(
      long frameCount, int flags, long alignmentFrames, long maxPfn, long boundaryFrames);

  long tryAllocateRange(long startPfn, long frameCount, int flags);

  long tryFree(long pfn, int order);

  long tryFreeFrames(long pfn, long frameCount);

  long tryFreeRange(long startPfn, long frameCount);

  /// Frees a block of a legal order or says what is wrong.
  void free(long pfn, int order);

  /// Frees a run or says what is wrong.
  void freeFrames(long pfn, long frameCount);

  void splitFrames(long pfn, long frameCount);

  /// Fills entries of an array with single frames, and tells how many it could get. The entries are
  /// there.
  default int allocateBulk(long[] pfns, int offset, int count, int flags) {
    int got = 0;
    while (got < count) {
      long pfn = tryAllocate(0, flags);
      if (pfn < 0) {
        break;
      }
      pfns[offset + got] = pfn;
      got++;
    }
    return got;
  }

  /// Frees entries of an array up to the first mistake, which is told with its index. The entries
  /// are there.
  default void freeBulk(long[] pfns, int offset, int count) {
    for (int i = offset; i < offset + count; i++) {
      long result = tryFree(pfns[i], 0);
      if (result != 0) {
        throw new FrameRequestException(
            FrameError.of(result),
            "entry "
                + i
                + ", frame "
                + AddressRange.hex(pfns[i])
                + ": expected an allocated single frame, found something else");
      }
    }
  }

  /// Hands frames over to the bank that spans them.
  long addFrames(long startPfn, long endPfn);

  long drainCaches();

  /// Frames of a node, or of all if negative, that are free.
  long freeFrameCount(int nodeIndex);

  /// Frames of a node, or of all if negative, that wait in caches.
  long cachedFrameCount(int nodeIndex);

  /// Free blocks of an order in a node, or in all if negative.
  long freeBlockCount(int nodeIndex, int order);

  FrameStatistics statistics();

  void resetCounters();

  ValidationReport validate(boolean insideBlocks);

  static FrameRequestException outside(long pfn) {
    return new FrameRequestException(
        FrameError.OUT_OF_RANGE,
        "expected a frame of RAM, found " + AddressRange.hex(pfn) + ", which no bank spans");
  }
}
