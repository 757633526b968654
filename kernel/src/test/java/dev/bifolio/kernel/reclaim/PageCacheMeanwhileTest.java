package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/// What a page cache is asked while its frame source or its backing is at work, so without the
/// lock.
class PageCacheMeanwhileTest extends PageCacheFixture {
  /// Does something once, the next time the source is asked.
  private void onceInTheSource(Runnable work) {
    frames.before =
        () -> {
          frames.before = () -> {};
          work.run();
        };
  }

  /// Does something once, the next time the backing is asked.
  private void onceInTheBacking(Runnable work) {
    backing.during =
        () -> {
          backing.during = () -> {};
          work.run();
        };
  }

  @Test
  void aPageThatWasReadMeanwhileIsNotReadAgain() {
    open(4, 4);
    long[] other = {0};
    onceInTheSource(() -> other[0] = cache.get(1, 0));
    assertEquals(cache.get(1, 0), other[0]);
    assertEquals("r1.0", done());
    assertEquals(1, frames.out.size(), "the frame that was not needed");
    assertEquals(1, cache.counters().hits());
    assertEquals(1, cache.counters().misses());
    cache.release(1, 0, false);
    cache.release(1, 0, false);
    assertEquals(1, cache.countFrames(-1));
  }

  @Test
  void whenOthersTookTheLastEntryAPageGoes() {
    open(2, 4);
    onceInTheSource(() -> {
      touch(1, 1);
      touch(1, 2);
    });
    assertEquals(0, touch(1, 0));
    assertEquals("r1.1 r1.2 r1.0", done());
    assertEquals(2, cache.counters().pages());
    assertEquals(1, cache.counters().evictions());
    assertEquals(2, frames.out.size(), "its frame and the other one");
  }

  @Test
  void whenOthersHoldAllEntriesThereIsNoFrame() {
    open(2, 4);
    onceInTheSource(() -> {
      assertTrue(cache.get(1, 1) >= 0);
      assertTrue(cache.get(1, 2) >= 0);
    });
    assertEquals(PageCache.NO_FRAME, cache.get(1, 0));
    assertEquals("r1.1 r1.2", done());
    assertEquals(2, frames.out.size(), "the frame was given back");
    assertEquals(2, cache.counters().misses());
  }

  @Test
  void aFullCacheDoesNotAskTheSource() {
    open(2, 4);
    AtomicInteger asked = new AtomicInteger();
    frames.before = asked::incrementAndGet;
    for (int page = 0; page < 6; page++) {
      touch(1, page);
    }
    assertEquals(2, asked.get());
    assertEquals(4, cache.counters().evictions());
  }

  @Test
  void aPageThatIsBeingReadIsNobodysYet() {
    open(4, 4);
    onceInTheBacking(() -> {
      assertThrows(IllegalArgumentException.class, () -> cache.release(1, 0, true));
      assertEquals(0, cache.shrink(-1, 1));
      assertEquals(1, cache.drop(1));
      assertEquals(0, cache.drop(2));
      assertEquals(0, cache.sync());
      assertFalse(cache.relocate(0, FIRST_FRAME, FIRST_FRAME + 1));
    });
    assertEquals(FIRST_FRAME, cache.get(1, 0));
    assertEquals("r1.0", done());
    cache.release(1, 0, false);
    assertEquals(0, cache.sync());
    assertEquals("", done());
  }

  @Test
  void aPageThatIsBeingWrittenStaysAndAnotherGoes() {
    open(4, 4);
    change(1, 0, 3);
    touch(1, 1);
    done();
    onceInTheBacking(() -> {
      assertEquals(1, cache.shrink(-1, 9), "the clean one");
      assertEquals(1, cache.drop(1));
    });
    assertEquals(0, cache.sync());
    assertEquals("w1.0", done());
    assertEquals(1, cache.counters().pages());
    assertEquals(3, touch(1, 0));
    assertEquals("", done());
  }

  @Test
  void aPageThatIsWrittenSoThatItMayGoIsNotAnothersToGiveUp() {
    open(4, 4);
    change(1, 0, 3);
    change(1, 1, 4);
    done();
    onceInTheBacking(() -> {
      assertEquals(1, cache.shrink(-1, 9), "the other one");
      assertEquals(1, cache.drop(1));
      assertFalse(cache.relocate(0, FIRST_FRAME, FIRST_FRAME + 2));
    });
    assertEquals(1, cache.shrink(-1, 1));
    assertEquals("w1.1 w1.0", done());
    assertEquals(0, cache.counters().pages());
    assertEquals(2, cache.counters().evictions());
    assertEquals(3, touch(1, 0));
    assertEquals(4, touch(1, 1));
  }

  @Test
  void aPageThatIsChangedWhileItIsWrittenIsWrittenAgain() {
    open(4, 4);
    change(1, 0, 3);
    long pfn = cache.get(1, 0);
    onceInTheBacking(() -> {
      put(cache.bytesOf(pfn), 1, 0, 4);
      cache.release(1, 0, true);
    });
    assertEquals(0, cache.sync());
    assertEquals(0, cache.sync());
    assertEquals(0, cache.sync());
    assertEquals("r1.0 w1.0 w1.0", done());
    assertEquals(4, backing.versions.get(HeapBacking.key(1, 0)));
    assertEquals(2, cache.counters().writes());
  }

  @Test
  void aWriteThatFailsKeepsThePageInUseAndDirty() {
    open(4, 4);
    change(1, 0, 3);
    assertTrue(cache.get(1, 0) >= 0);
    backing.failsToWrite = true;
    assertEquals(1, cache.sync());
    assertEquals(1, cache.counters().failedWrites());
    assertEquals(0, cache.counters().writes());
    backing.failsToWrite = false;
    assertEquals(0, cache.countFrames(-1), "it is in use");
    assertEquals(0, cache.sync());
    assertEquals("r1.0 w1.0 w1.0", done());
  }

  @Test
  void whoWantsAPageThatIsBeingReadOrWrittenWaits() throws InterruptedException {
    open(4, 4);
    meetInTheBacking(() -> cache.get(1, 0), () -> cache.get(1, 0));
    assertEquals("r1.0", done());
    cache.release(1, 0, true);
    cache.release(1, 0, false);
    meetInTheBacking(() -> cache.sync(), () -> cache.sync());
    assertEquals("w1.0", done());
    assertEquals(1, cache.countFrames(-1));
  }

  private interface Question {
    long ask();
  }

  /// A thread asks something and is stopped in the backing, another one asks, then both go on; they
  /// get the same answer.
  private void meetInTheBacking(Question first, Question second) throws InterruptedException {
    CountDownLatch stopped = new CountDownLatch(1);
    CountDownLatch asks = new CountDownLatch(1);
    onceInTheBacking(() -> {
      stopped.countDown();
      await(asks);
    });
    AtomicLong one = new AtomicLong(-100);
    AtomicLong other = new AtomicLong(-101);
    Thread waited = Thread.ofPlatform().start(() -> one.set(first.ask()));
    await(stopped);
    Thread waiting =
        Thread.ofPlatform()
            .start(() -> {
              asks.countDown();
              other.set(second.ask());
            });
    waited.join();
    waiting.join();
    assertEquals(one.get(), other.get());
  }

  private static void await(CountDownLatch latch) {
    try {
      assertTrue(latch.await(20, TimeUnit.SECONDS));
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
