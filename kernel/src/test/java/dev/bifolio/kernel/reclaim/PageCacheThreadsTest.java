package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.platform.SpinLock;
import dev.bifolio.kernel.unit.FrameSource;
import dev.bifolio.testkit.SplitMix64;
import dev.bifolio.testkit.Threads;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Many threads use one page cache: no change is lost, no page is read twice at a time.
class PageCacheThreadsTest extends PageCacheFixture {
  private static void run(int threadCount, IntConsumer work) throws InterruptedException {
    List<Runnable> parts = new ArrayList<>();
    for (int t = 0; t < threadCount; t++) {
      int number = t;
      parts.add(() -> work.accept(number));
    }
    Threads.runAll(parts);
  }

  @Test
  @Tag("slow")
  void noChangeIsLostInAStormOfReadersWritersAndShrinkers() throws InterruptedException {
    int pages = 40;
    open(12, 14);
    AtomicLongArray versions = new AtomicLongArray(pages);
    AtomicLong served = new AtomicLong();
    run(
        5,
        number -> {
          SplitMix64 random = new SplitMix64(number);
          for (int i = 0; i < 20_000; i++) {
            if (number == 4) {
              cache.shrink(-1, random.below(3));
              if (random.oneIn(20)) {
                cache.sync();
              }
              continue;
            }
            // A page is changed by one thread, and looked at by all.
            int page = random.below(pages);
            long pfn = cache.get(1, page);
            if (pfn < 0) {
              continue;
            }
            served.incrementAndGet();
            long address = cache.bytesOf(pfn);
            boolean mine = page % 4 == number;
            if (mine) {
              long version = versions.get(page);
              assertEquals(version, versionAt(address, 1, page));
              put(address, 1, page, version + 1);
              versions.set(page, version + 1);
            }
            cache.release(1, page, mine);
          }
        });
    assertTrue(served.get() > 40_000, served + " pages were served");
    assertEquals(cache.counters().pages(), frames.out.size());
    assertEquals(cache.counters().pages(), cache.countFrames(-1));
    assertEquals(0, cache.sync());
    for (int page = 0; page < pages; page++) {
      long written = backing.versions.getOrDefault(HeapBacking.key(1, page), 0L);
      assertEquals(versions.get(page), written);
    }
    assertEquals(0, cache.drop(1));
    assertEquals(0, frames.out.size());
  }

  @Test
  @Tag("slow")
  void whoWantsAPageThatIsBeingReadGetsTheSameFrame() throws InterruptedException {
    open(4, 4);
    CountDownLatch reading = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    backing.during =
        () -> {
          reading.countDown();
          await(go);
        };
    AtomicLong first = new AtomicLong();
    Thread reader = Thread.ofPlatform().start(() -> first.set(cache.get(1, 0)));
    reading.await();
    assertEquals(PageCache.BUSY, cache.get(1, 0), "a wait has an end");
    assertEquals(0, cache.shrink(-1, 1), "a page that is being read went");
    assertEquals(1, cache.drop(1));
    AtomicLong second = new AtomicLong();
    Thread waiter = Thread.ofPlatform().start(() -> second.set(cache.get(1, 0)));
    go.countDown();
    reader.join();
    waiter.join();
    assertEquals(first.get(), second.get());
    assertEquals("r1.0", done());
    cache.release(1, 0, false);
    cache.release(1, 0, false);
  }

  @Test
  @Tag("slow")
  void whoWantsAPageThatIsBeingWrittenWaitsAndChangesStayDirty() throws InterruptedException {
    open(4, 4);
    change(1, 0, 1);
    long pfn = cache.get(1, 0);
    CountDownLatch writing = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    backing.during =
        () -> {
          writing.countDown();
          await(go);
        };
    AtomicLong failed = new AtomicLong(-1);
    Thread writer = Thread.ofPlatform().start(() -> failed.set(cache.sync()));
    writing.await();
    assertEquals(PageCache.BUSY, cache.get(1, 0));
    assertEquals(1, cache.sync(), "another thread is at it");
    put(cache.bytesOf(pfn), 1, 0, 2);
    cache.release(1, 0, true);
    assertEquals(0, cache.shrink(-1, 1));
    assertEquals(1, cache.drop(1));
    go.countDown();
    writer.join();
    assertEquals(0, failed.get());
    backing.during = () -> {};
    assertEquals(0, cache.sync());
    assertEquals(2, backing.versions.get(HeapBacking.key(1, 0)));
    assertEquals("r1.0 w1.0 w1.0", done());
  }

  @Test
  @Tag("slow")
  void theHandLetsOthersHaveTheLockOnItsWay() throws InterruptedException {
    int pages = 1 << 16;
    wordsAddress = memory.reserve(PageCache.byteSize(pages));
    cache = new PageCache(wordsAddress, pages, -1, new Numbers(), new NoBytes(), 0, null);
    for (int page = 0; page < pages; page++) {
      assertTrue(cache.get(1, page) >= 0); // and it stays pinned, so none may go
    }
    AtomicBoolean seen = new AtomicBoolean();
    AtomicBoolean stop = new AtomicBoolean();
    Thread other =
        Thread.ofPlatform()
            .start(() -> {
              SpinLock lock = new SpinLock(wordsAddress);
              while (!seen.get() && !stop.get()) {
                if (lock.tryLock()) {
                  seen.set(Memory.getLong(wordsAddress + 64 + 16) != 0); // the hand is on its way
                  lock.unlock();
                }
              }
            });
    for (int turn = 0; turn < 20_000 && !seen.get(); turn++) {
      assertEquals(0, cache.shrink(-1, 1));
      assertEquals(0, Memory.getLongVolatile(wordsAddress + 64 + 16), "not just two rounds");
    }
    stop.set(true);
    other.join();
    assertTrue(seen.get(), "two rounds over " + pages + " entries under the lock");
  }

  /// Frames without bytes.
  private static final class Numbers implements FrameSource {
    private long next = FIRST_FRAME;

    @Override
    public long allocate(int order, int flags) {
      return next++;
    }

    @Override
    public void free(long pfn, int order) {}
  }

  private static final class NoBytes implements PageBacking {
    @Override
    public boolean read(int file, long page, long toAddress) {
      return true;
    }

    @Override
    public boolean write(int file, long page, long fromAddress) {
      return true;
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
