package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.FrameInfo;
import dev.bifolio.kernel.frame.FrameMap;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// An owner who frees a block that he did not disown is found, whatever lies there by then.
class MovableFramesStrayTest {
  private static final long START = 0x1000;
  private static final long FRAMES = 2048;

  private static List<Long> strays(MovableItems items) {
    FrameMap map = new FrameMap(items.frames);
    List<Long> found = new ArrayList<>();
    for (long pfn = items.movable.nextStray(map, 0);
        pfn >= 0;
        pfn = items.movable.nextStray(map, pfn + 1)) {
      found.add(pfn);
    }
    return found;
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void wordsOfOwnersWhoKeepTheAgreementAreNotFound(boolean hybrid) {
    try (MovableItems items = new MovableItems(hybrid, START, FRAMES, false)) {
      assertEquals(List.of(), strays(items));
      for (int frameCount : new int[] {1, 1, 4, 64, 3}) {
        items.add(frameCount);
      }
      items.remove(1);
      items.remove(2);
      assertTrue(items.movable.pin(items.places.get(0), items.me, 0));
      assertTrue(items.movable.begin(items.places.get(3)));
      assertEquals(List.of(), strays(items));
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aWordThatWasLeftBehindOnAFreedFrameIsFound(boolean hybrid) {
    try (MovableItems items = new MovableItems(hybrid, START, FRAMES, false)) {
      List<Long> left = new ArrayList<>();
      for (int item = 0; item < 6; item++) {
        items.add(1 + item % 2 * 7L);
        if (item % 3 == 0) {
          left.add(items.places.get(item));
        }
      }
      items.movable.begin(left.get(1)); // a word that says MOVING is one too
      for (long pfn : left) {
        items.frames.freeFrames(pfn, items.counts[left.indexOf(pfn) * 3]);
      }
      left.sort(null);
      assertEquals(left, strays(items));
      items.frames.drainCaches();
      assertEquals(left, strays(items));
      items.movable.forget(left.get(0));
      assertEquals(List.of(left.get(1)), strays(items));
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aWordThatWasLeftBehindWithinAnotherBlockIsFound(boolean hybrid) {
    try (MovableItems items = new MovableItems(hybrid, START, FRAMES, false)) {
      long block = items.frames.allocate(3, AllocationFlags.MOVABLE);
      items.plane.put(block + 5, FrameInfo.word(8 + items.me, 0, 0, 77));
      assertEquals(List.of(block + 5), strays(items));
      items.plane.put(block + 5, FrameInfo.word(7, 0, 0, 77));
      assertEquals(List.of(), strays(items), "not of a movable kind");
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void allFramesOfTheBankAreLookedAt(boolean hybrid) {
    try (MovableItems items = new MovableItems(hybrid, START, FRAMES, false)) {
      long last = START + FRAMES - 1;
      items.plane.put(START, FrameInfo.word(8, 0, 0, 1));
      items.plane.put(last, FrameInfo.word(15, 0, 0, 1));
      assertEquals(List.of(START, last), strays(items));
      FrameMap map = new FrameMap(items.frames);
      assertEquals(START, items.movable.nextStray(map, START));
      assertEquals(last, items.movable.nextStray(map, START + 1));
      assertEquals(last, items.movable.nextStray(map, last));
      assertEquals(-1, items.movable.nextStray(map, last + 1));
      FrameInfo shorter = new FrameInfo(items.reserve(8 * FRAMES), START, last);
      MovableFrames less = new MovableFrames(new FrameInfo[] {shorter});
      assertThrows(IllegalArgumentException.class, () -> less.nextStray(map, 0));
    }
  }
}
