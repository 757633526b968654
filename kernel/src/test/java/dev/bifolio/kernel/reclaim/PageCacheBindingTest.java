package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Memory;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// A page cache whose frames are movable keeps the protocol of movable frames.
class PageCacheBindingTest extends PageCacheFixture {
  /// Pins and items of adopted frames; a frame can be marked as moving.
  private final class Words implements FrameBinding {
    final Map<Long, Long> items = new HashMap<>();
    final Map<Long, Integer> pins = new HashMap<>();
    long moving = -1;

    /// How often a pin is refused until the move is over.
    long refusals = Long.MAX_VALUE;

    @Override
    public void adopt(long pfn, long item) {
      assertFalse(isLocked());
      assertNull(items.put(pfn, item));
      pins.put(pfn, 1);
    }

    @Override
    public boolean disown(long pfn, long item) {
      assertTrue(isLocked());
      assertEquals(item, items.get(pfn));
      if (pfn == moving) {
        return false;
      }
      assertEquals(0, pins.remove(pfn));
      items.remove(pfn);
      return true;
    }

    @Override
    public boolean pin(long pfn, long item) {
      assertTrue(isLocked());
      assertEquals(item, items.get(pfn));
      if (pfn == moving && refusals > 0) {
        refusals--;
        return false;
      }
      pins.merge(pfn, 1, Integer::sum);
      return true;
    }

    @Override
    public void unpin(long pfn, long item) {
      assertTrue(isLocked());
      assertEquals(item, items.get(pfn));
      assertTrue(pins.merge(pfn, -1, Integer::sum) >= 0);
    }
  }

  private final Words words = new Words();

  /// Of the only thread there is.
  private boolean isLocked() {
    return Memory.getLong(wordsAddress) != 0;
  }

  @Test
  void aFrameIsPinnedExactlyWhileItsPageIs() {
    open(4, 4, -1, words);
    long pfn = cache.get(1, 0);
    assertEquals(Map.of(pfn, 1), words.pins);
    assertEquals(Map.of(pfn, 0L), words.items);
    cache.get(1, 0);
    assertEquals(2, words.pins.get(pfn));
    cache.release(1, 0, false);
    cache.release(1, 0, false);
    assertEquals(0, words.pins.get(pfn));
    assertEquals(1, cache.shrink(-1, 1));
    assertTrue(words.items.isEmpty());
  }

  @Test
  void aFailedReadAdoptsNothing() {
    open(4, 4, -1, words);
    backing.failsToRead = true;
    assertEquals(PageCache.READ_FAILED, cache.get(1, 0));
    assertTrue(words.items.isEmpty());
  }

  @Test
  @Tag("slow")
  void whoWantsAPageThatMovesForTooLongIsToldSo() {
    open(4, 4, -1, words);
    words.moving = cache.get(1, 0);
    assertEquals(PageCache.BUSY, cache.get(1, 0));
    assertEquals(0, cache.counters().hits());
    cache.release(1, 0, false);
    assertEquals(1, cache.countFrames(-1));
  }

  @Test
  void whoWantsAPageThatMovesLooksAgain() {
    open(4, 4, -1, words);
    long pfn = cache.get(1, 0);
    words.moving = pfn;
    words.refusals = 3;
    assertEquals(pfn, cache.get(1, 0));
    assertEquals(0, words.refusals);
    assertEquals(1, cache.counters().hits());
    assertEquals(2, words.pins.get(pfn));
  }

  @Test
  void whenAPageMovesAnotherOneGoes() {
    open(4, 4, -1, words);
    change(1, 0, 5);
    touch(1, 1);
    words.moving = words.items.keySet().stream().min(Long::compare).orElseThrow();
    assertEquals(1, cache.shrink(-1, 2));
    assertEquals("r1.0 r1.1 w1.0", done());
    assertEquals(1, cache.counters().pages());
    assertEquals(1, cache.counters().evictions());
    assertEquals(1, cache.drop(1));
    words.moving = -1;
    assertEquals(5, touch(1, 0));
    assertEquals("", done());
  }

  @Test
  void aFrameThatMovesIsNotGivenUpAndItsPageIsFoundAtItsNewPlace() {
    open(4, 4, -1, words);
    change(1, 0, 5);
    long pfn = cache.get(1, 0);
    cache.release(1, 0, false);
    words.moving = pfn;
    assertEquals(0, cache.shrink(-1, 1));
    assertEquals(1, cache.drop(1));
    assertEquals(1, cache.counters().pages());
    assertEquals(1, cache.countFrames(-1));
    long to = frames.allocate(0, 0);
    Memory.copy(cache.bytesOf(pfn), cache.bytesOf(to), 4096);
    assertTrue(cache.relocate(words.items.get(pfn), pfn, to));
    words.items.put(to, words.items.remove(pfn));
    words.pins.put(to, words.pins.remove(pfn));
    words.moving = -1;
    frames.free(pfn, 0);
    assertEquals(to, cache.get(1, 0));
    assertEquals(5, touch(1, 0));
    cache.release(1, 0, false);
    assertEquals(0, cache.drop(1));
    assertTrue(words.items.isEmpty());
    assertTrue(frames.out.isEmpty());
  }

  @Test
  void anEvictedFrameThatIsUsedAgainAtOnceIsAdoptedAnew() {
    open(2, 2, -1, words);
    for (int page = 0; page < 10; page++) {
      touch(1, page);
      assertEquals(Math.min(page + 1, 2), words.items.size());
    }
  }
}
