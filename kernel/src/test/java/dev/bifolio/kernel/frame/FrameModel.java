package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.Pages;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// An independent model of a frame allocator: one owner per frame, and a list of what is live.
///
/// It places nothing itself. It takes note of where the allocator placed something, and objects if
/// a frame has an owner already, the place is not aligned, or a request failed that could have been
/// served: after eager joining the free blocks follow from the free frames alone.
final class FrameModel {
  record Run(long pfn, long frameCount) {}

  private static final Run NOBODY = new Run(-1, 0);
  private static final Run FREE = new Run(-2, 0);

  private final int maxOrder;
  private final long startPfn;
  private final Run[] owners;
  private final List<Run> live = new ArrayList<>();
  private long free;
  private long managed;
  private final List<Run> ranges = new ArrayList<>();
  private long illegal;
  private long peak;
  private final long[][] servedOf = new long[Pages.MAX_ORDER + 1][AllocationFlags.KIND_COUNT];
  private final long[] freedOf = new long[Pages.MAX_ORDER + 1];
  private final long[] failedOf = new long[Pages.MAX_ORDER + 1];

  FrameModel(int maxOrder, long startPfn, long frameCount) {
    this.maxOrder = maxOrder;
    this.startPfn = startPfn;
    owners = new Run[(int) frameCount];
    Arrays.fill(owners, NOBODY);
  }

  long add(long start, long end) {
    long added = 0;
    for (long pfn = start; pfn < end; pfn++) {
      if (ownerOf(pfn).equals(NOBODY)) {
        owners[(int) (pfn - startPfn)] = FREE;
        added++;
      }
    }
    free += added;
    managed += added;
    return added;
  }

  /// The allocator answered a request.
  void taken(long pfn, long frameCount, int flags) {
    int order = Pages.framesToOrderUp(frameCount);
    if (pfn == FrameAllocator.NO_FRAME) {
      noteFailure(order);
      List<Long> blocks = freeBlocks();
      for (int larger = order; larger <= maxOrder; larger++) {
        assertEquals(0, blocks.get(larger), "refused, though there is a block of order " + larger);
      }
      return;
    }
    assertEquals(0, pfn % (1L << order), "alignment of " + pfn);
    own(new Run(pfn, frameCount), flags);
  }

  /// The allocator answered a request for a place below a limit.
  void takenWithin(long pfn, long frameCount, int flags, long alignmentFrames, long maxPfn) {
    int order = Pages.framesToOrderUp(frameCount);
    long unit = Math.max(1L << order, alignmentFrames);
    if (pfn == FrameAllocator.NO_FRAME) {
      noteFailure(order);
      for (long place = (startPfn + unit - 1) & -unit;
          place <= maxPfn - (frameCount - 1) && place + unit <= startPfn + owners.length;
          place += unit) {
        assertFalse(allFree(place, place + unit), "refused, though " + place + " is free");
      }
      return;
    }
    assertEquals(0, pfn % unit, "alignment of " + pfn);
    assertTrue(pfn + frameCount - 1 <= maxPfn, pfn + " is beyond " + maxPfn);
    own(new Run(pfn, frameCount), flags);
  }

  /// What a request for just these frames must answer. If they are free, the model takes them.
  long expectedRange(long start, long frameCount, int flags) {
    boolean free = true;
    for (long frame = start; frame < start + frameCount; frame++) {
      if (ownerOf(frame).equals(NOBODY)) {
        illegal++;
        return FrameError.OUT_OF_RANGE.code();
      }
      free &= ownerOf(frame).equals(FREE);
    }
    if (!free) {
      noteFailure(Math.min(maxOrder, Pages.framesToOrderUp(frameCount)));
      return FrameAllocator.NO_FRAME;
    }
    carve(start, frameCount).forEach(piece -> own(piece, flags));
    ranges.add(new Run(start, frameCount));
    return start;
  }

  /// What a free of a whole range must answer. If it is legal, the model frees it too.
  long expectedFreeRange(Run range) {
    for (long frame = range.pfn; frame < range.pfn + range.frameCount; frame++) {
      if (ownerOf(frame).equals(NOBODY)) {
        return FrameError.OUT_OF_RANGE.code();
      }
    }
    List<Run> pieces = carve(range.pfn, range.frameCount);
    for (Run piece : pieces) {
      Run owner = ownerOf(piece.pfn);
      if (!owner.equals(piece)) {
        return owner.equals(FREE)
            ? FrameError.NOT_ALLOCATED.code()
            : FrameError.SIZE_MISMATCH.code();
      }
    }
    pieces.forEach(live::remove);
    pieces.forEach(this::setFree);
    return 0;
  }

  /// The largest aligned blocks of a range, found by trying.
  private List<Run> carve(long start, long frameCount) {
    List<Run> pieces = new ArrayList<>();
    for (long pfn = start; pfn < start + frameCount; ) {
      long length = 1L << maxOrder;
      while (pfn % length != 0 || pfn + length > start + frameCount) {
        length /= 2;
      }
      pieces.add(new Run(pfn, length));
      pfn += length;
    }
    return pieces;
  }

