package dev.bifolio.kernel.zone;

import dev.bifolio.kernel.frame.FrameStatistics;
import dev.bifolio.kernel.frame.ValidationReport;
import dev.bifolio.kernel.unit.AddressRange;
import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;

/// The banks of one zone as one source of frames, for any thread. Arguments of allocations have
/// been checked; a request that finds nothing is not counted, since another zone may serve it.
sealed interface ZoneMemory permits ConcurrentMemory, LockedMemory {
  /// A block of a legal order, or [dev.bifolio.kernel.frame.FrameAllocator#NO_FRAME].
  long take(int cpu, int order, int flags);

  /// A run of a legal count.
  long takeFrames(int cpu, long frameCount, int flags);

  /// A run in a certain place, which any legal boundary leaves whole.
  long takeWithin(int cpu, long frameCount, int flags, long alignmentFrames, long maxPfn);

  /// Certain frames; OUT_OF_RANGE if not all of them are managed here.
  long takeRange(int cpu, long startPfn, long frameCount, int flags);

  /// Single frames for entries of an array that are there; how many it got.
  int takeBulk(int cpu, long[] pfns, int offset, int count, int flags);

  /// A legal request that no zone could serve.
  void countFailure(long frameCount, boolean placed);

  /// An illegal request.
  void countRefusal();

  /// An illegal free of frames that no zone has.
  void countRefusedFree();

  long tryFreeFrames(long pfn, long frameCount);

  long tryFreeRange(long startPfn, long frameCount);

  /// Frees a run or says what is wrong.
  void freeFrames(long pfn, long frameCount);

  void splitFrames(long pfn, long frameCount);

  /// Hands frames over to the bank that spans them; nobody may allocate or free meanwhile.
  long addFrames(long startPfn, long endPfn);

  /// Frames that are free or cached.
  long availableFrames();

  long drainCaches();

  FrameStatistics statistics();

  void resetCounters();

  ValidationReport validate(boolean insideBlocks);

  static FrameRequestException outside(long pfn) {
    return new FrameRequestException(
        FrameError.OUT_OF_RANGE,
        "expected a frame of RAM, found " + AddressRange.hex(pfn) + ", which no bank spans");
  }
}
