package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.BuddyAllocator;
import dev.bifolio.kernel.frame.FrameAllocator;
import dev.bifolio.kernel.frame.HybridAllocator;
import dev.bifolio.kernel.frame.ZeroedWindows;
import dev.bifolio.kernel.platform.Memory;
import dev.bifolio.kernel.unit.FrameSource;
import dev.bifolio.kernel.unit.Pages;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Real allocators with shrinkers behind them: a request that fails asks the shrinkers, which
/// allocate and free themselves.
class ShrinkersAllocatorsTest {
  private static final long START = 0x200;
  private static final int FRAMES = 1024;

  private final ZeroedWindows memory = new ZeroedWindows();
  private final Shrinkers shrinkers = new Shrinkers(memory.reserve(Shrinkers.byteSize()));

  @AfterEach
  void close() {
    memory.close();
  }

  private FrameAllocator hybrid() {
    long words = memory.reserve(HybridAllocator.metadataBytes(START, START + FRAMES, 2));
    FrameAllocator allocator =
        new HybridAllocator(Pages.MAX_ORDER, 2, words, Pages.pfnToAddress(START), FRAMES);
    assertEquals(FRAMES, allocator.addFrames(START, START + FRAMES));
    return allocator;
  }

  private FrameAllocator buddy() {
    long words = memory.reserve(BuddyAllocator.metadataBytes(START, START + FRAMES));
    FrameAllocator allocator =
        new BuddyAllocator(Pages.MAX_ORDER, words, Pages.pfnToAddress(START), FRAMES);
    assertEquals(FRAMES, allocator.addFrames(START, START + FRAMES));
    return allocator;
  }

  /// An allocator whose requests reclaim when they fail; locked, if the allocator needs it, but not
  /// while the shrinkers run.
  private final class Reclaiming implements FrameSource {
    final FrameAllocator allocator;
    final boolean isLocked;

    Reclaiming(FrameAllocator allocator, boolean isLocked) {
      this.allocator = allocator;
      this.isLocked = isLocked;
    }

    @Override
    public long allocate(int order, int flags) {
      for (int attempt = 0; attempt < 3; attempt++) {
        long pfn = bare(order, flags);
        if (pfn >= 0) {
          return pfn;
        }
        if (shrinkers.shrink(-1, 1L << order) == 0) {
          return -1;
        }
      }
      return -1;
    }

    private long bare(int order, int flags) {
      if (!isLocked) {
        return allocator.allocate(order, flags);
      }
      synchronized (this) {
        return allocator.allocate(order, flags);
      }
    }

    @Override
    public void free(long pfn, int order) {
      if (!isLocked) {
        allocator.free(pfn, order);
      } else {
        synchronized (this) {
          allocator.free(pfn, order);
        }
      }
    }
  }

  /// Holds frames, and allocates one for a moment whenever it gives some back.
  private static final class Holder implements Shrinker {
    final FrameSource source;
    final Deque<Long> held = new ArrayDeque<>();
    final AtomicLong nestedFailures = new AtomicLong();

    Holder(FrameSource source) {
      this.source = source;
    }

    synchronized void add(long pfn) {
      held.add(pfn);
    }

    synchronized long take() {
      Long pfn = held.poll();
      return pfn == null ? -1 : pfn;
    }

    @Override
    public String name() {
      return "holder";
    }

    @Override
    public int cost() {
      return 1;
    }

    @Override
    public synchronized long countFrames(int nid) {
      return held.size();
    }

    @Override
    public long shrink(int nid, long wantedFrames) {
      long scratch = source.allocate(0, AllocationFlags.NONE);
      if (scratch < 0) {
        nestedFailures.incrementAndGet();
      }
      long freed = 0;
      for (long pfn = 0; freed < wantedFrames && pfn >= 0; ) {
        pfn = take();
        if (pfn >= 0) {
          source.free(pfn, 0);
          freed++;
        }
      }
      if (scratch >= 0) {
        source.free(scratch, 0);
      }
      return freed;
    }
  }

