package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import dev.bifolio.testkit.Behaviour;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/// Requests for certain places meet areas that a cache has claimed, and spans that do not begin at
/// frame 0.
class HybridOwnPlacesTest extends OwnedCaches {
  private static long within(HybridAllocator allocator, long frameCount) {
    return allocator.allocateFramesWithin(frameCount, NONE, 1, Long.MAX_VALUE, 0);
  }

  @Test
  @Behaviour("100")
  void freeFramesOfAClaimedAreaAreTakenOnlyAfterItWasCalledBack() {
    HybridAllocator allocator = areas(1);
    long single = allocator.tryAllocateOn(0, 0, NONE);
    long run = within(allocator, 16);
    long other = within(allocator, 16);
    assertNotEquals(NO_FRAME, run);
    assertNotEquals(run, other);
    assertEquals(33, inUse(allocator));
    allocator.freeFrames(run, 16);
    allocator.freeFrames(other, 16);
    allocator.free(single, 0);
    assertWhole(allocator);
  }

  /// The first half of the range can be taken, the second is in a slot's area: all or nothing.
  @Test
  @Behaviour("100")
  void aRangeThatReachesIntoAClaimedAreaIsTakenWhole() {
    HybridAllocator allocator = areas(2);
    long start = allocator.startPfn();
    long[] pfns = takeMany(allocator, 1024);
    Arrays.sort(pfns);
    allocator.drainCaches();
    allocator.freeBulk(pfns, 0, 512 + 64);
    allocator.freeBulk(pfns, 512 + 300, 1);
    allocator.drainCaches();
    assertEquals(start + 512 + 300, allocator.tryAllocateOn(0, 0, NONE), "the smallest hole");
    assertEquals(start + 256, allocator.tryAllocateRange(start + 256, 320, NONE));
    assertEquals(1024 - 256, inUse(allocator));
    assertSound(allocator);
    allocator.freeRange(start + 256, 320);
    assertEquals(1024 - 512 - 64, inUse(allocator));
  }

  @Test
  void aRunWhoseBlockWouldReachOutOfTheSpanIsNotThere() {
    HybridAllocator allocator = areas(6); // the only multiple of 2048 frames has 1536 behind it
    assertEquals(NO_FRAME, within(allocator, 1200));
    assertNotEquals(NO_FRAME, within(allocator, 1000));
    assertEquals(1000, inUse(allocator));
  }

  @Test
  void aResetFreesRunsOfEveryLengthWhereverTheSpanBegins() {
    HybridAllocator allocator = areas(16);
    for (long frameCount : new long[] {1, 2, 3, 32, 37, 256, 300, 512, 600, 1024}) {
      assertNotEquals(NO_FRAME, allocator.allocateFrames(frameCount, AllocationFlags.MOVABLE));
    }
    allocator.reset();
    assertEquals(0, inUse(allocator));
    assertWhole(allocator);
  }
}
