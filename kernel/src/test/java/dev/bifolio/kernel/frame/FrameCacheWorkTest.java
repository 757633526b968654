package dev.bifolio.kernel.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.kernel.unit.Pages;
import dev.bifolio.testkit.Behaviour;
import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Random work of many [FrameCache]s at once against a set of frames that are somebody's.
class FrameCacheWorkTest extends OwnedCaches {
  /// One owner of each frame, whatever caches of whatever kinds are opened, used and closed.
  @Test
  @Tag("slow")
  @Behaviour("51")
  void anyWorkOfManyCachesAgreesWithAModel() {
    for (int seed = 0; seed < 12; seed++) {
      new CacheWork(areas(6), new SplitMix64(seed)).run(6000);
    }
  }

  private record OpenCache(FrameCache cache, int kind) {}

  /// Random work on an allocator and its caches, and what must have come of it.
  private static final class CacheWork {
    private final HybridAllocator allocator;
    private final SplitMix64 random;
    private final List<OpenCache> caches = new ArrayList<>();
    private final BitSet owned = new BitSet();
    private final long[] served = new long[AllocationFlags.KIND_COUNT];
    private long freed;

    CacheWork(HybridAllocator allocator, SplitMix64 random) {
      this.allocator = allocator;
      this.random = random;
    }

    void run(int steps) {
      for (int step = 0; step < steps; step++) {
        boolean grows = step / 1500 % 2 == 0;
        switch (random.below(40)) {
          case 0 -> openOrClose();
          case 1 -> huge();
          case 2 -> {
            if (random.oneIn(4)) {
              allocator.drainCaches();
            }
          }
          case 3 -> freeTwice();
          default -> {
            if (random.below(10) < (grows ? 6 : 4)) {
              takeOne();
            } else {
              giveBack();
            }
          }
        }
        if (step % 100 == 0) {
          compare();
        }
      }
      while (!owned.isEmpty()) {
        giveBack();
      }
      compare();
      caches.forEach(open -> open.cache.close());
      caches.clear();
      compare();
      assertWhole(allocator);
    }

    private void openOrClose() {
      if (caches.size() < slotCount(allocator) && random.oneIn(2)) {
        int flags = random.below(16) & ~AllocationFlags.ZERO;
        flags = (flags & 6) == 6 ? AllocationFlags.LONG : flags;
        caches.add(new OpenCache(allocator.openCache(flags), AllocationFlags.kindOf(flags)));
      } else if (!caches.isEmpty()) {
        caches.remove(random.below(caches.size())).cache.close();
      }
    }

    private void takeOne() {
      int pick = random.below(caches.size() + 1);
      long pfn;
      int kind;
      if (pick == caches.size()) {
        int flags = random.oneIn(2) ? AllocationFlags.MOVABLE : NONE;
        kind = AllocationFlags.kindOf(flags);
        pfn = allocator.allocate(0, flags);
      } else {
        kind = caches.get(pick).kind;
        pfn = caches.get(pick).cache.allocate();
      }
      if (pfn == NO_FRAME) {
        // Only what is in the areas of other owners may be left.
        long left = allocator.freeFrameCount() + allocator.cachedFrameCount();
        assertTrue(
            left <= 512L * (caches.size() - (pick == caches.size() ? 0 : 1)), "left " + left);
      } else {
        assertFalse(owned.get(frame(pfn)), "two owners");
        owned.set(frame(pfn));
        served[kind]++;
      }
    }

    private int frame(long pfn) {
      return (int) (pfn - allocator.startPfn());
    }

    private void giveBack() {
      long pfn = ownedFrame();
      if (pfn >= 0) {
        owned.clear(frame(pfn));
        assertEquals(0, tryFree(pfn));
        freed++;
      }
    }

    private long ownedFrame() {
      int frame = owned.nextSetBit(random.below((int) allocator.managedFrameCount()));
      frame = frame < 0 ? owned.nextSetBit(0) : frame;
      return frame < 0 ? -1 : allocator.startPfn() + frame;
    }

    private long tryFree(long pfn) {
      int pick = random.below(caches.size() + 1);
      return pick == caches.size()
          ? allocator.tryFree(pfn, 0)
          : caches.get(pick).cache.tryFree(pfn);
    }

    private void freeTwice() {
      int frame = owned.nextClearBit(random.below((int) allocator.managedFrameCount()));
      if (frame < allocator.managedFrameCount()) {
        assertTrue(tryFree(allocator.startPfn() + frame) < 0, "frame " + frame + " is nobody's");
      }
    }

    private void huge() {
      long pfn = allocator.allocate(Pages.HUGE_ORDER, NONE);
      if (pfn >= 0) {
        assertTrue(owned.get(frame(pfn), frame(pfn) + 512).isEmpty());
        allocator.free(pfn, Pages.HUGE_ORDER);
      }
    }

    private void compare() {
      assertSound(allocator);
      assertEquals(owned.cardinality(), inUse(allocator));
      for (int kind = 0; kind < served.length; kind++) {
        assertEquals(served[kind], allocator.allocationCount(0, kind), "kind " + kind);
      }
      assertEquals(freed, allocator.freeCount(0));
      long cached = caches.stream().mapToLong(open -> open.cache.cachedFrameCount()).sum();
      assertTrue(cached <= allocator.cachedFrameCount());
    }
  }
}
