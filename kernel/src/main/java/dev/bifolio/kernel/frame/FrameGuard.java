package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.unit.FrameRequestException;
import org.jspecify.annotations.Nullable;

/// A run of frames that is freed when its scope ends, for `try` with resources at the edge of the
/// system. Creates an object; hot paths free by hand.
///
/// ```
/// try (FrameGuard guard = FrameGuard.allocate(frames, 4, AllocationFlags.NONE)) {
///   if (guard == null) {
///     return false;             // exhausted: nothing to free
///   }
///   use(guard.startPfn(), guard.frameCount());
///   keep = guard.leak();        // from here on the frames are the caller's again
/// }
/// ```
///
/// For one thread at a time, whatever the allocator allows.
public final class FrameGuard implements AutoCloseable {
  private final FrameAllocator allocator;
  private final long startPfn;
  private final long frameCount;
  private boolean armed = true;

  private FrameGuard(FrameAllocator allocator, long startPfn, long frameCount) {
    this.allocator = allocator;
    this.startPfn = startPfn;
    this.frameCount = frameCount;
  }

  /// Allocates a run and guards it.
  ///
  /// @param allocator where from, and where to
  /// @param frameCount 1 … 2^[FrameAllocator#maxOrder()]
  /// @param flags [AllocationFlags]
  /// @return the guard, or null if there is no memory; a null resource is legal and is not closed
  /// @throws FrameRequestException if the count is zero, negative or too large
  public static @Nullable FrameGuard allocate(
      FrameAllocator allocator, long frameCount, int flags) {
    long pfn = allocator.allocateFrames(frameCount, flags);
    return pfn == FrameAllocator.NO_FRAME ? null : new FrameGuard(allocator, pfn, frameCount);
  }

  /// The first frame of the run.
  ///
  /// @return a pfn, also after the guard was closed or disarmed
  public long startPfn() {
    return startPfn;
  }

  /// The run's length.
  ///
  /// @return a count
  public long frameCount() {
    return frameCount;
  }

  /// Disarms the guard: the frames stay allocated, and the caller frees them with
  /// [FrameAllocator#freeFrames(long, long)].
  ///
  /// @return the first frame
  /// @throws IllegalStateException if the frames are not the guard's any more
  public long leak() {
    if (!armed) {
      throw new IllegalStateException("the frames were freed or leaked already");
    }
    armed = false;
    return startPfn;
  }

  /// Frees the run, once; does nothing if it was freed or leaked before.
  ///
  /// @throws FrameRequestException if somebody else has freed it
  @Override
  public void close() {
    if (armed) {
      armed = false;
      allocator.freeFrames(startPfn, frameCount);
    }
  }
}
