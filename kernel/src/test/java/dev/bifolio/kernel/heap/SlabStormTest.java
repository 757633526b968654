package dev.bifolio.kernel.heap;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.bifolio.testkit.SplitMix64;
import dev.bifolio.testkit.Threads;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// Threads that allocate, pass objects on, free them, free them twice, and shrink, all at once; a
/// map that knows nothing of slabs says who has what.
class SlabStormTest {
  private static final int THREADS = 4;
  private static final int STEPS = 150_000;

  private final HeapWorld world = new HeapWorld(2000, 40, 4096);
  private final ConcurrentHashMap<Long, Integer> owners = new ConcurrentHashMap<>();
  private final ConcurrentLinkedQueue<Long> handedOver = new ConcurrentLinkedQueue<>();
  private final AtomicLong refused = new AtomicLong();

  @Test
  @Tag("slow")
  void noObjectHasTwoOwnersAndNoneIsLost() throws InterruptedException {
    try (world) {
      for (int bytes : new int[] {16, 200, 2048}) {
        SlabCache cache = world.caches.create(HeapWorld.spec(bytes, SlabSpec.ANY_ORDER, 1));
        List<Runnable> work = new ArrayList<>();
        for (int thread = 0; thread < THREADS; thread++) {
          int number = thread;
          work.add(() -> run(cache, number));
        }
        Threads.runAll(work);
        for (Long pointer = handedOver.poll(); pointer != null; pointer = handedOver.poll()) {
          owners.remove(pointer);
          cache.free(pointer);
        }
        assertEquals(0, owners.size());
        assertEquals(0, cache.statistics().activeObjects());
        assertEquals(refused.getAndSet(0), cache.statistics().mistakes());
        assertEquals(0, cache.statistics().doubleFrees());
        world.assertGone(cache);
      }
    }
  }

  private void run(SlabCache cache, int number) {
    SplitMix64 random = new SplitMix64(number + 1L);
    List<Long> mine = new ArrayList<>();
    boolean isOwner = number % 2 == 1;
    SlabOwner owner = cache.openOwner();
    for (int i = 0; i < STEPS; i++) {
      int kind = random.below(64);
      if (kind == 0) {
        cache.shrink(random.below(4));
      } else if (kind == 1) {
        owner.drain();
      } else if (random.below(80) >= mine.size()) {
        long pointer = isOwner ? owner.allocate() : cache.allocate(random.below(2));
        if (pointer != SlabCache.NO_MEMORY) {
          take(pointer, number);
          mine.add(pointer);
        }
      } else {
        long pointer = mine.remove(random.below(mine.size()));
        passOn(cache, owner, pointer, number, kind);
      }
      world.frames.failEvery(kind == 5 ? 7 : 0);
    }
    for (long pointer : mine) {
      release(cache, owner, pointer, number, true);
    }
    owner.close();
  }

  private void passOn(SlabCache cache, SlabOwner owner, long pointer, int number, int kind) {
    if (kind % 4 == 0) {
      handedOver.add(pointer);
      Long other = handedOver.poll();
      if (other != null) {
        owners.put(other, number);
        release(cache, owner, other, number, kind % 8 == 0);
      }
    } else {
      // An interior pointer is refused, whoever is at work around it.
      assertEquals(FreeOutcome.INTERIOR, cache.tryFree(pointer + 4));
      refused.incrementAndGet();
      release(cache, owner, pointer, number, kind % 2 == 0);
    }
  }

  private void take(long pointer, int number) {
    Integer before = owners.putIfAbsent(pointer, number);
    if (before != null) {
      throw new AssertionError(Long.toHexString(pointer) + " belongs to thread " + before);
    }
    world.putLong(pointer, pointer ^ number);
    world.putLong(pointer + 8, number);
  }

  private void release(
      SlabCache cache, SlabOwner owner, long pointer, int number, boolean throughOwner) {
    assertEquals(pointer ^ world.getLong(pointer + 8), world.getLong(pointer));
    assertEquals(number, owners.remove(pointer));
    if (throughOwner) {
      owner.free(pointer);
    } else {
      cache.free(pointer);
    }
  }
}
