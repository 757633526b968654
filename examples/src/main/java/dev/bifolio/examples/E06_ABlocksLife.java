package dev.bifolio.examples;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.frame.FrameStatistics;
import dev.bifolio.kernel.frame.HybridAllocator;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;
import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.Pages;

/// Lesson 6: the life of a frame among many threads.
///
/// The hybrid allocator knows frames by words of 32 units, two bits a unit. The same word stands at
/// every level; what is a unit above is sixteen words below:
///
/// ```
///   areas of 2 MiB   [ F F ]                   F free   L lent to the level below
///                      |
///                      v lent when a small block is wanted
///   its frames       [ H F F F … ] [ F F … ]   H head of a block, behind it its tails
///                      |
///                      v claimed by a CPU
///   claim word       [ . 1 1 1 … ]             frames that this CPU hands out, untouched below
/// ```
///
/// So a frame is *free*, or *used*, or *cached*: it waits in a claim word, where one
/// compare-and-set takes it and another brings it back. Caches belong to one CPU, and are called
/// back before anybody is told that there is no memory.
public final class E06_ABlocksLife {
  private static final long FIRST = 0x40000;
  private static final long FRAMES = 1024;
  private static final int WORD = 32;
  private static final int MAX_ORDER = 10;

  /// One CPU: with more, each has caches of its own, and which of them we meet would be chance.
  private static final int CPUS = 1;

  private final HybridAllocator frames;

  /// What we hold of the first 32 frames: one letter a frame, a dot for what is not ours.
  private final char[] picture = ".".repeat(WORD).toCharArray();

  private E06_ABlocksLife(HybridAllocator frames) {
    this.frames = frames;
  }

  /// Runs the lesson.
  ///
  /// @param arguments none
  /// @throws WindowException if this system reserves no memory
  public static void main(String[] arguments) throws WindowException {
    long bytes = HybridAllocator.metadataBytes(FIRST, FIRST + FRAMES, CPUS);
    try (Window metadata = Window.reserve(bytes)) {
      HybridAllocator frames =
          new HybridAllocator(
              MAX_ORDER, CPUS, metadata.address(), Pages.pfnToAddress(FIRST), FRAMES);
      new E06_ABlocksLife(frames).tell();
    }
  }

  private void tell() {
    IO.println(
        "                        the first word of frames          free cached used  blocks");
    // Metadata of zeros offer nothing: memory is there when it is handed over. Two areas that are
    // free as a whole are two units of one word, and together a block of order 10.
    frames.addFrames(FIRST, FIRST + FRAMES);
    show("4 MiB are handed over");

    // One frame is wanted. An area is lent to the level below, and this CPU claims a word of it:
    // 32 frames in one go. One is ours, 31 wait for the next requests.
    long a = allocate('a', 0);

    // The next frame is one bit in the claim word; no other word is written.
    long b = allocate('b', 0);

    // Back to the claim word: cached, not free.
    free('a', a, 0);
    tellSecondFree(a);

    // This CPU's single frames come from the first area, and the block of 16 is taken from it too:
    // the second area stays whole. What is left of the first are blocks of 16, 64, 128 and 256.
    long c = allocate('c', 4);

    // Is there a block of 4 MiB? Not while b and c are in the way. But before the answer is no,
    // what is cached is called back: the 31 frames beside b are free now.
    boolean none = frames.allocate(MAX_ORDER, AllocationFlags.NONE) == FrameAllocator.NO_FRAME;
    show("order 10: " + (none ? "none" : "FOUND"));

    // All magazines together hold at most a 64th of the frames, and here that is none of 16. So c
    // goes home and joins its neighbour, 16 and 16 to 32.
    free('c', c, 4);

    // A single frame again: the smallest free block that serves, which is the one beside b. Nothing
    // larger is broken up for it.
    long d = allocate('d', 0);

    // Both are of the claimed word, and wait in it for the next request.
    free('d', d, 0);
    free('b', b, 0);

    // Drained, the first area is whole too, goes back, and joins the second one there.
    long drained = frames.drainCaches();
    show(drained + " frames drained");
    tellEnd();
  }

  private void tellSecondFree(long pfn) {
    long code = frames.tryFree(pfn, 0);
    IO.println();
    IO.println("a is freed a second time: " + FrameError.of(code));
    IO.println("Its bit stands in the claim word, which is the proof; nothing was changed.");
    IO.println();
  }

  private void tellEnd() {
    FrameStatistics all = frames.statistics();
    IO.println();
    IO.println(
        all.allocations()
            + " blocks allocated, "
            + all.frees()
            + " freed; "
            + all.refusedFrees()
            + " free refused: we were wrong;");
    IO.println(all.failures() + " failure: there was no block of 4 MiB.");
    frames.assertValid();
    long whole = frames.allocate(MAX_ORDER, AllocationFlags.NONE);
    IO.println("Now there is: " + (whole == FIRST ? "both areas in one block." : "NO"));
  }

  private long allocate(char letter, int order) {
    long pfn = frames.allocate(order, AllocationFlags.NONE);
    draw(pfn, order, letter);
    show(letter + " = allocate(order " + order + ")");
    return pfn;
  }

  private void free(char letter, long pfn, int order) {
    frames.free(pfn, order);
    draw(pfn, order, '.');
    show("free(" + letter + ")");
  }

  private void draw(long pfn, int order, char letter) {
    for (long at = pfn; at < pfn + (1L << order) && at < FIRST + WORD; at++) {
      picture[(int) (at - FIRST)] = letter;
    }
  }

  private void show(String step) {
    FrameStatistics now = frames.statistics();
    StringBuilder line = new StringBuilder(step);
    line.repeat(" ", 24 - step.length()).append(picture);
    line.append("  %4d %6d %4d ".formatted(now.freeFrames(), now.cachedFrames(), now.usedFrames()));
    for (int order = MAX_ORDER; order >= 0; order--) {
      if (frames.freeBlockCount(order) > 0) {
        line.append(' ').append(frames.freeBlockCount(order)).append("x2^").append(order);
      }
    }
    IO.println(line);
  }
}
