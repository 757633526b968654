package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/// The figures that follow from a histogram of free blocks.
class FragmentationTest {
  @Test
  void theFiguresFollowFromTheHistogram() {
    Fragmentation value = new Fragmentation(new long[] {4, 0, 0, 2, 0, 1, 0}, 3);
    assertEquals(6, value.maxOrder());
    assertEquals(52, value.freeFrames());
    assertEquals(5, value.largestFreeOrder());
    assertEquals(32, value.largestFreeFrames());
    assertEquals(384, value.externalPerMille());
    int[] unusable = {0, 76, 76, 76, 384, 384, 1000};
    for (int order = 0; order <= 6; order++) {
      assertEquals(unusable[order], value.unusablePerMille(order), "order " + order);
    }
    assertEquals(17, value.meanFreeRunFrames());
    assertEquals(2, value.freeBlockCount(3));
  }

  @Test
  void manyLargestBlocksAreFragmentedOnlyByTheLetter() {
    long[] counts = new long[21];
    counts[20] = 1L << 14;
    Fragmentation value = new Fragmentation(counts, 1);
    assertEquals(1L << 34, value.freeFrames());
    assertEquals(999, value.externalPerMille());
    assertEquals(0, value.unusablePerMille(20));
    assertEquals(
        "17179869184 frames free in 1 run, largest block 1048576, external 99.9%, blocks 20:16384",
        value.toString());
  }

  @Test
  void nothingFreeIsNotFragmented() {
    Fragmentation value = new Fragmentation(new long[3], 0);
    assertEquals(0, value.externalPerMille() + value.unusablePerMille(2));
    assertEquals(0, value.meanFreeRunFrames() + value.largestFreeFrames());
    assertEquals(-1, value.largestFreeOrder());
    assertEquals(
        "0 frames free in 0 runs, largest block 0, external 0.0%, blocks none", value.toString());
  }

  @Test
  void theHistogramIsCopiedAndItsOrdersAreChecked() {
    long[] counts = {1};
    Fragmentation value = new Fragmentation(counts, 1);
    counts[0] = 7;
    assertEquals(1, value.freeBlockCount(0));
    assertInvalidOrder(() -> value.freeBlockCount(1));
    assertInvalidOrder(() -> value.freeBlockCount(-1));
    assertInvalidOrder(() -> value.unusablePerMille(1));
    assertInvalidOrder(() -> new Fragmentation(new long[0], 0));
    assertInvalidOrder(() -> new Fragmentation(new long[22], 0));
  }

  private static void assertInvalidOrder(Executable request) {
    FrameRequestException thrown = assertThrows(FrameRequestException.class, request);
    assertEquals(FrameError.INVALID_ORDER, thrown.error());
  }
}
