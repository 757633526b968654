package dev.bifolio.kernel.heap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.ZeroedWindows;
import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// The boot heap first, then the source, and back to where it came from.
class HeapPagesTest {
  private final ZeroedWindows windows = new ZeroedWindows();
  private final HeapFrames source = new HeapFrames(1000, 1100);

  @AfterEach
  void giveBack() {
    windows.close();
  }

  private HeapPages pages(long startPfn, long endPfn) {
    return new HeapPages(
        windows.reserve(HeapPages.byteSize(startPfn, endPfn)), startPfn, endPfn, source, 0);
  }

  @Test
  void theBootHeapServesItsLowestBlockFirst() {
    HeapPages pages = pages(70, 200);
    assertEquals(70, pages.allocate(0));
    assertEquals(72, pages.allocate(1));
    assertEquals(71, pages.allocate(0));
    assertEquals(76, pages.allocate(2));
    assertEquals(80, pages.allocate(3));
    assertEquals(74, pages.allocate(0));
    assertEquals(96, pages.allocate(4));
    assertEquals(128, pages.allocate(6));
    assertEquals(1 + 2 + 1 + 4 + 8 + 1 + 16 + 64, pages.regionUsedFrames());
    assertEquals(130 - pages.regionUsedFrames(), pages.regionFreeFrames());
    assertEquals(0, source.requests());
  }

  @Test
  void itGivesEachOfItsFramesOnceAndNoOther() {
    HeapPages pages = pages(70, 200);
    for (long pfn = 70; pfn < 200; pfn++) {
      assertEquals(pfn, pages.allocate(0));
    }
    assertEquals(0, pages.regionFreeFrames());
    assertEquals(1000, pages.allocate(0));
    assertEquals(1, pages.sourceUsedFrames());
  }

  @Test
  void aRegionThatEndsWithAWordIsUsedToItsEnd() {
    HeapPages pages = pages(64, 128);
    assertEquals(64, pages.allocate(6));
    assertEquals(1000, pages.allocate(0));
  }

  @Test
  void whatDoesNotFitComesFromTheSource() {
    HeapPages pages = pages(70, 200);
    assertEquals(128, pages.allocate(6));
    assertEquals(1024, pages.allocate(6));
    assertEquals(64, pages.sourceUsedFrames());
    assertEquals(64, pages.regionUsedFrames());
  }

  @Test
  void blocksOfMoreThanAWordComeFromTheSource() {
    HeapFrames large = new HeapFrames(512, 1024);
    HeapPages pages = new HeapPages(windows.reserve(HeapPages.byteSize(0, 256)), 0, 256, large, 0);
    assertEquals(512, pages.allocate(7));
    assertEquals(0, pages.regionUsedFrames());
    pages.free(512, 7);
    assertEquals(0, pages.sourceUsedFrames());
    assertEquals(256, pages.regionFreeFrames());
  }

  @Test
  void blocksGoBackToWhereTheyCameFrom() {
    HeapPages pages = pages(64, 66);
    assertEquals(64, pages.allocate(1));
    long beyond = pages.allocate(1);
    pages.free(64, 1);
    assertEquals(0, pages.regionUsedFrames());
    assertEquals(2, pages.sourceUsedFrames());
    pages.free(beyond, 1);
    assertEquals(0, pages.sourceUsedFrames());
    assertEquals(0, source.usedFrames());
    assertEquals(64, pages.allocate(0));
  }

  @Test
  void withoutABootHeapTheSourceServesAll() {
    HeapPages pages = pages(70, 70);
    assertEquals(1000, pages.allocate(0));
    assertEquals(0, pages.regionFreeFrames());
    pages.free(1000, 0);
    assertEquals(0, source.usedFrames());
  }

  @Test
  void exhaustionIsAValueAndIsCounted() {
    HeapPages pages = pages(64, 65);
    assertEquals(64, pages.allocate(0));
    source.failEvery(1);
    assertEquals(HeapPages.NO_FRAME, pages.allocate(0));
    assertEquals(1, pages.failures());
    assertEquals(0, pages.sourceUsedFrames());
  }

  @Test
  void aBlockOfTheBootHeapThatIsNotInUseIsRefused() {
    HeapPages pages = pages(64, 128);
    pages.allocate(1);
    for (long[] wrong : new long[][] {{66, 0}, {65, 1}, {64, 2}, {64, 7}, {127, 0}}) {
      FrameRequestException refused =
          assertThrows(FrameRequestException.class, () -> pages.free(wrong[0], (int) wrong[1]));
      assertEquals(FrameError.NOT_ALLOCATED, refused.error());
      assertTrue(refused.getMessage().contains("0x" + Long.toHexString(wrong[0])));
    }
    assertEquals(2, pages.regionUsedFrames());
    pages.free(64, 1);
    assertThrows(FrameRequestException.class, () -> pages.free(64, 1));
    assertEquals(64, pages.regionFreeFrames());
  }

  @Test
  void aRangeThatIsNoneIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> new HeapPages(0, 5, 4, source, 0));
    assertThrows(IllegalArgumentException.class, () -> new HeapPages(0, -1, 4, source, 0));
  }
}
