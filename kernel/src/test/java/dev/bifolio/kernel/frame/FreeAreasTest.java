package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Window;
import dev.bifolio.kernel.platform.WindowException;
import dev.bifolio.kernel.unit.FrameError;
import dev.bifolio.kernel.unit.FrameRequestException;
import dev.bifolio.testkit.Behaviour;
import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class FreeAreasTest {
  private static final long START = 0x1000;
  private static final int ORDER = 3;

  private final FrameDescriptors frames = new FrameDescriptors(20);
  private final FreeAreas areas = new FreeAreas(frames);
  private Window window;

  @BeforeEach
  void reserve() throws WindowException {
    window = Window.reserve(1 << 16);
    areas.attach(window.address());
    frames.attach(window.address() + FreeAreas.HEADER_BYTES, START, START + 1024);
  }

  @AfterEach
  void close() {
    window.close();
  }

  private static long block(int index) {
    return START + index * 8L;
  }

  private List<Long> forwards() {
    List<Long> pfns = new ArrayList<>();
    long first = areas.first(ORDER);
    for (long pfn = first; pfn >= 0 && (pfns.isEmpty() || pfn != first); ) {
      pfns.add(pfn);
      pfn = frames.pfnOf(frames.nextLink(pfn));
    }
    return pfns;
  }

  private void assertList(Long... expected) {
    assertEquals(List.of(expected), forwards());
    assertEquals(expected.length, areas.blockCount(ORDER));
    assertEquals(expected.length == 0, areas.isEmpty(ORDER));
    for (int i = 0; i < expected.length; i++) {
      long before = expected[(i + expected.length - 1) % expected.length];
      assertEquals(before, frames.pfnOf(frames.prevLink(expected[i])));
    }
  }

  @Test
  @Behaviour("44")
  void anEmptyListGivesNothing() {
    assertList();
    assertEquals(-1, areas.first(ORDER));
    assertEquals(-1, areas.removeFirst(ORDER));
    assertEquals(-1, areas.smallestWithBlocks(0, 20));
  }

  @Test
  @Behaviour("44")
  void whatIsPutInFrontIsFirstAndRemovalLeavesTheRest() {
    long a = block(0);
    long b = block(1);
    areas.addFirst(a, ORDER);
    assertList(a);
    areas.addFirst(b, ORDER);
    assertList(b, a);
    assertTrue(forwards().contains(a));
    areas.remove(a, ORDER);
    assertFalse(forwards().contains(a));
    assertEquals(b, areas.removeFirst(ORDER));
    assertEquals(-1, areas.removeFirst(ORDER));
    assertTrue(frames.isBlank(a) && frames.isBlank(b));
    assertList();
  }

  @Test
  @Behaviour("44")
  void blocksComeOutInTheReverseOrder() {
    for (int i = 0; i < 5; i++) {
      areas.addFirst(block(i), ORDER);
    }
    for (int i = 4; i >= 0; i--) {
      assertEquals(block(i), areas.removeFirst(ORDER));
    }
  }

  @Test
  @Behaviour("44")
  void removingTheFirstAMiddleOrTheLastBlockRepairsTheNeighbours() {
    for (int i = 4; i >= 0; i--) {
      areas.addFirst(block(i), ORDER);
    }
    areas.remove(block(0), ORDER);
    assertList(block(1), block(2), block(3), block(4));
    areas.remove(block(2), ORDER);
    assertList(block(1), block(3), block(4));
    areas.remove(block(4), ORDER);
    assertList(block(1), block(3));
    areas.addLast(block(0), ORDER);
    assertList(block(1), block(3), block(0));
  }

  @Test
  @Behaviour("44")
  void mixedOperationsAgreeWithADeque() {
    SplitMix64 random = new SplitMix64(44);
    Deque<Long> model = new ArrayDeque<>();
    for (int step = 0; step < 20_000; step++) {
      long pfn = block(random.below(100));
      if (model.contains(pfn)) {
        model.remove(pfn);
        areas.remove(pfn, ORDER);
      } else if (random.oneIn(3)) {
        model.addLast(pfn);
        areas.addLast(pfn, ORDER);
      } else {
        model.addFirst(pfn);
        areas.addFirst(pfn, ORDER);
      }
      if (random.oneIn(4) && !model.isEmpty()) {
        assertEquals(model.removeFirst(), areas.removeFirst(ORDER));
      }
      if (step % 100 == 0) {
        assertList(model.toArray(Long[]::new));
      }
    }
  }

  @Test
  void theSmallestOrderThatCanServeIsFound() {
    areas.addFirst(block(0), 3);
    areas.addFirst(block(16), 7);
    assertEquals(3, areas.smallestWithBlocks(0, 20));
    assertEquals(3, areas.smallestWithBlocks(3, 20));
    assertEquals(7, areas.smallestWithBlocks(4, 20));
    assertEquals(-1, areas.smallestWithBlocks(4, 6));
    assertEquals(-1, areas.smallestWithBlocks(8, 20));
  }

  @Test
  void aBrokenLinkIsCorruptionAndNothingIsUnlinked() {
    areas.addFirst(block(0), ORDER);
    areas.addFirst(block(1), ORDER);
    areas.addFirst(block(2), ORDER);
    frames.setPrevLink(block(1), frames.linkTo(block(0)));
    assertCorruption(block(1), ORDER);
    assertCorruption(block(2), ORDER);
    frames.setPrevLink(block(1), frames.linkTo(block(2)));
    frames.setNextLink(block(1), (1L << 40) - 1);
    assertCorruption(block(1), ORDER);
    frames.setNextLink(block(1), frames.linkTo(block(0)));
    assertCorruption(block(1), ORDER + 1);
    assertCorruption(block(5), ORDER);
    assertList(block(2), block(1), block(0));
  }

  private void assertCorruption(long pfn, int order) {
    FrameRequestException thrown =
        assertThrows(FrameRequestException.class, () -> areas.remove(pfn, order));
    assertEquals(FrameError.CORRUPTION, thrown.error());
    assertEquals(3, areas.blockCount(ORDER));
  }
}
