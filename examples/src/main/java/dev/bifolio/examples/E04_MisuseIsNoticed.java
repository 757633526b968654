package dev.bifolio.examples;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.BuddyAllocator;
import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;
import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;
import dev.bifolio.kernel.unit.Pages;

/// Lesson 4: to run out of memory is a value, a mistake is an exception, and neither does harm.
///
/// A block freed twice can be handed out twice: one of the ugliest errors there is, because it
/// shows much later and elsewhere. The allocator proves each free before it changes anything.
public final class E04_MisuseIsNoticed {
  private static final long FIRST = 0x40000;
  private static final long FRAMES = 1024;

  private E04_MisuseIsNoticed() {}

  /// Runs the lesson.
  ///
  /// @param arguments none
  /// @throws WindowException if this system reserves no memory
  public static void main(String[] arguments) throws WindowException {
    try (Window metadata = Window.reserve(BuddyAllocator.metadataBytes(FIRST, FIRST + FRAMES))) {
      FrameAllocator frames =
          new BuddyAllocator(10, metadata.address(), Pages.pfnToAddress(FIRST), FRAMES);
      // The last 16 frames are never handed over: as if firmware had reserved them.
      frames.addFrames(FIRST, FIRST + FRAMES - 16);

      long block = frames.allocate(3, AllocationFlags.NONE);
      long gone = frames.allocate(0, AllocationFlags.NONE);
      frames.free(gone, 0);
      long freeBefore = frames.freeFrameCount();

      IO.println("Five frees that are mistakes:");
      attempt(frames, "a second free", gone, 0);
      attempt(frames, "another order", block, 2);
      attempt(frames, "the middle of a block", block + 4, 2);
      attempt(frames, "a frame that is reserved", FIRST + FRAMES - 1, 0);
      attempt(frames, "a frame of another machine", 7, 0);

      IO.println(
          "The free frames were " + freeBefore + " and are " + frames.freeFrameCount() + ".");
      frames.assertValid();

      // On paths where an exception would cost too much, the same answers are negative numbers.
      long code = frames.tryFree(gone, 0);
      IO.println("tryFree says " + code + ": " + FrameError.of(code).text() + ".");

      // Nobody made a mistake when memory runs out. So nothing is thrown.
      long huge = frames.allocate(9, AllocationFlags.NONE);
      long another = frames.allocate(9, AllocationFlags.NONE);
      boolean none = another == FrameAllocator.NO_FRAME;
      IO.println("2 MiB: " + (huge >= 0 ? "yes" : "no") + ". 2 MiB more: " + (none ? "no" : "yes"));
      IO.println("Counted: " + frames.statistics());
    }
  }

  private static void attempt(FrameAllocator frames, String what, long pfn, int order) {
    try {
      frames.free(pfn, order);
      IO.println("  " + what + ": NOT NOTICED");
    } catch (FrameRequestException e) {
      IO.println("  " + what + ": " + e.error());
      IO.println("    " + e.getMessage());
    }
  }
}
