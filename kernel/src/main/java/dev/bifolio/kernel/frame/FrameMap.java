package dev.bifolio.kernel.frame;

import dev.bifolio.kernel.platform.Cpu;
import dev.bifolio.kernel.unit.Pages;

/// Reads what the frames of an allocator are, and takes free ones by name without waiting: what a
/// compaction needs to know, of both allocators in the same words.
///
/// The answer to "what is at this frame" is a *stretch*, one number that holds a state and an end:
///
/// ```
///   pfn ─►│ F  F  F │ H  t  t  t │ C │ .  .          stateOf(stretchAt(pfn)), endOf(…)
///         └─ FREE ──┴─ HEAD, the ┴─ CACHED ┴─ ABSENT
///            at least   whole run
/// ```
///
/// Exact when nobody allocates or frees; otherwise a moment's impression, to be proved by taking
/// the frame. Over a [HybridAllocator] any thread; over a [BuddyAllocator] the one that may use it.
/// No Java objects. A stretch costs some ten loads.
public final class FrameMap {
  /// Never handed over: a hole, reserved, or beyond the span.
  public static final int ABSENT = FrameStates.ABSENT;

  /// Free, and the frames up to the end too; those behind it may be free as well.
  public static final int FREE = FrameStates.FREE;

  /// The first frame of a block or run that is allocated; the end is its exact end.
  public static final int HEAD = FrameStates.HEAD;

  /// A frame behind the first of something allocated or cached; the end is at most its end.
  public static final int TAIL = FrameStates.TAIL;

  /// The first frame of what waits in a cache; the end is its exact end.
  public static final int CACHED = FrameStates.CACHED;

  private static final int END_SHIFT = 3;

  private final FrameAllocator allocator;

  /// A reader of an allocator.
  ///
  /// @param allocator one that is initialised
  public FrameMap(FrameAllocator allocator) {
    this.allocator = allocator;
  }

  /// The allocator that is read.
  ///
  /// @return as given
  public FrameAllocator allocator() {
    return allocator;
  }

  /// The state in a stretch.
  ///
  /// @param stretch of [#stretchAt(long)]
  /// @return [#ABSENT], [#FREE], [#HEAD], [#TAIL] or [#CACHED]
  public static int stateOf(long stretch) {
    return (int) stretch & 7;
  }

  /// Where a stretch ends.
  ///
  /// @param stretch of [#stretchAt(long)]
  /// @return exclusive end, a pfn above the one that was asked for
  public static long endOf(long stretch) {
    return stretch >>> END_SHIFT;
  }

  private static long stretch(int state, long endPfn) {
    return endPfn << END_SHIFT | state;
  }

  /// What begins at a frame or covers it.
  ///
  /// @param pfn 0 … 2^60
  /// @return a stretch, for [#stateOf(long)] and [#endOf(long)]
  public long stretchAt(long pfn) {
    if (pfn < allocator.startPfn() || pfn >= allocator.endPfn()) {
      return stretch(ABSENT, pfn + 1);
    }
    return switch (allocator) {
      case HybridAllocator hybrid -> ofHybrid(hybrid.core.states, pfn, hybrid.endPfn());
      case BuddyAllocator buddy -> ofBuddy(buddy.frames, pfn);
    };
  }

  private static long ofHybrid(FrameStates states, long pfn, long endPfn) {
    long found = states.look(pfn);
    int state = FrameStates.stateIn(found);
    boolean isFirst = state == HEAD || state == CACHED;
    return isFirst ? stretch(state, pfn + states.frameCountAt(pfn, endPfn)) : found;
  }

  private static long ofBuddy(FrameDescriptors frames, long pfn) {
    long head = frames.headOf(pfn);
    if (head < 0) {
      return stretch(ABSENT, pfn + 1);
    }
    boolean free = frames.state(head) == FrameDescriptors.FREE;
    int state = free ? FREE : head == pfn ? HEAD : TAIL;
    return stretch(state, head + frames.frameCount(head));
  }

  /// The state of one frame.
  ///
  /// @param pfn 0 … 2^60
  /// @return [#ABSENT], [#FREE], [#HEAD], [#TAIL] or [#CACHED]
  public int stateAt(long pfn) {
    return stateOf(stretchAt(pfn));
  }

  /// The exact length of what is allocated from a frame on.
  ///
  /// @param pfn 0 … 2^60
  /// @return frames; 0 if no allocated block or run begins here
  public long frameCountAt(long pfn) {
    long found = stretchAt(pfn);
    return stateOf(found) == HEAD ? endOf(found) - pfn : 0;
  }

  /// How many frames of an area of 512 are neither free nor absent; cached ones count as allocated.
  ///
  /// @param areaPfn its first frame, a multiple of 512
  /// @return 0 … 512
  public int allocatedFramesIn(long areaPfn) {
    long areaEnd = areaPfn + Pages.orderToFrames(Pages.HUGE_ORDER);
    int allocated = 0;
    for (long pfn = areaPfn; pfn < areaEnd; ) {
      long found = stretchAt(pfn);
      long end = Math.min(endOf(found), areaEnd);
      if (stateOf(found) != FREE && stateOf(found) != ABSENT) {
        allocated += (int) (end - pfn);
      }
      pfn = end;
    }
    return allocated;
  }

  /// Takes a range as [FrameAllocator#allocateRange] does, if all of it is free now and within
  /// reach: nothing is called back and nobody is waited for, so that to fail is cheap. A failure is
  /// in no counter.
  ///
  /// @param startPfn first frame
  /// @param frameCount 1 or more
  /// @param flags [AllocationFlags]
  /// @return whether the frames are the caller's now; if not, nothing has changed
  public boolean takeNow(long startPfn, long frameCount, int flags) {
    if (!looksFree(startPfn, frameCount)) {
      return false;
    }
    return switch (allocator) {
      case HybridAllocator hybrid ->
          hybrid.places.takeRangeNow(Cpu.current(), startPfn, frameCount, flags, hybrid.maxOrder());
      case BuddyAllocator buddy -> buddy.tryAllocateRange(startPfn, frameCount, flags) == startPfn;
    };
  }

  /// Frees a block or run as [FrameAllocator#freeFrames] does, but past the caches: the memory
  /// around it is whole at once. A mistake is in no counter.
  ///
  /// @param pfn its first frame
  /// @param frameCount the count it was allocated with
  /// @return whether it was allocated in just this size; if not, nothing has changed
  public boolean freeNow(long pfn, long frameCount) {
    return switch (allocator) {
      case HybridAllocator hybrid -> {
        boolean legal = hybrid.core.isRun(pfn, frameCount);
        if (legal) {
          hybrid.places.freePastCaches(pfn, frameCount);
        }
        yield legal;
      }
      case BuddyAllocator buddy ->
          buddy.frames.isAllocatedRun(pfn, frameCount) && buddy.tryFreeFrames(pfn, frameCount) == 0;
    };
  }

  private boolean looksFree(long startPfn, long frameCount) {
    if (frameCount < 1 || frameCount > allocator.endPfn() - startPfn) {
      return false;
    }
    for (long pfn = startPfn; pfn < startPfn + frameCount; ) {
      long found = stretchAt(pfn);
      if (stateOf(found) != FREE) {
        return false;
      }
      pfn = endOf(found);
    }
    return true;
  }
}
