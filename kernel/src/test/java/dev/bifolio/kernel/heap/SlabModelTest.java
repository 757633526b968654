package dev.bifolio.kernel.heap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.bifolio.testkit.SplitMix64;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Random work over several caches, CPUs and owners beside a list of what is in use, with a pattern
/// in each object.
class SlabModelTest {
  private static final int[] SIZES = {8, 16, 40, 96, 256, 1000, 2048, 4096};

  private final HeapWorld world = new HeapWorld(3000, 40, 4096);
  private final List<SlabCache> caches = new ArrayList<>();
  private final List<SlabOwner> owners = new ArrayList<>();
  private final List<long[]> live = new ArrayList<>();
  private final SplitMix64 random = new SplitMix64(20261122);
  private long patterns;

  @Test
  @Tag("slow")
  void aMillionRandomOperationsKeepEveryObject() {
    try (world) {
      for (int bytes : SIZES) {
        SlabCache cache = world.caches.create(new SlabSpec("c" + bytes, bytes, 8));
        caches.add(cache);
        owners.add(cache.openOwner());
      }
      for (int i = 0; i < 1_000_000; i++) {
        int most = (i / 100_000 & 1) == 0 ? 3000 : 300;
        world.frames.failEvery(i / 50_000 % 5 == 4 ? 3 : 0);
        step(most);
        if (i % 50_000 == 0) {
          check();
        }
      }
      while (!live.isEmpty()) {
        free(live.size() - 1);
      }
      owners.forEach(SlabOwner::close);
      check();
      for (SlabCache cache : caches.subList(1, SIZES.length)) {
        assertEquals(0, cache.destroy());
      }
      world.assertGone(caches.get(0));
    }
  }

  private void step(int most) {
    int cache = random.below(SIZES.length);
    switch (random.below(100)) {
      case 0 -> caches.get(cache).shrink(random.below(20));
      case 1 -> owners.get(cache).drain();
      case 2 -> mistake(cache);
      default -> {
        if (random.below(most) >= live.size()) {
          allocate(cache);
        } else {
          free(random.below(live.size()));
        }
      }
    }
  }

  private void allocate(int cache) {
    int from = random.below(3);
    long pointer = from == 2 ? owners.get(cache).allocate() : caches.get(cache).allocate(from);
    if (pointer != SlabCache.NO_MEMORY) {
      long pattern = ++patterns;
      fill(pointer, SIZES[cache], pattern);
      live.add(new long[] {pointer, cache, pattern});
    }
  }

  private void fill(long pointer, int bytes, long pattern) {
    for (int at = 0; at < bytes; at += 8) {
      world.putLong(pointer + at, pattern + at);
    }
  }

  private void free(int index) {
    long[] object = live.get(index);
    live.set(index, live.getLast());
    live.removeLast();
    int cache = (int) object[1];
    for (int at = 0; at < SIZES[cache]; at += 8) {
      assertEquals(object[2] + at, world.getLong(object[0] + at));
    }
    FreeOutcome outcome =
        random.below(2) == 0
            ? owners.get(cache).tryFree(object[0])
            : caches.get(cache).tryFree(object[0]);
    assertEquals(FreeOutcome.FREED, outcome);
    FreeOutcome again = caches.get(cache).tryFree(object[0]);
    assertTrue(again == FreeOutcome.DOUBLE_FREE || again == FreeOutcome.FOREIGN, again::toString);
  }

  private void mistake(int cache) {
    if (!live.isEmpty()) {
      long[] object = live.get(random.below(live.size()));
      int other = (int) object[1] == cache ? (cache + 1) % SIZES.length : cache;
      assertEquals(FreeOutcome.WRONG_CACHE, caches.get(other).tryFree(object[0]));
      assertEquals(FreeOutcome.INTERIOR, caches.get((int) object[1]).tryFree(object[0] + 4));
    }
  }

  private void check() {
    long sum = 0;
    for (SlabCache cache : caches) {
      world.assertValid(cache);
      sum += cache.statistics().activeObjects();
      assertTrue(
          cache.lists.count(SlabLists.EMPTY) <= cache.spec().emptyLimit(), "too many empty slabs");
    }
    assertEquals(live.size(), sum);
  }
}