  /// A range that was taken once; some of it may have been freed since.
  Run range(int pick) {
    return ranges.get(pick % ranges.size());
  }

  int rangeCount() {
    return ranges.size();
  }

  /// Up to `most` live single frames.
  List<Run> singles(int pick, int most) {
    return live.stream()
        .skip(pick % (live.size() + 1))
        .filter(r -> r.frameCount == 1)
        .limit(most)
        .toList();
  }

  private void own(Run run, int flags) {
    for (long frame = run.pfn; frame < run.pfn + run.frameCount; frame++) {
      assertEquals(FREE, ownerOf(frame), "owner of " + frame);
      owners[(int) (frame - startPfn)] = run;
    }
    live.add(run);
    servedOf[Pages.framesToOrderUp(run.frameCount)][AllocationFlags.kindOf(flags)]++;
    free -= run.frameCount;
    peak = Math.max(peak, managed - free);
  }

  private void noteFailure(int order) {
    failedOf[order]++;
  }

  Run live(int pick) {
    return live.get(pick % live.size());
  }

  Run giveBack(int pick) {
    Run run = live.remove(pick % live.size());
    setFree(run);
    return run;
  }

  /// The run becomes single frames.
  Run split(int pick) {
    Run run = live.remove(pick % live.size());
    for (long frame = run.pfn; frame < run.pfn + run.frameCount; frame++) {
      Run single = new Run(frame, 1);
      owners[(int) (frame - startPfn)] = single;
      live.add(single);
    }
    return run;
  }

  /// What a free must answer. If it is legal, the model frees it too.
  long expectedFree(long pfn, long frameCount) {
    Run first = ownerOf(pfn);
    if (first.equals(NOBODY) || ownerOf(pfn + frameCount - 1).equals(NOBODY)) {
      return FrameError.OUT_OF_RANGE.code();
    }
    if (first.equals(FREE)) {
      return FrameError.NOT_ALLOCATED.code();
    }
    if (!first.equals(new Run(pfn, frameCount))) {
      return FrameError.SIZE_MISMATCH.code();
    }
    live.remove(first);
    setFree(first);
    return 0;
  }

  private void setFree(Run run) {
    for (long frame = run.pfn; frame < run.pfn + run.frameCount; frame++) {
      assertNotEquals(FREE, ownerOf(frame));
      owners[(int) (frame - startPfn)] = FREE;
    }
    free += run.frameCount;
    freedOf[Pages.framesToOrderUp(run.frameCount)]++;
  }

  private Run ownerOf(long pfn) {
    return pfn < startPfn || pfn >= startPfn + owners.length
        ? NOBODY
        : owners[(int) (pfn - startPfn)];
  }

  /// Free blocks per order: the largest aligned ones that the free frames allow.
  List<Long> freeBlocks() {
    Long[] blocks = new Long[maxOrder + 1];
    Arrays.fill(blocks, 0L);
    long end = startPfn + owners.length;
    for (long pfn = startPfn; pfn < end; ) {
      if (!ownerOf(pfn).equals(FREE)) {
        pfn++;
        continue;
      }
      int order = 0;
      while (order < maxOrder
          && pfn % (2L << order) == 0
          && allFree(pfn + (1L << order), pfn + (2L << order))) {
        order++;
      }
      blocks[order]++;
      pfn += 1L << order;
    }
    assertFalse(blocks.length == 0);
    return List.of(blocks);
  }

  private boolean allFree(long start, long end) {
    for (long pfn = start; pfn < end; pfn++) {
      if (!ownerOf(pfn).equals(FREE)) {
        return false;
      }
    }
    return true;
  }

  int liveCount() {
    return live.size();
  }

  long freeFrames() {
    return free;
  }

  long managedFrames() {
    return managed;
  }

  long peak() {
    return peak;
  }

  /// Compares all counts of requests with what the allocator counted.
  void compareCounts(FrameAllocator allocator) {
    long served = 0;
    long freed = 0;
    long failed = illegal;
    for (int order = 0; order <= maxOrder; order++) {
      for (int kind = 0; kind < AllocationFlags.KIND_COUNT; kind++) {
        assertEquals(servedOf[order][kind], allocator.allocationCount(order, kind));
        served += servedOf[order][kind];
      }
      assertEquals(freedOf[order], allocator.freeCount(order), "frees of order " + order);
      assertEquals(failedOf[order], allocator.failureCount(order), "failures of order " + order);
      freed += freedOf[order];
      failed += failedOf[order];
    }
    FrameStatistics statistics = allocator.statistics();
    assertEquals(served, statistics.allocations());
    assertEquals(freed, statistics.frees());
    assertEquals(failed, statistics.failures());
    assertEquals(served + failed, statistics.requests());
  }

  /// Maximal runs of free frames.
  long freeRuns() {
    long runs = 0;
    for (int i = 0; i < owners.length; i++) {
      if (owners[i].equals(FREE) && (i == 0 || !owners[i - 1].equals(FREE))) {
        runs++;
      }
    }
    return runs;
  }
}
