package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import dev.bifolio.kernel.unit.FrameError;
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
  private long served;
  private long failed;
  private long peak;
  private long taken;

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
  void taken(long pfn, long frameCount) {
    int order = Math.max(0, Long.SIZE - Long.numberOfLeadingZeros(frameCount - 1));
    if (pfn == FrameAllocator.NO_FRAME) {
      failed++;
      List<Long> blocks = freeBlocks();
      for (int larger = order; larger <= maxOrder; larger++) {
        assertEquals(0, blocks.get(larger), "refused, though there is a block of order " + larger);
      }
      return;
    }
    assertEquals(0, pfn % (1L << order), "alignment of " + pfn);
    Run run = new Run(pfn, frameCount);
    for (long frame = pfn; frame < pfn + frameCount; frame++) {
      assertEquals(FREE, ownerOf(frame), "owner of " + frame);
      owners[(int) (frame - startPfn)] = run;
    }
    live.add(run);
    served++;
    taken += frameCount;
    free -= frameCount;
    peak = Math.max(peak, managed - free);
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

  long served() {
    return served;
  }

  long failed() {
    return failed;
  }

  long peak() {
    return peak;
  }

  long framesEverTaken() {
    return taken;
  }
}