  private static long idle(Reclaiming source) {
    return source.allocator.freeFrameCount() + source.allocator.cachedFrameCount();
  }

  @Test
  void aRequestThatFailsIsServedFromWhatAShrinkerGivesBack() {
    for (Reclaiming source :
        List.of(new Reclaiming(hybrid(), false), new Reclaiming(buddy(), true))) {
      Holder holder = new Holder(source);
      shrinkers.register(holder);
      for (int i = 0; i < FRAMES; i++) {
        holder.add(source.allocate(0, AllocationFlags.NONE));
      }
      assertEquals(0, idle(source));
      long nested = shrinkers.nestedCallCount();
      long pfn = source.allocate(0, AllocationFlags.NONE);
      assertTrue(pfn >= START);
      assertEquals(nested + 1, shrinkers.nestedCallCount());
      assertEquals(1, holder.nestedFailures.get());
      assertEquals(FRAMES - 1, holder.countFrames(-1));
      source.free(pfn, 0);
      assertEquals(FRAMES - 1, shrinkers.shrink(-1, FRAMES));
      assertEquals(FRAMES, idle(source));
      source.allocator.assertValid();
      assertTrue(shrinkers.unregister(holder));
    }
  }

  @Test
  @Tag("slow")
  void aPageCacheAndAHolderLiveFromOneAllocatorInAStorm() throws InterruptedException {
    for (Reclaiming source :
        List.of(new Reclaiming(hybrid(), false), new Reclaiming(buddy(), true))) {
      long bytes = memory.reserve(Pages.framesToBytes(FRAMES));
      int capacity = 2 * FRAMES;
      PageCache cache =
          new PageCache(
              memory.reserve(PageCache.byteSize(capacity)),
              capacity,
              -1,
              source,
              new NumberBacking(),
              bytes - Pages.pfnToAddress(START),
              null);
      Holder holder = new Holder(source);
      shrinkers.register(cache);
      shrinkers.register(holder);
      List<Thread> threads = new ArrayList<>();
      AtomicLong served = new AtomicLong();
      AtomicLong wrong = new AtomicLong();
      for (int t = 0; t < 4; t++) {
        int number = t;
        threads.add(
            Thread.ofPlatform()
                .start(() -> {
                  for (int i = 0; i < 5000; i++) {
                    long page = (i * 7L + number * 1000L) % 3000;
                    long pfn = cache.get(1, page);
                    if (pfn >= 0) {
                      served.incrementAndGet();
                      if (Memory.getLong(cache.bytesOf(pfn) + 512) != page) {
                        wrong.incrementAndGet();
                      }
                      cache.release(1, page, false);
                    }
                    long mine = source.allocate(0, AllocationFlags.NONE);
                    if (mine >= 0) {
                      holder.add(mine);
                    }
                  }
                }));
      }
      for (Thread thread : threads) {
        thread.join();
      }
      assertEquals(0, wrong.get());
      assertTrue(served.get() > 10_000, served + " of 20000 were served");
      for (int number = 0; number < 2; number++) {
        ShrinkerReport report = shrinkers.report(number);
        assertTrue(report != null && report.freedFrames() > 0 && report.failures() == 0);
      }
      assertEquals(FRAMES, idle(source) + cache.counters().pages() + holder.countFrames(-1));
      shrinkers.shrink(-1, 2 * FRAMES);
      shrinkers.shrink(-1, 2 * FRAMES);
      assertEquals(FRAMES, idle(source));
      source.allocator.assertValid();
      assertTrue(shrinkers.unregister(cache) && shrinkers.unregister(holder));
    }
  }

  /// Every page holds its number.
  private static final class NumberBacking implements PageBacking {
    @Override
    public boolean read(int file, long page, long toAddress) {
      Memory.putLong(toAddress + 512, page);
      return true;
    }

    @Override
    public boolean write(int file, long page, long fromAddress) {
      return false;
    }
  }
}
