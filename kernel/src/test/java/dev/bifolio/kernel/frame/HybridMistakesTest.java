package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// The sentence of a refused free says what was expected and what is there.
class HybridMistakesTest extends HybridParts {
  private static final long START = 0x1000;
  private static final long END = 0x3000;

  private HybridCore core;

  @BeforeEach
  void aSpanWithAHole() {
    core = span(1, START, END);
    handOver(core, START, 0x2000);
    handOver(core, 0x2100, END);
  }

  private void assertSays(FrameError error, String said, long pfn, long frameCount) {
    FrameRequestException thrown =
        HybridMistakes.run(error, pfn, frameCount, core.states, START, END);
    assertEquals(error, thrown.error());
    assertEquals(error.text() + ": " + said, thrown.getMessage());
  }

  @Test
  void aCountOfNothing() {
    assertSays(
        FrameError.ZERO_ALLOCATION,
        "frame 0x1000: expected a count of 1 or more, found -7",
        START,
        -7);
  }

  @Test
  void aFrameOutsideTheSpan() {
    for (long pfn : new long[] {START - 1, END}) {
      assertSays(
          FrameError.OUT_OF_RANGE,
          "frame 0x"
              + Long.toHexString(pfn)
              + ": expected the first of 3 allocated frames, found a frame outside the span"
              + " 0x1000 to 0x3000",
          pfn,
          3);
    }
  }

  @Test
  void aFrameThatWasNeverThere() {
    assertSays(
        FrameError.OUT_OF_RANGE,
        "frame 0x2001: expected the first of 1 allocated frames, found a frame that was never"
            + " handed over",
        0x2001,
        1);
  }

  @Test
  void aRunThatEndsWhereNothingIs() {
    long pfn = core.allocate(0, 2, AllocationFlags.NONE);
    long count = 0x2001 - pfn;
    assertSays(
        FrameError.OUT_OF_RANGE,
        "frame 0x"
            + Long.toHexString(pfn)
            + ": expected the first of "
            + count
            + " allocated frames, found an allocated run of 4 frames; the last of them, 0x2000,"
            + " is outside",
        pfn,
        count);
  }

  @Test
  void aFreeFrame() {
    assertSays(
        FrameError.NOT_ALLOCATED,
        "frame 0x2200: expected the first of 1 allocated frames, found a free frame",
        0x2200,
        1);
  }

  @Test
  void aHeadOfAnotherLength() {
    long pfn = core.allocateRun(0, 600, AllocationFlags.NONE);
    assertSays(
        FrameError.SIZE_MISMATCH,
        "frame 0x"
            + Long.toHexString(pfn)
            + ": expected the first of 512 allocated frames, found an allocated run of 600 frames",
        pfn,
        512);
  }

  @Test
  void theInsideOfARun() {
    long pfn = core.allocateRun(0, 600, AllocationFlags.NONE);
    for (long inside : new long[] {1, 511, 512, 599}) {
      assertSays(
          FrameError.SIZE_MISMATCH,
          "frame 0x"
              + Long.toHexString(pfn + inside)
              + ": expected the first of 1 allocated frames, found the inside of an allocated run"
              + " of 600 frames at 0x"
              + Long.toHexString(pfn),
          pfn + inside,
          1);
    }
  }

  @Test
  void aFrameInAClaimWord() {
    long pfn = core.allocate(0, 0, AllocationFlags.NONE);
    assertSays(
        FrameError.NOT_ALLOCATED,
        "frame 0x"
            + Long.toHexString(pfn + 1)
            + ": expected the first of 1 allocated frames, found a freed block, waiting in a cache,"
            + " of 1 frames",
        pfn + 1,
        1);
  }

  @Test
  void theInsideOfABlockInAMagazine() {
    HybridCore large = memory(1, 0, 1 << 20);
    long pfn = large.allocate(0, 3, AllocationFlags.NONE);
    assertEquals(true, large.free(0, pfn, 3));
    assertEquals(8, census(large, 0, 1 << 20).cachedFrames());
    FrameRequestException thrown =
        HybridMistakes.run(FrameError.NOT_ALLOCATED, pfn + 5, 1, large.states, 0, 1 << 20);
    assertEquals(
        "frame 0x"
            + Long.toHexString(pfn + 5)
            + ": expected the first of 1 allocated frames, found the inside of a freed block,"
            + " waiting in a cache, of 8 frames at 0x"
            + Long.toHexString(pfn),
        thrown.getMessage().substring(FrameError.NOT_ALLOCATED.text().length() + 2));
  }

  @Test
  void anyNumberOfACpuStandsForOne() {
    long bytes = HybridAllocator.metadataBytes(0, 512, 3);
    HybridAllocator allocator = new HybridAllocator(9, 3, zeros(bytes), 0, 512);
    allocator.addFrames(0, 512);
    int[] cpus = {-1, -2, Integer.MIN_VALUE, Integer.MAX_VALUE, 3};
    for (int cpu : cpus) {
      for (int order = 0; order < 9; order++) {
        long pfn = allocator.tryAllocateOn(cpu, order, AllocationFlags.MOVABLE);
        assertTrue(pfn >= 0);
        assertEquals(0, allocator.tryFreeOn(cpu, pfn, order));
        assertTrue(allocator.tryFreeOn(cpu, pfn, order) < 0, "it is free");
      }
    }
    assertEquals(9L * cpus.length, allocator.statistics().allocations());
    allocator.drainCaches();
    assertEquals(1, allocator.freeBlockCount(9));
    assertTrue(allocator.validate().isValid(), allocator.validate().toString());
  }

  @Test
  void soManyCpusThereAreNot() {
    for (int cpuCount : new int[] {0, -1, HybridAllocator.MAX_CPU_COUNT + 1, Integer.MAX_VALUE}) {
      assertThrows(IllegalArgumentException.class, () -> new HybridAllocator(9, cpuCount));
      assertThrows(
          IllegalArgumentException.class, () -> HybridAllocator.metadataBytes(0, 512, cpuCount));
    }
  }
}
