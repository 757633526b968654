package dev.bifolio.kernel.reclaim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.frame.AllocationFlags;
import dev.bifolio.kernel.frame.ZeroedWindows;
import dev.bifolio.kernel.unit.FrameSource;
import org.junit.jupiter.api.Test;

/// Pages in slow memory that are hit often go to fast memory, those that were only read stay.
class PageCacheHeatTest {
  private static final int PAGES = 40;
  private static final int FLAGS =
      AllocationFlags.MOVABLE_ZONE | AllocationFlags.NOWAIT | AllocationFlags.EXACT_NODE;

  private static FrameSource slowFrames(TieredItems items) {
    return new FrameSource() {
      @Override
      public long allocate(int order, int flags) {
        return items.frames.tryAllocateNear(1, 1L << order, flags | FLAGS);
      }

      @Override
      public void free(long pfn, int order) {
        items.frames.free(pfn, order);
      }
    };
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

  private static int nodeOf(PageCache cache, int page) {
    long pfn = cache.get(1, page);
    assertTrue(pfn >= 0);
    cache.release(1, page, false);
    return pfn < TieredItems.START + 2048 ? 0 : 1;
  }

  @Test
  void pagesThatAreHitOftenArePromoted() {
    try (TieredItems items = new TieredItems(2048, 2048);
        ZeroedWindows memory = new ZeroedWindows()) {
      MovableBinding binding = new MovableBinding(items.movable);
      PageCache cache =
          new PageCache(
              memory.reserve(PageCache.byteSize(PAGES)),
              PAGES,
              1,
              slowFrames(items),
              new NoBytes(),
              0,
              binding);
      binding.register(cache);
      for (int page = 0; page < PAGES; page++) {
        assertEquals(1, nodeOf(cache, page));
        for (int hit = 0; hit < 5 && page % 4 == 0; hit++) {
          nodeOf(cache, page);
        }
      }
      TierBalance balance = items.reclaim.tierBalance();
      assertNotNull(balance);
      while (balance.turns() < 2) {
        balance.step(1);
      }
      for (int page = 0; page < PAGES; page++) {
        assertEquals(page % 4 == 0 ? 0 : 1, nodeOf(cache, page), "page " + page);
      }
      assertEquals(PAGES, cache.counters().misses());
      assertEquals(0, cache.drop(1));
      assertEquals(0, items.frames.zones().statistics().usedFrames());
    }
  }
}
